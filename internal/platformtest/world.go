package platformtest

import (
	"context"
	"crypto/rand"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/clock"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/testbank"
)

// Options are the choices of a test. The zero value is a world with the sandbox's
// catalogue.
type Options struct {
	// Now is when the world begins. Zero means Start.
	Now time.Time
	// Catalogue replaces the sandbox's catalogue and the test bank.
	Catalogue connect.Catalogue
	// Bank configures the test bank. Its control and its log are the world's, and its clock unless
	// it has one of its own.
	Bank testbank.Options
	// Vault replaces a vault with a new master key.
	Vault *vault.Vault
	// Providers holds provider files beside those of the sandbox.
	Providers fs.FS
	// PublicURL is the address that banks send users back to. Empty means World.URL.
	PublicURL string
	// Passwords are the rules for passwords; nil means those of a sandbox, which only warn.
	Passwords *directory.PasswordRules
	// Retention is how long events and ended synchronisations are kept; zero is for ever.
	Retention time.Duration
	// Ways are the ways to notify clients. Empty means notify.Ways.
	Ways []notify.Way
	// Elapsed is the time that the world's process has run. With it the platform judges its clock;
	// nil means that the clock is always right.
	Elapsed func() time.Duration
}

// World is a platform without its doors.
type World struct {
	T     testing.TB
	DB    *store.DB
	Clock *Clock
	// Judge judges Clock; it is nil without Options.Elapsed.
	Judge *clock.Clock
	Vault *vault.Vault
	// Audit stores noted entries when a test calls Flush.
	Audit *audit.Log
	// Log receives what the engine and the use cases log, and is shown if the test fails.
	Log *Log
	// Queue holds the jobs until the test runs them.
	Queue *jobstest.Queue
	// Jobs receives the engine's jobs: Queue, unless the test replaces it.
	Jobs *Jobs
	// Calls are the requests to the bank.
	Calls     *Transport
	BankURL   string
	Catalogue *Catalogue
	Notifier  *notify.Notifier
	Events    event.Log
	Engine    *synchro.Engine
	Clients   *directory.Clients
	Users     *directory.Users
	Passwords directory.PasswordRules
	Service   *connect.Service
	// Spool is the directory of accesses that are not stored yet.
	Spool string
	// Mux serves URL, where a test puts the doors that it needs.
	Mux *http.ServeMux
	URL string

	keys map[oxlin.UserID]oxlin.Key // for what the clients of users encrypt
	left sync.Map                   // the cookies of the browsers that left for the bank, by journey
}

// Jobs is a queue that a test can replace while the engine uses it.
type Jobs struct{ synchro.Queue }

// New makes a world on a migrated database. It ends with the test.
func New(t testing.TB, db *store.DB, options Options) *World {
	t.Helper()
	if options.Now.IsZero() {
		options.Now = Start
	}
	if options.Vault == nil {
		options.Vault = NewVault(t)
	}
	w := &World{
		T: t, DB: db, Clock: NewClock(options.Now), Vault: options.Vault, Log: &Log{}, Queue: &jobstest.Queue{},
		Calls: &Transport{}, Catalogue: &Catalogue{options.Catalogue}, Mux: http.NewServeMux(),
		keys: map[oxlin.UserID]oxlin.Key{},
	}
	t.Cleanup(func() {
		if t.Failed() && w.Log.String() != "" {
			t.Logf("the log of the platform:\n%s", w.Log)
		}
	})
	// Whatever a test plays (published clients, integrators, users) has to get through the
	// doors with their usual limits, which refill by the machine's clock.
	w.URL = Serve(t, web.NewDoors(time.Now, Quiet).Handler(w.Mux))
	if options.PublicURL == "" {
		options.PublicURL = w.URL
	}
	if options.Elapsed != nil {
		w.Judge = clock.New(clock.Options{Rows: db, Now: w.Clock.Now, Elapsed: options.Elapsed, Log: w.Log.Logger()})
	}
	if options.Catalogue == nil {
		w.Catalogue.Catalogue = w.startBank(options.Bank, options.Providers)
	}
	w.Audit = audit.New(audit.Options{DB: db, Vault: w.Vault, Now: w.Clock.Now, Log: w.Log.Logger()})
	if options.Ways == nil {
		options.Ways = notify.Ways()
	}
	w.Jobs = &Jobs{w.Queue}
	w.Clients = directory.NewClients(db, w.Vault, w.Audit, w.Clock.Now, rand.Reader, notify.Settings(options.Ways)...)
	notifier, err := notify.New(notify.Options{DB: db, Queue: w.Queue, Clients: w.Clients}, options.Ways...)
	if err != nil {
		t.Fatal(err)
	}
	w.Notifier, w.Events = notifier, event.Log{Listener: notifier}
	w.Engine = synchro.New(synchro.Options{
		DB: db, Vault: w.Vault, Catalogue: w.Catalogue, Queue: w.Jobs, Events: w.Events, Audit: w.Audit, Now: w.Clock.Now, Clock: w.Judge, Log: w.Log.Logger(),
		Retention: options.Retention,
	})
	w.Passwords = directory.PasswordRules{Warn: true, Log: w.Log.Logger()}
	if options.Passwords != nil {
		w.Passwords = *options.Passwords
	}
	w.Users = directory.NewUsers(db, w.Vault, w.Audit, w.Engine, w.Passwords, w.Clock.Now)
	w.Spool = filepath.Join(t.TempDir(), "spool")
	w.Service = connect.New(connect.Options{
		Spool: w.Spool,
		DB:    db, Vault: w.Vault, Catalogue: w.Catalogue, Engine: w.Engine, Events: w.Events, Audit: w.Audit,
		CallbackURL: options.PublicURL + "/oauth2/aisp", Now: w.Clock.Now, Believed: w.Judge.Believed, Rand: rand.Reader, Log: w.Log.Logger(),
	})
	return w
}

// startBank starts the test bank and returns the sandbox's catalogue, which leads to it.
func (w *World) startBank(options testbank.Options, extra fs.FS) *catalogue.Catalogue {
	w.T.Helper()
	if options.Now == nil {
		options.Now = w.Clock.Now
	}
	options.Control, options.Log = true, Quiet
	bank, err := testbank.New(options)
	if err != nil {
		w.T.Fatal(err)
	}
	w.BankURL = Serve(w.T, dated(options.Now, bank.Handler()))
	transport := audit.Watch(w.Calls, w.Clock.Now)
	if w.Judge != nil {
		transport = w.Judge.Witness(transport)
	}
	providers, err := catalogue.Load(catalogue.Options{
		Sandbox: true, TestBankURL: w.BankURL, Extra: extra, Now: w.Clock.Now, Rand: rand.Reader, Transport: transport, Log: Quiet,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return providers
}

// dated gives answers the date of a clock.
func dated(now func() time.Time, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", now().UTC().Format(http.TimeFormat))
		next.ServeHTTP(rw, r)
	})
}

// NewVault returns a vault with a new master key.
func NewVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := vault.Open(vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Serve serves a handler until the test ends, and returns its address.
func Serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// NewAuth returns an authorization server on the world's database and clock. A test
// changes its options with adjust, which may be nil.
func (w *World) NewAuth(issuer string, adjust func(*auth.Options)) *auth.Server {
	w.T.Helper()
	options := auth.Options{DB: w.DB, Vault: w.Vault, Audit: w.Audit, Issuer: issuer, Passwords: w.Passwords, Now: w.Clock.Now, Rand: rand.Reader, Log: Quiet}
	if adjust != nil {
		adjust(&options)
	}
	server, err := auth.New(options)
	if err != nil {
		w.T.Fatal(err)
	}
	return server
}

// Write runs a transaction, which must commit. Like every method that fails the test, it
// must not be called in a fuzz target.
func (w *World) Write(f func(tx *store.Tx) error) {
	w.T.Helper()
	err := w.DB.Write(context.Background(), f)
	if err != nil {
		w.T.Fatal(err)
	}
}

// SaveClients stores clients.
func (w *World) SaveClients(clients ...oxlin.Client) {
	w.T.Helper()
	w.Write(func(tx *store.Tx) error {
		for _, client := range clients {
			err := tx.SaveClient(context.Background(), client)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// NewUser stores a new user of a client. The user has accepted no terms, unless adjust,
// which may be AcceptTerms, changes it.
func (w *World) NewUser(client oxlin.Client, adjust ...func(*oxlin.User)) oxlin.UserID {
	w.T.Helper()
	user := oxlin.User{ClientID: client.ID, Email: rand.Text() + "@example.test", CreatedAt: w.Clock.Now()}
	for _, f := range adjust {
		f(&user)
	}
	w.Write(func(tx *store.Tx) (err error) {
		user.ID, err = tx.InsertUser(context.Background(), user)
		return err
	})
	return user.ID
}

// AcceptTerms makes a user one who has accepted the present terms on creation.
func AcceptTerms(user *oxlin.User) {
	user.TermsVersion, user.TermsAcceptedAt = oxlin.TermsVersion, user.CreatedAt
}

// Work runs the jobs that a test wants, in their order, until none is left. The clock moves
// to the moment of each job that is due later.
func (w *World) Work(wanted func(jobstest.Run) bool) {
	w.T.Helper()
	for {
		job, found := w.Queue.TakeRun(wanted)
		if !found {
			return
		}
		if wait := job.NotBefore.Sub(w.Clock.Now()); wait > 0 {
			w.Clock.Advance(wait)
		}
		err := w.Engine.Run(w.T.Context(), job.ID)
		if err != nil {
			w.T.Fatalf("run %s: %v", job.ID, err)
		}
	}
}

// Due reports whether a job may run now.
func (w *World) Due(run jobstest.Run) bool { return !run.NotBefore.After(w.Clock.Now()) }

// Revoke runs the jobs that return an access to its bank, and returns their number.
func (w *World) Revoke() int {
	w.T.Helper()
	waiting := w.Queue.TakeRevocations()
	for _, job := range waiting {
		err := w.Engine.Revoke(w.T.Context(), job.Provider, job.Definition, job.Sealed)
		if err != nil {
			w.T.Fatal(err)
		}
	}
	return len(waiting)
}
