package connect_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

const returnURI = "https://integrator.example/back"

func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db)) })
}

// callback sends the user to the bank and returns the address to which they come back.
func (w *world) callback(login string, adjust func(*connect.AuthorizeRequest)) *url.URL {
	w.T.Helper()
	request := connect.AuthorizeRequest{ProviderID: "87", DefinitionID: "8701", ReturnURI: returnURI}
	if adjust != nil {
		adjust(&request)
	}
	address, err := w.Service.Authorizations.Begin(w.T.Context(), w.caller, request)
	if err != nil {
		w.T.Fatal(err)
	}
	return w.LogIn(address, login)
}

func finish(ctx context.Context, service *connect.Service, back *url.URL) (connect.CallbackResult, error) {
	answer := back.Query()
	return service.Authorizations.Finish(ctx, connect.Callback{
		State: answer.Get("state"), Query: answer, PSU: &oxlin.PSU{IP: "203.0.113.7"},
	})
}

func (w *world) finish(back *url.URL) connect.CallbackResult {
	w.T.Helper()
	result, err := finish(w.T.Context(), w.Service, back)
	if err != nil {
		w.T.Fatal(err)
	}
	return result
}

// finishAfter repeats a callback after an outage, as the platform's page does.
func (w *world) finishAfter(back *url.URL) connect.CallbackResult {
	w.T.Helper()
	for try := 0; ; try++ {
		result, err := finish(w.T.Context(), w.Service, back)
		if err == nil {
			return result
		}
		if try == 10 || oxlin.AsError(err).Code != oxlin.CodeUnavailable {
			w.T.Fatal(err)
		}
	}
}

func (w *world) wantExpired(why string, back *url.URL) {
	w.T.Helper()
	result, err := finish(w.T.Context(), w.Service, back)
	if oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
		w.T.Errorf("%s: %+v, %v", why, result, err)
	}
}

func (w *world) connections() []oxlin.Connection {
	w.T.Helper()
	connections, err := w.DB.Read().Connections(context.Background(), w.caller.UserID)
	if err != nil {
		w.T.Error(err)
	}
	return connections
}

// calls counts the requests to the bank whose path ends with a word.
func (w *world) calls(word string) int {
	n := 0
	for _, call := range w.Calls.List() {
		if strings.HasSuffix(strings.Fields(call)[1], word) {
			n++
		}
	}
	return n
}

// atExchange runs f once, while the bank exchanges a code.
func (w *world) atExchange(f func()) {
	var once sync.Once
	w.Calls.Hook(func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/token") {
			once.Do(f)
		}
		return nil
	})
}

// with returns an address with another value of a query parameter.
func with(back *url.URL, name, value string) *url.URL {
	other, query := *back, back.Query()
	query.Set(name, value)
	other.RawQuery = query.Encode()
	return &other
}

// sameAnswer compares what a browser gets.
var sameAnswer = cmp.Options{
	cmpopts.IgnoreUnexported(connect.CallbackResult{}), cmpopts.IgnoreFields(connect.CallbackResult{}, "Repeated"), cmpopts.EquateComparable(oxlin.Secret{}),
}

// A browser may repeat a GET: the same callback gets the same answer for ten minutes, and
// its work is done once.
func TestACallbackIsAnsweredAgain(t *testing.T) {
	tests := []struct {
		name   string
		login  string
		back   func(*url.URL) *url.URL
		status string
		// exchanges are the codes that reach the bank.
		exchanges, connections int
	}{
		{"success", "dev", nil, "success", 1, 1},
		{"the user refuses", "dev+refuse", nil, "cancelled", 0, 0},
		{"the bank does not know the code", "dev", func(back *url.URL) *url.URL { return with(back, "code", "wrong") }, "error", 1, 0},
		{"neither code nor error", "dev", func(back *url.URL) *url.URL { return with(back, "code", "") }, "error", 0, 0},
		{"the parameters in another order", "dev", func(back *url.URL) *url.URL {
			other := *back
			other.RawQuery = "x=1&state=" + back.Query().Get("state") + "&code=" + url.QueryEscape(back.Query().Get("code"))
			return &other
		}, "success", 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachWorld(t, func(t *testing.T, w *world) {
				back := w.callback(test.login, nil)
				if test.back != nil {
					back = test.back(back)
				}
				first := w.finish(back)
				if first.Status != test.status || first.URI != returnURI {
					t.Fatalf("%+v", first)
				}
				for _, wait := range []time.Duration{0, time.Second, 10*time.Minute - time.Second - time.Microsecond} {
					w.Clock.Advance(wait)
					err := w.Engine.Sweep(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(first, w.finish(back), sameAnswer); diff != "" {
						t.Errorf("%s later (-first +again):\n%s", wait, diff)
					}
				}
				w.wantExpired("another code for the same state", with(back, "code", "another"))
				w.wantExpired("another error", with(back, "error", "server_error"))
				w.wantExpired("another state", with(back, "state", "nobody"))
				w.Clock.Advance(time.Microsecond)
				w.wantExpired("after ten minutes", back)
				if n := w.calls("/token"); n != test.exchanges {
					t.Errorf("%d codes were exchanged, want %d", n, test.exchanges)
				}
				if n := len(w.connections()); n != test.connections {
					t.Errorf("%d connections, want %d", n, test.connections)
				}
			})
		})
	}
}

// anotherNode is a second node of the platform.
func (w *world) anotherNode() *connect.Service {
	return connect.New(connect.Options{
		DB: w.DB, Vault: w.Vault, Catalogue: w.Catalogue, Engine: w.Engine, Events: w.Events,
		CallbackURL: "https://oxlin.example/oauth2/aisp", Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	})
}

// Two nodes get the same callback at once: one exchanges the code, the other waits for it.
func TestACallbackAtTwoNodes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		other := w.anotherNode()
		back := w.callback("dev", nil)
		begun := make(chan struct{})
		w.atExchange(func() {
			close(begun)
			time.Sleep(300 * time.Millisecond)
		})
		var both sync.WaitGroup
		var results [2]connect.CallbackResult
		var errs [2]error
		both.Go(func() { results[0], errs[0] = finish(t.Context(), w.Service, back) })
		<-begun
		both.Go(func() { results[1], errs[1] = finish(t.Context(), other, back) })
		both.Wait()
		if errs[0] != nil || errs[1] != nil || results[0].ConnectionID != results[1].ConnectionID || results[1].Status != "success" || results[0].Status != "success" {
			t.Errorf("%+v %v", results, errs)
		}
		if n := w.calls("/token"); n != 1 {
			t.Errorf("the code was exchanged %d times", n)
		}
	})
}

// A node that crashes while it finishes a callback leaves a claim. A minute later, the
// same callback is finished by whoever gets it.
func TestACallbackAfterACrash(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		back := w.callback("dev", nil)
		w.crashedClaim(back)
		time.AfterFunc(200*time.Millisecond, func() { w.Clock.Advance(time.Minute) })
		if result := w.finish(back); result.Status != "success" {
			t.Errorf("%+v", result)
		}
	})
}

// The claim of a node that works is written every second, and one that stays as it is for
// some seconds is a crashed node's. The clock goes as fast as time does.
func TestACallbackAfterACrashWaitsSomeSeconds(t *testing.T) {
	run := func(w *world, until <-chan struct{}) {
		for {
			select {
			case <-until:
				return
			case <-time.After(100 * time.Millisecond):
				w.Clock.Advance(100 * time.Millisecond)
			}
		}
	}
	t.Run("the node has crashed", func(t *testing.T) {
		eachWorld(t, func(t *testing.T, w *world) {
			back := w.callback("dev", nil)
			w.Clock.Advance(time.Second)
			w.crashedClaim(back)
			ended := make(chan struct{})
			go run(w, ended)
			begun := w.Clock.Now()
			result := w.finish(back)
			close(ended)
			if waited := w.Clock.Now().Sub(begun); result.Status != "success" || waited < 3*time.Second || waited > 8*time.Second {
				t.Errorf("%+v after %v", result, waited)
			}
		})
	})
	t.Run("the bank is slow", func(t *testing.T) {
		eachWorld(t, func(t *testing.T, w *world) {
			other := w.anotherNode()
			back := w.callback("dev", nil)
			ended := make(chan struct{})
			go run(w, ended)
			defer close(ended)
			begun := make(chan struct{})
			w.atExchange(func() {
				close(begun)
				time.Sleep(8 * time.Second)
			})
			var both sync.WaitGroup
			var results [2]connect.CallbackResult
			var errs [2]error
			both.Go(func() { results[0], errs[0] = finish(t.Context(), w.Service, back) })
			<-begun
			both.Go(func() { results[1], errs[1] = finish(t.Context(), other, back) })
			both.Wait()
			for i := range results {
				if errs[i] != nil || results[i].Status != "success" || results[i].ConnectionID != results[0].ConnectionID {
					t.Errorf("%+v, %v", results[i], errs[i])
				}
			}
			if n := w.calls("/token"); n != 1 {
				t.Errorf("the code was exchanged %d times", n)
			}
		})
	})
}

// crashedClaim stores the claim of a node that crashes during an exchange.
func (w *world) crashedClaim(back *url.URL) {
	w.T.Helper()
	w.Write(func(tx *store.Tx) error {
		_, err := tx.ClaimAuthorization(w.T.Context(), store.Authorization{
			StateHash: vault.HashToken(oxlin.NewSecret(back.Query().Get("state"))), ClaimedBy: []byte("the node that crashed"),
			ClaimedAt: w.Clock.Now(), ExpiresAt: w.Clock.Now().Add(time.Hour),
		}, w.Clock.Now())
		return err
	})
}

// The crashed node may have spent the code. Then the user begins again, and a callback that
// is repeated learns so at once: the bank is not asked again.
func TestACodeThatACrashedNodeHasSpent(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		back := with(w.callback("dev", nil), "code", "spent")
		w.crashedClaim(back)
		w.Clock.Advance(2 * time.Minute)
		w.wantExpired("the first callback", back)
		for range 2 {
			begun := time.Now()
			w.wantExpired("a repeated callback", back)
			if waited := time.Since(begun); waited > 5*time.Second {
				t.Errorf("it waited %v", waited)
			}
		}
		if got := w.calls("/token"); got != 1 {
			t.Errorf("the bank was asked for a token %d times, want once", got)
		}
	})
}

// The database is away when the user comes back, or when the bank has just exchanged the
// code. The user's browser loads the callback again, and what was begun is finished when the
// database is back, whether the browser comes or not.
func TestACallbackDuringAnOutage(t *testing.T) {
	moments := map[string]func(w *world, away func()){
		"before the callback": func(_ *world, away func()) { away() },
		"at the exchange":     func(w *world, away func()) { w.atExchange(away) },
	}
	for moment, begin := range moments {
		for _, comes := range []bool{true, false} {
			name := moment + ", and the browser goes away"
			if comes {
				name = moment + ", and the browser comes again"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				eachWorld(t, func(t *testing.T, w *world) {
					back := w.callback("dev", nil)
					end := func() {}
					begin(w, func() { end = storetest.Outage(t, w.DB) })
					_, err := finish(t.Context(), w.Service, back)
					if shown := oxlin.AsError(err); shown.Code != oxlin.CodeUnavailable || shown.RetryAfter == 0 {
						t.Fatalf("during the outage: %v", err)
					}
					end()
					for try := 0; !comes && len(w.connections()) == 0 && try < 200; try++ {
						time.Sleep(50 * time.Millisecond)
					}
					var result connect.CallbackResult
					for range 2 {
						result = w.finishAfter(back)
						if result.Status != "success" || result.Result != "created" {
							t.Fatalf("after the outage: %+v", result)
						}
					}
					connections := w.connections()
					if len(connections) != 1 || connections[0].ID != result.ConnectionID {
						t.Errorf("the connections are %+v, and the redirect names %s", connections, result.ConnectionID)
					}
					if n := w.calls("/token"); n != 1 {
						t.Errorf("the code was exchanged %d times", n)
					}
					if n := w.Revoke(); n != 0 {
						t.Errorf("%d accesses were handed back", n)
					}
				})
			})
		}
	}
}

// A short outage is not visible to the user.
func TestACallbackDuringAShortOutage(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		back := w.callback("dev", nil)
		w.atExchange(func() {
			end := storetest.Outage(t, w.DB)
			time.AfterFunc(200*time.Millisecond, end)
		})
		if result := w.finish(back); result.Status != "success" {
			t.Errorf("%+v", result)
		}
	})
}

// An access that the bank has given and that nobody can keep goes back to the bank.
func TestAnAccessThatCannotBeStoredIsHandedBack(t *testing.T) {
	tests := []struct {
		name     string
		meantime func(w *world) error // while the bank exchanges the code
		renewal  bool
	}{
		{"the user is deleted", func(w *world) error { return w.Users.Delete(context.Background(), w.caller) }, false},
		{"the connection to renew is deleted", func(w *world) error {
			return w.Service.Connections.Delete(context.Background(), w.caller, w.connections()[0].ID)
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			eachWorld(t, func(t *testing.T, w *world) {
				held := 0
				var back *url.URL
				if test.renewal {
					w.finish(w.callback("dev", nil))
					held = 1
					back = w.callback("dev", func(r *connect.AuthorizeRequest) { r.ConnectionID = w.connections()[0].ID })
				} else {
					back = w.callback("dev", nil)
				}
				w.atExchange(func() {
					err := test.meantime(w)
					if err != nil {
						t.Error(err)
					}
				})
				result := w.finish(back)
				if result.Status != "error" || result.URI != returnURI {
					t.Errorf("%+v", result)
				}
				if n := w.Revoke(); n != held+1 {
					t.Errorf("%d accesses were handed back, want %d", n, held+1)
				}
			})
		})
	}
}

// A process that stops during an outage hands back what it cannot store, by itself.
func TestTheProcessStopsDuringAnOutage(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		back := w.callback("dev", nil)
		end := func() {}
		w.atExchange(func() { end = storetest.Outage(t, w.DB) })
		_, err := finish(t.Context(), w.Service, back)
		if oxlin.AsError(err).Code != oxlin.CodeUnavailable {
			t.Fatal(err)
		}
		err = w.Service.Close(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		end()
		if n := w.calls("/revoke"); n != 1 {
			t.Errorf("the bank was called %d times: %v", n, w.Calls.List())
		}
	})
}

// In mode B the client sends its request again, and gets the connection that the first
// request has made.
func TestACodeGrantDuringAnOutage(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		back := w.callback("dev", func(r *connect.AuthorizeRequest) { r.ClientRedirect = true })
		grant := connect.CodeGrant{ProviderID: "87", DefinitionID: "8701", RedirectURI: returnURI, Return: connect.ReturnOf(back.Query().Get("code"))}
		end := func() {}
		w.atExchange(func() { end = storetest.Outage(t, w.DB) })
		_, err := w.Service.Authorizations.Connect(t.Context(), w.caller, grant)
		if oxlin.AsError(err).Code != oxlin.CodeUnavailable {
			t.Fatal(err)
		}
		end()
		id, err := w.Service.Authorizations.Connect(t.Context(), w.caller, grant)
		for try := 0; try < 10 && oxlin.AsError(err).Code == oxlin.CodeUnavailable; try++ {
			id, err = w.Service.Authorizations.Connect(t.Context(), w.caller, grant)
		}
		if err != nil || len(w.connections()) != 1 || w.connections()[0].ID != id {
			t.Errorf("connection %s, %v; there are %+v", id, err, w.connections())
		}
		_, err = w.Service.Authorizations.Connect(t.Context(), w.caller, grant)
		if oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
			t.Errorf("a third time: %v", err)
		}
	})
}
