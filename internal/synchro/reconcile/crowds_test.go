package reconcile_test

import (
	"fmt"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// crowds are families of rows that look alike, so that each might be compared with each.
var crowds = []struct {
	name          string
	ids           bank.IDClass
	before, after func(i int) row
}{
	{
		"equal rows", bank.IDNone,
		func(int) row { return row{amount: -100, booked: 5, label: "CAFE DE LA GARE"} },
		func(int) row { return row{amount: -100, booked: 5, label: "CAFE DE LA GARE"} },
	},
	{
		"equal rows but for the day of operation", bank.IDNone,
		func(i int) row { return row{amount: -100, pending: true, on: 1 + i%10, label: "CAFE DE LA GARE"} },
		func(i int) row { return row{amount: -100, booked: 21, on: 14 + i%4, label: "CAFE DE LA GARE"} },
	},
	{
		"equal rows but for the days, which have moved", bank.IDNone,
		func(i int) row { return row{amount: -100, booked: 1 + i%20, label: "CAFE DE LA GARE"} },
		func(i int) row { return row{amount: -100, booked: 2 + i%20, label: "CAFE DE LA GARE"} },
	},
	{
		"one amount and day, other words", bank.IDNone,
		func(i int) row { return row{amount: -100, booked: 5, label: "ALPHA " + word(i)} },
		func(i int) row { return row{amount: -100, booked: 5, label: word(i) + "S BETA"} },
	},
	{
		"one amount and day, words that share a name", bank.IDNone,
		func(i int) row { return row{amount: -100, pending: true, on: 5, label: "CAFE " + word(i)} },
		func(i int) row { return row{amount: -100, booked: 6, label: "CAFE GARE " + word(i+1)} },
	},
	{
		"one hotel, other amounts", bank.IDNone,
		func(i int) row { return row{amount: oxlin.Amount(-100 - i), pending: true, on: 5, label: "HOTEL LUNE"} },
		func(i int) row { return row{amount: oxlin.Amount(-90000 - i), booked: 6, label: "HOTEL LUNE"} },
	},
	{
		"hotels of many names", bank.IDNone,
		func(i int) row {
			return row{amount: oxlin.Amount(-100 - i), pending: true, on: 5, label: "HOTEL " + word(i%100) + " " + word(i/100)}
		},
		func(i int) row {
			return row{amount: oxlin.Amount(-90000 - i), booked: 6, label: "HOTEL " + word(i%100) + " " + word(i/100)}
		},
	},
	{
		"no days", bank.IDNone,
		func(i int) row { return row{amount: -100, label: "CAFE " + word(i)} },
		func(i int) row { return row{amount: -100, booked: 6, label: "CAFE GARE " + word(i+1)} },
	},
	{
		"one id", bank.IDStable,
		func(i int) row {
			return row{id: "FR76", amount: oxlin.Amount(-100 - i%50), booked: 1 + i%20, label: word(i)}
		},
		func(i int) row {
			return row{id: "FR76", amount: oxlin.Amount(-100 - i%50), booked: 1 + i%20, label: word(i) + " X"}
		},
	},
	{
		"one id on equal rows", bank.IDStable,
		func(i int) row {
			return row{id: fmt.Sprint("a", i%2), amount: -100, booked: 5, label: "CAFE DE LA GARE"}
		},
		func(i int) row {
			return row{id: fmt.Sprint("a", i%2), amount: -100, booked: 5, label: "CAFE DE LA GARE"}
		},
	},
	{
		"ids that moved", bank.IDStable,
		func(i int) row { return row{id: fmt.Sprint("a", i), amount: -100, booked: 5, label: word(i)} },
		func(i int) row { return row{id: fmt.Sprint("a", i+1), amount: -200, booked: 5, label: word(i)} },
	},
	{
		"ids that moved from announcement to announcement", bank.IDStable,
		func(i int) row {
			return row{id: fmt.Sprint("a", i), amount: -100, pending: true, on: 5, label: word(i)}
		},
		func(i int) row {
			return row{id: fmt.Sprint("a", i+1), amount: -100, pending: true, on: 8, label: word(i) + " 08/03"}
		},
	},
	{
		"one reference of the parties", bank.IDNone,
		func(i int) row { return row{amount: -100, pending: true, on: 5, endToEnd: "e1", label: word(i)} },
		func(i int) row {
			return row{amount: -100, pending: i%2 == 0, on: 5, booked: 25 * (i % 2), endToEnd: "e1", label: word(i)}
		},
	},
	{
		"announcements before the window", bank.IDNone,
		func(i int) row {
			return row{amount: -100, pending: i%2 == 0, on: -(i % 2) - 30, booked: -29 * (i % 2), label: "CAFE DE LA GARE"}
		},
		func(i int) row { return row{amount: oxlin.Amount(-100 - i), booked: 20, label: word(i)} },
	},
}

// word is a word of its own for each number.
func word(i int) string {
	letters := make([]byte, 5)
	for at := range letters {
		letters[at] = byte('A' + i%26)
		i /= 26
	}
	return string(letters)
}

func crowd(rows int, family int) ([]reconcile.Known, reconcile.Fetched) {
	c := crowds[family]
	var before, after []row
	for i := range rows {
		before, after = append(before, c.before(i)), append(after, c.after(i))
	}
	first, second := fetch(c.ids, before...), fetch(c.ids, after...)
	var l ledger
	for i, t := range first.Transactions {
		held := reconcile.Hold(t, before[i].id, redirect)
		held.ID = oxlin.TransactionID(i + 1)
		l.rows = append(l.rows, held)
	}
	return l.rows, second
}

// TestCrowds holds each row of a crowd to one place: it is found, new or waits.
func TestCrowds(t *testing.T) {
	for family, c := range crowds {
		t.Run(c.name, func(t *testing.T) {
			known, fetched := crowd(600, family)
			result := reconcile.Transactions(known, fetched)
			places := make(map[int]int)
			for _, m := range result.Found {
				places[m.Row]++
			}
			for _, i := range append(result.New, result.Waiting...) {
				places[i]++
			}
			for i, n := range places {
				if n != 1 {
					t.Errorf("row %d has %d places", i, n)
				}
			}
		})
	}
}

// BenchmarkCrowds reconciles 10,000 known rows with as many fetched, of families in which each
// might be compared with each.
func BenchmarkCrowds(b *testing.B) {
	for family, c := range crowds {
		b.Run(c.name, func(b *testing.B) {
			known, fetched := crowd(10_000, family)
			b.ReportAllocs()
			for b.Loop() {
				reconcile.Transactions(known, fetched)
			}
		})
	}
}
