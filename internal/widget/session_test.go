package widget_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

func TestASessionLinksToEveryEntryPoint(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	for path, below := range map[string]string{
		"/widget_session": "", "/widget/widget_session": "", "/v2.1/widget_session": "/v2.1", "/v2.1/widget/widget_session": "/v2.1",
	} {
		got := p.begin(path, nil)
		if got.status != http.StatusCreated || !regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`).MatchString(got.ID) {
			t.Fatalf("%s: %+v", path, got)
		}
		want := map[string]string{}
		for name, entry := range map[string]string{
			"add_connection": "add_connection", "edit_credentials": "edit_credentials", "user_input": "user_input",
			"manage_accounts": "manage_accounts", "professional_account": "professional-account", "terms": "terms",
		} {
			want[name] = w.URL + below + "/widget/" + entry + "?session_id=" + got.ID
		}
		if diff := cmp.Diff(want, got.Links); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		b := p.browser()
		b.open(got.Links["add_connection"])
		b.want("banks")
		if !strings.HasPrefix(b.address, w.URL+below+"/widget/add_connection?") {
			t.Errorf("the flow of a session of %s is at %s", path, b.address)
		}
	}
}

func TestASessionIsRefused(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p, other, stranger := w.person(t, shop), w.person(t, shop), w.person(t, sandbox)
	const callback = "https://shop.example.test/back"
	for _, row := range []struct {
		fact   string
		more   url.Values
		status int
		error  oxlin.Code
		field  string
	}{
		{"a wrong secret", form("client_secret", "x"), 401, oxlin.CodeInvalidClient, ""},
		{"an unknown client", form("client_id", "nobody"), 401, oxlin.CodeInvalidClient, ""},
		{"an unknown token", form("access_token", "x"), 401, oxlin.CodeInvalidToken, ""},
		{"a refresh token as access token", form("access_token", p.refresh), 401, oxlin.CodeInvalidToken, ""},
		{"another client's token", form("access_token", stranger.access), 400, oxlin.CodeInvalidRequest, "access_token"},
		{"an unknown refresh token", form("refresh_token", "x"), 401, oxlin.CodeInvalidToken, ""},
		{"another client's refresh token", form("refresh_token", stranger.refresh), 401, oxlin.CodeInvalidToken, ""},
		{"another user's refresh token", form("refresh_token", other.refresh), 400, oxlin.CodeInvalidRequest, "refresh_token"},
		{"an address that is not registered", form("redirect_url", "https://evil.example"), 400, oxlin.CodeInvalidRequest, "redirect_url"},
		{"by its older name", form("redirect_uri", "https://evil.example"), 400, oxlin.CodeInvalidRequest, "redirect_uri"},
		{"to cancel", form("cancel_url", callback+"s"), 400, oxlin.CodeInvalidRequest, "cancel_url"},
		{"for the way back from the bank", form("aspsp_callback_uri", "https://shop.example.test/"), 400, oxlin.CodeInvalidRequest, "aspsp_callback_uri"},
		{"a script", form("redirect_url", "javascript:alert(1)"), 400, oxlin.CodeInvalidRequest, "redirect_url"},
		{"no number", form("connection_id", "seven"), 400, oxlin.CodeInvalidRequest, "connection_id"},
		{"neither true nor false", form("wait_sync_end", "perhaps"), 400, oxlin.CodeInvalidRequest, "wait_sync_end"},
		{"by its older name, too", form("captive_mode", "perhaps"), 400, oxlin.CodeInvalidRequest, "captive_mode"},
		{"accounts that there are not", form("expected_account_types", "SOME"), 400, oxlin.CodeInvalidRequest, "expected_account_types"},
		{"no number of seconds", form("congrats_bypass_delay", "soon"), 400, oxlin.CodeInvalidRequest, "congrats_bypass_delay"},
		{"less than no time", form("congrats_bypass_delay", "-1"), 400, oxlin.CodeInvalidRequest, "congrats_bypass_delay"},
		{"no country", form("countries", "FRA,Atlantis"), 400, oxlin.CodeInvalidRequest, "countries"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			got := p.begin("/widget_session", row.more)
			if got.status != row.status || got.Error != string(row.error) || got.Field != row.field {
				t.Errorf("%+v, want %d %s %q", got, row.status, row.error, row.field)
			}
		})
	}
}

// expired opens a page of an expired session with every method.
func expired(t *testing.T, b *browser, selector string) {
	t.Helper()
	page, query, _ := strings.Cut(b.address, "?")
	address, values := b.form(selector)
	b.open(page + "/events?" + query)
	if b.status != http.StatusUnauthorized {
		t.Errorf("the stream of progress: status %d", b.status)
	}
	b.send(http.MethodPost, address, values)
	// The response to a form is a page, because browsers apply form-action to redirects.
	if b.at() != "done" {
		t.Errorf("the answer to a form is %s", b.at())
	}
	b.wantEnd("error expired")
	b.open(address)
	if b.page != nil || b.status != http.StatusSeeOther {
		t.Errorf("a page is no immediate redirect: %d %s", b.status, b.text())
	}
	if target, _ := b.over(); target != "https://shop.example.test/back" {
		t.Errorf("the user goes to %s", target)
	}
	b.wantEnd("error expired")
}

func TestASessionWithoutRefreshTokenEndsWithTheAccessToken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, shop)
		w.Clock.Advance(20 * time.Minute)
		b := p.visit("add_connection", "redirect_url", "https://shop.example.test/back", "provider_id", "87")
		b.want("notice")
		w.Clock.Advance(39 * time.Minute)
		b.reload().want("notice")
		w.Clock.Advance(time.Minute)
		expired(t, b, "button[value=authorize]")
	})
}

func TestASessionEndsWhenItsTokenIsRevoked(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	revoke := func(p *person, token string) {
		t.Helper()
		response, err := http.PostForm(w.URL+"/revoke", form("client_id", "shop", "client_secret", "shop-secret", "token", token))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("revoke: HTTP %d", response.StatusCode)
		}
	}
	p := w.person(t, shop)
	b := p.visit("add_connection", "redirect_url", "https://shop.example.test/back", "provider_id", "87")
	revoke(p, p.access)
	expired(t, b, "button[value=cancel]")

	p = w.person(t, shop)
	b = p.browser()
	b.open(p.session("add_connection", form("refresh_token", p.refresh, "redirect_uri", "https://shop.example.test/back", "provider_id", "87")))
	revoke(p, p.refresh)
	expired(t, b, "button[value=cancel]")
}

// A refresh token is verified but not used up; the session is a separate grant.
func TestASessionWithARefreshTokenLivesOn(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, shop)
		b := p.browser()
		b.open(p.session("add_connection", form("refresh_token", p.refresh, "redirect_url", "https://shop.example.test/back", "provider_id", "87")))
		for range 30 { // fifteen hours
			w.Clock.Advance(30 * time.Minute)
			b.reload().want("notice")
		}
		response, err := http.PostForm(w.URL+"/token", form("client_id", "shop", "client_secret", "shop-secret", "grant_type", "refresh_token", "refresh_token", p.refresh))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var token struct {
			Access string `json:"access_token"`
		}
		err = json.NewDecoder(response.Body).Decode(&token)
		if err != nil || response.StatusCode != http.StatusOK || token.Access == "" {
			t.Fatalf("the client cannot refresh any more: HTTP %d, %v", response.StatusCode, err)
		}
		b.reload().want("notice") // the client's refresh changes nothing here
		for range 17 {
			w.Clock.Advance(30 * time.Minute)
			b.reload().want("notice")
		}
		w.Clock.Advance(30 * time.Minute) // a day is the maximum
		expired(t, b, "button[value=cancel]")
	})
}

func TestASessionThatIsLeftAloneEnds(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, shop)
	b := p.browser()
	b.open(p.session("add_connection", form("refresh_token", p.refresh, "redirect_url", "https://shop.example.test/back", "provider_id", "87")))
	w.Clock.Advance(time.Hour)
	expired(t, b, "button[value=cancel]")
	// This also applies without a flow. Without an address, the page is the widget's.
	p = w.person(t, shop)
	session := p.session("add_connection", form("refresh_token", p.refresh))
	w.Clock.Advance(time.Hour)
	b.open(session)
	if address, values := b.over(); address != "/success" || values.Get("lng") != "en" {
		t.Errorf("%s %v", address, values)
	}
	b.wantEnd("error expired")
	b.open(session + "&redirect_url=https://shop.example.test/back")
	if address, _ := b.over(); address != "https://shop.example.test/back" {
		t.Errorf("%s", address)
	}
	b.open(session + "&redirect_url=https://evil.example")
	if address, _ := b.over(); address != "/success" {
		t.Errorf("%s", address)
	}
	// After a week it is unknown.
	w.Clock.Advance(6 * 24 * time.Hour)
	sweep(t, w)
	b.open(session)
	b.wantEnd("error expired")
	w.Clock.Advance(24 * time.Hour)
	sweep(t, w)
	b.open(session)
	b.wantStatus(http.StatusUnauthorized).want("over")
}

func sweep(t *testing.T, w *world) {
	t.Helper()
	err := w.widget.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnUnknownSessionOpensNothing(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).browser()
	for _, address := range []string{
		"/widget/add_connection", "/widget/add_connection?session_id=", "/v2.1/widget/terms?session_id=nobody", "/widget/add_connection?session_id=nobody&flow=1",
		"/widget/add_connection?session_id=nobody&redirect_url=https://evil.example",
		"/widget/add_connection/events?session_id=nobody&flow=1", "/widget/add_connection/key?session_id=nobody&flow=1",
	} {
		b.open(w.URL + address)
		b.wantStatus(http.StatusUnauthorized).want("over")
		b.send(http.MethodPost, w.URL+address, form("action", "cancel"))
		if b.status == http.StatusOK || b.page == nil {
			t.Errorf("POST %s: %d", address, b.status)
		}
	}
	b.open(w.URL + "/widget/anything?session_id=nobody")
	b.wantStatus(http.StatusNotFound)
}

func TestTheUserOfASessionIsDeleted(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	b := p.visit("add_connection")
	err := w.Users.Delete(t.Context(), p.caller())
	if err != nil {
		t.Fatal(err)
	}
	b.reload().wantStatus(http.StatusUnauthorized).want("over")
}

// Only its own session opens a flow.
func TestAFlowOfAnotherSession(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p, other := w.person(t, sandbox), w.person(t, sandbox)
	b := p.visit("add_connection", "provider_id", "87")
	_, flow, _ := strings.Cut(b.address, "flow=")
	flow, _, _ = strings.Cut(flow, "&")
	for _, session := range []string{p.session("add_connection", nil), other.session("add_connection", nil)} {
		foreign := other.browser()
		foreign.open(session + "&flow=" + flow)
		foreign.want("banks") // a new flow begins
		if strings.Contains(foreign.address, "flow="+flow+"&") {
			t.Errorf("the flow is opened: %s", foreign.address)
		}
		foreign.send(http.MethodPost, session+"&flow="+flow, form("action", "cancel"))
		foreign.wantStatus(http.StatusNotFound)
		page, query, _ := strings.Cut(session+"&flow="+flow, "?")
		for _, part := range []string{"/events?", "/key?"} {
			foreign.open(page + part + query)
			foreign.wantStatus(http.StatusUnauthorized)
		}
	}
	b.reload().want("notice")
}

// The scopes of the quickstart document do not allow connecting a bank.
func TestInsufficientScope(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	narrow := []oxlin.Scope{oxlin.ScopeOpenID, oxlin.ScopeProfile, oxlin.ScopeAccountsRead}
	for _, entry := range []string{"add_connection", "edit_credentials", "user_input", "manage_accounts", "professional_account"} {
		p := w.person(t, licensed, narrow...)
		b := p.visit(entry, "redirect_url", "https://app.example.test/")
		b.wantEnd("error insufficient_scope")
		if !strings.Contains(b.away, "connections_manage") {
			t.Errorf("%s: the missing scope is not named: %s", entry, b.away)
		}
	}
	w.stranger(t, sandbox, narrow...).visit("terms").want("terms")
	manager := w.person(t, licensed, oxlin.ScopeAccountsManage)
	manager.visit("professional_account").wantEnd("success updated")
	manager.visit("professional_account", "connection_id", "999999").wantEnd("error invalid_connection")
	manager.visit("manage_accounts").wantEnd("error invalid_connection")
}

// The parameters of a session are checked again at every use.
func TestTheClientChangesItsAddresses(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, shop)
	b := p.browser()
	session := p.session("add_connection", form("redirect_url", "https://shop.example.test/back"))
	changed := shop
	changed.RedirectURIs = []string{"https://new.example.test/"}
	w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), changed) })
	b.open(session)
	b.wantStatus(http.StatusBadRequest).want("over") // no redirect to an address that is no longer registered
}
