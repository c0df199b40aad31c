package psd2

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Dialect describes how a standard's messages differ: headers, media type, error
// bodies.
type Dialect struct {
	// Accept is the media type of the answers, and ContentType that of bodies that we send;
	// empty means application/json.
	Accept, ContentType string
	// PSUAddress is the header with the user's IP address; sending it declares the user
	// as present. PSUAgent is the header with their browser's name.
	PSUAddress, PSUAgent string
	// Place writes the place of a user, a geo: URI, as the standard has it; nil leaves it as it is.
	Place func(string) string
	// RequestID is the header with the unique id of each request.
	RequestID string
	// Headers are those that the standard sends in some requests, beside the ones above; only signatures
	// need to know them.
	Headers []string
	// CallHeaders returns further headers of a call; nil for a standard without such.
	CallHeaders func(bank.Call) map[string]string
	// ErrorText returns the error code or message in the body of a failed request;
	// empty if it has neither.
	ErrorText func(body []byte) string
	// ErrorCodes returns all error codes in the body of a failed request, the most specific
	// one first. It is nil for a standard without codes.
	ErrorCodes func(body []byte) []string
	// Codes are the meanings of the standard's error codes, as in Answer.Means.
	Codes map[string]string
}

// Client sends the requests of one bank's interface and reads the answers. It has
// no state between two calls.
type Client struct {
	config   Interface
	dialect  Dialect
	base     *url.URL
	client   *http.Client
	signer   Signer // nil if the bank wants no signatures
	seal     crypto.Signer
	dateZone *time.Location
	now      func() time.Time
	rand     io.Reader
	// maxList is the limit of that name; tests have a smaller one.
	maxList int64
}

// NewClient returns the client of a bank whose data passed Check. It fails if the bank
// wants signatures and there is no key for them.
func NewClient(config Interface, dialect Dialect, deps Deps) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(config.BaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	c := &Client{
		config: config, dialect: dialect, base: base, client: HTTPClient(deps.Transport, config.TimeoutSeconds),
		seal: deps.Seal.Key, now: deps.Now, rand: deps.Rand, maxList: cmp.Or(deps.MaxList, maxList),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.rand == nil {
		c.rand = rand.Reader
	}
	c.dialect.Accept = cmp.Or(config.Accept, dialect.Accept)
	c.dialect.ContentType = cmp.Or(config.ContentType, dialect.ContentType, "application/json")
	if config.DateZone != "" {
		c.dateZone, err = time.LoadLocation(config.DateZone)
		if err != nil {
			return nil, fmt.Errorf("date_zone: %w", err)
		}
	}
	if config.OAuth.NeedsSeal() && c.seal == nil {
		return nil, errors.New("the bank wants assertions that are signed, and there is no key to sign with")
	}
	if config.Signing != nil {
		signer, err := newCavage(*config.Signing, config.OAuth.ClientID, deps.Seal, c.rand, c.now)
		if err != nil {
			return nil, err
		}
		if config.Signing.Target == "base" {
			signer.prefix = base.EscapedPath()
		}
		c.signer = signer
		if config.Signing.Answers != nil {
			verified, err := newVerifier(*config.Signing.Answers, config.BaseURL, deps.Transport, cmp.Or(deps.MaxList, maxList))
			if err != nil {
				return nil, err
			}
			c.client = HTTPClient(verified, config.TimeoutSeconds)
		}
	}
	return c, nil
}

// HTTPClient returns the HTTP client for one bank; 0 seconds means the default limit.
// It follows no redirects: a bank's API has no reason to redirect, but maintenance
// pages do. Answers are decompressed, whatever their headers declare.
func HTTPClient(transport http.RoundTripper, timeoutSeconds int) *http.Client {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{
		Transport:     decompressor{transport},
		Timeout:       timeoutOf(timeoutSeconds),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Now returns the time of the injected clock.
func (c *Client) Now() time.Time { return c.now() }

// Request is one request of an interface.
type Request struct {
	// Op is the operation, as Answer.On names it.
	Op string
	// Method is GET if it is empty.
	Method string
	// Resource is the escaped path below the base URL, and Query the escaped query. A
	// Resource that begins with // is a path from the host's root, and one that begins with
	// https:// or http:// an address; connectors take no address from an answer unless its
	// host is the bank's.
	Resource, Query string
	// Accept overrides the media type, and Header adds headers to those of every request.
	Accept string
	Header map[string]string
	// Cookies are name=value.
	Cookies []string
	// Body is sent as JSON; nil sends no body.
	Body any
}

// Fetch reads a document that needs no access, such as the keys of an authorization server,
// from an address of the bank's data.
func (c *Client) Fetch(ctx context.Context, op, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Nonsense(fmt.Errorf("request for %s: %w", op, err))
	}
	request.Header.Set("Accept", "application/json")
	a, err := c.do(request)
	if err != nil {
		return err
	}
	return c.read(op, a, into)
}

// Send sends a request and decodes the answer into a value. The value is unchanged if
// there is nothing to decode: after 204, an empty body, or an answer that the bank's
// data classify as empty.
func (c *Client) Send(ctx context.Context, call bank.Call, r Request, into any) error {
	request, err := c.request(ctx, call, r)
	if err != nil {
		return err
	}
	a, err := c.do(request)
	if err != nil {
		return err
	}
	return c.read(r.Op, a, into)
}

// request returns a request, ready to be sent.
func (c *Client) request(ctx context.Context, call bank.Call, r Request) (*http.Request, error) {
	var content []byte
	if r.Body != nil {
		var err error
		content, err = json.Marshal(r.Body)
		if err != nil {
			return nil, Nonsense(err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, c.addressOf(r.Resource), bytes.NewReader(content))
	if err != nil {
		return nil, Nonsense(fmt.Errorf("request for %s: %w", r.Op, err))
	}
	request.URL.RawQuery = r.Query
	request.Header.Set("Accept", cmp.Or(r.Accept, c.dialect.Accept))
	if !call.Access.Token.IsZero() {
		request.Header.Set("Authorization", "Bearer "+call.Access.Token.Reveal())
	}
	if r.Body != nil {
		request.Header.Set("Content-Type", c.dialect.ContentType)
	}
	if len(r.Cookies) > 0 {
		request.Header.Set("Cookie", strings.Join(r.Cookies, "; "))
	}
	if call.PSU != nil && call.PSU.IP != "" {
		request.Header.Set(c.dialect.PSUAddress, call.PSU.IP)
		agent := notation.Identifier(call.PSU.UserAgent)
		if agent != "" {
			request.Header.Set(c.dialect.PSUAgent, agent)
		}
		for _, header := range FurtherPSU(*call.PSU, c.dialect.Place) {
			if slices.ContainsFunc(c.config.PSUHeaders, func(name string) bool { return strings.EqualFold(name, header.Name) }) {
				request.Header.Set(header.Name, header.Value)
			}
		}
	}
	if c.dialect.CallHeaders != nil {
		for name, value := range c.dialect.CallHeaders(call) {
			request.Header.Set(name, value)
		}
	}
	err = c.stamp(request, withHeaders(c.config.Headers, c.config.HeadersOn[r.Op], r.Header))
	if err != nil {
		return nil, err
	}
	if c.signer != nil {
		err = c.signer.Sign(r.Op, request, content)
		if err != nil {
			return nil, Nonsense(err)
		}
	}
	return request, nil
}

// addressOf returns the address of a resource.
func (c *Client) addressOf(resource string) string {
	switch {
	case strings.HasPrefix(resource, "//"):
		return c.base.Scheme + "://" + c.base.Host + resource[1:]
	case strings.HasPrefix(resource, "https://"), strings.HasPrefix(resource, "http://"):
		return resource
	}
	return c.base.String() + resource
}

// withHeaders returns headers with others added, or in the place of those of their name.
func withHeaders(headers ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, some := range headers {
		for name, value := range some {
			all[http.CanonicalHeaderKey(name)] = value
		}
	}
	return all
}

// stamp sets the id and the date of a request, and the headers of the bank's data.
func (c *Client) stamp(request *http.Request, headers map[string]string) error {
	id, err := c.NewID()
	if err != nil {
		return err
	}
	request.Header.Set(c.dialect.RequestID, id)
	now := c.now().UTC()
	request.Header.Set("Date", now.Format(http.TimeFormat))
	if c.dateZone != nil {
		request.Header.Set("Date", now.In(c.dateZone).Format("Mon, 02 Jan 2006 15:04:05 MST"))
	}
	values := strings.NewReplacer("{client_id}", c.config.OAuth.ClientID, "{uuid}", id)
	for name, value := range headers {
		if value != "" && c.tellsOfUser(request, name) {
			continue // the user is present, and the bank's data have only a substitute
		}
		request.Header.Del(name)
		if value != "" {
			request.Header.Set(name, values.Replace(value))
		}
	}
	return nil
}

// tellsOfUser reports whether a header of a request is one about a user who is present.
func (c *Client) tellsOfUser(request *http.Request, name string) bool {
	about := slices.ContainsFunc(psuHeaders, func(one oxlin.PSUHeader) bool { return strings.EqualFold(one.Name, name) })
	return request.Header.Get(name) != "" && (about || strings.EqualFold(name, c.dialect.PSUAddress) || strings.EqualFold(name, c.dialect.PSUAgent))
}

// NewID returns a new id for a request.
func (c *Client) NewID() (string, error) {
	id, err := uuid.NewRandomFromReader(c.rand)
	if err != nil {
		return "", Nonsense(fmt.Errorf("request id: %w", err))
	}
	return id.String(), nil
}

// answer is a bank's answer, completely read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// maxAnswer limits the size of an answer that is no list. See SendList for those.
const maxAnswer = 16 << 20

func (c *Client) do(request *http.Request) (answer, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return answer{}, Unreachable(err)
	}
	defer response.Body.Close()
	body, err := ReadBody(response, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	return decoded(response, body), nil
}

// decoded returns an answer with its body in UTF-8.
func decoded(response *http.Response, body []byte) answer {
	body, err := io.ReadAll(notation.Unicode(bytes.NewReader(body)))
	if err != nil {
		body = nil // half a character of UTF-16
	}
	charset := notation.Charset(notation.DeclaredCharset(response.Header.Get("Content-Type")))
	return answer{response.StatusCode, response.Header, bytes.TrimSpace(notation.UTF8(body, charset))}
}

// ReadBody reads the whole body of an answer, and fails if it is longer than limit.
func ReadBody(response *http.Response, limit int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return nil, Unreachable(err)
	}
	if len(body) > limit {
		return nil, Nonsense(fmt.Errorf("the answer is larger than %d bytes", limit))
	}
	return body, nil
}

// read decodes an answer, or returns its failure.
func (c *Client) read(op string, a answer, into any) error {
	if a.status < 200 || a.status > 299 {
		return c.classify(op, a)
	}
	if len(a.body) == 0 || into == nil {
		return nil
	}
	body, ok := mend(a.body)
	if !ok {
		body = a.body
	}
	err := json.Unmarshal(body, into)
	if err != nil {
		failure := Nonsense(DescribeJSON(err))
		failure.Status = a.status
		return failure
	}
	return nil
}
