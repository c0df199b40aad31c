package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/web"
)

// admitting answers 200 to "user N" and "client ID", 401 to strangers, and 429 to each that sends
// too much.
func admitting(d *web.Doors) http.Handler {
	return d.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, name, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		var err error
		switch who {
		case "user":
			id, _ := oxlin.ParseID[oxlin.UserID](name)
			for range 2 { // a request counts once
				err = web.Admit(r.Context(), "client", id, "")
			}
		case "client":
			err = web.Admit(r.Context(), oxlin.ClientID(name), 0, "")
		case "session":
			err = web.Admit(r.Context(), "client", 7, name)
		default:
			err = web.Stranger(r.Context(), oxlin.DefaultError(oxlin.CodeInvalidToken))
		}
		if err != nil {
			w.WriteHeader(oxlin.Catalogue[oxlin.AsError(err).Code].Status)
		}
	}))
}

func TestDoors(t *testing.T) {
	at := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	var log strings.Builder
	d := &web.Doors{
		Client: pace.Burst(6, time.Second), User: pace.Burst(3, 500*time.Millisecond), Session: pace.Burst(2, time.Second),
		Address: pace.Burst(2, time.Minute),
		Now:     func() time.Time { return at }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	handler := admitting(d)
	for i, step := range []struct {
		who, from, forwarded string
		after                time.Duration
		trust                bool
		status               int
		left, policy, retry  string
	}{
		{who: "user 1", from: "203.0.113.1:1", status: 200, left: `"user";r=2;t=1, "client";r=5;t=1`, policy: `"user";q=3;w=2, "client";q=6;w=6`},
		{who: "user 1", from: "203.0.113.1:1", status: 200, left: `"user";r=1;t=1, "client";r=4;t=1`, policy: `"user";q=3;w=2, "client";q=6;w=6`},
		{who: "user 1", from: "203.0.113.1:1", status: 200, left: `"user";r=0;t=1, "client";r=3;t=1`, policy: `"user";q=3;w=2, "client";q=6;w=6`},
		{who: "user 1", from: "203.0.113.1:1", status: 429, left: `"user";r=0;t=1`, policy: `"user";q=3;w=2`, retry: "1"},
		{who: "user 2", from: "203.0.113.1:1", status: 200, left: `"user";r=2;t=1, "client";r=2;t=1`, policy: `"user";q=3;w=2, "client";q=6;w=6`},
		{who: "client client", from: "203.0.113.1:1", status: 200, left: `"client";r=1;t=1`, policy: `"client";q=6;w=6`},
		{who: "client client", from: "203.0.113.1:1", status: 200, left: `"client";r=0;t=1`, policy: `"client";q=6;w=6`},
		{who: "client client", from: "203.0.113.1:1", status: 429, left: `"client";r=0;t=1`, policy: `"client";q=6;w=6`, retry: "1"},
		{who: "client other", from: "203.0.113.1:1", status: 200, left: `"client";r=5;t=1`, policy: `"client";q=6;w=6`},
		{who: "session a", from: "203.0.113.1:1", after: time.Minute, status: 200, left: `"session";r=1;t=1, "user";r=2;t=1, "client";r=5;t=1`, policy: `"session";q=2;w=2, "user";q=3;w=2, "client";q=6;w=6`},
		// Strangers, by address.
		{from: "203.0.113.1:1", status: 401, left: `"address";r=1;t=60`, policy: `"address";q=2;w=120`},
		{from: "203.0.113.1:2", status: 401, left: `"address";r=0;t=60`, policy: `"address";q=2;w=120`},
		{from: "203.0.113.1:3", status: 429, left: `"address";r=0;t=60`, policy: `"address";q=2;w=120`, retry: "60"},
		{who: "user 1", from: "203.0.113.1:1", after: time.Second, status: 200, left: `"user";r=2;t=1, "client";r=5;t=1`, policy: `"user";q=3;w=2, "client";q=6;w=6`},
		{from: "[2001:db8::1]:1", status: 401, left: `"address";r=1;t=60`, policy: `"address";q=2;w=120`},
		{from: "[2001:db8::2]:1", status: 401, left: `"address";r=0;t=60`, policy: `"address";q=2;w=120`},
		{from: "[2001:db8::3]:1", status: 429, left: `"address";r=0;t=60`, policy: `"address";q=2;w=120`, retry: "60"},
		// A private address tells nobody apart, unless a proxy is trusted.
		{from: "127.0.0.1:1", status: 401}, {from: "127.0.0.1:1", status: 401}, {from: "127.0.0.1:1", status: 401},
		{from: "10.0.0.1:1", forwarded: "203.0.113.9", status: 401},
		{from: "10.0.0.1:1", forwarded: "203.0.113.9", trust: true, status: 401, left: `"address";r=1;t=60`, policy: `"address";q=2;w=120`},
	} {
		at = at.Add(step.after)
		d.TrustProxy = step.trust
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr = step.from
		request.Header.Set("Authorization", step.who)
		if step.forwarded != "" {
			request.Header.Set("X-Forwarded-For", step.forwarded)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		left, policy := strings.Join(answer.Header()["Ratelimit"], " "), strings.Join(answer.Header()["Ratelimit-Policy"], " ")
		if answer.Code != step.status || left != step.left || policy != step.policy || answer.Header().Get("Retry-After") != step.retry {
			t.Errorf("request %d: HTTP %d, RateLimit %s, RateLimit-Policy %s, Retry-After %s; want %+v",
				i+1, answer.Code, left, policy, answer.Header().Get("Retry-After"), step)
		}
	}
	if n := strings.Count(log.String(), "--trust-proxy"); n != 1 {
		t.Errorf("%d warnings about a private address; want one\n%s", n, log.String())
	}
}

func BenchmarkDoors(b *testing.B) {
	handler := admitting(web.NewDoors(time.Now, slog.New(slog.DiscardHandler)))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "user 7")
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
}
