package widget_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// FuzzForms posts any form to a flow at each step. None causes an internal error or a
// redirect to another site.
func FuzzForms(f *testing.F) {
	for _, seed := range []string{
		"", "action=cancel", "action=authorize", "action=consent", "action=choose&account=1&account=x", "provider_id=87", "provider_id=999",
		"channel_definition_id=8700", "attempt=0&300=dev&301=dev", "attempt=0&300=%00&301=%ff", "question=1&304=true", "question=1&306=%F0%9F%98%80&307=true",
		"key_id=1&attempt=1&301=-----BEGIN PGP MESSAGE-----", "action=accept_terms&terms=accepted", "action=retry", "action=validate", "action=finish", "%", ";;",
	} {
		f.Add(seed)
	}
	w := oneWorld(f)
	steps := []func(p *person) *browser{
		func(p *person) *browser { return w.stranger(p.t, sandbox).visit("add_connection").want("terms") },
		func(p *person) *browser { return p.visit("add_connection").want("banks") },
		func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87", "select_channel", "true").want("channels")
		},
		func(p *person) *browser { return p.visit("add_connection", "provider_id", "87").want("notice") },
		func(p *person) *browser { return p.visit("add_connection", "provider_id", "182").want("login") },
		func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "182").goOn("10001", "demo").wait().want("challenge")
		},
		func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().want("consent")
		},
		func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87", "select_accounts", "true").act("authorize").atBank("dev").wait().want("accounts")
		},
		func(p *person) *browser {
			return p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev+consent_expired").wait().want("failed")
		},
	}
	pages := make([]*browser, len(steps))
	mux := http.NewServeMux()
	w.widget.Register(mux)
	question := regexp.MustCompile(`name="question" value="(\d+)"`)
	f.Fuzz(func(t *testing.T, body string) {
		w.T = t
		for i, step := range steps {
			if pages[i] == nil {
				pages[i] = step(w.person(t, licensed))
			}
			b, sent := pages[i], body
			b.t = t
			if found := question.FindStringSubmatch(b.body); found != nil {
				sent += "&question=" + found[1] // otherwise the answer never matches the question
			}
			request := httptest.NewRequest(http.MethodPost, b.address, strings.NewReader(sent))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, request)
			if answer.Code >= http.StatusInternalServerError {
				t.Errorf("%q at %s: HTTP %d", body, b.at(), answer.Code)
			}
			if to := answer.Header().Get("Location"); to != "" && !strings.HasPrefix(to, "/widget/") {
				t.Errorf("%q at %s leads to %s", body, b.at(), to)
			}
			before := b.at()
			b.reload()
			if b.at() != before {
				pages[i] = nil // the form had an effect: the next one begins a new flow
			}
		}
	})
}

// FuzzTheme requests any colours: a sheet has exactly its three properties, or is empty.
func FuzzTheme(f *testing.F) {
	for _, seed := range [][3]string{{"Arial", "red", "#fff"}, {"a;}", "url(x)", "*/"}, {"", "", ""}, {"A, b-c 1", "#12345678", "Yellow"}, {"\n", "red\n", "é"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	w := oneWorld(f)
	mux := http.NewServeMux()
	w.widget.Register(mux)
	sheet := regexp.MustCompile(`^:root\{(--font:[A-Za-z0-9 ,-]+;)?(--font-color:[A-Za-z0-9#]+;)?(--elements-color:[A-Za-z0-9#]+;)?\}$`)
	f.Fuzz(func(t *testing.T, font, text, elements string) {
		values := form("font", font, "font_color", text, "elements_color", elements)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/widget/theme.css?"+values.Encode(), nil))
		switch {
		case answer.Code == http.StatusBadRequest:
		case answer.Code != http.StatusOK || !sheet.MatchString(answer.Body.String()):
			t.Errorf("%q: %d %q", values, answer.Code, answer.Body)
		}
	})
}
