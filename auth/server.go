package auth

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/pkce"

	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

const (
	// accessTokenLifetime is what clients are told in expires_in (contract §11).
	accessTokenLifetime = time.Hour
	// codeLifetime is what RFC 6749 §4.1.2 recommends at most.
	codeLifetime = 10 * time.Minute
	// refreshGrace is how long a used refresh token may be used again: requests of
	// one client that refresh at the same time are not theft (contract §11).
	refreshGrace = 10 * time.Second
)

// Options are what the server needs; all but RefreshTokenLifetime must be given.
type Options struct {
	DB    *store.DB
	Vault *vault.Vault
	// Issuer is the public URL, as clients see it.
	Issuer string
	Now    func() time.Time
	Rand   io.Reader
	Log    *slog.Logger
	// RefreshTokenLifetime counts from the last refresh; 90 days where it is zero.
	RefreshTokenLifetime time.Duration
}

// Server is the authorization server. It is safe for concurrent use.
type Server struct {
	db      *store.DB
	vault   *vault.Vault
	issuer  string
	now     func() time.Time
	random  io.Reader
	log     *slog.Logger
	oauth   *fosite.Fosite
	storage *storage
	keys    signingKeys
}

// New makes a server. It reads and writes nothing yet.
func New(options Options) (*Server, error) {
	issuer, err := url.Parse(options.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, errors.New("authorization server: the issuer is not an absolute URL")
	}
	if options.RefreshTokenLifetime == 0 {
		options.RefreshTokenLifetime = 90 * 24 * time.Hour
	}
	s := &Server{
		db: options.DB, vault: options.Vault, issuer: strings.TrimRight(options.Issuer, "/"),
		now: options.Now, random: options.Rand, log: options.Log,
	}
	s.storage = &storage{server: s, refreshTokenLifetime: options.RefreshTokenLifetime}
	s.oauth = newProtocol(s)
	return s, nil
}

// newProtocol puts fosite's handlers together: which grants there are, and by
// which rules.
func newProtocol(s *Server) *fosite.Fosite {
	config := &fosite.Config{
		AccessTokenLifespan:          accessTokenLifetime,
		RefreshTokenScopes:           []string{}, // empty and not nil: a refresh token without the scope offline
		ScopeStrategy:                fosite.ExactScopeStrategy,
		ClientAuthenticationStrategy: s.authenticateClient,
		AudienceMatchingStrategy:     anyAudience,
		EnforcePKCEForPublicClients:  true,
		OmitRedirectScopeParam:       true,
		// What the exchange of a code needs to know of the request for it.
		SanitationWhiteList: []string{"redirect_uri", "code_challenge", "code_challenge_method", "nonce"},
		// The client's list of redirect URIs is checked where it is written.
		RedirectSecureChecker: anyRedirectURI,
	}
	tokens := tokenStrategy{s.random}
	helper := &oauth2.HandleHelper{AccessTokenStrategy: tokens, AccessTokenStorage: s.storage, Config: config}
	code := &oauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: tokens, RefreshTokenStrategy: tokens, AuthorizeCodeStrategy: tokens,
		CoreStorage: s.storage, TokenRevocationStorage: s.storage, Config: config,
	}
	proof := &pkce.Handler{AuthorizeCodeStrategy: tokens, Storage: s.storage, Config: config}
	config.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{code, proof}
	config.TokenEndpointHandlers = fosite.TokenEndpointHandlers{
		code, proof,
		&oauth2.ClientCredentialsGrantHandler{HandleHelper: helper, Config: config},
		//lint:ignore SA1019 OAuth 2.1 leaves the password grant out, contract §2.1 does not
		&oauth2.ResourceOwnerPasswordCredentialsGrantHandler{
			HandleHelper: helper, ResourceOwnerPasswordCredentialsGrantStorage: s.storage, RefreshTokenStrategy: tokens, Config: config,
		},
		&oauth2.RefreshTokenGrantHandler{
			AccessTokenStrategy: tokens, RefreshTokenStrategy: tokens, TokenRevocationStorage: s.storage, Config: config,
		},
	}
	config.RevocationHandlers = fosite.RevocationHandlers{&oauth2.TokenRevocationHandler{
		TokenRevocationStorage: s.storage, RefreshTokenStrategy: tokens, AccessTokenStrategy: tokens,
	}}
	return &fosite.Fosite{Store: s.storage, Config: config}
}

// Register adds the server's paths.
func (s *Server) Register(mux *http.ServeMux) {
	mux.Handle("/token", s.post(s.token))
	mux.Handle("/introspect", s.post(s.introspect))
	mux.Handle("/revoke", s.post(s.revoke))
	mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.discovery)
	mux.HandleFunc("GET /jwks.json", s.jwks)
	mux.HandleFunc("GET /userinfo", s.userinfo)
	mux.HandleFunc("POST /userinfo", s.userinfo)
	mux.HandleFunc("GET /signin", s.showSignin)
	mux.Handle("POST /signin", s.sameOrigin(s.answerSignin))
}
