package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestCallsOfTheDocuments replays the calls of the quickstart and of the page on
// advanced integration as curl sends them, with the real authorization server on the
// same listener. Calls that differ from the OpenAPI document are sent unchanged.
func TestCallsOfTheDocuments(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	platform := platformtest.New(t, db, platformtest.Options{Now: now, Catalogue: catalogue{&yesBank{}}, PublicURL: publicURL})
	tokens := platform.NewAuth("https://auth.example.test", nil)
	w := openDoors(t, platform, func(o *api.Options) { o.Auth = tokens })
	err := platform.Clients.EnsureSandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	tokens.Register(mux)
	authURL := platformtest.Serve(t, mux)
	token := func(form url.Values) string {
		t.Helper()
		response, err := http.PostForm(authURL+"/token", form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var answer struct {
			AccessToken string `json:"access_token"`
		}
		err = json.NewDecoder(response.Body).Decode(&answer)
		if err != nil || answer.AccessToken == "" {
			t.Fatalf("%v, status %d", err, response.StatusCode)
		}
		return answer.AccessToken
	}
	// curl -d sends this content type for everything.
	const form = "application/x-www-form-urlencoded"
	client := url.Values{"client_id": {"sandbox-licensed"}, "client_secret": {"sandbox-licensed-secret"}}
	with := func(more url.Values) url.Values {
		for name, values := range client {
			more[name] = values
		}
		return more
	}

	clientToken := token(with(url.Values{"grant_type": {"client_credentials"}, "scope": {"users_create"}}))
	created := w.send(t, request{method: "POST", path: "/v2.1/users", token: clientToken, body: "email=jo.doe@example.test&password=secret", contentType: form}).want(t, 201)
	id := strings.TrimPrefix(created.Header.Get("Location"), "/users/")

	// With the scopes of the quickstart accounts can be read, and nothing else.
	password := url.Values{"grant_type": {"password"}, "username": {"jo.doe@example.test"}, "password": {"secret"}, "provider": {"connect"}, "scope": {"openid profile accounts_read"}}
	userToken := token(with(password))
	if got := w.send(t, request{method: "GET", path: "/v2.1/users/me", token: userToken}).want(t, 200).object(t); got["id"] != id {
		t.Errorf("%v", got)
	}
	w.send(t, request{method: "GET", path: "/v2.1/accounts", token: userToken}).want(t, 200)
	w.send(t, request{method: "GET", path: "/v2.1/transactions", token: userToken}).wantError(t, 403, oxlin.CodeInsufficientScope, "scope")

	password.Set("scope", "profile_edit accounts_manage connections_manage connections_sync transactions_read")
	userToken = token(with(password))
	queue := w.send(t, request{method: "POST", path: "/v2.1/queues/subscribe", token: userToken, body: "{\n\"topics\": [\"connections\"]\n}", contentType: form, tolerated: true}).want(t, 201).Header.Get("Location")
	prepared := w.send(t, request{method: "POST", path: "/v2.1/providers/87/channels/8701/authorize_url", token: userToken, contentType: "Application/json", body: `{
		"widget_params": {"client_id": "sandbox-licensed", "client_secret": "sandbox-licensed-secret", "access_token": "` + userToken + `",
		"provider_id": "87", "redirect_uri": "https://your.callback.uri"}}`}).want(t, 201)
	bank, err := url.Parse(prepared.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(w.arrive(t, "/oauth2/aisp", url.Values{"code": {"yes"}, "state": {bank.Query().Get("state")}}, nil).want(t, 303).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if back.Host != "your.callback.uri" || back.Query().Get("status") != "success" {
		t.Fatalf("%s", back)
	}
	connection := "/connections/" + back.Query().Get("connection_id")
	if events := w.send(t, request{method: "GET", path: "/v2.1" + queue, token: userToken}).want(t, 200).list(t); len(events) != 2 {
		t.Errorf("%v", events)
	}
	// The documents double the version in places.
	if got := w.send(t, request{method: "GET", path: "/v2.1/v2.1" + connection, token: userToken, tolerated: true}).want(t, 200).object(t); got["status"] != "RUNNING" {
		t.Errorf("%v", got)
	}
	w.send(t, request{method: "PUT", path: "/v2.1" + connection + "/consents", token: userToken, body: `{"consents": [{"account_id": "1", "consent": true}]}`, contentType: form, tolerated: true}).
		wantError(t, 400, oxlin.CodeInvalidRequest, "consents.account_id")
	w.send(t, request{method: "DELETE", path: "/v2.1" + connection, token: userToken}).want(t, 204)
	w.send(t, request{method: "DELETE", path: "/v2.1/users/me", token: userToken}).want(t, 204)
	w.send(t, request{method: "GET", path: "/v2.1/users/me", token: userToken}).wantError(t, 401, oxlin.CodeInvalidToken, "")
}
