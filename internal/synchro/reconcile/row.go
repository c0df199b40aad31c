package reconcile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// row is a known or a fetched transaction in a comparison.
type row struct {
	at       int // index in the caller's list
	amount   oxlin.Amount
	currency string
	open     bool
	expired  bool
	// The days as numbers; noDay for an absent one.
	days         [3]int // booking, transaction, value
	day          int
	words        string
	counterparty string
	endToEnd     string
	mandate      string
	check        string
	balance      *oxlin.Amount
	// ids may be compared with those of the other side. bankID is a fetched row's own
	// id, to be stored. void reports that two known rows have had this id.
	ids    []string
	bankID string
	void   bool

	// covered reports that the answer would show this known row if it were unchanged.
	covered bool
	parsed  *tokens
	// partner is the matching row of the other side. decided is set once the row is
	// matched or ruled out: later passes skip it.
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
	return compare(r.tokens(), other.tokens())
}

// tokens is computed on demand: most rows are recognised without it.
func (r *row) tokens() tokens {
	if r.parsed == nil {
		g := tokensOf(r.words)
		r.parsed = &g
	}
	return *r.parsed
}

// content holds the values that two rows must share to be interchangeable. It leaves
// out the balance after the row, which changes when another row is booked before it.
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

// knownRows converts and sorts the known rows, so that the caller's order does not
// matter.
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

// fetchedRows converts the bank's rows and sorts them by content, so that the order of
// pages and of their rows does not matter.
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

// checkNumber is the number of a cheque without leading zeros.
func checkNumber(s string) string { return strings.TrimLeft(reference(s), "0") }

// reference is a reference between the parties, or nothing if the bank wrote a
// placeholder.
func reference(s string) string {
	s = strings.TrimSpace(s)
	if placeholder(s) {
		return ""
	}
	return s
}
