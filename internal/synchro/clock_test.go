package synchro_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank"
)

// clockWorld is a world whose machine's clock jumps. The bank's clock is always right.
type clockWorld struct {
	*world
	jumped time.Duration // of the machine's clock
	asleep time.Duration // time that the process has not run
}

func newClockWorld(t *testing.T, db *store.DB) *clockWorld {
	t.Helper()
	w := &clockWorld{}
	var machine *platformtest.Clock
	right := func() time.Time {
		if machine == nil {
			return platformtest.Start
		}
		return machine.Now().Add(-w.jumped)
	}
	inner := platformtest.New(t, db, platformtest.Options{
		Bank: testbank.Options{PageSize: 40, Now: right}, PublicURL: "https://oxlin.example", Retention: 90 * 24 * time.Hour,
		Elapsed: func() time.Duration { return right().Sub(platformtest.Start) - w.asleep },
	})
	machine = inner.Clock
	w.world = &world{World: inner}
	w.caller = w.LicensedCaller()
	err := w.Judge.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *clockWorld) jump(d time.Duration) {
	w.jumped += d
	w.Clock.Advance(d)
}

func (w *clockWorld) sleep(d time.Duration) {
	w.asleep += d
	w.Clock.Advance(d)
}

// minutes lets time pass, as a platform that runs: a look at the clock, the appointments, a sweep
// and the jobs, once a minute.
func (w *clockWorld) minutes(n int) { w.pass(n, time.Minute) }

func (w *clockWorld) pass(n int, step time.Duration) {
	w.T.Helper()
	for range n {
		w.Clock.Advance(step)
		err := w.Judge.Mend(w.T.Context(), w.Engine.PutRight)
		if err != nil {
			w.T.Fatal(err)
		}
		err = w.Engine.Sweep(w.T.Context())
		if err != nil {
			w.T.Fatal(err)
		}
		w.Work(w.Due)
	}
}

// connections makes connections that are read each day.
func (w *clockWorld) connections(n int) (ids []oxlin.ConnectionID) {
	w.T.Helper()
	for i := range n {
		if i > 0 {
			w.caller = w.LicensedCaller()
		}
		ids = append(ids, w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev"))
	}
	return ids
}

func (w *clockWorld) channelOf(id oxlin.ConnectionID) oxlin.Channel {
	w.T.Helper()
	connection, err := w.DB.Read().Connection(w.T.Context(), id)
	if err != nil {
		w.T.Fatal(err)
	}
	channel, _ := connection.Channel("8701")
	return channel
}

// A consent outlives a wrong clock: while the bank's clock contradicts, nothing is read without
// the user, and afterwards the appointments are those that they would have been.
func TestAConsentOutlivesAWrongClock(t *testing.T) {
	for name, by := range map[string]time.Duration{"a year forward": 365 * 24 * time.Hour, "half a year back": -180 * 24 * time.Hour, "an hour back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newClockWorld(t, db)
				ids := w.connections(3)
				w.jump(by)
				w.minutes(120)
				if by > 0 && !strings.Contains(w.Log.String(), "another clock contradicts") {
					t.Error("the bank's clock has told nothing")
				}
				if by > 0 {
					w.jump(-by)
				}
				w.pass(24*4, 15*time.Minute)
				w.jump(-w.jumped) // if it has not been put back
				w.pass(3*4, 15*time.Minute)
				for _, id := range ids {
					channel := w.channelOf(id)
					if channel.Status != oxlin.ChannelSuccess {
						t.Errorf("connection %s: %+v", id, channel)
					}
					if until := channel.NextSyncAt.Sub(w.Clock.Now()); until < 0 || until > 36*time.Hour {
						t.Errorf("connection %s is read again at %s, now is %s", id, channel.NextSyncAt, w.Clock.Now())
					}
					if channel.LastSuccessAt.Before(w.Clock.Now().Add(-36 * time.Hour)) {
						t.Errorf("connection %s was read at %s, now is %s", id, channel.LastSuccessAt, w.Clock.Now())
					}
				}
				for _, event := range allEvents(w) {
					if event.Type == "TOKEN_EXPIRED" {
						t.Errorf("an event tells the end of a consent")
					}
				}
			})
		})
	}
}

func allEvents(w *clockWorld) (events []oxlin.Event) {
	w.T.Helper()
	users, err := w.DB.Read().UsersOfClient(w.T.Context(), w.caller.Client.ID, 100)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, user := range users {
		events = append(events, w.EventLog(user.ID)...)
	}
	return events
}

// A machine that slept for days reads all that is due, one after the other, as soon as a bank's
// clock agrees.
func TestAMachineThatWakesUpServesWhatIsDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newClockWorld(t, db)
		ids := w.connections(4) // the bank counts four readings a day for a login
		w.sleep(72 * time.Hour)
		woken := w.Clock.Now()
		w.minutes(1)
		read := func() (n int) {
			for _, id := range ids {
				if w.channelOf(id).LastSuccessAt.After(woken) {
					n++
				}
			}
			return n
		}
		if n := read(); n != 1 {
			t.Errorf("while the clock was in doubt %d connections were read", n)
		}
		if !w.Judge.Believed() {
			t.Errorf("the bank has answered, and the clock is not believed:\n%s", w.Log)
		}
		w.minutes(1)
		var appointments []time.Time
		for _, id := range ids {
			if c := w.channelOf(id); !c.LastSuccessAt.After(woken) {
				appointments = append(appointments, c.NextSyncAt)
			}
		}
		slices.SortFunc(appointments, time.Time.Compare)
		if same := slices.CompactFunc(slices.Clone(appointments), time.Time.Equal); len(same) != len(appointments) || len(same) < 2 {
			t.Errorf("appointments at the same time: %v", appointments)
		}
		w.minutes(3)
		if n := read(); n != len(ids) {
			t.Errorf("%d of %d connections were read:\n%s", n, len(ids), w.Log)
		}
	})
}

// What a clock ahead has counted and promised is put right.
func TestRowsOfTheFutureArePutRight(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newClockWorld(t, db)
		before := w.Clock.Now()
		id := w.connections(1)[0]
		w.jump(400 * 24 * time.Hour)
		_ = w.authorize(connect.AuthorizeRequest{AutoSync: true}, "dev")
		w.jump(-400 * 24 * time.Hour)
		w.Clock.Advance(2 * time.Hour)
		w.minutes(1)
		if now := w.Clock.Now(); !now.After(before) {
			t.Fatal("the world's clock stands")
		}
		waiting, err := db.Read().ClientAuthorizations(t.Context(), w.caller.UserID, w.Clock.Now().Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if len(waiting) != 0 {
			t.Errorf("journeys end in more than two hours: %v", waiting[0].ExpiresAt)
		}
		if channel := w.channelOf(id); channel.Status != oxlin.ChannelSuccess {
			t.Errorf("the channel is %+v", channel)
		}
	})
}
