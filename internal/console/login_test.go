package console_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/platformtest"
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
			if got := w.get(t, "/console"); got.StatusCode != http.StatusOK || got.html.Find("nav a").Length() != 3 {
				t.Errorf("got %d %s", got.StatusCode, got.text)
			}
		}},
		{"over HTTPS the cookie goes over HTTPS alone", func(t *testing.T, w *world) {
			w.options.Secure = true
			w.url = serve(t, w.options)
			w.login(t)
			if !w.cookie.Secure {
				t.Errorf("the cookie is %v", w.cookie)
			}
		}},
		{"any other password does not", func(t *testing.T, w *world) {
			for _, wrong := range []string{"", "Open sesame", password + " ", password[1:], strings.Repeat("x", 10_000)} {
				w.Clock.Advance(time.Hour)
				p := w.post(t, "/console/login", "password", wrong)
				if p.StatusCode != http.StatusUnprocessableEntity || len(p.Cookies()) > 0 || p.words("[role=alert]") == "" {
					t.Errorf("%.20q: got %d %s", wrong, p.StatusCode, p.text)
				}
			}
		}},
		{"after five wrong passwords even the right one waits for a minute", func(t *testing.T, w *world) {
			for range 5 {
				w.post(t, "/console/login", "password", "wrong")
			}
			p := w.post(t, "/console/login", "password", password)
			if p.StatusCode != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "60" || len(p.Cookies()) > 0 {
				t.Errorf("got %d %v", p.StatusCode, p.Header)
			}
			w.Clock.Advance(time.Minute)
			w.login(t)
			for range 5 { // the right password has reset the limit
				if p := w.post(t, "/console/login", "password", "wrong"); p.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("got %d", p.StatusCode)
				}
			}
		}},
		{"a session lasts eight hours", func(t *testing.T, w *world) {
			w.login(t)
			w.Clock.Advance(8*time.Hour - time.Second)
			w.mustBeIn(t, true)
			w.Clock.Advance(time.Second)
			w.mustBeIn(t, false)
		}},
		{"a forged session is none", func(t *testing.T, w *world) {
			w.login(t)
			until, signature, _ := strings.Cut(w.cookie.Value, ".")
			for _, value := range []string{"", ".", until, until + ".", "9" + until + "." + signature, "." + signature, signature + "." + until, until + "." + signature + "A", w.cookie.Value + "." + signature} {
				w.cookie.Value = value
				w.mustBeIn(t, false)
			}
			w.cookie.Value = until + "." + signature
			w.mustBeIn(t, true)
		}},
		{"a session outlives the process, and holds at every node", func(t *testing.T, w *world) {
			w.login(t)
			w.url = serve(t, w.options)
			w.mustBeIn(t, true)
		}},
		{"a session of another platform with the same password is none", func(t *testing.T, w *world) {
			w.login(t)
			w.options.Vault = platformtest.NewVault(t)
			w.url = serve(t, w.options)
			w.mustBeIn(t, false)
		}},
		{"a new password ends the sessions", func(t *testing.T, w *world) {
			w.login(t)
			w.options.Password = oxlin.NewSecret("another")
			w.url = serve(t, w.options)
			w.mustBeIn(t, false)
		}},
		{"the log says where the operator is, as our own proxy has it", func(t *testing.T, w *world) {
			var log strings.Builder
			w.options.Log = slog.New(slog.NewTextHandler(&log, nil))
			for _, row := range []struct {
				trust           bool
				forwarded, want string
			}{
				{true, "203.0.113.9", "from=203.0.113.9\n"},
				{true, "198.51.100.1, 203.0.113.9", "from=203.0.113.9\n"},
				{true, "", "from=127.0.0.1\n"},
				{false, "203.0.113.9", "from=127.0.0.1\n"},
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
		{"logging out takes the cookie back", func(t *testing.T, w *world) {
			w.login(t)
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
