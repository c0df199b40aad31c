package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

const authorizePath = "/v2.1/providers/87/channel_definitions/8701/authorize_url"

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	_, others := w.user(t, licensed)
	_, widgetOnly := w.user(t, unlicensed)
	mine := w.connection(t, user).ID.String()
	elsewhere := w.connection(t, user, func(c *oxlin.Connection) { c.ProviderID = "119" }).ID.String()
	ours, back := "https://oxlin.example.test/oauth2/aisp", "https://app.example.test/back"
	for _, row := range []struct {
		fact, path, token, body string
		// bankReturnsTo is the redirect_uri sent to the bank.
		bankReturnsTo string
		status        int
		code          oxlin.Code
		field         string
	}{
		{"nothing given: the user ends on our page", authorizePath, token, `{}`, ours, 201, "", ""},
		{"the other path", "/v2.1/providers/87/channels/8701/authorize_url", token, `{}`, ours, 201, "", ""},
		{"mode A", authorizePath, token, `{"redirect_uri":"` + back + `"}`, ours, 201, "", ""},
		{"mode A, the newer name wins", authorizePath, token, `{"redirect_url":"` + back + `","redirect_uri":"https://evil.example"}`, ours, 201, "", ""},
		{"mode A, in widget_params, as in the seed", authorizePath, token, `{"widget_params":{"client_id":"licensed","client_secret":"s","access_token":"` + token + `","provider_id":87,"captive_mode":false,"redirect_uri":"` + back + `"}}`, ours, 201, "", ""},
		{"mode B", authorizePath, token, `{"use_client_redirect":true,"redirect_uri":"` + back + `","redirect_state":"abc"}`, back, 201, "", ""},
		{"renewal, with ids as numbers", authorizePath, token, `{"connection_id":` + mine + `,"channel_definition_id":8701}`, ours, 201, "", ""},
		{"without an agreement, through widget_params", authorizePath, widgetOnly, `{"widget_params":{"redirect_uri":"` + back + `"}}`, ours, 201, "", ""},

		{"without an agreement nor widget_params", authorizePath, widgetOnly, `{}`, "", 403, oxlin.CodeAgreementRequired, ""},
		{"consent per account without an agreement", authorizePath, widgetOnly, `{"widget_params":{"select_accounts":"true"}}`, "", 403, oxlin.CodeAgreementRequired, ""},
		{"another channel definition in the body", authorizePath, token, `{"channel_definition_id":"redirect1"}`, "", 400, oxlin.CodeInvalidRequest, "channel_definition_id"},
		{"an address that is not registered", authorizePath, token, `{"redirect_uri":"https://evil.example"}`, "", 400, oxlin.CodeInvalidRequest, "redirect_uri"},
		{"an address that is none", authorizePath, token, `{"redirect_uri":"/back"}`, "", 400, oxlin.CodeInvalidRequest, "redirect_uri"},
		{"an address that is a program", authorizePath, token, `{"redirect_uri":"javascript:alert(1)"}`, "", 400, oxlin.CodeInvalidRequest, "redirect_uri"},
		{"mode B without an address", authorizePath, token, `{"use_client_redirect":true}`, "", 400, oxlin.CodeInvalidRequest, "redirect_uri"},
		{"mode B takes no address from widget_params", authorizePath, token, `{"use_client_redirect":true,"widget_params":{"redirect_uri":"` + back + `"}}`, "", 400, oxlin.CodeInvalidRequest, "redirect_uri"},
		{"the separator in the state", authorizePath, token, `{"use_client_redirect":true,"redirect_uri":"` + back + `","redirect_state":"a|b"}`, "", 400, oxlin.CodeInvalidRequest, "redirect_state"},
		{"a connection of another provider", authorizePath, token, `{"connection_id":"` + elsewhere + `"}`, "", 400, oxlin.CodeInvalidRequest, "connection_id"},
		{"a connection that is not", authorizePath, token, `{"connection_id":"x"}`, "", 404, oxlin.CodeNotFound, ""},
		{"a token of another user", authorizePath, token, `{"widget_params":{"access_token":"` + others + `"}}`, "", 400, oxlin.CodeInvalidRequest, "widget_params.access_token"},
		{"an unknown token", authorizePath, token, `{"widget_params":{"access_token":"?"}}`, "", 400, oxlin.CodeInvalidRequest, "widget_params.access_token"},
		{"a refresh token of another user", authorizePath, token, `{"widget_params":{"refresh_token":"` + others + `"}}`, "", 400, oxlin.CodeInvalidRequest, "widget_params.refresh_token"},
		{"another client", authorizePath, token, `{"widget_params":{"client_id":"unlicensed"}}`, "", 400, oxlin.CodeInvalidRequest, "widget_params.client_id"},
		{"an EMBEDDED channel has no such address", "/v2.1/providers/87/channels/8700/authorize_url", token, `{}`, "", 400, oxlin.CodeInvalidRequest, "channel_definition_id"},
		{"an unknown channel definition", "/v2.1/providers/87/channels/1/authorize_url", token, `{}`, "", 404, oxlin.CodeNotFound, ""},
		{"an unknown provider", "/v2.1/providers/88/channels/1/authorize_url", token, `{}`, "", 404, oxlin.CodeNotFound, ""},
		{"a flag that is none", authorizePath, token, `{"use_client_redirect":"maybe"}`, "", 400, oxlin.CodeInvalidRequest, "use_client_redirect"},
		{"a member that is no object", authorizePath, token, `{"widget_params":"x"}`, "", 400, oxlin.CodeInvalidRequest, "widget_params"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			got := w.send(t, request{method: "POST", path: row.path, token: row.token, body: row.body})
			if row.code != "" {
				got.wantError(t, row.status, row.code, row.field)
				return
			}
			location, err := url.Parse(got.want(t, row.status).Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			if location.Host != "bank.example.test" || location.Query().Get("redirect_uri") != row.bankReturnsTo {
				t.Errorf("Location %s", location)
			}
			if strings.Contains(row.body, `"redirect_state":"abc"`) && location.Query().Get("state") != "abc" {
				t.Errorf("the client's state is lost: %s", location)
			}
		})
	}
}

// toBank requests an authorize URL and returns the state for the bank's return.
func (w *world) toBank(t *testing.T, token, body string) string {
	t.Helper()
	got := w.send(t, request{method: "POST", path: authorizePath, token: token, body: body}).want(t, 201)
	location, err := url.Parse(got.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return location.Query().Get("state")
}

// arrive plays the browser that the bank redirects back.
func (w *world) arrive(t *testing.T, path string, query url.Values, header http.Header) answer {
	t.Helper()
	return w.send(t, request{method: "GET", path: path + "?" + query.Encode(), header: header, tolerated: true})
}

func TestModeARunsThroughTheCallback(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		state := w.toBank(t, token, `{"redirect_uri":"https://app.example.test/back?own=1&x=a%20b","auto_sync":false}`)
		got := w.arrive(t, "/oauth2/aisp", url.Values{"code": {"yes"}, "state": {state}}, http.Header{"User-Agent": {"Browser/1"}}).want(t, 303)
		location := got.Header.Get("Location")
		if !strings.HasPrefix(location, "https://app.example.test/back?own=1&x=a%20b&") {
			t.Errorf("the client's own query is not as it was: %s", location)
		}
		target, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		query := target.Query()
		if query.Get("status") != "success" || query.Get("result") != "created" || query.Has("error_description") {
			t.Errorf("%s", location)
		}
		path := "/v2.1/connections/" + query.Get("connection_id")
		shown := w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t)
		if shown["status"] != "RUNNING" || shown["auto_sync"] != false || shown["user_id"] != user.String() {
			t.Errorf("%v", shown)
		}
		// The bank receives the browser's own address.
		connection, err := w.DB.Read().Connections(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		run, err := w.DB.Read().LiveSynchronisation(t.Context(), connection[0].Channels[0].ID)
		if err != nil || run.PSU == nil || run.PSU.IP != "127.0.0.1" || run.PSU.UserAgent != "Browser/1" {
			t.Errorf("%v %+v", err, run.PSU)
		}
		// The queue begins before the first event.
		events := w.send(t, request{method: "GET", path: "/v2.1/queues/" + query.Get("queue_id"), token: token}).want(t, 200).list(t)
		var types []any
		for _, event := range events {
			types = append(types, event["event_type"])
		}
		if !slices.Equal(types, []any{"CONNECTION_CREATED", "LIST_ACCOUNTS_RUNNING"}) {
			t.Errorf("events %v", types)
		}
		// The same callback gets the same redirect; another code does not (contract §12.10).
		again := w.arrive(t, "/oauth2/aisp", url.Values{"code": {"yes"}, "state": {state}}, nil).want(t, 303)
		if again.Header.Get("Location") != location {
			t.Errorf("%s, and then %s", location, again.Header.Get("Location"))
		}
		w.arrive(t, "/oauth2/aisp", url.Values{"code": {"no"}, "state": {state}}, nil).want(t, 400)

		// Renewal, with the version in front of the path.
		state = w.toBank(t, token, `{"connection_id":"`+query.Get("connection_id")+`","redirect_uri":"app.example:/back"}`)
		got = w.arrive(t, "/v2.1/oauth2/aisp", url.Values{"code": {"yes"}, "state": {state}}, nil).want(t, 303)
		location = got.Header.Get("Location")
		if !strings.HasPrefix(location, "app.example:/back?connection_id="+query.Get("connection_id")+"&") || !strings.Contains(location, "result=updated") {
			t.Errorf("%s", location)
		}
	})
}

func TestModeAFailures(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	_, token := w.user(t, licensed)
	for _, row := range []struct {
		fact   string
		query  url.Values
		status string
		result string
	}{
		{"the user cancels", url.Values{"error": {"access_denied"}}, "cancelled", "cancelled"},
		{"the bank fails", url.Values{"error": {"server_error"}, "error_description": {"no"}}, "error", "bank_error"},
		{"the code is worth nothing", url.Values{"code": {"no"}}, "error", "bank_error"},
		{"there is no code", url.Values{}, "error", "bank_error"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			row.query.Set("state", w.toBank(t, token, `{"redirect_uri":"https://app.example.test/back"}`))
			location, err := url.Parse(w.arrive(t, "/oauth2/aisp", row.query, nil).want(t, 303).Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			query := location.Query()
			if query.Get("status") != row.status || query.Get("result") != row.result || query.Has("connection_id") || !query.Has("queue_id") || query.Get("error_description") == "" && row.query.Has("error") {
				t.Errorf("%s", location)
			}
		})
	}
	// A client that gave no address ends on the platform's own page.
	state := w.toBank(t, token, `{}`)
	location := w.arrive(t, "/oauth2/aisp", url.Values{"error": {"access_denied"}, "state": {state}}, nil).want(t, 303).Header.Get("Location")
	if !strings.HasPrefix(location, "/success?") {
		t.Fatalf("%s", location)
	}
	w.send(t, request{method: "GET", path: location, tolerated: true}).want(t, 200)
}

func TestModeBEndsWithTheCode(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		_, token := w.user(t, licensed)
		_, widgetOnly := w.user(t, unlicensed)
		begin := func(more string) {
			t.Helper()
			w.toBank(t, token, `{"use_client_redirect":true,"redirect_uri":"https://app.example.test/back"`+more+`}`)
		}
		create := func(token, body string) answer {
			t.Helper()
			return w.send(t, request{method: "POST", path: "/v2.1/connections", token: token, body: body, header: http.Header{"Psu-Ip-Address": {"192.0.2.7"}}})
		}
		code := `"credentials":[{"id":"AUTHORIZATION_CODE","value":"yes"}]`
		full := `{"provider_id":87,"channel_definition_id":8701,"redirect_uri":"https://app.example.test/back",` + code + `}`

		create(token, full).wantError(t, 400, oxlin.CodeAuthorizationExpired, "redirect_uri")
		create(widgetOnly, full).wantError(t, 403, oxlin.CodeAgreementRequired, "")
		create(token, `{"provider_id":"88",`+code+`}`).wantError(t, 400, oxlin.CodeInvalidRequest, "provider_id")
		create(token, `{"provider_id":"182",`+code+`}`).wantError(t, 400, oxlin.CodeInvalidRequest, "credentials")
		create(token, `{"provider_id":"87","credentials":[{"id":"AUTHORIZATION_CODE"}]}`).wantError(t, 400, oxlin.CodeInvalidRequest, "credentials.value")
		create(token, `{"provider_id":"87","credentials":[{"id":"AUTHORIZATION_CODE","value":""}]}`).wantError(t, 400, oxlin.CodeInvalidRequest, "credentials")
		create(token, `{"provider_id":"87","credentials":[{"id":"300","value":"dev"},{"id":"AUTHORIZATION_CODE","value":"yes"}]}`).wantError(t, 400, oxlin.CodeInvalidRequest, "credentials")
		create(token, `{`+code+`}`).wantError(t, 400, oxlin.CodeInvalidRequest, "provider_id")

		begin("")
		location := create(token, full).want(t, 201).Header.Get("Location")
		if !strings.HasPrefix(location, "/connections/") {
			t.Fatalf("Location %q", location)
		}
		create(token, full).wantError(t, 400, oxlin.CodeAuthorizationExpired, "redirect_uri")

		// The definition may be omitted; either member asks for consent per account.
		begin("")
		second := create(token, `{"provider_id":"87","select_accounts":true,`+code+`}`).want(t, 201).Header.Get("Location")
		if got := w.send(t, request{method: "GET", path: "/v2.1" + second, token: token}).object(t); got["consent_per_account"] != true {
			t.Errorf("%v", got)
		}

		// Renewal.
		channel := "/v2.1" + location + "/channels/8701"
		update := func(body string) answer {
			t.Helper()
			return w.send(t, request{method: "PUT", path: channel, token: token, body: body})
		}
		update(`{"id":"8700",`+code+`}`).wantError(t, 400, oxlin.CodeInvalidRequest, "id")
		update(`{"credentials":[{"id":"300","value":"dev"}]}`).wantError(t, 400, oxlin.CodeInvalidRequest, "channel_definition_id")
		update(`{"credentials":[{"id":"300","value":"dev"},{"id":"AUTHORIZATION_CODE","value":"yes"}]}`).wantError(t, 400, oxlin.CodeInvalidRequest, "credentials")
		update(`{`+code+`}`).wantError(t, 400, oxlin.CodeAuthorizationExpired, "redirect_uri")
		begin(`,"connection_id":"` + strings.TrimPrefix(location, "/connections/") + `"`)
		update(`{"id":8701,"redirect_uri":"https://app.example.test/back",`+code+`}`).want(t, 204)
	})
}
