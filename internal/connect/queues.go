package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
)

// Queues are the use cases about event queues.
type Queues struct{ *core }

// Subscribe makes a queue that begins with the next event of the caller's user.
func (q *Queues) Subscribe(ctx context.Context, caller oxlin.Caller) (oxlin.QueueID, error) {
	var id oxlin.QueueID
	err := q.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		id, err = event.Subscribe(ctx, tx, q.now(), caller.UserID)
		return err
	})
	return id, err
}

// Poll returns the events of a queue since the poll before, or after an event
// (contract §3.7). Their connections have all channels of their providers.
func (q *Queues) Poll(ctx context.Context, caller oxlin.Caller, id oxlin.QueueID, after *oxlin.EventID) ([]oxlin.Event, error) {
	events, err := event.Poll(ctx, q.db, q.now(), caller.UserID, id, after)
	for i := range events {
		events[i].Connection = q.withAllChannels(events[i].Connection)
	}
	return events, err
}
