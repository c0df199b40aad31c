package store_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func size(t *testing.T, path string) int64 {
	t.Helper()
	file, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return file.Size()
}

// What is committed comes into the file of the database while the process runs, and the log of an
// endless row of commits begins anew.
func TestTheLogIsCopiedWhileCommitsGoOn(t *testing.T) {
	db, path := storetest.SQLite(t)
	w := newWorld(t, db)
	commit := func() {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, w.records(200), now)
		})
	}
	before := size(t, path)
	for range 60 {
		commit()
	}
	deadline, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	for size(t, path) < before+1<<20 {
		if deadline.Err() != nil {
			t.Fatalf("the file has %d bytes, and had %d before 12,000 transactions", size(t, path), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
	const most = 64 << 20
	for written := 0; written < 60_000; written += 200 {
		commit()
		if length := size(t, path+"-wal"); length > most {
			t.Fatalf("the log has %d bytes after %d transactions", length, written)
		}
	}
}
