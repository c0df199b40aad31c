package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestAnExplanationHasTheLastChanges keeps 50 changes of a transaction, and deletes them
// with the account.
func TestAnExplanationHasTheLastChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		record := w.distinct(t, 1)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, []store.TransactionRecord{record, record}, now)
		})
		list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 2))
		id, other := list[0].ID, list[1].ID
		change := func(n int) oxlin.TransactionChange {
			c := oxlin.TransactionChange{Transaction: id, Sync: oxlin.SyncID(n), At: now.Add(time.Duration(n) * time.Hour), Rule: fmt.Sprint("rule ", n)}
			if n%2 == 0 {
				c.FormerBankID = fmt.Sprint("id ", n)
			}
			return c
		}
		var want []oxlin.TransactionChange
		for n := 1; n <= 60; n++ {
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.SaveChanges(ctx, []oxlin.TransactionChange{change(n), change(n)})
			})
			if n > 10 {
				want = append(want, change(n))
			}
		}
		elsewhere := oxlin.TransactionChange{Transaction: other, At: now, Rule: "expired"}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.SaveChanges(ctx, []oxlin.TransactionChange{elsewhere})
		})
		got := must[oxlin.Explanation](t)(db.Read().Explanation(t.Context(), w.user, id))
		if diff := difference(oxlin.Explanation{
			Provider: "87", ImportedAt: list[0].ImportedAt, Import: record.ImportSource, Derivation: record.Derivation, BankIDs: record.BankIDs, Changes: want,
		}, got); diff != "" {
			t.Error(diff)
		}
		_, err := db.Read().Explanation(t.Context(), w.user+1000, id)
		if !oxlin.IsNotFound(err) {
			t.Errorf("another user gets %v", err)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteAccount(ctx, w.account) })
		_, err = db.Read().Explanation(t.Context(), w.user, id)
		if !oxlin.IsNotFound(err) {
			t.Errorf("after the deletion %v", err)
		}
		if left := must[[]oxlin.TransactionChange](t)(db.Read().Changes(t.Context(), id)); len(left) != 0 {
			t.Errorf("the deletion left %d changes", len(left))
		}
	})
}
