package auth

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth/page"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	// accessTokenLifetime is short, because a bearer token is not bound to its client
	// (contract §11, RFC 6819 §5.1.5.3). Clients read it in expires_in.
	accessTokenLifetime = time.Hour
	// codeLifetime is the maximum that RFC 6749 §4.1.2 recommends.
	codeLifetime = 10 * time.Minute
	// reuseGrace is how long a used refresh token may be used again: parallel requests
	// of one client are not theft (contract §11).
	reuseGrace = 10 * time.Second
)

// Options configure a Server. All but TrustProxy, LocalKeys, Certificates, Passwords and RefreshTokenLifetime are required.
type Options struct {
	DB    *store.DB
	Vault *vault.Vault
	Audit *audit.Log
	// Issuer is the public URL, as clients see it (RFC 8414 §2).
	Issuer string
	Now    func() time.Time
	Rand   io.Reader
	Log    *slog.Logger
	// TrustProxy believes X-Forwarded-For about the client's address in the log.
	TrustProxy bool
	// LocalKeys lets the jwks_uri of a client lead to private addresses and to this machine.
	LocalKeys bool
	// Certificates let clients authenticate by certificates.
	Certificates ClientCertificates
	// Passwords are the rules for passwords that are set.
	Passwords directory.PasswordRules
	// RefreshTokenLifetime counts from the last refresh. Zero means 90 days.
	RefreshTokenLifetime time.Duration
}

// Server is the authorization server. It is safe for concurrent use.
type Server struct {
	db         *store.DB
	vault      *vault.Vault
	audit      *audit.Log
	issuer     string
	now        func() time.Time
	random     io.Reader
	log        *slog.Logger
	trustProxy bool
	grants     map[string]grantType
	keys       signingKeys
	passwords  passwords

	passwordRules directory.PasswordRules
	assertions    assertions
	certificates  certificates
	secrets       secrets

	refreshTokenLifetime time.Duration
}

// New returns a server. It does not use the database yet.
func New(options Options) (*Server, error) {
	issuer, err := url.Parse(options.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, errors.New("authorization server: the issuer is not an absolute URL")
	}
	if options.RefreshTokenLifetime == 0 {
		options.RefreshTokenLifetime = 90 * 24 * time.Hour
	}
	s := &Server{
		db: options.DB, vault: options.Vault, audit: options.Audit, issuer: strings.TrimRight(options.Issuer, "/"),
		now: options.Now, random: options.Rand, log: options.Log, trustProxy: options.TrustProxy, passwordRules: options.Passwords,
		refreshTokenLifetime: options.RefreshTokenLifetime,
	}
	guard := lockout.New(options.DB, options.Vault, options.Now, options.Rand)
	s.passwords = passwords{options.DB, options.Vault, options.Log, lockout.Devices{Guard: guard, Cookie: deviceCookie}, options.TrustProxy}
	keys := newClientKeys(s.now, options.LocalKeys)
	s.assertions = assertions{s.db, s.issuer, s.now, keys}
	s.secrets = secrets{db: s.db, now: s.now, log: s.log, seen: &seenSecrets{}}
	s.certificates = certificates{options.Certificates, s.now, keys}
	s.grants = s.grantTypes()
	return s, nil
}

// Register adds the server's endpoints and pages to mux.
func (s *Server) Register(mux *http.ServeMux) {
	s.RegisterEndpoints(mux)
	s.RegisterPages(mux)
}

// RegisterEndpoints adds the endpoints for software, which brings a secret or a token, or
// asks for what is public.
func (s *Server) RegisterEndpoints(mux *http.ServeMux) {
	endpoints := s.frame(s.refuse)
	for pattern, handler := range map[string]http.Handler{
		"/token":                                s.post(s.token),
		"/introspect":                           s.post(s.introspect),
		"/revoke":                               s.post(s.revoke),
		"GET /.well-known/openid-configuration": http.HandlerFunc(s.discovery),
		"GET /.well-known/oauth-authorization-server": http.HandlerFunc(s.discovery),
		"GET /jwks.json": http.HandlerFunc(s.jwks),
		"GET /userinfo":  http.HandlerFunc(s.userinfo),
		"POST /userinfo": http.HandlerFunc(s.userinfo),
	} {
		mux.Handle(pattern, endpoints.Handler(handler))
	}
}

// RegisterPages adds the sign-in page, the page of a user's own, and their scripts.
func (s *Server) RegisterPages(mux *http.ServeMux) {
	pages := s.frame(s.failSignin)
	page.Files.Register(mux, pages)
	mux.Handle("GET /signin", pages.Handler(http.HandlerFunc(s.showSignin)))
	mux.Handle("POST /signin", pages.Handler(s.sameOrigin(s.answerSignin)))
	accounts{s}.register(mux, pages)
}

func (s *Server) frame(fail func(http.ResponseWriter, *http.Request, error)) web.Frame {
	return web.Frame{Room: "auth", Log: s.log, Now: s.now, TrustProxy: s.trustProxy, Fail: fail}
}

// failSignin shows the page for a failure of the sign-in page itself.
func (s *Server) failSignin(w http.ResponseWriter, r *http.Request, err error) {
	refused := asRefusal(err)
	s.logged(r, refused, err)
	s.writeRefusal(w, r, refused)
}
