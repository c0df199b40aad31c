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
			events, err := event.Poll(ctx, db, now, user, queue, after)
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

		_, err := event.Poll(ctx, db, now, other, queue, nil)
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
			events, err := event.Poll(short, db, now, user, queue, nil)
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

// Events are kept for a time. A position before one of those that were deleted is refused, and every
// other one is read as before.
func TestAPositionBeforeForgottenEventsIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, start := t.Context(), time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		at := func(day int) time.Time { return start.AddDate(0, 0, day) }
		users := make([]oxlin.UserID, 3)
		queues := make([]oxlin.QueueID, 3)
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			err := db.Write(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
		}
		record := func(user oxlin.UserID, day, n int) {
			t.Helper()
			write(func(tx *store.Tx) error {
				for range n {
					_, err := event.Log{}.Append(ctx, tx, oxlin.Event{UserID: user, Type: "SYNC_ALL_SUCCESS", At: at(day)})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		subscribe := func(user oxlin.UserID) (id oxlin.QueueID) {
			t.Helper()
			write(func(tx *store.Tx) (err error) {
				id, err = event.Subscribe(ctx, tx, start, user)
				return err
			})
			return id
		}
		write(func(tx *store.Tx) error { return tx.SaveClient(ctx, oxlin.Client{ID: "client"}) })
		for i := range users {
			write(func(tx *store.Tx) (err error) {
				users[i], err = tx.InsertUser(ctx, oxlin.User{ClientID: "client", Email: fmt.Sprintf("%d@example.test", i)})
				return err
			})
			queues[i] = subscribe(users[i])
		}
		record(users[0], 0, 450)
		record(users[1], 0, 2)
		record(users[0], 1, 1)
		record(users[2], 1, 1)
		ahead := subscribe(users[0])
		record(users[0], 2, 1)

		rounds := 0
		for more := true; more; rounds++ {
			before := len(all(t, db, users[0])) + len(all(t, db, users[1]))
			var err error
			more, err = event.Forget(ctx, db, at(1))
			if err != nil {
				t.Fatal(err)
			}
			if gone := before - len(all(t, db, users[0])) - len(all(t, db, users[1])); gone > 200 {
				t.Errorf("one transaction deleted %d events", gone)
			}
		}
		if rounds != 4 {
			t.Errorf("452 events were deleted in %d rounds, the last without any", rounds)
		}
		number := func(id oxlin.EventID) *oxlin.EventID { return &id }
		for name, test := range map[string]struct {
			user  int
			queue oxlin.QueueID
			after *oxlin.EventID
			want  []oxlin.EventID // nil if the position has expired
		}{
			"a queue that was never read":           {0, queues[0], nil, nil},
			"the first event":                       {0, queues[0], number(0), nil},
			"the event before the last deleted one": {0, queues[0], number(449), nil},
			"the last deleted one":                  {0, queues[0], number(450), []oxlin.EventID{451, 452}},
			"an event that is kept":                 {0, queues[0], number(451), []oxlin.EventID{452}},
			"a queue that is ahead":                 {0, ahead, nil, []oxlin.EventID{452}},
			"a user without events":                 {1, queues[1], nil, nil},
			"that user, behind the deleted ones":    {1, queues[1], number(2), []oxlin.EventID{}},
			"a user who lost nothing":               {2, queues[2], nil, []oxlin.EventID{1}},
		} {
			events, err := event.Poll(ctx, db, at(1), users[test.user], test.queue, test.after)
			if test.want == nil {
				if err == nil || oxlin.AsError(err).Code != oxlin.CodePositionExpired || len(events) > 0 {
					t.Errorf("%s: %d events, %v", name, len(events), err)
				}
				continue
			}
			ids := []oxlin.EventID{}
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			if diff := cmp.Diff(test.want, ids); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
		events, err := event.Poll(ctx, db, at(1), users[0], subscribe(users[0]), nil)
		if err != nil || len(events) > 0 {
			t.Errorf("a new queue: %d events, %v", len(events), err)
		}
	})
}

// all returns the stored events of a user.
func all(t *testing.T, db *store.DB, user oxlin.UserID) []oxlin.Event {
	t.Helper()
	list, err := db.Read().Events(t.Context(), user, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
