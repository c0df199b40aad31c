package synchro_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// TestEachChangeIsExplained lets a bank announce, book, renumber and remove a row, and
// asks each day for its explanation.
func TestEachChangeIsExplained(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 12)
	day := b.day(0).String()
	row := scriptedRow(day, "CB CAFE DE LA GARE")
	row["entryReference"], row["status"], row["bookingDate"], row["transactionDate"] = "p-1", "PDNG", nil, day
	others := b.rows["a"]
	show := func(row ...map[string]any) { b.rows["a"] = append(slices.Clone(row), others...) }
	find := func() oxlin.Transaction {
		t.Helper()
		list, err := b.DB.Read().Transactions(t.Context(), b.caller.UserID, store.TransactionFilter{
			IncludedStatuses: []oxlin.TransactionStatus{oxlin.StatusPending, oxlin.StatusBooked, oxlin.StatusExpired, oxlin.StatusCancelled},
		}, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(list, func(x oxlin.Transaction) bool { return slices.Contains(x.Remittance, "CB CAFE DE LA GARE") })
		if at < 0 {
			t.Fatal("the row is not there")
		}
		return list[at]
	}
	explain := func() oxlin.Explanation {
		t.Helper()
		e, err := b.Service.Transactions.Explain(t.Context(), b.caller, find().ID)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	last := func() oxlin.SyncID {
		t.Helper()
		channel := b.world.accounts()[0].ConnectionID
		connection := b.connection(channel)
		syncs, err := b.DB.Read().Synchronisations(t.Context(), connection.Channels[0].ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		return syncs[0].ID
	}

	show(row)
	id := b.begin()
	imported := find().ImportedAt
	want := oxlin.Explanation{
		Provider: "87", ImportedAt: imported, BankIDs: []string{"p-1"}, Changes: []oxlin.TransactionChange{},
		Import:     oxlin.ImportSource{Sync: last(), Channel: "8701", CategoryRule: "none"},
		Derivation: oxlin.Derivation{LabelRule: "words", TypeRule: "words"},
	}
	check := func(fact string) {
		t.Helper()
		got := explain()
		for i, change := range got.Changes {
			if change.Transaction != find().ID || change.At.Before(imported) {
				t.Errorf("%s: %+v", fact, change)
			}
			got.Changes[i].Transaction, got.Changes[i].At = 0, time.Time{}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(oxlin.Date{})); diff != "" {
			t.Errorf("%s: %s", fact, diff)
		}
	}
	check("imported")
	next := func(fact string, rule reconcile.Rule, former string, rows ...map[string]any) {
		t.Helper()
		b.Clock.Advance(24 * time.Hour)
		show(rows...)
		b.synchronize(id)
		if rule != "" {
			want.Changes = append(want.Changes, oxlin.TransactionChange{Sync: last(), Rule: string(rule), FormerBankID: former})
		}
		check(fact)
	}
	next("confirmed", "", "", row)
	booked := scriptedRow(b.day(1).String(), "CB CAFE DE LA GARE")
	booked["transactionDate"], booked["entryReference"] = day, "b-1"
	want.BankIDs = append(want.BankIDs, "b-1")
	next("booked under another id", reconcile.RuleSettledOperationDay, "p-1", booked)
	next("confirmed again", "", "", booked)
	booked["valueDate"] = "the day before"
	next("confirmed, with a value day that cannot be read", "", "", booked)
	booked["additionalTransactionInformation"], booked["transactionAmount"] = "x", map[string]any{"currency": "EUR", "amount": "1.50"}
	want.Derivation.Unread = []string{"value_day"}
	next("corrected", reconcile.RuleIDAmount, "", booked)
	next("missing", reconcile.RuleMissing, "")
	next("missing for two days", "", "")
	next("cancelled", reconcile.RuleCancelled, "")
	next("shown again", reconcile.RuleID, "", booked)
}
