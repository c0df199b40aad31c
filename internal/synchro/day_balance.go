package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// keptDays is for how many days the balances of days are kept.
const keptDays = 400

// storeDayBalance keeps the booked balance of a reading under the bank's day of it, else
// that of the request. Several booked balances that differ have no day's balance.
func storeDayBalance(ctx context.Context, tx *store.Tx, account oxlin.Account, told stagedBalances, now time.Time) error {
	if account.Type == oxlin.AccountCreditCard {
		return nil
	}
	var booked *oxlin.Balance
	for _, balance := range told.All {
		if balance.Type != oxlin.BalanceBooked {
			continue
		}
		if booked != nil && *booked != balance {
			return nil
		}
		booked = &balance
	}
	if !told.AskedAt.IsZero() { // else an earlier version has staged it
		now = told.AskedAt
	}
	if booked == nil || today(now).Before(booked.Date) {
		return nil
	}
	kept := store.DayBalance{Day: booked.Date, Amount: booked.Amount, Currency: booked.Currency, ReadAt: now}
	if kept.Day.IsZero() {
		kept.Day = today(now)
	}
	if kept.Currency == "" {
		kept.Currency = account.Currency
	}
	first := today(now).AddDays(-keptDays)
	if kept.Day.Before(first) {
		return nil
	}
	return tx.SaveDayBalance(ctx, account.ID, kept, first)
}
