// Package notify tells the outside about events. Each way to tell (a webhook today;
// a stream or mail another day) is a Reader of the event log.
//
// A transaction that records an event enqueues one job if any reader wants the event,
// so that there is no event without its job and no job without its event. Nothing
// polls. The job is retried until the reader has told the event, or for about a day.
// If several readers want an event, its job splits into one for each, so that the
// failure of one repeats nothing for the others.
//
// A further way to tell is a file in this package and a line where the readers are
// listed at start.
//
// It must never decide what happened, nor change what it tells about. Start reading
// at Reader and Notifier; webhook.go is the first reader.
package notify

import (
	"context"
	"fmt"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Reader tells the outside about events in one way.
type Reader interface {
	// Name is stored in jobs and never changes.
	Name() string
	// Follows reports whether the reader tells about an event like this one. It is
	// called for every event that is recorded.
	Follows(e oxlin.Event) bool
	// Serves reports whether this reader delivers events to a client.
	Serves(client oxlin.Client) bool
	// Tell tells a client about an event. After an error it is called again later.
	Tell(ctx context.Context, client oxlin.Client, e oxlin.Event) error
}

// Queue takes jobs within a transaction: they exist if it commits.
type Queue interface {
	// EnqueueNotify asks for Notifier.Notify; reader is empty for all readers.
	EnqueueNotify(ctx context.Context, tx *store.Tx, client oxlin.ClientID, user oxlin.UserID, event oxlin.EventID, reader string) error
}

// Notifier passes events to readers.
type Notifier struct {
	db      *store.DB
	queue   Queue
	readers []Reader
}

// New makes a Notifier. Every process that records events needs all readers; Tell is
// called in those that work jobs.
func New(db *store.DB, queue Queue, readers ...Reader) *Notifier {
	return &Notifier{db, queue, readers}
}

// Recorded enqueues the event's job if a reader wants the event. It implements
// event.Listener.
func (n *Notifier) Recorded(ctx context.Context, tx *store.Tx, e oxlin.Event) error {
	follows := func(reader Reader) bool { return reader.Follows(e) }
	if !slices.ContainsFunc(n.readers, follows) {
		return nil
	}
	client, err := clientOf(ctx, tx.Read(), e.UserID)
	if err != nil {
		return err
	}
	if len(n.wanted("", client, e)) == 0 {
		return nil
	}
	return n.queue.EnqueueNotify(ctx, tx, client.ID, e.UserID, e.ID, "")
}

// Notify tells a user's event by one reader, or by all that want it if no reader is
// named. It implements jobs.Service. Events that were deleted meanwhile are dropped,
// and so are those of clients that a reader serves no longer. After an error it is
// called again.
func (n *Notifier) Notify(ctx context.Context, user oxlin.UserID, id oxlin.EventID, reader string) error {
	events, err := n.db.Read().Events(ctx, user, id-1, 1)
	if err != nil || len(events) == 0 || events[0].ID != id {
		return err
	}
	e := events[0]
	client, err := clientOf(ctx, n.db.Read(), user)
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch wanted := n.wanted(reader, client, e); len(wanted) {
	case 0:
		return nil
	case 1:
		err := wanted[0].Tell(ctx, client, e)
		if err != nil {
			return fmt.Errorf("%s of client %s: %w", wanted[0].Name(), client.ID, err)
		}
		return nil
	default:
		return n.split(ctx, client.ID, user, id, wanted)
	}
}

// split enqueues a job for each reader.
func (n *Notifier) split(ctx context.Context, client oxlin.ClientID, user oxlin.UserID, id oxlin.EventID, readers []Reader) error {
	return n.db.Write(ctx, func(tx *store.Tx) error {
		for _, reader := range readers {
			err := n.queue.EnqueueNotify(ctx, tx, client, user, id, reader.Name())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// wanted returns the readers that tell a client about an event: the named one,
// otherwise those that follow the event. A disabled client is told nothing.
func (n *Notifier) wanted(name string, client oxlin.Client, e oxlin.Event) []Reader {
	var wanted []Reader
	if client.Disabled {
		return nil
	}
	for _, reader := range n.readers {
		chosen := name == reader.Name() || name == "" && reader.Follows(e)
		if chosen && reader.Serves(client) {
			wanted = append(wanted, reader)
		}
	}
	return wanted
}

func clientOf(ctx context.Context, r store.Reader, id oxlin.UserID) (oxlin.Client, error) {
	user, err := r.User(ctx, id)
	if err != nil {
		return oxlin.Client{}, err
	}
	return r.Client(ctx, user.ClientID)
}
