package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// onPostgres runs a test on PostgreSQL alone.
func onPostgres(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() == store.Postgres {
			test(t, db)
		}
	})
}

// A transaction that PostgreSQL rolls back in favour of another one is repeated. That is no
// outage, however often it happens.
func TestATransactionIsRepeatedAfterAConflict(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *store.DB) {
		for name, c := range map[string]struct {
			code   string
			times  int // how often the transaction fails before it succeeds
			runs   int
			outage bool
		}{
			"a rollback":                 {"40000", 1, 2, false},
			"a serialization failure":    {"40001", 1, 2, false},
			"a deadlock":                 {"40P01", 3, 4, false},
			"no end of conflicts":        {"40001", 1000, 9, false},
			"a commit that nobody knows": {"40003", 1000, 1, true},
			"a constraint at the end":    {"40002", 1000, 1, false},
			"a row that exists":          {"23505", 1000, 1, false},
			"a server that ends":         {"57P01", 1000, 1, true},
			"a full disk":                {"53100", 1000, 1, true},
		} {
			t.Run(name, func(t *testing.T) {
				runs := 0
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					runs++
					if runs > c.times {
						return nil
					}
					_, err := tx.Postgres().Exec(t.Context(), fmt.Sprintf("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '%s'; END $$", c.code))
					return err
				})
				if runs != c.runs || (err == nil) != (c.runs > c.times) {
					t.Errorf("%d runs, want %d; the error is %v", runs, c.runs, err)
				}
				if store.Unreachable(err) != c.outage {
					t.Errorf("an outage: %v, want %v", !c.outage, c.outage)
				}
			})
		}
		err := db.Check(t.Context())
		if err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// Two transactions lock two rows in opposite order.
func TestTwoTransactionsThatWaitForEachOtherBothCommit(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *store.DB) {
		ids := []oxlin.ClientID{"first", "second"}
		save := func(ctx context.Context, tx *store.Tx, id oxlin.ClientID, name string) error {
			return tx.SaveClient(ctx, oxlin.Client{ID: id, Name: name, CreatedAt: now})
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := save(ctx, tx, ids[0], "")
			if err != nil {
				return err
			}
			return save(ctx, tx, ids[1], "")
		})
		var both, done sync.WaitGroup
		both.Add(2)
		for i := range 2 {
			done.Go(func() {
				name, runs := fmt.Sprint("by ", i), 0
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					runs++
					err := save(t.Context(), tx, ids[i], name)
					if err != nil {
						return err
					}
					if runs == 1 {
						both.Done()
						both.Wait() // each holds one row and wants the other's
					}
					return save(t.Context(), tx, ids[1-i], name)
				})
				if err != nil {
					t.Errorf("transaction %d, run %d: %v", i, runs, err)
				}
			})
		}
		done.Wait()
		one, two := must[oxlin.Client](t)(db.Read().Client(t.Context(), ids[0])), must[oxlin.Client](t)(db.Read().Client(t.Context(), ids[1]))
		if one.Name != two.Name || one.Name == "" {
			t.Errorf("the rows are %q and %q: a transaction took place by half", one.Name, two.Name)
		}
	})
}

// The transaction of a process that is frozen in its middle ends, so that others do not wait
// for its locks.
func TestATransactionThatStandsStillIsEnded(t *testing.T) {
	address, ok := storetest.Addresses(t)["PostgreSQL"]
	if !ok {
		return // counted as omitted
	}
	for params, want := range map[string]string{"": "7s", "&idle_in_transaction_session_timeout=300": "300ms"} {
		db := must[*store.DB](t)(store.Open(t.Context(), address+params, store.Options{}))
		t.Cleanup(func() { _ = db.Close() })
		var got string
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return tx.Postgres().QueryRow(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("a transaction may stand still for %s, want %s; %v", got, want, err)
		}
		if params == "" {
			continue
		}
		// A busy machine lets the migration itself stand still for longer.
		patient := must[*store.DB](t)(store.Open(t.Context(), address, store.Options{}))
		t.Cleanup(func() { _ = patient.Close() })
		err = patient.Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, patient)
		holds, frozen := make(chan bool), make(chan error)
		go func() {
			frozen <- db.WriteFor(t.Context(), w.user, func(tx *store.Tx) error {
				holds <- true
				<-holds
				return tx.SaveClient(t.Context(), oxlin.Client{ID: "written"})
			})
		}()
		<-holds
		err = db.WriteFor(t.Context(), w.user, func(*store.Tx) error { return nil })
		if err != nil {
			t.Errorf("who waits for the lock: %v", err)
		}
		holds <- true
		err = <-frozen
		if !store.Unreachable(err) {
			t.Errorf("the transaction that stood still: %v", err)
		}
	}
}
