package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestOpenRefusesOtherAddresses(t *testing.T) {
	for _, address := range []string{"", "mysql://user:hunter2@host/db", "hunter2", "postgres://user:hunter2@host:port/db"} {
		db, err := store.Open(t.Context(), address, store.Options{})
		if err == nil {
			t.Errorf("%q opened", address)
			db.Close()
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

// A path may contain any character.
func TestSQLitePathsMayHoldAnything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c%20#é.db")
	for range 2 { // the second finds the first's file
		db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(db.Migrate(t.Context()), db.Close())
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.db"))
	if err != nil || len(found) != 1 || found[0] != path {
		t.Errorf("files: %q, %v; want %q", found, err, path)
	}
}

func TestSeveralProcessesMigrateAtOnce(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					db, err := store.Open(t.Context(), address, store.Options{})
					if err != nil {
						t.Error(err)
						return
					}
					defer db.Close()
					err = db.Migrate(t.Context())
					if err != nil {
						t.Error(err)
					}
					migrated, err := db.Migrated(t.Context())
					if err != nil || !migrated {
						t.Errorf("migrated: %v, %v", migrated, err)
					}
				})
			}
			group.Wait()
		})
	}
}

func TestATransactionCommitsAsOneOrNotAtAll(t *testing.T) {
	two := func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.SaveClient(ctx, oxlin.Client{ID: "a"}), tx.SaveClient(ctx, oxlin.Client{ID: "b"}))
	}
	failure := errors.New("failure")
	for name, test := range map[string]struct {
		run  func(t *testing.T, db *store.DB) error
		want error
		left int
	}{
		"commit": {left: 2, run: func(t *testing.T, db *store.DB) error {
			return db.Write(t.Context(), func(tx *store.Tx) error { return two(t.Context(), tx) })
		}},
		"error": {want: failure, run: func(t *testing.T, db *store.DB) error {
			return db.Write(t.Context(), func(tx *store.Tx) error { return errors.Join(two(t.Context(), tx), failure) })
		}},
		"panic": {want: failure, run: func(t *testing.T, db *store.DB) (err error) {
			defer func() { err = recover().(error) }()
			return db.Write(t.Context(), func(tx *store.Tx) error {
				_ = two(t.Context(), tx)
				panic(failure)
			})
		}},
		"cancelled": {want: context.Canceled, run: func(t *testing.T, db *store.DB) error {
			ctx, cancel := context.WithCancel(t.Context())
			return db.Write(ctx, func(tx *store.Tx) error {
				err := two(ctx, tx)
				cancel()
				if err != nil {
					return err
				}
				_, err = tx.Read().Clients(ctx)
				return err
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				err := test.run(t, db)
				if !errors.Is(err, test.want) {
					t.Errorf("error %v; want %v", err, test.want)
				}
				clients := must[[]oxlin.Client](t)(db.Read().Clients(t.Context()))
				if len(clients) != test.left {
					t.Errorf("%d clients; want %d", len(clients), test.left)
				}
				// Whatever happened, the next transaction can write.
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				err = db.Write(ctx, func(tx *store.Tx) error { return tx.SaveClient(ctx, oxlin.Client{ID: "c"}) })
				if err != nil {
					t.Errorf("the next transaction: %v", err)
				}
			})
		})
	}
}

// A client that disconnects cancels its transaction. The connection must stay open for
// the rollback.
func TestCancellingIsHarmless(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 20 {
					ctx, cancel := context.WithCancel(t.Context())
					err := db.Write(ctx, func(tx *store.Tx) error {
						_, err := tx.AppendEvent(ctx, w.event())
						if err != nil {
							return err
						}
						cancel()
						_, err = tx.Read().Events(ctx, w.user, 0, 10)
						return err
					})
					if !errors.Is(err, context.Canceled) {
						t.Errorf("error %v; want context.Canceled", err)
					}
				}
			})
		}
		group.Wait()
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			id, err := tx.AppendEvent(ctx, w.event())
			if id != 1 {
				t.Errorf("event %v; want 1, for nothing was committed", id)
			}
			return err
		})
	})
}

func TestAFailedStatementFailsItsTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			err := tx.SaveClient(t.Context(), oxlin.Client{ID: "a"})
			if err != nil {
				return err
			}
			_, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: "nobody", Email: "e"})
			return err
		})
		if err == nil {
			t.Error("a user without a client was stored")
		}
		_, err = db.Read().Client(t.Context(), "a")
		if !oxlin.IsNotFound(err) {
			t.Errorf("the client: %v; want not found", err)
		}
	})
}

func TestReadersSeeWhatIsCommitted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.SaveClient(ctx, oxlin.Client{ID: "a"})
			if err != nil {
				return err
			}
			_, err = tx.Read().Client(ctx, "a")
			if err != nil {
				t.Errorf("the transaction does not see its own: %v", err)
			}
			// Another reader does not wait.
			_, err = db.Read().Client(ctx, "a")
			if !oxlin.IsNotFound(err) {
				t.Errorf("before the commit: %v; want not found", err)
			}
			return nil
		})
		_, err := db.Read().Client(t.Context(), "a")
		if err != nil {
			t.Errorf("after the commit: %v", err)
		}
	})
}

func TestManyWriteAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 10 {
					err := db.Write(t.Context(), func(tx *store.Tx) error {
						_, err := tx.CountUnattended(t.Context(), w.user, []byte("accounts"), oxlin.NewDate(2026, 11, 3))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if n := must[map[string]int](t)(db.Read().UnattendedAccesses(t.Context(), w.user, oxlin.NewDate(2026, 11, 3)))["accounts"]; n != 80 {
			t.Errorf("counted %d; want 80", n)
		}
	})
}

// Deleting a user must not read the rows of all users: every reference has an index. The tables are the same on both databases.
func TestEveryReferenceHasAnIndex(t *testing.T) {
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.SQLite().QueryContext(t.Context(), `
		SELECT tables.name, reference."from" FROM sqlite_schema tables, pragma_foreign_key_list(tables.name) reference
		WHERE tables.type = 'table' AND reference.on_delete = 'CASCADE' AND NOT EXISTS (
			SELECT 1 FROM pragma_index_list(tables.name) list, pragma_index_info(list.name) part
			WHERE part.seqno = 0 AND part.name = reference."from"
				AND (NOT list.partial OR list.name = 'oauth_tokens_of_user'))
		AND NOT EXISTS ( -- a whole-number primary key is the table's own order
			SELECT 1 FROM pragma_table_info(tables.name) part
			WHERE part.pk = 1 AND part.type = 'INTEGER' AND part.name = reference."from")`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		err := rows.Scan(&table, &column)
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s.%s has no index", table, column)
	}
	err = rows.Err()
	if err != nil {
		t.Fatal(err)
	}
}

// SQLite returns "locked" immediately, regardless of busy_timeout, while another process
// creates the file or closes it last.
func TestSeveralProcessesOpenAFileAtOnce(t *testing.T) {
	t.Parallel()
	for range 60 {
		address := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				db, err := store.Open(t.Context(), address, store.Options{Relaxed: true})
				if err == nil {
					err = db.Close()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}

// A migration may land after one with a greater number.
func TestAMigrationBetweenOthersIsAppliedLater(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{"DROP TABLE renewals", "DROP TABLE nodes", "DELETE FROM goose_db_version WHERE version_id = 46"} {
				execute(t, db, statement)
			}
			err = db.CheckSchema(t.Context())
			if !errors.Is(err, store.ErrOlder) {
				t.Errorf("before: %v", err)
			}
			err = db.Migrate(t.Context())
			if err == nil {
				err = db.CheckSchema(t.Context())
			}
			if err != nil {
				t.Errorf("after: %v", err)
			}
		})
	}
}
