package client

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Application is an integrator's software as the authorization server knows it
// (contract §2.1). The token sources that it gives may be used concurrently and by
// several Clients; they ask for a new token shortly before the old one expires.
type Application struct {
	// Auth is the authorization server's address: "https://sandbox-auth.oxlin.io".
	Auth string
	// ID and Secret are the client_id and the client_secret.
	ID, Secret string
	// HTTP asks for the tokens; nil is one that waits for a minute at most.
	HTTP *http.Client
}

// Own gives tokens for the application itself, which creates users ("users_create")
// or acts for them (ActingFor). It calls nothing yet.
func (a Application) Own(scopes ...string) oauth2.TokenSource {
	config := clientcredentials.Config{
		ClientID: a.ID, ClientSecret: a.Secret, TokenURL: a.tokenURL(), AuthStyle: oauth2.AuthStyleInHeader, Scopes: scopes,
	}
	return source{config.TokenSource(a.with(context.Background()))}
}

// User gives tokens for a user, by the e-mail and the password with which the
// application created them. An *Error with the code invalid_grant says that the two
// are not those of a user. The password is not kept: once the refresh token has
// ended as well, the source gives an error and User has to be called again.
func (a Application) User(ctx context.Context, email, password string, scopes ...string) (oauth2.TokenSource, error) {
	config := a.config(scopes)
	token, err := config.PasswordCredentialsToken(a.with(ctx), email, password)
	if err != nil {
		return nil, tokenError(err)
	}
	return a.renewing(ctx, config, token), nil
}

// Refresh gives tokens for a user of whom the application has kept a refresh token. A
// refresh token can be spent once: keep that of the token which the source gives next.
func (a Application) Refresh(ctx context.Context, refreshToken string) (oauth2.TokenSource, error) {
	tokens := a.renewing(ctx, a.config(nil), &oauth2.Token{RefreshToken: refreshToken})
	_, err := tokens.Token()
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

func (a Application) renewing(ctx context.Context, config oauth2.Config, token *oauth2.Token) oauth2.TokenSource {
	// The tokens outlive the call that they were first made for.
	return source{config.TokenSource(a.with(context.WithoutCancel(ctx)), token)}
}

func (a Application) config(scopes []string) oauth2.Config {
	return oauth2.Config{
		ClientID: a.ID, ClientSecret: a.Secret, Scopes: scopes,
		Endpoint: oauth2.Endpoint{TokenURL: a.tokenURL(), AuthStyle: oauth2.AuthStyleInHeader},
	}
}

func (a Application) tokenURL() string { return strings.TrimSuffix(a.Auth, "/") + "/token" }

// with says with which HTTP client package oauth2 calls.
func (a Application) with(ctx context.Context) context.Context {
	own := a.HTTP
	if own == nil {
		own = &http.Client{Timeout: patience}
	}
	return context.WithValue(ctx, oauth2.HTTPClient, own)
}

// source gives errors of our own type.
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
