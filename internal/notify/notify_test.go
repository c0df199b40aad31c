package notify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// reader is a notify.Reader that follows one type of events.
type reader struct {
	name     string
	follows  oxlin.EventType
	licensed bool
	err      error
	told     []oxlin.EventID
}

func (r *reader) Name() string                    { return r.name }
func (r *reader) Follows(e oxlin.Event) bool      { return e.Type == r.follows }
func (r *reader) Serves(client oxlin.Client) bool { return client.Licensed || !r.licensed }
func (r *reader) Tell(_ context.Context, _ oxlin.Client, e oxlin.Event) error {
	r.told = append(r.told, e.ID)
	return r.err
}

// world is a log of a user's events with two readers of the type "a": stream serves
// licensed clients, mail serves all.
type world struct {
	*platformtest.World
	notifier     *notify.Notifier
	stream, mail *reader
	client       oxlin.Client
	user         oxlin.UserID
	connection   oxlin.ConnectionID
}

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{
			World:  platformtest.New(t, db, platformtest.Options{Now: now, Catalogue: platformtest.NoProviders{}}),
			client: oxlin.Client{ID: "client", Licensed: true},
			stream: &reader{name: "stream", follows: "a", licensed: true}, mail: &reader{name: "mail", follows: "a"},
		}
		w.notifier = notify.New(db, w.Queue, w.stream, w.mail)
		w.SaveClients(w.client)
		w.user = w.NewUser(w.client)
		w.Write(func(tx *store.Tx) (err error) {
			w.connection, err = tx.InsertConnection(t.Context(), oxlin.Connection{UserID: w.user, ProviderID: "87", Name: "Bank"})
			return err
		})
		test(t, w)
	})
}

// license makes the client one that the stream serves, or serves no longer.
func (w *world) license(licensed bool) {
	w.T.Helper()
	w.client.Licensed = licensed
	w.SaveClients(w.client)
}

func (w *world) record(eventType oxlin.EventType) (recorded oxlin.Event) {
	w.T.Helper()
	w.Write(func(tx *store.Tx) (err error) {
		recorded, err = event.Log{Listener: w.notifier}.Record(w.T.Context(), tx, now, w.connection, eventType, "8701", oxlin.EventPayload{})
		return err
	})
	return recorded
}

// work works the jobs that wait, once each, and returns their errors.
func (w *world) work() error {
	var errs []error
	for _, job := range w.Queue.TakeNotifications() {
		errs = append(errs, w.notifier.Notify(w.T.Context(), job.User, job.Event, job.Reader))
	}
	return errors.Join(errs...)
}

func (w *world) wantJobs(name string, want ...jobstest.Notification) {
	w.T.Helper()
	if diff := cmp.Diff(want, w.Queue.TakeNotifications()); diff != "" {
		w.T.Errorf("%s: jobs (-want +got):\n%s", name, diff)
	}
}

func TestAnEventHasOneJobIfAReaderWantsIt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.mail.follows = "b"
		job := func(e oxlin.Event) jobstest.Notification { return jobstest.Notification{User: w.user, Event: e.ID} }
		w.wantJobs("one reader", job(w.record("a")))
		w.wantJobs("another reader", job(w.record("b")))
		w.record("c")
		w.wantJobs("no reader")
		w.mail.follows = "a"
		w.wantJobs("two readers", job(w.record("a")))
		w.license(false)
		w.wantJobs("one reader does not serve the client", job(w.record("a")))
		w.mail.follows = "b"
		w.record("a")
		w.wantJobs("no reader serves the client")
	})
}

func TestOneReaderIsToldByTheJobItself(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.license(false)
		e := w.record("a")
		err := w.work()
		if diff := cmp.Diff([]oxlin.EventID{e.ID}, w.mail.told); err != nil || diff != "" {
			t.Errorf("%v (-want +told):\n%s", err, diff)
		}
		w.wantJobs("afterwards")
	})
}

func TestTheFailureOfAReaderRepeatsNothingForOthers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		e := w.record("a")
		w.stream.err = errors.New("no answer")
		err := w.work()
		if err != nil || len(w.stream.told)+len(w.mail.told) > 0 {
			t.Errorf("a job for two readers: %v, told %v and %v", err, w.stream.told, w.mail.told)
		}
		err = w.work()
		if err == nil || !strings.Contains(err.Error(), "stream of client client: no answer") {
			t.Errorf("the stream's job: %v", err)
		}
		// Its job is worked again, as after any error.
		w.stream.err = nil
		err = w.notifier.Notify(t.Context(), w.user, e.ID, "stream")
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]oxlin.EventID{e.ID}, w.mail.told); diff != "" {
			t.Errorf("mail (-want +told):\n%s", diff)
		}
		if diff := cmp.Diff([]oxlin.EventID{e.ID, e.ID}, w.stream.told); diff != "" {
			t.Errorf("stream (-want +told):\n%s", diff)
		}
	})
}

func TestDroppedEvents(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(w *world)
		user   oxlin.UserID
		event  oxlin.EventID
		reader string
	}{
		{name: "an event that does not exist", event: 1},
		{name: "another user", user: 100},
		{name: "no event", event: -1},
		{name: "an event that was deleted", before: func(w *world) {
			w.Write(func(tx *store.Tx) error { return tx.DropEvents(w.T.Context(), w.user, w.connection) })
		}},
		{name: "a client that the reader serves no longer", reader: "stream", before: func(w *world) { w.license(false) }},
		{name: "a reader of another release", reader: "telegraph"},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				e := w.record("a")
				w.Queue.TakeNotifications()
				if test.before != nil {
					test.before(w)
				}
				err := w.notifier.Notify(t.Context(), w.user+test.user, e.ID+test.event, test.reader)
				if err != nil || len(w.stream.told)+len(w.mail.told)+len(w.Queue.TakeNotifications()) > 0 {
					t.Errorf("%v, told %v and %v", err, w.stream.told, w.mail.told)
				}
			})
		})
	}
}

func TestAnEventIsNotRecordedWithoutItsJob(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		full := errors.New("the queue takes nothing")
		log := event.Log{Listener: notify.New(w.DB, brokenQueue{full}, w.mail)}
		err := w.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := log.Record(t.Context(), tx, now, w.connection, "a", "8701", oxlin.EventPayload{})
			return err
		})
		events, readErr := w.DB.Read().Events(t.Context(), w.user, 0, 10)
		if !errors.Is(err, full) || readErr != nil || len(events) > 0 {
			t.Errorf("%v, %v: recorded %v", err, readErr, events)
		}
	})
}

type brokenQueue struct{ err error }

func (q brokenQueue) EnqueueNotify(context.Context, *store.Tx, oxlin.ClientID, oxlin.UserID, oxlin.EventID, string) error {
	return q.err
}
