package e2e_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// askUnder sends a request under a host name, as a browser does that was made to believe
// that the name leads here, and returns the status. The headers are in pairs.
func askUnder(t *testing.T, host, platform, request string, headers ...string) int {
	t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, platform+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, response)
	if (response.StatusCode == http.StatusMisdirectedRequest) != strings.Contains(text, `"error":"host_refused"`) {
		t.Errorf("%s under %s: %d %s", request, host, response.StatusCode, text)
	}
	return response.StatusCode
}

// evil is the name of another site.
const evil = "evil.example"

func TestPagesAnswerUnderTheirOwnNamesOnly(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	run(t, "platform", "serve", "--roles", "api", "--listen", address, "--data", filepath.Join(t.TempDir(), "data"), "--console-password", "open-sesame",
		"--public-url", "https://oxlin.example", "--allowed-host", "ops.internal", "--allowed-host", "OPS2.internal", "--trust-proxy").where(t, "platform")
	platform := "http://" + address
	for _, row := range []struct {
		request       string
		own, stranger int
	}{
		{"GET /console", 303, 421},
		{"GET /console/login", 200, 421},
		{"POST /console/login password=open-sesame", 303, 421},
		{"GET /signin?client_id=nobody", 401, 421},
		{"POST /signin?client_id=nobody username=a&password=b", 401, 421},
		{"GET /signin/account", 200, 421},
		{"GET /", 200, 421},
		{"GET /quickstart", 200, 421},
		{"GET /docs/errors", 200, 421},
		{"GET /docs/", 301, 421},
		{"GET /docs//errors", 307, 421},
		{"GET /downloads/oxlin.postman_environment.json", 200, 421},
		// Health, software and the pages of the widget.
		{"GET /healthz", 200, 200},
		{"GET /readyz", 200, 200},
		{"GET /metrics", 200, 200},
		{"POST /token grant_type=client_credentials&client_id=a&client_secret=b", 401, 401},
		{"GET /v2.1/accounts", 401, 401},
		{"GET /.well-known/openid-configuration", 200, 200},
		{"GET /terms.html", 200, 200},
		{"GET /nothing", 404, 404},
	} {
		for host, want := range map[string]int{
			"oxlin.example": row.own, "ops.internal:8443": row.own, "ops2.internal": row.own, "localhost:8080": row.own, address: row.own,
			evil: row.stranger, "oxlin.example." + evil: row.stranger, "0.0.0.0": row.stranger,
		} {
			if got := askUnder(t, host, platform, row.request, "X-Forwarded-Proto", "https"); got != want {
				t.Errorf("%s under %s: %d, want %d", row.request, host, got, want)
			}
			// No other site may talk its way in with a made-up token.
			if got := askUnder(t, host, platform, row.request, "X-Forwarded-Proto", "https", "Authorization", "Bearer made-up"); got != want {
				t.Errorf("%s under %s with a token: %d, want %d", row.request, host, got, want)
			}
		}
	}
	wantRefusal(t, `--allowed-host: "https://x.example" must be a host name`, "serve", "--data", t.TempDir(), "--allowed-host", "https://x.example")
}

func TestASandboxAnswersUnderItsOwnNamesOnly(t *testing.T) {
	t.Parallel()
	p := run(t, "platform", with("serve --sandbox --testbank-control", free, []string{"--data", filepath.Join(t.TempDir(), "data")})...)
	platform, bank := p.where(t, "platform"), p.where(t, "test bank")
	user := connected(t, platform, "jo@example.test")
	own, err := url.Parse(platform)
	if err != nil {
		t.Fatal(err)
	}
	const form = "grant_type=client_credentials&scope=users_create"
	for _, row := range []struct {
		at, request   string
		own, stranger int
		headers       []string
	}{
		{platform, "GET /", 200, 421, nil},
		{platform, "GET /console/login", 200, 421, nil},
		{platform, "POST /console/login password=sandbox", 303, 421, []string{"Authorization", "Bearer " + user.Tokens.AccessToken}},
		{platform, "GET /terms.html", 200, 421, nil},
		{platform, "GET /widget/add_connection", 401, 421, nil},
		{platform, "GET /v2.1/widget/add_connection", 401, 421, []string{"Authorization", "Bearer " + user.Tokens.AccessToken}},
		{platform, "GET /oauth2/aisp", 200, 421, nil}, // the page for a bank that answers in a fragment
		{platform, "GET /v2.1/openapi.yaml", 200, 421, nil},
		{platform, "GET /v2.1/users/me", 401, 421, nil},
		{platform, "GET /.well-known/openid-configuration", 200, 421, nil},
		{platform, "GET /metrics", 200, 421, nil},
		{platform, "GET /nothing", 404, 421, nil},
		{platform, "GET /healthz", 200, 200, nil},
		{platform, "GET /readyz", 200, 200, nil},
		{platform, "GET /v2.1/users/me", 200, 200, []string{"Authorization", "Bearer " + user.Tokens.AccessToken}},
		{platform, "GET /v3/users/me", 200, 200, []string{"Authorization", "Bearer " + user.Tokens.AccessToken}},
		{platform, "GET /v2.1/users/me", 401, 401, []string{"Authorization", "Bearer made-up"}},
		{platform, "GET /userinfo", 200, 200, []string{"Authorization", "Bearer " + user.Tokens.AccessToken}},
		{platform, "POST /token " + form, 200, 200, []string{"Authorization", "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA=="}},
		{platform, "POST /token " + form + "&client_id=sandbox&client_secret=sandbox-secret", 200, 200, nil},
		{platform, "POST /token " + form, 401, 401, nil},
		{platform, "POST /widget_session {}", 400, 400, nil},
		{bank, "GET /", 200, 421, nil},
		{bank, "GET /authorize", 400, 421, nil},
		{bank, "GET /control/clock", 200, 421, []string{"Authorization", "Bearer made-up"}},
		{bank, "GET /stet/v1.5/accounts", 400, 421, nil},
		{bank, "GET /stet/v1.5/accounts", 400, 400, []string{"Authorization", "Bearer made-up"}},
		{bank, "GET /healthz", 200, 200, nil},
	} {
		for host, want := range map[string]int{own.Host: row.own, "localhost": row.own, evil: row.stranger, "10.0.0.1": row.stranger} {
			if got := askUnder(t, host, row.at, row.request, row.headers...); got != want {
				t.Errorf("%s under %s: %d, want %d", row.request, host, got, want)
			}
		}
	}
	alone := run(t, "bank", "testbank", "--control", "--listen", "127.0.0.1:0", "--allowed-host", "bank.internal").where(t, "test bank")
	for host, want := range map[string]int{"bank.internal:8081": 200, "127.0.0.1": 200, evil: 421} {
		if got := askUnder(t, host, alone, "GET /control/clock"); got != want {
			t.Errorf("the clock of a test bank under %s: %d, want %d", host, got, want)
		}
	}
}

func TestASandboxStaysOnItsMachine(t *testing.T) {
	t.Parallel()
	const refusal = "is open to other machines, and its passwords are public: listen at 127.0.0.1, or give --sandbox-public"
	data := filepath.Join(t.TempDir(), "data")
	for _, command := range []string{
		"serve --sandbox --listen 0.0.0.0:0 --testbank-listen 127.0.0.1:0", "serve --sandbox --listen :0 --testbank-listen 127.0.0.1:0",
		"serve --sandbox --listen 127.0.0.1:0 --testbank-listen [::]:0", "quickstart --exit --listen 0.0.0.0:0 --testbank-listen 127.0.0.1:0",
	} {
		wantRefusal(t, refusal, with(command, []string{"--data", data})...)
	}
	_, err := os.Stat(data)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused start made the data directory: %v", err)
	}
	for _, command := range []string{
		"serve --sandbox --sandbox-public --listen 0.0.0.0:0 --testbank-listen 127.0.0.1:0", "serve --sandbox --listen localhost:0 --testbank-listen 127.0.0.1:0",
		"serve --sandbox --roles api --listen 127.0.0.1:0 --testbank-listen 0.0.0.0:0", // which it does not open
	} {
		p := run(t, "platform", with(command, []string{"--data", t.TempDir()})...)
		p.where(t, "platform")
		p.stop(t)
	}
	p := run(t, "platform", "serve", "--roles", "api", "--listen", "0.0.0.0:0", "--data", t.TempDir())
	p.where(t, "platform")
	p.stop(t)
}

func TestTheConsoleHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	address, own := freeAddress(t), freeAddress(t)
	platform := run(t, "platform", "serve", "--roles", "api", "--listen", address, "--console-listen", own, "--data", filepath.Join(t.TempDir(), "data"),
		"--console-password", "open-sesame", "--allowed-host", "ops.internal")
	if got := platform.where(t, "console"); got != "http://"+own+"/console" {
		t.Errorf("the start names the console %q", got)
	}
	for _, row := range []struct {
		request               string
		atPlatform, atConsole int
	}{
		{"GET /console/login", 404, 200},
		{"POST /console/login password=open-sesame", 404, 303},
		{"GET /console", 404, 303},
		{"GET /healthz", 200, 404},
		{"GET /.well-known/openid-configuration", 200, 404},
		{"POST /token grant_type=password", 400, 404},
		{"GET /v2.1/accounts", 401, 404},
		{"GET /", 200, 404},
	} {
		for place, want := range map[string]int{address: row.atPlatform, own: row.atConsole} {
			if got := askUnder(t, place, "http://"+place, row.request); got != want {
				t.Errorf("%s at %s: %d; want %d", row.request, place, got, want)
			}
		}
	}
	for host, want := range map[string]int{"ops.internal": 200, evil: 421} {
		if got := askUnder(t, host, "http://"+own, "GET /console/login"); got != want {
			t.Errorf("the console under %s: %d; want %d", host, got, want)
		}
	}
}
