package client

import (
	"path"
	"time"

	"github.com/oxlin/oxlin"
)

// ID returns the id of the created resource, the last segment of its address.
func (c *Created) ID() string { return path.Base(c.Location) }

// Time returns the instant in UTC.
func (i Instant) Time() time.Time { return time.Unix(int64(i), 0).UTC() }

// Date returns the civil date whose midnight in Paris the value is.
func (d Day) Date() oxlin.Date { return oxlin.DateIn(time.Unix(int64(d), 0), oxlin.Paris) }

// Question returns the challenges that the event carries for the user, to be answered
// with AnswerChallenges; nil if it carries none of them.
func (e *Event) Question() []Challenge {
	input, asked := e.SyncAllUserInputRequested.Get()
	if !asked {
		input = e.ListAccountsUserInputRequested.Value
	}
	return input.Challenge
}
