package https_test

import (
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/https"
)

func guard(trust bool) https.Guard {
	return https.Guard{
		Frame: web.Frame{Room: "https", Log: slog.New(slog.DiscardHandler), Now: time.Now, TrustProxy: trust},
		Open:  []string{"/healthz", "/readyz"},
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	for _, row := range []struct {
		fact       string
		remote     string
		tls, trust bool
		forwarded  []string
		path       string
		refused    bool
		strict     bool
	}{
		{fact: "this machine", remote: "127.0.0.1:5000"},
		{fact: "this machine, IPv6", remote: "[::1]:5000"},
		{fact: "this machine, IPv4 in IPv6", remote: "[::ffff:127.0.0.1]:5000"},
		{fact: "another machine", remote: "192.0.2.7:5000", refused: true},
		{fact: "another machine, by HTTPS", remote: "192.0.2.7:5000", tls: true, strict: true},
		{fact: "another machine that claims a proxy", remote: "192.0.2.7:5000", forwarded: []string{"https"}, refused: true},
		{fact: "our proxy's client came by HTTPS", remote: "127.0.0.1:5000", trust: true, forwarded: []string{"https"}, strict: true},
		{fact: "our proxy's client came by HTTP", remote: "127.0.0.1:5000", trust: true, forwarded: []string{"http"}, refused: true},
		{fact: "the client's claim stands before our proxy's word", remote: "10.0.0.2:5000", trust: true, forwarded: []string{"https, http"}, refused: true},
		{fact: "the same in two headers", remote: "10.0.0.2:5000", trust: true, forwarded: []string{"https", "http"}, refused: true},
		{fact: "our proxy says nothing", remote: "10.0.0.2:5000", trust: true, refused: true},
		{fact: "a probe of this machine beside a proxy", remote: "127.0.0.1:5000", trust: true},
		{fact: "a probe for life", remote: "192.0.2.7:5000", path: "/healthz"},
		{fact: "a probe for readiness", remote: "192.0.2.7:5000", path: "/readyz"},
		{fact: "no address", remote: "", refused: true},
	} {
		t.Run(row.fact, func(t *testing.T) {
			path := row.path
			if path == "" {
				path = "/token"
			}
			r := httptest.NewRequest(http.MethodPost, path, nil)
			r.RemoteAddr = row.remote
			if row.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for _, value := range row.forwarded {
				r.Header.Add("X-Forwarded-Proto", value)
			}
			reached := false
			w := httptest.NewRecorder()
			guard(row.trust).Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, r)
			if reached == row.refused {
				t.Fatalf("reached the platform: %v", reached)
			}
			if got := w.Header().Get("Strict-Transport-Security") != ""; got != row.strict {
				t.Errorf("Strict-Transport-Security: %v", got)
			}
			if !row.refused {
				return
			}
			if w.Header().Get(web.RequestIDHeader) == "" {
				t.Error("no request id")
			}
			var answer map[string]string
			err := json.Unmarshal(w.Body.Bytes(), &answer)
			if err != nil || w.Code != 403 || answer["error"] != string(oxlin.CodeHTTPSRequired) || answer["message"] == "" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
