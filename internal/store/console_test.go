package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestUsersOfAClientTheNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var users []oxlin.UserID
		for range 3 {
			users = append(users, newWorld(t, db).user)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.SaveClient(ctx, oxlin.Client{ID: "other", CreatedAt: now})
			if err != nil {
				return err
			}
			_, err = tx.InsertUser(ctx, oxlin.User{ClientID: "other", Email: "a@example.org", CreatedAt: now})
			return err
		})
		list := must[[]oxlin.User](t)(db.Read().UsersOfClient(t.Context(), "client", 2))
		if len(list) != 2 || list[0].ID != users[2] || list[1].ID != users[1] {
			t.Errorf("listed %v of %v", list, users)
		}
		for client, want := range map[oxlin.ClientID]int64{"client": 3, "other": 1, "nobody": 0} {
			if n := must[int64](t)(db.Read().CountUsers(t.Context(), client)); n != want {
				t.Errorf("%s has %d users; want %d", client, n, want)
			}
		}
	})
}

func TestEventsOfAConnectionTheNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, stranger := newWorld(t, db), newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			other := w.event()
			other.Connection.ID++
			for _, event := range []oxlin.Event{w.event(), w.event(), other, w.event(), stranger.event()} {
				_, err := tx.AppendEvent(ctx, event)
				if err != nil {
					return err
				}
			}
			return nil
		})
		list := must[[]oxlin.Event](t)(db.Read().EventsOfConnection(t.Context(), oxlin.Connection{ID: w.connection, UserID: w.user}, 2))
		if len(list) != 2 || list[0].ID != 4 || list[1].ID != 2 {
			t.Errorf("listed %v", list)
		}
	})
}

func TestBookings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other := newWorld(t, db)
		records := w.records(5)
		for i := range records {
			records[i].Date = oxlin.NewDate(2026, 10, 1+i)
		}
		records[0].Status, records[3].Status = oxlin.StatusPending, oxlin.StatusPending
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			err := tx.InsertTransactions(ctx, w.user, records, now)
			if err != nil {
				return err
			}
			return tx.InsertTransactions(ctx, other.user, other.records(1), now)
		})
		want := []store.Booking{
			{oxlin.NewDate(2026, 10, 5), 5, oxlin.StatusBooked}, {oxlin.NewDate(2026, 10, 4), 4, oxlin.StatusPending},
			{oxlin.NewDate(2026, 10, 3), 3, oxlin.StatusBooked}, {oxlin.NewDate(2026, 10, 1), 1, oxlin.StatusPending},
		}
		got := must[[]store.Booking](t)(db.Read().Bookings(t.Context(), w.account, oxlin.NewDate(2026, 10, 3)))
		if diff := difference(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRecentlyEndedSynchronisations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		end := func(after time.Duration, outcome oxlin.ChannelStatus, problem string) {
			write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
				s := w.synchronisation()
				s.ID, err = tx.InsertSynchronisation(ctx, s)
				if err != nil {
					return err
				}
				s.State, s.EndedAt, s.Outcome, s.Problem = oxlin.SyncEnded, now.Add(after), outcome, problem
				return tx.UpdateSynchronisation(ctx, s)
			})
		}
		end(time.Second, oxlin.ChannelSuccess, "")
		end(2*time.Second, oxlin.ChannelFailed, "unavailable")
		end(4*time.Second, "", "")
		end(3*time.Second, oxlin.ChannelSuccess, "")
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InsertSynchronisation(ctx, w.synchronisation()) // it still runs
			return err
		})
		want := []store.Ended{
			{"87", oxlin.SyncAll, "", "", now, now.Add(4 * time.Second)},
			{"87", oxlin.SyncAll, oxlin.ChannelSuccess, "", now, now.Add(3 * time.Second)},
			{"87", oxlin.SyncAll, oxlin.ChannelFailed, "unavailable", now, now.Add(2 * time.Second)},
		}
		got := must[[]store.Ended](t)(db.Read().RecentlyEnded(t.Context(), now.Add(2*time.Second), 10))
		if diff := difference(want, got); diff != "" {
			t.Error(diff)
		}
		if one := must[[]store.Ended](t)(db.Read().RecentlyEnded(t.Context(), now, 1)); difference(want[:1], one) != "" {
			t.Errorf("the newest is %v", one)
		}
	})
}
