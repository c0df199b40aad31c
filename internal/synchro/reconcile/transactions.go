package reconcile

import (
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Fetched is the bank's answer about one account: all pages, in any order.
type Fetched struct {
	Transactions []bank.Transaction
	// CoveredFrom is the first day that the answer covers: no earlier row is missing
	// or expired. Zero covers everything.
	CoveredFrom oxlin.Date
	// AskedFrom is the first day that the bank was asked for, if it is before CoveredFrom:
	// the bank gives no days between them any more. Zero asks for every day.
	AskedFrom oxlin.Date
	// ReadFrom and ReadUntil are the first and the last of the days that earlier readings
	// cover without a hole; zero if they cover none.
	ReadFrom, ReadUntil oxlin.Date
	// CoveredUntil is the first day after those that the answer covers: no row of it or of
	// a later day is missing or expired. Zero if the answer has no end.
	CoveredUntil oxlin.Date
	// AbsenceFrom is the first day of which a row may be missing; zero for all that the
	// answer covers. A card's list may show its current statement alone.
	AbsenceFrom oxlin.Date
	// Complete reports whether every page was read (see Result.Suspect). An incomplete
	// answer makes no row missing or expired, and pairs that only the absence of another
	// row explains wait for a complete answer.
	Complete bool
	// Accepted is the number of absent booked rows that an operator has accepted after a
	// suspect answer.
	Accepted int
	// IDs is the class of the bank's ids, from the connector's profile.
	IDs bank.IDClass
	// DistinctIDs reports whether each id of the channel's earlier answers was on one row alone
	// (Result.DistinctIDs), so that one on two rows of this answer is a row that it repeats.
	DistinctIDs bool
	Channel     oxlin.ChannelDefinitionID
	Today       oxlin.Date
}

// Result is the outcome of a comparison. Indexes point into Fetched.Transactions.
type Result struct {
	// New are the unknown rows, in the order of their import: by day, then by content,
	// independent of the order of the pages.
	New []int
	// Found are the known rows that the answer shows again.
	Found []Match
	// Expired are pending rows that a complete answer no longer shows and that were not
	// booked.
	Expired []oxlin.TransactionID
	// Missing are booked rows that a complete answer should show and lacks for the
	// first time. They are marked, never deleted.
	Missing []oxlin.TransactionID
	// Absent are rows that were missing and that the answer lacks on another day.
	Absent []oxlin.TransactionID
	// Cancelled are rows that three complete answers on three different days lacked.
	Cancelled []oxlin.TransactionID
	// Returned are rows that were missing and are shown again; Found has them as well.
	Returned []oxlin.TransactionID
	// Restored are rows that were cancelled and are shown again; Returned has them as well.
	Restored []oxlin.TransactionID
	// Suspect reports that a complete answer lacks at least three booked rows and more
	// than a quarter of those that it should show. It was taken as incomplete.
	Suspect bool
	// Lacking counts the booked rows that a complete answer lacks, of the Due ones that it
	// should show.
	Lacking, Due int
	// DistinctIDs is Fetched.DistinctIDs for the channel's next answer: what this one shows of it, if
	// it is whole.
	DistinctIDs bool
	// Waiting are rows of an incomplete answer that may be known or new; the next
	// complete answer decides.
	Waiting []int
	// BankIDs has one entry for each fetched row: the bank's id to store with it, or
	// nothing if the bank's text tells nothing. One that several rows have is stored with
	// each of them: it is no id, and tells rows apart together with the content.
	BankIDs []string
}

// Match pairs a known transaction with a fetched row.
type Match struct {
	ID  oxlin.TransactionID
	Row int
	// Rule is how the row was recognised.
	Rule Rule
	// Change is zero for a row that the answer only confirms.
	Change Change
	// Held is the known row after this reading: the values of the fetched row, and
	// earlier values for those that it lacks. A booked row stays booked.
	Held Known
}

// edge is how many days inside its window an answer may still lack a row: banks cut
// the window by other days than the shown one.
const edge = 3

// cancels is how many complete answers on as many days must lack a booked row until it
// counts as cancelled.
const cancels = 3

// Transactions recognises the rows of a fetch. Known should hold every row of the
// account from two weeks before CoveredFrom on, every pending row, and the rows that
// expired in the last two weeks; more rows do no harm.
//
// Hypotheses pair fetched rows with known rows, one with one, in this order:
//
//  1. The bank's id, the amount and a plausible day. A pending row may have another
//     amount on the same day of operation, or one that a tip, a rate or a reservation
//     explains; else, and if it tells another day of operation, the id of a cancelled
//     authorisation went to the next one. A booked row of the same words and day may have another amount or sign: it was corrected. If
//     the ids of other rows hold, so may one of which the day or the words changed, too,
//     and one that has only moved from a day outside the answer.
//     Blank, placeholder and day-and-counter ids, and an id on two different rows, count
//     as no ids; but a text that several rows have tells equal ones apart, if such texts
//     hold. If ids have visibly moved from row to row, all ids of the fetch are
//     ignored. One id with one content on two pages is one row, unless ids of the
//     answer are on different rows and only few rows have an id of their own.
//  2. The same content. Among equal rows the count decides how many are new, so
//     twins survive, and fetching twice changes nothing.
//  3. One difference: a day, the status (pending becomes booked, from 2 days before
//     to 10 after), or the label, as long as its names are similar. Rows that tell
//     different days of operation, in a field or in the label, are never one.
//  4. A row without any day, and the same words and amount with one.
//  5. For a booked row everything but amount and day, or only the sign or the amount,
//     if no other row fits; for a pending one the amount, if it is a reservation or in
//     foreign money.
//
// All but the first two explain a known row's absence, so they need a complete answer.
//
// Where the data decide nothing, these rules do, here and in the tests:
//
//   - If several candidates are equally good, none is taken: a surplus row is
//     visible and becomes missing or expired, a wrong merge is invisible.
//   - Equal rows may swap their ids; when the channel changes, so may rows that
//     differ only in values which one of the channels does not give.
//   - If ids are reliable, a row with an unknown id and an entirely different label
//     is another row. So is one with such a label in an answer that lacks other rows.
//   - Ids that number the rows of an answer from one are places, whatever the bank says.
//   - Of several known rows that fit, one that the last answer lacked comes last, and a
//     pending one that is booked within days before one that waited longer.
//   - Without usable ids, rows that differ only by the day may swap their ids when
//     one of them moves. Rows of two consecutive weeks do not, because a booked row
//     is followed over at most 6 days.
//   - A pending row that disappears while an equal row is booked within the window
//     has become that row. A row that shares no name with it has not.
//   - Two equal rows of one answer are twins, unless an id shows that they are one row on
//     two pages; an id that is new in each answer does, if it distinguishes the others.
//   - A pending and a booked row in one answer are two rows, unless they share the
//     bank's id or the end-to-end id; the pending one expires when it disappears. Under one
//     id the pending one may have reserved another amount.
//   - A pending row whose day the bank no longer gives expires if exactly one known booked
//     row may be its booked form, or else when no bank books it any more.
//   - A booked row may move into the window from at most 6 days before it. A pending row
//     moves by one day at most: the next authorisation has another day.
//   - If more booked rows are shown with the opposite amount than unchanged, the bank tells
//     every sign the other way. So it is with days that are all one later or earlier.
func Transactions(known []Known, fetched Fetched) Result {
	result := recognise(known, fetched)
	if fetched.Complete && result.Suspect {
		lacking, due := result.Lacking, result.Due
		fetched.Complete = false
		result = recognise(known, fetched)
		result.Suspect, result.Lacking, result.Due = true, lacking, due
	}
	return result
}

func recognise(known []Known, fetched Fetched) Result {
	result := Result{BankIDs: make([]string, len(fetched.Transactions))}
	old := knownRows(known, fetched)
	rows := fetchedRows(fetched.Transactions)
	result.DistinctIDs = fetched.DistinctIDs
	if fetched.Complete {
		result.DistinctIDs = distinctIDs(rows, fetched)
	}
	tellOperations(old, rows)
	rows = onceByBalance(sameReference(rows), fetched)
	alignSigns(old, rows, fetched.Complete)
	alignDays(old, rows, fetched.Complete)
	rows = acceptIDs(old, rows, fetched)

	m := matcher{known: old, fetched: rows, every: old, all: rows, fetch: fetched}
	m.match()

	for _, r := range rows {
		result.BankIDs[r.at] = r.bankID
		switch {
		case r.partner != nil:
			before := known[r.partner.at]
			match := Match{ID: before.ID, Row: r.at, Rule: r.rule}
			match.Held = before.with(fetched.Transactions[r.at], result.BankIDs[r.at], fetched.Channel)
			match.Change = difference(before, match.Held)
			result.Found = append(result.Found, match)
			if !before.MissingSince.IsZero() {
				result.Returned = append(result.Returned, before.ID)
			}
			if before.Status == oxlin.StatusCancelled && match.Held.Status != oxlin.StatusCancelled {
				result.Restored = append(result.Restored, before.ID)
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

// absent finds the known rows that a complete answer lacks, and whether it lacks too many
// to be believed.
func (result *Result) absent(known []Known, rows []*row, fetched Fetched) {
	inside := fetched.CoveredFrom
	if !inside.IsZero() {
		inside = inside.AddDays(edge)
	}
	ended := &settlements{rows: rows, known: known}
	recurs := make(map[content]int)
	for _, r := range rows {
		if !r.open {
			recurs[content{amount: r.amount, currency: r.currency}]++
		}
	}
	shown := oldestBooked(fetched)
	for _, r := range rows {
		k := known[r.at]
		if !r.open && k.Channel.IsFile() && (shown.IsZero() || k.Date.Before(shown.AddDays(edge))) {
			continue // many banks give less than they are asked for, and do not say so
		}
		ends := !fetched.CoveredUntil.IsZero() && !k.Date.Before(fetched.CoveredUntil.AddDays(-edge))
		if ends || !r.open && k.Date.Before(fetched.AbsenceFrom) {
			continue
		}
		if !r.open && !r.undated() && k.Status != oxlin.StatusCancelled && !k.Date.Before(inside) && !outside(k, inside, fetched.Today) {
			result.Due++
			if r.partner == nil || dubious(r, recurs) {
				result.Lacking++
			}
		}
		if r.partner != nil || k.Status == oxlin.StatusExpired || k.Status == oxlin.StatusCancelled {
			continue
		}
		if r.undated() && !r.open || !r.undated() && k.Date.Before(inside) {
			if r.open && hasEnded(r, ended, known, fetched) {
				result.Expired = append(result.Expired, k.ID)
			}
			continue
		}
		switch {
		case k.Status == oxlin.StatusPending:
			result.Expired = append(result.Expired, k.ID)
		case outside(k, inside, fetched.Today):
		case k.MissingSince.IsZero():
			result.Missing = append(result.Missing, k.ID)
		default:
			result.absentAgain(k, fetched.Today)
		}
	}
	// Rows that are missing already make nothing suspect by themselves.
	lacking, due := result.Lacking-fetched.Accepted, result.Due-fetched.Accepted
	result.Suspect = len(result.Missing) > 0 && lacking >= 3 && 4*lacking > due
	slices.Sort(result.Expired)
	slices.Sort(result.Missing)
	slices.Sort(result.Absent)
	slices.Sort(result.Cancelled)
	slices.Sort(result.Returned)
	slices.Sort(result.Restored)
}

// oldestBooked returns the day of the oldest booked row of an answer; zero without any. What came
// in a file for the days before it has never been among the bank's rows, and is not missing.
func oldestBooked(fetched Fetched) (oldest oxlin.Date) {
	for _, t := range fetched.Transactions {
		if day := t.BookingDate; t.Status == oxlin.StatusBooked && !day.IsZero() && (oldest.IsZero() || day.Before(oldest)) {
			oldest = day
		}
	}
	return oldest
}

// dubious reports whether a booked row of a payment that recurs was only found on another day:
// where other rows are absent, the answer may lack it as well, and show the next one.
func dubious(r *row, recurs map[content]int) bool {
	switch r.partner.rule {
	case RuleBookedMoved, RuleMoved, RuleMovedRelabelled:
		return recurs[content{amount: r.amount, currency: r.currency}] > 1
	}
	return false
}

// hasEnded reports whether a pending row whose day the bank no longer gives can be given up:
// it counts already as exactly one booked row, or is too old to be booked.
func hasEnded(pending *row, forms *settlements, known []Known, fetched Fetched) bool {
	today := dayOf(fetched.Today)
	switch {
	case known[pending.at].Date.Before(fetched.AskedFrom):
		return false // the bank was not asked for its day
	case today.told && pending.day.number < today.number-horizon:
		return true
	}
	return forms.ofOneAlone(pending)
}

// settlements are the known booked rows that may be the booked forms of pending ones.
type settlements struct {
	rows  []*row
	known []Known
	// only is the form of each pending row that has exactly one, and claims counts the rows that
	// a form may be of; nil until they are asked for.
	only   map[*row]*row
	claims map[*row]int
}

// ofOneAlone reports whether exactly one booked row may be a pending row's form, and that of no
// other one: else nobody knows whose form it is.
func (s *settlements) ofOneAlone(pending *row) bool {
	if s.only == nil {
		s.only, s.claims = make(map[*row]*row), make(map[*row]int)
		booked := s.booked()
		for _, r := range s.rows {
			if !r.open || r.expired {
				continue
			}
			forms := settledForms(r, booked)
			for _, form := range forms {
				s.claims[form]++
			}
			if len(forms) == 1 {
				s.only[r] = forms[0]
			}
		}
	}
	form := s.only[pending]
	return form != nil && s.claims[form] == 1
}

// booked groups the booked rows by their words and by the beginnings of their names, one of which
// a row has in common with its pending form. Of very many of one kind it has the last ones.
func (s *settlements) booked() map[string][]*row {
	const most = 4 * mostTries
	groups := make(map[string][]*row)
	for _, r := range slices.Backward(s.rows) {
		if r.open || s.known[r.at].Status == oxlin.StatusCancelled {
			continue
		}
		for _, at := range beginnings(r) {
			if len(groups[at]) < most {
				groups[at] = append(groups[at], r)
			}
		}
	}
	return groups
}

// beginnings returns a row's words, and the first letters of each of its names: as many as a
// name has at least if a bank has cut it.
func beginnings(r *row) []string {
	const letters = 4
	list := []string{"=" + r.words}
	for _, name := range r.tokens().names {
		list = append(list, name[:min(letters, len(name))])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// settledForms returns the known booked rows that may be a pending row's booked form: those
// of its amount, or else those of an amount that a tip, a rate or a reservation explains.
func settledForms(pending *row, booked map[string][]*row) []*row {
	var exact, other, likely []*row
	for _, at := range beginnings(pending) {
		for _, r := range booked[at] {
			if r.seenBy != pending && settling(pending, r) {
				likely = append(likely, r)
			}
			r.seenBy = pending
		}
	}
	for _, r := range likely {
		step, _ := pending.likeness(r)
		alike := step >= same || r.words == pending.words
		switch {
		case r.currency != pending.currency:
			if announcedAbroad(pending, r) {
				exact = append(exact, r)
			}
		case alike && r.amount == pending.amount:
			exact = append(exact, r)
		case alike && (r.amount < 0) == (pending.amount < 0) && explained(pending, r):
			other = append(other, r)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return other
}

// absentAgain counts the days on which a missing row was absent.
func (result *Result) absentAgain(k Known, today oxlin.Date) {
	days := k.AbsentOn
	if len(days) == 0 {
		days = []oxlin.Date{k.MissingSince}
	}
	switch {
	case today.IsZero() || slices.Contains(days, today):
	case len(days)+1 >= cancels:
		result.Cancelled = append(result.Cancelled, k.ID)
	default:
		result.Absent = append(result.Absent, k.ID)
	}
}

// outside reports whether a bank that cuts by another day may leave the row out.
func outside(k Known, inside, today oxlin.Date) bool {
	for _, day := range []oxlin.Date{k.BookingDate, k.TransactionDate, k.ValueDate} {
		if !day.IsZero() && day.Before(inside) {
			return true
		}
	}
	return !today.IsZero() && today.Before(k.Date)
}
