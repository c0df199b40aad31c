// Package event keeps the numbered log of events of a user's connections, and offers
// queues, which are views of it.
//
// An event is recorded in the transaction of its change: there is no change without
// its event and no event without its change. Numbers become visible in their order,
// so a reader that remembers the last one misses nothing. A listener hears of each
// event in the same transaction; package notify is that listener.
//
// It must never decide what happened; that is for synchro. Start reading here.
package event

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Listener hears of each event within the transaction that records it.
type Listener interface {
	Recorded(ctx context.Context, tx *store.Tx, e oxlin.Event) error
}

// Log records events. The zero value records them for queues alone.
type Log struct {
	// Listener hears of each event; nil for none.
	Listener Listener
}

// Append records an event that the caller has put together, and returns it with its
// number. It keeps only what a client may see (contract §12.5).
func (l Log) Append(ctx context.Context, tx *store.Tx, e oxlin.Event) (oxlin.Event, error) {
	var err error
	e.Payload.Accounts, e.Payload.Challenge = listed(e), questions(e)
	e.ID, err = tx.AppendEvent(ctx, e)
	if err != nil || l.Listener == nil {
		return e, err
	}
	return e, l.Listener.Recorded(ctx, tx, e)
}

// listed returns the accounts of an event as its connection shows them.
func listed(e oxlin.Event) []oxlin.Account {
	var accounts []oxlin.Account
	for _, account := range e.Payload.Accounts {
		shown, ok := e.Connection.Listed(account)
		if ok {
			accounts = append(accounts, shown)
		}
	}
	return accounts
}

// questions returns the challenges of an event. While a page of ours asks for the consent, it
// alone shows what the bank fills in, such as the customer's telephone number.
func questions(e oxlin.Event) []oxlin.Challenge {
	channel, _ := e.Connection.Channel(e.ChannelDefinition)
	if channel.AskedIn == 0 {
		return e.Payload.Challenge
	}
	var challenges []oxlin.Challenge
	for _, challenge := range e.Payload.Challenge {
		challenge.Params = nil
		challenges = append(challenges, challenge)
	}
	return challenges
}

// Record records an event about a connection as the transaction now sees it.
// channel is empty if the event is about the whole connection.
func (l Log) Record(ctx context.Context, tx *store.Tx, now time.Time, id oxlin.ConnectionID, eventType oxlin.EventType, channel oxlin.ChannelDefinitionID, payload oxlin.EventPayload) (oxlin.Event, error) {
	connection, err := tx.Read().Connection(ctx, id)
	if err != nil {
		return oxlin.Event{}, err
	}
	return l.Append(ctx, tx, oxlin.Event{
		UserID: connection.UserID, Type: eventType, ChannelDefinition: channel, At: now,
		Connection: connection, Payload: payload,
	})
}

// Subscribe makes a queue that begins with the user's next event. If the user has too many
// queues, the one that is furthest behind ends.
func Subscribe(ctx context.Context, tx *store.Tx, now time.Time, user oxlin.UserID) (oxlin.QueueID, error) {
	last, err := tx.Read().LastEvent(ctx, user)
	if err != nil {
		return 0, err
	}
	return tx.InsertQueue(ctx, oxlin.Queue{UserID: user, Position: last}, now)
}

// pollSize bounds one answer; the next poll returns the rest.
const pollSize = 500

// Poll returns the events of a user's queue since the previous poll, in order. With
// after it reads again from any number and does not move the queue, so that a lost
// answer loses no event (contract §3.7). If an event behind the position was deleted because
// its retention is over, or the queue has ended because nobody read it for as long, the error is
// CodePositionExpired (contract §12.21).
func Poll(ctx context.Context, db *store.DB, now time.Time, user oxlin.UserID, id oxlin.QueueID, after *oxlin.EventID) ([]oxlin.Event, error) {
	err := notePoll(ctx, db, now, user, id)
	if err != nil {
		return nil, err
	}
	if after != nil {
		events, err := since(ctx, db.Read(), user, id, *after, pollSize)
		return events, err
	}
	// Most polls find nothing, and none of them takes SQLite's only writer.
	queue, err := queueOf(ctx, db.Read(), user, id)
	if err != nil {
		return nil, err
	}
	events, err := since(ctx, db.Read(), user, id, queue.Position, 1)
	if err != nil || len(events) == 0 {
		return events, err
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		queue, err := queueOf(ctx, tx.Read(), user, id)
		if err != nil {
			return err
		}
		events, err = since(ctx, tx.Read(), user, id, queue.Position, pollSize)
		if err != nil || len(events) == 0 {
			return err
		}
		return tx.MoveQueue(ctx, id, events[len(events)-1].ID)
	})
	return events, err
}

// pollNoted is how often a reading of a queue is noted: most polls write nothing.
const pollNoted = 24 * time.Hour

// notePoll notes that a queue is read, so that it does not end.
func notePoll(ctx context.Context, db *store.DB, now time.Time, user oxlin.UserID, id oxlin.QueueID) error {
	queue, err := queueOf(ctx, db.Read(), user, id)
	if err != nil || now.Sub(queue.PolledAt) < pollNoted {
		return err
	}
	return db.Write(ctx, func(tx *store.Tx) error { return store.OldOf(tx).NotePoll(ctx, id, now) })
}

// EndQueues deletes some of the queues that nobody has read since a moment, and reports whether there
// may be more.
func EndQueues(ctx context.Context, db *store.DB, before, now time.Time) (more bool, err error) {
	const most = 5 // users, of 500 queues at most
	users, err := store.OldIn(db.Read()).UsersOfQueues(ctx, before, most)
	if err != nil || len(users) == 0 {
		return false, err
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		for _, user := range users {
			err := store.OldOf(tx).EndQueues(ctx, user, before, now)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err == nil, err
}

// since returns the events after a position of a queue. It looks at the queue last: what is
// forgotten while it lists the events is noticed then.
func since(ctx context.Context, r store.Reader, user oxlin.UserID, id oxlin.QueueID, position oxlin.EventID, most int) ([]oxlin.Event, error) {
	events, err := r.Events(ctx, user, position, most)
	if err != nil {
		return nil, err
	}
	queue, err := queueOf(ctx, r, user, id)
	if err != nil {
		return nil, err
	}
	if position < queue.Forgotten {
		return nil, oxlin.Errorf(oxlin.CodePositionExpired,
			"Events up to number %d are no longer kept. Subscribe to a new queue, or read on with after=%d.", queue.Forgotten, queue.Forgotten)
	}
	return events, nil
}

// forgetSize bounds the events that one transaction deletes, because other writers wait for it.
const forgetSize = 200

// Forget deletes some of the events that happened before a moment, and reports whether there may
// be more.
func Forget(ctx context.Context, db *store.DB, before time.Time) (more bool, err error) {
	users, err := store.OldIn(db.Read()).UsersOfEvents(ctx, before, forgetSize)
	if err != nil || len(users) == 0 {
		return false, err
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		left := forgetSize
		for _, user := range users {
			if left == 0 {
				break
			}
			n, err := store.OldOf(tx).ForgetEvents(ctx, user, before, left)
			if err != nil {
				return err
			}
			left -= n
		}
		return nil
	})
	return err == nil, err
}

// queueOf returns a queue; to other users it does not exist. The error is CodePositionExpired for
// one that may have ended because nobody read it.
func queueOf(ctx context.Context, r store.Reader, user oxlin.UserID, id oxlin.QueueID) (oxlin.Queue, error) {
	queue, err := r.Queue(ctx, id)
	if err == nil && queue.UserID == user {
		return queue, nil
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return oxlin.Queue{}, err
	}
	last, err := store.OldIn(r).EndedQueue(ctx, user)
	switch {
	case err != nil:
		return oxlin.Queue{}, err
	case id <= last:
		return oxlin.Queue{}, oxlin.Errorf(oxlin.CodePositionExpired, "Nobody has read this queue for so long that it has ended. Subscribe to a new queue.")
	}
	return oxlin.Queue{}, oxlin.NotFound("queue")
}
