package hosts_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/hosts"
)

func TestOnlyOwnNamesAreServed(t *testing.T) {
	guard := hosts.Guard{
		Frame: web.Frame{Room: "hosts", Log: slog.New(slog.DiscardHandler), Now: time.Now},
		Names: []string{"oxlin.example", "192.0.2.7"},
		Open:  func(r *http.Request) bool { return r.URL.Path == "/open" },
	}
	handler := guard.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, served := range map[string]bool{
		"oxlin.example": true, "oxlin.example:8443": true, "OXLIN.example.": true, "192.0.2.7:80": true,
		"localhost": true, "localhost:8080": true, "app.localhost:8080": true, "localhost.": true,
		"127.0.0.1:8080": true, "127.9.9.9": true, "[::1]:8080": true, "[::1]": true, "[::ffff:127.0.0.1]:80": true,
		"evil.example": false, "oxlin.example.evil.example": false, "evil-oxlin.example": false, "sub.oxlin.example": false,
		"localhost.evil.example": false, "notlocalhost": false, "127.0.0.1.evil.example": false, "192.0.2.8": false, "0.0.0.0": false,
		"[::]:8080": false, "10.0.0.1": false, "": false, ":80": false, "127.1": false,
	} {
		for path, open := range map[string]bool{"/": false, "/open": true} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Code == http.StatusNoContent; got != (served || open) {
				t.Errorf("%q %s: %d", host, path, w.Code)
			}
			if w.Code == http.StatusNoContent {
				continue
			}
			var answer map[string]string
			err := json.Unmarshal(w.Body.Bytes(), &answer)
			if err != nil || w.Code != http.StatusMisdirectedRequest || answer["error"] != "host_refused" || answer["message"] == "" {
				t.Errorf("%q: %d %s, %v", host, w.Code, w.Body, err)
			}
		}
	}
}
