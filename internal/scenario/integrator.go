// Package scenario plays an integrator's software against a running platform: it gets
// tokens, creates a user, sends them to the bank, waits for the data and reads them.
// The stories, the benchmarks and the quickstart are built from it.
//
// It calls the API through package client and returns the members that stories check.
// It must never import a room of the platform, because it may know the contract only.
// Start reading at Integrator.
package scenario

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin/client"
)

// Scopes are the scopes of the tokens that scenarios use.
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

// StatusError is an answer whose status is not 2xx.
type StatusError = client.Error

// Tokens are the members of a token endpoint's answer (contract §2).
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
}

// Session holds an access token in use. It is never renewed implicitly, so that a
// story decides when a token is refreshed.
type Session struct {
	Integrator Integrator
	Tokens     Tokens
}

// ClientToken returns a session that acts for the application itself.
func (i Integrator) ClientToken(context.Context) (Session, error) {
	return i.session(i.application().Own("users_create"), nil)
}

// UserToken returns a session that acts for one user, by the password grant.
func (i Integrator) UserToken(ctx context.Context, email, password string) (Session, error) {
	return i.session(i.application().User(ctx, email, password, strings.Fields(Scopes)...))
}

func (i Integrator) application() client.Application {
	return client.Application{Auth: i.Platform, ID: i.ClientID, Secret: i.ClientSecret, HTTP: i.browser()}
}

func (i Integrator) session(tokens oauth2.TokenSource, err error) (Session, error) {
	if err != nil {
		return Session{}, err
	}
	token, err := tokens.Token()
	if err != nil {
		return Session{}, err
	}
	idToken, _ := token.Extra("id_token").(string)
	return Session{i, Tokens{token.AccessToken, token.RefreshToken, idToken}}, nil
}

func (i Integrator) browser() *http.Client {
	if i.HTTP == nil {
		return http.DefaultClient
	}
	return i.HTTP
}

// FollowCallback follows the bank's redirect to the platform's callback, as the user's
// browser does, and returns the address to which the platform redirects the user.
func (i Integrator) FollowCallback(ctx context.Context, callback *url.URL) (*url.URL, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, callback.String(), nil)
	if err != nil {
		return nil, err
	}
	browser := *i.browser()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
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
		return nil, &StatusError{Request: "GET callback", Status: response.StatusCode, Body: string(body)}
	}
	return back, nil
}
