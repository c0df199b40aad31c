package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/e2e/journey"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank/robot"
)

// reticent is a customer who refuses the consent. No word of the file occurs elsewhere.
var reticent = journey.Customer{Login: "reticent-Wq4", Password: "reticent-password-Lk8", Code: "123456"}

const reticentFile = `
CREDENTIALS|reticent-Wq4|reticent-password-Lk8
CREDENTIALS_OWNER|LEONTINE TACITURNE
OWNER|MADM|LEONTINE|TACITURNE|21/11/1980|9 RUE DES MUETS 44000 NANTERROY|BOUCHECOUSUE|0698765432
CHALLENGE|SMS|123456|0698765432
ACCOUNT|1|00011122233|D|1200.50|Checkings|||LEONTINE TACITURNE|COMPTE DE MME LEONTINE TACITURNE|||FR7630001007941234567890185|EUR
TRANSACTION|-12.30|D-3|CB LIBRAIRIE DU SILENCE
ACCOUNT|2|00011122244|D|300.00|Savings|||LEONTINE TACITURNE|LIVRET DISCRETION||||EUR
TRANSACTION|300.00|D-20|VERSEMENT
`

// ofReticent are the searches for what the platform must keep to itself.
func ofReticent() []search {
	return []search{
		searchFor("the first name", "LEONTINE"), searchFor("the last name", "TACITURNE"),
		searchFor("the first name", "Leontine"), searchFor("the last name", "Taciturne"),
		searchFor("the street", "RUE DES MUETS"), searchFor("the town", "NANTERROY"), searchFor("the place of birth", "BOUCHECOUSUE"),
		searchFor("the day of birth", "1980-11-21"), searchFor("the day of birth", "21/11/1980"), searchFor("the day of birth", "343609200"),
		searchFor("the telephone", "0698765432"), searchFor("the masked telephone", "06******2"), searchFor("the masked telephone", "06******32"),
		searchFor("the IBAN", "FR7630001007941234567890185"), searchFor("the account's number", "00011122233"),
		searchFor("the savings account", "DISCRETION"),
	}
}

// TestARefusalLeavesNothingOfTheOwner plays a user who goes through the widget up to the consent
// and refuses it, by each channel of the test bank. It reads every answer that the client can
// get, every event, webhook and stream, the pages of another session and the log at DEBUG,
// before and after the refusal, and finds nothing of the owner or of the accounts (contract §12.5).
func TestARefusalLeavesNothingOfTheOwner(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		refusal(t, t.TempDir())
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		refusal(t, t.TempDir(), "--database", storetest.Postgres(t))
	})
}

func refusal(t *testing.T, data string, flags ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	file := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, reticentFile) }))
	defer file.Close()
	who := reticent
	who.File = file.URL + "/reticent.txt"
	webhooks := &heardBodies{}
	hooks := httptest.NewServer(webhooks)
	defer hooks.Close()
	bankWire, bank := tapped(t)
	address := freeAddress(t)
	platform := run(t, "platform", append([]string{
		"serve", "--log-level", "DEBUG", "--sandbox", "--roles", "api", "--roles", "worker", "--data", data,
		"--listen", address, "--testbank-url", bank,
	}, flags...)...)
	platform.where(t, "platform")
	software := ownClient(t, data, append([]string{"--webhook-url", hooks.URL}, flags...))
	software.Platform = "http://" + address
	heard := &transcript{}
	software.HTTP = &http.Client{Transport: heard}

	for i, channel := range []string{"8701", "8700"} {
		t.Run(channel, func(t *testing.T) {
			jo, err := journey.Arrive(ctx, software, channel+"@example.test", password, who)
			if err != nil {
				t.Fatal(err)
			}
			user := &refusing{EndUser: jo, t: t, ctx: ctx}
			page := user.toTheConsent(channel)
			if !strings.Contains(page.Text(), "TACITURNE") {
				t.Fatalf("the consent page shows nothing that could leave: %s", page.Text())
			}
			webhooks.wait(ctx, t, i+1) // a refusal takes back what has not been sent
			user.look("while the page asks", heard, webhooks)
			stream := user.follow()
			user.press(page, "cancel")
			if text := <-stream; text == "" {
				t.Error("the stream has told nothing")
			} else {
				nothingOf(t, "in the stream", []byte(text))
			}
			user.look("after the refusal", heard, webhooks)
			events, err := jo.User.PollAfter(ctx, jo.Queue, "0")
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, event := range events {
				told = append(told, event.Type)
			}
			if !slices.Contains(told, "CONNECTION_DELETED") || slices.Contains(told, "SYNC_ALL_RUNNING") {
				t.Errorf("the events are %v", told)
			}
		})
	}
	if bankWire.last("access_token") == "" {
		t.Error("the bank has given no access")
	}
	log, err := os.ReadFile(platform.Log)
	if err != nil {
		t.Fatal(err)
	}
	nothingOf(t, "in the log", log)
	if !bytes.Contains(log, []byte("synchronised")) {
		t.Error("the log has no line about the list of accounts")
	}
	platform.stop(t)
	for _, found := range inFiles(t, filepath.Dir(platform.Log), ofReticent()) {
		t.Errorf("there is %s", found)
	}
}

func nothingOf(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, s := range ofReticent() {
		if s.found(text) {
			t.Errorf("%s is %s: %s", where, s.name, around(text, s))
		}
	}
}

// around returns the text near a finding.
func around(text []byte, s search) string {
	i := bytes.Index(text, []byte(s.text))
	if i < 0 {
		return "in another encoding"
	}
	return string(text[max(0, i-200):min(len(text), i+200)])
}

// heardBodies is an integrator's server that keeps what it receives.
type heardBodies struct {
	mu   sync.Mutex
	text bytes.Buffer
	n    int
}

func (h *heardBodies) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = h.text.ReadFrom(r.Body)
	h.n++
}

func (h *heardBodies) bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.text.Bytes())
}

// wait waits until the platform has sent a number of bodies.
func (h *heardBodies) wait(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	for h.count() < n {
		if ctx.Err() != nil {
			t.Fatalf("%d webhooks were sent, want %d", h.count(), n)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (h *heardBodies) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// refusing is a user in the widget, with a browser without scripts.
type refusing struct {
	*journey.EndUser
	t       *testing.T
	ctx     context.Context
	browser *http.Client
	// address is the address of the last page.
	address *url.URL
}

// link begins a session of the widget and returns the address of an entry point.
func (u *refusing) link(entry string, pairs ...string) string {
	u.t.Helper()
	i := u.User.Integrator
	response, err := http.PostForm(i.Platform+"/v2.1/widget_session", url.Values{
		"client_id": {i.ClientID}, "client_secret": {i.ClientSecret}, "access_token": {u.User.Tokens.AccessToken},
	})
	if err != nil {
		u.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	id := regexp.MustCompile(`"session_id":"([^"]+)"`).FindSubmatch(text)
	if err != nil || id == nil {
		u.t.Fatalf("no session: %v, %s", err, text)
	}
	query := url.Values{"session_id": {string(id[1])}, "redirect_url": {"https://integrator.example/return"}}
	for n := 0; n+1 < len(pairs); n += 2 {
		query.Set(pairs[n], pairs[n+1])
	}
	return i.Platform + "/v2.1/widget/" + entry + "?" + query.Encode()
}

// open requests a page and follows redirects within the platform.
func (u *refusing) open(method, address string, form url.Values) *goquery.Document {
	u.t.Helper()
	if u.browser == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			u.t.Fatal(err)
		}
		u.browser = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 5 || !strings.HasPrefix(r.URL.String(), u.User.Integrator.Platform) {
				return http.ErrUseLastResponse
			}
			return nil
		}}
	}
	request, err := http.NewRequestWithContext(u.ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		u.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := u.browser.Do(request)
	if err != nil {
		u.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	u.address = response.Request.URL
	return page
}

// press sends the form of a button by its action, with values; without an action, that of the
// main button.
func (u *refusing) press(page *goquery.Document, action string, pairs ...string) *goquery.Document {
	u.t.Helper()
	button := page.Find("button[data-e2e=submit-button]").First()
	if action != "" {
		button = page.Find("button[name=action][value=" + action + "]").First()
	}
	owner := button.Closest("form")
	if owner.Length() == 0 {
		u.t.Fatalf("the page has no form for %q: %s", action, page.Find("main").Text())
	}
	form := url.Values{}
	for _, input := range owner.Find("input[type=hidden]").EachIter() {
		form.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	if name, ok := button.Attr("name"); ok {
		form.Set(name, button.AttrOr("value", ""))
	}
	for n := 0; n+1 < len(pairs); n += 2 {
		form.Set(pairs[n], pairs[n+1])
	}
	target, err := u.address.Parse(owner.AttrOr("action", ""))
	if err != nil {
		u.t.Fatal(err)
	}
	return u.open(http.MethodPost, target.String(), form)
}

// until reloads the page until it has an element.
func (u *refusing) until(page *goquery.Document, selector string) *goquery.Document {
	u.t.Helper()
	for page.Find(selector).Length() == 0 {
		if u.ctx.Err() != nil {
			u.t.Fatalf("the page never has %s: %s", selector, page.Find("main").Text())
		}
		time.Sleep(50 * time.Millisecond)
		page = u.open(http.MethodGet, u.address.String(), nil)
	}
	return page
}

// toTheConsent goes through the widget by one channel, up to the page of the consent.
func (u *refusing) toTheConsent(channel string) *goquery.Document {
	u.t.Helper()
	page := u.open(http.MethodGet, u.link("add_connection", "provider_id", "87", "channel_definition_id", channel), nil)
	if channel == "8701" {
		page = u.press(page, "authorize")
		back, err := robot.LogIn(u.ctx, page.Find("main a[data-e2e=submit-button]").AttrOr("href", ""), u.Answers())
		if err != nil {
			u.t.Fatal(err)
		}
		page = u.open(http.MethodGet, back.String(), nil)
	} else {
		page = u.press(page, "", "300", u.Login, "301", u.Password, "302", u.File)
		page = u.until(page, "input[name=question]")
		page = u.press(page, "")
		page = u.until(page, "[name='306']")
		page = u.press(page, "", "306", u.Code)
	}
	return u.until(page, "button[value=consent]")
}

// look reads everything that a client can ask for, and the widget's pages in another session.
func (u *refusing) look(when string, heard *transcript, webhooks *heardBodies) {
	u.t.Helper()
	user := u.User
	var connections []scenario.Connection
	err := user.Get(u.ctx, "/connections", &connections)
	if err != nil {
		u.t.Fatal(err)
	}
	paths := []string{
		"/users/me", "/providers", "/providers?q=87", "/providers/87", "/categories", "/connections", "/accounts",
		"/accounts?status=PENDING_CONSENT", "/accounts?q=COMPTE", "/transactions", "/transactions?status=BOOKED,PENDING,CANCELLED",
		"/queues/" + u.Queue + "?after=0",
	}
	var pages []string
	for _, c := range connections {
		paths = append(paths, "/connections/"+c.ID, "/accounts?connection_id="+c.ID, "/transactions?connection_id="+c.ID)
		for _, entry := range []string{"manage_accounts", "edit_credentials", "user_input", "professional-account"} {
			pages = append(pages, u.link(entry, "connection_id", c.ID))
		}
	}
	for id := range 12 {
		of := "/accounts/" + strconv.Itoa(1_000_000_001+id)
		paths = append(paths, of, of+"/balance_check", "/transactions/"+strconv.Itoa(1_000_000_001+id)+"/explanation")
	}
	for _, path := range paths {
		u.get(user.Integrator.Platform+"/v2.1"+path, "")
		u.get(user.Integrator.Platform+"/v3"+path, "")
	}
	for _, path := range []string{"/v3/connections", "/v3/accounts", "/v3/users/me", "/v3/transactions", "/userinfo", "/metrics", "/healthz", "/readyz"} {
		u.get(user.Integrator.Platform+path, "")
	}
	for _, c := range connections { // what the API says to a client that acts for the user
		u.get(user.Integrator.Platform+"/v2.1/connections/"+c.ID+"/consents", `{"consents":[{"account_id":"1000000001","consent":true}]}`)
	}
	pages = append(pages, u.link("add_connection"), u.link("add_connection", "provider_id", "87"), u.link("terms"))
	mine := u.address
	for _, link := range pages {
		page := u.open(http.MethodGet, link, nil)
		text, err := page.Html()
		if err != nil {
			u.t.Fatal(err)
		}
		nothingOf(u.t, fmt.Sprintf("%s, on the page %s of another session", when, u.address.Path), []byte(text))
	}
	u.address = mine
	heard.mu.Lock()
	answers := slices.Clone(heard.text.Bytes())
	heard.mu.Unlock()
	for _, marker := range []string{"200 OK /v2.1/accounts", "200 OK /v2.1/queues/", "200 OK /v3/connections"} {
		if !bytes.Contains(answers, []byte(marker)) {
			u.t.Errorf("there is no answer %q to look at", marker)
		}
	}
	nothingOf(u.t, when+", in an answer", answers)
	nothingOf(u.t, when+", in a webhook", webhooks.bytes())
}

// get sends a request for the transcript; with a body it is a PUT.
func (u *refusing) get(address, body string) {
	u.t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPut
	}
	request, err := http.NewRequestWithContext(u.ctx, method, address, strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+u.User.Tokens.AccessToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := u.User.Integrator.HTTP.Do(request)
	if err != nil {
		u.t.Fatal(err)
	}
	response.Body.Close()
}

// follow listens to the stream of the page's progress until it ends, and returns its text.
func (u *refusing) follow() <-chan string {
	u.t.Helper()
	address := *u.address
	address.Path += "/events"
	query := address.Query()
	query.Set("at", "consent")
	address.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(u.ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		u.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		u.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		u.t.Fatalf("the stream is answered with %d", response.StatusCode)
	}
	heard := make(chan string, 1)
	go func() {
		defer response.Body.Close()
		var text strings.Builder
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			text.WriteString(lines.Text() + "\n")
		}
		heard <- text.String()
	}()
	return heard
}
