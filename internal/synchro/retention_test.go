package synchro_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank"
)

// The sweep deletes events and synchronisations whose retention is over, and no younger ones.
func TestEventsAndSynchronisationsAreKeptForATime(t *testing.T) {
	const days = 90
	for name, test := range map[string]struct {
		retention time.Duration
		after     time.Duration
		kept      bool
	}{
		"before the end":    {days * 24 * time.Hour, (days - 1) * 24 * time.Hour, true},
		"after the end":     {days * 24 * time.Hour, (days + 1) * 24 * time.Hour, false},
		"without retention": {0, 400 * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := &world{World: platformtest.New(t, db, platformtest.Options{
					Bank: testbank.Options{PageSize: 40}, PublicURL: "https://oxlin.example", Retention: test.retention,
				})}
				w.caller = w.LicensedCaller()
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				old := syncs(t, db, w.channel(id).ID)
				events := w.EventLog(w.caller.UserID)
				w.Clock.Advance(test.after)
				w.synchronize(id)
				w.work()
				recent := len(w.EventLog(w.caller.UserID)) - len(events)
				err := w.Engine.Sweep(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want, wantSyncs := recent, 1
				if test.kept {
					want, wantSyncs = recent+len(events), 1+len(old)
				}
				if left := w.EventLog(w.caller.UserID); len(left) != want || recent == 0 || len(events) == 0 {
					t.Errorf("of %d old events and %d recent ones %d are left", len(events), recent, len(left))
				}
				if left := syncs(t, db, w.channel(id).ID); len(left) != wantSyncs || len(old) == 0 {
					t.Errorf("of the synchronisations %v and a recent one %v are left", old, left)
				}
			})
		})
	}
}

// A queue that nobody has read for as long as events are kept ends, and a later reader is told so.
func TestQueuesThatNobodyReadsEnd(t *testing.T) {
	const days = 90
	for name, test := range map[string]struct {
		retention time.Duration
		want      oxlin.Code
	}{"with retention": {days * 24 * time.Hour, oxlin.CodePositionExpired}, "without": {0, ""}} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := &world{World: platformtest.New(t, db, platformtest.Options{PublicURL: "https://oxlin.example", Retention: test.retention})}
				w.caller = w.LicensedCaller()
				subscribe := func() oxlin.QueueID {
					t.Helper()
					id, err := w.Service.Queues.Subscribe(t.Context(), w.caller)
					if err != nil {
						t.Fatal(err)
					}
					return id
				}
				poll := func(id oxlin.QueueID) oxlin.Code {
					t.Helper()
					_, err := w.Service.Queues.Poll(t.Context(), w.caller, id, nil)
					if err == nil {
						return ""
					}
					return oxlin.AsError(err).Code
				}
				left, read := subscribe(), subscribe()
				for range 2 {
					w.Clock.Advance((days/2 + 1) * 24 * time.Hour)
					if got := poll(read); got != "" {
						t.Errorf("a queue that is read: %s", got)
					}
					err := w.Engine.Sweep(t.Context())
					if err != nil {
						t.Fatal(err)
					}
				}
				if got := poll(left); got != test.want {
					t.Errorf("a queue that was left alone: %q; want %q", got, test.want)
				}
				for id, want := range map[oxlin.QueueID]oxlin.Code{read: "", subscribe(): "", subscribe() + 1: oxlin.CodeNotFound} {
					if got := poll(id); got != want {
						t.Errorf("queue %s: %q; want %q", id, got, want)
					}
				}
			})
		})
	}
}

// Nothing is deleted because a clock jumped.
func TestNothingIsForgottenWhileTheClockIsInDoubt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newClockWorld(t, db)
		id := w.connections(1)[0]
		events, old := len(w.EventLog(w.caller.UserID)), len(syncs(t, db, w.channelOf(id).ID))
		w.jump(365 * 24 * time.Hour)
		err := w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(w.EventLog(w.caller.UserID)) < events || len(syncs(t, db, w.channelOf(id).ID)) < old {
			t.Error("a jump of the clock has deleted events or synchronisations")
		}
	})
}

// syncs lists the synchronisations of a channel.
func syncs(t *testing.T, db *store.DB, channel oxlin.ChannelID) []oxlin.Synchronisation {
	t.Helper()
	list, err := db.Read().Synchronisations(t.Context(), channel, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
