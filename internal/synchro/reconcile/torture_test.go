package reconcile_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// posting is a row of an answer, and the movement of money behind it, which recognition
// cannot see.
type posting struct {
	movement int
	row
	other    bool
	currency string
}

// answer is one reading: today and the first day that it covers are days of March.
type answer struct {
	today, from int
	partial     bool
	// suspect: too much is absent for anything to be missing.
	suspect bool
	channel oxlin.ChannelDefinitionID
	rows    []posting
}

func (a answer) fetched(ids bank.IDClass) reconcile.Fetched {
	f := reconcile.Fetched{
		CoveredFrom: march(a.from), Complete: !a.partial, IDs: ids, Channel: redirect, Today: march(a.today),
	}
	if a.channel != "" {
		f.Channel = a.channel
	}
	for _, r := range a.rows {
		t := r.transaction()
		if r.other {
			t.Status = oxlin.StatusOther
		}
		if r.currency != "" {
			t.Currency = r.currency
		}
		f.Transactions = append(f.Transactions, t)
	}
	return f
}

// TestTorture has minimal inputs that the torture corpus found (see package torture): each
// movement keeps the row that it has got, and no two share one.
func TestTorture(t *testing.T) {
	for _, c := range []struct {
		name    string
		ids     bank.IDClass
		answers []answer
	}{
		{"one reference for each week's payment", bank.IDStable, []answer{
			{today: 10, from: -80, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
			}},
			{today: 11, from: -28, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
			}},
			{today: 18, from: -21, rows: []posting{
				{movement: 1, row: row{id: "rent", amount: -9900, booked: 2, label: "FONCIERE LOCATIVE"}},
				{movement: 2, row: row{id: "rent", amount: -9900, booked: 9, label: "FONCIERE LOCATIVE"}},
				{movement: 3, row: row{id: "rent", amount: -9900, booked: 16, label: "FONCIERE LOCATIVE"}},
			}},
		}},
		{"the balance after tells which twin was cancelled", bank.IDNone, []answer{
			{today: 16, from: -74, rows: []posting{
				{movement: 7, row: row{amount: -4843, booked: 16, label: "CB TELECOM SERVICES 13/03", balance: 95157}},
				{movement: 8, row: row{amount: -4843, booked: 16, label: "CB TELECOM SERVICES 13/03", balance: 90314}},
			}},
			{today: 18, from: -14, rows: []posting{
				{movement: 7, row: row{amount: -4843, booked: 16, label: "CB TELECOM SERVICES 13/03", balance: 95157}},
			}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l ledger
			row := make(map[int]oxlin.TransactionID)
			movement := make(map[oxlin.TransactionID]int)
			for at, a := range c.answers {
				result, ids := l.apply(a.fetched(c.ids))
				for i, r := range a.rows {
					if before := row[r.movement]; before != 0 && ids[i] != 0 && ids[i] != before {
						t.Errorf("answer %d: movement %d has row %v in place of %v", at, r.movement, ids[i], before)
					}
					if other := movement[ids[i]]; other != 0 && other != r.movement {
						t.Errorf("answer %d: movement %d has row %v of movement %d", at, r.movement, ids[i], other)
					}
					if ids[i] != 0 {
						row[r.movement], movement[ids[i]] = ids[i], r.movement
					}
				}
				for _, r := range a.rows {
					if row[r.movement] == 0 && len(result.Waiting) == 0 {
						t.Errorf("answer %d: movement %d is missed", at, r.movement)
					}
				}
				if (a.suspect || a.partial) && len(result.Missing) > 0 {
					t.Errorf("answer %d: missing %v", at, result.Missing)
				}
			}
		})
	}
}
