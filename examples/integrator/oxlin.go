package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// oxlin holds the platform's address and the credentials of this application.
type oxlin struct{ platform, clientID, clientSecret string }

// scopes lists the scopes of a user's token that the widget and this application use.
const scopes = "openid profile accounts_manage connections_manage connections_sync transactions_read"

// user is one of our users, as Oxlin knows them. The e-mail is a key: nothing is sent
// to it. The server makes the password, and the user never sees it.
type user struct{ email, password string }

// tokens act for one user. The refresh token lets a widget session outlive the hour
// of the access token.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// createUser creates a user with the application's own token.
func (o oxlin) createUser(ctx context.Context, u user) error {
	var client tokens
	err := o.post(ctx, "/token", "", url.Values{
		"grant_type": {"client_credentials"}, "scope": {"users_create"},
		"client_id": {o.clientID}, "client_secret": {o.clientSecret},
	}, &client)
	if err != nil {
		return err
	}
	return o.post(ctx, "/v2.1/users", client.Access, url.Values{"email": {u.email}, "password": {u.password}}, nil)
}

// tokens gets tokens for a user.
func (o oxlin) tokens(ctx context.Context, u user) (tokens, error) {
	var t tokens
	err := o.post(ctx, "/token", "", url.Values{
		"grant_type": {"password"}, "username": {u.email}, "password": {u.password}, "scope": {scopes},
		"client_id": {o.clientID}, "client_secret": {o.clientSecret},
	}, &t)
	return t, err
}

// widget creates a widget session and returns its link for adding a connection.
func (o oxlin) widget(ctx context.Context, t tokens) (string, error) {
	var session struct {
		Links struct {
			AddConnection string `json:"add_connection"`
		} `json:"_links"`
	}
	err := o.post(ctx, "/v2.1/widget_session", "", url.Values{
		"client_id": {o.clientID}, "client_secret": {o.clientSecret},
		"access_token": {t.Access}, "refresh_token": {t.Refresh},
	}, &session)
	return session.Links.AddConnection, err
}

// account holds the members of a bank account that the page shows. The balance keeps
// its digits as text, because money is not a floating-point number.
type account struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`
	Balance  json.Number `json:"balance"`
	Currency string      `json:"currency"`
}

// accounts reads a user's accounts.
func (o oxlin) accounts(ctx context.Context, t tokens) ([]account, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.platform+"/v2.1/accounts?limit=100", nil)
	if err != nil {
		return nil, err
	}
	var list []account
	return list, send(request, t.Access, &list)
}

// post sends a form, with a token unless it is empty, and decodes the JSON answer.
func (o oxlin) post(ctx context.Context, resource, token string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.platform+resource, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(request, token, into)
}

// refusal is an answer of the platform with another status than 2xx.
type refusal struct {
	resource string
	status   int
	Code     string `json:"error_description"`
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: HTTP %d %s", r.resource, r.status, r.Code) }

// mustAcceptTerms is the platform's code for a user who has not accepted its terms. The
// widget asks for the acceptance, so the application opens the widget.
const mustAcceptTerms = "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED"

func send(request *http.Request, token string, into any) error {
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		refused := &refusal{resource: path.Base(request.URL.Path), status: response.StatusCode}
		_ = json.Unmarshal(body, refused) // a body without a code leaves the status
		return refused
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
