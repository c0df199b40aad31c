package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// BenchmarkTransactionsPage shows what a page far back costs beside the first.
func BenchmarkTransactionsPage(b *testing.B) {
	ctx := b.Context()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{Relaxed: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	err = db.Migrate(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var user oxlin.UserID
	err = db.Write(ctx, func(tx *store.Tx) error {
		err := tx.SaveClient(ctx, oxlin.Client{ID: "bench"})
		if err != nil {
			return err
		}
		user, err = tx.InsertUser(ctx, oxlin.User{ClientID: "bench", Email: "a@example.test"})
		if err != nil {
			return err
		}
		account, err := tx.InsertAccount(ctx, oxlin.Account{UserID: user, Currency: "EUR"})
		if err != nil {
			return err
		}
		records := make([]store.TransactionRecord, 110_000)
		for i := range records {
			records[i] = store.TransactionRecord{
				Transaction: oxlin.Transaction{AccountID: account, Amount: oxlin.Amount(i), Currency: "EUR", Label: "A label", Remittance: []string{"CB SHOP"}},
				BankIDs:     []string{}, Raw: make([]byte, 400),
			}
		}
		return tx.InsertTransactions(ctx, user, records, time.Unix(1_700_000_000, 0))
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, page := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("page %d", page), func(b *testing.B) {
			for b.Loop() {
				list, err := db.Read().Transactions(ctx, user, store.TransactionFilter{}, (page-1)*100, 100)
				if err != nil || len(list) != 100 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}
