package console_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/operator"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	facts := []struct {
		fact string
		test func(t *testing.T, w *world)
	}{
		{"the right password leads to the console, by a cookie for it alone", func(t *testing.T, w *world) {
			p := w.login(t)
			if p.Header.Get("Location") != "/console" {
				t.Errorf("led to %q", p.Header.Get("Location"))
			}
			c := w.cookie
			if c.Path != "/console" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 8*60*60 || c.Secure {
				t.Errorf("the cookie is %v", c)
			}
			if got := w.get(t, "/console"); got.StatusCode != http.StatusOK || got.html.Find("nav a").Length() != 5 {
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
		}},
		{"over HTTPS the cookie goes over HTTPS alone", func(t *testing.T, w *world) {
			w.options.Secure = true
			w.url = serve(t, w.options)
			p := w.login(t)
			for _, c := range p.Cookies() {
				if !strings.HasPrefix(c.Name, "__Host-oxlin_console") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteStrictMode {
					t.Errorf("the cookie is %v", c)
				}
			}
			if len(p.Cookies()) != 2 {
				t.Errorf("%d cookies; want that of the session and that of the device", len(p.Cookies()))
			}
			w.mustBeIn(t, true)
			bare := *w.cookie
			bare.Name, w.cookie = "oxlin_console", &bare
			w.mustBeIn(t, false) // a neighbour in the domain can set it
		}},
		{"any other password does not", func(t *testing.T, w *world) {
			for _, wrong := range []string{"", "Open sesame", password + " ", password[1:], strings.Repeat("x", 10_000)} {
				p := w.post(t, "/console/login", "name", operator.FirstName, "password", wrong)
				if p.StatusCode != http.StatusUnprocessableEntity || len(p.Cookies()) > 0 || p.words("[role=alert]") == "" {
					t.Errorf("%.20q: got %d %s", wrong, p.StatusCode, p.text)
				}
			}
		}},
		{"a form without a name is the first operator's, as it was before operators had names", func(t *testing.T, w *world) {
			p := w.post(t, "/console/login", "password", password)
			if p.StatusCode != http.StatusSeeOther || !w.keep(p) {
				t.Errorf("got %d %s", p.StatusCode, p.text)
			}
			w.mustBeIn(t, true)
		}},
		{"an unknown operator, a wrong password and a disabled operator are answered alike", func(t *testing.T, w *world) {
			disabled := w.add(t, "gone", operator.Admin)
			if err := w.operators.SetDisabled(t.Context(), "gone", true); err != nil {
				t.Fatal(err)
			}
			texts := map[string]bool{}
			for _, try := range [][2]string{{"nobody", "wrong"}, {"operator", "wrong"}, {"gone", disabled}, {"gone", "wrong"}, {"", ""}, {"a b", "wrong"}} {
				p := w.post(t, "/console/login", "name", try[0], "password", try[1])
				if p.StatusCode != http.StatusUnprocessableEntity || len(p.Cookies()) > 0 {
					t.Errorf("%v: %d", try, p.StatusCode)
				}
				texts[p.words("main")] = true
			}
			if len(texts) != 1 {
				t.Errorf("the answers differ: %v", texts)
			}
		}},
		{"strangers keep nobody out who has logged in there before", func(t *testing.T, w *world) {
			p := w.login(t)
			var known *http.Cookie
			for _, cookie := range p.Cookies() {
				if cookie.Name == "oxlin_console_device" {
					known = cookie
				}
			}
			if known == nil || !known.HttpOnly || known.SameSite != http.SameSiteStrictMode || known.Path != "/console/login" {
				t.Fatalf("cookies %v", p.Cookies())
			}
			w.cookie = nil
			for _, name := range []string{"operator", "nobody"} {
				for i := range 101 {
					p = w.post(t, "/console/login", "name", name, "password", "wrong")
					if want := 422; i < 100 && p.StatusCode != want {
						t.Fatalf("%s, try %d: %d", name, i+1, p.StatusCode)
					}
				}
				if p.StatusCode != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "3600" {
					t.Errorf("%s: %d, Retry-After %q", name, p.StatusCode, p.Header.Get("Retry-After"))
				}
			}
			if p = w.post(t, "/console/login", "password", password); p.StatusCode != http.StatusTooManyRequests {
				t.Errorf("the right password of a stranger: %d", p.StatusCode)
			}
			w.cookie = known
			if p = w.post(t, "/console/login", "password", password); p.StatusCode != http.StatusSeeOther {
				t.Errorf("a known browser: %d", p.StatusCode)
			}
		}},
		{"a session lasts eight hours at work, and half an hour at rest", func(t *testing.T, w *world) {
			w.login(t)
			for range 16 {
				w.mustBeIn(t, true)
				w.Clock.Advance(30*time.Minute - time.Second)
			}
			w.mustBeIn(t, true)
			w.Clock.Advance(16 * time.Second)
			w.mustBeIn(t, false)
			w.login(t)
			w.Clock.Advance(30 * time.Minute)
			w.mustBeIn(t, false)
		}},
		{"a forged session is none", func(t *testing.T, w *world) {
			w.login(t)
			right := w.cookie.Value
			for _, value := range []string{"", ".", right[1:], right + "A", right[:42] + "~", strings.ToUpper(right), "operator"} {
				w.cookie.Value = value
				w.mustBeIn(t, false)
			}
			w.cookie.Value = right
			w.mustBeIn(t, true)
		}},
		{"a session outlives the process, and holds at every node", func(t *testing.T, w *world) {
			w.login(t)
			w.open(t, true)
			w.mustBeIn(t, true)
		}},
		{"a new password at the start ends the sessions", func(t *testing.T, w *world) {
			w.login(t)
			for _, row := range []struct {
				password string
				in       bool
			}{{password, true}, {"another sesame", false}} {
				if err := w.operators.EnsureFirst(t.Context(), oxlin.NewSecret(row.password)); err != nil {
					t.Fatal(err)
				}
				w.mustBeIn(t, row.in)
			}
			w.loginAs(t, operator.FirstName, "another sesame")
			w.mustBeIn(t, true)
		}},
		{"a disabled operator, a reset and a changed role end the sessions", func(t *testing.T, w *world) {
			for name, change := range map[string]func(jo string) error{
				"disable": func(jo string) error { return w.operators.SetDisabled(t.Context(), jo, true) },
				"role":    func(jo string) error { return w.operators.SetRole(t.Context(), jo, operator.Read) },
				"reset":   func(jo string) error { _, err := w.operators.Reset(t.Context(), jo); return err },
			} {
				jo := name + "-jo"
				secret := w.add(t, jo, operator.Admin)
				w.loginAs(t, jo, secret)
				w.mustBeIn(t, true)
				if err := change(jo); err != nil {
					t.Fatal(err)
				}
				w.mustBeIn(t, false)
			}
		}},
		{"the log says where the operator is, as our own proxy has it", func(t *testing.T, w *world) {
			var log strings.Builder
			w.options.Log = slog.New(slog.NewTextHandler(&log, nil))
			for _, row := range []struct {
				trust           bool
				forwarded, want string
			}{
				{true, "203.0.113.9", " from=203.0.113.9"},
				{true, "198.51.100.1, 203.0.113.9", " from=203.0.113.9"},
				{true, "", " from=127.0.0.1"},
				{false, "203.0.113.9", " from=127.0.0.1"},
			} {
				w.options.TrustProxy = row.trust
				w.url = serve(t, w.options)
				for _, given := range []string{"wrong", password} {
					log.Reset()
					w.send(t, http.MethodPost, "/console/login", url.Values{"password": {given}}.Encode(), "X-Forwarded-For", row.forwarded)
					if !strings.Contains(log.String(), row.want) {
						t.Errorf("%v %q, %s: logged %s", row.trust, row.forwarded, given, &log)
					}
				}
			}
		}},
		{"logging out takes the cookie back, and ends its copies", func(t *testing.T, w *world) {
			w.login(t)
			defer w.mustBeIn(t, false)
			p := w.submit(t, w.get(t, "/console"), "/console/logout")
			if p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != "/console/login" {
				t.Errorf("got %d %v", p.StatusCode, p.Header)
			}
			if c := p.Cookies(); len(c) != 1 || c[0].Name != w.cookie.Name || c[0].Path != w.cookie.Path || c[0].MaxAge >= 0 || c[0].Value != "" {
				t.Errorf("cookies %v", c)
			}
		}},
	}
	for _, row := range facts {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			row.test(t, sqliteWorld(t))
		})
	}
}

// add adds an operator and returns the password.
func (w *world) add(t *testing.T, name string, role operator.Role) string {
	t.Helper()
	password, err := w.operators.Add(t.Context(), name, role)
	if err != nil {
		t.Fatal(err)
	}
	return password.Reveal()
}

// mustBeIn fails unless the session opens the console, as wanted.
func (w *world) mustBeIn(t *testing.T, want bool) {
	t.Helper()
	p := w.get(t, "/console")
	if in := p.StatusCode == http.StatusOK; in != want || !in && (p.StatusCode != http.StatusSeeOther || p.Header.Get("Location") != "/console/login") {
		t.Errorf("with the cookie %q: %d %q", w.cookie.Value, p.StatusCode, p.Header.Get("Location"))
	}
}

func TestOnlyTheOperatorComesIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		requests := []string{
			"GET /console", "GET /console/", "GET /console/clients", "POST /console/clients", "GET /console/clients/budget",
			"POST /console/clients/budget", "POST /console/clients/budget/rotate", "GET " + s.userPath, "GET " + s.connectionPath,
			"GET /console/nothing", "DELETE /console/clients/budget", "HEAD /console",
		}
		session := w.cookie
		for _, request := range requests {
			method, path, _ := strings.Cut(request, " ")
			w.cookie = nil
			if p := w.send(t, method, path, ""); p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/console") || p.text != "" {
				t.Errorf("%s without a session: %d %q %s", request, p.StatusCode, p.Header.Get("Location"), p.text)
			}
			w.cookie = session
			if p := w.send(t, method, path, ""); p.Header.Get("Location") == "/console/login" {
				t.Errorf("%s with a session leads to the login", request)
			}
		}
		w.cookie = nil
		p := w.get(t, "/console/login")
		if p.StatusCode != http.StatusOK {
			t.Errorf("the login page: %d", p.StatusCode)
		}
		style, _ := p.html.Find("link[rel=stylesheet]").Attr("href")
		answer, err := http.Get(w.url + style)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("the style sheet at %q: %d", style, answer.StatusCode)
		}
	})
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	w.seed(t)
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.test"}, {"Origin", "null"}} {
		for path, body := range map[string]string{
			"/console/login": "password=wrong", "/console/logout": "a=b", "/console/clients": "name=Evil",
			"/console/clients/budget": "name=Evil", "/console/clients/budget/rotate": "a=b",
		} {
			p := w.send(t, http.MethodPost, path, body, headers...)
			if p.StatusCode != http.StatusForbidden || len(p.Cookies()) > 0 || p.words("h1") != "That did not work" {
				t.Errorf("%s with %v: %d %s", path, headers, p.StatusCode, p.text)
			}
		}
	}
	if list := w.get(t, "/console/clients"); strings.Contains(list.text, "Evil") || !w.accepts(t, "budget", "secret-of-budget") {
		t.Errorf("something changed: %s", list.text)
	}
	// The console accepts the requests of its own pages.
	if p := w.send(t, http.MethodPost, "/console/clients", "name=Good&form=x", "Sec-Fetch-Site", "same-origin", "Origin", w.url); p.StatusCode != http.StatusCreated {
		t.Errorf("the console's own form: %d", p.StatusCode)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		for _, path := range []string{
			"/console/nothing", "/console/clients/none", "/console/clients/", "/console/clients/budget/", "/console/clients/budget/rotate",
			"/console/users/", "/console/users/999999", "/console/users/0", "/console/users/-1", "/console/users/x", "/console/users/99999999999999999999",
			"/console/users/0" + strings.TrimPrefix(s.userPath, "/console/users/"), "/console/connections/999999", "/console/connections/abc",
		} {
			if p := w.get(t, path); p.StatusCode != http.StatusNotFound || p.words("[role=alert]") == "" {
				t.Errorf("%s: %d %s", path, p.StatusCode, p.text)
			}
		}
		for _, path := range []string{"/console/clients/none", "/console/clients/none/rotate", "/console/users/1"} {
			if p := w.post(t, path, "name", "x"); p.StatusCode != http.StatusNotFound {
				t.Errorf("POST %s: %d", path, p.StatusCode)
			}
		}
	})
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		for _, request := range []struct {
			method, path, body string
			status             int
		}{
			{"GET", "/console/clients/a%00b", "", 400},
			{"GET", "/console/clients/a%FFb", "", 400},
			{"GET", "/console/clients/budget?email=a%00b", "", 400},
			{"GET", "/console/clients/budget?email=%FF", "", 400},
			{"GET", "/console/clients/budget?email=%zz", "", 400},
			{"POST", "/console/clients", "name=a%00b", 400},
			{"POST", "/console/clients", "name=%FF", 400},
			{"POST", "/console/clients/budget", "name=a&font=%00", 400},
			{"POST", "/console/clients/budget", "name=" + strings.Repeat("x", 70_000), 413},
		} {
			p := w.send(t, request.method, request.path, request.body)
			if p.StatusCode != request.status || p.words("[role=alert]") == "" {
				t.Errorf("%s %s %.30s: %d", request.method, request.path, request.body, p.StatusCode)
			}
		}
	})
}
