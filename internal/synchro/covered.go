package synchro

import (
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// reading holds the result of one walk over an account's pages, and the balances.
type reading struct {
	reconcile.Fetched
	balances   stagedBalances
	unreadable []bank.Unreadable
	// unread is the number of the account's rows that still cannot be read.
	unread int
	broken string
	// endless is set if it was broken because the pages have no end.
	endless bool
	// gap is why the walk ended before its last page; empty if it came to its end.
	gap oxlin.Gap
	// asked is the first requested day.
	asked oxlin.Date
	// wholeFrom is the first of the days of whole periods; absent if none came to its end.
	wholeFrom oxlin.Date
	// older reports whether the walk is for the days before those that are covered.
	older bool
	// deep reports whether the walk asked for all days that the bank gives.
	deep bool
	// suspect: it lacks too many known rows to be believed. It lacks so many of those that
	// are due.
	suspect      bool
	lacking, due int
	// waits is the last day of the rows that wait for a complete answer: they are not
	// stored, so the walk does not cover it.
	waits oxlin.Date
}

// add adds what a page tells beside its rows.
func (read *reading) add(page bank.TransactionsPage) {
	read.unreadable = append(read.unreadable, page.Unreadable...)
	if read.CoveredFrom.Before(page.CoveredFrom) {
		read.CoveredFrom = page.CoveredFrom
	}
	if page.Broken != "" {
		read.broken, read.endless, read.gap = page.Broken, page.Endless, oxlin.GapBroken
	}
	if !page.WholeFrom.IsZero() {
		read.wholeFrom = page.WholeFrom
	}
	read.Complete = page.Next == "" && read.broken == "" && len(read.unreadable) == 0
}

// ended reports whether the walk came to its end, whatever the rows were like.
func (read reading) ended() bool { return read.gap == "" }

// disorder is by how many days a bank's rows may leave their order; beyond it, the rows
// have no order that proves anything.
const disorder = 7

// days returns the first and the last of the days that the walk covers for certain, both
// absent if it covers none. Of a walk that was refused, the order of the rows shows which
// days the missing pages may hold.
func (read reading) days() (first, last oxlin.Date) {
	first, last = read.provenDays()
	if !read.ended() && !first.IsZero() && !read.waits.Before(first) {
		first = read.waits.AddDays(1)
	}
	if last.Before(first) {
		return oxlin.Date{}, oxlin.Date{}
	}
	return first, last
}

// provenDays are the days of which the walk has shown every row, stored or not.
func (read reading) provenDays() (first, last oxlin.Date) {
	rows := read.bookedDays()
	if len(rows) == 0 {
		// Without an end, an empty period says nothing about rows that are booked late.
		switch {
		case read.CoveredUntil.IsZero():
			return oxlin.Date{}, oxlin.Date{}
		case read.ended():
			return read.CoveredFrom, read.CoveredUntil.AddDays(-1)
		case !read.wholeFrom.IsZero():
			return read.wholeFrom, read.CoveredUntil.AddDays(-1)
		}
		return oxlin.Date{}, oxlin.Date{}
	}
	oldest, newest := rows[0], rows[0]
	// By how many days a row comes too late for a falling and for a rising order.
	tooNew, tooOld := 0, 0
	for _, day := range rows {
		tooNew, tooOld = max(tooNew, day.DaysSince(oldest)), max(tooOld, newest.DaysSince(day))
		if day.Before(oldest) {
			oldest = day
		}
		if newest.Before(day) {
			newest = day
		}
	}
	until := newest
	if !read.CoveredUntil.IsZero() {
		until = read.CoveredUntil.AddDays(-1)
	}
	falling, rising := tooNew <= disorder && tooNew < tooOld, tooOld <= disorder && tooOld < tooNew
	switch {
	case read.ended():
		return read.CoveredFrom, until
	case read.broken != "":
		return oxlin.Date{}, newest
	case falling && (read.wholeFrom.IsZero() || oldest.AddDays(tooNew+1).Before(read.wholeFrom)):
		return oldest.AddDays(tooNew + 1), until
	case !read.wholeFrom.IsZero():
		return read.wholeFrom, until
	case rising:
		return read.CoveredFrom, newest.AddDays(-tooOld - 1)
	}
	return oxlin.Date{}, oxlin.Date{}
}

// bookedDays are the booking days of the rows, in the bank's order. A day that is still
// to come proves nothing of the days before it.
func (read reading) bookedDays() []oxlin.Date {
	var days []oxlin.Date
	for _, t := range read.Transactions {
		if t.Status == oxlin.StatusBooked && !t.BookingDate.IsZero() && !read.Today.Before(t.BookingDate) {
			days = append(days, t.BookingDate)
		}
	}
	return days
}

// lacks returns why the walk is not complete; empty if it is.
func (read reading) lacks() oxlin.Gap {
	switch {
	case !read.ended():
		return read.gap
	case read.suspect:
		return oxlin.GapSuspect
	case len(read.unreadable) > 0:
		return oxlin.GapUnreadable
	}
	return ""
}

// withReading updates an account after a walk over its transactions. What the newest days
// lack and what the older ones lack are two facts: neither walk decides about the other's.
func withReading(account oxlin.Account, read reading, definition oxlin.ChannelDefinitionID, now time.Time) oxlin.Account {
	account.LastChannelDefinition = definition
	if account.Status == oxlin.AccountError || account.Status == oxlin.AccountNotFound {
		account.Status = oxlin.AccountActive
	}
	covered := &account.Coverage
	covered.UnreadableRows = read.unread
	if read.older || account.CoveredUntil.IsZero() {
		covered.LookedBackAt = now
	}
	// A second look shows the newest days too; a walk for wanted days does not.
	second := read.older && covered.Wanted.IsZero()
	if second && !read.ended() {
		// It was refused: what is covered stays covered.
		return account
	}
	account = extended(account, read)
	if read.older && !second {
		covered.Older, covered.From, covered.Refusals = read.lacks(), covered.Since, 0
		if covered.UnreadableRows > 0 {
			covered.Older = covered.Older.Graver(oxlin.GapUnreadable)
		}
	} else {
		covered.Newest, covered.Older = read.lacks(), ""
		covered.From, _ = read.days()
		if read.ended() {
			covered.From = read.CoveredFrom
		}
	}
	if !covered.Wanted.IsZero() {
		covered.Older = covered.Older.Graver(oxlin.GapRefused)
		if !covered.From.IsZero() && !covered.Since.IsZero() && covered.Since.Before(covered.From) {
			covered.From = covered.Since // the days between were read before
		}
	}
	if covered.Doubt.Unlisted {
		covered.Newest = covered.Newest.Graver(oxlin.GapSuspect)
	}
	covered.Doubt = doubted(covered.Doubt, read, now)
	*covered = covered.Judged(now)
	return account
}

// proves reports whether a walk covers enough days to end a doubt: not only those since a
// refusal, and the older ones if the doubt is about them.
func (read reading) proves(doubt oxlin.Doubt) bool {
	return read.older && read.CoveredUntil.IsZero() || read.deep || !doubt.Older && read.Today.DaysSince(read.CoveredFrom) >= overlap
}

// doubted describes what a walk lacks that is not believed to be gone.
func doubted(doubt oxlin.Doubt, read reading, now time.Time) oxlin.Doubt {
	switch {
	case doubt.Unlisted:
		return doubt // a plausible list ends it
	case read.suspect && doubt.Since.IsZero():
		return oxlin.Doubt{Since: now, Lacks: read.lacking, Of: read.due, Older: read.older}
	case read.suspect:
		return oxlin.Doubt{Since: doubt.Since, Lacks: read.lacking, Of: read.due, Older: read.older}
	case read.Complete && read.ended() && read.proves(doubt):
		return oxlin.Doubt{}
	}
	return doubt
}

// accepted is how many absent rows of a walk an operator has accepted.
func accepted(doubt oxlin.Doubt, read reading) int {
	if !doubt.Accepted || !read.proves(doubt) {
		return 0
	}
	return doubt.Lacks
}

// extended joins the days of a walk to those that all readings cover without a hole. A
// walk that was refused before it reached them begins anew with its own days, and the
// days before those are wanted.
func extended(account oxlin.Account, read reading) oxlin.Account {
	covered := &account.Coverage
	first, last := read.days()
	known := !account.CoveredUntil.IsZero()
	switch {
	case read.broken != "":
		// Pages that go round show all rows that they will ever show.
		if read.older {
			covered.Wanted = oxlin.Date{}
		}
		if account.CoveredUntil.Before(last) {
			account.CoveredUntil = last
		}
		return account
	case read.ended() && !covered.Wanted.Before(read.asked):
		// The bank gives nothing before the first day of a walk that came to its end.
		covered.Wanted = oxlin.Date{}
	case !read.ended() && !read.older && !first.IsZero() && read.CoveredFrom.Before(first) &&
		(!known || account.CoveredUntil.AddDays(1).Before(first)):
		if covered.Wanted.IsZero() || read.asked.Before(covered.Wanted) {
			covered.Wanted = read.asked
		}
		covered.Since, account.CoveredUntil = first, last
		return account
	}
	switch {
	case last.IsZero():
		return account
	case !known, read.ended() && account.CoveredUntil.Before(first):
		covered.Since = first
	case account.CoveredUntil.AddDays(1).Before(first), read.older && last.Before(covered.Since):
		return account
	case first.Before(covered.Since):
		covered.Since = first
	}
	if !read.ended() && !covered.Wanted.IsZero() && !covered.Wanted.Before(covered.Since) {
		covered.Wanted = oxlin.Date{}
	}
	if account.CoveredUntil.Before(last) {
		account.CoveredUntil = last
	}
	return account
}

// lookBackEvery is how often an account is read as far back as the bank allows, so that
// rows are found which the bank has inserted long after their day.
const lookBackEvery = 7 * 24 * time.Hour

// looksBack reports whether a run that has read the newest days of an account asks for
// older ones: those that no reading has reached, or all of them for a second look, or to
// end a doubt.
func (r *run) looksBack(account oxlin.Account, read reading) bool {
	covered := account.Coverage
	switch {
	case !read.ended() || read.older || r.sync.Progress.NoOlder:
		return false
	case !covered.Wanted.IsZero():
		return true
	case !historyStart(r).Before(read.asked):
		return false
	}
	return covered.Doubt.Older || r.sync.Progress.Deep && covered.LookedBackAt.Before(r.sync.StartedAt) || r.now().Sub(covered.LookedBackAt).Abs() >= lookBackEvery
}

// historyStart is the first day that the bank may give.
func historyStart(r *run) oxlin.Date {
	return today(r.now()).AddDays(-r.connector.Profile().HistoryDays)
}

// finalRefusals is on how many days in a row a bank must refuse older days until it counts
// as having none: a bank that bears few calls a day may refuse with the same answer.
const finalRefusals = 3

// withoutOlder describes an account whose older days the bank refuses. If the bank does so
// again and again, they are not asked for any more.
func withoutOlder(covered oxlin.Coverage, failure *bank.Failure, now time.Time) oxlin.Coverage {
	again := covered.Refusals > 0 && today(covered.LookedBackAt) == today(now)
	covered.LookedBackAt = now
	if covered.Doubt.Older && !failure.Transient() {
		covered.Doubt = oxlin.Doubt{}
	}
	if covered.Wanted.IsZero() || failure.Transient() || failure.Kind == bank.AccessLost && !mayBeOneAccount(failure) {
		return covered
	}
	if !again {
		covered.Refusals++
	}
	if covered.Refusals < finalRefusals {
		return covered
	}
	covered.Wanted, covered.Older, covered.Refusals = oxlin.Date{}, "", 0
	if covered.UnreadableRows > 0 {
		covered.Older = oxlin.GapUnreadable
	}
	return covered.Judged(now)
}
