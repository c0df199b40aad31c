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

// UnmarshalJSON reads an object, the bare address, or a list of links, of which the first
// counts (HAL allows one), and never fails.
func (l *Link) UnmarshalJSON(raw []byte) error {
	var list []Link
	if raw[0] == '[' && json.Unmarshal(raw, &list) == nil {
		if len(list) > 0 {
			*l = list[0]
		}
		return nil
	}
	var object struct {
		Href json.RawMessage `json:"href"`
	}
	err := json.Unmarshal(raw, &object)
	if err == nil {
		if len(object.Href) > 0 && object.Href[0] != '{' {
			return l.UnmarshalJSON(object.Href)
		}
		return nil
	}
	var address Written
	err = address.UnmarshalJSON(raw)
	l.Href = notation.Identifier(address.text)
	return err
}

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
	u, err := url.Parse(href)
	if err != nil || u.Opaque != "" {
		return Target{}, errLink
	}
	plain, err := url.PathUnescape(resource)
	if err != nil {
		return Target{}, fmt.Errorf("resource: %w", err)
	}
	target := Target{Query: escapeQuery(u.RawQuery)}
	below, found := below("/"+strings.TrimSuffix(u.Path, "/"), plain)
	target.Path = below
	if target.IsZero() && !found && strings.Trim(u.Path, "/") != "" {
		return Target{}, errLink // another resource, and no query
	}
	if target.IsZero() && !found && u.Host != "" {
		return Target{}, errLink
	}
	return target, nil
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
