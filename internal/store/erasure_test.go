package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// tables lists the tables of a migrated database with the number of their rows.
func tables(t *testing.T, db *store.DB) map[string]int {
	t.Helper()
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if db.Dialect() == store.Postgres {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	counts := map[string]int{}
	for _, name := range texts(t, db, list) {
		var n int
		_, err := fmt.Sscan(texts(t, db, "SELECT CAST(count(*) AS TEXT) FROM "+name)[0], &n)
		if err != nil {
			t.Fatal(err)
		}
		counts[name] = n
	}
	delete(counts, "grant_changes") // each deletion tells of itself
	return counts
}

// texts returns the texts of a query's only column.
func texts(t *testing.T, db *store.DB, query string) (list []string) {
	t.Helper()
	var next func() bool
	var scan func(...any) error
	if pool := db.SQLite(); pool != nil {
		rows, err := pool.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		next, scan = rows.Next, rows.Scan
	} else {
		rows, err := db.Postgres().Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		next, scan = rows.Next, rows.Scan
	}
	for next() {
		var text string
		err := scan(&text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	return list
}

// crowd stores a world with everything that a user can have, and more transactions in two
// accounts than a deletion removes at once.
func crowd(t *testing.T, db *store.DB) world {
	t.Helper()
	w := newWorld(t, db)
	fill(t, db, w)
	manual := w.newAccount(oxlin.AccountSavings)
	manual.ConnectionID = 0
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		id, err := tx.InsertAccount(ctx, manual)
		other := w
		other.account = id
		return errors.Join(err,
			tx.InsertTransactions(ctx, w.user, w.records(900), now), tx.InsertTransactions(ctx, w.user, other.records(700), now),
			tx.SaveUnreadable(ctx, w.account, store.UnreadableRecord{Content: []byte("one"), Reason: "day", SeenAt: now, Raw: []byte{1}}))
	})
	return w
}

// TestALargeDeletionHidesAtOnceAndRemovesInPieces looks at the database between the deletion and
// the removal, where a crash may leave it, and after the removal.
func TestALargeDeletionHidesAtOnceAndRemovesInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, row := range []struct {
			what string
			// delete deletes it; accounts and transactions count those that the user keeps.
			delete                 func(ctx context.Context, tx *store.Tx, w world) error
			accounts, transactions int
		}{
			{"a user", func(ctx context.Context, tx *store.Tx, w world) error { return tx.DeleteUser(ctx, w.user) }, 0, 0},
			{"a connection", func(ctx context.Context, tx *store.Tx, w world) error { return tx.DeleteConnection(ctx, w.connection) }, 1, 700},
			{"an account", func(ctx context.Context, tx *store.Tx, w world) error { return tx.DeleteAccount(ctx, w.account) }, 1, 700},
			{"an account and then its user", func(ctx context.Context, tx *store.Tx, w world) error {
				return errors.Join(tx.DeleteAccount(ctx, w.account), tx.DeleteUser(ctx, w.user))
			}, 0, 0},
		} {
			stays := newWorld(t, db)
			fill(t, db, stays)
			before := tables(t, db)
			w := crowd(t, db)
			read, ctx := db.Read(), t.Context()
			rows := must[[]oxlin.Transaction](t)(read.Transactions(ctx, w.user, store.TransactionFilter{Accounts: []oxlin.AccountID{w.account}}, 890, 1))
			email := must[oxlin.User](t)(read.User(ctx, w.user)).Email

			err := db.WriteAndStop(ctx, func(tx *store.Tx) error { return row.delete(ctx, tx, w) })
			if err != nil {
				t.Fatalf("%s: %v", row.what, err)
			}

			see := func(when string) {
				t.Helper()
				_, accountErr := read.Account(ctx, w.account)
				_, rowErr := read.Transaction(ctx, w.user, rows[0].ID)
				_, versionErr := store.RowsVersion(ctx, read, w.account)
				_, explanationErr := read.Explanation(ctx, w.user, rows[0].ID)
				for what, err := range map[string]error{"account": accountErr, "transaction": rowErr, "version": versionErr, "explanation": explanationErr} {
					if !oxlin.IsNotFound(err) {
						t.Errorf("%s, %s: the %s: %v; want not found", row.what, when, what, err)
					}
				}
				accounts := must[[]oxlin.Account](t)(read.AccountsOfUser(ctx, w.user))
				transactions := must[[]oxlin.Transaction](t)(read.Transactions(ctx, w.user, store.TransactionFilter{}, 0, 2000))
				if len(accounts) != row.accounts || len(transactions) != row.transactions {
					t.Errorf("%s, %s: %d accounts, %d transactions; want %d, %d", row.what, when, len(accounts), len(transactions), row.accounts, row.transactions)
				}
				if gone := row.accounts == 0; gone {
					_, userErr := read.User(ctx, w.user)
					_, emailErr := read.UserByEmail(ctx, w.client, email)
					lockErr := db.WriteFor(ctx, w.user, func(*store.Tx) error { return nil })
					for what, err := range map[string]error{"user": userErr, "e-mail": emailErr, "write": lockErr} {
						if !oxlin.IsNotFound(err) {
							t.Errorf("%s, %s: the %s: %v; want not found", row.what, when, what, err)
						}
					}
					if n := must[int64](t)(read.CountUsers(ctx, w.client)); n != int64(before["users"]) {
						t.Errorf("%s, %s: %d users; want %d", row.what, when, n, before["users"])
					}
				}
			}
			see("before the removal")
			if left := tables(t, db)["transactions"]; left <= before["transactions"]+row.transactions {
				t.Errorf("%s: nothing is left for the removal", row.what)
			}
			err = db.Erase(ctx)
			if err != nil {
				t.Fatalf("%s: %v", row.what, err)
			}
			see("after it")
			if row.accounts == 0 {
				if diff := difference(before, tables(t, db)); diff != "" {
					t.Errorf("%s: not as before the user:\n%s", row.what, diff)
				}
			}
			if kept := must[[]oxlin.Transaction](t)(read.Transactions(ctx, stays.user, store.TransactionFilter{}, 0, 10)); len(kept) != 3 {
				t.Errorf("%s: a neighbour has %d transactions; want 3", row.what, len(kept))
			}
		}
	})
}

// A caller that deletes much finds it removed when Write returns. A caller that
// has waited meanwhile writes before that.
func TestOthersWriteBetweenThePiecesOfADeletion(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w, neighbour := crowd(t, db), newWorld(t, db)
	between := make(chan int, 1)
	err := db.Write(store.Long(t.Context()), func(tx *store.Tx) error {
		go func() {
			left := -1
			_ = db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.AppendEvent(t.Context(), neighbour.event())
				return errors.Join(err, tx.SQLite().QueryRow("SELECT count(*) FROM transactions").Scan(&left))
			})
			between <- left
		}()
		for db.Waiting() == 0 {
			time.Sleep(time.Millisecond)
		}
		return tx.DeleteUser(t.Context(), w.user)
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := tables(t, db); left["users"] != 1 || left["transactions"] != 0 {
		t.Errorf("the deletion has returned, and left %d users, %d transactions", left["users"]-1, left["transactions"])
	}
	if left := <-between; left < 500 {
		t.Errorf("the neighbour wrote beside %d transactions; want most of them still there", left)
	}
}

// Every table with rows of a user is emptied by their deletion, or goes with an account.
func TestADeletionKnowsTheTablesOfUsers(t *testing.T) {
	db, _ := storetest.SQLite(t)
	known := append(slices.Clone(store.TablesOfUser), "accounts", "transactions")
	slices.Sort(known)
	found := texts(t, db, `SELECT DISTINCT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) f
		WHERE m.type = 'table' AND f."table" = 'users' ORDER BY m.name`)
	if diff := difference(found, known); diff != "" {
		t.Error(diff)
	}
}
