package auth

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

// Grant types (RFC 6749 §4.1 to §4.4 and §6).
const (
	grantCode     = "authorization_code"
	grantClient   = "client_credentials"
	grantPassword = "password"
	grantRefresh  = "refresh_token"
)

var _ fosite.ResponseModeClient = client{}

// client is a client in fosite's eyes.
type client struct {
	oxlin.Client
	// scopes are what the client may ask for with the grant at hand.
	scopes oxlin.Scopes
	// redirectURIs is the one that the request at hand asks for, if it is allowed.
	redirectURIs []string
}

func (c client) GetID() string                      { return string(c.ID) }
func (c client) GetHashedSecret() []byte            { return nil } // authenticateClient compares
func (c client) GetRedirectURIs() []string          { return c.redirectURIs }
func (c client) GetResponseTypes() fosite.Arguments { return fosite.Arguments{"code"} }
func (c client) GetScopes() fosite.Arguments        { return toArguments(c.scopes) }
func (c client) GetAudience() fosite.Arguments      { return nil } // anyAudience

// GetResponseModes allows to ask for the way in which codes are sent anyway.
func (c client) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeQuery}
}

// IsPublic says that the client cannot keep a secret, and so has none (RFC 6749 §2.1).
func (c client) IsPublic() bool { return len(c.SecretHashes) == 0 }

func (c client) GetGrantTypes() fosite.Arguments {
	if c.IsPublic() {
		return fosite.Arguments{grantCode, grantRefresh}
	}
	return fosite.Arguments{grantCode, grantRefresh, grantPassword, grantClient}
}

// authenticateClient takes the three ways of contract §2.1: HTTP Basic, form fields
// and JSON members, which are form fields by now.
func (s *Server) authenticateClient(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	id, secret, err := clientCredentials(r, form)
	if err != nil {
		return nil, err
	}
	found, err := s.AuthenticateClient(ctx, oxlin.ClientID(id), oxlin.NewSecret(secret))
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidClient {
		return nil, fosite.ErrInvalidClient.WithHint(oxlin.AsError(err).Message)
	}
	if err != nil {
		return nil, err
	}
	c := client{Client: found, scopes: oxlin.UserScopes()}
	if form.Get("grant_type") != grantClient {
		return c, nil
	}
	if c.IsPublic() {
		// fosite would call it invalid_grant
		return nil, fosite.ErrUnauthorizedClient.WithHint("A client without a secret has no tokens of its own.")
	}
	c.scopes = oxlin.ClientScopes()
	return c, nil
}

// AuthenticateClient finds a client by its id and secret, as every endpoint does
// that a client speaks to itself. A public client, who has no secret, gives none.
// Whichever of the two is wrong is CodeInvalidClient.
func (s *Server) AuthenticateClient(ctx context.Context, id oxlin.ClientID, secret oxlin.Secret) (oxlin.Client, error) {
	refused := oxlin.Errorf(oxlin.CodeInvalidClient, "%s", oxlin.Catalogue[oxlin.CodeInvalidClient].Message)
	if !isText(string(id)) {
		return oxlin.Client{}, refused
	}
	found, err := s.db.Read().Client(ctx, id)
	if oxlin.IsNotFound(err) {
		return oxlin.Client{}, refused
	}
	if err != nil {
		return oxlin.Client{}, err
	}
	if len(found.SecretHashes) == 0 && secret.IsZero() {
		return found, nil
	}
	hash := vault.HashToken(secret)
	for _, valid := range found.SecretHashes {
		if subtle.ConstantTimeCompare(hash, valid) == 1 {
			return found, nil
		}
	}
	return oxlin.Client{}, refused
}

func clientCredentials(r *http.Request, form url.Values) (id, secret string, err error) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = form.Get("client_id"), form.Get("client_secret")
		if id == "" {
			return "", "", fosite.ErrInvalidClient.WithHint("The request has no client credentials, neither in the Authorization header nor in the body.")
		}
		return id, secret, nil
	}
	id, idErr := url.QueryUnescape(id) // RFC 6749 §2.3.1
	secret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return "", "", fosite.ErrInvalidClient.WithHint("The client credentials in the Authorization header are not URL-encoded.")
	}
	return id, secret, nil
}

// NewClient is what is said of a client when it is created.
type NewClient struct {
	// ID is for a caller who may ask twice and wants one client; otherwise it is random.
	ID oxlin.ClientID
	// Name is what people call it: 1 to 200 characters in one line.
	Name string
	// RedirectURIs are where its users may be sent back to: https, http on a
	// loopback address, or a private-use scheme (RFC 8252).
	RedirectURIs []string
	Licensed     bool
	// WebhookURL hears of synchronisations: https, or http on a loopback address,
	// without a password, for it is shown.
	WebhookURL string
	// Public clients run on devices of their users and have no secret; they sign
	// users in with a code and PKCE only.
	Public bool
}

// CreateClient creates a client. The secret is given this once and kept as a hash; a
// public client has none. What cannot be is CodeInvalidRequest, an id that is taken
// CodeConflict.
func (s *Server) CreateClient(ctx context.Context, n NewClient) (oxlin.Client, oxlin.Secret, error) {
	c := oxlin.Client{
		ID: n.ID, Name: n.Name, RedirectURIs: n.RedirectURIs, Licensed: n.Licensed, WebhookURL: n.WebhookURL, CreatedAt: s.now(),
	}
	err := checkClient(c)
	if err != nil {
		return oxlin.Client{}, oxlin.Secret{}, err
	}
	if c.ID == "" {
		id := make([]byte, 10)
		_, err = io.ReadFull(s.random, id)
		if err != nil {
			return oxlin.Client{}, oxlin.Secret{}, fmt.Errorf("create client: %w", err)
		}
		c.ID = oxlin.ClientID(hex.EncodeToString(id))
	}
	var secret oxlin.Secret
	if !n.Public {
		secret, err = vault.NewToken(s.random)
		if err != nil {
			return oxlin.Client{}, oxlin.Secret{}, fmt.Errorf("create client: %w", err)
		}
		c.SecretHashes = [][]byte{vault.HashToken(secret)}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Client(ctx, c.ID)
		if err == nil {
			return oxlin.Errorf(oxlin.CodeConflict, "There is such a client already.")
		}
		if !oxlin.IsNotFound(err) {
			return err
		}
		return tx.SaveClient(ctx, c)
	})
	if err != nil {
		return oxlin.Client{}, oxlin.Secret{}, fmt.Errorf("create client: %w", err)
	}
	return c, secret, nil
}

// checkClient says what is wrong with what an operator says of a client.
func checkClient(c oxlin.Client) error {
	err := checkName(c.Name)
	if err != nil {
		return err
	}
	for _, uri := range c.RedirectURIs {
		err := checkRedirectURI(uri)
		if err != nil {
			return err
		}
	}
	err = checkWebhookURL(c.WebhookURL)
	if err != nil {
		return err
	}
	return c.Theme.Check()
}

// checkName keeps off what a terminal or a page would take for more than a text.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > 200:
		return oxlin.Invalid("name", "A name has 1 to 200 characters.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return oxlin.Invalid("name", "A name is one line of text.")
	}
	return nil
}

func checkWebhookURL(address string) error {
	if address == "" {
		return nil
	}
	parsed, err := url.Parse(address)
	switch {
	case err != nil || !isText(address) || parsed.Host == "" || parsed.Scheme != "https" && (parsed.Scheme != "http" || !fosite.IsLocalhost(parsed)):
		return oxlin.Invalid("webhook_url", "%q: a webhook's address is an https URL; http is for loopback addresses only.", address)
	case parsed.User != nil:
		return oxlin.Invalid("webhook_url", "A webhook's address has no password: it is shown.")
	}
	return nil
}

func checkRedirectURI(uri string) error {
	parsed, err := url.Parse(uri)
	switch {
	case err != nil || !isText(uri) || !oxlin.LeadsAway(uri) || parsed.Fragment != "":
		return oxlin.Invalid("redirect_uri", "%q: a redirect URI is an absolute URI without a fragment, and no script.", uri)
	case parsed.Scheme == "https" && parsed.Host == "":
		return oxlin.Invalid("redirect_uri", "%q: an https redirect URI has a host.", uri)
	case parsed.Scheme == "http" && !fosite.IsLocalhost(parsed):
		return oxlin.Invalid("redirect_uri", "%q: a redirect URI with http is for loopback addresses only.", uri)
	}
	return nil
}

// anyRedirectURI accepts what the client's list has: checkRedirectURI was there before.
func anyRedirectURI(context.Context, *url.URL) bool { return true }

// anyAudience ignores the parameter audience, which RFC 6749 does not know.
func anyAudience([]string, []string) error { return nil }

// RotateSecret gives a client a new secret, this once. The one before stays valid
// until the next rotation, so that a client can change over; to end a stolen
// secret, rotate twice.
func (s *Server) RotateSecret(ctx context.Context, id oxlin.ClientID) (oxlin.Secret, error) {
	secret, err := vault.NewToken(s.random)
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate secret: %w", err)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(ctx, id)
		if err != nil {
			return err
		}
		if len(c.SecretHashes) == 0 {
			return oxlin.Errorf(oxlin.CodeConflict, "A public client has no secret.")
		}
		c.SecretHashes = [][]byte{vault.HashToken(secret), c.SecretHashes[0]}
		return tx.SaveClient(ctx, c)
	})
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate secret: %w", err)
	}
	return secret, nil
}

// ChangeClient changes what an operator may change of a client: its name, agreement,
// redirect URIs, webhook and theme. What cannot be is CodeInvalidRequest.
func (s *Server) ChangeClient(ctx context.Context, changed oxlin.Client) error {
	err := checkClient(changed)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(ctx, changed.ID)
		if err != nil {
			return err
		}
		c.Name, c.Licensed, c.RedirectURIs, c.Theme = changed.Name, changed.Licensed, changed.RedirectURIs, changed.Theme
		c.WebhookURL = changed.WebhookURL
		return tx.SaveClient(ctx, c)
	})
}

// EnsureSandboxClients creates the two clients of the sandbox, where they are
// missing. Everybody knows their secrets, and they accept any redirect URI.
func (s *Server) EnsureSandboxClients(ctx context.Context) error {
	sandbox := func(id oxlin.ClientID, name, secret string, licensed bool) oxlin.Client {
		return oxlin.Client{
			ID: id, Name: name, SecretHashes: [][]byte{vault.HashToken(oxlin.NewSecret(secret))},
			AnyRedirectURI: true, Licensed: licensed, CreatedAt: s.now(),
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, c := range []oxlin.Client{
			sandbox("sandbox", "Sandbox", "sandbox-secret", false),
			sandbox("sandbox-licensed", "Licensed sandbox", "sandbox-licensed-secret", true),
		} {
			_, err := tx.Client(ctx, c.ID)
			if oxlin.IsNotFound(err) {
				err = tx.SaveClient(ctx, c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
