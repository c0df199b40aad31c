package console_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/console"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

const password = "open sesame"

// secrets are in the database, in clear or hashed. No page may show them.
var secrets = []string{
	password, "$argon2id$", "sealed access", "secret-of-budget", "UEFTU1dPUkQ", "SALAIRE", "FR7630006000011234567890189",
	"203.0.113.7", "Marie Curie", "06 12 34", "widget-question",
}

// world is a console with its authorization server, and an operator's browser.
type world struct {
	*platformtest.World
	auth      *auth.Server
	operators *operator.Operators
	options   console.Options
	url       string
	// cookie is the session that the browser sends; nil before the login.
	cookie *http.Cookie
}

// unreached is a bank for which a setting is missing.
const unreached = `{
	"id": "190", "name": "Unreached", "base_url": "https://www.example.com", "country_code": "FRA", "aliases": "{{own_name}}",
	"channel_definitions": []
}`

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: platformtest.New(t, db, platformtest.Options{Providers: fstest.MapFS{"unreached.json": {Data: []byte(unreached)}}})}
	w.auth = w.NewAuth("http://platform.test", func(o *auth.Options) { o.Log = w.Log.Logger() })
	w.options = console.Options{
		DB: db, Audit: w.Audit, Clients: w.Clients, Service: w.Service, Vault: w.Vault, Platform: "Oxlin platform.test",
		Now: w.Clock.Now, Rand: rand.Reader, Log: w.Log.Logger(),
	}
	w.open(t, true)
	err := w.operators.EnsureFirst(t.Context(), oxlin.NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// open opens the console. optional lets operators in without a second factor.
func (w *world) open(t *testing.T, optional bool) {
	t.Helper()
	w.operators = operator.New(operator.Options{
		DB: w.options.DB, Audit: w.Audit, Vault: w.options.Vault, Now: w.Clock.Now, Rand: rand.Reader, FactorOptional: optional,
	})
	w.options.Operators = w.operators
	w.url = serve(t, w.options)
}

// serve runs a console and returns its address.
func serve(t *testing.T, options console.Options) string {
	t.Helper()
	mux := http.NewServeMux()
	console.New(options).Register(mux)
	return platformtest.Serve(t, mux)
}

// each runs a test on both databases, with the operator logged in.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Parallel()
		w := newWorld(t, db)
		w.login(t)
		test(t, w)
	})
}

// sqliteWorld returns a world for tests that do not depend on the database. The operator has
// not logged in.
func sqliteWorld(t *testing.T) *world {
	t.Helper()
	db, _ := storetest.SQLite(t)
	return newWorld(t, db)
}

// page is a response of the console.
type page struct {
	*http.Response
	text string
	html *goquery.Document
}

// words returns the text of a part of the page, with single spaces.
func (p page) words(selector string) string { return words(p.html.Find(selector)) }

func words(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// section returns the section of a page with a heading.
func (p page) section(heading string) *goquery.Selection {
	return p.html.Find("section").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return strings.HasPrefix(words(s.Find("h2, h3")), heading)
	})
}

// rows returns the cells of a table's body.
func rows(table *goquery.Selection) [][]string {
	var list [][]string
	for _, row := range table.Find("tbody tr").EachIter() {
		var cells []string
		for _, cell := range row.Find("td").EachIter() {
			cells = append(cells, words(cell))
		}
		list = append(list, cells)
	}
	return list
}

// send sends a request as the operator's browser does, and inspects the response.
func (w *world) send(t *testing.T, method, path, body string, headers ...string) page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if w.cookie != nil {
		r.AddCookie(w.cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	p := page{Response: response, text: string(text)}
	p.html, err = goquery.NewDocumentFromReader(strings.NewReader(p.text))
	if err != nil {
		t.Fatal(err)
	}
	inspect(t, p)
	return p
}

func (w *world) get(t *testing.T, path string) page {
	t.Helper()
	return w.send(t, http.MethodGet, path, "")
}

// post sends a form; its fields are pairs of name and value.
func (w *world) post(t *testing.T, path string, fields ...string) page {
	t.Helper()
	values := url.Values{"": {""}}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return w.send(t, http.MethodPost, path, values.Encode())
}

// submit sends a form of a page with its values, except for the changed fields.
func (w *world) submit(t *testing.T, p page, action string, fields ...string) page {
	t.Helper()
	form := p.html.Find(`form[method=post][action="` + action + `"]`)
	if form.Length() != 1 {
		t.Fatalf("there are %d forms for %s", form.Length(), action)
	}
	var drawn []string
	for _, field := range form.Find("input, textarea, select").EachIter() {
		name := field.AttrOr("name", "")
		_, checked := field.Attr("checked")
		changed := false
		for i := 0; i < len(fields); i += 2 {
			changed = changed || fields[i] == name
		}
		if changed || field.AttrOr("type", "") == "checkbox" && !checked {
			continue
		}
		value := field.AttrOr("value", "")
		switch {
		case field.Is("textarea"):
			value = field.Text()
		case field.Is("select"):
			value = field.Find("option[selected]").AttrOr("value", "")
		}
		drawn = append(drawn, name, value)
	}
	return w.post(t, action, append(drawn, fields...)...)
}

func (w *world) login(t *testing.T) page {
	t.Helper()
	return w.loginAs(t, operator.FirstName, password)
}

// loginAs enters a name and the right password.
func (w *world) loginAs(t *testing.T, name, password string) page {
	t.Helper()
	p := w.post(t, "/console/login", "name", name, "password", password)
	if p.StatusCode != http.StatusSeeOther || !w.keep(p) {
		t.Fatalf("login: %d %s", p.StatusCode, p.text)
	}
	return p
}

// keep keeps the session that a page sets.
func (w *world) keep(p page) bool {
	for _, cookie := range p.Cookies() {
		if cookie.Name == "oxlin_console" || cookie.Name == "__Host-oxlin_console" {
			w.cookie = cookie
			return true
		}
	}
	return false
}

// accepts reports whether the authorization server accepts a client's secret.
func (w *world) accepts(t *testing.T, id oxlin.ClientID, secret string) bool {
	t.Helper()
	_, err := w.auth.AuthenticateClient(t.Context(), id, oxlin.NewSecret(secret))
	if code := oxlin.AsError(err).Code; err != nil && code != oxlin.CodeInvalidClient && code != oxlin.CodeInvalidRequest { // the latter beside a certificate
		t.Fatal(err)
	}
	return err == nil
}

// inspect checks the rules for every response: no cache stores it, no script runs in
// it, it shows no secret, and its HTML is well-formed.
func inspect(t *testing.T, p page) {
	t.Helper()
	where := p.Request.Method + " " + p.Request.URL.Path
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	} {
		if got := p.Header.Get(name); got != want {
			t.Errorf("%s: %s: %q", where, name, got)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(p.text, secret) {
			t.Errorf("%s shows %q", where, secret)
		}
	}
	if p.Request.Method == http.MethodHead || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
		return
	}
	if n := p.html.Find("h1").Length(); n != 1 || p.words("h1") == "" {
		t.Errorf("%s: %d h1: %q", where, n, p.words("h1"))
	}
	if title := p.words("title"); title != p.words("h1")+" – Oxlin console" || p.html.Find("html[lang=en]").Length() != 1 {
		t.Errorf("%s: titled %q", where, title)
	}
	ids := map[string]bool{}
	for _, element := range p.html.Find("[id]").EachIter() {
		id := element.AttrOr("id", "")
		if ids[id] {
			t.Errorf("%s: two elements have the id %q", where, id)
		}
		ids[id] = true
	}
	for _, reference := range p.html.Find("[aria-labelledby]").EachIter() {
		if !ids[reference.AttrOr("aria-labelledby", "")] {
			t.Errorf("%s: no element has the id %q", where, reference.AttrOr("aria-labelledby", ""))
		}
	}
	for _, field := range p.html.Find("input:not([type=hidden]), textarea").EachIter() {
		if field.Closest("label").Length() == 0 && p.html.Find(`label[for="`+field.AttrOr("id", "?")+`"]`).Length() != 1 {
			t.Errorf("%s: the field %q has no label", where, field.AttrOr("name", ""))
		}
	}
	for _, form := range p.html.Find("form").EachIter() {
		if shown, all := form.Find("button:not([hidden])").Length(), form.Find("button").Length(); shown > 1 || all == 0 {
			t.Errorf("%s: a form has no button, or several", where)
		}
	}
	for _, row := range p.html.Find("table").EachIter() {
		if heads, cells := row.Find("th").Length(), row.Find("tbody tr").First().Find("td[data-label]").Length(); heads != cells {
			t.Errorf("%s: a table has %d heads and %d cells", where, heads, cells)
		}
	}
	scripts := p.html.Find("script")
	shows, passkeys := scripts.Filter(`[type=module][src^="/console/assets/password-"]`).Length(), scripts.Filter(`[type=module][src^="/console/assets/passkey-"]`).Length()
	if wanted := p.html.Find("form[data-passkey]").Length() > 0; shows != 1 || wanted != (passkeys == 1) || shows+passkeys != scripts.Length() {
		t.Errorf("%s: %d scripts", where, scripts.Length())
	}
	for _, field := range p.html.Find("input[type=password]").EachIter() {
		if id := field.AttrOr("id", "?"); p.html.Find(`button[type=button][data-reveal="`+id+`"][aria-controls="`+id+`"][aria-pressed=false][hidden]`).Length() != 1 {
			t.Errorf("%s: the password %q cannot be shown", where, id)
		}
	}
	if p.html.Find("style, img, [style], [onerror]").Length() > 0 {
		t.Errorf("%s: the page has elements that its policy forbids", where)
	}
}
