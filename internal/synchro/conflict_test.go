package synchro_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// played holds the rows and events that a user's days leave behind.
type played struct {
	Events       []oxlin.EventType
	New          []int
	Attempts     []int
	Transactions []oxlin.Transaction
}

// playDays plays a user with both channels, a day on which the bank fails twice, and a day
// on which it fails for good.
func playDays(w *world) played {
	w.T.Helper()
	id := w.bothChannels(w.typed("dev", "dev"))
	failures := 0
	for day := range 3 {
		w.Clock.Advance(24 * time.Hour)
		failures = 2 * day * day
		w.Calls.Hook(func(*http.Request) *http.Response {
			if failures == 0 {
				return nil
			}
			failures--
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody}
		})
		w.synchronize(id)
	}
	p := played{Events: w.eventTypes(), Transactions: w.transactions()}
	for _, channel := range w.connection(id).Channels {
		syncs, err := w.DB.Read().Synchronisations(w.T.Context(), channel.ID, 100)
		if err != nil {
			w.T.Fatal(err)
		}
		for _, sync := range syncs {
			p.New, p.Attempts = append(p.New, sync.NewTransactions), append(p.Attempts, sync.Attempts)
		}
	}
	return p
}

// Every third transaction of a synchronisation is rolled back because another one was in
// its way. The user's days leave the same behind as without.
func TestConflictsLeaveNoTrace(t *testing.T) {
	var want played
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() == store.SQLite {
			want = playDays(newWorld(t, db))
			return
		}
		conflicts := storetest.Conflicts(t, db, 3, "synchronisations")
		got := playDays(newWorld(t, db))
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(oxlin.Date{}), cmpopts.IgnoreFields(oxlin.Transaction{}, "ID", "AccountID")); diff != "" {
			t.Errorf("(-undisturbed +disturbed):\n%s", diff)
		}
		if n := conflicts(); n < 20 {
			t.Errorf("there were %d conflicts: nothing was tested", n)
		}
	})
}
