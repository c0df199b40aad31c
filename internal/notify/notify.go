// Package notify tells the outside about events. Each way to tell (a webhook today;
// a stream or mail another day) declares a Way: its settings for clients and processes,
// and its Reader of the event log.
//
// A transaction that records an event enqueues one job if any reader wants the event,
// so that there is no event without its job and no job without its event. Nothing
// polls. The job is retried until the reader has told the event, or for about a day.
// A client that only one reader serves has its jobs in that reader's queue. If several
// serve it, the job splits into one for each that wants the event, so that the failure
// of one neither repeats nor delays anything for the others.
//
// A further way to tell touches this package alone: a file, and an item of Ways. The
// console, the command line and the rows of clients follow its declaration.
//
// It must never decide what happened, nor change what it tells about. Start reading
// at Way and Notifier; webhook.go is the first way.
package notify

import (
	"context"
	"fmt"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
)

// Reader tells the outside about events in one way.
type Reader interface {
	// Follows reports whether the reader tells about an event like this one. It is
	// called for every event that is recorded.
	Follows(e oxlin.Event) bool
	// Tell tells a client about an event. After an error it is called again later.
	Tell(ctx context.Context, to Recipient, e oxlin.Event) error
}

// Recipient is a client that is told about an event.
type Recipient struct {
	Client oxlin.Client
	// Settings are the values of the way's settings, by their names within the way.
	Settings map[string]oxlin.Secret
}

// Queue takes jobs within a transaction: they exist if it commits.
type Queue interface {
	// EnqueueNotify asks for Notifier.Notify; reader is the name of a way, or empty for
	// all. The jobs of a client and a reader are worked one at a time, in their order.
	EnqueueNotify(ctx context.Context, tx *store.Tx, client oxlin.ClientID, user oxlin.UserID, event oxlin.EventID, reader string) error
}

// Options configure a Notifier.
type Options struct {
	DB    *store.DB
	Queue Queue
	// Clients open the settings of clients. They know the settings of all ways.
	Clients *directory.Clients
	Process Process
}

// Notifier passes events to readers.
type Notifier struct {
	db      *store.DB
	queue   Queue
	clients *directory.Clients
	ways    []opened
}

// New makes a Notifier with the readers of ways. Every process that records events needs
// all of them; Tell is called in those that work jobs.
func New(options Options, ways ...Way) (*Notifier, error) {
	n := &Notifier{db: options.DB, queue: options.Queue, clients: options.Clients}
	for _, way := range ways {
		o, err := way.open(options.Process)
		if err != nil {
			return nil, err
		}
		n.ways = append(n.ways, o)
	}
	return n, nil
}

// Recorded enqueues the event's job if a reader wants the event. It implements
// event.Listener.
func (n *Notifier) Recorded(ctx context.Context, tx *store.Tx, e oxlin.Event) error {
	follows := func(way opened) bool { return way.reader.Follows(e) }
	if !slices.ContainsFunc(n.ways, follows) {
		return nil
	}
	client, err := clientOf(ctx, tx.Read(), e.UserID)
	if err != nil {
		return err
	}
	wanted := n.wanted("", client, e)
	if len(wanted) == 0 {
		return nil
	}
	// All events of a client take the same path, whichever readers follow them: else an
	// event could overtake an earlier one that has to split first.
	reader := ""
	if n.serving(client) == 1 {
		reader = wanted[0].Name
	}
	return n.queue.EnqueueNotify(ctx, tx, client.ID, e.UserID, e.ID, reader)
}

// serving counts the readers that serve a client.
func (n *Notifier) serving(client oxlin.Client) (count int) {
	for _, way := range n.ways {
		if way.serves(client) {
			count++
		}
	}
	return count
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
	switch wanted := n.wanted(reader, client, e); {
	case len(wanted) == 0:
		return nil
	case len(wanted) == 1 && (reader != "" || n.serving(client) == 1):
		return n.tell(ctx, wanted[0], client, e)
	default:
		return n.split(ctx, client.ID, user, id, wanted)
	}
}

// tell tells a client about an event in one way.
func (n *Notifier) tell(ctx context.Context, way opened, client oxlin.Client, e oxlin.Event) error {
	to := Recipient{client, map[string]oxlin.Secret{}}
	for _, setting := range way.Settings {
		value, err := n.clients.Value(client, way.nameOf(setting))
		if err != nil {
			return err
		}
		to.Settings[setting.Name] = value
	}
	err := way.reader.Tell(ctx, to, e)
	if err != nil {
		return fmt.Errorf("%s of client %s: %w", way.Name, client.ID, err)
	}
	return nil
}

// split enqueues a job for each reader.
func (n *Notifier) split(ctx context.Context, client oxlin.ClientID, user oxlin.UserID, id oxlin.EventID, ways []opened) error {
	return n.db.Write(ctx, func(tx *store.Tx) error {
		for _, way := range ways {
			err := n.queue.EnqueueNotify(ctx, tx, client, user, id, way.Name)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// wanted returns the ways in which a client is told about an event: the named one,
// otherwise those whose readers follow the event. A disabled client is told nothing.
func (n *Notifier) wanted(name string, client oxlin.Client, e oxlin.Event) []opened {
	var wanted []opened
	if client.Disabled {
		return nil
	}
	for _, way := range n.ways {
		chosen := name == way.Name || name == "" && way.reader.Follows(e)
		if chosen && way.serves(client) {
			wanted = append(wanted, way)
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
