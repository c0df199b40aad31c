package store_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// race runs f concurrently and counts the calls that return true.
func race(t *testing.T, runners int, f func() bool) int {
	t.Helper()
	var won atomic.Int32
	var group sync.WaitGroup
	for range runners {
		group.Go(func() {
			if f() {
				won.Add(1)
			}
		})
	}
	group.Wait()
	return int(won.Load())
}

func TestSynchronisationsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		s := w.synchronisation()
		s.PSU = &oxlin.PSU{IP: "192.0.2.1", UserAgent: "browser"}
		s.Progress = oxlin.SyncProgress{Pending: []oxlin.AccountID{w.account, 7}, Cursor: `{"a":"?1"}`, Page: 3, Failed: []oxlin.AccountID{9}}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			s.ID, err = tx.InsertSynchronisation(ctx, s)
			return err
		})
		if diff := difference(s, must[oxlin.Synchronisation](t)(db.Read().LiveSynchronisation(t.Context(), w.channel))); diff != "" {
			t.Error(diff)
		}
		s.State, s.Progress, s.Attempts, s.NewTransactions, s.EndedAt = oxlin.SyncEnded, oxlin.SyncProgress{}, 2, 17, now.Add(time.Minute)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateSynchronisation(ctx, s) })
		if diff := difference(s, must[oxlin.Synchronisation](t)(db.Read().Synchronisation(t.Context(), s.ID))); diff != "" {
			t.Error(diff)
		}
		_, err := db.Read().LiveSynchronisation(t.Context(), w.channel)
		if !oxlin.IsNotFound(err) {
			t.Errorf("a live one: %v; want not found", err)
		}
	})
}

func TestAChannelHasOneLiveSynchronisation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for round := range 3 {
			var id oxlin.SyncID
			begun := race(t, 6, func() bool {
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					begun, err := tx.InsertSynchronisation(t.Context(), w.synchronisation())
					if err == nil {
						id = begun
					}
					return err
				})
				var shown *oxlin.Error
				if err != nil && (!errors.As(err, &shown) || shown.Code != oxlin.CodeConflict) {
					t.Errorf("error %v; want conflict", err)
				}
				return err == nil
			})
			if begun != 1 {
				t.Fatalf("round %d: %d live synchronisations; want 1", round, begun)
			}
			// Once it has ended, the next may begin.
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.UpdateSynchronisation(ctx, oxlin.Synchronisation{ID: id, State: oxlin.SyncEnded, EndedAt: now})
			})
		}
	})
}

func TestAnEndedSynchronisationTakesNoWrites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		s := w.synchronisation()
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			s.ID, err = tx.InsertSynchronisation(ctx, s)
			return err
		})
		s.State, s.EndedAt = oxlin.SyncEnded, now
		ended := race(t, 6, func() bool {
			err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.UpdateSynchronisation(t.Context(), s) })
			if err != nil && !errors.Is(err, store.ErrSuperseded) {
				t.Errorf("error %v; want ErrSuperseded", err)
			}
			return err == nil
		})
		if ended != 1 {
			t.Errorf("ended %d times", ended)
		}
		s.State, s.EndedAt = oxlin.SyncRunning, time.Time{}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.InsertTransactions(t.Context(), w.user, w.records(1), now), tx.UpdateSynchronisation(t.Context(), s))
		})
		if !errors.Is(err, store.ErrSuperseded) {
			t.Errorf("error %v; want ErrSuperseded", err)
		}
		if written := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10)); len(written) != 0 {
			t.Errorf("a run believed dead has written %v", written)
		}
	})
}

func TestAStagedPageIsFoundByItsNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			id, err := tx.InsertSynchronisation(ctx, w.synchronisation())
			if err != nil {
				return err
			}
			pages := func(want string) {
				t.Helper()
				var got string
				for number := range 11 {
					page, err := store.StagedPage(ctx, tx.Read(), id, w.account, number)
					if err != nil && !oxlin.IsNotFound(err) {
						t.Error(err)
					}
					got += string(page)
				}
				if got != want {
					t.Errorf("pages %q; want %q", got, want)
				}
			}
			err = errors.Join(tx.StagePage(ctx, id, w.account, 10, []byte("c")), tx.StagePage(ctx, id, w.account, 0, []byte("x")),
				tx.StagePage(ctx, id, w.account, 2, []byte("b")), tx.StagePage(ctx, id, w.account, 0, []byte("a")),
				tx.StagePage(ctx, id, w.account+1, 1, []byte("another account's")))
			pages("abc")
			err = errors.Join(err, tx.DropStagedPages(ctx, id))
			pages("")
			return err
		})
	})
}

func TestUnattendedAccessesAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(t, db), newWorld(t, db)
		monday, tuesday := oxlin.NewDate(2026, 11, 2), oxlin.NewDate(2026, 11, 3)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for _, access := range []struct {
				user    oxlin.UserID
				subject string
				day     oxlin.Date
				want    int
			}{
				{w.user, "a", monday, 1}, {w.user, "a", monday, 2}, {w.user, "b", monday, 1}, {w.user, "a", tuesday, 1},
				{other.user, "a", monday, 1},
			} {
				n, err := tx.CountUnattended(ctx, access.user, []byte(access.subject), access.day)
				if err != nil || n != access.want {
					t.Errorf("%+v: %d, %v", access, n, err)
				}
			}
			return nil
		})
		counts := func(user oxlin.UserID, day oxlin.Date, want map[string]int) {
			t.Helper()
			if got := must[map[string]int](t)(db.Read().UnattendedAccesses(t.Context(), user, day)); !maps.Equal(got, want) {
				t.Errorf("counts on %v: %v; want %v", day, got, want)
			}
		}
		counts(w.user, monday, map[string]int{"a": 2, "b": 1})
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteConnection(ctx, w.connection) })
		counts(w.user, monday, map[string]int{"a": 2, "b": 1})
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropUnattended(ctx, tuesday) })
		counts(w.user, monday, map[string]int{})
		counts(other.user, monday, map[string]int{})
		counts(w.user, tuesday, map[string]int{"a": 1})
	})
}
