package widget_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/oxlin/oxlin/testbank/robot"
)

// begun is the response to a request for a session.
type begun struct {
	status int
	ID     string            `json:"session_id"`
	Links  map[string]string `json:"_links"`
	Error  string            `json:"error"`
	Field  string            `json:"field"`
}

// begin creates a session as a client does, with parameters.
func (p *person) begin(path string, more url.Values) begun {
	p.t.Helper()
	all := form("client_id", string(p.client.ID), "client_secret", string(p.client.ID)+"-secret", "access_token", p.access)
	for name, values := range more {
		all[name] = values
	}
	response, err := http.PostForm(p.URL+path, all)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	got := begun{status: response.StatusCode}
	err = json.NewDecoder(response.Body).Decode(&got)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// session returns the link of an entry point in a new session.
func (p *person) session(entry string, more url.Values) string {
	p.t.Helper()
	got := p.begin("/widget_session", more)
	if got.status != http.StatusCreated || got.Links[entry] == "" {
		p.t.Fatalf("no session: %+v", got)
	}
	return got.Links[entry]
}

// browser is one tab of a browser without script.
type browser struct {
	*person
	// header is sent with every request.
	header http.Header
	// jar keeps the cookies; tabs of one browser share it.
	jar http.CookieJar
	// address is the address of the page; away is the last redirect out of the widget,
	// which the browser does not follow.
	address string
	away    string
	status  int
	answer  http.Header
	body    string
	page    *goquery.Document
}

func (p *person) browser() *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &browser{person: p, header: http.Header{"Accept-Language": {"en"}}, jar: jar}
}

// tab opens another tab of the same browser.
func (b *browser) tab() *browser {
	return &browser{person: b.person, header: http.Header{"Accept-Language": {"en"}}, jar: b.jar}
}

// visit opens an entry point in a new session, with parameters in the address.
func (p *person) visit(entry string, pairs ...string) *browser {
	p.t.Helper()
	b := p.browser()
	b.open(p.session(entry, nil) + "&" + form(pairs...).Encode())
	return b
}

func (b *browser) open(address string) {
	b.t.Helper()
	b.send(http.MethodGet, address, nil)
}

// send follows redirects inside the widget, except those to the last page.
func (b *browser) send(method, address string, values url.Values) {
	b.t.Helper()
	b.exchange(method, address, "application/x-www-form-urlencoded", []byte(values.Encode()))
}

// sendBody posts a form of another type.
func (b *browser) sendBody(address, contentType string, body []byte) {
	b.t.Helper()
	b.exchange(http.MethodPost, address, contentType, body)
}

func (b *browser) exchange(method, address, contentType string, sent []byte) {
	b.t.Helper()
	b.away = ""
	for range 5 {
		request, err := http.NewRequestWithContext(b.t.Context(), method, address, bytes.NewReader(sent))
		if err != nil {
			b.t.Fatal(err)
		}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", contentType)
			// Browsers send this with a form on a page without referrer.
			request.Header.Set("Origin", "null")
			request.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		for name, values := range b.header {
			request.Header[name] = values
		}
		for _, cookie := range b.jar.Cookies(request.URL) {
			request.AddCookie(cookie)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			b.t.Fatal(err)
		}
		b.jar.SetCookies(request.URL, response.Cookies())
		body, err := io.ReadAll(response.Body)
		if err := response.Body.Close(); err != nil {
			b.t.Fatal(err)
		}
		if err != nil {
			b.t.Fatal(err)
		}
		if response.StatusCode >= 500 {
			b.t.Fatalf("%s %s: HTTP %d", method, request.URL.Path, response.StatusCode)
		}
		b.address, b.status, b.answer, b.body = address, response.StatusCode, response.Header, string(body)
		if response.StatusCode != http.StatusSeeOther {
			root, err := html.ParseWithOptions(bytes.NewReader(body), html.ParseOptionEnableScripting(false))
			if err != nil {
				b.t.Fatal(err)
			}
			b.page = goquery.NewDocumentFromNode(root)
			return
		}
		// net/http does not resolve the address of an application without a host.
		next, err := request.URL.Parse(response.Header.Get("Location"))
		if err != nil {
			b.t.Fatal(err)
		}
		method, sent, address = http.MethodGet, nil, next.String()
		if next.Host != request.URL.Host || next.Path == "/success" {
			b.away, b.page = response.Header.Get("Location"), nil
			return
		}
	}
	b.t.Fatalf("redirects without end, at %s", address)
}

// signs are the selectors that identify the pages.
var signs = []struct{ page, selector string }{
	{"banks", "#bank-list"}, {"channels", "button[name=channel_definition_id]"}, {"notice", "button[value=authorize]"},
	{"login", "input[name=attempt]"}, {"file", "input[type=file]"}, {"loading", "#progress"}, {"challenge", "input[name=question]"},
	{"consent", "button[value=consent]"}, {"accounts", "button[value=choose]"}, {"offer", "button[value=add_channel]"},
	{"terms", "button[value=accept_terms]"}, {"professional", "button[value=validate]"}, {"failed", "button[value=leave]"},
	{"question", "button[value=confirm_return]"}, {"leaving", "main p > a.button"}, {"over", ".mark"},
}

// at returns the current page. Pages that redirect immediately are also "leaving".
func (b *browser) at() string {
	if b.page == nil {
		return "away to " + b.away
	}
	for _, sign := range signs {
		if b.page.Find(sign.selector).Length() > 0 {
			if sign.page == "leaving" && b.page.Find(".mark").Length() > 0 {
				return "done"
			}
			return sign.page
		}
	}
	return "no page: " + b.body
}

func (b *browser) want(page string) *browser {
	b.t.Helper()
	if got := b.at(); got != page {
		b.t.Fatalf("the page is %s, want %s: %s", got, page, b.text())
	}
	return b
}

func (b *browser) wantStatus(status int) *browser {
	b.t.Helper()
	if b.status != status {
		b.t.Fatalf("status %d, want %d: %s", b.status, status, b.text())
	}
	return b
}

var blanks = regexp.MustCompile(`\s+`)

// text returns the text of the page.
func (b *browser) text() string {
	if b.page == nil {
		return b.away
	}
	return strings.TrimSpace(blanks.ReplaceAllString(b.page.Find("main").Text(), " "))
}

// alert returns the error text of the page.
func (b *browser) alert() string {
	return strings.TrimSpace(blanks.ReplaceAllString(b.page.Find("[role=alert]").Text(), " "))
}

// press presses a button with the inputs of its form.
func (b *browser) press(selector string, typed ...string) *browser {
	b.t.Helper()
	address, values := b.form(selector, typed...)
	b.send(http.MethodPost, address, values)
	return b
}

// form returns the target and the values that a button would send.
func (b *browser) form(selector string, typed ...string) (string, url.Values) {
	b.t.Helper()
	if b.page == nil {
		b.t.Fatalf("there is no page to press %s on: %s", selector, b.away)
	}
	button := b.page.Find(selector).First()
	if button.Length() == 0 {
		b.t.Fatalf("the page has no %s: %s", selector, b.text())
	}
	owner := button.Closest("form")
	if id, elsewhere := button.Attr("form"); elsewhere {
		owner = b.page.Find("form#" + id)
	}
	values := url.Values{}
	owner.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		_, checked := input.Attr("checked")
		if input.AttrOr("type", "text") != "checkbox" || checked {
			values.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	for name, texts := range form(typed...) {
		if owner.Find("input[name='"+name+"']").Length() == 0 {
			b.t.Fatalf("the form has no field %s: %s", name, b.text())
		}
		values[name] = texts
	}
	if name, ok := button.Attr("name"); ok {
		values.Set(name, button.AttrOr("value", ""))
	}
	address, err := url.Parse(b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	target, err := address.Parse(owner.AttrOr("action", ""))
	if err != nil {
		b.t.Fatal(err)
	}
	return target.String(), values
}

// act presses the button of an action.
func (b *browser) act(action string, typed ...string) *browser {
	b.t.Helper()
	return b.press("button[name=action][value="+action+"]", typed...)
}

// goOn presses the main button of a page.
func (b *browser) goOn(typed ...string) *browser {
	b.t.Helper()
	return b.press("button[type=submit][data-e2e=submit-button]", typed...)
}

// choose picks a bank by its name, as integrators' tests do.
func (b *browser) choose(name string) *browser {
	b.t.Helper()
	button := b.page.Find("span.bank__name").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == name }).Closest("button")
	return b.press("button[name=provider_id][value='" + button.AttrOr("value", "none named "+name) + "']")
}

// reload loads the page again.
func (b *browser) reload() *browser {
	b.t.Helper()
	b.open(b.address)
	return b
}

// wait runs the jobs and reloads the page.
func (b *browser) wait() *browser {
	b.t.Helper()
	b.want("loading")
	b.work()
	return b.reload()
}

// leaves returns the address of the redirect without a script.
func (b *browser) leaves() string {
	b.t.Helper()
	_, target, found := strings.Cut(b.page.Find("noscript meta[http-equiv=refresh]").AttrOr("content", ""), ";url=")
	if !found {
		b.t.Fatalf("the page stays: %s", b.text())
	}
	return target
}

// atBank goes to the bank, logs in there and comes back.
func (b *browser) atBank(login string) *browser {
	b.t.Helper()
	b.open(b.backFrom(login))
	return b
}

// backFrom logs in at the bank and returns the address of the callback.
func (b *browser) backFrom(login string) string {
	b.t.Helper()
	b.want("leaving")
	answers := robot.Dev()
	answers["login"] = login
	back, err := robot.LogIn(b.t.Context(), b.leaves(), answers)
	if err != nil {
		b.t.Fatal(err)
	}
	return back.String()
}

// signIn posts the credentials of provider 87 and waits.
func (b *browser) signIn(login, password string) *browser {
	b.t.Helper()
	b.want("login")
	return b.goOn("300", login, "301", password).wait()
}

// sms requests a code and posts one.
func (b *browser) sms(code string) *browser {
	b.t.Helper()
	return b.want("challenge").goOn().wait().want("challenge").goOn("306", code).wait()
}

// over returns the address and the parameters of the final redirect.
func (b *browser) over() (string, url.Values) {
	b.t.Helper()
	target := b.away
	if b.page != nil {
		b.want("done")
		target = b.leaves()
	}
	address, query, _ := strings.Cut(target, "?")
	query, fragment, found := strings.Cut(query, "#")
	if found {
		address += "#" + fragment
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		b.t.Fatal(err)
	}
	return address, values
}

// wantEnd checks the result for the client: "success created", or "error bank_error".
func (b *browser) wantEnd(want string) url.Values {
	b.t.Helper()
	_, values := b.over()
	if got := values.Get("status") + " " + values.Get("result"); got != want {
		b.t.Fatalf("the end is %q, want %q: %v", got, want, values)
	}
	if values.Get("status") == "error" && values.Get("error_description") == "" {
		b.t.Errorf("the error is not described: %v", values)
	}
	return values
}
