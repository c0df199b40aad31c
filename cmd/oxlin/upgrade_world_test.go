package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	// fixtureFolder has one folder for each state of the code that fixtures were made with.
	fixtureFolder = "testdata/upgrade"
	// publicAddress is the platform's address in all fixtures. Nobody resolves it: the
	// tests' clients reach the platform where it listens.
	publicAddress = "https://oxlin.example"
	clientID      = "sandbox-licensed"
	clientSecret  = "sandbox-licensed-secret"
	returnAddress = "https://integrator.example/return"
	signinQuery   = "/signin?response_type=code&client_id=" + clientID + "&scope=openid+profile&state=from-my-session&code_challenge_method=S256"
)

// fixture lists what a test needs to continue where the maker stopped.
type fixture struct {
	// At is the moment at which the database was copied.
	At time.Time `json:"at"`
	// Bank and Webhook are the addresses of the test bank and of the integrator's server.
	Bank    string `json:"bank"`
	Webhook string `json:"webhook"`
	// ClientToken is of the client credentials grant.
	ClientToken scenario.Tokens `json:"client_token"`
	// Reader has a connection that is read, and events after the position of its queue.
	Reader  traveller `json:"reader"`
	Queue   string    `json:"queue"`
	Unread  answer    `json:"unread"`
	Answers []answer  `json:"answers"`
	// Code was never exchanged.
	Code     string `json:"code"`
	Verifier string `json:"verifier"`
	// Asked has a bank's question open, and Away is the address at the bank of a user who has
	// not yet visited it.
	Asked      traveller `json:"asked"`
	AskedQueue string    `json:"asked_queue"`
	Gone       traveller `json:"gone"`
	Away       string    `json:"away"`
	// Staged has a page of transactions that others follow.
	Staged traveller `json:"staged"`
	// Flows are widget flows by the page that they show.
	Flows map[string]string `json:"flows"`
	// Told are the webhooks that the integrator's server did not take.
	Told []json.RawMessage `json:"told"`
	// Rows is the number of transactions of a connection that was read completely.
	Rows int `json:"rows"`
}

// traveller is a user with tokens of the password grant, and their connection.
type traveller struct {
	Email      string          `json:"email"`
	Tokens     scenario.Tokens `json:"tokens"`
	Connection string          `json:"connection,omitempty"`
}

// answer is the response of a resource.
type answer struct {
	Resource string          `json:"resource"`
	Body     json.RawMessage `json:"body"`
}

const travellersPassword = "a password of the fixtures"

// seat is one platform as its users and clients see it: the whole binary, over HTTP. It is no
// platformtest.World, because the maker of the fixtures runs these steps against earlier
// commits, which have no such package and other rooms; only addresses and JSON are the same.
type seat struct {
	t        *testing.T
	ctx      context.Context
	platform string
	http     *http.Client
}

// proxied sends the requests for the platform to where it listens, as a proxy that ends
// HTTPS does.
type proxied struct{ listens string }

func (p proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme+"://"+r.URL.Host != publicAddress {
		return http.DefaultTransport.RoundTrip(r)
	}
	inner := r.Clone(r.Context())
	inner.URL.Scheme, inner.URL.Host = "http", p.listens
	inner.Header.Set("X-Forwarded-Proto", "https")
	response, err := http.DefaultTransport.RoundTrip(inner)
	if err == nil {
		response.Request = r
	}
	return response, err
}

func newSeat(t *testing.T, listens string) *seat {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return &seat{t, ctx, publicAddress, &http.Client{Transport: proxied{listens}}}
}

func (s *seat) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *seat) integrator() scenario.Integrator {
	return scenario.Integrator{Platform: s.platform, ClientID: clientID, ClientSecret: clientSecret, HTTP: s.http}
}

func (s *seat) session(tokens scenario.Tokens) scenario.Session {
	return scenario.Session{Integrator: s.integrator(), Tokens: tokens}
}

// read gives a resource as it is answered.
func (s *seat) read(tokens scenario.Tokens, resource string) json.RawMessage {
	s.t.Helper()
	var body json.RawMessage
	s.check(s.session(tokens).Get(s.ctx, resource, &body))
	return body
}

// waitFor looks until a condition holds.
func (s *seat) waitFor(what string, holds func() bool) {
	s.t.Helper()
	patience := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-patience:
			s.t.Fatalf("%s: it did not come", what)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// wantSuccess waits until a connection does not run any more.
func (s *seat) wantSuccess(who traveller) {
	s.t.Helper()
	connection, err := s.session(who.Tokens).WaitForConnection(s.ctx, who.Connection)
	s.check(err)
	if connection.Status != "SUCCESS" {
		s.t.Fatalf("the connection of %s ends as %+v", who.Email, connection)
	}
}

// arrive takes a user from the bank back to the platform, which gives their connection.
func (s *seat) arrive(callback *url.URL) string {
	s.t.Helper()
	back, err := s.integrator().FollowCallback(s.ctx, callback)
	s.check(err)
	id := back.Query().Get("connection_id")
	if back.Query().Get("status") != "success" || id == "" {
		s.t.Fatalf("the user comes back with %s", back)
	}
	return id
}

// tab is one tab of a browser without script.
type tab struct {
	*seat
	browser *http.Client
	address string
	page    *goquery.Document
	text    string
	// away is the address outside of the platform that the tab was redirected to.
	away *url.URL
}

func (s *seat) tab() *tab {
	jar, err := cookiejar.New(nil)
	s.check(err)
	b := &tab{seat: s}
	b.browser = &http.Client{Transport: s.http.Transport, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Scheme+"://"+r.URL.Host != publicAddress {
			b.away = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

func (b *tab) open(address string) *tab {
	b.t.Helper()
	return b.send(http.MethodGet, address, nil)
}

func (b *tab) send(method, address string, values url.Values) *tab {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.ctx, method, address, strings.NewReader(values.Encode()))
	b.check(err)
	request.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "null")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	b.away = nil
	response, err := b.browser.Do(request)
	b.check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	b.check(err)
	if response.StatusCode >= 400 {
		b.t.Fatalf("%s %s: %d %s", method, address, response.StatusCode, body)
	}
	root, err := html.ParseWithOptions(bytes.NewReader(body), html.ParseOptionEnableScripting(false))
	b.check(err)
	b.address, b.text, b.page = response.Request.URL.String(), string(body), goquery.NewDocumentFromNode(root)
	return b
}

// press submits the form of a button with the user's input: names and values in turn.
func (b *tab) press(button string, typed ...string) *tab {
	b.t.Helper()
	pressed := b.page.Find(button).First()
	form := pressed.Closest("form")
	if form.Length() == 0 {
		b.t.Fatalf("the page has no %s: %s", button, b.page.Find("main").Text())
	}
	values := url.Values{}
	for _, field := range form.Find("input[name], textarea[name]").EachIter() {
		_, checked := field.Attr("checked")
		if field.AttrOr("type", "text") != "checkbox" || checked {
			values.Add(field.AttrOr("name", ""), field.AttrOr("value", field.Text()))
		}
	}
	for i := 0; i < len(typed); i += 2 {
		values.Set(typed[i], typed[i+1])
	}
	if name, named := pressed.Attr("name"); named {
		values.Set(name, pressed.AttrOr("value", ""))
	}
	from, err := url.Parse(b.address)
	b.check(err)
	target, err := from.Parse(form.AttrOr("action", ""))
	b.check(err)
	return b.send(http.MethodPost, target.String(), values)
}

const goOn = "button[type=submit][data-e2e=submit-button]"

// settled looks at a widget page until something else than progress is shown.
func (b *tab) settled() *tab {
	b.t.Helper()
	b.waitFor("the next page", func() bool {
		if b.away != nil || b.page.Find("#progress").Length() == 0 {
			return true
		}
		b.open(b.address)
		return false
	})
	return b
}

// wantEnd wants the widget's last page, which leads back to the client.
func (b *tab) wantEnd(result string) {
	b.t.Helper()
	_, target, _ := strings.Cut(b.page.Find("noscript meta[http-equiv=refresh]").AttrOr("content", ""), ";url=")
	if !strings.Contains(target, "status=success") || !strings.Contains(target, "result="+result) {
		b.t.Fatalf("the flow does not end: %q: %s", target, b.page.Find("main").Text())
	}
}

// sql runs a statement on either database. It works on the tables as they are.
func sql(ctx context.Context, db *store.DB, statement string) error {
	var err error
	if db.Dialect() == store.SQLite {
		_, err = db.SQLite().ExecContext(ctx, statement)
	} else {
		_, err = db.Postgres().Exec(ctx, statement)
	}
	return err
}

// count gives the one number of a query.
func count(ctx context.Context, db *store.DB, query string) (n int, err error) {
	if db.Dialect() == store.SQLite {
		err = db.SQLite().QueryRowContext(ctx, query).Scan(&n)
	} else {
		err = db.Postgres().QueryRow(ctx, query).Scan(&n)
	}
	return n, err
}

// notesOf is the file with the fixture's notes.
func notesOf(folder string) string { return filepath.Join(folder, "notes.json") }

func readFixture(t *testing.T, folder string) fixture {
	t.Helper()
	var f fixture
	text, err := os.ReadFile(notesOf(folder))
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("the fixture's notes: %w", err))
	}
	return f
}
