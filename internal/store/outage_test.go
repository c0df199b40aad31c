package store_test

import (
	"context"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// An outage is told from a refusal, and ends without a restart.
func TestUnreachable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		again := store.Authorization{StateHash: []byte("once"), UserID: w.user, ClientID: w.client, ProviderID: "87", DefinitionID: "8701", Verifier: []byte("sealed")}
		insert := func(ctx context.Context) error {
			return db.Write(ctx, func(tx *store.Tx) error { return tx.InsertAuthorization(ctx, again) })
		}
		err := insert(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused := insert(t.Context())
		if refused == nil || store.Unreachable(refused) {
			t.Errorf("a key that exists: %v", refused)
		}
		if store.Unreachable(oxlin.NotFound("user")) || store.Unreachable(nil) {
			t.Error("an answer of the database is an outage")
		}
		again.StateHash = []byte("twice")
		end := storetest.Outage(t, db)
		for range 3 {
			err = insert(t.Context())
			if !store.Unreachable(err) {
				t.Errorf("during an outage: %v", err)
			}
		}
		end()
		err = insert(t.Context())
		if err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}
