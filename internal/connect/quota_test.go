package connect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// remaining returns how many synchronisations without the user the bank still allows a
// connection's REDIRECT channel.
func (w *world) remaining(id oxlin.ConnectionID) int {
	channel := w.channel(id)
	if channel.RemainingRefreshes == nil {
		return -1
	}
	return *channel.RemainingRefreshes
}

func TestConnectionsToTheSameAccountsShareTheBanksQuota(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		wants := func(fact string, want int, ids ...oxlin.ConnectionID) {
			t.Helper()
			for _, id := range ids {
				if got := w.remaining(id); got != want {
					t.Errorf("%s: connection %s has %d refreshes left, want %d", fact, id, got, want)
				}
			}
		}
		first := w.connect(connect.AuthorizeRequest{}, "dev")
		second := w.connect(connect.AuthorizeRequest{}, "dev")
		if older, newer := w.connection(first).DuplicateOf, w.connection(second).DuplicateOf; older != 0 || newer != first {
			t.Errorf("the connections %s and %s duplicate %s and %s", first, second, older, newer)
		}
		wants("the user was present", 4, first, second)
		w.caller.PSU = nil
		for range 2 {
			w.synchronize(first)
		}
		wants("the first was read twice", 2, first, second)
		for range 2 {
			w.synchronize(second)
		}
		wants("each was read twice", 0, first, second)
		for _, id := range []oxlin.ConnectionID{first, second} {
			calls := w.Calls.Len()
			err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
			refused := oxlin.AsError(err)
			if refused.Code != oxlin.CodeQuotaExhausted || refused.RetryAfter <= 0 || !strings.Contains(refused.Message, "8701 was read 4 times") {
				t.Errorf("the fifth access of the day: %+v", refused)
			}
			if w.Calls.Len() != calls {
				t.Error("something was sent to the bank")
			}
		}

		err := w.Service.Connections.Delete(t.Context(), w.caller, second)
		if err != nil {
			t.Fatal(err)
		}
		w.caller.PSU = &oxlin.PSU{IP: "192.0.2.7"}
		third := w.connect(connect.AuthorizeRequest{}, "dev")
		wants("a new connection to the same accounts", 0, first, third)
		w.Clock.Advance(24 * time.Hour)
		wants("the next day", 4, first, third)
	})
}
