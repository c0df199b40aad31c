package synchro_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

// onDay returns a card payment, pending until it has a booking day.
func onDay(reference string, day, booked oxlin.Date) map[string]any {
	row := scriptedRow(booked.String(), "CARD BAKERY")
	row["entryReference"], row["transactionDate"] = reference, day.String()
	if booked.IsZero() {
		row["status"], row["bookingDate"] = "PDNG", nil
	}
	return row
}

// A bank shows one row for ever that cannot be read. The rows beside it that settle wait for
// a correction, and not longer: they keep their ids, and no pending row stays for ever.
func TestRowsWaitForAnUnreadableOneAndNotForEver(t *testing.T) {
	for _, test := range []struct {
		// The bank spoils a row on day 0, shows a pending one from day shown on and books it
		// on day booked, which it has become in our list on day stored.
		shown, booked, stored int
	}{
		{1, 3, 12}, {9, 12, 12}, {20, 21, 21}, {40, 44, 44},
	} {
		t.Run(fmt.Sprintf("shown on day %d, booked on day %d", test.shown, test.booked), func(t *testing.T) {
			b := newScripted(t, "a")
			b.history("a", 20)
			history := slices.Clone(b.rows["a"])
			id := b.begin()
			spoiled := maps.Clone(history[3])
			spoiled["entryReference"], spoiled["bookingDate"] = "SPOILED", "one of these days"
			var pending, settled map[string]any
			first := oxlin.TransactionID(0)
			for day := 1; day <= test.stored+1; day++ {
				b.Clock.Advance(24 * time.Hour)
				switch day {
				case test.shown:
					pending = onDay("p-1", b.day(0), oxlin.Date{})
				case test.booked:
					pending, settled = nil, onDay("b-1", b.day(test.shown-test.booked), b.day(0))
				}
				b.rows["a"] = append([]map[string]any{spoiled, scriptedRow(b.day(0).String(), "SHOP "+b.day(0).String())}, history...)
				history = b.rows["a"][1:]
				for _, row := range []map[string]any{pending, settled} {
					if row != nil {
						b.rows["a"] = append(b.rows["a"], row)
					}
				}
				b.synchronize(id)
				if b.account("a").Coverage.Complete {
					t.Fatalf("day %d: the reading is complete", day)
				}
				var bakery []oxlin.Transaction
				for _, x := range b.transactions() {
					if slices.Contains(x.Remittance, "CARD BAKERY") {
						bakery = append(bakery, x)
					}
				}
				want := oxlin.StatusPending
				if day >= test.stored {
					want = oxlin.StatusBooked
				}
				switch {
				case day < test.shown:
				case len(bakery) != 1 || bakery[0].Status != want || first != 0 && bakery[0].ID != first:
					t.Fatalf("day %d: %+v, want one that is %s", day, bakery, want)
				default:
					first = bakery[0].ID
				}
			}
			for _, x := range b.transactions() {
				if !x.MissingSince.IsZero() || x.Status == oxlin.StatusCancelled {
					t.Errorf("%v is missing", x.Remittance)
				}
			}
		})
	}
}

// A row that only a booked one would explain is another one in the end: a surplus row can be
// seen. The booked one does not go missing, because it may be the one that cannot be read.
func TestARowThatABookedOneExplainsIsNewInTheEnd(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 20)
	moved := maps.Clone(b.rows["a"][2])
	id := b.begin()
	before := len(b.transactions())
	b.rows["a"][2]["bookingDate"] = "one of these days"
	moved["entryReference"], moved["bookingDate"] = "OTHER", b.day(-1).String()
	b.rows["a"] = append(b.rows["a"], moved)
	for day := range 14 {
		want := 0
		if day > 10 {
			want = 1
		}
		b.synchronize(id)
		if got := len(b.transactions()) - before; got != want {
			t.Errorf("day %d: %d rows more, want %d", day, got, want)
		}
		b.Clock.Advance(24 * time.Hour)
	}
	for _, x := range b.transactions() {
		if !x.MissingSince.IsZero() {
			t.Errorf("%v is missing", x.Remittance)
		}
	}
}
