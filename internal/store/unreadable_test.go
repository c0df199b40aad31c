package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestUnreadableRecordsAreStoredOnceAndGoWithTheAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first := store.UnreadableRecord{Content: []byte("one"), Reason: "day", SeenAt: now, Raw: []byte{1}}
		second := store.UnreadableRecord{Content: []byte("two"), Reason: "amount", SeenAt: now.Add(time.Hour), Raw: []byte{2}}
		save := func(records ...store.UnreadableRecord) {
			t.Helper()
			for _, record := range records {
				write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SaveUnreadable(ctx, w.account, record) })
			}
		}
		wants := func(want ...store.UnreadableRecord) {
			t.Helper()
			got := must[[]store.UnreadableRecord](t)(db.Read().UnreadableRecords(t.Context(), w.account))
			if diff := difference(append([]store.UnreadableRecord{}, want...), got); diff != "" {
				t.Error(diff)
			}
		}
		again := first
		again.SeenAt, again.Reason, first.Reason = now.Add(time.Hour), "sign", "sign"
		again.CoveredFrom, first.CoveredFrom = oxlin.NewDate(2026, 11, 1), oxlin.NewDate(2026, 11, 1)
		save(second, first, again)
		wants(first, second)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropUnreadable(ctx, w.account, first.Content) })
		wants(second)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteAccount(ctx, w.account) })
		wants()
	})
}
