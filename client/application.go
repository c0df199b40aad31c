package client

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Application holds the credentials by which the authorization server knows an
// integrator's software (contract §2.1). Its token sources are safe for concurrent use,
// also by several Clients; they request a new token shortly before the old one expires.
type Application struct {
	// Auth is the authorization server's address: "https://sandbox-auth.oxlin.io".
	Auth string
	// ID and Secret are the client_id and the client_secret.
	ID, Secret string
	// HTTP requests the tokens; nil uses a client with a time limit of one minute.
	HTTP *http.Client
}

// Own returns a source of tokens for the application itself, which creates users
// ("users_create") or acts for them (ActingFor). It makes no call yet.
func (a Application) Own(scopes ...string) oauth2.TokenSource {
	config := clientcredentials.Config{
		ClientID: a.ID, ClientSecret: a.Secret, TokenURL: a.tokenURL(), AuthStyle: oauth2.AuthStyleInHeader, Scopes: scopes,
	}
	return source{config.TokenSource(a.with(context.Background()))}
}

// User returns a source of tokens for a user, by the e-mail and the password with which
// the application created the user. If they match no user, it returns an *Error with
// the code invalid_grant. The password is not kept: when the refresh token has expired
// too, the source returns an error and User has to be called again.
func (a Application) User(ctx context.Context, email, password string, scopes ...string) (oauth2.TokenSource, error) {
	config := a.config(scopes)
	token, err := config.PasswordCredentialsToken(a.with(ctx), email, password)
	if err != nil {
		return nil, tokenError(err)
	}
	return a.renewing(ctx, config, token), nil
}

// Refresh returns a source of tokens for a user whose refresh token the application has
// stored. A refresh token can be spent once: store the refresh token of the next token
// that the source returns.
func (a Application) Refresh(ctx context.Context, refreshToken string) (oauth2.TokenSource, error) {
	tokens := a.renewing(ctx, a.config(nil), &oauth2.Token{RefreshToken: refreshToken})
	_, err := tokens.Token()
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

func (a Application) renewing(ctx context.Context, config oauth2.Config, token *oauth2.Token) oauth2.TokenSource {
	// The source outlives the call that created it.
	return source{config.TokenSource(a.with(context.WithoutCancel(ctx)), token)}
}

func (a Application) config(scopes []string) oauth2.Config {
	return oauth2.Config{
		ClientID: a.ID, ClientSecret: a.Secret, Scopes: scopes,
		Endpoint: oauth2.Endpoint{TokenURL: a.tokenURL(), AuthStyle: oauth2.AuthStyleInHeader},
	}
}

func (a Application) tokenURL() string { return strings.TrimSuffix(a.Auth, "/") + "/token" }

// with sets the HTTP client that package oauth2 uses.
func (a Application) with(ctx context.Context) context.Context {
	own := a.HTTP
	if own == nil {
		own = &http.Client{Timeout: defaultTimeout}
	}
	return context.WithValue(ctx, oauth2.HTTPClient, own)
}

// source returns errors of this package's type.
type source struct{ tokens oauth2.TokenSource }

func (s source) Token() (*oauth2.Token, error) {
	token, err := s.tokens.Token()
	return token, tokenError(err)
}

func tokenError(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return err
	}
	return readError(refused.Response, refused.Body)
}
