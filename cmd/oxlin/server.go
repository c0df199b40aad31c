package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/api"
	"github.com/oxlin/oxlin/auth"
	"github.com/oxlin/oxlin/bank/catalogue"
	"github.com/oxlin/oxlin/connect"
	"github.com/oxlin/oxlin/console"
	"github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/health"
	"github.com/oxlin/oxlin/jobs"
	"github.com/oxlin/oxlin/notify"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/synchro"
	"github.com/oxlin/oxlin/testbank"
	"github.com/oxlin/oxlin/vault"
	"github.com/oxlin/oxlin/web"
	"github.com/oxlin/oxlin/web/https"
	"github.com/oxlin/oxlin/widget"
)

// databaseFlags name the database, the data directory and the master key.
type databaseFlags struct {
	Data             string     `help:"Directory for the database, the master key and the test bank: oxlin-data unless given, a fresh one for quickstart." type:"path" placeholder:"DIR"`
	Database         string     `help:"sqlite:PATH or postgres://...; without it SQLite in the data directory." placeholder:"URL"`
	Relaxed          bool       `help:"Let SQLite answer before the disk has the data: faster, and a power cut may lose the last moments."`
	MasterKeyCommand string     `help:"A command that prints the master key: the client of a key management service." placeholder:"COMMAND"`
	MasterKey        secretFlag `help:"The key that seals secrets at rest, in place of the file master.key in the data directory. Give it by the environment." placeholder:"KEY"`
}

// secretFlag is a flag whose value is never printed.
type secretFlag struct{ oxlin.Secret }

func (f *secretFlag) UnmarshalText(text []byte) error {
	f.Secret = oxlin.NewSecret(string(text))
	return nil
}

func (f databaseFlags) directory() string { return cmp.Or(f.Data, "oxlin-data") }

// open opens the database and brings it up to date.
func (f databaseFlags) open(ctx context.Context) (*store.DB, error) {
	err := os.MkdirAll(f.directory(), 0o700)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	address := f.Database
	if address == "" {
		address = "sqlite:" + filepath.Join(f.directory(), "oxlin.db")
	}
	db, err := store.Open(ctx, address, store.Options{Relaxed: f.Relaxed})
	if err != nil {
		return nil, err
	}
	err = db.Migrate(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrateJobs makes the job engine's tables.
func migrateJobs(ctx context.Context, db *store.DB) error {
	engine, err := jobs.New(jobs.Options{DB: db, Now: time.Now, Log: slog.Default()})
	if err != nil {
		return err
	}
	return engine.Migrate(ctx)
}

func (f databaseFlags) vault() (*vault.Vault, error) {
	return vault.Open(f.vaultOptions())
}

func (f databaseFlags) vaultOptions() vault.Options {
	return vault.Options{
		KeyFile: filepath.Join(f.directory(), "master.key"), Key: f.MasterKey.Secret, Command: f.MasterKeyCommand,
	}
}

// serverFlags configure a running platform.
type serverFlags struct {
	databaseFlags
	Listen               string     `help:"Address of the platform; port 0 takes a free one." default:"127.0.0.1:8080"`
	PublicURL            string     `help:"The address under which users and clients reach the platform, a host without a path; without it the one it listens on." placeholder:"URL"`
	TrustProxy           bool       `help:"Believe X-Forwarded-For and X-Forwarded-Proto, because a proxy of ours sets them."`
	TLSCert              string     `name:"tls-cert" help:"PEM file of the certificate for HTTPS; read again when it changes." type:"existingfile" placeholder:"FILE"`
	TLSKey               string     `name:"tls-key" help:"PEM file of its key." type:"existingfile" placeholder:"FILE"`
	Roles                []string   `help:"What this process does: api, worker, testbank." default:"api,worker,testbank" enum:"api,worker,testbank"`
	Sandbox              bool       `help:"Offer the test bank instead of real banks, and two ready clients."`
	TestbankListen       string     `help:"Address of the test bank in the sandbox; port 0 takes a free one." default:"127.0.0.1:8081"`
	TestbankURL          string     `help:"Where the test bank is reached; without it the address it listens on." placeholder:"URL"`
	AllowPrivateFileURLs bool       `name:"allow-private-file-urls" help:"Let the test bank fetch files from private and loopback addresses."`
	TestbankControl      bool       `help:"Open the test bank's /control: its clock and its scenarios."`
	Providers            string     `help:"Directory with provider files of your own." type:"existingdir" placeholder:"DIR"`
	BankSettings         string     `help:"JSON file with what the banks gave us, {\"name\": \"value\"}: client ids and secrets for {{name}} in the provider files." type:"existingfile" placeholder:"FILE"`
	Browser              string     `help:"A Chromium for banks whose pages need JavaScript; without it the one on the PATH." type:"existingfile" placeholder:"FILE"`
	ConsolePassword      secretFlag `help:"Open the operator's console at /console with this password; the sandbox's is \"sandbox\". Give it by the environment." placeholder:"PASSWORD"`
	WebhookCert          string     `help:"PEM file of the certificate by which integrators' servers know us when webhooks are sent." type:"existingfile" placeholder:"FILE"`
	WebhookKey           string     `help:"PEM file of its key." type:"existingfile" placeholder:"FILE"`
	Logos                string     `help:"Directory with pictures of banks for the widget: <provider id>.png." type:"existingdir" placeholder:"DIR"`
	QWAC                 string     `name:"qwac" help:"PEM file of the certificate by which banks know us in TLS." type:"existingfile" placeholder:"FILE"`
	QWACKey              string     `name:"qwac-key" help:"PEM file of its key." type:"existingfile" placeholder:"FILE"`
	QSEAL                string     `name:"qseal" help:"PEM file of the certificate with which messages to banks are signed." type:"existingfile" placeholder:"FILE"`
	QSEALKey             string     `name:"qseal-key" help:"PEM file of its key." type:"existingfile" placeholder:"FILE"`
}

// server is a running platform.
type server struct {
	flags     serverFlags
	log       *slog.Logger
	db        *store.DB
	engine    *jobs.Engine
	bank      *testbank.Bank
	widget    *widget.Widget
	web       []*http.Server
	failures  chan error
	publicURL string
	bankURL   string
}

// startServer builds the platform and begins to serve. Close ends it.
func startServer(ctx context.Context, flags serverFlags, log *slog.Logger) (_ *server, err error) {
	s := &server{flags: flags, log: log, failures: make(chan error, 2)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	err = s.checkPublicURL()
	if err != nil {
		return nil, err
	}
	s.db, err = flags.open(ctx)
	if err != nil {
		return nil, err
	}
	err = s.startTestBank()
	if err != nil {
		return nil, err
	}
	return s, s.startPlatform(ctx)
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
		AllowPrivateFileURLs: s.flags.AllowPrivateFileURLs, Log: s.log.With("part", "testbank"),
	})
	if err != nil {
		return errors.Join(fmt.Errorf("test bank: %w", err), listener.Close())
	}
	s.serve(listener, s.bank.Handler())
	return nil
}

// startPlatform wires the rooms: what each needs is built before it.
func (s *server) startPlatform(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.flags.Listen)
	if err != nil {
		return err
	}
	closeListener := true
	defer func() {
		if closeListener {
			listener.Close()
		}
	}()
	address := listener.Addr()
	listener, scheme, err := s.secured(listener)
	if err != nil {
		return err
	}
	s.publicURL = strings.TrimSuffix(s.flags.PublicURL, "/")
	if s.publicURL == "" {
		s.publicURL = scheme + "://" + address.String()
		if unspecified(address) {
			s.log.Warn("nobody reaches " + s.publicURL + ", which banks would send users back to: give --public-url")
		}
	}
	sealed, err := s.flags.vault()
	if err != nil {
		return err
	}
	metrics := health.NewMetrics()
	providers, err := s.loadCatalogue(metrics)
	if err != nil {
		return err
	}
	engine, err := jobs.New(jobs.Options{DB: s.db, Now: time.Now, Log: s.log.With("part", "jobs")})
	if err != nil {
		return err
	}
	err = engine.Migrate(ctx)
	if err != nil {
		return err
	}
	notifier, err := s.notifier(engine, providers)
	if err != nil {
		return err
	}
	events := event.Log{Listener: notifier}
	synchroniser := synchro.New(synchro.Options{
		DB: s.db, Vault: sealed, Catalogue: providers, Queue: engine, Events: events, Now: time.Now, Log: s.log.With("part", "synchro"),
	})
	service := connect.New(connect.Options{
		DB: s.db, Vault: sealed, Catalogue: providers, Engine: synchroniser, Events: events, CallbackURL: s.publicURL + "/oauth2/aisp",
		Now: time.Now, Rand: rand.Reader, Log: s.log.With("part", "connect"),
	})
	authorization, err := auth.New(auth.Options{
		DB: s.db, Vault: sealed, Issuer: s.publicURL, TrustProxy: s.flags.TrustProxy,
		Now: time.Now, Rand: rand.Reader, Log: s.log.With("part", "auth"),
	})
	if err != nil {
		return err
	}
	if s.flags.Sandbox {
		err := authorization.EnsureSandboxClients(ctx)
		if err != nil {
			return err
		}
	}
	s.widget = widget.New(widget.Options{
		DB: s.db, Auth: authorization, Service: service, Events: events, Vault: sealed, PublicURL: s.publicURL, Logos: s.logos(),
		TrustProxy: s.flags.TrustProxy, Now: time.Now, Rand: rand.Reader, Log: s.log.With("part", "widget"),
	})
	mux := http.NewServeMux()
	health.Register(mux, health.Options{DB: s.db, Metrics: metrics})
	if s.has("api") {
		authorization.Register(mux)
		s.widget.Register(mux)
		if password := s.consolePassword(); !password.IsZero() {
			console.New(console.Options{
				DB: s.db, Clients: authorization, Service: service, Vault: sealed, Password: password,
				Secure: strings.HasPrefix(s.publicURL, "https:"), TrustProxy: s.flags.TrustProxy, Now: time.Now, Rand: rand.Reader, Log: s.log.With("part", "console"),
			}).Register(mux)
		}
		rest, err := api.New(api.Options{
			DB: s.db, Auth: authorization, Service: service, Now: time.Now, Log: s.log.With("part", "api"),
			PublicURL: s.publicURL, Widget: s.widget, TrustProxy: s.flags.TrustProxy,
		})
		if err != nil {
			return err
		}
		rest.Register(mux)
		mux.Handle("/", web.ByAccept(s.widget.Missing(), rest)) // every address that no room has
		pages, err := s.newPortal(rest.Document())
		if err != nil {
			return err
		}
		pages.Register(mux)
	}
	if s.has("worker") {
		err = engine.Start(ctx, worker{synchroniser, notifier, []sweeper{synchroniser, authorization, s.widget}})
		if err != nil {
			return err
		}
		s.engine = engine
	}
	closeListener = false
	// From the outside in: every request is counted, plain HTTP is refused, and then each
	// room has its own frame.
	s.serve(listener, metrics.Requests(s.guard().Require(mux)))
	return nil
}

// guard keeps plain HTTP out.
func (s *server) guard() https.Guard {
	frame := web.Frame{Room: "https", Log: s.log.With("part", "https"), Now: time.Now, TrustProxy: s.flags.TrustProxy}
	return https.Guard{Frame: frame, Open: health.Probes}
}

// checkPublicURL refuses an address with a path, because the pages link to each other
// from the root.
func (s *server) checkPublicURL() error {
	if s.flags.PublicURL == "" {
		return nil
	}
	parsed, err := url.Parse(s.flags.PublicURL)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" ||
		strings.TrimSuffix(s.flags.PublicURL, "/") != parsed.Scheme+"://"+parsed.Host {
		return fmt.Errorf("--public-url: %q is no address of a host: it is https://HOST or https://HOST:PORT, without a path", s.flags.PublicURL)
	}
	host, err := netip.ParseAddr(parsed.Hostname())
	if parsed.Scheme == "http" && parsed.Hostname() != "localhost" && (err != nil || !host.IsLoopback()) {
		s.log.Warn("requests from other machines will be refused at " + s.flags.PublicURL + ": they have to come by HTTPS")
	}
	return nil
}

// unspecified reports whether an address stands for all networks; such an address
// cannot be called.
func unspecified(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsUnspecified()
}

// secured adds TLS to a listener if there is a certificate. Without one, other machines
// are refused.
func (s *server) secured(listener net.Listener) (net.Listener, string, error) {
	if s.flags.TLSCert == "" && s.flags.TLSKey == "" {
		if !https.Loopback(listener.Addr()) && !s.flags.TrustProxy {
			s.log.Warn("requests from other machines will be refused: give --tls-cert and --tls-key, or --trust-proxy behind a proxy that does HTTPS")
		}
		return listener, "http", nil
	}
	if s.flags.TLSCert == "" || s.flags.TLSKey == "" {
		return listener, "", errors.New("HTTPS needs both --tls-cert and --tls-key")
	}
	certificate, err := https.LoadCertificate(s.flags.TLSCert, s.flags.TLSKey, s.log)
	if err != nil {
		return listener, "", err
	}
	return tls.NewListener(listener, certificate.Config()), "https", nil
}

// loadCatalogue reads the built-in providers and the operator's provider files,
// settings and certificates.
func (s *server) loadCatalogue(metrics *health.Metrics) (*catalogue.Catalogue, error) {
	options := catalogue.Options{
		Sandbox: s.flags.Sandbox, TestBankURL: s.bankURL, Now: time.Now, Rand: rand.Reader, Log: s.log.With("part", "bank"),
		Observe: metrics.BankCalls, Browser: s.flags.Browser,
		Certificates: catalogue.Certificates{
			QWACFile: s.flags.QWAC, QWACKeyFile: s.flags.QWACKey, QSEALFile: s.flags.QSEAL, QSEALKeyFile: s.flags.QSEALKey,
		},
	}
	if s.flags.Providers != "" {
		options.Extra = os.DirFS(s.flags.Providers)
	}
	if s.flags.BankSettings != "" {
		text, err := os.ReadFile(s.flags.BankSettings)
		if err != nil {
			return nil, err
		}
		err = json.Unmarshal(text, &options.Variables)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.flags.BankSettings, err)
		}
	}
	return catalogue.Load(options)
}

// consolePassword returns the password of the operator's console; it is zero if there
// is no console.
func (s *server) consolePassword() oxlin.Secret {
	if s.flags.ConsolePassword.IsZero() && s.flags.Sandbox {
		return oxlin.NewSecret("sandbox")
	}
	return s.flags.ConsolePassword.Secret
}

// logos returns the operator's directory of banks' pictures, nil without one.
func (s *server) logos() fs.FS {
	if s.flags.Logos == "" {
		return nil
	}
	return os.DirFS(s.flags.Logos)
}

// notifier lists the ways to tell the outside about events.
func (s *server) notifier(engine *jobs.Engine, providers *catalogue.Catalogue) (*notify.Notifier, error) {
	certificate, err := s.webhookCertificate()
	if err != nil {
		return nil, err
	}
	webhook := notify.NewWebhook(certificate, func(e oxlin.Event) ([]byte, error) {
		provider, _ := providers.Provider(e.Connection.ProviderID)
		return api.WebhookJSON(e, provider)
	})
	return notify.New(s.db, engine, webhook), nil
}

// webhookCertificate returns the configuration with our certificate for integrators'
// servers; nil without one, and in processes that send no webhooks.
func (s *server) webhookCertificate() (*tls.Config, error) {
	if !s.has("worker") || s.flags.WebhookCert == "" && s.flags.WebhookKey == "" {
		return nil, nil
	}
	if s.flags.WebhookCert == "" || s.flags.WebhookKey == "" {
		return nil, errors.New("webhooks with a certificate need both --webhook-cert and --webhook-key")
	}
	certificate, err := https.LoadCertificate(s.flags.WebhookCert, s.flags.WebhookKey, s.log)
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	return certificate.Config(), nil
}

// worker is the engine's service: synchronisations, notifications, and all rooms that
// have to forget things from time to time.
type worker struct {
	*synchro.Engine
	*notify.Notifier
	rooms []sweeper
}

type sweeper interface {
	Sweep(ctx context.Context) error
}

func (s worker) Sweep(ctx context.Context) error {
	var errs []error
	for _, room := range s.rooms {
		errs = append(errs, room.Sweep(ctx))
	}
	return errors.Join(errs...)
}

// serve answers on a listener until Close.
func (s *server) serve(listener net.Listener, handler http.Handler) {
	web := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.web = append(s.web, web)
	go func() {
		err := web.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			s.failures <- err
		}
	}()
}

// Close stops gracefully: it answers the open requests, lets jobs reach their next stop
// and closes the database.
func (s *server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var errs []error
	if s.widget != nil {
		s.widget.Close()
	}
	for _, web := range slices.Backward(s.web) {
		errs = append(errs, web.Shutdown(ctx))
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Stop(ctx))
	}
	if s.bank != nil {
		errs = append(errs, s.bank.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// printAddresses prints the address of each part.
func (s *server) printAddresses(w io.Writer) {
	fmt.Fprintf(w, "platform   %s\n", s.publicURL)
	fmt.Fprintf(w, "API        %s/v2.1\n", s.publicURL)
	if !s.consolePassword().IsZero() {
		fmt.Fprintf(w, "console    %s/console\n", s.publicURL)
	}
	if s.bank != nil {
		fmt.Fprintf(w, "test bank  %s\n", s.bankURL)
	}
}

type serveCommand struct{ serverFlags }

// Run serves until the process is signalled to stop.
func (c serveCommand) Run(ctx context.Context) error {
	s, err := startServer(ctx, c.serverFlags, slog.Default())
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
