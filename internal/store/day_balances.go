package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// DayBalance is the booked balance of an account on a day.
type DayBalance struct {
	Day      oxlin.Date
	Amount   oxlin.Amount
	Currency string
	// ReadAt is when the balance was requested. The rows of the reading were requested
	// after it, and may include more.
	ReadAt time.Time
}

// CheckedRow is a transaction that is booked, or was until the bank removed it, as far as a
// check of balances needs it.
type CheckedRow struct {
	// Day is the booking date, else the day that is shown.
	Day                   oxlin.Date
	Undated               bool
	Amount                oxlin.Amount
	Currency              string
	Status                oxlin.TransactionStatus
	ImportedAt, UpdatedAt time.Time
	// MissingSince is the first day on which the bank no longer showed it.
	MissingSince oxlin.Date
}

// SaveDayBalance stores the balance of a day, replaces one of that day, and deletes those
// of days before the first to keep.
func (tx *Tx) SaveDayBalance(ctx context.Context, id oxlin.AccountID, b DayBalance, keepFrom oxlin.Date) error {
	err := tx.q.SaveDayBalance(ctx, query.SaveDayBalanceParams{
		AccountID: id, Day: b.Day, Amount: b.Amount, Currency: b.Currency, ReadAt: query.At(b.ReadAt),
	})
	if err != nil {
		return fmt.Errorf("save balance of a day: %w", err)
	}
	err = tx.q.DropDayBalances(ctx, query.DropDayBalancesParams{AccountID: id, Before: keepFrom})
	if err != nil {
		return fmt.Errorf("drop balances of days: %w", err)
	}
	return nil
}

// DayBalances lists the balances of an account's days, the oldest first.
func (r Reader) DayBalances(ctx context.Context, id oxlin.AccountID) ([]DayBalance, error) {
	rows, err := r.q.ListDayBalances(ctx, id)
	return each(rows, err, "balance", func(row query.DayBalance) DayBalance {
		return DayBalance{Day: row.Day, Amount: row.Amount, Currency: row.Currency, ReadAt: row.ReadAt.Time}
	})
}

// CheckedRows lists an account's transactions that may not be part of a balance, the oldest
// first.
func (r Reader) CheckedRows(ctx context.Context, id oxlin.AccountID, b DayBalance) ([]CheckedRow, error) {
	rows, err := r.q.ListCheckedRows(ctx, query.ListCheckedRowsParams{AccountID: id, Day: b.Day, ReadAt: b.ReadAt.UnixMicro()})
	return each(rows, err, "transaction", func(row query.ListCheckedRowsRow) CheckedRow {
		checked := CheckedRow{
			Day: row.BookingDate, Undated: row.Undated, Amount: row.Amount, Currency: row.Currency, Status: row.Status,
			ImportedAt: time.UnixMicro(row.ImportedAt).UTC(), UpdatedAt: row.UpdatedAt.Time, MissingSince: row.MissingSince,
		}
		if checked.Day.IsZero() {
			checked.Day = row.Date
		}
		return checked
	})
}
