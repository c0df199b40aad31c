package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// CheckStatus is the result of a check of balances.
type CheckStatus string

// The results of a check.
const (
	CheckOK      CheckStatus = "ok"
	CheckGap     CheckStatus = "gap"
	CheckUnknown CheckStatus = "unknown"
)

// CheckReason is why a check has no result.
type CheckReason string

// The reasons of CheckUnknown.
const (
	// NoBalance: fewer than two days have a booked balance.
	NoBalance CheckReason = "no_balance"
	// PendingIncluded: the bank gives only a balance that includes pending transactions.
	PendingIncluded CheckReason = "pending_included"
	// IsCard: a card is settled on another account.
	IsCard CheckReason = "card"
	// IncompleteCoverage: no complete reading covers the days.
	IncompleteCoverage CheckReason = "incomplete_coverage"
	// UnreadableRows: rows that the bank gave for these days cannot be read.
	UnreadableRows CheckReason = "unreadable_rows"
	// ForeignCurrency: a row or a balance has another currency than the balance before.
	ForeignCurrency CheckReason = "foreign_currency"
	// UndatedRows: the bank gave rows no day.
	UndatedRows CheckReason = "undated_rows"
	// ChangedRows: the bank changed rows after one of the balances.
	ChangedRows CheckReason = "changed_rows"
	// Unsettled: the next readings may explain the difference, because a bank updates
	// balances and rows at different times.
	Unsettled CheckReason = "unsettled"
)

// BalanceCheck compares balances with the transactions between them.
type BalanceCheck struct {
	Status CheckStatus
	Reason CheckReason
	// Gap is the sum of the gaps; nil without one.
	Gap *oxlin.Amount
	// Days are the neighbouring days with a balance, the oldest first.
	Days []CheckedDays
}

// CheckedDays are two neighbouring days with a balance, and the transactions that the
// second balance includes and the first one does not.
type CheckedDays struct {
	From, To               oxlin.Date
	Opening, Rows, Closing oxlin.Amount
	Status                 CheckStatus
	Reason                 CheckReason
	// Gap is the part of the difference that the transactions lack; nil without one.
	Gap *oxlin.Amount
}

// BalanceCheck checks an account of the caller's user.
func (a *Accounts) BalanceCheck(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID) (BalanceCheck, error) {
	account, err := ownAccount(ctx, a.db.Read(), caller, id)
	if err != nil {
		return BalanceCheck{}, err
	}
	if account.Status == oxlin.AccountPendingConsent {
		return BalanceCheck{Status: CheckUnknown, Reason: NoBalance}, nil
	}
	return CheckBalances(ctx, a.db.Read(), account)
}

// CheckBalances checks the stored balances of an account.
func CheckBalances(ctx context.Context, db store.Reader, account oxlin.Account) (BalanceCheck, error) {
	c := Checked{Account: account}
	var err error
	c.Balances, err = db.DayBalances(ctx, account.ID)
	if err != nil || len(c.Balances) < 2 {
		return c.Check(), err
	}
	c.Rows, err = db.CheckedRows(ctx, account.ID, c.Balances[0])
	if err != nil {
		return BalanceCheck{}, err
	}
	c.Unreadable, err = db.UnreadableRecords(ctx, account.ID)
	if err != nil {
		return BalanceCheck{}, err
	}
	return c.Check(), nil
}

// Checked holds the stored data that a check compares.
type Checked struct {
	Account oxlin.Account
	// Balances are ordered by day.
	Balances   []store.DayBalance
	Rows       []store.CheckedRow
	Unreadable []store.UnreadableRecord
}

// Check compares the balances with the rows. For each balance, its offset is the sum of
// all rows until its day less the balance itself. While no row is missing or stands twice,
// the offset is constant, except for rows that the balance did not include yet, or not any
// more: see belated.
func (c Checked) Check() BalanceCheck {
	switch {
	case c.Account.Type == oxlin.AccountCreditCard:
		return BalanceCheck{Status: CheckUnknown, Reason: IsCard}
	case len(c.Balances) < 2 && c.Account.Balance != nil && c.Account.BalanceExpected:
		return BalanceCheck{Status: CheckUnknown, Reason: PendingIncluded}
	case len(c.Balances) < 2:
		return BalanceCheck{Status: CheckUnknown, Reason: NoBalance}
	}
	points := c.points()
	likeliest(points)
	check := BalanceCheck{Status: CheckOK}
	for i := range points[1:] {
		days := c.between(points, i+1)
		check.Days = append(check.Days, days)
		switch {
		case days.Status == CheckGap:
			if check.Gap == nil {
				check.Gap = new(oxlin.Amount)
			}
			*check.Gap += *days.Gap
			check.Status, check.Reason = CheckGap, ""
		case days.Status == CheckUnknown && check.Status != CheckGap:
			check.Status, check.Reason = CheckUnknown, days.Reason
		}
	}
	return check
}

// between is the result for the days from the balance before a point to that of the point.
func (c Checked) between(points []point, at int) CheckedDays {
	before, after := points[at-1], points[at]
	opening, closing := c.Balances[at-1], c.Balances[at]
	gap := before.level - after.level
	days := CheckedDays{
		From: opening.Day, To: closing.Day, Opening: opening.Amount, Closing: closing.Amount,
		Rows: closing.Amount - opening.Amount - gap, Status: CheckUnknown,
	}
	switch {
	case after.reason != "" && (after.reason != ChangedRows || gap != 0):
		days.Reason = after.reason
	case gap == 0 && after.settled(points[at:]) && !(at == 1 && before.offset != before.level && len(before.guessed) > 0):
		days.Status = CheckOK
	case gap != 0 && c.readAgain(closing) && after.established(points[at:]):
		days.Status, days.Gap = CheckGap, &gap
	default:
		days.Reason = Unsettled
	}
	if days.Reason != "" {
		// The rows of the days, without a guess.
		days.Rows = after.rows - before.rows
	}
	return days
}

// readAgain reports whether a complete reading of a later day confirms the rows of a
// balance: a bank may list a row later than its balance includes it.
func (c Checked) readAgain(b store.DayBalance) bool {
	last := c.Account.Coverage.LastCompleteAt
	return last.After(b.ReadAt) && b.Day.Before(oxlin.DateIn(last, oxlin.Paris))
}
