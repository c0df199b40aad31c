package e2e_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/testbank/robot"
)

// TestAJourneyThroughAValidatingProxy sends an integrator's calls through a proxy that
// refuses requests and answers that the document does not describe, forms included
// (contract §12.14, §12.16).
func TestAJourneyThroughAValidatingProxy(t *testing.T) {
	t.Parallel()
	prism := validator(t)
	front, ctx := validating(t, prism, sandbox(t)), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	send := func(method, path, token string, fields url.Values, want int) {
		t.Helper()
		if !strings.HasPrefix(path, "/v3/") {
			path = "/v2.1" + path
		}
		request, err := http.NewRequestWithContext(ctx, method, front+path, http.NoBody)
		if fields != nil {
			request, err = http.NewRequestWithContext(ctx, method, front+path, strings.NewReader(fields.Encode()))
		}
		must(err)
		if fields != nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := http.DefaultClient.Do(request)
		must(err)
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != want {
			t.Errorf("%s %s: %s %s", method, path, answer.Status, body)
		}
	}
	software := scenario.Integrator{Platform: front, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret"}
	const email, password = "proxy@example.test", "proxy-password"
	own, err := software.ClientToken(ctx)
	must(err)
	send("POST", "/users", own.Tokens.AccessToken, url.Values{"email": {email}, "password": {password}}, http.StatusCreated)
	user, err := software.UserToken(ctx, email, password)
	must(err)
	send("POST", "/widget_session", "", url.Values{
		"client_id": {software.ClientID}, "client_secret": {software.ClientSecret}, "access_token": {user.Tokens.AccessToken},
		"redirect_url": {"https://app.example.test/back"}, "provider_id": {"87"}, "auto_sync": {"true"}, "congrats_bypass_delay": {"0"}, "countries": {"FRA,BEL"},
	}, http.StatusCreated)
	queue, err := user.Subscribe(ctx)
	must(err)
	login, err := user.AuthorizeURL(ctx, "87", "8701", "https://app.example.test/back")
	must(err)
	callback, err := robot.LogIn(ctx, login, robot.Dev())
	must(err)
	back, err := software.FollowCallback(ctx, callback)
	must(err)
	connection := back.Query().Get("connection_id")
	_, err = user.WaitForConnection(ctx, connection)
	must(err)
	key, err := user.CreateKey(ctx)
	must(err)
	secret, err := scenario.Encrypt(key.PublicKey, "dev")
	must(err)
	must(user.SetChannel(ctx, connection, "8700", key.ID, []scenario.Credential{{ID: "300", Value: "dev"}, {ID: "301", Value: secret}}))
	api, err := user.API()
	must(err)
	_, err = scenario.AnswerChallenges(ctx, api, queue, connection, "123456")
	must(err)
	_, err = user.WaitForConnection(ctx, connection)
	must(err)
	accounts, err := user.Accounts(ctx)
	must(err)
	transactions, err := user.Transactions(ctx)
	must(err)
	if len(accounts) != 5 || len(transactions) < 200 {
		t.Errorf("%d accounts, %d transactions", len(accounts), len(transactions))
	}
	for _, resource := range []string{
		"/users/me", "/providers?q=linxo&sort=name", "/providers/87", "/connections?status=SUCCESS,RUNNING", "/accounts?type=LOAN,SAVINGS&sort=-name",
		"/transactions?limit=3&page=2&sort=-import_date", "/transactions/" + transactions[0].ID, "/accounts/" + accounts[0].ID, "/categories", "/queues/" + queue + "?after=0",
	} {
		send("GET", resource, user.Tokens.AccessToken, nil, http.StatusOK)
	}
	for _, resource := range []string{
		"/users/me", "/connections", "/connections/" + connection, "/accounts?connection_id=" + connection + "&limit=2", "/accounts/" + accounts[0].ID,
		"/transactions?account_ids=" + accounts[0].ID + "," + accounts[1].ID + "&page=2", "/transactions?start_date=2026-01-01T00:00:00%2B01:00&limit=500",
	} {
		send("GET", "/v3"+resource, user.Tokens.AccessToken, nil, http.StatusOK)
	}
	// What the proxy lets pass is only worth something if it refuses something.
	for _, version := range []string{"", "/v3"} {
		send("GET", version+"/transactions?limit=501", user.Tokens.AccessToken, nil, http.StatusUnprocessableEntity)
	}
	send("DELETE", "/connections/"+connection, user.Tokens.AccessToken, nil, http.StatusNoContent)
	send("DELETE", "/users/me", user.Tokens.AccessToken, nil, http.StatusNoContent)
}

// validator returns the program of the validating proxy.
func validator(t *testing.T) string {
	t.Helper()
	prism, err := filepath.Abs("../internal/api/testdata/judges/node_modules/.bin/prism")
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(prism)
	if err == nil {
		_, err = exec.LookPath("node")
	}
	if err != nil {
		omit.Skip(t, 1, "node or the validating proxy is missing (.ci/document)")
	}
	return prism
}

// validating puts a proxy before each version of the API of a platform and returns the
// address of all: what is not the API's goes straight to the platform.
func validating(t *testing.T, prism, platform string) string {
	t.Helper()
	to := func(address string) http.Handler {
		target, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return httputil.NewSingleHostReverseProxy(target)
	}
	mux := http.NewServeMux()
	for _, version := range []string{"/v2.1", "/v3"} {
		mux.Handle(version+"/", http.StripPrefix(version, to(proxy(t, prism, platform+version+"/openapi.yaml", platform+version))))
	}
	mux.Handle("/", to(platform))
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	return front.URL
}

// proxy starts a proxy for the API that a document describes, and returns its address.
func proxy(t *testing.T, prism, document, api string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	program := exec.CommandContext(t.Context(), prism, "proxy", document, api, "--errors", "--port", port, "--host", "127.0.0.1")
	var said strings.Builder
	program.Stdout, program.Stderr = &said, &said
	err = program.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		program.Process.Kill()
		program.Wait()
	})
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		open, err := net.Dial("tcp", address)
		if err == nil {
			open.Close()
			return "http://" + address
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the proxy does not listen: %s", said.String())
		}
	}
}
