package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func event(row query.Event) oxlin.Event {
	return oxlin.Event{
		ID: row.ID, UserID: row.UserID, Type: row.Type, ChannelDefinition: row.DefinitionID, At: row.At.Time,
		Connection: row.Resource.V, Payload: row.Payload.V,
	}
}

// AppendEvent stores an event under the user's next number. The user's row stays locked
// until the transaction ends, so that the numbers become visible in order.
func (tx *Tx) AppendEvent(ctx context.Context, e oxlin.Event) (oxlin.EventID, error) {
	id, err := tx.q.NextEventID(ctx, e.UserID)
	if err != nil {
		return 0, fmt.Errorf("number event: %w", err)
	}
	err = tx.q.InsertEvent(ctx, query.InsertEventParams{
		UserID: e.UserID, ID: id, ConnectionID: int64(e.Connection.ID), Type: e.Type, DefinitionID: e.ChannelDefinition,
		At: query.At(e.At), Resource: query.AsJSON(e.Connection), Payload: query.AsJSON(e.Payload),
	})
	if err != nil {
		return 0, fmt.Errorf("append event: %w", err)
	}
	return id, nil
}

// DropEvents deletes the events of a connection, which contain its data.
func (tx *Tx) DropEvents(ctx context.Context, user oxlin.UserID, id oxlin.ConnectionID) error {
	err := tx.q.DropEvents(ctx, query.DropEventsParams{UserID: user, ConnectionID: int64(id)})
	if err != nil {
		return fmt.Errorf("drop events: %w", err)
	}
	return nil
}

// Events lists a user's events after a number, in ascending order.
func (r Reader) Events(ctx context.Context, id oxlin.UserID, after oxlin.EventID, most int) ([]oxlin.Event, error) {
	rows, err := r.q.ListEvents(ctx, query.ListEventsParams{UserID: id, After: after, Most: int64(most)})
	return each(rows, err, "event", event)
}

// LastEvent returns the number of the user's newest event, or 0 without events.
func (r Reader) LastEvent(ctx context.Context, id oxlin.UserID) (oxlin.EventID, error) {
	last, err := r.q.LastEventID(ctx, id)
	return found(last, err, "user", func(id oxlin.EventID) oxlin.EventID { return id })
}

// Queue returns a queue.
func (r Reader) Queue(ctx context.Context, id oxlin.QueueID) (oxlin.Queue, error) {
	row, err := r.q.FindQueue(ctx, id)
	return found(row, err, "queue", func(row query.FindQueueRow) oxlin.Queue {
		return oxlin.Queue{ID: row.ID, UserID: row.UserID, Position: row.Position, PolledAt: row.PolledAt.Time, Forgotten: row.ForgottenEventID}
	})
}

// EndedQueue returns the newest queue of a user that has ended because nobody read it.
func (r OldReader) EndedQueue(ctx context.Context, id oxlin.UserID) (oxlin.QueueID, error) {
	last, err := r.q.EndedQueue(ctx, id)
	return found(last, err, "user", func(id oxlin.QueueID) oxlin.QueueID { return id })
}

// NotePoll records when a queue was read.
func (tx OldTx) NotePoll(ctx context.Context, id oxlin.QueueID, now time.Time) error {
	return wrote("note poll", tx.q.NotePoll(ctx, query.NotePollParams{ID: id, PolledAt: query.At(now)}))
}

// mostQueues bounds the queues of a user: every authorisation and every flow of the widget
// makes one.
const mostQueues = 500

// InsertQueue stores a new queue. If the user has too many, the one that is furthest behind
// ends.
func (tx *Tx) InsertQueue(ctx context.Context, q oxlin.Queue, createdAt time.Time) (oxlin.QueueID, error) {
	err := tx.q.DropQueuesBeyond(ctx, query.DropQueuesBeyondParams{UserID: q.UserID, Kept: mostQueues - 1})
	if err != nil {
		return 0, fmt.Errorf("drop queues: %w", err)
	}
	id, err := tx.q.InsertQueue(ctx, query.InsertQueueParams{UserID: q.UserID, Position: q.Position, CreatedAt: query.At(createdAt)})
	if err != nil {
		return 0, fmt.Errorf("insert queue: %w", err)
	}
	return id, nil
}

// MoveQueue records the position after a poll. The position never decreases, even if
// the slower of two polls ends last.
func (tx *Tx) MoveQueue(ctx context.Context, id oxlin.QueueID, position oxlin.EventID) error {
	err := tx.q.MoveQueue(ctx, query.MoveQueueParams{ID: id, Position: position})
	if err != nil {
		return fmt.Errorf("move queue: %w", err)
	}
	return nil
}
