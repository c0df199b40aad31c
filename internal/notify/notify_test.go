package notify_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
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
	follows oxlin.EventType
	err     error
	told    []oxlin.EventID
	to      notify.Recipient
}

func (r *reader) Follows(e oxlin.Event) bool { return e.Type == r.follows }
func (r *reader) Tell(_ context.Context, to notify.Recipient, e oxlin.Event) error {
	r.told, r.to = append(r.told, e.ID), to
	return r.err
}

// way returns a way that ends at the reader.
func (r *reader) way(name string, settings ...oxlin.Setting) notify.Way {
	return notify.Way{Name: name, Settings: settings, Open: func(notify.Process) (notify.Reader, error) { return r, nil }}
}

// world is a log of a user's events with two readers of the type "a": stream serves
// clients with a topic, mail serves all.
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
		w := &world{client: oxlin.Client{ID: "client"}, stream: &reader{follows: "a"}, mail: &reader{follows: "a"}}
		w.World = platformtest.New(t, db, platformtest.Options{Now: now, Catalogue: platformtest.NoProviders{}, Ways: []notify.Way{
			w.stream.way("stream", oxlin.Setting{Name: "topic", Required: true}, oxlin.Setting{Name: "key", Kind: oxlin.SettingSecret}),
			w.mail.way("mail"),
		}})
		w.notifier = w.Notifier
		w.subscribe(true)
		w.user = w.NewUser(w.client)
		w.Write(func(tx *store.Tx) (err error) {
			w.connection, err = tx.InsertConnection(t.Context(), oxlin.Connection{UserID: w.user, ProviderID: "87", Name: "Bank"})
			return err
		})
		test(t, w)
	})
}

// subscribe makes the client one that the stream serves, or serves no longer.
func (w *world) subscribe(subscribed bool) {
	w.T.Helper()
	values := map[string]oxlin.Secret{"stream_topic": {}, "stream_key": oxlin.NewSecret("canary")}
	if subscribed {
		values["stream_topic"] = oxlin.NewSecret("events")
	}
	var err error
	w.client, err = w.Clients.Set(w.client, values)
	if err != nil {
		w.T.Fatal(err)
	}
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
		job := func(e oxlin.Event, reader string) jobstest.Notification {
			return jobstest.Notification{User: w.user, Event: e.ID, Reader: reader}
		}
		// The job of a client that two readers serve is for both, whoever follows the event:
		// events split in their order.
		w.wantJobs("one reader", job(w.record("a"), ""))
		w.wantJobs("another reader", job(w.record("b"), ""))
		w.record("c")
		w.wantJobs("no reader")
		w.mail.follows = "a"
		w.wantJobs("two readers", job(w.record("a"), ""))
		w.subscribe(false)
		w.wantJobs("one reader does not serve the client", job(w.record("a"), "mail"))
		w.mail.follows = "b"
		w.record("a")
		w.wantJobs("no reader serves the client")
	})
}

func TestOneReaderIsToldByTheJobItself(t *testing.T) {
	for _, reader := range []string{"mail", ""} { // jobs of earlier releases name none
		t.Run(reader, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				w.subscribe(false)
				e := w.record("a")
				w.Queue.TakeNotifications()
				err := w.notifier.Notify(t.Context(), w.user, e.ID, reader)
				if diff := cmp.Diff([]oxlin.EventID{e.ID}, w.mail.told); err != nil || diff != "" {
					t.Errorf("%v (-want +told):\n%s", err, diff)
				}
				w.wantJobs("afterwards")
			})
		})
	}
}

func TestAReaderGetsTheSettingsOfItsWay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.record("a")
		err := errors.Join(w.work(), w.work())
		want := map[string]oxlin.Secret{"topic": oxlin.NewSecret("events"), "key": oxlin.NewSecret("canary")}
		if err != nil || !maps.Equal(w.stream.to.Settings, want) || len(w.mail.to.Settings) != 0 {
			t.Errorf("%v: the stream got %q, mail %q", err, reveal(w.stream.to.Settings), reveal(w.mail.to.Settings))
		}
		if printed := fmt.Sprintf("%v %+v %#v", w.stream.to, w.stream.to, w.stream.to); strings.Contains(printed, "canary") {
			t.Errorf("it prints: %s", printed)
		}
	})
}

// A reader that follows more events than another gets them in their order all the same.
func TestEventsReachAReaderInTheirOrder(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.stream.follows = "b"
		var want []oxlin.EventID
		for range 3 {
			for _, eventType := range []oxlin.EventType{"a", "b"} {
				if e := w.record(eventType); eventType == w.mail.follows {
					want = append(want, e.ID)
				}
			}
		}
		err := errors.Join(w.work(), w.work())
		if diff := cmp.Diff(want, w.mail.told); err != nil || diff != "" || len(w.stream.told) != 3 {
			t.Errorf("%v: the stream was told %v, mail (-want +told):\n%s", err, w.stream.told, diff)
		}
	})
}

func reveal(settings map[string]oxlin.Secret) map[string]string {
	all := map[string]string{}
	for name, value := range settings {
		all[name] = value.Reveal()
	}
	return all
}

func TestDeclarationsOfWays(t *testing.T) {
	used := map[string]bool{}
	names := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	for _, way := range notify.Ways() {
		if used[way.Name] {
			t.Errorf("two ways are named %s", way.Name)
		}
		used[way.Name] = true
		for _, setting := range slices.Concat(way.Settings, way.Flags) {
			if !names.MatchString(setting.Name) || setting.Help == "" {
				t.Errorf("%s: the setting %q needs a name in lower case, and a help", way.Name, setting.Name)
			}
		}
		for _, setting := range way.Settings {
			if setting.Label == "" || setting.Kind == oxlin.SettingFile {
				t.Errorf("%s: the setting %q of clients needs a label and is no file", way.Name, setting.Name)
			}
		}
	}
}

func TestAWayIsNamedPlainly(t *testing.T) {
	for _, name := range []string{"", "Mail", "a_b", "a-b", "1a", strings.Repeat("a", 25)} {
		_, err := notify.New(notify.Options{}, (&reader{}).way(name))
		if err == nil {
			t.Errorf("a way is named %q", name)
		}
	}
	broken := notify.Way{Name: "broken", Open: func(notify.Process) (notify.Reader, error) { return nil, errors.New("no server") }}
	_, err := notify.New(notify.Options{}, broken)
	if err == nil || err.Error() != "broken: no server" {
		t.Errorf("a way that cannot be opened: %v", err)
	}
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
		{name: "a client that the reader serves no longer", reader: "stream", before: func(w *world) { w.subscribe(false) }},
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
		notifier, err := notify.New(notify.Options{DB: w.DB, Queue: brokenQueue{full}, Clients: w.Clients}, w.mail.way("mail"))
		if err != nil {
			t.Fatal(err)
		}
		log := event.Log{Listener: notifier}
		err = w.DB.Write(t.Context(), func(tx *store.Tx) error {
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
