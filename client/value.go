package client

import (
	"path"
	"time"

	"github.com/oxlin/oxlin"
)

// ID is the id of what was created, the end of its address.
func (c *Created) ID() string { return path.Base(c.Location) }

// Time is the instant in UTC.
func (i Instant) Time() time.Time { return time.Unix(int64(i), 0).UTC() }

// Date is the day that the second is the begin of, in Paris.
func (d Day) Date() oxlin.Date { return oxlin.DateIn(time.Unix(int64(d), 0), oxlin.Paris) }

// Question is what the bank asks the user in this event, to be answered with
// AnswerChallenges; nil if the event asks nothing.
func (e *Event) Question() []Challenge {
	input, asked := e.SyncAllUserInputRequested.Get()
	if !asked {
		input = e.ListAccountsUserInputRequested.Value
	}
	return input.Challenge
}
