package synchro

import (
	"cmp"
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// keptDays is for how many days the balances of days are kept.
const keptDays = 400

// storeDayBalance keeps the booked balance of a reading under the bank's day of it, else
// that of the request. Of several days, such as the close of yesterday beside the present
// day, the newest counts, which the next reading follows. Several that differ on it have no
// day's balance.
func storeDayBalance(ctx context.Context, tx *store.Tx, account oxlin.Account, told stagedBalances, now time.Time) error {
	if account.Type == oxlin.AccountCreditCard {
		return nil
	}
	if !told.AskedAt.IsZero() { // else an earlier version has staged it
		now = told.AskedAt
	}
	kept, found := newestBooked(told.All, today(now))
	if !found {
		return nil
	}
	kept.ReadAt, kept.Currency = now, cmp.Or(kept.Currency, account.Currency)
	first := today(now).AddDays(-keptDays)
	if kept.Day.Before(first) {
		return nil
	}
	return tx.SaveDayBalance(ctx, account.ID, kept, first)
}

// newestBooked returns the booked balance of the newest day until today; found is false
// without one, or if that day has several.
func newestBooked(all []oxlin.Balance, today oxlin.Date) (newest store.DayBalance, found bool) {
	for _, balance := range all {
		day := balance.Date
		if day.IsZero() {
			day = today
		}
		if balance.Type != oxlin.BalanceBooked || today.Before(day) {
			continue
		}
		told := store.DayBalance{Day: day, Amount: balance.Amount, Currency: balance.Currency}
		switch {
		case newest.Day.Before(day):
			newest, found = told, true
		case newest.Day == day && newest != told:
			found = false
		}
	}
	return newest, found
}
