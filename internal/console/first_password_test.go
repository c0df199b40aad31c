package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	firstPasswordPath = "/console/login/password"
	chosen            = "a password of my own"
)

// firstPasswords makes passwords that operators have not chosen end after a day.
func (w *world) firstPasswords(t *testing.T, optional bool) {
	t.Helper()
	w.operators = operator.New(operator.Options{
		DB: w.options.DB, Audit: w.Audit, Vault: w.options.Vault, Now: w.Clock.Now, Rand: w.options.Rand,
		FactorOptional: optional, FirstPassword: 24 * time.Hour,
	})
	w.options.Operators = w.operators
	w.url = serve(t, w.options)
	w.cookie = nil
}

// wantFirst fails unless a session opens the page that replaces a first password, and nothing else.
func (w *world) wantFirst(t *testing.T) page {
	t.Helper()
	for _, path := range []string{"/console", "/console/account", "/console/confirm", "/console/clients"} {
		if p := w.get(t, path); p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != firstPasswordPath {
			t.Errorf("%s before: %d %q", path, p.StatusCode, p.Header.Get("Location"))
		}
	}
	p := w.get(t, firstPasswordPath)
	if p.StatusCode != http.StatusOK || p.html.Find("nav").Length() != 0 {
		t.Fatalf("the page: %d %s", p.StatusCode, p.text)
	}
	return p
}

func TestFirstPasswords(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fact string
		test func(t *testing.T, w *world)
	}{
		{"the first login replaces one, before anything else is shown", func(t *testing.T, w *world) {
			w.firstPasswords(t, true)
			first := w.add(t, "jo", operator.Admin)
			w.loginAs(t, "jo", first)
			p := w.wantFirst(t)
			for field, fields := range map[string][]string{
				"a wrong current one": {"current", "wrong", "password", chosen},
				"a short one":         {"current", first, "password", "short"},
				"the same":            {"current", first, "password", first},
			} {
				if p := w.submit(t, p, firstPasswordPath, fields...); p.StatusCode != http.StatusUnprocessableEntity || p.words("[role=alert]") == "" {
					t.Errorf("%s: %d %s", field, p.StatusCode, p.text)
				}
			}
			w.wantFirst(t)
			if p := w.submit(t, p, firstPasswordPath, "current", first, "password", chosen); p.Header.Get("Location") != "/console" {
				t.Fatalf("the choice: %d %s", p.StatusCode, p.text)
			}
			w.mustBeIn(t, true)
			if p := w.get(t, firstPasswordPath); p.Header.Get("Location") != "/console" {
				t.Errorf("the page afterwards: %d %q", p.StatusCode, p.Header.Get("Location"))
			}
			w.Clock.Advance(48 * time.Hour)
			w.cookie = nil
			w.loginAs(t, "jo", chosen)
			w.mustBeIn(t, true)
			if p := w.post(t, "/console/login", "name", "jo", "password", first); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the first password afterwards: %d", p.StatusCode)
			}
		}},
		{"the second factor comes before", func(t *testing.T, w *world) {
			w.firstPasswords(t, false)
			w.loginAs(t, "jo", w.add(t, "jo", operator.Admin))
			for _, path := range []string{"/console", firstPasswordPath} {
				if p := w.get(t, path); !strings.HasPrefix(p.Header.Get("Location"), "/console") || p.StatusCode != http.StatusSeeOther {
					t.Errorf("%s: %d %q", path, p.StatusCode, p.Header.Get("Location"))
				}
			}
			if p := w.factor(t, scan(t, w.get(t, "/console/login/factor")).code(w.Clock.Now())); p.StatusCode != http.StatusOK {
				t.Fatalf("the second factor: %d", p.StatusCode)
			}
			w.wantFirst(t)
		}},
		{"one that is left alone ends, and a reset makes another", func(t *testing.T, w *world) {
			w.firstPasswords(t, true)
			first := w.add(t, "jo", operator.Read)
			w.Clock.Advance(24*time.Hour - time.Second)
			w.loginAs(t, "jo", first)
			w.cookie = nil
			w.Clock.Advance(time.Second)
			p := w.post(t, "/console/login", "name", "jo", "password", first)
			if p.StatusCode != http.StatusUnprocessableEntity || len(p.Cookies()) != 0 || !strings.Contains(p.words("[role=alert]"), "has ended") {
				t.Errorf("after a day: %d %s", p.StatusCode, p.text)
			}
			if p := w.post(t, "/console/login", "name", "jo", "password", "wrong"); strings.Contains(p.text, "has ended") {
				t.Error("a wrong password learns that the first one has ended")
			}
			if codes, _ := w.refusals(t); !strings.Contains(codes, "first_password_ended") {
				t.Errorf("the audit log has %q", codes)
			}
			another, err := w.operators.Reset(t.Context(), "jo")
			if err != nil {
				t.Fatal(err)
			}
			w.loginAs(t, "jo", another.Reveal())
			w.wantFirst(t)
		}},
		{"that of the start's settings is one, which another start prolongs", func(t *testing.T, w *world) {
			w.firstPasswords(t, true)
			start := func(password string) {
				t.Helper()
				if err := w.operators.EnsureFirst(t.Context(), oxlin.NewSecret(password)); err != nil {
					t.Fatal(err)
				}
			}
			start("another sesame")
			w.Clock.Advance(23 * time.Hour)
			start("another sesame")
			w.Clock.Advance(23 * time.Hour)
			w.loginAs(t, operator.FirstName, "another sesame")
			w.submit(t, w.wantFirst(t), firstPasswordPath, "current", "another sesame", "password", chosen)
			w.mustBeIn(t, true)
			start("another sesame")
			w.Clock.Advance(25 * time.Hour)
			w.cookie = nil
			w.loginAs(t, operator.FirstName, chosen)
			w.mustBeIn(t, true)
		}},
		{"operators of before keep theirs", func(t *testing.T, w *world) {
			w.firstPasswords(t, true)
			if err := w.operators.EnsureFirst(t.Context(), oxlin.NewSecret(password)); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(48 * time.Hour)
			w.login(t)
			w.mustBeIn(t, true)
		}},
	} {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			row.test(t, sqliteWorld(t))
		})
	}
}

// A hash that an older release stored without the master key is replaced at the next login.
func TestAnOlderHashOfAnOperatorIsRenewed(t *testing.T) {
	const older = "$argon2id$v=19$m=19456,t=2,p=1$MqJ0F+WynmZle3jzRmVjwg$V6c3F57zevbX+V5lnxcBHT2VaoJIMhbwdD7HU1T3lZY" // of "an older password"
	each(t, func(t *testing.T, w *world) {
		stored := func() store.Operator {
			t.Helper()
			operators, err := w.operators.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return operators[0]
		}
		err := w.options.DB.Write(t.Context(), func(tx *store.Tx) error {
			return store.OperatorsOf(tx).SetPassword(t.Context(), stored().ID, older, false, time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
		w.cookie = nil
		w.post(t, "/console/login", "name", operator.FirstName, "password", "wrong")
		if got := stored().PasswordHash; got != older {
			t.Errorf("a wrong password leaves %s", got)
		}
		for _, time := range []string{"first", "second"} {
			w.loginAs(t, operator.FirstName, "an older password")
			if got := stored().PasswordHash; !strings.HasPrefix(got, "keyed:") {
				t.Errorf("the %s time: %s", time, got)
			}
		}
	})
}
