package testbank

import (
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options configure a bank. The zero value is a bank in memory that accepts any client,
// without the control API.
type Options struct {
	PublicURL            string // e.g. http://127.0.0.1:8081, for absolute links; empty means the host of each request
	DataDir              string // directory of the state file; empty keeps the state in memory
	AllowPrivateFileURLs bool   // lets file_url reach private and loopback addresses
	Control              bool   // mounts /control: clock and scenarios, for tests

	// Clients lists the accepted clients. Empty accepts any client and any http or
	// https redirect target, which suits a sandbox only.
	Clients []Client

	PageSize      int           // rows a page; 0 means 100
	ConsentLife   time.Duration // 0 means 90 days
	HistoryWindow time.Duration // how long after the strong authentication rows older than 90 days are readable; 0 means 15 minutes
	RefreshGrace  time.Duration // how long a spent refresh token still works; 0 means it never does
	FetchTimeout  time.Duration // for file_url; 0 means 10 seconds

	Now  func() time.Time // the clock; nil means time.Now
	Rand io.Reader        // nil means crypto/rand
	Log  *slog.Logger     // nil means slog.Default()
}

// Client is an aggregator that is registered at the bank.
type Client struct {
	ID           string
	Secret       string   // empty means a public client
	RedirectURIs []string // compared exactly
}

// Bank is one simulated bank. It is safe for concurrent use.
type Bank struct {
	opt      Options
	public   *url.URL
	dir      string
	log      *slog.Logger
	standard *File // the default file
	files    *fetcher
	ledgers  *rowCache
	handler  http.Handler

	mu       sync.Mutex
	state    *state
	sessions map[string]*session
	dirty    bool
	closed   bool
	saver    *time.Timer
}

// New opens a bank and loads the state of its data directory.
func New(opt Options) (*Bank, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	opt.PageSize = orDefault(opt.PageSize, 100)
	opt.ConsentLife = orDefault(opt.ConsentLife, 90*24*time.Hour)
	opt.HistoryWindow = orDefault(opt.HistoryWindow, 15*time.Minute)
	opt.FetchTimeout = orDefault(opt.FetchTimeout, fetchTimeout)
	standard, err := ParseFile(defaultFile)
	if err != nil {
		return nil, err
	}
	b := &Bank{opt: opt, dir: opt.DataDir, log: opt.Log, standard: standard, state: newState(), ledgers: newRowCache(), sessions: map[string]*session{}}
	if opt.PublicURL != "" {
		if b.public, err = url.Parse(strings.TrimSuffix(opt.PublicURL, "/")); err != nil {
			return nil, err
		}
	}
	b.files = newFetcher(opt.AllowPrivateFileURLs, opt.FetchTimeout, b.isOwnFile)
	if err := b.load(); err != nil {
		return nil, err
	}
	b.handler = b.routes()
	return b, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Handler serves the whole bank: pages, OAuth2, STET and, if enabled, control.
func (b *Bank) Handler() http.Handler { return b.handler }

// Close writes the pending state. The bank must not be used afterwards.
func (b *Bank) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.dirty = true, false // a delayed write finds nothing to do
	if b.saver != nil {
		b.saver.Stop()
	}
	if b.dir == "" {
		return nil
	}
	b.forget()
	return b.write()
}

const defaultFilePath = "/stettestbank/test-bank.txt"

func (b *Bank) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.home)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /testbank.css", styleSheet)
	mux.HandleFunc("GET "+defaultFilePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, defaultFile)
	})
	mux.HandleFunc("GET /authorize", b.authorizePage)
	mux.HandleFunc("POST /authorize", b.authorizeLogin)
	mux.HandleFunc("GET /authorize/sca", b.scaPage)
	mux.HandleFunc("POST /authorize/sca", b.scaAnswer)
	mux.HandleFunc("GET /authorize/cancel", b.cancel)
	mux.HandleFunc("POST /token", b.token)
	mux.HandleFunc("POST /revoke", b.revoke)
	for _, v := range []version{v14, v15} {
		mux.Handle(v.prefix()+"/", b.stet(v))
	}
	mux.HandleFunc("GET /jwks", jwks)
	mux.HandleFunc(berlinPrefix+"/", b.berlinGroup)
	mux.HandleFunc(ukPrefix+"/", b.openBanking)
	for _, s := range b.sites() {
		s.mount(mux)
	}
	b.mount119(mux)
	if b.opt.Control {
		b.mountControl(mux)
	}
	return b.logged(mux)
}

// logged writes one line per request, without query and body, because they hold
// secrets.
func (b *Bank) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := b.opt.Now()
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		b.log.Info("request", "method", r.Method, "path", r.URL.Path, "status", rec.status,
			"request_id", r.Header.Get("X-Request-ID"), "duration", b.opt.Now().Sub(start))
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// now is the bank's clock. The caller holds b.mu.
func (b *Bank) now() time.Time { return b.opt.Now().Add(b.state.Offset) }

// today is the bank's day. The caller holds b.mu.
func (b *Bank) today() Day { return DayOf(b.now()) }

// secret returns an unguessable word. The caller holds b.mu.
func (b *Bank) secret() string {
	var buf [24]byte
	if _, err := io.ReadFull(b.opt.Rand, buf[:]); err != nil {
		panic(err) // a bank without randomness must not hand out tokens
	}
	return base64.RawURLEncoding.EncodeToString(buf[:])
}

// origin returns the scheme and host of absolute links.
func (b *Bank) origin(r *http.Request) string {
	if b.public != nil {
		return b.public.String()
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// isOwnFile recognises the bank's own file, so that a sandbox can name it in file_url
// without access to private addresses.
func (b *Bank) isOwnFile(u *url.URL) bool {
	return b.public != nil && u.Host == b.public.Host && u.Path == b.public.Path+defaultFilePath
}
