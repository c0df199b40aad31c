package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestADayHasOneBalanceAndOldDaysGo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		day := func(n int) oxlin.Date { return oxlin.NewDate(2026, 11, n) }
		of := func(n int, amount oxlin.Amount) store.DayBalance {
			return store.DayBalance{Day: day(n), Amount: amount, Currency: "EUR", ReadAt: now.Add(time.Duration(n) * time.Hour)}
		}
		for _, b := range []store.DayBalance{of(1, 5), of(3, 7), of(3, 8), of(2, 6)} {
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SaveDayBalance(ctx, w.account, b, day(2)) })
		}
		got := must[[]store.DayBalance](t)(db.Read().DayBalances(t.Context(), w.account))
		if diff := difference([]store.DayBalance{of(2, 6), of(3, 8)}, got); diff != "" {
			t.Error(diff)
		}
	})
}
