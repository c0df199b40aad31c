package reconcile

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// row is a known or a fetched transaction in a comparison.
type row struct {
	at           int // index in the caller's list
	amount       oxlin.Amount
	currency     string
	open         bool
	expired      bool
	days         [3]day // booking, transaction, value
	day          day
	words        string
	counterparty string
	endToEnd     string
	mandate      string
	check        string
	balance      *oxlin.Amount
	// ids may be compared with those of the other side. bankID is a fetched row's own
	// id, to be stored. void reports that two known rows have had this id.
	// text is a fetched row's number that several rows have in place of an id.
	ids    []string
	bankID string
	void   bool
	text   string

	// operated is the day of the operation, as far as the bank tells it: absent if its
	// booked rows only repeat the day of booking.
	operated day
	// aligned reports that the days of a known row were moved with those of all others.
	aligned bool
	// missing reports that the last complete answer lacked this known row.
	missing bool
	// covered reports that the answer would show this known row if it were unchanged.
	covered bool
	parsed  *tokens
	carded  *day
	// labelled is the day in the label; see labelDay.
	labelled *string
	// partner is the matching row of the other side. decided is set once the row is
	// matched or ruled out: later passes skip it.
	partner *row
	decided bool
	// seenBy is the row with which it was compared last.
	seenBy *row
	// rule is how a fetched row was recognised.
	rule Rule
}

const (
	booking = iota
	operation
	value
)

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

// undated reports whether the bank gives the row no day at all.
func (r *row) undated() bool { return !r.day.told }

// bookedOnly reports whether the bank gives the row a day of booking and no other.
func (r *row) bookedOnly() bool {
	return r.days[booking].told && !r.days[operation].told && !r.days[value].told
}

// cardDate is a day without a year in a label: 10/03, or 1003 after CB.
var cardDate = regexp.MustCompile(`(?:^| )(?:(\d{2})/(\d{2})|CB (\d{2})(\d{2}))(?: |$)`)

// labelDay is the day of the operation in a row's label, as 03-10; empty without one.
func (r *row) labelDay() string {
	if r.labelled == nil {
		found := ""
		if parts := cardDate.FindStringSubmatch(r.words); parts != nil {
			found = parts[2] + parts[4] + "-" + parts[1] + parts[3]
		}
		r.labelled = &found
	}
	return *r.labelled
}

// cardDay is the day of the operation in a row's label, in the year that fits its day.
func (r *row) cardDay() day {
	if r.carded == nil {
		var found day
		if at := r.labelDay(); at != "" && !r.undated() {
			// An operation is at most two months before its booking.
			for back := -2; back <= horizon; back++ {
				if r.day.before(back).String()[5:] == at {
					found = day{r.day.number - back, true}
					break
				}
			}
		}
		r.carded = &found
	}
	return *r.carded
}

// otherOperation reports whether two rows tell different days of the operation. Between a
// label and a field of the bank a day may lie: midnight is not everywhere at once.
func otherOperation(a, b *row) bool {
	apart := func(x, y day, most int) bool { return x.told && y.told && !x.within(y, -most, most) }
	return apart(a.cardDay(), b.cardDay(), 0) || apart(a.operated, b.operated, 1) ||
		apart(a.cardDay(), b.operated, 1) || apart(a.operated, b.cardDay(), 1) || otherLabelDay(a, b)
}

// otherLabelDay reports whether a row without a day tells another day of the operation in its label
// than a row with one. Such a label has no year to compare.
func otherLabelDay(a, b *row) bool {
	if b.undated() {
		a, b = b, a
	}
	if !a.undated() || b.undated() || !b.operated.told && !b.cardDay().told {
		return false
	}
	at := a.labelDay()
	if at == "" {
		return false
	}
	apart := func(other day, most int) bool {
		for by := -most; by <= most; by++ {
			if other.told && other.before(by).String()[5:] == at {
				return false
			}
		}
		return other.told
	}
	return apart(b.cardDay(), 0) || apart(b.operated, 1)
}

// bookedBefore reports whether a row whose label has no day was booked before the operation that
// another one has in its label: it is an earlier payment.
func bookedBefore(k, f *row) bool {
	return !k.open && k.day.told && k.labelDay() == "" && f.cardDay().told && f.cardDay().number > k.day.number+1
}

// content holds the values that two rows must share to be interchangeable. It leaves
// out the balance after the row, which changes when another row is booked before it.
type content struct {
	amount       oxlin.Amount
	currency     string
	open         bool
	days         [3]day
	day          day
	words        string
	counterparty string
}

func (r *row) content() content {
	return content{
		amount: r.amount, currency: r.currency, open: r.open, days: r.days, day: r.day,
		words: r.words, counterparty: r.counterparty,
	}
}

func rowOf(status oxlin.TransactionStatus, amount oxlin.Amount, currency string, days [3]oxlin.Date, shown oxlin.Date) *row {
	r := &row{
		amount: amount, currency: currency, day: dayOf(shown),
		open: open(status), expired: status == oxlin.StatusExpired,
	}
	for i, d := range days {
		r.days[i] = r.day
		if d != shown {
			r.days[i] = dayOf(d)
		}
	}
	if r.open {
		r.operated = r.days[operation]
	}
	return r
}

// knownRows converts and sorts the known rows, so that the caller's order does not
// matter. Of the rows of a day, those that the last answer lacked come last: of two that fit
// a row of this answer, the other one was there until now.
func knownRows(known []Known, fetched Fetched) []*row {
	rows := make([]*row, 0, len(known))
	for i, k := range known {
		r := rowOf(k.Status, k.Amount, k.Currency, [3]oxlin.Date{k.BookingDate, k.TransactionDate, k.ValueDate}, k.Date)
		r.at, r.words, r.counterparty = i, k.Words, normalise(k.Counterparty)
		r.endToEnd, r.mandate, r.check = reference(k.EndToEndID), reference(k.MandateID), checkNumber(k.CheckNumber)
		r.balance = k.BalanceAfter
		r.ids = k.idsFrom(fetched.Channel)
		r.missing = !k.MissingSince.IsZero()
		r.covered = !k.Date.Before(fetched.CoveredFrom) && (fetched.CoveredUntil.IsZero() || k.Date.Before(fetched.CoveredUntil))
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(a.day.compare(b.day), lastIf(a.missing, b.missing), cmp.Compare(known[a.at].ID, known[b.at].ID))
	})
	return rows
}

// lastIf orders two rows of which one has a property: it comes last.
func lastIf(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// tellOperations gives the fetched rows their day of operation, if the bank's booked rows do
// not merely repeat the day of booking: one of them, known or fetched, has another.
func tellOperations(known, fetched []*row) {
	differs := func(r *row) bool {
		return !r.open && r.days[operation].told && r.days[operation] != r.days[booking]
	}
	if slices.ContainsFunc(known, differs) || slices.ContainsFunc(fetched, differs) {
		for _, r := range fetched {
			r.operated = r.days[operation]
		}
	}
}

// alignSigns turns the signs of the known rows around if the bank tells every sign the
// other way now: more booked rows are shown with the opposite amount than unchanged. In an
// answer that is not whole, a few such rows may be refunds of rows that it lacks.
func alignSigns(known, fetched []*row, complete bool) {
	if len(known) == 0 {
		return
	}
	shown, words := make(map[content]bool, len(fetched)), make(map[content]bool, len(fetched))
	for _, f := range fetched {
		shown[identityKey(f)] = true
		at, _ := withWords(f)
		words[at.content] = true
	}
	unchanged, opposite := 0, 0
	for _, k := range known {
		at, among := identityKey(k), shown
		worded, _ := withWords(k)
		if k.open {
			// It may be booked, on another day.
			at, among = worded.content, words
		}
		other := at
		other.amount = -at.amount
		switch {
		case k.expired || among[at] == among[other]: // a payment and its refund tell nothing
		case !among[at] && words[worded.content]: // nor do they if their days have moved
		case among[at]:
			unchanged++
		default:
			opposite++
		}
	}
	if opposite <= unchanged || !complete && opposite < 3 {
		return
	}
	// A row that the bank did not show since it told signs so may have the right one already.
	for _, k := range known {
		at, _ := withWords(k)
		other := at.content
		other.amount = -other.amount
		if !words[at.content] || words[other] {
			k.amount = -k.amount
		}
	}
}

// alignDays moves all days of the known rows by one if the bank tells every day one later
// or earlier now: booked rows are shown so, and none is shown only unchanged. Then a payment
// of each day is not taken for the next one. In an answer that is not whole, a few such
// rows may be other payments.
func alignDays(known, fetched []*row, complete bool) {
	if len(known) == 0 {
		return
	}
	shown := make(map[content]bool, len(fetched))
	for _, f := range fetched {
		shown[identityKey(f)] = true
	}
	for _, by := range []int{-1, 1} {
		unchanged, moved := 0, 0
		for _, k := range known {
			if k.open || k.undated() {
				continue
			}
			at := identityKey(k)
			other := at
			other.day.number += by
			switch {
			case shown[at] == shown[other]:
			case shown[at]:
				unchanged++
			default:
				moved++
			}
		}
		if unchanged > 0 || moved < 2 || !complete && moved < 3 {
			continue
		}
		at := daysOf(fetched)
		for _, k := range known {
			if !at.stays(k, by) {
				k.moveDays(by)
			}
		}
		return
	}
}

// days tells on which days the answer has a row of an amount, or of some words.
type days map[content]bool

func daysOf(rows []*row) days {
	found := make(days)
	for _, r := range rows {
		if r.day.told {
			found[content{open: r.open, day: r.day, currency: r.currency, amount: r.amount}] = true
			found[content{open: r.open, day: r.day, currency: r.currency, words: "=" + r.words}] = true
		}
	}
	return found
}

// stays reports whether a known row is on its day although the bank moved others by some days:
// a row of its amount or words stands on that day, and none on the other.
func (d days) stays(k *row, by int) bool {
	on := func(number int) bool {
		at := content{open: k.open, day: day{number, true}, currency: k.currency, amount: k.amount}
		worded := at
		worded.amount, worded.words = 0, "="+k.words
		return d[at] || d[worded]
	}
	return k.day.told && on(k.day.number) && !on(k.day.number+by)
}

func (r *row) moveDays(by int) {
	r.aligned = true
	for _, d := range []*day{&r.day, &r.operated, &r.days[booking], &r.days[operation], &r.days[value]} {
		if d.told {
			d.number += by
		}
	}
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
			a.day.compare(b.day), slices.CompareFunc(a.days[:], b.days[:], day.compare),
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
