package testbank

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// noon is when the tests begin: a Saturday in Paris.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, paris)

// clock is a hand-moved clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is a running bank with a browser and an aggregator at hand.
type rig struct {
	t     *testing.T
	bank  *Bank
	srv   *httptest.Server
	clock *clock
	http  *http.Client // follows no redirect
}

const (
	callback = "https://aggregator.example/callback"
	verifier = "a-verifier-that-is-long-enough-for-the-standard-0123456789"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func start(t *testing.T, opt Options) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{t: noon}}
	opt.Now = r.clock.now
	opt.Control = true
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if r.bank, err = New(opt); err != nil {
		t.Fatal(err)
	}
	r.srv = httptest.NewServer(r.bank.Handler())
	t.Cleanup(func() {
		r.srv.Close()
		if err := r.bank.Close(); err != nil {
			t.Error(err)
		}
	})
	r.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return r
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(req *http.Request) answer {
	r.t.Helper()
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (r *rig) get(path string) answer {
	r.t.Helper()
	req, _ := http.NewRequest(http.MethodGet, r.url(path), nil)
	return r.do(req)
}

func (r *rig) post(path string, form url.Values) answer {
	r.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, r.url(path), strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r.do(req)
}

func (r *rig) control(method, path, body string) answer {
	r.t.Helper()
	req, _ := http.NewRequest(method, r.url(path), strings.NewReader(body))
	a := r.do(req)
	if a.status >= 300 {
		r.t.Fatalf("%s %s %s: %d %s", method, path, body, a.status, a.body)
	}
	return a
}

func (r *rig) url(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return r.srv.URL + path
}

var sessionField = regexp.MustCompile(`name="session" value="([^"]+)"`)

func (a answer) session(t *testing.T) string {
	t.Helper()
	m := sessionField.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("no session in the page (%d): %s", a.status, a.body)
	}
	return m[1]
}

// authorizeQuery returns the parameters of an aggregator's authorisation request.
func authorizeQuery(scope string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {"oxlin"}, "redirect_uri": {callback}, "scope": {scope},
		"state": {"the-state"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
}

// signIn goes through the pages to the redirect back and gives its query.
func (r *rig) signIn(q url.Values, login, password, fileURL string) url.Values {
	r.t.Helper()
	page := r.get("/authorize?" + q.Encode())
	id := page.session(r.t)
	next := r.post("/authorize", url.Values{"session": {id}, "login": {login}, "password": {password}, "file_url": {fileURL}})
	if next.status != http.StatusSeeOther {
		r.t.Fatalf("login %q: %d %s", login, next.status, next.body)
	}
	if !strings.HasPrefix(next.header.Get("Location"), "/authorize/sca") {
		return r.arrived(next)
	}
	sca := r.get(next.header.Get("Location"))
	return r.arrived(r.post("/authorize/sca", url.Values{"session": {sca.session(r.t)}, "code": {"123456"}, "action": {"confirm"}}))
}

func (r *rig) arrived(a answer) url.Values {
	r.t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), callback) {
		r.t.Fatalf("not back at the client: %d %q %s", a.status, u, a.body)
	}
	return u.Query()
}

// tokens is the answer of POST /token.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
	status  int
}

func (r *rig) token(form url.Values) tokens {
	r.t.Helper()
	a := r.post("/token", form)
	var tok tokens
	if err := json.Unmarshal([]byte(a.body), &tok); err != nil {
		r.t.Fatalf("token: %d %s", a.status, a.body)
	}
	tok.status = a.status
	return tok
}

func codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {"oxlin"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {"oxlin"}, "refresh_token": {token}}
}

// connect signs a login in and changes the code for tokens.
func (r *rig) connect(login string) tokens {
	r.t.Helper()
	back := r.signIn(authorizeQuery("aisp extended_transaction_history"), login, "dev", "")
	tok := r.token(codeForm(back.Get("code")))
	if tok.Access == "" {
		r.t.Fatalf("no token: %+v", tok)
	}
	return tok
}

// aggregator is one kind of STET access: a version, a token, the customer's address.
type aggregator struct {
	r     *rig
	v     version
	token string
	ip    string
}

func (r *rig) attended(v version, tok tokens) aggregator {
	return aggregator{r, v, tok.Access, "203.0.113.7"}
}
func (r *rig) alone(v version, tok tokens) aggregator { return aggregator{r, v, tok.Access, ""} }

func (v aggregator) request(method, target, body string) *http.Request {
	if !strings.HasPrefix(target, "http") && !strings.HasPrefix(target, "/stet") {
		target = v.v.prefix() + target
	}
	req, err := http.NewRequest(method, v.r.url(target), strings.NewReader(body))
	if err != nil {
		v.r.t.Fatal(err)
	}
	if body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+v.token)
	req.Header.Set("X-Request-ID", "req-42")
	req.Header.Set("Accept", "application/hal+json; charset=utf-8")
	req.Header.Set("Signature", "unsigned")
	if v.ip != "" {
		req.Header.Set("PSU-IP-Address", v.ip)
	}
	return req
}

// get asks and validates the answer against the official file.
func (v aggregator) get(target string) answer {
	v.r.t.Helper()
	return v.send(http.MethodGet, target, "")
}

func (v aggregator) send(method, target, body string) answer {
	v.r.t.Helper()
	req := v.request(method, target, body)
	a := v.r.do(req)
	official(v.r.t, v.v.standard(), v.request(method, target, body), a)
	return a
}

// Shapes that tests read, of both versions.
type gotAccount struct {
	ResourceID      string `json:"resourceId"`
	Name            string `json:"name"`
	CashAccountType string `json:"cashAccountType"`
	LinkedAccount   string `json:"linkedAccount"`
	Currency        string `json:"currency"`
	Usage           string `json:"usage"`
	AccountID       struct {
		IBAN     string `json:"iban"`
		Currency string `json:"currency"`
		Other    struct {
			Identification string `json:"identification"`
			SchemeName     string `json:"schemeName"`
		} `json:"other"`
	} `json:"accountId"`
	Links map[string]link `json:"_links"`
}

type gotTransaction struct {
	ResourceID     string          `json:"resourceId"`
	EntryReference string          `json:"entryReference"`
	Indicator      string          `json:"creditDebitIndicator"`
	Status         string          `json:"status"`
	BookingDate    string          `json:"bookingDate"`
	Expected       string          `json:"expectedBookingDate"`
	MadeOn         string          `json:"transactionDate"`
	Remittance     json.RawMessage `json:"remittanceInformation"`
	Code           *bankCode       `json:"bankTransactionCode"`
	Amount         struct {
		Amount json.RawMessage `json:"amount"`
	} `json:"transactionAmount"`
}

func (g gotTransaction) String() string {
	return fmt.Sprintf("%s %s %s %s %s", g.EntryReference, g.BookingDate, g.Amount.Amount, g.Indicator, g.Remittance)
}

func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

func (v aggregator) accounts() []gotAccount {
	v.r.t.Helper()
	return decode[struct{ Accounts []gotAccount }](v.r.t, v.get("/accounts")).Accounts
}

// all follows the next links of an account's transactions.
func (v aggregator) all(id, query string) []gotTransaction {
	v.r.t.Helper()
	var list []gotTransaction
	target := "/accounts/" + id + "/transactions" + query
	for range 100 {
		a := v.get(target)
		if a.status == http.StatusNoContent {
			return list
		}
		page := decode[struct {
			Transactions []gotTransaction
			Links        map[string]link `json:"_links"`
		}](v.r.t, a)
		list = append(list, page.Transactions...)
		if page.Links["next"].Href == "" {
			return list
		}
		target = page.Links["next"].Href
	}
	v.r.t.Fatal("the pages never end")
	return nil
}
