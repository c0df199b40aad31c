package psd2

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Link is one hypermedia link. An empty Href means that there is no link.
type Link struct{ Href string }

// maxLinkDepth limits how deep a link may be nested in lists and objects.
const maxLinkDepth = 3

// UnmarshalJSON reads an object, the bare address, or a list of them, of which the first
// with an address counts. It never fails.
func (l *Link) UnmarshalJSON(raw []byte) error {
	l.Href = readLink(raw, maxLinkDepth)
	return nil
}

// readLink returns the address in a link; empty without one.
func readLink(raw []byte, depth int) string {
	var object struct {
		Href json.RawMessage `json:"href"`
		URL  json.RawMessage `json:"url"`
	}
	var list []json.RawMessage
	switch {
	case depth == 0:
	case json.Unmarshal(raw, &object) == nil:
		for _, address := range []json.RawMessage{object.Href, object.URL} {
			href := readLink(address, depth-1)
			if href != "" {
				return href
			}
		}
		return ""
	case json.Unmarshal(raw, &list) == nil:
		for _, link := range list {
			href := readLink(link, depth-1)
			if href != "" {
				return href
			}
		}
		return ""
	}
	var address Written
	err := address.UnmarshalJSON(raw)
	if err != nil {
		return ""
	}
	href := notation.Identifier(address.text)
	if noLink[strings.ToLower(href)] {
		return ""
	}
	return href
}

// noLink are texts that banks write where a page has no next one.
var noLink = map[string]bool{"null": true, "none": true, "nil": true, "undefined": true, "#": true}

// Target is a page of a resource: a path below the resource, such as "/next", and a
// query, both escaped. The zero Target is the resource itself, or no page.
type Target struct {
	Path  string `json:"path,omitempty"`
	Query string `json:"query,omitempty"`
}

// IsZero reports whether there is no page.
func (t Target) IsZero() bool { return t == Target{} }

// address returns a text that is different for each page of a resource.
func (t Target) address() string {
	if t.Path == "" {
		return t.Query
	}
	return t.Path + "?" + t.Query
}

// ampersand matches the ways in which markup writes an ampersand, escaped once or more
// often.
var ampersand = regexp.MustCompile(`(?i)&(?:(?:amp|#0*38|#x0*26);)+`)

// optional matches the optional part of a URI template (RFC 6570), such as {&size}.
var optional = regexp.MustCompile(`\{[?&/;.#+][^{}]*\}`)

var errLink = errors.New("a link cannot be followed")

// Target returns the page to which a link leads: its query, and its path below the
// resource. Only these are used. Scheme, host and path are always those of the
// configuration and of the account, because banks write links absolute, relative with or
// without a leading slash, escaped for HTML, or with the host behind their gateway. So a
// link can lead neither to another host nor to another resource. It is zero without a
// link, or for a link to the resource itself. A link with none of these parts fails.
func (l Link) Target(resource string) (Target, error) {
	href := optional.ReplaceAllLiteralString(ampersand.ReplaceAllLiteralString(l.Href, "&"), "")
	if href == "" {
		return Target{}, nil
	}
	path, query, absolute := splitAddress(href)
	plain, err := url.PathUnescape(resource)
	if err != nil {
		return Target{}, fmt.Errorf("resource: %w", err)
	}
	target := Target{Query: escapeQuery(query)}
	below, found := below("/"+strings.TrimSuffix(path, "/"), plain)
	target.Path = below
	if target.IsZero() && !found && (strings.Trim(path, "/") != "" || absolute) {
		return Target{}, errLink // another resource, and no query
	}
	return target, nil
}

// scheme is the beginning of an absolute address.
var scheme = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*`)

// pair is a query without its question mark.
var pair = regexp.MustCompile(`^&?[A-Za-z0-9_.\[\]-]+=`)

// splitAddress returns the unescaped path and the query of an address, and whether it names
// a host. It reads addresses that no standard allows: with a host but no scheme, with a
// query that has no question mark, in the brackets of a header, or escaped as a whole.
func splitAddress(href string) (path, query string, absolute bool) {
	inner, _, bracketed := strings.Cut(strings.TrimPrefix(href, "<"), ">")
	if bracketed && strings.HasPrefix(href, "<") {
		href = inner
	}
	plain := href
	for range 2 {
		if strings.Contains(plain, "?") {
			break
		}
		unescaped, err := url.PathUnescape(plain)
		if err != nil {
			break
		}
		plain = unescaped
	}
	if strings.Contains(plain, "?") {
		href = plain // it may be escaped as a whole, once or twice
	}
	href, _, _ = strings.Cut(href, "#")
	host := scheme.FindString(href)
	href = href[len(host):]
	path, query, asked := strings.Cut(href, "?")
	if !asked && host == "" && pair.MatchString(href) {
		path, query = "", strings.TrimPrefix(href, "&")
	}
	unescaped, err := url.PathUnescape(path)
	if err == nil {
		path = unescaped
	}
	return path, query, host != ""
}

// below returns the escaped path below the resource; found is false if the path does
// not contain the resource.
func below(path, resource string) (rest string, found bool) {
	at := strings.LastIndex(path, resource)
	if at < 0 {
		return "", false
	}
	rest = path[at+len(resource):]
	if rest == "" {
		return "", true
	}
	if rest[0] != '/' {
		return "", false
	}
	var escaped strings.Builder
	for _, segment := range strings.Split(rest[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "", false
		}
		escaped.WriteString("/" + url.PathEscape(segment))
	}
	return escaped.String(), true
}

// escapeQuery escapes a bank's query for a request line. It also escapes colons, which
// some banks refuse although their own links contain them.
func escapeQuery(query string) string {
	var b strings.Builder
	for _, char := range []byte(query) {
		if char <= ' ' || char >= 0x7f || strings.IndexByte(":\"<>{}|\\^`", char) >= 0 {
			fmt.Fprintf(&b, "%%%02X", char)
			continue
		}
		b.WriteByte(char)
	}
	return b.String()
}
