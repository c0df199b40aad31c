package api_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

// doorman stands for the widget: it records the request for a session.
type doorman struct{ asked oxlin.WidgetRequest }

func (d *doorman) Begin(_ context.Context, request oxlin.WidgetRequest) (oxlin.WidgetSession, error) {
	d.asked = request
	if request.ClientSecret.Reveal() != "hidden-secret" {
		return oxlin.WidgetSession{}, oxlin.Errorf(oxlin.CodeInvalidClient, "The client is unknown or its secret is wrong.")
	}
	links := map[string]string{}
	for _, name := range []string{"add_connection", "edit_credentials", "user_input", "manage_accounts", "professional_account", "terms"} {
		links[name] = "https://embed.example.test/widget/" + strings.ReplaceAll(name, "l_a", "l-a") + "?session_id=hidden-session"
	}
	return oxlin.WidgetSession{ID: oxlin.NewSecret("hidden-session"), Links: links}, nil
}

const (
	sessionForm = "client_id=licensed&client_secret=hidden-secret&access_token=hidden-access"
	sessionJSON = `{"client_id":"licensed","client_secret":"hidden-secret","access_token":"hidden-access"`
	forms       = "application/x-www-form-urlencoded"
)

func TestWidgetSessionIsMadeOnEveryPath(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.Widget = &doorman{} })
	for path, described := range map[string]bool{
		"/widget_session": false, "/widget/widget_session": false, "/v2.1/widget_session": true,
		"/v2.1/widget/widget_session": false, "/v2.1/v2.1/widget_session": false,
	} {
		got := w.send(t, request{method: "POST", path: path, body: sessionJSON + `}`, tolerated: !described}).want(t, 201)
		want := map[string]any{
			"session_id": "hidden-session",
			"_links": map[string]any{
				"add_connection":       "https://embed.example.test/widget/add_connection?session_id=hidden-session",
				"edit_credentials":     "https://embed.example.test/widget/edit_credentials?session_id=hidden-session",
				"user_input":           "https://embed.example.test/widget/user_input?session_id=hidden-session",
				"manage_accounts":      "https://embed.example.test/widget/manage_accounts?session_id=hidden-session",
				"professional_account": "https://embed.example.test/widget/professional-account?session_id=hidden-session",
				"terms":                "https://embed.example.test/widget/terms?session_id=hidden-session",
			},
		}
		if diff := cmp.Diff(want, got.json(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// In every form of request, the widget gets the credentials apart and the other members
// as a page's query.
func TestWidgetSessionTakesParametersFromEverywhere(t *testing.T) {
	t.Parallel()
	widget := &doorman{}
	w := oneWorld(t, func(o *api.Options) { o.Widget = widget })
	for _, row := range []struct {
		fact, query, contentType, body string
		described                      bool
		refresh                        string
		want                           url.Values
	}{
		{fact: "none", body: sessionJSON + `}`, described: true, want: url.Values{}},
		{fact: "a form", contentType: forms, body: sessionForm + "&refresh_token=hidden-refresh&captive_mode=false&provider_id=87", refresh: "hidden-refresh",
			want: url.Values{"captive_mode": {"false"}, "provider_id": {"87"}}},
		{fact: "JSON", body: sessionJSON + `,"captive_mode":false,"provider_id":87,"channel_definition_id":8700,"congrats_bypass_delay":0,"locale":"en_EN","countries":["FRA","BEL"]}`, described: true,
			want: url.Values{"captive_mode": {"false"}, "channel_definition_id": {"8700"}, "provider_id": {"87"}, "congrats_bypass_delay": {"0"}, "locale": {"en_EN"}, "countries": {"FRA", "BEL"}}},
		{fact: "JSON in words", body: sessionJSON + `,"wait_sync_end":"true","provider_id":"87","congrats_bypass_delay":"5","countries":"FRA,BEL"}`, described: true,
			want: url.Values{"wait_sync_end": {"true"}, "provider_id": {"87"}, "congrats_bypass_delay": {"5"}, "countries": {"FRA,BEL"}}},
		{fact: "JSON with a form's content type", contentType: forms, body: sessionJSON + `,"lng":"en"}`, want: url.Values{"lng": {"en"}}},
		{fact: "the query", query: "?captive_mode=false&redirect_uri=https%3A%2F%2Fapp.example.test%2Fback%3Fa%3Db&countries=FRA,BEL&countries=CHE&multiple_channels=", body: sessionJSON + `}`, described: true,
			want: url.Values{"captive_mode": {"false"}, "redirect_uri": {"https://app.example.test/back?a=b"}, "countries": {"FRA", "BEL", "CHE"}}},
		{fact: "the body wins over the query", query: "?locale=fr&font=Arial&client_secret=x", body: sessionJSON + `,"locale":"en"}`, described: true,
			want: url.Values{"locale": {"en"}, "font": {"Arial"}}},
		{fact: "everything in the query", query: "?" + sessionForm + "&auto_sync=false", want: url.Values{"auto_sync": {"false"}}},
		{fact: "an empty text of the consent", query: "?terms_body=", body: sessionJSON + `,"terms_header":""}`, described: true,
			want: url.Values{"terms_body": {""}, "terms_header": {""}}},
		{fact: "null is absent", body: sessionJSON + `,"locale":null}`, want: url.Values{}},
		{fact: "looks of any form, which the widget judges", body: sessionJSON + `,"hide_logo":"perhaps","font":3,"font_color":["red"],"elements_color":{},"terms_header":true}`,
			want: url.Values{"hide_logo": {"perhaps"}, "font": {"3"}, "font_color": {`["red"]`}, "elements_color": {"{}"}, "terms_header": {"true"}}},
		{fact: "looks in a form", contentType: forms, body: sessionForm + "&hide_logo=perhaps&font=" + strings.Repeat("a", 200),
			want: url.Values{"hide_logo": {"perhaps"}, "font": {strings.Repeat("a", 200)}}},
		{fact: "what nobody knows", body: sessionJSON + `,"colour":"red"}`, described: true, want: url.Values{}},
	} {
		t.Run(row.fact, func(t *testing.T) {
			w.send(t, request{method: "POST", path: "/v2.1/widget_session" + row.query, contentType: row.contentType, body: row.body, tolerated: !row.described}).want(t, 201)
			got := []string{string(widget.asked.ClientID), widget.asked.ClientSecret.Reveal(), widget.asked.AccessToken.Reveal(), widget.asked.RefreshToken.Reveal()}
			if diff := cmp.Diff([]string{"licensed", "hidden-secret", "hidden-access", row.refresh}, got); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.want, widget.asked.Parameters); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWidgetSessionIsRefused(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.Widget = &doorman{} })
	for _, row := range []struct {
		fact, body string
		status     int
		code       oxlin.Code
		field      string
	}{
		{"a wrong secret", `{"client_id":"licensed","client_secret":"x","access_token":"y"}`, 401, oxlin.CodeInvalidClient, ""},
		{"no secret", `{"client_id":"licensed","access_token":"y"}`, 400, oxlin.CodeInvalidRequest, "client_secret"},
		{"no client", `{"client_secret":"x","access_token":"y"}`, 400, oxlin.CodeInvalidRequest, "client_id"},
		{"no token", `{"client_id":"licensed","client_secret":"x"}`, 400, oxlin.CodeInvalidRequest, "access_token"},
		{"a flag that is none", sessionJSON + `,"captive_mode":"perhaps"}`, 400, oxlin.CodeInvalidRequest, "captive_mode"},
		{"unknown types of accounts", sessionJSON + `,"expected_account_types":"SOME"}`, 400, oxlin.CodeInvalidRequest, "expected_account_types"},
		{"an endless address", sessionJSON + `,"redirect_url":"https://` + strings.Repeat("a", 2000) + `"}`, 400, oxlin.CodeInvalidRequest, "redirect_url"},
		{"no JSON", `{`, 400, oxlin.CodeInvalidRequest, ""},
	} {
		t.Run(row.fact, func(t *testing.T) {
			w.send(t, request{method: "POST", path: "/v2.1/widget_session", body: row.body}).wantError(t, row.status, row.code, row.field)
		})
	}
	w.send(t, request{method: "GET", path: "/v2.1/widget_session?" + sessionForm, tolerated: true}).wantError(t, 405, oxlin.CodeMethodNotAllowed, "")
	without := oneWorld(t, func(*api.Options) {})
	without.send(t, request{method: "POST", path: "/v2.1/widget_session", body: sessionJSON + `}`}).wantError(t, 404, oxlin.CodeNotFound, "")
}

func TestWidgetSessionIsNotLogged(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(o *api.Options) { o.Widget = &doorman{} })
	w.send(t, request{method: "POST", path: "/v2.1/widget_session?refresh_token=hidden-refresh&redirect_uri=https://hidden.example.test", body: sessionJSON + `}`}).want(t, 201)
	w.send(t, request{method: "POST", path: "/widget/widget_session", body: `{"client_id":"hidden-client","client_secret":"hidden","access_token":"hidden"}`, tolerated: true}).want(t, 401)
	log := w.Log.String()
	if strings.Contains(log, "hidden") {
		t.Errorf("the log holds a secret:\n%s", log)
	}
	for _, word := range []string{"status=201 took=0s operation=createWidgetSession", "client=licensed", "status=401 took=0s operation=createWidgetSession", "code=invalid_client"} {
		if !strings.Contains(log, word) {
			t.Errorf("the log lacks %q:\n%s", word, log)
		}
	}
}
