package widget_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

// A decision about professional accounts in one tab also ends the other.
func TestTwoTabsDecideAboutProfessionalAccounts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, row := range []struct{ one, other, end string }{
			{"refuse", "validate", "success refused"}, {"validate", "refuse", "success validated"}, {"validate", "validate", "success validated"},
		} {
			p := w.person(t, sandbox)
			b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev+professional").wait()
			b.act("consent").wait().wantEnd("success created")
			link := p.session("professional_account", nil)
			one, other := p.browser(), p.browser()
			one.open(link)
			other.open(link)
			other.want("professional")
			one.act(row.one).wantEnd(row.end)
			other.act(row.other).wantEnd(row.end)
			other.open(link) // no decision is left
			other.wantEnd("success updated")
		}
	})
}

// Deselecting all accounts deletes the connection. The page warns of it, and the result
// does not name the deleted connection.
func TestManageAccountsUntilNoneIsLeft(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, licensed)
		p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().act("consent").wait().wantEnd("success created")
		b := p.visit("manage_accounts").want("accounts")
		if !strings.Contains(b.text(), "If you untick them all, the access to your bank is removed.") {
			t.Errorf("the page does not say what unticking does: %s", b.text())
		}
		address, values := b.form("button[value=choose]")
		values.Del("account")
		b.send(http.MethodPost, address, values)
		if end := b.wantEnd("success updated"); end.Has("connection_id") {
			t.Errorf("the end names a connection: %v", end)
		}
		if list, _ := b.messages(); len(list) != 1 || list[0]["connection_id"] != "" {
			t.Errorf("the message names a connection: %v", list)
		}
	})
}

// Before the first list of accounts there is nothing to choose, and after it the page of the
// flow that gave the access asks alone (contract §12.5).
func TestManageAccountsBeforeThereAreAny(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, licensed)
	asking := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").want("loading")
	other := p.visit("manage_accounts").want("loading")
	other.work()
	other.reload().wantEnd("success updated")
	for _, entry := range []string{"manage_accounts", "user_input", "edit_credentials"} {
		page := p.visit(entry)
		if strings.Contains(page.body, "COMPTE") {
			t.Errorf("%s of another session shows the accounts: %s", entry, page.text())
		}
	}
	asking.reload().want("consent").act("consent").wait().wantEnd("success created")
	if n := p.visit("manage_accounts").want("accounts").page.Find("input[name=account]").Length(); n != 3 {
		t.Errorf("%d accounts to choose", n)
	}
}

// If a bank has never listed an account, the page shows the reason and offers a retry.
func TestManageAccountsWhereNoneWasEverListed(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, licensed)
	w.Scenario("dev", "down")
	b := p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev")
	for range 10 {
		w.Clock.Advance(time.Minute)
		p.work()
	}
	b.reload().want("failed").act("leave").wantEnd("error failed")
	p.visit("manage_accounts").want("failed").act("leave").wantEnd("error failed")
	w.EndScenario("login=dev")
	b = p.visit("manage_accounts").act("retry").wait().want("accounts")
	if n := b.page.Find("input[name=account]").Length(); n != 3 {
		t.Errorf("%d accounts to choose", n)
	}

	// This page never asks for new access.
	p = w.person(t, licensed)
	p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").signIn("dev", "wrong").want("login")
	b = p.visit("manage_accounts").want("failed")
	if b.page.Find("button[value=retry]").Length() != 0 {
		t.Errorf("the page offers what it cannot do: %s", b.text())
	}
	b.act("leave").wantEnd("error auth_failed")
}

// The last page and the error pages have the style of the flow.
func TestOurPagesLookAsTheClientWants(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	hidden := []string{"hide_logo", "true", "elements_color", "teal", "lng", "en"}
	for _, row := range []struct {
		fact  string
		open  func(p *person) *browser
		names bool
	}{
		{"the end of a flow", func(p *person) *browser {
			b := p.visit("add_connection", hidden...).act("cancel").want("done")
			if strings.Contains(b.text(), "Taking you back") || strings.Contains(b.text(), "You can close this page.") {
				t.Errorf("nobody is taken back, and there is a page to come: %s", b.text())
			}
			b.open(w.URL + b.leaves())
			if !strings.Contains(b.text(), "You can close this page.") {
				t.Errorf("the last page does not say so: %s", b.text())
			}
			return b
		}, true},
		{"an end in a session that is forgotten", func(p *person) *browser {
			b := p.visit("add_connection", hidden...).act("cancel").want("done")
			target, err := url.Parse(w.URL + b.leaves())
			if err != nil {
				t.Fatal(err)
			}
			query := target.Query()
			query.Set("session_id", "forgotten")
			target.RawQuery = query.Encode()
			b.open(target.String())
			return b
		}, false},
		{"a page that is refused", func(p *person) *browser {
			return p.visit("add_connection", append(hidden, "cancel_url", "javascript:alert(1)")...).wantStatus(http.StatusBadRequest)
		}, true},
	} {
		b := row.open(w.person(t, licensed)).want("over")
		if strings.Contains(b.body, "Oxlin") || b.page.Find("link[href*='elements_color=teal']").Length() != 1 {
			t.Errorf("%s does not look as the flow did: %s", row.fact, b.body)
		}
		if strings.Contains(b.body, licensed.Name) != row.names {
			t.Errorf("%s: the client is named: %t", row.fact, !row.names)
		}
	}
	b := w.person(t, sandbox).visit("add_connection", append(hidden, "cancel_url", "javascript:alert(1)")...).want("over")
	if !strings.Contains(b.body, "Oxlin") || b.page.Find("link[href*=theme]").Length() != 0 {
		t.Error("a client without an agreement has hidden our logo")
	}
}

// A return through a page of the client continues its own flow.
func TestOtherParametersAreAnotherFlow(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	link := p.session("add_connection", nil) + "&"
	mine := form("provider_id", "87", "aspsp_callback_uri", "https://app.example.test/bank", "redirect_url", "https://app.example.test/back", "lng", "fr")
	b := p.browser()
	b.open(link + mine.Encode())
	flow := b.want("notice").address
	b.act("authorize").atBank("dev+refuse")
	b.open(link + form("provider_id", "182", "redirect_url", "https://app.example.test/other", "lng", "en").Encode())
	if b.want("login").page.Find("html").AttrOr("lang", "") != "en" {
		t.Errorf("the page is not in English: %s", b.text())
	}
	b.act("cancel")
	if address, _ := b.over(); address != "https://app.example.test/other" {
		t.Errorf("the user ends at %s", address)
	}
	b = p.browser()
	b.open(link + mine.Encode())
	if b.want("notice"); b.address != flow || b.page.Find("html").AttrOr("lang", "") != "fr" {
		t.Errorf("the flow does not go on, but %s: %s", b.address, b.text())
	}
	mine.Del("lng")
	mine.Set("locale", "en_GB")
	b.open(link + mine.Encode())
	if b.want("notice"); b.address != flow || b.page.Find("html").AttrOr("lang", "") != "en" {
		t.Errorf("the flow does not go on in the language that is asked for: %s %s", b.address, b.text())
	}
}

// The provider of edit_credentials must be that of the connection.
func TestTheProviderOfARenewal(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	p.visit("add_connection", "provider_id", "87").act("authorize").atBank("dev").wait().act("consent").wait().wantEnd("success created")
	id := p.connection().ID.String()
	for _, provider := range []string{"99999", "182"} {
		b := p.visit("edit_credentials", "connection_id", id, "provider_id", provider, "redirect_url", "https://app.example.test/")
		if got := b.wantEnd("error invalid_provider"); got.Get("connection_id") != id || !strings.Contains(got.Get("error_description"), provider) {
			t.Errorf("%v", got)
		}
	}
	p.visit("edit_credentials", "connection_id", id, "provider_id", "87").want("channels")
}

// An unreadable parameter is an error, because it may be an important one.
func TestALinkThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	for _, pair := range []string{"redirect_url=https://a.example/x;b=1", "redirect_url=https://a.example/100%", "%zz=1"} {
		b := p.browser()
		b.open(p.session("add_connection", nil) + "&" + pair)
		if b.wantStatus(http.StatusBadRequest).want("over"); !strings.Contains(b.text(), "encoded for a URL") {
			t.Errorf("%s: %s", pair, b.text())
		}
	}
}

// If one address is invalid, the user is redirected to the valid one.
func TestABadAddressBesideAGoodOne(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for _, name := range []string{"cancel_url", "aspsp_callback_uri"} {
		b := w.person(t, shop).visit("add_connection", "redirect_uri", "https://shop.example.test/back", name, "https://evil.example/")
		address, values := b.over()
		if b.page != nil || address != "https://shop.example.test/back" || strings.Contains(b.away, "evil") {
			t.Errorf("%s: the user ends at %s", name, b.away)
		}
		b.wantEnd("error invalid_request")
		if got, want := values.Get("error_description"), "The address in "+name+" is not registered for this client."; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	b := w.person(t, sandbox).visit("edit_credentials", "connection_id", "x", "redirect_url", "https://app.example.test/")
	if got := b.wantEnd("error invalid_request").Get("error_description"); got != "The parameter connection_id names no connection." {
		t.Errorf("the description is %q", got)
	}
}

// A header has only ASCII without spaces (RFC 9110), whatever the client's address has.
func TestTheHeaderThatIsRedirectable(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	for address, want := range map[string]string{
		"https://app.example/bé x?a=à b&c=%20+": "https://app.example/b%C3%A9%20x?a=%C3%A0%20b&c=%20+&",
		"https://app.example/#/é":               "https://app.example/?",
		"https://bücher.example/":               "https://b%C3%BCcher.example/?",
	} {
		b := w.person(t, sandbox).visit("add_connection", "provider_id", "999", "redirect_url", address)
		if !strings.HasPrefix(b.away, want) || strings.IndexFunc(b.away, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
			t.Errorf("%s leads to %s", address, b.away)
		}
	}
}

// A program on the user's machine may frame the widget and get its messages at any port.
func TestALoopbackAddressAtAnotherPort(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	loops := client("loops", "Loops", false, "http://127.0.0.1:8090/back", "http://127.0.0.1/other", "http://[::1]/back", "https://app.example.test/back", "http://localhost/back")
	w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), loops) })
	b := w.person(t, loops).visit("add_connection", "redirect_url", "http://127.0.0.1:9999/back").want("banks")
	const ancestors = "frame-ancestors http://127.0.0.1:* https://app.example.test http://localhost"
	if got := b.answer.Get("Content-Security-Policy"); !strings.HasSuffix(got, ancestors) {
		t.Errorf("%s", got)
	}
	told := func(want bool) {
		t.Helper()
		_, origins := b.messages()
		if got := strings.Contains(strings.Join(origins, " "), "http://127.0.0.1:9999"); got != want {
			t.Errorf("the window at port 9999 is told: %t (%v)", got, origins)
		}
	}
	told(true)
	loops.RedirectURIs = []string{"https://app.example.test/back"}
	w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), loops) })
	b.reload()
	told(false) // an address that is no longer registered gets no messages
}

// The stream reports the end of the session immediately.
func TestTheStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, shop)
	b := p.visit("add_connection", "provider_id", "87", "redirect_url", "https://shop.example.test/back")
	b.act("authorize").atBank("dev").want("loading")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.stream(), nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	revoked, err := http.PostForm(w.URL+"/revoke", form("client_id", "shop", "client_secret", "shop-secret", "token", p.access))
	if err != nil {
		t.Fatal(err)
	}
	revoked.Body.Close()
	body, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(body), "event: go") {
		t.Errorf("the page hears %q, %v", body, err)
	}
	b.reload()
	b.wantEnd("error expired")
}

// The link to another language overrides the language in the address.
func TestTheOtherLanguageWins(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	b := w.person(t, sandbox).browser()
	b.open(w.URL + "/success?status=success&result=created&locale=fr_FR")
	b.open(w.URL + b.page.Find("nav a[hreflang=en]").AttrOr("href", ""))
	if got := b.page.Find("html").AttrOr("lang", ""); got != "en" {
		t.Errorf("the page speaks %s", got)
	}
}
