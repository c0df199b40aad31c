package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

func TestErrorsHaveOneShape(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	_, token := w.user(t, licensed)
	for _, row := range []struct {
		fact string
		request
		status int
		code   oxlin.Code
		// header and value: what the answer has to carry.
		header, value string
	}{
		{"no token", request{method: "GET", path: "/v2.1/accounts"}, 401, oxlin.CodeInvalidToken, "WWW-Authenticate", "Bearer"},
		{"an unknown token", request{method: "GET", path: "/v2.1/accounts", token: "?"}, 401, oxlin.CodeInvalidToken, "WWW-Authenticate", `Bearer error="invalid_token"`},
		{"another scheme", request{method: "GET", path: "/v2.1/accounts", header: http.Header{"Authorization": {"Basic eDp5"}}}, 401, oxlin.CodeInvalidToken, "WWW-Authenticate", "Bearer"},
		{"the token comes before the body", request{method: "POST", path: "/v2.1/users", body: "{"}, 401, oxlin.CodeInvalidToken, "", ""},
		{"an unknown path", request{method: "GET", path: "/v2.1/nothing", token: token, tolerated: true}, 404, oxlin.CodeNotFound, "", ""},
		{"the root", request{method: "GET", path: "/v2.1/", tolerated: true}, 404, oxlin.CodeNotFound, "", ""},
		{"three versions", request{method: "GET", path: "/v2.1/v2.1/v2.1/accounts", token: token, tolerated: true}, 404, oxlin.CodeNotFound, "", ""},
		{"an unknown method", request{method: "DELETE", path: "/v2.1/accounts", token: token, tolerated: true}, 405, oxlin.CodeMethodNotAllowed, "Allow", "GET, HEAD, POST"},
		{"a method of the document's", request{method: "POST", path: "/v2.1/openapi.json", tolerated: true}, 405, oxlin.CodeMethodNotAllowed, "Allow", "GET, HEAD"},
		{"a semicolon in a query", request{method: "GET", path: "/v2.1/transactions?account_id=1;x", token: token}, 400, oxlin.CodeInvalidRequest, "", ""},
		{"a percent sign in a query", request{method: "GET", path: "/v2.1/transactions?account_id=%zz", token: token}, 400, oxlin.CodeInvalidRequest, "", ""},
		{"the character zero in a query", request{method: "GET", path: "/v2.1/accounts?q=%00", token: token}, 400, oxlin.CodeInvalidRequest, "", ""},
		{"bytes that are no text in a path", request{method: "GET", path: "/v2.1/providers/%ff", token: token}, 400, oxlin.CodeInvalidRequest, "", ""},
	} {
		t.Run(row.fact, func(t *testing.T) {
			got := w.send(t, row.request).wantError(t, row.status, row.code, "")
			if value := got.Header.Get(row.header); row.header != "" && value != row.value {
				t.Errorf("%s %q, want %q", row.header, value, row.value)
			}
		})
	}
}

func TestMessagesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	_, token := w.user(t, licensed)
	for _, row := range []struct {
		request
		message string
	}{
		{request{method: "GET", path: "/v2.1/transactions?limit=501"}, "The query parameter limit is not valid: value 501 greater than 500."},
		{request{method: "GET", path: "/v2.1/transactions?limit=x"}, "The query parameter limit has the wrong type."},
		{request{method: "GET", path: "/v2.1/transactions?min_amount=much"}, "The query parameter min_amount is not valid: not an exact amount of at most 13 digits and 5 decimals."},
		{request{method: "GET", path: "/v2.1/accounts?type=STOCKS"}, "The query parameter type is not valid: invalid value: STOCKS."},
		{request{method: "POST", path: "/v2.1/accounts", body: `{"type":"LOAN"}`}, "The member name of the body is required."},
		{request{method: "POST", path: "/v2.1/accounts", body: `{"name":3}`}, "The member name of the body has the wrong type."},
		{request{method: "PATCH", path: "/v2.1/users/me", body: `{"birthdate":"1989"}x`}, "The body is not valid JSON."},
		{request{method: "PATCH", path: "/v2.1/users/me", body: `{"birthdate":"May"}`}, "The member birthdate of the body is not valid: want a whole number of seconds."},
		{request{method: "PUT", path: "/v2.1/connections/1/consents", body: `{"consents":[{"account_id":true}]}`}, "The member consents.account_id of the body is not valid: want an id: a string or a whole number."},
	} {
		row.token = token
		if got := w.send(t, row.request).want(t, 400).object(t)["message"]; got != row.message {
			t.Errorf("%s %s: %q, want %q", row.path, row.body, got, row.message)
		}
	}
}

func TestRequestsCarryAnID(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	for sent, echoed := range map[string]bool{"abc-1_2.Z": true, "": false, "two words": false, strings.Repeat("a", 65): false, "a;drop": false} {
		got := w.send(t, request{method: "GET", path: "/v2.1/accounts", header: http.Header{"X-Request-Id": {sent}}})
		id := got.Header.Get("X-Request-ID")
		if id == "" || (id == sent) != echoed {
			t.Errorf("sent %q, got %q", sent, id)
		}
		if !strings.Contains(w.Log.String(), "request="+id) {
			t.Errorf("the log does not know %q: %s", id, w.Log)
		}
	}
}

func TestLogHoldsIDsAndNoSecrets(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	create := w.tokens.give(licensed, 0, oxlin.ScopeUsersCreate)
	w.send(t, request{method: "POST", path: "/v2.1/users?password=hidden-query", token: create, body: `{"email":"hidden-mail@example.test"}`, tolerated: true}).want(t, 201)
	w.send(t, request{method: "POST", path: "/v2.1/users", token: create, body: `{"email":"hidden-mail@example.test","password":"hidden-password"}`}).want(t, 409)
	w.send(t, request{method: "POST", path: "/v2.1/users", token: create, body: `{"email":3,"password":"hidden-password"}`}).want(t, 400)
	state := w.toBank(t, token, `{"redirect_uri":"https://app.example.test/back"}`)
	w.send(t, request{method: "GET", path: "/oauth2/aisp?code=hidden-code&state=" + state, tolerated: true}).want(t, 303)
	log := w.Log.String()
	for _, secret := range []string{"hidden", token, create, state} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	for _, word := range []string{"operation=createUser", "operation=createAuthorizeUrl", "client=licensed", "user=" + user.String(), "status=409", "code=email_taken"} {
		if !strings.Contains(log, word) {
			t.Errorf("the log lacks %q:\n%s", word, log)
		}
	}
}

// trap is a widget that fails with an unexpected error.
type trap struct{}

func (trap) Begin(context.Context, oxlin.WidgetRequest) (oxlin.WidgetSession, error) {
	panic("secret detail")
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.Widget = trap{} })
	got := w.send(t, request{method: "POST", path: "/v2.1/widget_session", body: sessionJSON + "}"}).wantError(t, 500, oxlin.CodeInternal, "")
	if strings.Contains(string(got.body), "secret detail") {
		t.Errorf("%s", got.body)
	}
	if !strings.Contains(w.Log.String(), "secret detail") || !strings.Contains(w.Log.String(), got.Header.Get("X-Request-ID")) {
		t.Errorf("the log lacks the cause: %s", w.Log)
	}
}

// TestWhatSoftwareSendsBesides: forms of requests that the document describes in prose.
func TestWhatSoftwareSendsBesides(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	c := w.connection(t, user)
	first, second := w.account(t, c), w.account(t, c, func(a *oxlin.Account) { a.Status = oxlin.AccountPendingConsent })
	whole := w.send(t, request{method: "GET", path: "/v2.1/accounts", token: token}).want(t, 200)
	for fact, path := range map[string]string{
		"a slash at the end":             "/v2.1/accounts/",
		"a list with brackets":           "/v2.1/accounts?status[]=ACTIVE&status[]=PENDING_CONSENT",
		"a list with numbered brackets":  "/v2.1/accounts?status%5B0%5D=ACTIVE&status%5B1%5D=PENDING_CONSENT",
		"a list with and without":        "/v2.1/accounts?status=ACTIVE&status[]=PENDING_CONSENT",
		"spaces in a list":               "/v2.1/accounts?status=ACTIVE,%20PENDING_CONSENT",
		"spaces and an entry too many":   "/v2.1/accounts?status=+ACTIVE%20,,PENDING_CONSENT,",
		"spaces in repeated values":      "/v2.1/accounts?status=+ACTIVE&status[]=PENDING_CONSENT+",
		"spaces in an order":             "/v2.1/accounts?sort=creation_date,%20id",
		"a list of commas and spaces":    "/v2.1/accounts?status=,%20,",
		"brackets that lead to no list":  "/v2.1/accounts?other[a][b]=ACTIVE",
		"brackets that are not balanced": "/v2.1/accounts?other[=ACTIVE",
	} {
		got := w.send(t, request{method: "GET", path: path, token: token, tolerated: strings.ContainsAny(path, ",+")}).want(t, 200)
		if !bytes.Equal(got.body, whole.body) {
			t.Errorf("%s: %s, want the accounts %s and %s", fact, got.body, first, second)
		}
	}
	w.send(t, request{method: "GET", path: "/v2.1/accounts?status[]=OPEN", token: token}).wantError(t, 400, oxlin.CodeInvalidRequest, "status")

	head := w.send(t, request{method: "HEAD", path: "/v2.1/accounts", token: token, tolerated: true}).want(t, 200)
	if len(head.body) != 0 || head.Header.Get("Content-Type") != whole.Header.Get("Content-Type") {
		t.Errorf("HEAD: %s %s", head.Header, head.body)
	}
	w.send(t, request{method: "HEAD", path: "/v2.1/accounts", tolerated: true}).want(t, 401)
	options := w.send(t, request{method: "OPTIONS", path: "/v2.1/accounts", tolerated: true}).want(t, 204)
	if allow := options.Header.Get("Allow"); allow != "GET, HEAD, POST" {
		t.Errorf("OPTIONS: Allow %q", allow)
	}
}

func TestBodiesOfGETAreIgnored(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	_, token := w.user(t, licensed)
	w.send(t, request{method: "GET", path: "/v2.1/accounts", token: token, body: `{"a":`, contentType: "application/x-www-form-urlencoded"}).want(t, 200)
}

func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.PublicURL = "https://api.example.test" })
	loader := openapi3.NewLoader()
	source, err := loader.LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"yaml", "json"} {
		served := w.send(t, request{method: "GET", path: "/v2.1/openapi." + form, tolerated: true}).want(t, 200)
		if form == "json" && !json.Valid(served.body) {
			t.Fatal("no JSON")
		}
		document, err := loader.LoadFromData(served.body)
		if err != nil {
			t.Fatal(err)
		}
		err = document.Validate(loader.Context)
		if err != nil {
			t.Error(err)
		}
		if document.Servers[0].URL != "https://api.example.test/v2.1" {
			t.Errorf("%s: the server is %s", form, document.Servers[0].URL)
		}
		for path := range source.Paths.Map() {
			if document.Paths.Find(path) == nil {
				t.Errorf("%s: %s is missing", form, path)
			}
		}
		for _, page := range []string{"add_connection", "edit_credentials", "user_input", "manage_accounts", "professional-account", "terms"} {
			if document.Paths.Find("/widget/"+page) == nil {
				t.Errorf("%s: the page %s is missing", form, page)
			}
		}
	}
}
