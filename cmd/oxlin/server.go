package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/clock"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/health"
	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/revocation"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/https"
	"github.com/oxlin/oxlin/internal/widget"
	"github.com/oxlin/oxlin/testbank"
)

// serverFlags configure a running platform.
type serverFlags struct {
	databaseFlags
	bankFlags
	Listen        string       `arg:"--listen,env:OXLIN_LISTEN" help:"Address of the platform; port 0 takes a free one." default:"127.0.0.1:8080"`
	PublicURL     string       `arg:"--public-url,env:OXLIN_PUBLIC_URL" help:"The address under which users and clients reach the platform, a host without a path; without it the one it listens on." placeholder:"URL"`
	AllowedHost   wordList     `arg:"--allowed-host,env:OXLIN_ALLOWED_HOST" help:"Another host name under which people reach the console, the sign-in page, the portal and the sandbox; may be repeated. Those of --public-url and of this machine are allowed." placeholder:"HOST"`
	SandboxPublic bool         `arg:"--sandbox-public,env:OXLIN_SANDBOX_PUBLIC" help:"Let --sandbox, whose passwords are public, listen beyond this machine."`
	TrustProxy    bool         `arg:"--trust-proxy,env:OXLIN_TRUST_PROXY" help:"Believe X-Forwarded-For and X-Forwarded-Proto, because a proxy of ours sets them."`
	TLSCert       existingFile `arg:"--tls-cert,env:OXLIN_TLS_CERT" help:"PEM file of the certificate for HTTPS; read again when it changes." placeholder:"FILE"`
	TLSKey        existingFile `arg:"--tls-key,env:OXLIN_TLS_KEY" help:"PEM file of its key." placeholder:"FILE"`
	WithoutOCSP   bool         `arg:"--without-ocsp,env:OXLIN_WITHOUT_OCSP" help:"Ask no authority whether a certificate was revoked (OCSP), neither a bank's nor our own."`
	Workers       int          `arg:"--workers,env:OXLIN_WORKERS" help:"How many synchronisations of one bank this process runs at once; as many again are for other banks, and a quarter for users who are present." default:"24"`
	limitFlags
	DatabaseInClear      bool     `arg:"--database-in-clear,env:OXLIN_DATABASE_IN_CLEAR" help:"Let --database lead to PostgreSQL on another machine without sslmode=verify-full, because nobody else is on the network between."`
	PasswordLength       int      `arg:"--password-length,env:OXLIN_PASSWORD_LENGTH" help:"The least number of characters of a password that a client with a secret gives to its users, from 1 to 64; a password that a user sets has 12." default:"8"`
	Roles                roleList `arg:"--roles,env:OXLIN_ROLES" help:"What this process does: api, worker, testbank." default:"api,worker,testbank"`
	TestbankListen       string   `arg:"--testbank-listen,env:OXLIN_TESTBANK_LISTEN" help:"Address of the test bank in the sandbox; port 0 takes a free one." default:"127.0.0.1:8081"`
	AllowPrivateFileURLs bool     `arg:"--allow-private-file-urls,env:OXLIN_ALLOW_PRIVATE_FILE_URLS" help:"Let the test bank fetch files from private and loopback addresses."`
	TestbankControl      bool     `arg:"--testbank-control,env:OXLIN_TESTBANK_CONTROL" help:"Open the test bank's /control: its clock and its scenarios."`
	consoleFlags
	profileFlags
	certificateFlags
	AuditRetention int               `arg:"--audit-retention,env:OXLIN_AUDIT_RETENTION" help:"How many days the entries of the audit log are kept; 0 for ever." default:"400"`
	EventRetention int               `arg:"--event-retention,env:OXLIN_EVENT_RETENTION" help:"How many days events of queues and ended synchronisations are kept; 0 for ever." default:"90"`
	Logos          existingDirectory `arg:"--logos,env:OXLIN_LOGOS" help:"Directory with pictures of banks: <provider id>.png or <provider id>.svg." placeholder:"DIR"`
	settingFlags
	secretLifeFlags
	// ownTime is set by a test whose clock is not that of the database.
	ownTime bool
}

// limitFlags limit the requests to one process. The defaults are those of web.NewDoors.
type limitFlags struct {
	ClientLimit  int `arg:"--client-limit,env:OXLIN_CLIENT_LIMIT" help:"How many requests a second one client may send to this process, ten times as many at once; 0 for no limit." default:"2000"`
	UserLimit    int `arg:"--user-limit,env:OXLIN_USER_LIMIT" help:"The same for one user, and for one session of the widget." default:"50"`
	Connections  int `arg:"--connections,env:OXLIN_CONNECTIONS" help:"How many connections may be open; one public address may have an eighth of them." default:"8192"`
	AddressLimit int `arg:"--address-limit,env:OXLIN_ADDRESS_LIMIT" help:"The same for one address whose requests have no valid secret, token or session." default:"20"`
}

// check refuses numbers of flags that mean nothing. A retention of more days than this would not fit into
// the time of a program.
func (f serverFlags) check() error {
	const mostDays = 36500
	for _, number := range []struct {
		flag    string
		n, most int
	}{
		{"--client-limit", f.ClientLimit, 1_000_000},
		{"--user-limit", f.UserLimit, 1_000_000},
		{"--address-limit", f.AddressLimit, 1_000_000},
		{"--connections", f.Connections, 10_000_000}, // 0 is the default
		{"--audit-retention", f.AuditRetention, mostDays},
		{"--event-retention", f.EventRetention, mostDays},
	} {
		if number.n < 0 || number.n > number.most {
			return fmt.Errorf("%s: want 0 to %d, not %d", number.flag, number.most, number.n)
		}
	}
	return errors.Join(checkPasswordLength(f.PasswordLength), f.secretLifeFlags.check())
}

// bankFlags name the banks and what they gave us.
type bankFlags struct {
	Sandbox      bool              `arg:"--sandbox,env:OXLIN_SANDBOX" help:"Offer the test bank instead of real banks, and two ready clients."`
	TestbankURL  string            `arg:"--testbank-url,env:OXLIN_TESTBANK_URL" help:"Where the test bank is reached; without it the address it listens on." placeholder:"URL"`
	Providers    existingDirectory `arg:"--providers,env:OXLIN_PROVIDERS" help:"Directory with provider files of your own." placeholder:"DIR"`
	BankSettings existingFile      `arg:"--bank-settings,env:OXLIN_BANK_SETTINGS" help:"JSON file with what the banks gave us, {\"name\": \"value\"}: client ids and secrets for {{name}} in the provider files. A value {\"file\": \"name\"} is the content of a file beside it." placeholder:"FILE"`
	Browser      existingFile      `arg:"--browser,env:OXLIN_BROWSER" help:"A Chromium for banks whose pages need JavaScript; without it the one on the PATH." placeholder:"FILE"`
	QWAC         existingFile      `arg:"--qwac,env:OXLIN_QWAC" help:"PEM file of the certificate by which banks know us in TLS." placeholder:"FILE"`
	QWACKey      existingFile      `arg:"--qwac-key,env:OXLIN_QWAC_KEY" help:"PEM file of its key." placeholder:"FILE"`
	QSEAL        existingFile      `arg:"--qseal,env:OXLIN_QSEAL" help:"PEM file of the certificate with which messages to banks are signed." placeholder:"FILE"`
	QSEALKey     existingFile      `arg:"--qseal-key,env:OXLIN_QSEAL_KEY" help:"PEM file of its key." placeholder:"FILE"`
}

// server is a running platform.
type server struct {
	flags      serverFlags
	now        func() time.Time
	log        *slog.Logger
	release    func() error // the claim on the database
	unwatch    func()       // ends the look at the database
	db         *store.DB
	vault      *vault.Vault
	sign       *installation.Sign
	audit      *audit.Log
	clock      *clock.Clock
	putRight   func(ctx context.Context, ahead time.Duration) error // appointments that a wrong clock made
	engine     *jobs.Engine
	worker     worker // the engine's service
	bank       *testbank.Bank
	widget     *widget.Widget
	connect    *connect.Service
	web        []*http.Server
	failures   chan error
	publicURL  string
	mtlsURL    string // where clients may show a certificate; empty without such an address
	consoleURL string // where operators have a console; empty without one
	bankURL    string
	// certificates are those of our own listeners, and authorities those whom we ask about revoked ones.
	certificates []*https.Certificate
	authorities  *revocation.Authorities
}

// startServer builds the platform, whose rooms tell the time by a clock, and begins to
// serve. Close ends it.
func startServer(ctx context.Context, flags serverFlags, now func() time.Time, log *slog.Logger) (_ *server, err error) {
	if flags.ways == nil {
		flags.ways = notify.Ways()
	}
	s := &server{flags: flags, now: now, log: health.Quiet(log), failures: make(chan error, 4)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	err = errors.Join(s.checkPublicURL(), checkAllowedHosts(flags.AllowedHost), s.checkExposure(), s.checkDatabase(), s.checkCertificates(), flags.check())
	if err != nil {
		return nil, err
	}
	err = flags.makeDirectory()
	if err != nil {
		return nil, err
	}
	s.release, err = store.Claim(flags.address())
	if err != nil {
		return nil, wayOut(err)
	}
	err = s.checkListen()
	if err != nil {
		return nil, err
	}
	s.db, err = flags.create(ctx, store.Options{Sandbox: flags.Sandbox})
	if err != nil {
		return nil, err
	}
	err = s.admit(ctx)
	if err != nil {
		return nil, err
	}
	err = s.startTestBank()
	if err != nil {
		return nil, err
	}
	return s, s.startPlatform(ctx)
}

// checkDatabase refuses a connection to PostgreSQL that others may read, unless the operator
// allows it. A sandbox has nothing to read.
func (s *server) checkDatabase() error {
	err := store.CheckAddresses(s.flags.address(), s.flags.DatabaseDirect)
	if err != nil {
		return wayOut(err)
	}
	const exposed = "others may read what goes to PostgreSQL: give its address sslmode=verify-full"
	switch {
	case !store.Exposed(s.flags.address()) && !store.Exposed(s.flags.DatabaseDirect):
		return nil
	case s.flags.Sandbox || s.flags.DatabaseInClear:
		s.log.Warn(exposed)
		return nil
	}
	return errors.New(exposed + ", or allow it by --database-in-clear")
}

// admit opens the vault, and refuses a database that belongs to another key, or to
// another kind of platform.
func (s *server) admit(ctx context.Context) error {
	now, err := s.db.Installation(ctx)
	if err != nil {
		return err
	}
	err = installation.Fits(now, s.flags.Sandbox)
	if err != nil {
		return wayOut(err)
	}
	s.vault, err = s.flags.vault(ctx, s.db)
	if err != nil {
		return err
	}
	if !s.flags.Sandbox && s.flags.keyInside() {
		s.log.Warn("whoever copies the data directory copies the master key with it: move the key elsewhere and name it by --master-key-file", "file", s.flags.keyFile())
	}
	if s.flags.keyReadable() {
		s.log.Warn("this process may read the master key although a keeper holds it: give the file to the keeper's user alone", "file", s.flags.keyFile())
	}
	if !s.flags.Sandbox && os.Geteuid() == 0 {
		s.log.Warn("the platform runs as root and needs no right of it: give it a user of its own")
	}
	err = installation.Admit(ctx, s.db, s.vault, s.flags.Sandbox)
	if err != nil {
		return wayOut(err)
	}
	s.sign, err = installation.SignOn(ctx, s.db, s.vault)
	return err
}

func (s *server) has(role string) bool { return slices.Contains(s.flags.Roles, role) }

// startTestBank serves the test bank on a listener of its own: it is a bank, and
// the platform reaches it over HTTP alone.
func (s *server) startTestBank() error {
	s.bankURL = s.flags.TestbankURL
	if !s.flags.Sandbox || !s.has("testbank") {
		if s.bankURL == "" {
			s.bankURL = "http://" + s.flags.TestbankListen
		}
		return nil
	}
	listener, err := net.Listen("tcp", s.flags.TestbankListen)
	if err != nil {
		return fmt.Errorf("test bank: %w", err)
	}
	if s.bankURL == "" {
		s.bankURL = "http://" + listener.Addr().String()
	}
	s.bank, err = testbank.New(testbank.Options{
		PublicURL: s.bankURL, DataDir: filepath.Join(s.flags.directory(), "testbank"), Control: s.flags.TestbankControl,
		AllowPrivateFileURLs: s.flags.AllowPrivateFileURLs, Now: s.now, Log: s.log.With("part", "testbank"),
	})
	if err != nil {
		return errors.Join(fmt.Errorf("test bank: %w", err), listener.Close())
	}
	s.serve(listener, s.ownHosts(s.bankURL, bankOpensAnywhere).Require(s.bank.Handler()))
	return nil
}

// rooms are the rooms of a platform, each built from those before it.
type rooms struct {
	vault     *vault.Vault
	audit     *audit.Log
	metrics   *health.Metrics
	catalogue *catalogue.Catalogue
	jobs      *jobs.Engine
	notifier  *notify.Notifier
	synchro   *synchro.Engine
	connect   *connect.Service
	clients   *directory.Clients
	users     *directory.Users
	auth      *auth.Server
	operators *operator.Operators
	widget    *widget.Widget
}

// startPlatform builds the rooms, opens their doors, starts the work in the background
// and serves.
func (s *server) startPlatform(ctx context.Context) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	certified, err := s.listenForCertificates()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	handler, err := s.platform(ctx)
	if err != nil && certified != nil {
		err = errors.Join(err, certified.Close())
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.serve(listener, handler)
	if certified != nil {
		s.serve(certified, handler)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.unwatch = stop
	go health.Watch(watching, s.db, s.vault, s.log.With("part", "health"), time.Second)
	go s.audit.Run(watching)
	go s.sign.Run(watching, s.audit)
	if s.connect != nil {
		go s.connect.Resume(watching)
	}
	go s.clock.Run(watching, time.Second, s.putRight)
	for _, certificate := range s.certificates {
		if s.authorities != nil {
			go certificate.KeepStapled(watching, s.authorities, s.now)
		}
	}
	return nil
}

// tellExactEmails lists the users whom the migration to canonical e-mails could not tell
// apart: an operator may give them another e-mail.
func (s *server) tellExactEmails(ctx context.Context) error {
	const most = 20
	ids, err := s.db.Read().UsersByExactEmail(ctx, most)
	if len(ids) > 0 {
		s.log.Warn("these users sign in by the exact spelling of their e-mail, because another user of the client has it too",
			"users", ids, "all", len(ids) < most)
	}
	return err
}

// platform returns the handler of all doors; the work in the background runs already.
func (s *server) platform(ctx context.Context) (http.Handler, error) {
	s.clock = clock.New(clock.Options{Rows: s.db, Now: s.now, Apart: s.flags.ownTime, Log: s.log.With("part", "clock")})
	err := s.clock.Start(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.buildRooms(ctx)
	if err != nil {
		return nil, err
	}
	s.putRight = func(ctx context.Context, ahead time.Duration) error {
		return errors.Join(r.synchro.PutRight(ctx, ahead), r.jobs.PutRight(ctx))
	}
	r.audit.Note(ctx, audit.Entry{Action: audit.Started, Details: audit.Details{audit.Version: version, audit.Kind: strings.Join(s.flags.Roles, ",")}})
	err = s.tellExactEmails(ctx)
	if err != nil {
		return nil, err
	}
	// People open the pages of the second; software and users of the widget call the first.
	mux, people := http.NewServeMux(), http.NewServeMux()
	health.Register(mux, health.Options{DB: s.db, Vault: s.vault, Metrics: r.metrics, Clock: s.clock, Now: s.now})
	if s.has("api") {
		err := s.openDoors(ctx, mux, people, r)
		if err != nil {
			return nil, err
		}
	}
	if s.has("worker") {
		s.worker = worker{
			Engine: r.synchro, Notifier: r.notifier, rooms: []sweeper{r.synchro, r.users, endingSecrets{r.clients, s.now, s.log.With("part", "clients"), map[string]time.Time{}}},
			forgetful: []sweeper{r.auth, r.widget, r.operators, limits{s.db, s.now}, r.audit}, believed: s.clock.Believed,
		}
		err := r.jobs.Start(ctx, s.worker)
		if err != nil {
			return nil, err
		}
		s.engine = r.jobs
	}
	// From the outside in: every request is counted, plain HTTP is refused, limits and names
	// are checked, and then each room has its own frame.
	return r.metrics.Requests(s.guard().Require(s.withCertificates(s.doors().Handler(s.named(mux, people))))), nil
}

// doors returns the limits of requests to this process: by client, user, widget session and
// address.
func (s *server) doors() *web.Doors {
	doors := web.NewDoors(s.now, s.log)
	doors.Client, doors.Address = web.PerSecond(s.flags.ClientLimit), web.PerSecond(s.flags.AddressLimit)
	doors.User, doors.Session = web.PerSecond(s.flags.UserLimit), web.PerSecond(s.flags.UserLimit)
	doors.TrustProxy = s.flags.TrustProxy
	return doors
}

// attended returns the limit of attended synchronisations of a connection. It is wider in the
// sandbox, where developers try things out.
func (s *server) attended() pace.Limit {
	if s.flags.Sandbox {
		return pace.Burst(20, connect.AttendedLimit.Interval)
	}
	return connect.AttendedLimit
}

// passwords returns the rules for passwords that are set. A sandbox only warns: its users are
// played, by clients with short passwords among others.
func (s *server) passwords() directory.PasswordRules {
	return directory.PasswordRules{Given: s.flags.PasswordLength, Warn: s.flags.Sandbox, Log: s.log.With("part", "passwords")}
}

// checkPasswordLength refuses a length that the longest password which every client may use
// could not have. Zero is the default.
func checkPasswordLength(length int) error {
	if length < 0 || length > 64 {
		return fmt.Errorf("--password-length: %d must be from 1 to 64", length)
	}
	return nil
}

// named returns the handler of all rooms behind the check of the host name. A mux answers
// only for addresses that are not clean.
func (s *server) named(mux, people *http.ServeMux) http.Handler {
	frame := web.Frame{Room: "web", Log: s.log, Now: s.now, TrustProxy: s.flags.TrustProxy}
	pages, others := frame.Mux(people), frame.Mux(mux)
	if !s.flags.Sandbox {
		pages = s.ownHosts(s.publicURL, nil).Require(pages)
	}
	rooms := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := people.Handler(r); pattern != "" {
			pages.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
	if s.flags.Sandbox {
		return s.ownHosts(s.publicURL, opensAnywhere).Require(rooms)
	}
	return rooms
}

// buildRooms builds each room from those below it.
func (s *server) buildRooms(ctx context.Context) (r rooms, err error) {
	r.vault = s.vault
	r.audit = audit.New(audit.Options{
		DB: s.db, Vault: r.vault, Now: s.now, Log: s.log.With("part", "audit"), Retention: time.Duration(s.flags.AuditRetention) * 24 * time.Hour,
	})
	s.audit = r.audit
	r.metrics = health.NewMetrics()
	r.jobs, err = jobs.New(jobs.Options{DB: s.db, Now: s.now, Believed: s.clock.Believed, Ready: func() bool { return !s.vault.Away() }, Log: s.log.With("part", "jobs"), Workers: s.flags.Workers})
	if err != nil {
		return r, err
	}
	err = r.jobs.Migrate(ctx)
	if err != nil {
		return r, wayOut(err)
	}
	if !s.flags.WithoutOCSP {
		s.authorities = revocation.New(revocation.Options{Now: s.now, Log: s.log.With("part", "revocation"), Count: r.metrics.Revocation})
	}
	r.catalogue, err = s.loadCatalogue(func(next http.RoundTripper) http.RoundTripper {
		return r.metrics.BankCalls(r.jobs.Watch(s.clock.Witness(audit.Watch(next, s.now))))
	})
	if err != nil {
		return r, err
	}
	r.clients = directory.NewClients(s.db, r.vault, r.audit, s.now, rand.Reader, notify.Settings(s.flags.ways)...)
	r.notifier, err = s.notifier(r)
	if err != nil {
		return r, err
	}
	events := event.Log{Listener: r.notifier}
	r.synchro = synchro.New(synchro.Options{
		DB: s.db, Vault: r.vault, Catalogue: r.catalogue, Queue: r.jobs, Events: events, Audit: r.audit, Now: s.now, Clock: s.clock,
		Retention: time.Duration(s.flags.EventRetention) * 24 * time.Hour, Log: s.log.With("part", "synchro"),
	})
	r.connect = connect.New(connect.Options{
		DB: s.db, Vault: r.vault, Catalogue: r.catalogue, Engine: r.synchro, Events: events, CallbackURL: s.publicURL + "/oauth2/aisp",
		Spool: filepath.Join(s.flags.directory(), "spool"), Attended: s.attended(), Audit: r.audit, Now: s.now, Believed: s.clock.Believed, Rand: rand.Reader, Log: s.log.With("part", "connect"),
	})
	r.users = directory.NewUsers(s.db, r.vault, r.audit, r.synchro, s.passwords(), s.now)
	if s.flags.Sandbox {
		err = r.clients.EnsureSandbox(ctx)
		if err != nil {
			return r, err
		}
	}
	certificates, err := s.clientCertificates()
	if err != nil {
		return r, err
	}
	r.auth, err = auth.New(auth.Options{
		DB: s.db, Vault: r.vault, Audit: r.audit, Issuer: s.publicURL, TrustProxy: s.flags.TrustProxy, LocalKeys: s.flags.Sandbox, Passwords: s.passwords(),
		Certificates: certificates,
		Now:          s.now, Rand: rand.Reader, Log: s.log.With("part", "auth"),
	})
	if err != nil {
		return r, err
	}
	first, err := s.firstPasswords()
	if err != nil {
		return r, err
	}
	r.operators = operator.New(operator.Options{
		DB: s.db, Audit: r.audit, Vault: r.vault, Now: s.now, Rand: rand.Reader, FactorOptional: s.flags.Sandbox || s.flags.ConsoleWithoutSecondFactor,
		FirstPassword: first,
	})
	r.widget = widget.New(widget.Options{
		DB: s.db, Auth: r.auth, Users: r.users, Service: r.connect, Events: events, Audit: r.audit, Vault: r.vault, PublicURL: s.publicURL, Logos: s.logos(),
		TrustProxy: s.flags.TrustProxy, Now: s.now, Rand: rand.Reader, Log: s.log.With("part", "widget"),
	})
	s.widget, s.connect = r.widget, r.connect
	return r, nil
}

// openDoors mounts every room that speaks HTTP.
func (s *server) openDoors(ctx context.Context, mux, people *http.ServeMux, r rooms) error {
	r.auth.RegisterEndpoints(mux)
	r.auth.RegisterPages(people)
	r.widget.Register(mux)
	err := errors.Join(s.openConsole(ctx, people, r), s.openProfiles())
	if err != nil {
		return err
	}
	rest, err := api.New(api.Options{
		Auth: r.auth, Users: r.users, Service: r.connect, Now: s.now, Log: s.log.With("part", "api"),
		PublicURL: s.publicURL, Logos: s.logos(), Widget: r.widget, TrustProxy: s.flags.TrustProxy,
	})
	if err != nil {
		return err
	}
	rest.Register(mux)
	mux.Handle("/", web.ByAccept(r.widget.Missing(), rest)) // every address that no room has
	s.newPortal(rest.Document()).Register(people)
	return nil
}

// loadCatalogue reads the catalogue for a running platform.
// watch sees its calls to banks.
func (s *server) loadCatalogue(watch func(http.RoundTripper) http.RoundTripper) (*catalogue.Catalogue, error) {
	return s.flags.catalogue(catalogue.Options{
		TestBankURL: s.bankURL, Now: s.now, Rand: rand.Reader, Log: s.log.With("part", "bank"), Observe: watch, Authorities: s.authorities,
	})
}

// catalogue reads the built-in providers and the operator's provider files, settings and
// certificates.
func (f bankFlags) catalogue(options catalogue.Options) (*catalogue.Catalogue, error) {
	options.Sandbox, options.Browser = f.Sandbox, string(f.Browser)
	options.Certificates = catalogue.Certificates{
		QWACFile: string(f.QWAC), QWACKeyFile: string(f.QWACKey), QSEALFile: string(f.QSEAL), QSEALKeyFile: string(f.QSEALKey),
	}
	if f.Providers != "" {
		options.Extra = os.DirFS(string(f.Providers))
	}
	settings, err := f.settings()
	if err != nil {
		return nil, err
	}
	options.Variables = settings
	return catalogue.Load(options)
}

// logos returns the operator's directory of banks' pictures, nil without one.
func (s *server) logos() fs.FS {
	if s.flags.Logos == "" {
		return nil
	}
	return os.DirFS(string(s.flags.Logos))
}

// notifier opens the ways to tell clients about events.
func (s *server) notifier(r rooms) (*notify.Notifier, error) {
	return notify.New(notify.Options{DB: s.db, Queue: r.jobs, Clients: r.clients, Process: notify.Process{
		Flags: s.flags.values, Works: s.has("worker"), Log: s.log.With("part", "notify"),
		Render: func(e oxlin.Event) ([]byte, error) {
			provider, _ := r.catalogue.Provider(e.Connection.ProviderID)
			return api.EventJSON(s.publicURL, e, provider)
		},
	}}, s.flags.ways...)
}

// worker is the engine's service: synchronisations, notifications, and all rooms that
// have to forget things from time to time.
type worker struct {
	*synchro.Engine
	*notify.Notifier
	rooms []sweeper
	// forgetful rooms delete what is old. They wait while the clock is in doubt.
	forgetful []sweeper
	believed  func() bool
}

type sweeper interface {
	Sweep(ctx context.Context) error
}

// limits are the rate limits of all rooms, which share a table, and the counts of wrong passwords.
type limits struct {
	db  *store.DB
	now func() time.Time
}

func (l limits) Sweep(ctx context.Context) error {
	return l.db.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(pace.Sweep(ctx, tx.Pace(), l.now()), lockout.Sweep(ctx, tx, l.now()))
	})
}

func (s worker) Sweep(ctx context.Context) error {
	var errs []error
	for _, room := range s.rooms {
		errs = append(errs, room.Sweep(ctx))
	}
	for _, room := range s.forgetful {
		if s.believed() {
			errs = append(errs, room.Sweep(ctx))
		}
	}
	return errors.Join(errs...)
}

// Close stops gracefully: it answers the open requests, lets jobs reach their next stop
// and closes the database.
func (s *server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var errs []error
	if s.unwatch != nil {
		s.unwatch()
	}
	if s.widget != nil {
		s.widget.Close()
	}
	for _, web := range slices.Backward(s.web) {
		errs = append(errs, web.Shutdown(ctx))
	}
	if s.connect != nil {
		errs = append(errs, s.connect.Close(ctx))
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Stop(ctx))
	}
	if s.bank != nil {
		errs = append(errs, s.bank.Close())
	}
	if s.audit != nil {
		errs = append(errs, s.audit.Close(ctx))
	}
	if s.sign != nil {
		errs = append(errs, s.sign.Close(ctx))
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.release != nil {
		errs = append(errs, s.release())
	}
	return errors.Join(errs...)
}

// printAddresses prints the address of each part.
func (s *server) printAddresses(w io.Writer) {
	fmt.Fprintf(w, "platform   %s\n", s.publicURL)
	fmt.Fprintf(w, "API        %s/v2.1\n", s.publicURL)
	if s.consoleURL != "" {
		fmt.Fprintf(w, "console    %s/console\n", s.consoleURL)
	}
	if s.mtlsURL != "" {
		fmt.Fprintf(w, "mTLS       %s\n", s.mtlsURL)
	}
	if s.bank != nil {
		fmt.Fprintf(w, "test bank  %s\n", s.bankURL)
	}
}

type serveCommand struct{ serverFlags }

func (serveCommand) declares(ways []notify.Way) []oxlin.Setting { return notify.Flags(ways) }

// Run serves until the process is signalled to stop.
func (c serveCommand) Run(ctx context.Context) error {
	s, err := startServer(ctx, c.serverFlags, time.Now, slog.Default())
	if err != nil {
		return err
	}
	s.printAddresses(os.Stdout)
	select {
	case <-ctx.Done():
	case err = <-s.failures:
	}
	return errors.Join(err, s.Close())
}
