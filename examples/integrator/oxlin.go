package main

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

// links are the addresses of a widget session.
type links struct {
	AddConnection string `json:"add_connection"`
	Terms         string `json:"terms"`
}

// widget creates a widget session and returns its links.
func (o oxlin) widget(ctx context.Context, t tokens) (links, error) {
	var session struct {
		Links links `json:"_links"`
	}
	err := o.post(ctx, "/v2.1/widget_session", "", url.Values{
		"client_id": {o.clientID}, "client_secret": {o.clientSecret},
		"access_token": {t.Access}, "refresh_token": {t.Refresh},
	}, &session)
	return session.Links, err
}

// provider is the bank of connectDirectly and its REDIRECT channel: the test bank.
const provider, channel = "87", "8701"

// authorizeURL returns the address of the bank's login for a user. The bank sends the user
// back to Oxlin, which redirects to back with the state.
func (o oxlin) authorizeURL(ctx context.Context, t tokens, back, state string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"redirect_uri": back, "redirect_state": state,
		// A client without a PSD2 agreement of its own has to send these.
		"widget_params": map[string]string{"client_id": o.clientID, "client_secret": o.clientSecret, "access_token": t.Access},
	})
	if err != nil {
		return "", err
	}
	resource := o.platform + "/v2.1/providers/" + provider + "/channel_definitions/" + channel + "/authorize_url"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, resource, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	header, err := send(request, t.Access, nil)
	return header.Get("Location"), err
}

// findConnection returns an error unless a connection belongs to a user.
func (o oxlin) findConnection(ctx context.Context, t tokens, id string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.platform+"/v2.1/connections/"+url.PathEscape(id), nil)
	if err != nil {
		return err
	}
	_, err = send(request, t.Access, nil)
	return err
}

// deleteConnection deletes a connection of a user, which revokes the access at the bank.
func (o oxlin) deleteConnection(ctx context.Context, t tokens, id string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, o.platform+"/v2.1/connections/"+url.PathEscape(id), nil)
	if err != nil {
		return err
	}
	_, err = send(request, t.Access, nil)
	return err
}

// account holds the members of a bank account that the page shows. The balance keeps
// its digits as text, because money is not a floating-point number.
type account struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`
	Balance  json.Number `json:"balance"`
	Currency string      `json:"currency"`

	Connection string `json:"connection_id"`
}

// accounts reads a user's accounts.
func (o oxlin) accounts(ctx context.Context, t tokens) ([]account, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.platform+"/v2.1/accounts?limit=100", nil)
	if err != nil {
		return nil, err
	}
	var list []account
	_, err = send(request, t.Access, &list)
	return list, err
}

// post sends a form, with a token unless it is empty, and decodes the JSON answer.
func (o oxlin) post(ctx context.Context, resource, token string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.platform+resource, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = send(request, token, into)
	return err
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

// send sends a request, decodes the JSON answer, and returns its header.
func send(request *http.Request, token string, into any) (http.Header, error) {
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		refused := &refusal{resource: path.Base(request.URL.Path), status: response.StatusCode}
		_ = json.Unmarshal(body, refused) // a body without a code leaves the status
		return nil, refused
	}
	if into == nil {
		return response.Header, nil
	}
	return response.Header, json.Unmarshal(body, into)
}
