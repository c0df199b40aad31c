package oxlin

import (
	"slices"
	"time"
)

// BalanceType is the kind of a balance (contract §12.4).
type BalanceType string

// The types of a balance.
const (
	// BalanceBooked is the sum of the booked transactions.
	BalanceBooked BalanceType = "BOOKED"
	// BalanceAvailable is the sum that the customer may spend. It may include an overdraft.
	BalanceAvailable BalanceType = "AVAILABLE"
	// BalanceExpected includes the pending transactions.
	BalanceExpected BalanceType = "EXPECTED"
	// BalanceCreditLimit is the limit of a credit line.
	BalanceCreditLimit BalanceType = "CREDIT_LIMIT"
	// BalanceOther is a balance that only the bank can interpret, such as a coming debit
	// of a card.
	BalanceOther BalanceType = "OTHER"
)

// Balance is one of the balances that a bank gives for an account. Accounts store it as
// JSON.
type Balance struct {
	Type     BalanceType `json:"type"`
	Amount   Amount      `json:"amount"`
	Currency string      `json:"currency"` // ISO 4217
	// Date is the bank's own day of the balance; absent if the bank names none.
	Date Date `json:"date,omitzero"`
}

// Coverage describes what the last reading of an account's transactions covers
// (contract §12.4). It is zero until a reading has ended. Accounts store it as JSON.
type Coverage struct {
	// From is the first day that the reading covers; absent if it covers none.
	From Date `json:"from,omitzero"`
	// Complete reports whether the reading came to its end, could read every row, and
	// is plausible. Only then is a row missing that it lacks.
	Complete bool `json:"complete"`
	// Gap is why the reading is not complete: the graver one of Newest and Older.
	Gap Gap `json:"gap,omitempty"`
	// Newest is why the newest days are not complete, and Older why the days before them
	// are not, which a walk of their own asks for.
	Newest Gap `json:"newest,omitempty"`
	Older  Gap `json:"older,omitempty"`
	// UnreadableRows counts the rows that this and earlier readings could not read, unless
	// the bank has corrected them.
	UnreadableRows int `json:"unreadable_rows,omitempty"`
	// Doubt describes what the bank no longer shows and is not believed to be gone; zero
	// if nothing is in doubt.
	Doubt Doubt `json:"doubt,omitzero"`
	// LastCompleteAt is the instant of the last complete reading; zero if no reading was complete.
	LastCompleteAt time.Time `json:"last_complete_at,omitzero"`
	// Since is the first of the days that all readings together cover without a hole, up
	// to the account's CoveredUntil; absent if no reading has told it.
	Since Date `json:"since,omitzero"`
	// Wanted is the first day that a reading has asked for and has not reached; absent if
	// no day before Since is missing.
	Wanted Date `json:"wanted,omitzero"`
	// Refusals counts the days in a row on which the bank has refused the wanted days.
	Refusals int `json:"refusals,omitempty"`
	// LookedBackAt is when the account was last read as far back as the bank allows, or
	// when the bank refused this.
	LookedBackAt time.Time `json:"looked_back_at,omitzero"`
	// EndlessAt is when the bank's pages of the newest days were last followed so far that they
	// count as endless, and OlderEndlessAt when those of the older days were; zero if the last
	// walk came to its end.
	EndlessAt      time.Time `json:"endless_at,omitzero"`
	OlderEndlessAt time.Time `json:"older_endless_at,omitzero"`
	// DistinctIDs is the channel whose last whole answer confirmed that each of its ids is on one row
	// alone; absent if none did, or an id has been on different rows since.
	DistinctIDs ChannelDefinitionID `json:"distinct_ids,omitempty"`
}

// Gap is a reason for which a reading is not complete.
type Gap string

// The gaps of a reading.
const (
	// GapUnreadable: rows could not be read.
	GapUnreadable Gap = "unreadable rows"
	// GapBroken: the bank's pages did not end.
	GapBroken Gap = "broken pages"
	// GapRefused: the bank refused to go on.
	GapRefused Gap = "refused"
	// GapSuspect: the reading lacks too many known rows to be believed, or the bank's list
	// of accounts lacks this one and too many others. Coverage.Doubt has the details.
	GapSuspect Gap = "suspect"
)

// gravity orders the gaps: a suspect reading waits for an operator, and of broken pages
// nobody knows how many more there are. A refusal is made up for, and unreadable rows are
// counted beside their gap.
var gravity = []Gap{"", GapUnreadable, GapRefused, GapBroken, GapSuspect}

// Graver returns the graver one of two gaps.
func (g Gap) Graver(other Gap) Gap {
	if slices.Index(gravity, g) < slices.Index(gravity, other) {
		return other
	}
	return g
}

// Judged sets Gap and Complete from the newest and the older days, and LastCompleteAt if
// nothing lacks.
func (c Coverage) Judged(now time.Time) Coverage {
	c.Gap = c.Newest.Graver(c.Older)
	c.Complete = c.Gap == ""
	if c.Complete {
		c.LastCompleteAt = now
	}
	return c
}

// Doubt is an absence that is not plausible (contract §12.4): a suspect reading lacks too
// many of an account's rows, or a suspect list of accounts lacks the account.
type Doubt struct {
	// Since is the first of the answers without a plausible one between them.
	Since time.Time `json:"since"`
	// Lacks counts the booked rows that the last suspect reading lacks, of those that it
	// should show.
	Lacks int `json:"lacks,omitempty"`
	Of    int `json:"of,omitempty"`
	// Older reports that it was a reading as far back as the bank allows.
	Older bool `json:"older,omitempty"`
	// Unlisted reports that the list of accounts lacks the account.
	Unlisted bool `json:"unlisted,omitempty"`
	// Replaced reports that the list shows an account of the same name, type and currency
	// under another id of the bank, and neither has a number: it may be this one.
	Replaced bool `json:"replaced,omitempty"`
	// Accepted reports that an operator has accepted the absence: the next complete
	// reading that lacks as much, or list, is believed.
	Accepted bool `json:"accepted,omitempty"`
}
