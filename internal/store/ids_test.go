package store_test

import (
	"context"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestIDsThatClientsSeeHaveTenDigits also fails if a later migration copies a table and
// loses its sequence. TestAnUpgradeContinuesWhatWasStored covers older databases.
func TestIDsThatClientsSeeHaveTenDigits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var queue oxlin.QueueID
		var key oxlin.KeyID
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.InsertTransactions(ctx, w.user, w.records(1), now)
			if err != nil {
				return err
			}
			queue, err = tx.InsertQueue(ctx, oxlin.Queue{UserID: w.user}, now)
			if err != nil {
				return err
			}
			key, err = tx.InsertKey(ctx, store.SealedKey{Key: oxlin.Key{UserID: w.user, Public: "key", ExpiresAt: now}, Private: []byte("sealed")})
			return err
		})
		list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10))
		for what, id := range map[string]int64{
			"user": int64(w.user), "connection": int64(w.connection), "account": int64(w.account),
			"transaction": int64(list[0].ID), "queue": int64(queue), "key": int64(key),
		} {
			if id != 1_000_000_001 {
				t.Errorf("the first %s has the id %d", what, id)
			}
		}
	})
}
