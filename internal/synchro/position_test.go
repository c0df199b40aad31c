package synchro_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// countingBank is a bank whose lists have all their pages at one address. It counts them:
// in a session that a cookie names, in the cookie itself, or without the client's help.
type countingBank struct {
	*scripted
	counts string
	// fixed is set if the address of the second page and of all later ones is another than
	// that of the first.
	fixed bool
	// given are the pages given in each session, by its cookie; sessions counts them.
	given    map[string]int
	sessions int
	// calls are the calls for pages so far.
	calls int
	// crash is the number of the call during which the process dies or the connection
	// breaks; 0 for none.
	crash int
	// loses is the number of the page that is always lost; 0 for none.
	loses  int
	killed context.CancelFunc
	// between is called after each job.
	between func(oxlin.SyncID)
}

const sessionCookie = "JSESSIONID"

func newCountingBank(t *testing.T, counts string) *countingBank {
	b := &countingBank{scripted: newScripted(t, "a", "b", "c"), counts: counts, given: map[string]int{}}
	b.pageSize = 1
	for n, account := range b.accounts {
		b.history(account, 3+n)
	}
	b.Calls.Hook(b.serve)
	return b
}

// serve gives the next page of a list, and counts it before anybody has received it.
func (b *countingBank) serve(r *http.Request) *http.Response {
	_, path, found := strings.Cut(r.URL.Path, "/stet/v1.5/accounts")
	if !found || strings.HasSuffix(path, "/balances") {
		return b.answer(r)
	}
	b.calls++
	records, member := b.records(path)
	page, cookie := b.turn(r, path, len(records))
	links := map[string]any{}
	if page+1 < len(records) {
		links["next"] = map[string]any{"href": b.next(r, path)}
	}
	response := spoken(http.StatusOK, map[string]any{member: records[page:min(page+1, len(records))], "_links": links})
	if cookie != "" {
		response.Header.Set("Set-Cookie", sessionCookie+"="+cookie)
	}
	if b.calls == b.crash || page+1 == b.loses {
		if b.killed != nil {
			b.killed()
		}
		response.Body = io.NopCloser(brokenReader{})
	}
	return response
}

// next is the link of all pages: the request's own address, or another one.
func (b *countingBank) next(r *http.Request, path string) string {
	query := r.URL.RawQuery
	if b.fixed {
		query = "page=next"
	}
	return "accounts" + path + "?" + query
}

// records are those of a list.
func (b *countingBank) records(path string) (records []map[string]any, member string) {
	if account, ok := strings.CutSuffix(strings.TrimPrefix(path, "/"), "/transactions"); ok {
		return b.rows[account], "transactions"
	}
	for _, id := range b.accounts {
		records = append(records, map[string]any{
			"resourceId": id, "name": "ACCOUNT " + id, "cashAccountType": "CACC", "usage": "PRIV",
			"accountId": map[string]any{"currency": "EUR", "other": map[string]any{"identification": "0000" + id, "schemeName": "BBAN"}},
		})
	}
	return records, "accounts"
}

// turn returns the page to give, and the cookie that goes with it.
func (b *countingBank) turn(r *http.Request, path string, pages int) (page int, cookie string) {
	held, err := r.Cookie(sessionCookie)
	switch {
	case b.counts == "cookie":
		if err == nil {
			_, _ = fmt.Sscan(held.Value, &page)
		}
		return page, fmt.Sprint(page + 1)
	case b.counts == "bank":
		page = b.given[path]
		b.given[path] = (page + 1) % max(pages, 1)
		return page, ""
	case err == nil:
		cookie = held.Value
	default:
		b.sessions++
		cookie = fmt.Sprint("session", b.sessions)
	}
	page = b.given[cookie]
	b.given[cookie]++
	return min(page, pages-1), cookie
}

// jobs runs the jobs until none is left; one whose process dies runs again.
func (b *countingBank) jobs(dies bool) {
	b.t.Helper()
	for {
		job, found := b.Queue.TakeRun(jobstest.Any)
		if !found {
			return
		}
		for again := true; again; {
			if wait := job.NotBefore.Sub(b.Clock.Now()); wait > 0 {
				b.Clock.Advance(wait)
			}
			ctx, cancel := context.WithCancel(b.t.Context())
			b.killed = nil
			if dies {
				b.killed = cancel
			}
			err := b.Engine.Run(ctx, job.ID)
			again = ctx.Err() != nil
			cancel()
			if err != nil && !again {
				b.t.Fatal(err)
			}
			if b.between != nil {
				b.between(job.ID)
			}
		}
	}
}

// read lets a new user's accounts be read, and returns how many calls that took.
func (b *countingBank) read(dies bool) int {
	b.t.Helper()
	b.caller, b.calls = b.LicensedCaller(), 0
	b.arrive(b.authorize(connect.AuthorizeRequest{ReturnURI: "https://integrator.example/"}, "dev"))
	b.jobs(dies)
	return b.calls
}

// Whichever answer is lost at a bank that counts the pages, none is skipped: neither by a
// process that dies nor by a connection that breaks.
func TestNoPageOfACountingBankIsSkipped(t *testing.T) {
	for _, counts := range []string{"session", "cookie"} {
		for n := range 4 {
			dies, fixed := n%2 == 0, n > 1
			t.Run(fmt.Sprintf("in a %s, dies %t, fixed %t", counts, dies, fixed), func(t *testing.T) {
				b := newCountingBank(t, counts)
				b.fixed = fixed
				calls := b.read(dies)
				for b.crash = 1; b.crash <= calls; b.crash++ {
					b.read(dies)
					for _, account := range b.accounts {
						if diff := cmp.Diff(b.written(account), b.labels(account)); diff != "" {
							t.Errorf("call %d is lost: rows of %s (-want +got):\n%s", b.crash, account, diff)
						}
						if got := b.account(account).Coverage; !got.Complete {
							t.Errorf("call %d is lost: account %s has %+v", b.crash, account, got)
						}
					}
				}
			})
		}
	}
}

// Where nothing in a request names the position, the walk ends with what is certain, and
// its coverage tells so. The same holds where page after page is lost.
func TestALostPageThatCannotBeAskedForAgainIsToldOf(t *testing.T) {
	for name, c := range map[string]struct {
		script func(b *countingBank)
		rows   int
	}{
		"the bank counts alone":                                        {func(b *countingBank) { b.counts, b.crash = "bank", 1+3 }, 2},
		"the third page is always lost":                                {func(b *countingBank) { b.counts, b.loses = "session", 3 }, 2},
		"the bank counts alone, from an address of the second page on": {func(b *countingBank) { b.counts, b.fixed, b.crash = "bank", true, 1+2 }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newCountingBank(t, "")
			b.accounts, b.rows = []string{"a"}, map[string][]map[string]any{}
			b.history("a", 6)
			c.script(b)
			b.read(true)
			account := b.account("a")
			if got := account.Coverage; got.Complete || got.Newest != oxlin.GapRefused {
				t.Errorf("the account has %+v", got)
			}
			if got := len(b.labels("a")); got != c.rows {
				t.Errorf("%d rows, want those of %d pages", got, c.rows)
			}
		})
	}
}

// The position at the bank is sealed, and one that an earlier version has stored in clear
// goes on.
func TestThePositionIsSealed(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		t.Run(fmt.Sprint("in clear ", earlier), func(t *testing.T) {
			b := newCountingBank(t, "cookie")
			looked := 0
			b.between = func(id oxlin.SyncID) {
				sync, err := b.DB.Read().Synchronisation(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if len(sync.Progress.Position) == 0 {
					return
				}
				looked++
				cursor, err := b.Vault.Open(sync.Progress.Position, vault.Place{Table: "synchronisations", Column: "position", Row: id.String()})
				if err != nil || !bytes.Contains(cursor, []byte(sessionCookie)) {
					t.Fatalf("the position is %q, %v", cursor, err)
				}
				if text, _ := json.Marshal(sync.Progress); bytes.Contains(text, []byte(sessionCookie)) || bytes.Contains(sync.Progress.Position, []byte(sessionCookie)) {
					t.Errorf("the progress has the cookie in clear: %s", text)
				}
				if earlier {
					sync.Progress.Position, sync.Progress.Cursor, sync.Progress.Kept = nil, string(cursor), oxlin.PageAddressed
					b.Write(func(tx *store.Tx) error { return tx.UpdateSynchronisation(t.Context(), sync) })
				}
			}
			b.Calls.Hook(func(r *http.Request) *http.Response {
				b.Clock.Advance(callTakes) // a job has time for one call
				return b.serve(r)
			})
			b.read(false)
			if looked == 0 {
				t.Fatal("there was no position")
			}
			for _, account := range b.accounts {
				if diff := cmp.Diff(b.written(account), b.labels(account)); diff != "" {
					t.Errorf("rows of %s (-want +got):\n%s", account, diff)
				}
			}
		})
	}
}
