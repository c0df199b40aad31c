package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// defaultTimeout bounds a call of a Client without WithHTTP.
const defaultTimeout = time.Minute

// Setting changes how a Client makes its calls.
type Setting func(*caller)

// WithHTTP makes the calls with an HTTP client of the program, with its transport and
// its time limit.
func WithHTTP(own *http.Client) Setting {
	return func(c *caller) { c.http = *own }
}

// ActingFor makes a token of the application act for one of its users (contract §3.2,
// admin mode). Scopes, if given, restrict the calls to these scopes. With a user's own
// token ActingFor changes nothing.
func ActingFor(userID string, scopes ...string) Setting {
	return func(c *caller) {
		c.header.Set("x-linxo-user-id", userID)
		if len(scopes) > 0 {
			c.header.Set("x-scope", strings.Join(scopes, " "))
		}
	}
}

// New returns a client of the API at an address such as "https://sandbox-api.oxlin.io".
// It returns an error if the address is not an http or https URL with a host. It makes
// no call yet. The methods of the Client are safe for concurrent use; beside the
// platform's *Error they return errors of the network and of the context.
func New(address string, tokens oauth2.TokenSource, settings ...Setting) (*Client, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" {
		return nil, fmt.Errorf("%q is no address of a platform: it begins with https://", address)
	}
	c := &caller{http: http.Client{Timeout: defaultTimeout}, header: http.Header{}}
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

// Do makes a call and turns a refusal of the platform into an *Error, so that the
// generated code reads successful answers only.
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
