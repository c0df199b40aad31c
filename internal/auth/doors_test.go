package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/web"
)

// Strangers are limited by address; whoever has a secret gets in beside them.
func TestStrangersAreLimitedByAddress(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	limits := web.NewDoors(w.Clock.Now, platformtest.Quiet)
	limits.TrustProxy = true
	address := platformtest.Serve(t, limits.Handler(w.Mux))
	post := func(path, from string, form url.Values) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("X-Forwarded-For", from)
		response, err := w.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	tokens := func(secret, from string) *http.Response {
		return post("/token", from, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {secret}, "scope": {"users_create"},
		})
	}
	for i := range 201 {
		response := tokens("wrong", "203.0.113.1")
		want := http.StatusUnauthorized
		if i == 200 {
			want = http.StatusTooManyRequests
		}
		if response.StatusCode != want || (response.Header.Get("Retry-After") != "") != (i == 200) {
			t.Fatalf("wrong secret %d: HTTP %d, Retry-After %q", i+1, response.StatusCode, response.Header.Get("Retry-After"))
		}
	}
	right := tokens("sandbox-secret", "203.0.113.1")
	if right.StatusCode != http.StatusOK || !strings.HasPrefix(right.Header.Get("RateLimit"), `"client";r=19999;`) {
		t.Errorf("the right secret from the same address: HTTP %d, RateLimit %s", right.StatusCode, right.Header.Get("RateLimit"))
	}
	if other := tokens("wrong", "203.0.113.2"); other.StatusCode != http.StatusUnauthorized {
		t.Errorf("another address: HTTP %d", other.StatusCode)
	}

	// A password is counted before anything is hashed.
	form := url.Values{"username": {email}, "password": {"guess"}}
	signin := "/signin?response_type=code&client_id=sandbox&redirect_uri=" + url.QueryEscape("https://integrator.example/return")
	for i := range 61 {
		response := post(signin, "203.0.113.3", form)
		want := http.StatusForbidden // without the page's token
		if i == 60 {
			want = http.StatusTooManyRequests
		}
		if response.StatusCode != want {
			t.Fatalf("sign-in form %d: HTTP %d; want %d", i+1, response.StatusCode, want)
		}
	}
	if response := post(signin, "203.0.113.4", form); response.StatusCode != http.StatusForbidden {
		t.Errorf("a form from another address: HTTP %d", response.StatusCode)
	}
}
