package synchro_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
)

// slowBank is a bank that is right, but takes its time: each call, also for a token, takes
// almost as long as is allowed, its list of accounts and its accounts have many pages, and
// its tokens live a minute.
type slowBank struct {
	*scripted
	// life is how long a token lives, and unannounced whether the bank tells so.
	life        time.Duration
	unannounced bool
	// listed is the number of pages of the list of accounts.
	listed int
	// balancesListed is set if the balances are in the list of accounts alone.
	balancesListed bool
	// takes is how long a call takes.
	takes time.Duration
	until time.Time // the end of the newest token
	// calls are the calls so far, without the page of the login.
	calls []string
	// crash is the number of the call during which the process dies; 0 for none.
	crash  int
	killed context.CancelFunc
}

// callTakes is short of the default of timeout_seconds.
const callTakes = 29 * time.Second

func newSlowBank(t *testing.T) *slowBank {
	b := &slowBank{scripted: newScripted(t, "a", "b", "c"), life: time.Minute, listed: 40, takes: callTakes}
	b.pageSize = 1
	b.Calls.Hook(b.serve)
	return b
}

// serve answers a call, or lets the process die after the bank has answered.
func (b *slowBank) serve(r *http.Request) *http.Response {
	token := strings.HasSuffix(r.URL.Path, "/token")
	if !token && !strings.Contains(r.URL.Path, "/stet/v1.5/") {
		return nil
	}
	begun := b.Clock.Now()
	b.Clock.Advance(b.takes)
	call := r.Method + " " + r.URL.Path + "?" + r.URL.Query().Get("page")
	b.calls = append(b.calls, call)
	var response *http.Response
	switch {
	case token:
		b.until = b.Clock.Now().Add(b.life)
		body := map[string]any{"access_token": "token " + strconv.Itoa(len(b.calls)), "refresh_token": "again", "token_type": "bearer"}
		if !b.unannounced {
			body["expires_in"] = int(b.life.Seconds())
		}
		response = spoken(http.StatusOK, body)
	case !begun.Before(b.until):
		response = spoken(http.StatusUnauthorized, map[string]any{"message": "the token is over"})
	case strings.HasSuffix(r.URL.Path, "/accounts"):
		response = b.list(r)
	case strings.HasSuffix(r.URL.Path, "/end-user-identity"):
		response = spoken(http.StatusOK, map[string]any{"identity": map[string]any{"fullName": "JO DOE"}})
	case strings.HasSuffix(r.URL.Path, "/balances") && b.balancesListed:
		response = spoken(http.StatusOK, map[string]any{"balances": []any{}})
	default:
		response = b.answer(r)
	}
	if response != nil && len(b.calls) == b.crash {
		b.killed()
		response.Body = io.NopCloser(brokenReader{})
	}
	return response
}

// brokenReader is the rest of an answer that a dead process does not read.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the process is dead") }

// list is a page of the accounts, with one account each. All but the last ones have no rows.
func (b *slowBank) list(r *http.Request) *http.Response {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	id, links := fmt.Sprint("empty", page), map[string]any{}
	if n := page - (b.listed - len(b.accounts)); n >= 0 {
		id = b.accounts[n]
	}
	account := map[string]any{
		"resourceId": id, "name": "ACCOUNT " + id, "cashAccountType": "CACC", "usage": "PRIV",
		"accountId": map[string]any{"currency": "EUR", "other": map[string]any{"identification": "0000" + id, "schemeName": "BBAN"}},
	}
	if b.balancesListed {
		account["balances"] = []any{map[string]any{
			"balanceType": "CLBD", "balanceAmount": map[string]any{"currency": "EUR", "amount": "10.00"},
		}}
	}
	if page == 0 {
		links["endUserIdentity"] = map[string]any{"href": "end-user-identity"}
	}
	if page+1 < b.listed {
		links["next"] = map[string]any{"href": "accounts?page=" + strconv.Itoa(page+1)}
	}
	return spoken(http.StatusOK, map[string]any{"accounts": []any{account}, "_links": links})
}

// renewals returns how many of the calls since one asked for a token.
func (b *slowBank) renewals(since int) (n int) {
	for _, call := range b.calls[since:] {
		if strings.Contains(call, "/token") {
			n++
		}
	}
	return n
}

// jobs runs the jobs until none is left, and returns how long each took and how many calls
// it made. A job that is killed runs again.
func (b *slowBank) jobs() (took []time.Duration, calls []int) {
	b.t.Helper()
	for {
		job, found := b.Queue.TakeRun(jobstest.Any)
		if !found {
			return took, calls
		}
		for again := true; again; {
			if wait := job.NotBefore.Sub(b.Clock.Now()); wait > 0 {
				b.Clock.Advance(wait)
			}
			ctx, cancel := context.WithCancel(b.t.Context())
			b.killed = cancel
			begun, before := b.Clock.Now(), len(b.calls)
			err := b.Engine.Run(ctx, job.ID)
			again = ctx.Err() != nil
			cancel()
			if err != nil && !again {
				b.t.Fatal(err)
			}
			took, calls = append(took, b.Clock.Now().Sub(begun)), append(calls, len(b.calls)-before)
		}
	}
}

// enter gives the bank a new user, who comes back from its login page.
func (b *slowBank) enter() oxlin.ConnectionID {
	b.t.Helper()
	b.caller = b.LicensedCaller()
	result := b.arrive(b.authorize(connect.AuthorizeRequest{ReturnURI: "https://integrator.example/"}, "dev"))
	if result.Status != "success" {
		b.t.Fatalf("the callback ended with %+v", result)
	}
	return result.ConnectionID
}

// wantAll compares what is stored with what the bank has.
func (b *slowBank) wantAll(id oxlin.ConnectionID) {
	b.t.Helper()
	if got := b.channel(id); got.Status != oxlin.ChannelSuccess {
		b.t.Fatalf("the channel is %s", got.Status)
	}
	if got := len(b.world.accounts()); got != b.listed {
		b.t.Errorf("%d accounts, want %d", got, b.listed)
	}
	if got := b.connection(id).Owner.Name; got != "JO DOE" {
		b.t.Errorf("the owner is %q", got)
	}
	for _, account := range b.accounts {
		if diff := cmp.Diff(b.written(account), b.labels(account)); diff != "" {
			b.t.Errorf("rows of %s (-want +got):\n%s", account, diff)
		}
		shown := b.account(account)
		if balance, ok := shown.ShownBalance(); !ok || balance.String() != "10" || !shown.Coverage.Complete {
			b.t.Errorf("account %s has the balance %s, %t, and %+v", account, balance, ok, shown.Coverage)
		}
	}
}

// A bank that takes 29 seconds a call is slow, not broken.
func TestASlowBankIsReadToItsEnd(t *testing.T) {
	tests := []struct {
		name        string
		life        time.Duration
		unannounced bool
		// most is how many calls a job makes at most.
		most int
	}{
		{"its tokens live a minute", time.Minute, false, 2},
		{"its tokens serve one call", 20 * time.Second, false, 2},
		{"its tokens live a minute, and nobody is told", time.Minute, true, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newSlowBank(t)
			b.life, b.unannounced = test.life, test.unannounced
			for _, account := range b.accounts {
				b.history(account, 40)
			}
			id := b.enter()
			took, calls := b.jobs()
			b.wantAll(id)
			if longest := slices.Max(took); longest > time.Duration(test.most)*callTakes {
				t.Errorf("a job took %v", longest)
			}
			if got := slices.Max(calls); got > test.most {
				t.Errorf("a job made %d calls", got)
			}
			// 40 pages of accounts, the owner, 40 balances, 3 times 40 pages of rows, and 37
			// accounts without rows.
			if asked, want := len(b.calls)-b.renewals(0), 40+1+40+120+37; !test.unannounced && asked != want {
				t.Errorf("%d calls beside those for a token, want %d", asked, want)
			}
		})
	}
}

// Wherever the process dies, the next one asks a slow bank again only for what the dead one was
// asking for, and a fast one for what it had in memory; nothing is lost or doubled.
func TestACrashAtEveryCall(t *testing.T) {
	likes := map[string]func(b *slowBank){
		"its tokens live a minute": func(*slowBank) {},
		"nobody is told how long tokens live, and balances are in the list": func(b *slowBank) {
			b.unannounced, b.balancesListed = true, true
		},
		"it answers within 300 ms": func(b *slowBank) { b.takes = 300 * time.Millisecond },
	}
	readings := map[string]func(b *slowBank) oxlin.ConnectionID{
		"the first reading": (*slowBank).enter,
		"a later reading": func(b *slowBank) oxlin.ConnectionID {
			id := b.enter()
			b.jobs()
			err := b.Service.Connections.Synchronize(b.t.Context(), b.caller, id, oxlin.SyncAll)
			if err != nil {
				b.t.Fatal(err)
			}
			return id
		},
	}
	for like, is := range likes {
		for reading, begin := range readings {
			t.Run(like+", "+reading, func(t *testing.T) {
				b := newSlowBank(t)
				b.listed, b.pageSize = 3, 2
				is(b)
				for _, account := range b.accounts {
					b.history(account, 5)
				}
				begin(b)
				before := len(b.calls)
				b.jobs()
				usual := len(b.calls) - before
				renewals := b.renewals(before)
				for k := range usual {
					id := begin(b)
					before := len(b.calls)
					b.crash = before + k + 1
					b.jobs()
					died := b.calls[b.crash-1]
					b.crash = 0
					b.wantAll(id)
					again := (len(b.calls) - b.renewals(before) - before) - (usual - renewals)
					most := 1
					if b.unannounced {
						most++ // the time that has passed has ended a token
					}
					if b.takes < time.Second {
						most = 7 // those of two seconds
					}
					if again > most {
						t.Errorf("after a crash during %s (call %d of %d), %d calls were made again", died, k+1, usual, again)
					}
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}
