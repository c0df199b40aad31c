package console_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/console"
	"github.com/oxlin/oxlin/internal/operator"
)

// need is the least role of each route, and whether it wants the password again.
var need = map[string]struct {
	role  operator.Role
	fresh bool
}{
	"GET /console":                              {operator.Read, false},
	"GET /console/{$}":                          {operator.Read, false},
	"/console/":                                 {operator.Read, false},
	"GET /console/clients":                      {operator.Read, false},
	"GET /console/clients/{id}":                 {operator.Read, false},
	"GET /console/account":                      {operator.Read, false},
	"POST /console/account/password":            {operator.Read, true},
	"GET /console/account/factor":               {operator.Read, true},
	"POST /console/account/factor":              {operator.Read, true},
	"POST /console/account/codes":               {operator.Read, true},
	"POST /console/account/sessions":            {operator.Read, false},
	"POST /console/account/replays":             {operator.Read, false},
	"POST /console/account/passkeys":            {operator.Read, true},
	"POST /console/account/passkeys/remove":     {operator.Read, true},
	"GET /console/doubts":                       {operator.Support, false},
	"GET /console/audit":                        {operator.Support, false},
	"POST /console/accounts/{id}/accept":        {operator.Support, false},
	"POST /console/connections/{id}/accept":     {operator.Support, false},
	"GET /console/users/{id}":                   {operator.Support, false},
	"GET /console/connections/{id}":             {operator.Support, false},
	"POST /console/clients":                     {operator.Admin, true},
	"POST /console/clients/{id}":                {operator.Admin, false},
	"POST /console/clients/{id}/rotate":         {operator.Admin, true},
	"POST /console/clients/{id}/disabled":       {operator.Admin, true},
	"POST /console/clients/{id}/authentication": {operator.Admin, true},
	"POST /console/clients/{id}/delete":         {operator.Admin, true},
}

// request makes a request of a route's pattern.
func (s *seeded) request(pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = http.MethodGet, pattern+"nothing"
	}
	id := map[string]string{"clients": "budget", "users": s.user.ID.String(), "connections": s.connection.ID.String(), "accounts": "1"}
	for noun, id := range id {
		path = strings.ReplaceAll(path, noun+"/{id}", noun+"/"+id)
	}
	return method, strings.TrimSuffix(path, "{$}")
}

func TestEachRouteIsForItsRoles(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	s := w.seed(t)
	patterns := console.New(w.options).Patterns()
	if len(patterns) != len(need) {
		t.Errorf("there are %d routes, and the table has %d", len(patterns), len(need))
	}
	w.open(t, false)
	w.loginAs(t, "half", w.add(t, "half", operator.Admin))
	half := w.cookie
	w.open(t, true)
	for _, role := range operator.Roles() {
		w.cookie = nil
		w.loginAs(t, "the-"+string(role), w.add(t, "the-"+string(role), role))
		full := w.cookie
		for _, pattern := range patterns {
			wanted, known := need[pattern]
			if !known {
				t.Errorf("the table lacks %s", pattern)
				continue
			}
			method, path := s.request(pattern)
			body := ""
			if method == http.MethodPost {
				body = "a=b"
			}
			for who, row := range map[string]struct {
				cookie *http.Cookie
				leads  string
			}{"nobody": {nil, "/console/login"}, "without the second factor": {half, "/console/login/factor"}} {
				w.cookie = row.cookie
				if p := w.send(t, method, path, body); p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != row.leads || p.text != "" {
					t.Errorf("%s, %s: %d %q", who, pattern, p.StatusCode, p.Header.Get("Location"))
				}
			}
			w.cookie = full
			p := w.send(t, method, path, body)
			if allowed := p.StatusCode != http.StatusForbidden; allowed != role.Includes(wanted.role) || strings.HasPrefix(p.Header.Get("Location"), "/console/log") {
				t.Errorf("%s, %s: %d %q", role, pattern, p.StatusCode, p.Header.Get("Location"))
			}
		}
	}
	// The password of a while ago opens no route that wants it again, for any role.
	for _, role := range operator.Roles() {
		w.cookie = nil
		name := "late-" + string(role)
		w.loginAs(t, name, w.add(t, name, role))
		w.Clock.Advance(10 * time.Minute)
		for _, pattern := range patterns {
			method, path := s.request(pattern)
			body := ""
			if method == http.MethodPost {
				body = "a=b"
			}
			p := w.send(t, method, path, body)
			asked := strings.HasPrefix(p.Header.Get("Location"), "/console/confirm?back=")
			if asked != (need[pattern].fresh && role.Includes(need[pattern].role)) {
				t.Errorf("%s after ten minutes, %s: %d %q", role, pattern, p.StatusCode, p.Header.Get("Location"))
			}
		}
	}
}

func TestPagesShowARoleWhatItMayDo(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	s := w.seed(t)
	for _, row := range []struct {
		role           operator.Role
		links          int
		people, change bool
	}{{operator.Read, 3, false, false}, {operator.Support, 5, true, false}, {operator.Admin, 5, true, true}} {
		w.cookie = nil
		w.loginAs(t, string(row.role), w.add(t, string(row.role), row.role))
		p := w.get(t, "/console/clients/budget?email="+url.QueryEscape(s.user.Email))
		if n := p.html.Find("nav a").Length(); n != row.links {
			t.Errorf("%s: %d links", row.role, n)
		}
		if shown := strings.Contains(p.words("main"), "@example.test"); shown != row.people {
			t.Errorf("%s: e-mails are shown: %t", row.role, shown)
		}
		if forms := p.html.Find("main form[method=post]").Length() > 0; forms != row.change {
			t.Errorf("%s: there are forms: %t", row.role, forms)
		}
		if forms := w.get(t, "/console/clients").html.Find("main form").Length() > 0; forms != row.change {
			t.Errorf("%s: there is a form for a new client: %t", row.role, forms)
		}
	}
}

// app is an authenticator app, as RFC 6238 describes it.
type app struct{ key []byte }

// scan reads the key of the page.
func scan(t *testing.T, p page) app {
	t.Helper()
	key, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(p.words("p.secret"), " ", ""))
	if err != nil || len(key) != 20 {
		t.Fatalf("the key %q: %v", p.words("p.secret"), err)
	}
	link, _ := p.html.Find(`a[href^="otpauth://totp/"]`).Attr("href")
	uri, err := url.Parse(link)
	if err != nil || uri.Query().Get("secret") != base32.StdEncoding.EncodeToString(key) || uri.Query().Get("issuer") != "Oxlin platform.test" {
		t.Fatalf("the link %q: %v", link, err)
	}
	return app{key}
}

func (a app) code(now time.Time) string {
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(now.Unix()/30))
	mac := hmac.New(sha1.New, a.key)
	mac.Write(step[:])
	sum := mac.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1e6)
}

// factor sends a code to the page of the second factor.
func (w *world) factor(t *testing.T, code string) page {
	t.Helper()
	p := w.post(t, "/console/login/factor", "code", code)
	w.keep(p)
	return p
}

// setUp sets up the second factor of the first operator.
func (w *world) setUp(t *testing.T) (app, []string) {
	t.Helper()
	w.cookie = nil
	if p := w.login(t); p.Header.Get("Location") != "/console/login/factor" {
		t.Fatalf("the password leads to %q", p.Header.Get("Location"))
	}
	a := scan(t, w.get(t, "/console/login/factor"))
	p := w.factor(t, a.code(w.Clock.Now()))
	var codes []string
	for _, code := range p.html.Find("li.secret").EachIter() {
		codes = append(codes, words(code))
	}
	if p.StatusCode != http.StatusOK || len(codes) != 10 {
		t.Fatalf("set up: %d %s", p.StatusCode, p.text)
	}
	for _, code := range codes {
		if bits := 5 * len(strings.ReplaceAll(code, "-", "")); bits < 112 { // base32
			t.Errorf("the recovery code %s has %d bits", code, bits)
		}
	}
	w.mustBeIn(t, true)
	return a, codes
}

func TestSecondFactor(t *testing.T) {
	facts := []struct {
		fact string
		test func(t *testing.T, w *world)
	}{
		{"it is set up at the first login, and asked for at the next", func(t *testing.T, w *world) {
			a, _ := w.setUp(t)
			w.cookie = nil
			w.login(t)
			pending := w.cookie.Value
			if p := w.get(t, "/console"); p.Header.Get("Location") != "/console/login/factor" {
				t.Errorf("the password alone leads to %q", p.Header.Get("Location"))
			}
			if p := w.get(t, "/console/login/factor"); p.html.Find(".secret").Length() > 0 {
				t.Error("the key is shown again")
			}
			w.Clock.Advance(30 * time.Second)
			if p := w.factor(t, a.code(w.Clock.Now())); p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != "/console" {
				t.Fatalf("the code: %d %s", p.StatusCode, p.text)
			}
			w.mustBeIn(t, true)
			if w.cookie.Value == pending {
				t.Error("the session is the one from before the second factor")
			}
			w.cookie.Value = pending
			w.mustBeIn(t, false)
		}},
		{"a reload shows the same key, and another login another one", func(t *testing.T, w *world) {
			w.login(t)
			first := scan(t, w.get(t, "/console/login/factor"))
			if again := scan(t, w.get(t, "/console/login/factor")); string(again.key) != string(first.key) {
				t.Error("a reload shows another key")
			}
			w.cookie = nil
			w.login(t)
			if p := w.factor(t, first.code(w.Clock.Now())); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the key of another login: %d", p.StatusCode)
			}
		}},
		{"a code counts once, and no earlier one after it", func(t *testing.T, w *world) {
			a, _ := w.setUp(t)
			used := a.code(w.Clock.Now())
			w.cookie = nil
			w.login(t)
			if p := w.factor(t, used); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the code of the set-up: %d", p.StatusCode)
			}
			before := a.code(w.Clock.Now().Add(30 * time.Second))
			if p := w.factor(t, a.code(w.Clock.Now().Add(30*time.Second))); p.StatusCode != http.StatusSeeOther {
				t.Fatalf("the next code: %d", p.StatusCode)
			}
			w.Clock.Advance(30 * time.Second)
			for name, code := range map[string]string{"again": before, "earlier": used} {
				w.cookie = nil
				w.login(t)
				if p := w.factor(t, code); p.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s: %d", name, p.StatusCode)
				}
			}
		}},
		{"a recovery code works once, however it is typed", func(t *testing.T, w *world) {
			_, codes := w.setUp(t)
			for _, typed := range []string{codes[0], strings.ToLower(codes[1]), strings.ReplaceAll(codes[2], "-", " ")} {
				w.cookie = nil
				w.login(t)
				if p := w.factor(t, typed); p.StatusCode != http.StatusSeeOther {
					t.Fatalf("%q: %d", typed, p.StatusCode)
				}
			}
			w.cookie = nil
			w.login(t)
			if p := w.factor(t, codes[0]); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the code again: %d", p.StatusCode)
			}
			w.factor(t, codes[3])
			if p := w.get(t, "/console/account"); !strings.Contains(p.words("main"), "with 6 recovery codes left") {
				t.Errorf("the account: %s", p.words("main"))
			}
			p := w.submit(t, w.get(t, "/console/account"), "/console/account/codes")
			fresh := words(p.html.Find("li.secret").First())
			for code, status := range map[string]int{codes[4]: 422, fresh: 303} {
				w.cookie = nil
				w.login(t)
				if p := w.factor(t, code); p.StatusCode != status {
					t.Errorf("after new codes, %s: %d, want %d", code, p.StatusCode, status)
				}
			}
		}},
		{"a session has five tries, an operator ten and then one in ten minutes", func(t *testing.T, w *world) {
			a, _ := w.setUp(t)
			tries, limited := 0, 0
			for tries < 10 {
				w.cookie = nil
				w.login(t)
				for n := range 6 {
					p := w.factor(t, "000000")
					switch {
					case n == 5:
						if p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != "/console/login" {
							t.Fatalf("the sixth try of a session: %d", p.StatusCode)
						}
					case p.StatusCode != http.StatusUnprocessableEntity:
						t.Fatalf("try %d: %d", tries+1, p.StatusCode)
					default:
						tries++
					}
				}
			}
			w.cookie = nil
			w.login(t)
			p := w.factor(t, a.code(w.Clock.Now().Add(30*time.Second)))
			if p.StatusCode != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "600" {
				t.Errorf("the eleventh try: %d, Retry-After %q, %d", p.StatusCode, p.Header.Get("Retry-After"), limited)
			}
			w.Clock.Advance(10 * time.Minute)
			w.cookie = nil
			w.login(t)
			if p := w.factor(t, a.code(w.Clock.Now())); p.StatusCode != http.StatusSeeOther {
				t.Errorf("after ten minutes: %d", p.StatusCode)
			}
		}},
		{"a session waits ten minutes for it", func(t *testing.T, w *world) {
			a, _ := w.setUp(t)
			w.cookie = nil
			w.login(t)
			w.Clock.Advance(10 * time.Minute)
			if p := w.factor(t, a.code(w.Clock.Now())); p.Header.Get("Location") != "/console/login" {
				t.Errorf("got %d %q", p.StatusCode, p.Header.Get("Location"))
			}
		}},
		{"secrets want the password and a code again after ten minutes", func(t *testing.T, w *world) {
			a, _ := w.setUp(t)
			w.seed(t)
			const path, rotate = "/console/clients/budget", "/console/clients/budget/rotate"
			w.Clock.Advance(10 * time.Minute)
			p := w.submit(t, w.get(t, path), rotate)
			if p.Header.Get("Location") != "/console/confirm?back="+url.QueryEscape(path) || !w.accepts(t, "budget", "secret-of-budget") {
				t.Fatalf("got %d %q", p.StatusCode, p.Header.Get("Location"))
			}
			ask := w.get(t, p.Header.Get("Location"))
			for _, wrong := range [][]string{{"password", "wrong", "code", a.code(w.Clock.Now())}, {"password", password, "code", "000000"}, {"password", password, "code", ""}} {
				if p := w.submit(t, ask, "/console/confirm", wrong...); p.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%v: %d", wrong, p.StatusCode)
				}
				if p := w.submit(t, w.get(t, path), rotate); p.StatusCode != http.StatusSeeOther {
					t.Errorf("after %v: %d", wrong, p.StatusCode)
				}
			}
			if p := w.submit(t, ask, "/console/confirm", "password", password, "code", a.code(w.Clock.Now())); p.Header.Get("Location") != path {
				t.Fatalf("got %d %q %s", p.StatusCode, p.Header.Get("Location"), p.text)
			}
			if p := w.submit(t, w.get(t, path), rotate); p.StatusCode != http.StatusOK || p.words(".secret") == "" {
				t.Errorf("the secret: %d", p.StatusCode)
			}
		}},
		{"a confirmation leads back to the console alone", func(t *testing.T, w *world) {
			w.setUp(t)
			for _, back := range []string{"https://evil.test/", "//evil.test", "/console//evil.test", "/signin", "/console/..\\x", "javascript:1", ""} {
				p := w.get(t, "/console/confirm?back="+url.QueryEscape(back))
				if got := p.html.Find("input[name=back]").AttrOr("value", ""); got != "/console" {
					t.Errorf("%q leads to %q", back, got)
				}
			}
		}},
		{"an operator changes their password, which ends the other sessions", func(t *testing.T, w *world) {
			a, _ := w.setUp(t)
			mine := w.cookie
			w.Clock.Advance(time.Minute)
			w.cookie = nil
			w.login(t)
			w.factor(t, a.code(w.Clock.Now()))
			other := w.cookie
			w.cookie = mine
			for field, fields := range map[string][]string{
				"current":  {"current", "wrong", "password", "a long new password"},
				"password": {"current", password, "password", "short"},
			} {
				p := w.submit(t, w.get(t, "/console/account"), "/console/account/password", fields...)
				if p.StatusCode != http.StatusUnprocessableEntity || p.words("[role=alert]") == "" {
					t.Errorf("%s: %d", field, p.StatusCode)
				}
			}
			p := w.submit(t, w.get(t, "/console/account"), "/console/account/password", "current", password, "password", "a long new password")
			if p.StatusCode != http.StatusSeeOther {
				t.Fatalf("got %d %s", p.StatusCode, p.text)
			}
			w.mustBeIn(t, true)
			w.cookie = other
			w.mustBeIn(t, false)
			// The setting of the start has no effect any more.
			err := w.operators.EnsureFirst(t.Context(), oxlin.NewSecret("whatever it is"))
			if err != nil {
				t.Fatal(err)
			}
			w.loginAs(t, operator.FirstName, "a long new password")
		}},
		{"a reset takes it away, and the next login sets it up", func(t *testing.T, w *world) {
			a, codes := w.setUp(t)
			secret, err := w.operators.Reset(t.Context(), operator.FirstName)
			if err != nil {
				t.Fatal(err)
			}
			w.mustBeIn(t, false)
			w.loginAs(t, operator.FirstName, secret.Reveal())
			w.get(t, "/console/login/factor")
			w.Clock.Advance(30 * time.Second)
			for _, old := range []string{a.code(w.Clock.Now()), codes[0]} {
				if p := w.factor(t, old); p.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("the old factor: %d", p.StatusCode)
				}
			}
		}},
		{"another app replaces it", func(t *testing.T, w *world) {
			old, codes := w.setUp(t)
			another := scan(t, w.get(t, "/console/account/factor"))
			p := w.post(t, "/console/account/factor", "code", old.code(w.Clock.Now().Add(30*time.Second)))
			if p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the old app's code: %d", p.StatusCode)
			}
			if p = w.post(t, "/console/account/factor", "code", another.code(w.Clock.Now())); p.StatusCode != http.StatusOK {
				t.Fatalf("the new app's code: %d %s", p.StatusCode, p.text)
			}
			w.Clock.Advance(time.Minute)
			for code, status := range map[string]int{old.code(w.Clock.Now()): 422, codes[0]: 422, another.code(w.Clock.Now()): 303} {
				w.cookie = nil
				w.login(t)
				if p := w.factor(t, code); p.StatusCode != status {
					t.Errorf("%s: %d, want %d", code, p.StatusCode, status)
				}
			}
		}},
	}
	for _, row := range facts {
		t.Run(row.fact, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.cookie = nil
				w.open(t, false)
				row.test(t, w)
			})
		})
	}
}
