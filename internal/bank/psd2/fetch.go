package psd2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Fetched is a bank's answer of any media type.
type Fetched struct {
	Status int
	Header http.Header
	// Body is as the bank sent it, without its compression. It lacks the rest of an answer
	// that is larger than the limit, see Cut.
	Body []byte
	// Cut is set if the answer is larger than the limit.
	Cut bool
}

// SendAny sends a request, and returns an answer that is a success or that the bank's data
// classify as empty. Connectors whose lists come in several media types use it.
func (c *Client) SendAny(ctx context.Context, call bank.Call, r Request) (Fetched, error) {
	request, err := c.request(ctx, call, r)
	if err != nil {
		return Fetched{}, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return Fetched{}, Unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		body, err := ReadBody(response, maxAnswer)
		if err != nil {
			return Fetched{}, err
		}
		return Fetched{Status: response.StatusCode, Header: response.Header}, c.classify(r.Op, decoded(response, body))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.maxList+1))
	if err != nil {
		return Fetched{}, Unreachable(err)
	}
	fetched := Fetched{Status: response.StatusCode, Header: response.Header, Body: body}
	if int64(len(body)) > c.maxList {
		fetched.Body, fetched.Cut = body[:c.maxList], true
	}
	return fetched, nil
}

// Location calls an address that answers with a redirect, and returns where it leads. The
// bank's own host need not be its target: the user's browser goes there.
func (c *Client) Location(ctx context.Context, r Request, psu *oxlin.PSU) (string, error) {
	address, query, _ := strings.Cut(r.Resource, "?")
	r.Resource, r.Query = address, query
	request, err := c.request(ctx, bank.Call{PSU: psu}, r)
	if err != nil {
		return "", err
	}
	reply, err := c.do(request)
	if err != nil {
		return "", err
	}
	if reply.status < 300 || reply.status > 399 {
		err = c.classify(r.Op, reply)
		if err == nil || reply.status < 300 {
			err = Nonsense(errors.New("the authorization server gives no address of a login page"))
		}
		return "", err
	}
	target, err := request.URL.Parse(reply.header.Get("Location"))
	if err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != request.URL.Scheme {
		return "", Nonsense(errors.New("the authorization server gives no address of a login page"))
	}
	return target.String(), nil
}

// IsEmpty reports whether an answer has no content.
func (f Fetched) IsEmpty() bool { return len(bytes.TrimSpace(f.Body)) == 0 }

// Object reads an answer as an object of JSON, as far as it can be mended; ok is false
// for another content.
func (f Fetched) Object() (object Object, ok bool) { return ReadObject(f.json()) }

// Elements reads an answer as a list of JSON; ok is false for another content.
func (f Fetched) Elements() (elements []json.RawMessage, ok bool) {
	return elementsOf(bytes.TrimSpace(f.json()))
}

// json returns an answer in JSON, in UTF-8 and as far as it can be mended.
func (f Fetched) json() []byte {
	text, err := io.ReadAll(notation.Unicode(bytes.NewReader(f.Body)))
	if err != nil {
		return nil
	}
	charset := notation.Charset(notation.DeclaredCharset(f.Header.Get("Content-Type")))
	text = bytes.TrimSpace(notation.UTF8(text, charset))
	var inner string
	if json.Unmarshal(text, &inner) == nil {
		text = []byte(inner) // a gateway has written the answer as a text
	}
	return mended(text)
}

// Object is an object of JSON, member by member.
type Object map[string]json.RawMessage

// ReadObject reads an object; ok is false for another value.
func ReadObject(raw []byte) (object Object, ok bool) {
	err := json.Unmarshal(raw, &object)
	return object, err == nil && object != nil
}

// AddHeader adds the links in the header of an answer (RFC 8288).
func (l *Links) AddHeader(header http.Header) { l.addHeader(header) }

// Add adds links in any of the forms that UnmarshalJSON reads. Those that are there stay.
func (l *Links) Add(raw json.RawMessage) { l.add(raw, maxLinkDepth) }

// Path returns the path of a link, unescaped, and its query, escaped for a request line.
// It undoes what Target undoes; ok is false if neither is there.
func (l Link) Path() (path, query string, ok bool) {
	href := optional.ReplaceAllLiteralString(withoutEntities(l.Href), "")
	inner, _, bracketed := strings.Cut(strings.TrimPrefix(href, "<"), ">")
	if bracketed && strings.HasPrefix(href, "<") {
		href = inner // as in a header
	}
	path, query, _ = splitAddress(href)
	before, asked, found := strings.Cut(path, "?") // an escaped question mark
	if found {
		path, query = before, strings.TrimSuffix(asked+"&"+query, "&")
	}
	query = escapeQuery(plainQuery(query))
	return path, query, path != "" || query != ""
}

// EscapePath escapes an unescaped path that begins with a slash, segment by segment; ok is
// false for one that leaves its place.
func EscapePath(path string) (escaped string, ok bool) { return escapePath(path) }
