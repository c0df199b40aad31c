package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/operator"
)

func TestOperatorsAreToldAboutSignIns(t *testing.T) {
	facts := []struct {
		fact string
		test func(t *testing.T, w *world, a app)
	}{
		{"the last login, and how many were refused since", func(t *testing.T, w *world, a app) {
			before := w.Clock.Now().UTC().Format("2006-01-02 15:04")
			w.cookie = nil
			w.Clock.Advance(24 * time.Hour)
			for range 3 {
				w.post(t, "/console/login", "name", operator.FirstName, "password", "wrong")
			}
			w.post(t, "/console/login", "name", "nobody", "password", "wrong")
			w.login(t)
			w.factor(t, "000000")
			w.factor(t, a.code(w.Clock.Now()))
			p := w.get(t, "/console")
			if got := p.words("footer"); !strings.Contains(got, "Your last login: "+before) || !strings.Contains(got, "from 127.0.0.1") {
				t.Errorf("the foot says %q", got)
			}
			if got := p.words("main > [role=alert]"); !strings.HasPrefix(got, "4 passwords or codes") {
				t.Errorf("the first page says %q", got)
			}
			w.Clock.Advance(time.Minute)
			w.cookie = nil
			w.login(t)
			w.factor(t, a.code(w.Clock.Now()))
			if p := w.get(t, "/console"); p.html.Find("main > [role=alert]").Length() != 0 {
				t.Errorf("the next login: %s", p.words("main"))
			}
		}},
		{"a code that is given again, until they have seen it", func(t *testing.T, w *world, a app) {
			mine := w.cookie
			w.Clock.Advance(time.Minute)
			code := a.code(w.Clock.Now())
			w.cookie = nil
			w.login(t)
			w.factor(t, code)
			w.cookie = nil
			w.login(t)
			if p := w.send(t, http.MethodPost, "/console/login/factor", url.Values{"code": {code}}.Encode()); p.StatusCode != http.StatusUnprocessableEntity {
				t.Fatalf("the code again: %d", p.StatusCode)
			}
			if codes, _ := w.refusals(t); !strings.Contains(codes, "factor_reused") {
				t.Errorf("the audit log has %q", codes)
			}
			w.cookie = mine
			told := w.get(t, "/console/clients")
			if got := told.words("section.news"); !strings.Contains(got, "given again after its use, 1 times") || !strings.Contains(got, "from 127.0.0.1") {
				t.Fatalf("the page says %q", got)
			}
			// A notice that is older than the last code ends nothing.
			w.post(t, "/console/account/replays", "last", "12345")
			w.post(t, "/console/account/replays", "last", "x")
			if p := w.get(t, "/console/account"); p.html.Find("section.news").Length() != 1 {
				t.Error("the notice has ended by another one")
			}
			if p := w.submit(t, told, "/console/account/replays"); p.Header.Get("Location") != "/console" {
				t.Errorf("the answer: %d", p.StatusCode)
			}
			if p := w.get(t, "/console"); p.html.Find("section.news").Length() != 0 {
				t.Errorf("afterwards: %s", p.words("main"))
			}
		}},
		{"a wrong code is none that is given again", func(t *testing.T, w *world, _ app) {
			mine := w.cookie
			w.cookie = nil
			w.login(t)
			w.factor(t, "000000")
			w.cookie = mine
			if p := w.get(t, "/console"); p.html.Find("section.news").Length() != 0 {
				t.Errorf("%s", p.words("main"))
			}
		}},
	}
	for _, row := range facts {
		t.Run(row.fact, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.open(t, false)
				a, _ := w.setUp(t)
				row.test(t, w, a)
			})
		})
	}
}
