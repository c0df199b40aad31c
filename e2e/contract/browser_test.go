package contract_test

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// browser is a browser without scripts. It follows redirects until one leads away from
// the platform.
type browser struct {
	testing.TB
	platform *platform
	jar      http.CookieJar
	// language is the value of Accept-Language.
	language string
	answer   answer
	address  *url.URL
	page     *goquery.Document
	// away is the address outside the platform to which it redirected the user.
	away *url.URL
}

// browse opens an address of the platform.
func (s *scene) browse(address string) *browser {
	s.Helper()
	return s.browseIn("", address)
}

// browseIn opens an address with a browser of that language.
func (s *scene) browseIn(language, address string) *browser {
	s.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	b := &browser{TB: s.TB, platform: s.platform, jar: jar, language: language}
	return b.open(address)
}

// open opens an address, which may be relative.
func (b *browser) open(address string) *browser {
	b.Helper()
	return b.follow(http.MethodGet, b.resolve(address), "")
}

func (b *browser) resolve(address string) *url.URL {
	b.Helper()
	base := b.address
	if base == nil {
		var err error
		base, err = url.Parse(b.platform.address)
		if err != nil {
			b.Fatal(err)
		}
	}
	resolved, err := base.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	return resolved
}

func (b *browser) follow(method string, address *url.URL, body string) *browser {
	b.Helper()
	b.away = nil
	for range 10 {
		request, err := http.NewRequestWithContext(b.Context(), method, address.String(), strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		if body != "" {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if b.language != "" {
			request.Header.Set("Accept-Language", b.language)
		}
		for _, cookie := range b.jar.Cookies(address) {
			request.AddCookie(cookie)
		}
		b.answer, b.address = answered(b.TB, b.platform, request), address
		response := http.Response{Header: b.answer.header}
		b.jar.SetCookies(address, response.Cookies())
		if b.answer.status/100 != 3 {
			b.read()
			return b
		}
		address = b.resolve(b.answer.header.Get("Location"))
		if !strings.HasPrefix(address.String(), b.platform.address) {
			b.away = address
			return b
		}
		method, body = http.MethodGet, ""
	}
	b.Fatalf("the redirects do not end: %s", address)
	return b
}

// read parses the page. A page that refreshes itself to another host sets away.
func (b *browser) read() {
	b.Helper()
	var err error
	b.page, err = goquery.NewDocumentFromReader(bytes.NewReader(b.answer.body))
	if err != nil {
		b.Fatal(err)
	}
	if to := b.page.Find("main[data-go]").AttrOr("data-go", ""); to != "" {
		b.away = b.resolve(to)
	}
}

// title is the page's heading.
func (b *browser) title() string { return strings.TrimSpace(b.page.Find("h1").Text()) }

// shows waits until the page has an element.
func (b *browser) shows(selector string) *browser {
	b.Helper()
	return eventually(b.TB, "the page shows "+selector, func() (*browser, bool) {
		if b.page != nil && b.page.Find(selector).Length() > 0 {
			return b, true
		}
		if b.away != nil {
			b.Fatalf("the user is sent to %s, where %s was awaited", b.away, selector)
		}
		if b.answer.status >= 400 {
			b.Fatalf("%s: HTTP %d, %s, where %s was awaited", b.answer.name, b.answer.status, b.title(), selector)
		}
		b.follow(http.MethodGet, b.address, "")
		return b, false
	})
}

// lacks fails if the page has an element.
func (b *browser) lacks(selector string) *browser {
	b.Helper()
	if b.page.Find(selector).Length() > 0 {
		b.Errorf("the page %q has %s", b.title(), selector)
	}
	return b
}

// leaves waits until the platform redirects the user away, and returns the address.
func (b *browser) leaves() *url.URL {
	b.Helper()
	return eventually(b.TB, "the user is sent back", func() (*url.URL, bool) {
		if b.away != nil {
			return b.away, true
		}
		b.follow(http.MethodGet, b.address, "")
		return nil, false
	})
}

// press waits for a button and presses it with the user's input, keyed by field names;
// other fields keep their values. An empty text unticks a box.
func (b *browser) press(selector string, typed form) *browser {
	b.Helper()
	button := b.shows(selector).page.Find(selector).First()
	sheet := button.Closest("form")
	values := url.Values{}
	sheet.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		name, value := input.AttrOr("name", ""), input.AttrOr("value", "")
		given, touched := typed[name]
		box := input.AttrOr("type", "") == "checkbox"
		switch {
		case touched && given != "" || touched && !box:
			values.Add(name, given)
		case touched:
		case !box || input.Is("[checked]"):
			values.Add(name, value)
		}
	})
	for name := range typed {
		if sheet.Find("[name='"+name+"']").Length() == 0 {
			b.Fatalf("the page %q has no field %s", b.title(), name)
		}
	}
	if name := button.AttrOr("name", ""); name != "" {
		values.Add(name, button.AttrOr("value", ""))
	}
	action := b.resolve(sheet.AttrOr("action", ""))
	if !strings.EqualFold(sheet.AttrOr("method", ""), http.MethodPost) {
		action.RawQuery = values.Encode()
		return b.follow(http.MethodGet, action, "")
	}
	return b.follow(http.MethodPost, action, values.Encode())
}

// act presses one of the widget's buttons by its action.
func (b *browser) act(action string) *browser {
	b.Helper()
	return b.press(button(action), nil)
}

// button is the selector of one of the widget's buttons.
func button(action string) string { return "button[name=action][value=" + action + "]" }

// Selectors that only one of the widget's pages matches.
const (
	termsPage     = "input#terms"
	banksPage     = "div.search-input > input#bank-search-input"
	noticePage    = "button[name=action][value=authorize]"
	loginPage     = "input[name='300']"
	smsPage       = "button[name='304'][value=true]"
	consentPage   = "button[name=action][value=consent]"
	accountsPage  = "input#account-0"
	offerPage     = "button[name=action][value=add_channel]"
	channelsPage  = "button[name=channel_definition_id]"
	endPage       = "main[data-go]"
	goingOnButton = "button[type=submit][data-e2e=submit-button]"
)

// accept accepts the platform's terms.
func (b *browser) accept() *browser {
	b.Helper()
	return b.press(button("accept_terms"), form{"terms": "accepted"})
}

// choose chooses a bank.
func (b *browser) choose(provider string) *browser {
	b.Helper()
	return b.press("button[name=provider_id][value='"+provider+"']", nil)
}

// atTheBank goes on from the notice to the bank and comes back.
func (b *browser) atTheBank(who customer) *browser {
	b.Helper()
	b.act("authorize")
	return b.open((&scene{b.TB, b.platform}).visit(b.leaves().String(), who).String())
}

// credentials types a customer's credentials in clear, as a browser without scripts
// does.
func (b *browser) credentials(who customer) *browser {
	b.Helper()
	return b.press(goingOnButton, form{"300": who.login, "301": who.password, "302": who.file})
}

// sms requests the code and types it.
func (b *browser) sms(code string) *browser {
	b.Helper()
	b.press("button[name='304'][value=true]", nil)
	return b.press("button[name='307'][value=true]", form{"306": code})
}

// widget creates a widget session and returns its links by name.
func (p *person) widget(parameters form) value {
	p.Helper()
	body := form{"client_id": p.software.id, "client_secret": p.software.secret, "access_token": p.token}
	for name, one := range parameters {
		body[name] = one
	}
	got := p.scene.nobody().post("/widget_session", body)
	if got.status != http.StatusOK {
		got.is(http.StatusCreated)
	}
	return got.json()
}

// entry returns a widget link with parameters appended, as clients do it. The user
// returns to backAt unless the parameters name another address.
func (p *person) entry(name string, parameters form) string {
	p.Helper()
	all := form{"redirect_url": backAt}
	for name, one := range parameters {
		all[name] = one
	}
	return p.widget(nil).at("_links."+name).text() + "&" + all.encode()
}

// modernEntry is entry below /v2.1.
func (p *person) modernEntry(name string, parameters form) string {
	p.Helper()
	return strings.Replace(p.entry(name, parameters), "/widget/", "/v2.1/widget/", 1)
}

// open opens an entry of the widget in a browser.
func (p *person) open(name string, parameters form) *browser {
	p.Helper()
	return p.scene.browse(p.entry(name, parameters))
}
