package connect_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// pierWorld is a platform whose only bank has a way in of these parts.
type pierWorld struct {
	*world
	pier *banktest.Pier
}

func eachPier(t *testing.T, parts []banktest.PierPart, test func(t *testing.T, w *pierWorld)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		pier := banktest.NewPier(t, parts...)
		w := &world{World: platformtest.New(t, db, platformtest.Options{Catalogue: platformtest.Pier{Bank: pier}, PublicURL: "https://oxlin.example"})}
		w.caller = w.LicensedCaller()
		test(t, &pierWorld{w, pier})
	})
}

// leave begins a way and returns where the user goes.
func (w *pierWorld) leave() string {
	w.T.Helper()
	address, err := w.Service.Authorizations.Begin(w.T.Context(), w.caller, connect.AuthorizeRequest{ProviderID: "1", DefinitionID: "11", ReturnURI: returnURI})
	if err != nil {
		w.T.Fatal(err)
	}
	return address
}

// code returns the code of a page of ours.
func code(t testing.TB, address string) oxlin.Secret {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Host != "oxlin.example" || !u.Query().Has("way") {
		t.Fatalf("%q is no page of a way", address)
	}
	return oxlin.NewSecret(u.Query().Get("way"))
}

func (w *pierWorld) show(address string) connect.WayPage {
	w.T.Helper()
	page, err := w.Service.Ways.Show(w.T.Context(), code(w.T, address), connect.Visitor{PSU: w.caller.PSU})
	if err != nil {
		w.T.Fatal(err)
	}
	return page
}

// visit opens the bank's page and returns the callback with which it sends the user back.
func (w *pierWorld) visit(address string) connect.Callback {
	w.T.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(address)
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	before, behind, _ := strings.Cut(response.Header.Get("Location"), "#")
	u, err := url.Parse(before)
	if err != nil {
		w.T.Fatal(err)
	}
	fragment, err := url.ParseQuery(behind)
	if err != nil {
		w.T.Fatal(err)
	}
	back := connect.Callback{State: u.Query().Get("state"), Query: u.Query(), Fragment: fragment, PSU: w.caller.PSU}
	if back.State == "" {
		back.State = fragment.Get("state")
	}
	return back
}

func (w *pierWorld) callback(back connect.Callback) connect.CallbackResult {
	w.T.Helper()
	result, err := w.Service.Authorizations.Finish(w.T.Context(), back)
	if err != nil {
		w.T.Fatal(err)
	}
	return result
}

// discard runs the jobs that give something back to the bank.
func (w *pierWorld) discard() {
	w.T.Helper()
	for _, job := range w.Queue.TakeRevocations() {
		err := w.Engine.Revoke(w.T.Context(), job.Provider, job.Definition, job.Sealed)
		if err != nil {
			w.T.Error(err)
		}
	}
}

func (w *pierWorld) wantConsents(status string, n int) {
	w.T.Helper()
	counted := w.pier.Statuses()
	if counted[status] != n || len(counted) != 1 {
		w.T.Errorf("the bank has %v, want %d %s", counted, n, status)
	}
}

// A question, a fragment, a second redirect without a code and an approval in an app, each by
// another request: the connection exists when the way has ended, and not before.
func TestAWayInOfManySteps(t *testing.T) {
	parts := []banktest.PierPart{banktest.PierBranch, banktest.PierFragment, banktest.PierConsent, banktest.PierApp}
	eachPier(t, parts, func(t *testing.T, w *pierWorld) {
		asked := w.leave()
		page := w.show(asked)
		if !page.Asks || len(page.Challenges) != 1 || page.Challenges[0].ID != "branch" {
			t.Fatalf("the page is %+v", page)
		}
		answers := map[oxlin.CredentialID]string{"branch": "123"}
		page, err := w.Service.Ways.Answer(t.Context(), code(t, asked), answers, connect.Visitor{PSU: w.caller.PSU})
		if err != nil || page.Result.Status != connect.StatusOnward || page.Result.Page {
			t.Fatalf("after the answer: %+v, %v", page, err)
		}
		again, err := w.Service.Ways.Answer(t.Context(), code(t, asked), answers, connect.Visitor{})
		if err != nil || again.Result.Address != page.Result.Address {
			t.Errorf("the form sent twice leads to %+v, %v", again, err)
		}
		first := w.visit(page.Result.Address)
		if len(first.Fragment) == 0 {
			t.Fatal("the bank does not answer in the fragment")
		}
		result := w.callback(first)
		if result.Status != connect.StatusOnward || result.Page {
			t.Fatalf("after the first return: %+v", result)
		}
		if repeated := w.callback(first); repeated.Address != result.Address {
			t.Errorf("the first return, repeated, leads to %s", repeated.Address)
		}
		result = w.callback(w.visit(result.Address))
		if result.Status != connect.StatusOnward || !result.Page {
			t.Fatalf("after the second return: %+v", result)
		}
		page = w.show(result.Address)
		if !page.Waits || page.Challenges[0].Params["code"] != "42" || page.Until.Sub(w.Clock.Now()) != 10*time.Minute {
			t.Fatalf("the page that waits is %+v", page)
		}
		w.Clock.Advance(2 * time.Second)
		if page = w.show(result.Address); !page.Waits || len(w.Queue.Runs()) != 0 {
			t.Fatalf("without the approval: %+v", page)
		}
		w.pier.Decide("valid")
		w.Clock.Advance(2 * time.Second)
		page = w.show(result.Address)
		if page.Result.Status != "success" || page.Result.ConnectionID == 0 || page.Result.URI != returnURI {
			t.Fatalf("after the approval: %+v", page.Result)
		}
		if repeated := w.callback(first); repeated.Status != "success" || repeated.ConnectionID != page.Result.ConnectionID {
			t.Errorf("the first return, repeated at the end: %+v", repeated)
		}
		w.work()
		w.discard()
		if len(w.accounts()) != 1 {
			t.Errorf("%d accounts", len(w.accounts()))
		}
		w.wantConsents("valid", 2)
	})
}

// A user who approves in the app and closes the page gets the connection all the same.
func TestAWayThatWaitsGoesOnWithoutItsPage(t *testing.T) {
	eachPier(t, []banktest.PierPart{banktest.PierApp}, func(t *testing.T, w *pierWorld) {
		address := w.leave()
		w.pier.Fail(true)
		w.Clock.Advance(2 * time.Second)
		w.Service.Ways.TickDue(t.Context())
		if page := w.show(address); !page.Waits {
			t.Fatalf("while the bank is down: %+v", page)
		}
		w.pier.Fail(false)
		w.pier.Decide("valid")
		w.Service.Ways.TickDue(t.Context())
		if page := w.show(address); !page.Waits {
			t.Fatalf("before the next tick: %+v", page)
		}
		w.Clock.Advance(11 * time.Second)
		w.Service.Ways.TickDue(t.Context())
		w.Service.Ways.TickDue(t.Context())
		if page := w.show(address); page.Result.Status != "success" {
			t.Fatalf("after the approval: %+v", page)
		}
		w.work()
		if len(w.accounts()) != 1 {
			t.Errorf("%d accounts", len(w.accounts()))
		}
	})
}

// Whatever ends a way without access, the bank deletes what was begun there.
func TestWhatWasBegunAndNotFinishedIsDeletedAtTheBank(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, w *pierWorld, address string){
		"the user refuses in the app": func(t *testing.T, w *pierWorld, address string) {
			w.pier.Decide("rejected")
			w.Clock.Advance(2 * time.Second)
			if page := w.show(address); page.Result.Status != "cancelled" {
				t.Errorf("the way ends with %+v", page)
			}
		},
		"the user cancels here": func(t *testing.T, w *pierWorld, address string) {
			page, err := w.Service.Ways.Cancel(t.Context(), code(t, address), connect.Visitor{})
			if err != nil || page.Result.Status != "cancelled" {
				t.Errorf("the way ends with %+v, %v", page, err)
			}
		},
		"the time is over on the page": func(t *testing.T, w *pierWorld, address string) {
			w.Clock.Advance(11 * time.Minute)
			if page := w.show(address); page.Result.Status != "error" || page.Result.Result != "expired" {
				t.Errorf("the way ends with %+v", page)
			}
		},
		"the time is over": func(_ *testing.T, w *pierWorld, _ string) {
			w.Clock.Advance(11 * time.Minute)
		},
		"the user is deleted": func(t *testing.T, w *pierWorld, _ string) {
			err := w.Users.Delete(t.Context(), w.caller)
			if err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachPier(t, []banktest.PierPart{banktest.PierApp}, func(t *testing.T, w *pierWorld) {
				address := w.leave()
				w.wantConsents("received", 1)
				end(t, w, address)
				err := w.Engine.Sweep(t.Context())
				if err != nil {
					t.Error(err)
				}
				for range 2 {
					err := w.Service.Ways.EndLate(t.Context())
					if err != nil {
						t.Error(err)
					}
				}
				w.discard()
				w.wantConsents("deleted", 1)
			})
		})
	}
}

// The state is stored before the request that makes a consent: if its answer is lost, the
// consent is deleted all the same.
func TestAConsentWhoseAnswerIsLostIsDeletedAtTheBank(t *testing.T) {
	eachPier(t, []banktest.PierPart{banktest.PierApp}, func(t *testing.T, w *pierWorld) {
		w.pier.Lose(true)
		_, err := w.Service.Authorizations.Begin(t.Context(), w.caller, connect.AuthorizeRequest{ProviderID: "1", DefinitionID: "11", ReturnURI: returnURI})
		if oxlin.AsError(err).Code != oxlin.CodeProviderUnavailable {
			t.Errorf("begin: %v", err)
		}
		w.wantConsents("received", 1)
		w.pier.Lose(false)
		w.discard()
		w.wantConsents("deleted", 1)
	})
}

// The fixed questions of a bank are credentials of its definition: the API checks them, and a
// flow of the widget asks for them on a page.
func TestFixedQuestionsBeforeTheRedirect(t *testing.T) {
	db, _ := storetest.SQLite(t)
	pier := banktest.NewPier(t, banktest.PierCode)
	number := oxlin.CredentialDefinition{ID: "110", Label: "Customer number", Type: oxlin.CredentialNumeric, Regexp: "[0-9]{4}"}
	w := &world{World: platformtest.New(t, db, platformtest.Options{
		Catalogue: platformtest.Pier{Bank: pier, Credentials: []oxlin.CredentialDefinition{number}}, PublicURL: "https://oxlin.example",
	})}
	w.caller = w.LicensedCaller()
	for name, row := range map[string]struct {
		given map[oxlin.CredentialID]string
		field string
	}{
		"missing":   {nil, "credentials.110"},
		"malformed": {map[oxlin.CredentialID]string{"110": "x"}, "credentials.110"},
		"unknown":   {map[oxlin.CredentialID]string{"110": "1234", "111": "x"}, "credentials.111"},
		"good":      {map[oxlin.CredentialID]string{"110": "1234"}, ""},
	} {
		address, err := w.Service.Authorizations.Begin(t.Context(), w.caller, connect.AuthorizeRequest{
			ProviderID: "1", DefinitionID: "11", ReturnURI: returnURI, Credentials: row.given,
		})
		if field := oxlin.AsError(err).Field; err != nil && field != row.field || err == nil && (row.field != "" || !strings.Contains(address, "/login?")) {
			t.Errorf("%s: %q, %v, want the field %q", name, address, err, row.field)
		}
	}
	departure, err := w.Service.Authorizations.Leave(t.Context(), w.hosted(), connect.AuthorizeRequest{ProviderID: "1", DefinitionID: "11", FlowID: w.flow()})
	if err != nil {
		t.Fatal(err)
	}
	visitor := connect.Visitor{Browser: departure.Browser, PSU: w.caller.PSU}
	page, err := w.Service.Ways.Show(t.Context(), code(t, departure.Address), visitor)
	if err != nil || !page.Asks || page.Challenges[0].ID != "110" {
		t.Fatalf("the flow asks %+v, %v", page, err)
	}
	page, err = w.Service.Ways.Answer(t.Context(), code(t, departure.Address), map[oxlin.CredentialID]string{"110": "1234"}, visitor)
	if err != nil || !strings.Contains(page.Result.Address, "/login?") {
		t.Errorf("the answer leads to %+v, %v", page, err)
	}
}

// A page is found by its code alone.
func TestTheCodeOfAPageCannotBeGuessed(t *testing.T) {
	eachPier(t, []banktest.PierPart{banktest.PierApp}, func(t *testing.T, w *pierWorld) {
		right := code(t, w.leave()).Reveal()
		hash, _, _ := strings.Cut(right, ".")
		for _, wrong := range []string{"", ".", hash, hash + ".", hash + "." + hash, "-" + right, right[1:], right + "A"} {
			_, err := w.Service.Ways.Show(t.Context(), oxlin.NewSecret(wrong), connect.Visitor{})
			if oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
				t.Errorf("%q: %v", wrong, err)
			}
		}
	})
}
