package reconcile

import (
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// Fetched is everything that one fetch of an account gave: all pages, in any order.
type Fetched struct {
	Transactions []bank.Transaction
	// CoveredFrom is the first day that the answer covers; what lies before it
	// is neither missing nor gone. Zero covers everything.
	CoveredFrom oxlin.Date
	// Complete says that every page was read. Without it nothing is called
	// missing or gone, and what only the absence of another row could explain
	// waits for a complete answer.
	Complete bool
	// IDs is what the bank's ids are worth, from the connector's profile.
	IDs     bank.IDClass
	Channel oxlin.ChannelDefinitionID
	Today   oxlin.Date
}

// Result is what a fetch means. Indexes point into Fetched.Transactions.
type Result struct {
	// New are the rows never seen before, in the order in which they are to be
	// imported: by day, then by content, whatever the order of the pages was.
	New []int
	// Found are the known rows that the answer shows again.
	Found []Match
	// Expired were pending, were not booked, and a complete answer does not show
	// them any more.
	Expired []oxlin.TransactionID
	// Missing are settled rows that a complete answer should show and lacks, for
	// the first time. They are marked, never deleted.
	Missing []oxlin.TransactionID
	// Returned were missing and are there again; they are in Found as well.
	Returned []oxlin.TransactionID
	// Waiting are rows of an incomplete answer that may be known or new: the
	// next complete answer tells.
	Waiting []int
	// BankIDs has one entry for each fetched row: the id to remember it by, or
	// nothing where the bank's text turned out not to be an id.
	BankIDs []string
}

// Match is a known transaction found again.
type Match struct {
	ID  oxlin.TransactionID
	Row int
	// Change is zero for a row that the answer only confirms.
	Change Change
	// Held is what is known from now on: what the row says, and what an earlier
	// one said where this one is silent. A booked row stays booked.
	Held Known
}

// edge is how many days inside its window an answer may still lack a row: banks
// cut by other days than the one that they show.
const edge = 3

// Transactions recognises the rows of a fetch. Known should hold every row of
// the account from two weeks before CoveredFrom on, every pending one, and those
// that expired in the last two weeks; more does no harm.
//
// A row is the same as a known one if the first of these hypotheses that fits
// says so, each pairing one row with one:
//
//  1. The bank's id, the amount and a plausible day; for a pending row the id
//     alone (tips, fuel). An id must prove to be one: blank, placeholder,
//     day-and-counter ids, and an id on two different rows are not, and all ids
//     of a batch are set aside when they have visibly moved from row to row. One
//     id with one content on two pages is one row.
//  2. The same content. Of equal rows the count decides how many are new, so
//     twins survive and fetching twice changes nothing.
//  3. One thing differs: a day, the status (pending becomes booked, from 2 days
//     before to 10 after), or the label, as long as its names are alike; last,
//     for a settled row, everything but amount and day, where no other can be meant.
//     These explain a known row's absence, so they need a complete answer.
//
// What cannot be known is decided so, here and in the tests:
//
//   - Where different candidates are equally good, none is taken: a row too many
//     can be seen and is marked missing or expired, a wrong merge cannot.
//   - Rows that differ in nothing may change places; so may, when the channel
//     changes, rows that differed in what one of the channels does not tell.
//   - Where ids hold, a row with an unknown id and a label that has nothing in
//     common with the known one is another row.
//   - Without usable ids, rows that differ only by the day may change places when
//     one of them moves; those of two weeks running do not, since a settled row
//     is followed over 6 days at most.
//   - A pending row that vanishes while an equal one is booked within the window
//     has become that one. One that shares no name with it has not.
//   - Two equal rows of one answer are twins, unless a trustworthy or positional
//     id says that they are one row on two pages.
//   - A pending and a booked row in one answer are two, unless they share the
//     bank's id or the end-to-end id; the pending one expires when it vanishes.
//   - A settled row that moves from before the window into it is new, unless its
//     id or one of its other days tells.
func Transactions(known []Known, fetched Fetched) Result {
	result := Result{BankIDs: make([]string, len(fetched.Transactions))}
	old := knownRows(known, fetched)
	rows := fetchedRows(fetched.Transactions)
	rows = sameReference(rows)
	rows = trust(old, rows, fetched)

	m := matcher{known: old, fetched: rows, fetch: fetched}
	m.match()

	for _, r := range rows {
		result.BankIDs[r.at] = r.bankID
		switch {
		case r.partner != nil:
			before := known[r.partner.at]
			match := Match{ID: before.ID, Row: r.at}
			match.Held = before.with(fetched.Transactions[r.at], result.BankIDs[r.at], fetched.Channel)
			match.Change = difference(before, match.Held)
			result.Found = append(result.Found, match)
			if !before.MissingSince.IsZero() {
				result.Returned = append(result.Returned, before.ID)
			}
		case r.decided && !fetched.Complete:
			result.Waiting = append(result.Waiting, r.at)
		default:
			result.New = append(result.New, r.at)
		}
	}
	if fetched.Complete {
		result.absent(known, old, fetched)
	}
	return result
}

// absent sorts out what a complete answer lacks.
func (result *Result) absent(known []Known, rows []*row, fetched Fetched) {
	inside := fetched.CoveredFrom
	if !inside.IsZero() {
		inside = inside.AddDays(edge)
	}
	for _, r := range rows {
		k := known[r.at]
		if r.partner != nil || k.Status == oxlin.StatusExpired || k.Date.Before(inside) {
			continue
		}
		switch {
		case k.Status == oxlin.StatusPending:
			result.Expired = append(result.Expired, k.ID)
		case k.MissingSince.IsZero() && !outside(k, inside, fetched.Today):
			result.Missing = append(result.Missing, k.ID)
		}
	}
	slices.Sort(result.Expired)
	slices.Sort(result.Missing)
	slices.Sort(result.Returned)
}

// outside says that a bank which counts by another day may rightly leave the row out.
func outside(k Known, inside, today oxlin.Date) bool {
	for _, day := range []oxlin.Date{k.BookingDate, k.TransactionDate, k.ValueDate} {
		if !day.IsZero() && day.Before(inside) {
			return true
		}
	}
	return !today.IsZero() && today.Before(k.Date)
}
