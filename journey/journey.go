// Package journey plays an integrator's software against a running platform, over
// HTTP as the contract has it: it gets tokens, creates a user, sends them to the
// bank, waits for the data and reads them. The quickstart, the stories and the
// benchmarks all travel with it.
//
// It must never import a room of the platform: what it knows is the contract.
// Start reading at Integrator.
package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// Scopes are all that the journey needs.
const Scopes = "openid profile profile_edit accounts_manage connections_manage connections_sync transactions_read"

// Integrator is an application with its own credentials at a platform.
type Integrator struct {
	// Platform is the public address: "http://127.0.0.1:8080".
	Platform     string
	ClientID     string
	ClientSecret string
	// HTTP makes the calls; nil is http.DefaultClient.
	HTTP *http.Client
}

// StatusError is an answer that is not 2xx.
type StatusError struct {
	Request string
	Status  int
	Body    string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: HTTP %d: %s", e.Request, e.Status, e.Body)
}

// Token asks the token endpoint; parameters say which grant.
func (i Integrator) Token(ctx context.Context, parameters url.Values) (Tokens, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.Platform+"/token", strings.NewReader(parameters.Encode()))
	if err != nil {
		return Tokens{}, err
	}
	request.SetBasicAuth(i.ClientID, i.ClientSecret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var tokens Tokens
	_, err = i.do(request, &tokens)
	return tokens, err
}

// Tokens are what the token endpoint gives.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	ExpiresIn    int    `json:"expires_in"`
}

// ClientToken acts for the application itself.
func (i Integrator) ClientToken(ctx context.Context) (Session, error) {
	tokens, err := i.Token(ctx, url.Values{"grant_type": {"client_credentials"}, "scope": {"users_create"}})
	return Session{i, tokens}, err
}

// UserToken acts for one user.
func (i Integrator) UserToken(ctx context.Context, email, password string) (Session, error) {
	tokens, err := i.Token(ctx, url.Values{
		"grant_type": {"password"}, "username": {email}, "password": {password}, "scope": {Scopes}, "provider": {"connect"},
	})
	return Session{i, tokens}, err
}

// Session is an access token in use.
type Session struct {
	Integrator Integrator
	Tokens     Tokens
}

// CreateUser makes a user and gives their id; the session is a client's.
func (s Session) CreateUser(ctx context.Context, email, password string) (string, error) {
	location, err := s.Post(ctx, "/users", map[string]any{"email": email, "password": password}, nil)
	return path.Base(location), err
}

// AuthorizeURL asks for the address of a bank's login, the platform taking the
// callback (mode A).
func (s Session) AuthorizeURL(ctx context.Context, provider, channel, returnTo string) (string, error) {
	return s.Post(ctx, "/providers/"+provider+"/channel_definitions/"+channel+"/authorize_url", map[string]any{
		"widget_params": map[string]any{
			"client_id": s.Integrator.ClientID, "client_secret": s.Integrator.ClientSecret,
			"access_token": s.Tokens.AccessToken, "provider_id": provider, "redirect_uri": returnTo,
		},
	}, nil)
}

// Arrive follows the bank's redirect to the platform's callback, as the user's
// browser does, and gives the address to which the user is sent back.
func (i Integrator) Arrive(ctx context.Context, callback *url.URL) (*url.URL, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, callback.String(), nil)
	if err != nil {
		return nil, err
	}
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if i.HTTP != nil {
		browser.Transport = i.HTTP.Transport
	}
	response, err := browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return nil, err
	}
	back, err := response.Location()
	if err != nil {
		return nil, &StatusError{"GET callback", response.StatusCode, string(body)}
	}
	return back, nil
}

// Connection is the part of a connection that the journey looks at.
type Connection struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Channels []struct {
		DefinitionID string `json:"channel_definition_id"`
		Status       string `json:"status"`
	} `json:"channels"`
}

// WaitForConnection polls a connection until it does not run any more.
func (s Session) WaitForConnection(ctx context.Context, id string) (Connection, error) {
	for {
		connection, err := s.Connection(ctx, id)
		if err != nil || connection.Status != "RUNNING" {
			return connection, err
		}
		select {
		case <-ctx.Done():
			return connection, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Account is the part of an account that the journey shows.
type Account struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Type     string      `json:"type"`
	Status   string      `json:"status"`
	IBAN     string      `json:"iban"`
	Number   string      `json:"account_number"`
	Balance  json.Number `json:"balance"`
	Currency string      `json:"currency"`
}

// Transaction is the part of a transaction that the journey shows.
type Transaction struct {
	ID        string      `json:"id"`
	AccountID string      `json:"account_id"`
	Date      int64       `json:"date"`
	Label     string      `json:"label"`
	Type      string      `json:"type"`
	Status    string      `json:"status"`
	Amount    json.Number `json:"amount"`
	Currency  string      `json:"currency"`
}

// Accounts lists the user's accounts.
func (s Session) Accounts(ctx context.Context) ([]Account, error) {
	var accounts []Account
	err := s.Get(ctx, "/accounts?limit=100", &accounts)
	return accounts, err
}

// Transactions lists all of the user's transactions, page by page.
func (s Session) Transactions(ctx context.Context) ([]Transaction, error) {
	const limit = 500
	var all []Transaction
	for page := 1; ; page++ {
		var some []Transaction
		err := s.Get(ctx, fmt.Sprintf("/transactions?limit=%d&page=%d", limit, page), &some)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < limit {
			return all, nil
		}
	}
}

// Get reads a resource of the API into a value.
func (s Session) Get(ctx context.Context, resource string, into any) error {
	_, err := s.call(ctx, http.MethodGet, resource, nil, into)
	return err
}

// Post sends JSON to a resource and gives the location of what it made; into may be nil.
func (s Session) Post(ctx context.Context, resource string, body, into any) (string, error) {
	return s.call(ctx, http.MethodPost, resource, body, into)
}

// Delete removes a resource.
func (s Session) Delete(ctx context.Context, resource string) error {
	_, err := s.call(ctx, http.MethodDelete, resource, nil, nil)
	return err
}

func (s Session) call(ctx context.Context, method, resource string, body, into any) (string, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.Integrator.Platform+"/v2.1"+resource, reader)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+s.Tokens.AccessToken)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return s.Integrator.do(request, into)
}

// do makes a call and reads its answer; it gives the Location header.
func (i Integrator) do(request *http.Request, into any) (string, error) {
	client := i.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode/100 != 2 {
		return "", &StatusError{request.Method + " " + request.URL.Path, response.StatusCode, string(body)}
	}
	if into != nil {
		err := json.Unmarshal(body, into)
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", request.Method, request.URL.Path, err)
		}
	}
	return response.Header.Get("Location"), nil
}
