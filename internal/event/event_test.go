package event_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestQueuesAreViewsOfOneLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		var user, other oxlin.UserID
		var connection oxlin.ConnectionID
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			err := db.Write(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *store.Tx) (err error) {
			err = tx.SaveClient(ctx, oxlin.Client{ID: "client"})
			if err != nil {
				return err
			}
			user, err = tx.InsertUser(ctx, oxlin.User{ClientID: "client", Email: "a@example.test"})
			if err != nil {
				return err
			}
			other, err = tx.InsertUser(ctx, oxlin.User{ClientID: "client", Email: "b@example.test"})
			if err != nil {
				return err
			}
			connection, err = tx.InsertConnection(ctx, oxlin.Connection{UserID: user, ProviderID: "87", Name: "Bank"})
			return err
		})
		record := func(eventType oxlin.EventType) {
			t.Helper()
			write(func(tx *store.Tx) error {
				_, err := event.Log{}.Record(ctx, tx, now, connection, eventType, "8701", oxlin.EventPayload{NewTransactions: 3})
				return err
			})
		}
		subscribe := func() (id oxlin.QueueID) {
			t.Helper()
			write(func(tx *store.Tx) (err error) {
				id, err = event.Subscribe(ctx, tx, now, user)
				return err
			})
			return id
		}
		poll := func(queue oxlin.QueueID, after *oxlin.EventID) []oxlin.EventID {
			t.Helper()
			events, err := event.Poll(ctx, db, user, queue, after)
			if err != nil {
				t.Fatal(err)
			}
			ids := []oxlin.EventID{}
			for _, e := range events {
				if e.Connection.Name != "Bank" || e.Payload.NewTransactions != 3 || e.ChannelDefinition != "8701" {
					t.Errorf("the event came back as %+v", e)
				}
				ids = append(ids, e.ID)
			}
			return ids
		}
		expect := func(what string, got []oxlin.EventID, want ...oxlin.EventID) {
			t.Helper()
			if diff := cmp.Diff(append([]oxlin.EventID{}, want...), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		record("SYNC_ALL_RUNNING")
		queue := subscribe()
		expect("a queue begins after its subscription", poll(queue, nil))
		record("SYNC_ALL_SUCCESS")
		record("SYNC_ALL_RUNNING")
		later := subscribe()
		expect("what came since", poll(queue, nil), 2, 3)
		expect("nothing twice", poll(queue, nil))
		first := oxlin.EventID(1)
		expect("read again from any point", poll(queue, &first), 2, 3)
		record("SYNC_ALL_SUCCESS")
		expect("reading again does not move the queue", poll(queue, nil), 4)
		expect("each queue has its own position", poll(later, nil), 4)

		_, err := event.Poll(ctx, db, other, queue, nil)
		if !oxlin.IsNotFound(err) {
			t.Errorf("another user's queue: %v", err)
		}
	})
}

// Software polls all day, and mostly in vain: such a poll is answered while another caller
// writes.
func TestAPollWithoutEventsWaitsForNoWriter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		var user oxlin.UserID
		var queue oxlin.QueueID
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			err = tx.SaveClient(ctx, oxlin.Client{ID: "client"})
			if err != nil {
				return err
			}
			user, err = tx.InsertUser(ctx, oxlin.User{ClientID: "client", Email: "a@example.test"})
			if err != nil {
				return err
			}
			queue, err = event.Subscribe(ctx, tx, now, user)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(ctx, func(*store.Tx) error {
			short, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			events, err := event.Poll(short, db, user, queue, nil)
			if err == nil && len(events) > 0 {
				err = fmt.Errorf("%d events", len(events))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
