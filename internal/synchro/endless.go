package synchro

import (
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// endlessTime is how long a run remembers that a bank's pages have no end.
const endlessTime = 7 * 24 * time.Hour

// fewRowPages is how far a walk over an account's rows goes if the last one found no end:
// further than the pages of most months, so that a bank that has mended its links is read
// whole at once.
const fewRowPages = 30

// brokenEarly is why such a walk is not complete.
const brokenEarly = "the pages had no end last time, and go on"

// pages is the part of a run that bounds its walks over the rows of an account.
type pages struct {
	run     *run
	account oxlin.Account
}

// limited ends a walk that goes on, if the last one had no end. At a login, and once a week,
// it goes as far as the connector goes.
func (p pages) limited(page bank.TransactionsPage) bank.TransactionsPage {
	if page.Next != "" && p.run.sync.Progress.Page+1 >= fewRowPages && p.bounded() {
		page.Next, page.Broken, page.Endless = "", brokenEarly, true
	}
	return page
}

// bounded reports whether this walk goes no further than fewRowPages.
func (p pages) bounded() bool {
	at := *endlessAt(&p.account.Coverage, p.run.sync.Progress.Older)
	return !p.run.sync.Progress.Deep && !at.IsZero() && p.run.sync.StartedAt.Before(at.Add(endlessTime))
}

// remember returns the account's coverage with the instant at which its pages proved endless.
// A walk that was bounded proves nothing new.
func (p pages) remember(read reading) oxlin.Coverage {
	covered := p.account.Coverage
	at := endlessAt(&covered, read.older)
	switch {
	case read.ended():
		*at = time.Time{}
	case read.endless && !p.bounded():
		*at = p.run.now()
	}
	return covered
}

// endlessAt is when the pages of the newest or of the older days proved endless.
func endlessAt(covered *oxlin.Coverage, older bool) *time.Time {
	if older {
		return &covered.OlderEndlessAt
	}
	return &covered.EndlessAt
}
