package website_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// memorableSite is one whose sessions outlive a synchronisation.
var memorableSite = sites[1]

func TestASessionIsTriedBeforeThePassword(t *testing.T) {
	w := start(t)
	access := w.inside(memorableSite, "dev")
	for name, tc := range map[string]struct {
		change func(w *world, login *banktest.Login)
		typed  bool
		kind   bank.FailureKind
	}{
		"a living session":  {func(*world, *banktest.Login) {}, false, ""},
		"an ended session":  {func(w *world, _ *banktest.Login) { w.Advance(24 * time.Hour) }, true, ""},
		"other credentials": {func(_ *world, l *banktest.Login) { l.Credentials["3502"] = oxlin.NewSecret("mistyped") }, true, bank.CredentialsRejected},
		"no session":        {func(_ *world, l *banktest.Login) { l.Access = bank.Access{} }, true, bank.ChallengeNeeded},
		"an earlier release's session": {func(_ *world, l *banktest.Login) {
			l.Access.Token = oxlin.NewSecret(strings.Replace(l.Access.Token.Reveal(), `"proof"`, `"other"`, 1))
		}, true, ""},
		"an overloaded site": {func(w *world, _ *banktest.Login) {
			w.instead = map[string]http.HandlerFunc{"/site119/overview": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(503) }}
		}, false, bank.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			login := banktest.Login{Credentials: memorableSite.credentials("dev"), Access: access}
			w.instead = nil
			tc.change(w, &login)
			typed := 0
			login.Record = func(context.Context, bank.Secrets) error {
				typed++
				return nil
			}
			w.taken()
			result, err := banktest.LogIn(t.Context(), w.connector(memorableSite), login)
			if kind := kindOf(t, err); kind != tc.kind {
				t.Fatalf("%q, want %q", kind, tc.kind)
			}
			posts := strings.Count(strings.Join(w.taken(), " "), "POST")
			if (typed > 0) != tc.typed || typed > 1 || (posts > 0) != tc.typed {
				t.Errorf("recorded %d times, %d forms sent", typed, posts)
			}
			if err == nil {
				w.accounts(memorableSite, bank.Call{Access: result.Access})
				access = result.Access
			}
		})
	}
}

// TestNothingIsSentThatCannotBeRecorded: the record comes before the password.
func TestNothingIsSentThatCannotBeRecorded(t *testing.T) {
	for _, s := range sites {
		w := start(t)
		no := errors.New("not now")
		login := banktest.Login{Credentials: s.credentials("dev"), PSU: psu, Record: func(context.Context, bank.Secrets) error { return no }}
		_, err := banktest.LogIn(t.Context(), w.connector(s), login)
		if !errors.Is(err, no) {
			t.Errorf("%s: %v", s.name, err)
		}
		for _, request := range w.taken() {
			if strings.HasPrefix(request, "POST") {
				t.Errorf("%s: sent %s", s.name, request)
			}
		}
	}
}

// TestPagesThatAreForbidden: the site works, and does not want us.
func TestPagesThatAreForbidden(t *testing.T) {
	for name, tc := range map[string]struct {
		path, text string
		want       bank.FailureKind
	}{
		"the first page":      {"/site/connexion", "no", bank.Refused},
		"the form":            {"POST /site/connexion", "no", bank.Refused},
		"the form, explained": {"POST /site/connexion", `<form id="connexion"></form><p class="erreur">Connexion impossible</p>`, bank.CredentialsRejected},
		"the form, locked":    {"POST /site/connexion", `<p id="acces-bloque"></p>`, bank.Locked},
	} {
		t.Run(name, func(t *testing.T) {
			connector := hostile(t, "testbank", func(r *http.Request) *http.Response {
				if !strings.HasSuffix(r.Method+" "+r.URL.Path, tc.path) {
					return page(`<form id="connexion" method="post"></form>`)
				}
				return response(http.StatusForbidden, nil, strings.NewReader(tc.text))
			})
			_, err := banktest.LogIn(t.Context(), connector, banktest.Login{PSU: psu})
			if kind := kindOf(t, err); kind != tc.want {
				t.Errorf("%q, want %q", kind, tc.want)
			}
		})
	}
	w := start(t)
	call := bank.Call{Access: w.inside(sites[0], "dev")}
	account := w.accounts(sites[0], call)[0]
	w.instead = map[string]http.HandlerFunc{}
	w.instead["/site/comptes"] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) }
	_, err := w.connector(sites[0]).Transactions(t.Context(), call, account.Ref(), oxlin.NewDate(2026, 11, 1), "")
	if kind := kindOf(t, err); kind != bank.Refused {
		t.Errorf("a list that is forbidden: %q", kind)
	}
}
