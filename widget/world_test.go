package widget_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/api"
	"github.com/oxlin/oxlin/auth"
	"github.com/oxlin/oxlin/bank/catalogue"
	"github.com/oxlin/oxlin/connect"
	"github.com/oxlin/oxlin/jobs/jobstest"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/store/storetest"
	"github.com/oxlin/oxlin/synchro"
	"github.com/oxlin/oxlin/testbank"
	"github.com/oxlin/oxlin/vault"
	"github.com/oxlin/oxlin/widget"
)

// The clients of every test. The sandbox's may return anywhere, the others to what
// they have registered.
var (
	sandbox  = client("sandbox", "Budget Malin", false)
	licensed = client("licensed", "Banque des Fleurs", true)
	shop     = client("shop", "Boutique", false,
		"https://shop.example.test/back", "https://shop.example.test/with?own=1&x=a%20b", "https://www.shop.example.test:8443/", "shop.example:/back", "http://127.0.0.1/back")
	bare = client("bare", "Sans adresse", false, "bare.example:/back")
)

// client has the secret "<id>-secret", and may return anywhere if no address is named.
func client(id oxlin.ClientID, name string, licensed bool, addresses ...string) oxlin.Client {
	return oxlin.Client{
		ID: id, Name: name, Licensed: licensed, RedirectURIs: addresses, AnyRedirectURI: len(addresses) == 0,
		SecretHashes: [][]byte{vault.HashToken(oxlin.NewSecret(string(id) + "-secret"))},
	}
}

// world is the whole platform on one address, with the test bank on the other side
// of HTTP. Time stands still unless a test moves it, and the work in the background
// is done when a test says so.
type world struct {
	t       testing.TB
	db      *store.DB
	path    string // of the SQLite file, if it is one
	auth    *auth.Server
	engine  *synchro.Engine
	service *connect.Service
	// jobs is the engine's queue: queue, unless a test takes another.
	jobs    *queueSwitch
	widget  *widget.Widget
	queue   *jobstest.Queue
	calls   *calls
	clock   *clock
	log     *notes
	url     string
	bankURL string
}

type clock struct {
	mutex sync.Mutex
	now   time.Time
}

func (c *clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(d)
}

// notes are what was logged.
type notes struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.text.String()
}

// queueSwitch is a queue that tests exchange.
type queueSwitch struct{ synchro.Queue }

// calls remembers what the bank was asked: "POST /site/securite".
type calls struct {
	mutex sync.Mutex
	paths []string
	hook  func(*http.Request)
}

// before calls a function before each request from now on.
func (c *calls) before(hook func(*http.Request)) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.hook = hook
}

func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mutex.Lock()
	c.paths = append(c.paths, r.Method+" "+r.URL.Path)
	hook := c.hook
	c.mutex.Unlock()
	if hook != nil {
		hook(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c *calls) count(call string) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	n := 0
	for _, path := range c.paths {
		if path == call {
			n++
		}
	}
	return n
}

// eachWorld runs a test on both databases.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Parallel()
		test(t, newWorld(t, db, func(*widget.Options) {}))
	})
}

// oneWorld is for what has nothing to do with the database.
func oneWorld(t testing.TB) *world { return adjustedWorld(t, func(*widget.Options) {}) }

func adjustedWorld(t testing.TB, adjust func(*widget.Options)) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	err = db.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, db, adjust)
	w.path = path
	return w
}

func newWorld(t testing.TB, db *store.DB, adjust func(*widget.Options)) *world {
	t.Helper()
	w := &world{
		t: t, db: db, queue: &jobstest.Queue{}, calls: &calls{}, log: &notes{},
		clock: &clock{now: time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)},
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	bank, err := testbank.New(testbank.Options{Now: w.clock.Now, Control: true, Log: quiet})
	must(err)
	bankServer := httptest.NewServer(bank.Handler())
	t.Cleanup(bankServer.Close)
	w.bankURL = bankServer.URL
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.url = server.URL
	providers, err := catalogue.Load(catalogue.Options{
		Sandbox: true, TestBankURL: w.bankURL, Now: w.clock.Now, Rand: rand.Reader, Transport: w.calls, Log: quiet,
	})
	must(err)
	sealer, err := vault.Open(vault.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	must(err)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.jobs = &queueSwitch{w.queue}
	w.engine = synchro.New(synchro.Options{DB: db, Vault: sealer, Catalogue: providers, Queue: w.jobs, Now: w.clock.Now, Log: log})
	w.service = connect.New(connect.Options{
		DB: db, Vault: sealer, Catalogue: providers, Engine: w.engine, CallbackURL: w.url + "/oauth2/aisp",
		Now: w.clock.Now, Rand: rand.Reader, Log: log,
	})
	w.auth, err = auth.New(auth.Options{DB: db, Vault: sealer, Issuer: w.url, Now: w.clock.Now, Rand: rand.Reader, Log: quiet})
	must(err)
	options := widget.Options{
		DB: db, Auth: w.auth, Service: w.service, Vault: sealer, PublicURL: w.url,
		Now: w.clock.Now, Rand: rand.Reader, Log: log,
	}
	adjust(&options)
	w.widget = widget.New(options)
	w.auth.Register(mux)
	w.widget.Register(mux)
	rest, err := api.New(api.Options{
		DB: db, Auth: w.auth, Service: w.service, Now: w.clock.Now, Log: quiet, PublicURL: w.url, Widget: w.widget,
	})
	must(err)
	rest.Register(mux)
	mux.Handle("/", rest)
	w.write(func(tx *store.Tx) error {
		for _, c := range []oxlin.Client{sandbox, licensed, shop, bare} {
			err := tx.SaveClient(context.Background(), c)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) write(f func(tx *store.Tx) error) {
	w.t.Helper()
	err := w.db.Write(context.Background(), f)
	if err != nil {
		w.t.Fatal(err)
	}
}

// control pulls a lever of the bank.
func (w *world) control(method, path, body string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.bankURL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		w.t.Fatalf("%s %s: HTTP %d", method, path, response.StatusCode)
	}
}

// person is a user, with what their client holds for them.
type person struct {
	*world
	t       testing.TB
	client  oxlin.Client
	id      oxlin.UserID
	access  string
	refresh string
	family  string
}

// everything is what a user's token may allow.
var everything = oxlin.UserScopes()

// person makes a user who has accepted the terms, with tokens for everything or
// for the scopes that are named.
func (w *world) person(t testing.TB, c oxlin.Client, scopes ...oxlin.Scope) *person {
	t.Helper()
	p := w.stranger(t, c, scopes...)
	w.write(func(tx *store.Tx) error {
		user, err := tx.User(context.Background(), p.id)
		if err != nil {
			return err
		}
		user.TermsVersion, user.TermsAcceptedAt = oxlin.TermsVersion, w.clock.Now()
		return tx.UpdateUser(context.Background(), user)
	})
	return p
}

// stranger is a user who has accepted nothing yet.
func (w *world) stranger(t testing.TB, c oxlin.Client, scopes ...oxlin.Scope) *person {
	t.Helper()
	if len(scopes) == 0 {
		scopes = everything
	}
	p := &person{world: w, t: t, client: c, access: rand.Text(), refresh: rand.Text(), family: rand.Text()}
	ctx, now := context.Background(), w.clock.Now()
	w.write(func(tx *store.Tx) error {
		var err error
		p.id, err = tx.InsertUser(ctx, oxlin.User{ClientID: c.ID, Email: rand.Text() + "@example.test", CreatedAt: now})
		if err != nil {
			return err
		}
		return p.insertTokens(tx, scopes)
	})
	return p
}

// insertTokens stores the person's tokens, as after a sign-in now.
func (p *person) insertTokens(tx *store.Tx, scopes oxlin.Scopes) error {
	now := p.clock.Now()
	for _, token := range []struct {
		kind  store.TokenKind
		value string
		life  time.Duration
	}{{store.AccessToken, p.access, time.Hour}, {store.RefreshToken, p.refresh, 90 * 24 * time.Hour}} {
		err := tx.InsertToken(context.Background(), store.Token{
			Hash: vault.HashToken(oxlin.NewSecret(token.value)), Kind: token.kind, Family: p.family, Client: p.client, UserID: p.id,
			Scopes: scopes, AuthenticatedAt: now, CreatedAt: now, ExpiresAt: now.Add(token.life),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// work does what the user's jobs have to do now.
func (p *person) work() {
	p.t.Helper()
	for {
		job, due := p.queue.TakeRun(func(run jobstest.Run) bool { return run.User == p.id && !run.NotBefore.After(p.clock.Now()) })
		if !due {
			return
		}
		err := p.engine.Run(p.t.Context(), job.ID)
		if err != nil {
			p.t.Fatalf("run %s: %v", job.ID, err)
		}
	}
}

// revoke works the revocations that wait and returns how many there were.
func (w *world) revoke() int {
	w.t.Helper()
	waiting := w.queue.TakeRevocations()
	for _, job := range waiting {
		err := w.engine.Revoke(w.t.Context(), job.Provider, job.Definition, job.Sealed)
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return len(waiting)
}

// caller is the user as our own pages see them.
func (p *person) caller() oxlin.Caller {
	return oxlin.Caller{Client: p.client, UserID: p.id, Scopes: everything, Hosted: true, PSU: &oxlin.PSU{IP: "203.0.113.7"}}
}

func (p *person) connections() []oxlin.Connection {
	p.t.Helper()
	list, err := p.service.Connections.List(p.t.Context(), p.caller())
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

// connection is the user's only one.
func (p *person) connection() oxlin.Connection {
	p.t.Helper()
	list := p.connections()
	if len(list) != 1 {
		p.t.Fatalf("the user has %d connections, want 1", len(list))
	}
	return list[0]
}

func (p *person) channel(id oxlin.ChannelDefinitionID) oxlin.Channel {
	p.t.Helper()
	channel, _ := p.connection().Channel(id)
	return channel
}

func (p *person) accounts() []oxlin.Account {
	p.t.Helper()
	list, err := p.db.Read().AccountsOfUser(p.t.Context(), p.id)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

// statuses counts the user's accounts.
func (p *person) statuses() map[oxlin.AccountStatus]int {
	p.t.Helper()
	counts := map[oxlin.AccountStatus]int{}
	for _, account := range p.accounts() {
		counts[account.Status]++
	}
	return counts
}

func (p *person) transactions() int {
	p.t.Helper()
	list, err := p.db.Read().Transactions(p.t.Context(), p.id, store.TransactionFilter{}, 0, 10_000)
	if err != nil {
		p.t.Fatal(err)
	}
	return len(list)
}

// consents is the evidence about the user's only connection.
func (p *person) consents() []oxlin.Consent {
	p.t.Helper()
	list, err := p.db.Read().Consents(p.t.Context(), p.connection().ID)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func (p *person) events() []oxlin.Event {
	p.t.Helper()
	list, err := p.db.Read().Events(p.t.Context(), p.id, 0, 1000)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

// form are names and values in turn.
func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// fresh gives a person new tokens.
func (w *world) fresh(p *person) *person {
	p.t.Helper()
	p.access, p.refresh, p.family = rand.Text(), rand.Text(), rand.Text()
	w.write(func(tx *store.Tx) error { return p.insertTokens(tx, everything) })
	return p
}
