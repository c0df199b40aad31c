package reconcile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// row is one side of a comparison: a known transaction or a fetched one.
type row struct {
	at       int // index in what the caller gave
	amount   oxlin.Amount
	currency string
	open     bool
	expired  bool
	// The days, counted; noDay where there is none.
	days         [3]int // booking, transaction, value
	day          int
	words        string
	counterparty string
	endToEnd     string
	mandate      string
	check        string
	balance      *oxlin.Amount
	// ids that may be compared with the other side's; bankID is a fetched row's
	// own, to remember it by; void says that two known rows have had that.
	ids    []string
	bankID string
	void   bool

	// covered says of a known row that the answer would show it, if it is as we
	// know it.
	covered bool
	gist    *gist
	// partner is the row of the other side. decided is set once the row is matched
	// or ruled out: no later pass looks at it.
	partner *row
	decided bool
}

const (
	booking = iota
	operation
	value
)

// noDay is far from every day.
const noDay = -1 << 30

var epoch = oxlin.NewDate(2000, 1, 1)

func count(d oxlin.Date) int {
	if d.IsZero() {
		return noDay
	}
	return d.DaysSince(epoch)
}

func (r *row) likeness(other *row) (step, closeness int) {
	return compare(r.meaning(), other.meaning())
}

// meaning is computed late: most rows are recognised without it.
func (r *row) meaning() gist {
	if r.gist == nil {
		g := gistOf(r.words)
		r.gist = &g
	}
	return *r.gist
}

// content is all that two rows must share to be interchangeable. The balance after
// a row is no part of it: it changes when another row is booked before it.
type content struct {
	amount       oxlin.Amount
	currency     string
	open         bool
	days         [3]int
	day          int
	words        string
	counterparty string
}

func (r *row) content() content {
	return content{
		amount: r.amount, currency: r.currency, open: r.open, days: r.days, day: r.day,
		words: r.words, counterparty: r.counterparty,
	}
}

func rowOf(status oxlin.TransactionStatus, amount oxlin.Amount, currency string, days [3]oxlin.Date, day oxlin.Date) *row {
	r := &row{
		amount: amount, currency: currency, day: count(day),
		open: open(status), expired: status == oxlin.StatusExpired,
	}
	for i, d := range days {
		r.days[i] = r.day
		if d != day {
			r.days[i] = count(d)
		}
	}
	return r
}

// knownRows puts what we hold in an order of its own, so that the caller's does
// not matter.
func knownRows(known []Known, fetched Fetched) []*row {
	rows := make([]*row, 0, len(known))
	for i, k := range known {
		r := rowOf(k.Status, k.Amount, k.Currency, [3]oxlin.Date{k.BookingDate, k.TransactionDate, k.ValueDate}, k.Date)
		r.at, r.words, r.counterparty = i, k.Words, normalise(k.Counterparty)
		r.endToEnd, r.mandate, r.check = reference(k.EndToEndID), reference(k.MandateID), checkNumber(k.CheckNumber)
		r.balance = k.BalanceAfter
		if k.Channel == fetched.Channel {
			r.ids = k.BankIDs
		}
		r.covered = !k.Date.Before(fetched.CoveredFrom)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(known[a.at].ID, known[b.at].ID))
	})
	return rows
}

// fetchedRows puts the bank's rows in an order that their content decides, so
// that the order of pages and of rows in them does not matter.
func fetchedRows(transactions []bank.Transaction) []*row {
	rows := make([]*row, 0, len(transactions))
	for i, t := range transactions {
		r := rowOf(t.Status, t.Amount, t.Currency, [3]oxlin.Date{t.BookingDate, t.TransactionDate, t.ValueDate}, t.Date())
		r.at, r.words, r.counterparty = i, Words(t), normalise(t.Counterparty)
		r.endToEnd, r.mandate, r.check = reference(t.EndToEndID), reference(t.MandateID), checkNumber(t.CheckNumber)
		r.balance = t.BalanceAfter
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int {
		t, u := transactions[a.at], transactions[b.at]
		return cmp.Or(
			cmp.Compare(a.day, b.day), slices.Compare(a.days[:], b.days[:]),
			cmp.Compare(a.amount, b.amount), cmp.Compare(a.currency, b.currency),
			cmp.Compare(a.words, b.words), cmp.Compare(a.counterparty, b.counterparty),
			cmp.Compare(t.Status, u.Status),
			cmp.Compare(t.BankID, u.BankID), cmp.Compare(a.endToEnd, b.endToEnd),
			compareBalances(a.balance, b.balance),
			cmp.Compare(a.mandate, b.mandate), cmp.Compare(a.check, b.check),
			bytes.Compare(t.Raw, u.Raw),
		)
	})
	return rows
}

func compareBalances(a, b *oxlin.Amount) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// checkNumber is the number of a cheque without the zeros that some write before it.
func checkNumber(s string) string { return strings.TrimLeft(reference(s), "0") }

// reference is a reference between the parties, or nothing where the bank wrote
// that there is none.
func reference(s string) string {
	s = strings.TrimSpace(s)
	if placeholder(s) {
		return ""
	}
	return s
}
