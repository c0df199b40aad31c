package torture

import (
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// History is everything that happens at the bank and to its answers, as data: the answers
// follow from it without chance.
type History struct {
	Bank     Bank
	Rows     []Row
	Readings []Reading
	// days is the history whose days daysOf copies; nil for this one.
	days *History
}

// Bank is the bank's manner.
type Bank struct {
	// Class is the declared class of its ids; Form is how it really makes them.
	Class bank.IDClass
	Form  Form
	// Days is how far back an answer reaches.
	Days int
	// Balances: booked rows show the balance after them. Operations: booked rows still
	// show the day of the operation. Values: they show a value day.
	Balances, Operations, Values bool
	// Neighbour: the user has another account at the bank, whose rows have the same ids.
	Neighbour bool
}

// Form is how a bank makes its ids.
type Form string

// The forms of ids.
const (
	serial      Form = "serial"      // for ever
	perConsent  Form = "per consent" // until the next consent
	positional  Form = "positional"  // a day and a place within it
	sliding     Form = "sliding"     // a place within the answer, the oldest row first
	descending  Form = "descending"  // a place within the answer, the newest row first
	constant    Form = "constant"
	placeholder Form = "placeholder"
	blank       Form = "blank"
	perAnswer   Form = "per answer"  // new in each answer
	perDay      Form = "per day"     // a number within the day of the operation
	perAccount  Form = "per account" // a number within one of two accounts that the list shows as one
	absent      Form = "absent"
)

// Row is one true movement of money. Its days are days of March 2026.
type Row struct {
	// Token is the truth: no answer shows it, except through ids that the bank makes
	// of it.
	Token  int
	Name   string
	Amount oxlin.Amount
	Style  style
	// Operation, Booking and Value are the days that answers show.
	Operation, Booking, Value int
	// Seen is the first day on which the bank shows the row, Settled the first day on
	// which it shows it as booked, Gone the day from which it shows it no longer; a Gone
	// of 0 is never.
	Seen, Settled, Gone int
	// Rank orders the rows of a day at the bank.
	Rank         int
	Category     string
	EndToEnd     string
	Counterparty string
	Changes      []Change
}

// Change alters how a row is shown, from a day on and before the day Until; 0 is for
// ever.
type Change struct {
	Day, Until int
	What       what
	N          int
}

type what string

const (
	relabel      what = "relabel"      // to the style N
	rename       what = "rename"       // to the shop N
	addAmount    what = "add"          // N more
	flipSign     what = "flip"         // a debit is shown as a credit
	moveDays     what = "move"         // all days by N
	moveBooking  what = "move booking" // the booking day by N
	moveAway     what = "move away"    // booking and value day by N
	swapDays     what = "swap days"    // booking and value day change places
	reissue      what = "reissue"      // the Nth id of the row
	takeID       what = "take id"      // the id of the row with token N
	undated      what = "undated"      // no day at all
	hide         what = "hide"         // not shown
	counterparty what = "counterparty" // shown or not
	asOther      what = "other"        // the status OTHER
	inDollars    what = "dollars"      // N percent of the amount, in dollars
	alsoPending  what = "also pending" // shown as pending beside the booked row
	rerank       what = "rank"         // the place within the day is N
	daysOf       what = "days of"      // the days of the row with token N in another history
	misread      what = "misread"      // today's parser has the sign wrong, the next one has it right
	misdated     what = "misdated"     // today's parser is N days off, the next one is not
	rounded      what = "rounded"      // today's parser leaves out the cents, the next one does not
	withoutID    what = "without id"   // the row has no id
	garbled      what = "garbled"      // the row cannot be read, so that the answer is not whole
)

// Reading is one reading of the account.
type Reading struct {
	Day     int
	Channel int
	Consent int
	Parser  int
	Faults  []Fault
}

// Fault disturbs one answer.
type Fault struct {
	What fault
	A, B int
}

type fault string

const (
	silent   fault = "no ids"
	shuffled fault = "shuffled"   // in the order of seed A
	twice    fault = "twice"      // the row with token A stands on two pages, booked B days apart
	revalued fault = "revalued"   // the row with token A stands on two pages, with value days B days apart
	cut      fault = "incomplete" // only the oldest A percent of the rows, or with B the newest, and not complete
	gap      fault = "gap"        // from A to B percent are left out, yet called complete
	early    fault = "early"      // shows rows of A days before the window
	short    fault = "short"      // the answer reaches back A days only, and does not tell
	flipped  fault = "flipped"    // every sign is the other
)

func (r Reading) has(f fault) (Fault, bool) {
	i := slices.IndexFunc(r.Faults, func(of Fault) bool { return of.What == f })
	if i < 0 {
		return Fault{}, false
	}
	return r.Faults[i], true
}

func date(day int) oxlin.Date { return oxlin.NewDate(2026, time.March, day) }

func (h *History) clone() *History {
	c := *h
	c.Rows = slices.Clone(h.Rows)
	for i := range c.Rows {
		c.Rows[i].Changes = slices.Clone(c.Rows[i].Changes)
	}
	c.Readings = slices.Clone(h.Readings)
	for i := range c.Readings {
		c.Readings[i].Faults = slices.Clone(c.Readings[i].Faults)
	}
	return &c
}

func (h *History) row(token int) *Row {
	for i := range h.Rows {
		if h.Rows[i].Token == token {
			return &h.Rows[i]
		}
	}
	return nil
}

// shows reports whether the bank shows the row on a day.
func (r *Row) shows(day int) bool { return r.Seen <= day && (r.Gone == 0 || day < r.Gone) }

// active returns the changes that hold on a day.
func (r *Row) active(day int) []Change {
	var list []Change
	for _, c := range r.Changes {
		if c.Day <= day && (c.Until == 0 || day < c.Until) {
			list = append(list, c)
		}
	}
	return list
}

// rank is the row's place within its day.
func (r *Row) rank(day int) int {
	rank := r.Rank
	for _, c := range r.active(day) {
		if c.What == rerank {
			rank = c.N
		}
	}
	return rank
}
