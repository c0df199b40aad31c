package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestEventsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		balance := oxlin.Amount(-7_999_000)
		event := oxlin.Event{
			UserID: w.user, Type: oxlin.SyncAll.SuccessEvent(), ChannelDefinition: "8701", At: now,
			Connection: oxlin.Connection{
				ID: w.connection, UserID: w.user, ProviderID: "87", Owner: oxlin.Owner{Name: "Marie", BirthDate: oxlin.NewDate(1980, 1, 2)},
				Channels: []oxlin.Channel{{ID: w.channel, Status: oxlin.ChannelSuccess, LastEndAt: now}}, CreatedAt: now,
			},
			Payload: oxlin.EventPayload{NewTransactions: 3, Accounts: []oxlin.Account{{ID: w.account, Balance: &balance}}},
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			event.ID, err = tx.AppendEvent(ctx, event)
			return err
		})
		got := must[[]oxlin.Event](t)(db.Read().Events(t.Context(), w.user, 0, 10))
		if diff := difference([]oxlin.Event{event}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A reader that continues after the last number it saw must not miss an event, even
// with concurrent writers.
func TestEventNumbersBecomeVisibleInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(t, db), newWorld(t, db)
		const writers, each = 6, 12
		var group sync.WaitGroup
		for n := range writers {
			group.Go(func() {
				for i := range each {
					err := db.Write(t.Context(), func(tx *store.Tx) error {
						_, err := tx.AppendEvent(t.Context(), w.event())
						if err != nil {
							return err
						}
						_, err = tx.AppendEvent(t.Context(), other.event())
						if err == nil && (n+i)%5 == 0 {
							return errRollback // an unused number leaves no gap
						}
						return err
					})
					if err != nil && !errors.Is(err, errRollback) {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan bool)
		go func() { group.Wait(); close(done) }()
		var last oxlin.EventID
		for finished := false; !finished; {
			select {
			case <-done:
				finished = true // and read once more
			default:
			}
			events := must[[]oxlin.Event](t)(db.Read().Events(t.Context(), w.user, last, 3))
			for ; len(events) > 0; events = must[[]oxlin.Event](t)(db.Read().Events(t.Context(), w.user, last, 3)) {
				for _, event := range events {
					if event.ID != last+1 {
						t.Fatalf("event %v after %v", event.ID, last)
					}
					last = event.ID
				}
			}
		}
		if want := must[oxlin.EventID](t)(db.Read().LastEvent(t.Context(), w.user)); last != want || last == 0 {
			t.Errorf("saw events up to %v; want %v", last, want)
		}
	})
}

var errRollback = errors.New("roll back")

func TestQueuesRememberTheirPosition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		queue := oxlin.Queue{UserID: w.user, Position: 2, PolledAt: now}
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			queue.ID, err = tx.InsertQueue(ctx, queue, now)
			return err
		})
		for _, move := range []struct{ to, want oxlin.EventID }{{7, 7}, {5, 7}, {8, 8}} {
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.MoveQueue(ctx, queue.ID, move.to) })
			queue.Position = move.want
			if diff := difference(queue, must[oxlin.Queue](t)(db.Read().Queue(t.Context(), queue.ID))); diff != "" {
				t.Errorf("moved to %v: %s", move.to, diff)
			}
		}
	})
}
