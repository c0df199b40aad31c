package reconcile_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

func TestABookedRowThatIsAbsentIsMarkedAndReturns(t *testing.T) {
	a, b := row{amount: -100, booked: 9, label: "A A"}, row{amount: -200, booked: 9, label: "B B"}
	var l ledger
	l.apply(fetch(bank.IDNone, a, b))
	result, _ := l.apply(fetch(bank.IDNone, a))
	if !slices.Equal(result.Missing, []oxlin.TransactionID{1}) || len(result.Expired) > 0 {
		t.Fatalf("missing %v, expired %v", result.Missing, result.Expired)
	}
	result, _ = l.apply(fetch(bank.IDNone, a))
	if len(result.Missing) > 0 {
		t.Fatal("called missing a second time")
	}
	result, ids := l.apply(fetch(bank.IDNone, a, b))
	if !slices.Equal(ids, []oxlin.TransactionID{2, 1}) || !slices.Equal(result.Returned, []oxlin.TransactionID{1}) {
		t.Fatalf("ids %v, returned %v", ids, result.Returned)
	}
	if change := updated(result)[0].Change; change != reconcile.ChangedPresence || change.Visible() {
		t.Fatalf("a client sees the return: %b", change)
	}
}

func TestWhatLiesBeforeTheWindowIsNeitherMissingNorExpired(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDNone,
		row{amount: -100, booked: 9, label: "BEFORE"}, row{amount: -200, booked: 12, label: "EDGE"},
		row{amount: -300, booked: 16, on: 11, label: "OTHER DAY"}, row{amount: -400, on: 8, pending: true, label: "PENDING"},
		row{amount: -500, booked: 16, label: "INSIDE"},
	))
	f := fetch(bank.IDNone)
	f.CoveredFrom = march(10)
	result, _ := l.apply(f)
	if len(result.Missing) != 1 || len(result.Expired) != 0 {
		t.Fatalf("missing %v, expired %v", result.Missing, result.Expired)
	}
}

func TestARowThatComesLaterThanTodayIsNotMissing(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDNone, row{amount: -100, booked: 35, label: "NEXT MONTH"}))
	result, _ := l.apply(fetch(bank.IDNone))
	if len(result.Missing) > 0 {
		t.Fatal("called missing")
	}
}

func TestAnIncompleteAnswerSettlesOnlyWhatIsCertain(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDStable,
		row{id: "a", amount: -100, booked: 9, label: "COFFEE SHOP"},
		row{id: "b", amount: -300, pending: true, on: 9, label: "PUMP"},
		row{id: "c", amount: -400, booked: 9, label: "GROCER"},
	))
	f := fetch(bank.IDStable,
		row{id: "a", amount: -100, booked: 10, label: "COFFEE SHOP"},  // the id tells
		row{id: "x", amount: -300, booked: 10, on: 9, label: "PUMP"},  // the pending one, or another
		row{id: "y", amount: -400, booked: 9, label: "GROCER"},        // the known one, or its twin
		row{id: "z", amount: -900, booked: 9, label: "JEWELLER SHOP"}, // nothing known is like it
	)
	f.Complete = false
	result, ids := l.apply(f)
	if ids[0] == 0 || len(updated(result)) != 1 || len(result.New) != 1 || ids[3] == 0 {
		t.Errorf("updated %v, new %v", updated(result), result.New)
	}
	if !slices.Equal(result.Waiting, []int{2, 1}) {
		t.Errorf("waiting %v", result.Waiting)
	}
	if len(result.Missing)+len(result.Expired) > 0 {
		t.Errorf("missing %v, expired %v", result.Missing, result.Expired)
	}
}

func TestTheOtherChannelDoublesNothing(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDStable,
		row{id: "1", amount: -240, booked: 9, on: 8, value: 9, label: "CB CAFÉ DE LA GARE 08/03", counterpart: "Café de la Gare"},
		row{id: "2", amount: -240, booked: 9, on: 8, value: 9, label: "CB CAFÉ DE LA GARE 08/03", counterpart: "Café de la Gare"},
		row{id: "3", amount: -240, booked: 9, on: 9, value: 9, label: "CB MARCHE DU PORT 09/03"},
		row{id: "4", amount: -990, pending: true, on: 12, label: "CB LIBRAIRIE CORNEE"},
	))
	site := fetch(bank.IDNone,
		row{id: "3", amount: -240, booked: 9, label: "Cafe de la gare"},
		row{id: "1", amount: -240, booked: 9, label: "Marché du Port"},
		row{id: "2", amount: -240, booked: 9, label: "Cafe de la gare"},
		row{id: "9", amount: -990, booked: 13, label: "Librairie Cornee Paris"},
	)
	site.Channel = embedded
	result, ids := l.apply(site)
	slices.Sort(ids)
	if len(result.New) > 0 || !slices.Equal(ids, []oxlin.TransactionID{1, 2, 3, 4}) {
		t.Fatalf("new %v, ids %v", result.New, ids)
	}
	for _, match := range updated(result) {
		if match.Held.BookingDate.IsZero() || match.Held.ID < 4 && match.Held.ValueDate.IsZero() {
			t.Errorf("a day was forgotten: %+v", match.Held)
		}
	}
}

func TestABookedRowDoesNotBecomePendingAgain(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDStable, row{id: "a", amount: -240, booked: 10, on: 9, label: "CAFE"}))
	result, ids := l.apply(fetch(bank.IDStable, row{id: "a", amount: -240, pending: true, on: 9, label: "CAFE"}))
	if ids[0] != 1 || len(result.New)+len(updated(result)) > 0 || l.rows[0].Status != oxlin.StatusBooked {
		t.Fatalf("%+v", result)
	}
}

func TestWhatExpiredComesBack(t *testing.T) {
	pump := row{amount: -240, pending: true, on: 9, label: "POMPE DU LAC"}
	var l ledger
	l.apply(fetch(bank.IDNone, pump))
	l.apply(fetch(bank.IDNone))
	if l.rows[0].Status != oxlin.StatusExpired {
		t.Fatal("not expired")
	}
	_, ids := l.apply(fetch(bank.IDNone, row{amount: -240, booked: 12, on: 9, label: "CB POMPE DU LAC 09/03"}))
	if ids[0] != 1 || l.rows[0].Status != oxlin.StatusBooked {
		t.Fatalf("ids %v, %s", ids, l.rows[0].Status)
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		lines []string
		name  string
		want  string
	}{
		{[]string{"Café ", "\tde  la\u00a0gare"}, "", "CAFÉ DE LA GARE"},
		{[]string{"Cafe\u0301"}, "", "CAFÉ"},
		{[]string{"zero\u200bwidth\x00\xff."}, "", "ZEROWIDTH ."},
		{[]string{" ", ""}, "Jean", "JEAN"},
		{nil, "", ""},
	} {
		got := reconcile.Words(bank.Transaction{Remittance: c.lines, Counterparty: c.name})
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

// FuzzTransactions feeds foreign text: it must not panic, must place every row
// exactly once, and must be silent the second time.
func FuzzTransactions(f *testing.F) {
	f.Add("id", "CB SHOP 12/03", "id2", "SHOP", int64(-100), int64(-100), byte(3))
	f.Add("2026-03-01.1", "", " ", "\xff\u0301", int64(0), int64(1), byte(255))
	f.Fuzz(func(t *testing.T, id, label, otherID, other string, amount, otherAmount int64, flags byte) {
		class := []bank.IDClass{bank.IDStable, bank.IDPerConsent, bank.IDPositional, bank.IDConstant, bank.IDNone}[flags%5]
		first := fetch(class,
			row{id: id, label: label, amount: oxlin.Amount(amount % 1e9), booked: 9, pending: flags&8 != 0},
			row{id: otherID, label: other, amount: oxlin.Amount(otherAmount % 1e9), on: 9},
			row{id: id, label: other, amount: oxlin.Amount(amount % 1e9), booked: 10},
		)
		second := fetch(class,
			row{id: otherID, label: label, amount: oxlin.Amount(amount % 1e9), booked: 9},
			row{id: id, label: other, amount: oxlin.Amount(otherAmount % 1e9), on: 9, pending: flags&16 != 0},
		)
		second.Complete = flags&32 == 0
		var l ledger
		l.apply(first)
		l.apply(second)
		again, _ := l.apply(second)
		if len(again.New)+len(updated(again))+len(again.Missing)+len(again.Expired) > 0 {
			t.Fatalf("not silent: %+v", again)
		}
	})
}

// BenchmarkTransactions reconciles 10,000 known rows with as many fetched.
func BenchmarkTransactions(b *testing.B) {
	var rows []row
	for i := range 10_000 {
		rows = append(rows, row{
			id: fmt.Sprint("tx", i), amount: -oxlin.Amount(1 + i%400), booked: 1 - i%1000, on: -i % 1000, value: 1 - i%1000,
			label: fmt.Sprintf("CB SHOP%c NUMBER%c %d", 'A'+i%26, 'A'+i%17, i%97),
		})
	}
	bench := func(name string, ids bank.IDClass, change func(*row)) {
		b.Run(name, func(b *testing.B) {
			var l ledger
			first := fetch(ids, rows...)
			first.CoveredFrom = oxlin.Date{}
			result := reconcile.Transactions(nil, first)
			for _, i := range result.New {
				l.last++
				held := reconcile.Hold(first.Transactions[i], result.BankIDs[i], redirect)
				held.ID = l.last
				l.rows = append(l.rows, held)
			}
			later := slices.Clone(rows)
			for i := range later {
				change(&later[i])
			}
			second := fetch(ids, later...)
			second.CoveredFrom = oxlin.Date{}
			for b.Loop() {
				result := reconcile.Transactions(l.rows, second)
				if len(result.New) > 0 {
					b.Fatal("doubled ", len(result.New))
				}
			}
		})
	}
	bench("unchanged, stable ids", bank.IDStable, func(*row) {})
	bench("unchanged, no ids", bank.IDNone, func(*row) {})
	bench("renumbered", bank.IDPerConsent, func(r *row) { r.id += "x" })
	bench("relabelled, no ids", bank.IDNone, func(r *row) { r.label = "PAIEMENT " + r.label })
}
