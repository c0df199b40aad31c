package synchro_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/bank/catalogue"
	"github.com/oxlin/oxlin/bank/stet"
	"github.com/oxlin/oxlin/connect"
	"github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/jobs/jobstest"
	"github.com/oxlin/oxlin/notify"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/synchro"
	"github.com/oxlin/oxlin/testbank"
	"github.com/oxlin/oxlin/testbank/robot"
	"github.com/oxlin/oxlin/vault"
)

// world is a platform's engine, the test bank on the other side of HTTP, and a
// user of a licensed client. Time stands still unless a test moves it.
type world struct {
	t       *testing.T
	db      *store.DB
	engine  *synchro.Engine
	service *connect.Service
	// catalogue is that of engine and service.
	catalogue *catalogueSwitch
	queue     *jobstest.Queue
	bankURL   string
	clock     *clock
	caller    oxlin.Caller
	calls     *calls
	key       oxlin.Key // for what clients encrypt, once a test needs it
}

// clock is the time of platform and bank.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// calls counts what is sent to the bank, and may break it.
type calls struct {
	mu     sync.Mutex
	paths  []string
	broken func(r *http.Request) *http.Response
}

func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.paths = append(c.paths, r.URL.Path)
	broken := c.broken
	c.mu.Unlock()
	if broken != nil {
		if answer := broken(r); answer != nil {
			answer.Request = r
			return answer, nil
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.paths)
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, queue: &jobstest.Queue{}, calls: &calls{}, clock: &clock{now: time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)}}
	quiet := slog.New(slog.DiscardHandler)
	bank, err := testbank.New(testbank.Options{Now: w.clock.Now, Control: true, PageSize: 40, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(bank.Handler())
	t.Cleanup(server.Close)
	w.bankURL = server.URL
	providers, err := catalogue.Load(catalogue.Options{
		Sandbox: true, TestBankURL: server.URL, Now: w.clock.Now, Rand: rand.Reader, Transport: w.calls, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := vault.Open(vault.Options{KeyFile: t.TempDir() + "/master.key"})
	if err != nil {
		t.Fatal(err)
	}
	w.catalogue = &catalogueSwitch{providers}
	events := event.Log{Listener: notify.New(db, w.queue, notify.NewWebhook(nil, nil))}
	w.engine = synchro.New(synchro.Options{
		DB: db, Vault: sealed, Catalogue: w.catalogue, Queue: w.queue, Events: events, Now: w.clock.Now, Log: quiet,
	})
	w.service = connect.New(connect.Options{
		DB: db, Vault: sealed, Catalogue: w.catalogue, Engine: w.engine, Events: events, CallbackURL: "https://oxlin.example/oauth2/aisp",
		Now: w.clock.Now, Rand: rand.Reader, Log: quiet,
	})
	client := oxlin.Client{ID: "licensed", Name: "Licensed", Licensed: true, AnyRedirectURI: true}
	w.caller = oxlin.Caller{Client: client, Scopes: oxlin.UserScopes(), PSU: &oxlin.PSU{IP: "203.0.113.7"}}
	w.write(func(tx *store.Tx) error {
		err := tx.SaveClient(t.Context(), client)
		if err != nil {
			return err
		}
		w.caller.UserID, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: client.ID, Email: "jo@example.test"})
		return err
	})
	return w
}

func (w *world) write(f func(tx *store.Tx) error) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), f)
	if err != nil {
		w.t.Fatal(err)
	}
}

// bankIs changes what the banks of REDIRECT are like, beyond what the test bank plays.
func (w *world) bankIs(like func(*stet.Connector) bank.Connector) {
	w.catalogue.Catalogue = otherBank{w.catalogue.Catalogue, like}
}

// catalogueSwitch is a catalogue that tests exchange.
type catalogueSwitch struct{ connect.Catalogue }

// otherBank is a catalogue whose banks are like no other.
type otherBank struct {
	connect.Catalogue
	like func(*stet.Connector) bank.Connector
}

func (o otherBank) Connector(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) (bank.Connector, error) {
	connector, err := o.Catalogue.Connector(provider, definition)
	if err != nil {
		return nil, err
	}
	return o.like(connector.(*stet.Connector)), nil
}

// authorize sends the user to the bank and gives where the bank sends them back to.
func (w *world) authorize(request connect.AuthorizeRequest, login string) *url.URL {
	w.t.Helper()
	request.ProviderID, request.DefinitionID = "87", "8701"
	address, err := w.service.Authorizations.Begin(w.t.Context(), w.caller, request)
	if err != nil {
		w.t.Fatal(err)
	}
	answers := robot.Dev()
	answers["login"] = login
	back, err := robot.LogIn(w.t.Context(), address, answers)
	if err != nil {
		w.t.Fatal(err)
	}
	return back
}

// arrive finishes the callback of a journey.
func (w *world) arrive(back *url.URL) connect.CallbackResult {
	w.t.Helper()
	answer := back.Query()
	result, err := w.service.Authorizations.Finish(w.t.Context(), connect.Callback{
		State: answer.Get("state"), Code: answer.Get("code"), Error: answer.Get("error"), PSU: w.caller.PSU,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// connect is the whole journey of a user with the default file, up to the data.
func (w *world) connect(request connect.AuthorizeRequest, login string) oxlin.ConnectionID {
	w.t.Helper()
	request.ReturnURI = "https://integrator.example/return"
	result := w.arrive(w.authorize(request, login))
	if result.Status != "success" {
		w.t.Fatalf("the callback ended with %+v", result)
	}
	w.work()
	return result.ConnectionID
}

// patience is how far work moves the clock for a job that waits: beyond the
// pauses for a bank that is down, and short of the time that a user has to answer.
const patience = 100 * time.Second

// work runs the jobs until none is left but those that wait for a user.
func (w *world) work() {
	w.t.Helper()
	for {
		job, ok := w.queue.TakeRun(func(run jobstest.Run) bool { return run.NotBefore.Sub(w.clock.Now()) <= patience })
		if !ok {
			return
		}
		if wait := job.NotBefore.Sub(w.clock.Now()); wait > 0 {
			w.clock.Advance(wait)
		}
		err := w.engine.Run(w.t.Context(), job.ID)
		if err != nil {
			w.t.Fatalf("run %s: %v", job.ID, err)
		}
	}
}

// takeRun takes the job that waits longest; there has to be one.
func (w *world) takeRun() oxlin.SyncID {
	w.t.Helper()
	job, ok := w.queue.TakeRun(jobstest.Any)
	if !ok {
		w.t.Fatal("no job waits")
	}
	return job.ID
}

func (w *world) synchronize(id oxlin.ConnectionID) {
	w.t.Helper()
	err := w.service.Connections.Synchronize(w.t.Context(), w.caller, id, oxlin.SyncAll)
	if err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *world) connection(id oxlin.ConnectionID) oxlin.Connection {
	w.t.Helper()
	connection, err := w.service.Connections.Get(w.t.Context(), w.caller, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return connection
}

func (w *world) channel(id oxlin.ConnectionID) oxlin.Channel {
	w.t.Helper()
	channel, _ := w.connection(id).Channel("8701")
	return channel
}

func (w *world) accounts() []oxlin.Account {
	w.t.Helper()
	accounts, err := w.db.Read().AccountsOfUser(w.t.Context(), w.caller.UserID)
	if err != nil {
		w.t.Fatal(err)
	}
	return accounts
}

func (w *world) transactions() []oxlin.Transaction {
	w.t.Helper()
	all, err := w.db.Read().Transactions(w.t.Context(), w.caller.UserID, store.TransactionFilter{}, 0, 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) eventTypes() []oxlin.EventType {
	w.t.Helper()
	events, err := w.db.Read().Events(w.t.Context(), w.caller.UserID, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var types []oxlin.EventType
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

// scenario switches something on at the bank, for one login.
func (w *world) scenario(login, name string) {
	w.t.Helper()
	w.control("/control/scenario", map[string]any{"login": login, "scenario": name})
}

// endScenario switches scenarios off again: those that a query names.
func (w *world) endScenario(query string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, w.bankURL+"/control/scenario?"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		w.t.Fatalf("end %s: HTTP %d", query, response.StatusCode)
	}
}

func (w *world) control(path string, body any) {
	w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.Post(w.bankURL+path, "application/json", bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		w.t.Fatalf("%s: HTTP %d", path, response.StatusCode)
	}
}
