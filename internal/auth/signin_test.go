package auth_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

const callback = "https://client.test/callback?keep=1"

// browser is a world seen with cookies.
type browser struct {
	*world
	jar http.CookieJar
}

func newBrowser(t *testing.T, w *world) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{w, jar}
}

// open opens the page of a client's request.
func (b *browser) open(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	a := b.get(t, path, headers...)
	b.jar.SetCookies(a.Request.URL, a.Cookies())
	return a
}

func parse(t *testing.T, a answer) *goquery.Document {
	t.Helper()
	document, err := goquery.NewDocumentFromReader(strings.NewReader(a.text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// submit fills the page's form in and sends it from the page.
func (b *browser) submit(t *testing.T, page answer, fields ...string) answer {
	t.Helper()
	return b.submitFrom(t, page, "same-origin", fields...)
}

func (b *browser) submitFrom(t *testing.T, page answer, site string, fields ...string) answer {
	t.Helper()
	values := url.Values{}
	for _, input := range parse(t, page).Find("form input[name]").EachIter() {
		values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	var cookies []string
	for _, cookie := range b.jar.Cookies(page.Request.URL) {
		cookies = append(cookies, cookie.String())
	}
	return b.post(t, page.Request.URL.RequestURI(), values.Encode(), "Cookie", strings.Join(cookies, "; "), "Sec-Fetch-Site", site)
}

func signinPath(pairs ...string) string {
	values := url.Values{"response_type": {"code"}, "client_id": {"sandbox"}, "redirect_uri": {callback}, "scope": {"openid profile"}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			values.Del(pairs[i])
		}
	}
	return "/signin?" + values.Encode()
}

// redirect gives the parameters that a redirect to the client carries.
func redirect(t *testing.T, a answer) url.Values {
	t.Helper()
	target, err := a.Location()
	if err != nil || a.StatusCode != http.StatusSeeOther || target.Host != "client.test" || target.Path != "/callback" || target.Query().Get("keep") != "1" {
		t.Fatalf("no redirect to the client: %d %q %s", a.StatusCode, a.Header.Get("Location"), a.text)
	}
	values := target.Query()
	values.Del("keep")
	if code := values.Get("error"); code != "" {
		checkCatalogue(t, code, oxlin.Catalogue[oxlin.Code(code)].Status)
	}
	return values
}

func TestSignin(t *testing.T) {
	t.Parallel()
	exchange := func(t *testing.T, w *world, code string, pairs ...string) answer {
		return w.post(t, "/token", form(append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", callback}, pairs...)...))
	}
	rows := []struct {
		fact string
		test func(t *testing.T, b *browser)
	}{
		{"a code is sent to the client and exchanged for tokens", func(t *testing.T, b *browser) {
			sent := redirect(t, b.submit(t, b.open(t, signinPath("state", "s p&=", "nonce", "n-1")), "username", email, "password", password))
			if sent.Get("state") != "s p&=" || len(sent) != 3 {
				t.Errorf("sent %v", sent)
			}
			a := exchange(t, b.world, sent.Get("code"))
			if a.StatusCode != http.StatusOK || a.field("scope") != "openid profile" || a.field("refresh_token") == "" || !b.works(t, a.field("access_token")) {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
			if claims := b.verify(t, a.field("id_token"), "sandbox"); claims["nonce"] != "n-1" {
				t.Errorf("claims %v", claims)
			}
			if a := b.refresh(t, a.field("refresh_token")); b.verify(t, a.field("id_token"), "sandbox")["nonce"] != nil {
				t.Error("a refreshed id_token has a nonce")
			}
		}},
		{"state may be short or missing, and what else clients add is ignored", func(t *testing.T, b *browser) {
			for _, state := range []string{"", "x"} {
				sent := redirect(t, b.submit(t, b.open(t, signinPath("state", state, "approval_prompt", "auto", "response_mode", "query", "max_age", "60", "login_hint", email)+"&"), "username", email, "password", password))
				if sent.Has("state") != (state != "") || sent.Get("state") != state {
					t.Errorf("sent %v", sent)
				}
			}
		}},
		{"scopes may stand between commas", func(t *testing.T, b *browser) {
			sent := redirect(t, b.submit(t, b.open(t, signinPath("scope", "openid,profile")), "username", email, "password", password))
			if a := exchange(t, b.world, sent.Get("code")); a.StatusCode != http.StatusOK || a.field("scope") != "openid profile" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"a code is good once; using it again ends its tokens", func(t *testing.T, b *browser) {
			sent := redirect(t, b.submit(t, b.open(t, signinPath()), "username", email, "password", password))
			first := exchange(t, b.world, sent.Get("code"))
			second := exchange(t, b.world, sent.Get("code"))
			if second.StatusCode != 400 || second.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", second.StatusCode, second.text)
			}
			if b.works(t, first.field("access_token")) || b.refresh(t, first.field("refresh_token")).StatusCode == http.StatusOK {
				t.Error("the tokens still work")
			}
		}},
		{"a code lives ten minutes", func(t *testing.T, b *browser) {
			sent := redirect(t, b.submit(t, b.open(t, signinPath()), "username", email, "password", password))
			b.Clock.Advance(10 * time.Minute)
			if a := exchange(t, b.world, sent.Get("code")); a.field("error") != "invalid_grant" {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"a code is for its client and its redirect_uri", func(t *testing.T, b *browser) {
			code := redirect(t, b.submit(t, b.open(t, signinPath()), "username", email, "password", password)).Get("code")
			for name, a := range map[string]answer{
				"redirect_uri": exchange(t, b.world, code, "redirect_uri", "https://client.test/other"),
				"client":       exchange(t, b.world, code, "client_id", "sandbox-licensed", "client_secret", "sandbox-licensed-secret"),
			} {
				if a.field("error") != "invalid_grant" {
					t.Errorf("another %s: %d %s", name, a.StatusCode, a.text)
				}
			}
		}},
		{"PKCE: the verifier has to match, and cannot be left out", func(t *testing.T, b *browser) {
			verifier := oauth2.GenerateVerifier()
			challenged := signinPath("code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256")
			code := redirect(t, b.submit(t, b.open(t, challenged), "username", email, "password", password)).Get("code")
			for _, wrong := range []string{oauth2.GenerateVerifier(), ""} {
				if a := exchange(t, b.world, code, "code_verifier", wrong); a.field("error") != "invalid_grant" {
					t.Errorf("verifier %q: %d %s", wrong, a.StatusCode, a.text)
				}
			}
			if a := exchange(t, b.world, code, "code_verifier", verifier); a.StatusCode != http.StatusOK {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"a wrong password shows the page again", func(t *testing.T, b *browser) {
			for _, username := range []string{email, "nobody@example.test"} {
				a := b.submit(t, b.open(t, signinPath("lng", "en")), "username", username, "password", "wrong")
				if a.StatusCode != 400 || parse(t, a).Find("[role=alert]").Text() != "The e-mail address or the password is not right." ||
					parse(t, a).Find("input[name=username]").AttrOr("value", "") != username {
					t.Errorf("got %d %s", a.StatusCode, a.text)
				}
			}
		}},
		{"cancelling tells the client", func(t *testing.T, b *browser) {
			sent := redirect(t, b.submit(t, b.open(t, signinPath("state", "xyz")), "cancel", "true"))
			if sent.Get("error") != "access_denied" || sent.Get("state") != "xyz" || sent.Has("code") {
				t.Errorf("sent %v", sent)
			}
		}},
		{"a form from another site is refused", func(t *testing.T, b *browser) {
			a := b.submitFrom(t, b.open(t, signinPath()), "cross-site", "username", email, "password", password)
			if a.StatusCode != http.StatusForbidden {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
		{"a form is good in the browser that opened it, for its request, for an hour", func(t *testing.T, b *browser) {
			page := b.open(t, signinPath())
			other := newBrowser(t, b.world)
			otherPage := other.open(t, signinPath("state", "other"))
			otherRequest := page
			otherRequest.Response = otherPage.Response
			for name, a := range map[string]answer{
				"browser": newBrowser(t, b.world).submit(t, page, "username", email, "password", password),
				"request": b.submit(t, otherRequest, "username", email, "password", password),
			} {
				if a.StatusCode != http.StatusForbidden {
					t.Errorf("another %s: %d %s", name, a.StatusCode, a.text)
				}
			}
			b.Clock.Advance(time.Hour)
			expired := b.submit(t, page, "username", email, "password", password)
			if expired.StatusCode != http.StatusForbidden {
				t.Fatalf("an hour later: %d %s", expired.StatusCode, expired.text)
			}
			if a := b.submit(t, expired, "password", password); a.StatusCode != http.StatusSeeOther {
				t.Errorf("the page shown again: %d %s", a.StatusCode, a.text)
			}
		}},
		{"too many wrong passwords close the page as well", func(t *testing.T, b *browser) {
			page := b.open(t, signinPath("lng", "en"))
			for range 100 {
				b.submit(t, page, "username", "guessed@example.test", "password", "wrong")
			}
			a := b.submit(t, page, "username", "guessed@example.test", "password", "wrong")
			if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "3600" || !strings.Contains(a.text, "Too many attempts") {
				t.Errorf("got %d %s", a.StatusCode, a.text)
			}
		}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, row := range rows {
			t.Run(row.fact, func(t *testing.T) { row.test(t, newBrowser(t, w)) })
		}
	})
}

// Errors of the request go to the client where it is known, else to the user
// (RFC 6749 §4.1.2.1).
func TestSigninRefusesARequest(t *testing.T) {
	t.Parallel()
	rows := []struct {
		fact string
		path string
		err  string
		page bool // the error is shown and not sent
	}{
		{"an unknown client", signinPath("client_id", "nobody"), "invalid_client", true},
		{"a NUL", signinPath("client_id", "\x00"), "invalid_request", true},
		{"bytes that are no text", signinPath("nonce", "\xff"), "invalid_request", true},
		{"no client", signinPath("client_id", ""), "invalid_client", true},
		{"a redirect_uri that is not registered", signinPath("client_id", "CLIENT", "redirect_uri", callback+"&more"), "invalid_request", true},
		{"a registered redirect_uri with other letters", signinPath("client_id", "CLIENT", "redirect_uri", "https://CLIENT.test/callback?keep=1"), "invalid_request", true},
		{"no redirect_uri, of a client that has two", signinPath("client_id", "TWO", "redirect_uri", "", "scope", ""), "invalid_request", true},
		{"no redirect_uri, of a client that may have any", signinPath("redirect_uri", "", "scope", ""), "invalid_request", true},
		{"no redirect_uri, of a client that has none", signinPath("client_id", "NONE", "redirect_uri", "", "scope", ""), "invalid_request", true},
		{"no redirect_uri, with openid (OpenID Connect Core §3.1.2.1)", signinPath("client_id", "CLIENT", "redirect_uri", "", "scope", "openid"), "invalid_request", true},
		{"a parameter twice", signinPath() + "&redirect_uri=https://other.test/", "invalid_request", true},
		{"a semicolon, after which parameters would be left out", signinPath() + "&nonce=1;x", "invalid_request", true},
		{"a redirect_uri with a fragment", signinPath("redirect_uri", callback+"#x"), "invalid_request", true},
		{"an unknown scope", signinPath("scope", "openid everything"), "invalid_scope", false},
		{"a scope for clients", signinPath("scope", "users_create"), "invalid_scope", false},
		{"another response_type", signinPath("response_type", "token"), "unsupported_response_type", false},
		{"no response_type", signinPath("response_type", ""), "unsupported_response_type", false},
		{"another response_mode", signinPath("response_mode", "form_post"), "unsupported_response_mode", false},
		{"a plain code_challenge", signinPath("code_challenge", strings.Repeat("x", 43), "code_challenge_method", "plain"), "invalid_request", false},
		{"a request object", signinPath("request", "x"), "request_not_supported", true},
		{"the address of a request object", signinPath("request_uri", "https://client.test/request"), "request_uri_not_supported", true},
		{"a registration", signinPath("registration", "x"), "registration_not_supported", false},
		{"prompt=none, because nobody stays signed in", signinPath("prompt", "none"), "login_required", false},
		{"a public client without PKCE", signinPath("client_id", "PUBLIC"), "invalid_request", false},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		create := func(redirectURIs ...string) string {
			created, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "c", RedirectURIs: redirectURIs})
			if err != nil {
				t.Fatal(err)
			}
			return "client_id=" + string(created.ID)
		}
		public, secret, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "p", RedirectURIs: []string{callback}, Public: true})
		if err != nil || !secret.IsZero() {
			t.Fatal(err, "or a public client with a secret")
		}
		ids := strings.NewReplacer(
			"client_id=CLIENT", create(callback), "client_id=TWO", create(callback, "https://client.test/"), "client_id=NONE", create(),
			"client_id=PUBLIC", "client_id="+string(public.ID),
		)
		for _, row := range rows {
			t.Run(row.fact, func(t *testing.T) {
				a := w.get(t, ids.Replace(row.path)+"&state=abc")
				if row.page {
					if a.Header.Get("Location") != "" || a.StatusCode < 400 || parse(t, a).Find("code").Text() != row.err {
						t.Errorf("got %d %q %s", a.StatusCode, a.Header.Get("Location"), a.text)
					}
					checkCatalogue(t, row.err, a.StatusCode)
					return
				}
				sent := redirect(t, a)
				if sent.Get("error") != row.err || sent.Get("error_description") == "" || sent.Get("state") != "abc" {
					t.Errorf("sent %v", sent)
				}
			})
		}
	})
}

func TestSigninPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		languages := []struct{ path, header, want string }{
			{signinPath(), "", "fr"},
			{signinPath(), "de, en;q=0.5", "en"},
			{signinPath(), "en-GB", "en"},
			{signinPath(), "ja", "fr"},
			{signinPath("lng", "en_EN"), "fr", "en"},
			{signinPath("locale", "fr-FR"), "en", "fr"},
			{signinPath("lng", "xx"), "en", "en"},
			{signinPath("ui_locales", "en-GB fr"), "fr", "en"},
			{signinPath("ui_locales", "de en"), "fr", "en"},
			{signinPath("ui_locales", "en", "lng", "fr"), "en", "fr"},
		}
		for _, l := range languages {
			a := w.get(t, l.path, "Accept-Language", l.header)
			if got := parse(t, a).Find("html").AttrOr("lang", ""); got != l.want || a.Header.Get("Content-Language") != l.want {
				t.Errorf("%s with %q: %s", l.path, l.header, got)
			}
		}
		a := w.get(t, signinPath("scope", "openid accounts_read", "lng", "en", "state", `"><script>alert(1)</script>`))
		if a.StatusCode != http.StatusOK || strings.Contains(a.text, "<script>") {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
		document := parse(t, a)
		for _, script := range document.Find("script").EachIter() {
			address := script.AttrOr("src", "")
			if served := w.get(t, address); !strings.HasPrefix(address, "/signin/assets/") || served.StatusCode != http.StatusOK || script.Text() != "" {
				t.Errorf("the script %q: %d", address, served.StatusCode)
			}
		}
		if document.Find("button[type=button][data-reveal=password][aria-controls=password][hidden]").Length() != 1 {
			t.Error("the typed password cannot be shown")
		}
		if got := document.Find("li").Text(); got != "see your bank accounts" {
			t.Errorf("asks for %q", got)
		}
		for _, input := range document.Find("input:not([type=hidden])").EachIter() {
			if document.Find("label[for="+input.AttrOr("id", "")+"]").Length() != 1 {
				t.Errorf("the field %s has no label", input.AttrOr("name", ""))
			}
			if fills := input.AttrOr("autocomplete", "off"); fills != "username" && fills != "current-password" {
				t.Errorf("a password manager finds %q in the field %s", fills, input.AttrOr("name", ""))
			}
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if a.Header.Get(name) != want {
				t.Errorf("%s: %q", name, a.Header.Get(name))
			}
		}
		cookie := a.Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/signin" {
			t.Errorf("cookie %v", cookie)
		}
		policies := map[string][2]string{ // of a client with any target
			callback:                  {"https://client.test", " https://client.test"},
			"http://127.0.0.1:8099/x": {"http://127.0.0.1:*", " http://127.0.0.1:8099"},
			"com.example.app:/back":   {"'none'", " com.example.app:"},
			"https://a;img-src,b/x":   {"'none'", ""},
		}
		for target, want := range policies {
			policy := w.get(t, signinPath("redirect_uri", target)).Header.Get("Content-Security-Policy")
			if !strings.HasSuffix(policy, "; form-action 'self'"+want[1]) || !strings.HasPrefix(policy, "default-src 'none'; base-uri 'none'; frame-ancestors "+want[0]+"; style-src 'sha256-") {
				t.Errorf("%s: %q", target, policy)
			}
		}
	})
}

// The origins of a client's redirect targets may frame the page, and its cookie then works
// in a frame of another site (contract §12.9). No other page may.
func TestWhoMayFrameTheSigninPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		web, _, err := w.Clients.Create(t.Context(), directory.NewClient{
			Name: "Shop", RedirectURIs: []string{"https://shop.test/back", "https://shop.test/other", "https://app.shop.test:8443/", "com.shop.app:/back"},
		})
		if err != nil {
			t.Fatal(err)
		}
		app, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "App", RedirectURIs: []string{"com.example.app:/back"}})
		if err != nil {
			t.Fatal(err)
		}
		rows := []struct {
			fact, issuer     string
			client           oxlin.ClientID
			target           string
			status           int
			ancestors        string
			crossSite, plain bool // whether there is a cookie, and which
		}{
			{"web targets, over HTTPS", "https://oxlin.test", web.ID, "https://shop.test/back", 200, "https://shop.test https://app.shop.test:8443", true, false},
			{"all targets of the client, whichever the request names", "https://oxlin.test", web.ID, "com.shop.app:/back", 200, "https://shop.test https://app.shop.test:8443", true, false},
			{"over HTTP, for tests on one machine", "http://oxlin.test", web.ID, "https://shop.test/back", 200, "https://shop.test https://app.shop.test:8443", false, true},
			{"an app has no pages", "https://oxlin.test", app.ID, "com.example.app:/back", 200, "'none'", false, true},
			{"any target: the one that the request names", "https://oxlin.test", "sandbox", "https://mine.test/back", 200, "https://mine.test", true, false},
			{"a target that is not registered", "https://oxlin.test", web.ID, "https://thief.test/back", 400, "'none'", false, false},
			{"an unknown client", "https://oxlin.test", "nobody", "https://shop.test/back", 401, "'none'", false, false},
		}
		for _, row := range rows {
			mux := http.NewServeMux()
			w.NewAuth(row.issuer, nil).Register(mux)
			answer := httptest.NewRecorder()
			path := signinPath("client_id", string(row.client), "redirect_uri", row.target, "scope", "profile")
			mux.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if answer.Code != row.status || !strings.Contains(answer.Header().Get("Content-Security-Policy"), "; frame-ancestors "+row.ancestors+";") {
				t.Errorf("%s: %d %q", row.fact, answer.Code, answer.Header().Get("Content-Security-Policy"))
			}
			cookies := answer.Result().Cookies()
			if len(cookies) != 1 {
				if row.crossSite || row.plain {
					t.Errorf("%s: %d cookies", row.fact, len(cookies))
				}
				continue
			}
			c := cookies[0]
			secure := strings.HasPrefix(row.issuer, "https:")
			if name := map[bool]string{false: "oxlin_signin", true: "__Host-oxlin_signin"}[secure]; c.Name != name || secure && c.Path != "/" || c.Domain != "" || !c.HttpOnly {
				t.Errorf("%s: %s", row.fact, c)
			}
			if c.Secure != secure || c.Partitioned != row.crossSite || (c.SameSite == http.SameSiteNoneMode) != row.crossSite || (c.SameSite == http.SameSiteLaxMode) != row.plain {
				t.Errorf("%s: %s", row.fact, c)
			}
		}
	})
}

// A client that has registered one address need not say where its users come back to
// (RFC 6749 §3.1.2.3), and then need not say it again (RFC 6749 §4.1.3).
func TestSigninWithoutRedirectURI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		b := newBrowser(t, w)
		shop, secret, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Users.Create(t.Context(), shop, email, secretOf(password))
		if err != nil {
			t.Fatal(err)
		}
		page := b.open(t, signinPath("client_id", string(shop.ID), "redirect_uri", "", "scope", "profile"))
		code := redirect(t, b.submit(t, page, "username", email, "password", password)).Get("code")
		a := w.post(t, "/token", "grant_type=authorization_code&code="+code, "Authorization", basic(string(shop.ID), secret.Reveal()))
		if a.StatusCode != http.StatusOK || a.field("scope") != "profile" || !w.works(t, a.field("access_token")) {
			t.Errorf("got %d %s", a.StatusCode, a.text)
		}
	})
}

// A client on the user's own device: no secret, a code with PKCE, refreshing.
func TestPublicClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		b := newBrowser(t, w)
		public, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "App", RedirectURIs: []string{callback}, Public: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Users.Create(t.Context(), public, email, secretOf(password))
		if err != nil {
			t.Fatal(err)
		}
		verifier := oauth2.GenerateVerifier()
		page := b.open(t, signinPath("client_id", string(public.ID), "code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256"))
		code := redirect(t, b.submit(t, page, "username", email, "password", password)).Get("code")
		body := url.Values{"client_id": {string(public.ID)}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
		a := w.post(t, "/token", body.Encode())
		if a.StatusCode != http.StatusOK {
			t.Fatalf("got %d %s", a.StatusCode, a.text)
		}
		id := "client_id=" + string(public.ID)
		if a := w.post(t, "/token", id+"&grant_type=refresh_token&refresh_token="+a.field("refresh_token")); a.StatusCode != http.StatusOK {
			t.Errorf("refresh: %d %s", a.StatusCode, a.text)
		}
		for name, refused := range map[string]struct {
			answer
			err string
		}{
			"password":           {w.post(t, "/token", id+"&grant_type=password&username="+email+"&password="+password), "unauthorized_client"},
			"client_credentials": {w.post(t, "/token", id+"&grant_type=client_credentials"), "unauthorized_client"},
			"introspection":      {w.post(t, "/introspect", id+"&token="+a.field("access_token")), "invalid_client"},
			"a secret":           {w.post(t, "/token", id+"&client_secret=x&grant_type=refresh_token&refresh_token=x"), "invalid_client"},
		} {
			if refused.field("error") != refused.err {
				t.Errorf("%s: %d %s", name, refused.StatusCode, refused.text)
			}
		}
	})
}
