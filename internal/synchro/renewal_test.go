package synchro_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// endTokens ends all access tokens at the bank before they expire by the platform's
// clock.
func (w *world) endTokens() {
	w.T.Helper()
	w.Control(http.MethodPost, "/control/clock", `{"advance_hours":2}`)
}

// asked counts the calls with a part in their path.
func (w *world) asked(part string) int {
	n := 0
	for _, call := range w.Calls.List() {
		if strings.Contains(call, part) {
			n++
		}
	}
	return n
}

// on does something before certain calls to a path: the first, the second and so on.
func (w *world) on(part string, do ...func()) {
	w.Calls.Hook(func(r *http.Request) *http.Response {
		if len(do) > 0 && strings.Contains(r.URL.Path, part) {
			next := do[0]
			do = do[1:]
			next()
		}
		return nil
	})
}

func nothingHappens() {}

var succeeded = []oxlin.EventType{"SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS"}

// wantRun compares the events of a synchronisation and its number of requests for a token.
func (w *world) wantRun(events, tokens int, want ...oxlin.EventType) {
	w.T.Helper()
	if diff := cmp.Diff(want, w.eventTypes()[events:]); diff != "" {
		w.T.Errorf("events (-want +got):\n%s", diff)
	}
	if got := w.asked("/token") - tokens; got != 1 {
		w.T.Errorf("the token endpoint was asked %d times, want once", got)
	}
}

func TestAnAccessThatTheBankEndsEarlyIsRenewed(t *testing.T) {
	tests := map[string]func(w *world){
		"before the first question":  (*world).endTokens,
		"before a following page":    func(w *world) { w.on("/transactions", nothingHappens, w.endTokens) },
		"before a balance":           func(w *world) { w.on("/balances", nothingHappens, w.endTokens) },
		"when another account comes": func(w *world) { w.on("/balances", func() { w.on("/transactions", w.endTokens) }) },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				before := w.transactions()
				calls := w.Calls.Len()
				w.synchronize(id)
				usual := w.Calls.Len() - calls

				events, tokens, calls := len(w.eventTypes()), w.asked("/token"), w.Calls.Len()
				end(w)
				w.synchronize(id)
				w.wantRun(events, tokens, succeeded...)
				if got := w.Calls.Len() - calls; got != usual+2 {
					t.Errorf("%d calls instead of the usual %d: want the renewal and one question repeated", got, usual)
				}
				if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
					t.Errorf("stored data changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func TestTheFirstReadingSurvivesAnAccessThatEndsEarly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.on("/end-user-identity", w.endTokens)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		if got := w.channel(id).Status; got != oxlin.ChannelSuccess || len(w.transactions()) == 0 {
			t.Errorf("the channel is %s, with %d transactions", got, len(w.transactions()))
		}
		if w.connection(id).Owner.Name == "" {
			t.Error("the platform did not ask for the owner again")
		}
	})
}

// A question that is repeated after a renewal is one access, not two.
func TestARenewalCostsNoUnattendedAccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		w.caller.PSU = nil
		w.endTokens()
		for turn := range 4 {
			events := len(w.eventTypes())
			w.synchronize(id)
			if diff := cmp.Diff(succeeded, w.eventTypes()[events:]); diff != "" {
				t.Errorf("access %d of the day (-want +got):\n%s", turn+1, diff)
			}
		}
	})
}

func refusedToken(r *http.Request) *http.Response {
	return answered(http.StatusUnauthorized, "Jeton invalide")
}

func answered(status int, message string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"message": "` + message + `", "error": "` + message + `"}`)),
	}
}

func TestAnAccessThatIsOverTroublesTheUser(t *testing.T) {
	expired := []oxlin.EventType{"SYNC_ALL_RUNNING", "TOKEN_EXPIRED", "SYNC_ALL_FAILED"}
	tests := map[string]func(w *world){
		"the bank refuses to renew it": func(w *world) { w.Scenario("dev", "consent_expired") },
		"the renewed token is refused": func(w *world) {
			w.Calls.Hook(func(r *http.Request) *http.Response {
				if !strings.Contains(r.URL.Path, "/accounts") {
					return nil
				}
				return refusedToken(r)
			})
		},
		"the renewed token is refused for one account": func(w *world) {
			w.Calls.Hook(func(r *http.Request) *http.Response {
				if !strings.Contains(r.URL.Path, "/balances") {
					return nil
				}
				return refusedToken(r)
			})
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
				before := w.transactions()
				events, tokens := len(w.eventTypes()), w.asked("/token")
				end(w)
				w.synchronize(id)
				w.wantRun(events, tokens, expired...)
				if got := w.channel(id); got.Status != oxlin.ChannelTokenExpired || !got.NextSyncAt.IsZero() {
					t.Errorf("the channel is %+v", got)
				}
				if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
					t.Errorf("stored data changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}

// Some banks announce no end of a token, and end it after a minute: each of them is renewed
// that has read something.
func TestABankThatEndsItsTokensAgain(t *testing.T) {
	tests := map[string]func(w *world){
		"when another account comes": func(w *world) {
			w.on("/balances", func() {
				w.endTokens()
				w.on("/balances", nothingHappens, w.endTokens)
			})
		},
		"in the next job": func(w *world) {
			w.on("/transactions", w.endTokens, func() { w.Clock.Advance(26 * time.Second) }, w.endTokens)
		},
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
				before := w.transactions()
				events, tokens := len(w.eventTypes()), w.asked("/token")
				end(w)
				w.synchronize(id)
				if diff := cmp.Diff(succeeded, w.eventTypes()[events:]); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if got := w.asked("/token") - tokens; got != 2 {
					t.Errorf("the token endpoint was asked %d times, want twice", got)
				}
				if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
					t.Errorf("stored data changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}

// A renewal that the bank does not answer is no renewal: it is asked for again, as
// everything is at a bank that is down, and no account is blamed.
func TestABankThatIsDownWhenAnAccessIsToBeRenewed(t *testing.T) {
	tests := []struct {
		name   string
		status int
		broken int // how many calls of the token endpoint
		asked  int
		events []oxlin.EventType
	}{
		{"it comes back", http.StatusServiceUnavailable, 1, 2, succeeded},
		{"it stays down", http.StatusServiceUnavailable, 9, 3, []oxlin.EventType{"SYNC_ALL_RUNNING", "FAILED", "SYNC_ALL_FAILED"}},
		{"it does not know us", http.StatusUnauthorized, 9, 1, []oxlin.EventType{"SYNC_ALL_RUNNING", "FAILED", "SYNC_ALL_FAILED"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				events, asked := len(w.eventTypes()), w.asked("/token")
				ended, left := false, test.broken
				w.Calls.Hook(func(r *http.Request) *http.Response {
					if !ended && strings.Contains(r.URL.Path, "/balances") {
						ended = true
						w.endTokens()
					}
					if left == 0 || r.URL.Path != "/token" {
						return nil
					}
					left--
					return answered(test.status, "invalid_client")
				})
				w.synchronize(id)
				if diff := cmp.Diff(test.events, w.eventTypes()[events:]); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if got := w.asked("/token") - asked; got != test.asked {
					t.Errorf("the token endpoint was asked %d times, want %d", got, test.asked)
				}
				for _, account := range w.accounts() {
					if account.Status != oxlin.AccountActive {
						t.Errorf("%s is %s", account.Name, account.Status)
					}
				}
			})
		})
	}
}

// If a run is taken for dead by mistake, two jobs work on it. The bank accepts a refresh
// token once. Neither job may end the channel that the other one has renewed.
func TestTwoJobsRenewOneAccess(t *testing.T) {
	// The second job begins before a call of the first one, and hands over after its
	// first page. Then the first job continues.
	tests := map[string]struct {
		before string
		tokens int
	}{
		"while the first one's question is on its way": {"/accounts", 1},
		"while the first one's renewal is on its way":  {"/token", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
				if err != nil {
					t.Fatal(err)
				}
				job := w.Queue.Runs()[0].ID
				events, tokens := len(w.eventTypes())-1, w.asked("/token")
				w.endTokens()
				w.on(test.before, func() {
					w.on("/transactions", func() { w.Clock.Advance(26 * time.Second) })
					err := w.Engine.Run(t.Context(), job)
					if err != nil {
						t.Error(err)
					}
				})
				w.work()
				if diff := cmp.Diff(succeeded, w.eventTypes()[events:]); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if got := w.asked("/token") - tokens; got != test.tokens {
					t.Errorf("the token endpoint was asked %d times, want %d", got, test.tokens)
				}
			})
		})
	}
}

// A run that lost the channel to a newer consent neither renews nor destroys its
// access.
func TestARunThatWasSupersededRenewsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		w.endTokens()
		back := w.authorize(connect.AuthorizeRequest{ConnectionID: id, ReturnURI: "https://integrator.example/"}, "dev")
		tokens := 0
		w.on("/accounts", func() {
			w.arrive(back)
			tokens = w.asked("/token")
		})
		err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Engine.Run(t.Context(), w.takeRun())
		if err != nil {
			t.Fatal(err)
		}
		if got := w.asked("/token"); got != tokens {
			t.Errorf("the token endpoint was asked %d times more", got-tokens)
		}
		w.work()
		if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
			t.Errorf("with the new consent the channel is %s", got)
		}
	})
}

func TestOneAccountThatIsRefusedRenewsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		tokens := w.asked("/token")
		w.Calls.Hook(func(r *http.Request) *http.Response {
			if !strings.Contains(r.URL.Path, "/accounts/") {
				return nil
			}
			return answered(http.StatusForbidden, "No consent for TPP")
		})
		w.synchronize(id)
		if got := w.asked("/token"); got != tokens {
			t.Errorf("the token endpoint was asked %d times", got-tokens)
		}
	})
}

func TestWithoutARefreshTokenNothingIsRenewed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.bankIs(func(c *stet.Connector) bank.Connector { return stingyConnector{c} })
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		tokens := w.asked("/token")
		w.endTokens()
		w.synchronize(id)
		if got := w.channel(id).Status; got != oxlin.ChannelTokenExpired {
			t.Errorf("the channel is %s", got)
		}
		if got := w.asked("/token"); got != tokens {
			t.Errorf("the token endpoint was asked %d times", got-tokens)
		}
	})
}

// stingyConnector plays a bank without refresh tokens.
type stingyConnector struct{ *stet.Connector }

func (c stingyConnector) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	step, err := c.Connector.Continue(ctx, input)
	if access, ok := step.(bank.Access); ok {
		access.RefreshToken = oxlin.Secret{}
		return access, err
	}
	return step, err
}

// While another process renews the access, a run waits for it and sends nothing. A claim that
// nobody will end does not count.
func TestARunWaitsForARenewalOfAnotherProcess(t *testing.T) {
	for name, c := range map[string]struct {
		node  string
		age   time.Duration
		waits bool
	}{
		"that works":                       {"another", 0, true},
		"that has been at it for minutes":  {"another", 10 * time.Minute, true},
		"that has been at it for too long": {"another", time.Hour, false},
		"that is gone":                     {"gone", 0, false},
		"that is this one before a fault":  {"test", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				w.endTokens()
				channel := w.channel(id).ID
				w.Write(func(tx *store.Tx) error {
					return store.RenewalsOf(tx).Claim(t.Context(), channel, store.Renewal{Node: c.node, ClaimedAt: w.Clock.Now().Add(-c.age)})
				})
				events, calls, tokens := len(w.eventTypes()), w.Calls.Len(), w.asked("/token")
				err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					job, waits := w.Queue.TakeRun(w.Due)
					if !waits {
						break
					}
					err = w.Engine.Run(t.Context(), job.ID)
					if err != nil {
						t.Fatal(err)
					}
					w.Clock.Advance(2 * time.Second)
				}
				if waited := w.Calls.Len() == calls; waited != c.waits {
					t.Fatalf("the run has called the bank %d times", w.Calls.Len()-calls)
				}
				w.Write(func(tx *store.Tx) error { return store.RenewalsOf(tx).End(t.Context(), channel, c.node) })
				w.work()
				w.wantRun(events, tokens, succeeded...)
				_, err = db.Read().Renewal(t.Context(), channel)
				if !oxlin.IsNotFound(err) {
					t.Errorf("the claim is still there: %v", err)
				}
			})
		})
	}
}

// The answer to a renewal comes when a new consent is stored, or the connection is deleted.
func TestARenewalThatComesTooLateIsDropped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		w.endTokens()
		back := w.authorize(connect.AuthorizeRequest{ConnectionID: id, ReturnURI: "https://integrator.example/"}, "dev")
		w.on("/token", func() { w.arrive(back) })
		err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
			t.Errorf("with the new consent the channel is %s", got)
		}
		w.endTokens()
		w.on("/token", func() {
			err := w.Service.Connections.Delete(t.Context(), w.caller, id)
			if err != nil {
				t.Fatal(err)
			}
		})
		w.Clock.Advance(24 * time.Hour)
		err = w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		w.work()
	})
}
