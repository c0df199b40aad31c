package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// benchDB opens and migrates an empty database and stores one user with one account.
func benchDB(b *testing.B, address string) (*store.DB, oxlin.UserID, oxlin.AccountID) {
	b.Helper()
	ctx := b.Context()
	db, err := store.Open(ctx, address, store.Options{Relaxed: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	err = db.Migrate(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var user oxlin.UserID
	var account oxlin.AccountID
	err = db.Write(ctx, func(tx *store.Tx) error {
		err := tx.SaveClient(ctx, oxlin.Client{ID: "bench"})
		if err != nil {
			return err
		}
		user, err = tx.InsertUser(ctx, oxlin.User{ClientID: "bench", Email: "a@example.test"})
		if err != nil {
			return err
		}
		account, err = tx.InsertAccount(ctx, oxlin.Account{UserID: user, Currency: "EUR"})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, user, account
}

func benchRecords(account oxlin.AccountID, n int) []store.TransactionRecord {
	records := make([]store.TransactionRecord, n)
	for i := range records {
		records[i] = store.TransactionRecord{
			Transaction: oxlin.Transaction{AccountID: account, Amount: oxlin.Amount(i), Currency: "EUR", Label: "A label", Remittance: []string{"CB SHOP"}},
			BankIDs:     []string{}, Raw: make([]byte, 400),
			ImportSource: oxlin.ImportSource{Sync: 7, Channel: "8701", CategoryRule: "none"},
			Derivation:   oxlin.Derivation{LabelRule: "words", TypeRule: "code"},
		}
	}
	return records
}

// BenchmarkTransactionsPage shows what a page far back costs beside the first.
func BenchmarkTransactionsPage(b *testing.B) {
	ctx := b.Context()
	db, user, account := benchDB(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"))
	err := db.Write(ctx, func(tx *store.Tx) error {
		return tx.InsertTransactions(ctx, user, benchRecords(account, 110_000), time.Unix(1_700_000_000, 0))
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

// BenchmarkPendingTransactions shows what a list costs that finds ten rows among 110,000.
func BenchmarkPendingTransactions(b *testing.B) {
	ctx := b.Context()
	db, user, account := benchDB(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"))
	records := benchRecords(account, 110_000)
	for i := range records {
		records[i].Status = oxlin.StatusBooked
		if i%11_000 == 5_000 {
			records[i].Status = oxlin.StatusPending
		}
	}
	err := db.Write(ctx, func(tx *store.Tx) error {
		return tx.InsertTransactions(ctx, user, records, time.Unix(1_700_000_000, 0))
	})
	if err != nil {
		b.Fatal(err)
	}
	filter := store.TransactionFilter{IncludedStatuses: []oxlin.TransactionStatus{oxlin.StatusPending}}
	for b.Loop() {
		list, err := db.Read().Transactions(ctx, user, filter, 0, 100)
		if err != nil || len(list) != 10 {
			b.Fatal(len(list), err)
		}
	}
}

// BenchmarkInsertTransactions measures one transaction that inserts 1,000 rows.
func BenchmarkInsertTransactions(b *testing.B) {
	for _, database := range []struct{ name, address string }{
		{"SQLite", "sqlite:" + filepath.Join(b.TempDir(), "bench.db")},
		{"PostgreSQL", storetest.Postgres(b)},
	} {
		b.Run(database.name, func(b *testing.B) {
			ctx := b.Context()
			db, user, account := benchDB(b, database.address)
			records := benchRecords(account, 1000)
			b.ReportAllocs()
			for b.Loop() {
				err := db.Write(ctx, func(tx *store.Tx) error {
					return tx.InsertTransactions(ctx, user, records, time.Unix(1_700_000_000, 0))
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkKnownTransactions measures reading what reconciliation compares with.
func BenchmarkKnownTransactions(b *testing.B) {
	ctx := b.Context()
	db, user, account := benchDB(b, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"))
	err := db.Write(ctx, func(tx *store.Tx) error {
		return tx.InsertTransactions(ctx, user, benchRecords(account, 1000), time.Unix(1_700_000_000, 0))
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		list, err := db.Read().KnownTransactions(ctx, account, oxlin.Date{})
		if err != nil || len(list) != 1000 {
			b.Fatal(len(list), err)
		}
	}
}
