package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// patience is how long a call may take where the program does not say.
const patience = time.Minute

// Setting says more about how a Client calls.
type Setting func(*caller)

// WithHTTP makes the calls with a client of the program's own: its transport, its
// time limit.
func WithHTTP(own *http.Client) Setting {
	return func(c *caller) { c.http = *own }
}

// ActingFor lets a token of the application act for one of its users (contract §3.2,
// admin mode). Scopes, where given, are the only ones that the calls may use. With a
// user's own token it changes nothing.
func ActingFor(userID string, scopes ...string) Setting {
	return func(c *caller) {
		c.header.Set("x-linxo-user-id", userID)
		if len(scopes) > 0 {
			c.header.Set("x-scope", strings.Join(scopes, " "))
		}
	}
}

// New makes a client of the API at an address, "https://sandbox-api.oxlin.io" for
// example; what is no http or https URL with a host is an error. It calls nothing yet.
// All methods of the Client may be used concurrently;
// what they give beside the platform's *Error are errors of the network and of the context.
func New(address string, tokens oauth2.TokenSource, settings ...Setting) (*Client, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" {
		return nil, fmt.Errorf("%q is no address of a platform: it begins with https://", address)
	}
	c := &caller{http: http.Client{Timeout: patience}, header: http.Header{}}
	for _, set := range settings {
		set(c)
	}
	c.http.Transport = &oauth2.Transport{Source: tokens, Base: c.http.Transport}
	return NewClient(strings.TrimSuffix(address, "/")+"/v2.1", WithClient(c))
}

// caller makes the calls of the generated methods.
type caller struct {
	http   http.Client
	header http.Header
}

// Do makes a call and turns what the platform refuses into an Error, so that the
// generated code sees only what was asked for.
func (c *caller) Do(request *http.Request) (*http.Response, error) {
	for name, values := range c.header {
		request.Header[name] = values
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < http.StatusBadRequest {
		return response, nil
	}
	return nil, refusal(response)
}
