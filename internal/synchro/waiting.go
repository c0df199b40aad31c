package synchro

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// patience is how many days rows wait for the bank to correct one that cannot be read: a
// pending row is booked within them.
const patience = 10

// lasting reports whether a walk came to its end and lacks nothing but rows that could not be
// read for patience days already. What has disappeared since then is not one of them.
func (c *core) lasting(ctx context.Context, reader store.Reader, account oxlin.AccountID, read reading) (bool, error) {
	if !read.ended() || len(read.unreadable) == 0 {
		return false, nil
	}
	records, err := reader.UnreadableRecords(ctx, account)
	if err != nil {
		return false, err
	}
	old := make(map[string]bool)
	for _, record := range records {
		old[string(record.Content)] = read.Today.DaysSince(today(record.SeenAt)) > patience
	}
	for _, row := range read.unreadable {
		content, err := c.content(records, row.Raw)
		if err != nil || !old[string(content)] {
			return false, err
		}
	}
	return true, nil
}

// settle ends the waiting of an answer that will not be complete (see lasting): the rows that
// wait are compared with the pending ones that the answer lacks, as a complete answer would
// be. A row that only a booked one explains stays, and is new after patience: a surplus row
// can be seen. No booked row goes missing.
func settle(result reconcile.Result, known []reconcile.Known, fetched reconcile.Fetched) reconcile.Result {
	found := make(map[oxlin.TransactionID]bool)
	for _, match := range result.Found {
		found[match.ID] = true
	}
	var open []reconcile.Known
	for _, k := range known {
		if !found[k.ID] && (k.Status == oxlin.StatusPending || k.Status == oxlin.StatusExpired) {
			open = append(open, k)
		}
	}
	rest := fetched
	rest.Complete, rest.Transactions = true, nil
	for _, row := range result.Waiting {
		t := fetched.Transactions[row]
		t.BankID = result.BankIDs[row]
		rest.Transactions = append(rest.Transactions, t)
	}
	decided := reconcile.Transactions(open, rest)
	waiting := result.Waiting
	result.Waiting = nil
	result.Expired = append(result.Expired, decided.Expired...)
	for _, match := range decided.Found {
		match.Row = waiting[match.Row]
		result.Found = append(result.Found, match)
	}
	for _, at := range decided.New {
		row := waiting[at]
		if day := fetched.Transactions[row].Date(); !day.IsZero() && fetched.Today.DaysSince(day) <= patience {
			result.Waiting = append(result.Waiting, row)
			continue
		}
		result.New = append(result.New, row)
	}
	slices.Sort(result.Expired)
	return result
}
