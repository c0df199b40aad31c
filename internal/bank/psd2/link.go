package psd2

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Link is one hypermedia link. An empty Href means that there is no link.
type Link struct{ Href Text }

// UnmarshalJSON reads an object or the bare address, and never fails.
func (l *Link) UnmarshalJSON(raw []byte) error {
	var object struct {
		Href Text `json:"href"`
	}
	err := json.Unmarshal(raw, &object)
	if err == nil {
		l.Href = object.Href
		return nil
	}
	return l.Href.UnmarshalJSON(raw)
}

// QueryFor returns the query of a link to a resource, the only part of the link that is
// used. Scheme, host and path prefix are always those of the configuration, because
// banks write links absolute, relative with or without a leading slash, or with an
// inner host name as a path segment. A link to another resource or another host is an
// error, and is never followed.
func (l Link) QueryFor(host, resource string) (string, error) {
	href := string(l.Href)
	// The optional part of a URI template (RFC 6570) is dropped.
	href, _, _ = strings.Cut(href, "{")
	if href == "" {
		return "", nil
	}
	u, err := url.Parse(href)
	if err != nil || u.Opaque != "" {
		return "", errors.New("a link is not a URL")
	}
	if u.Host != "" && !strings.EqualFold(u.Host, host) {
		return "", fmt.Errorf("a link leads to another host, %q", u.Hostname())
	}
	plain, err := url.PathUnescape(resource)
	if err != nil {
		return "", fmt.Errorf("resource: %w", err)
	}
	path := "/" + strings.TrimSuffix(u.Path, "/")
	onlyQuery := u.Host == "" && u.Path == ""
	if !onlyQuery && !strings.HasSuffix(path, plain) {
		return "", errors.New("a link leads to another resource")
	}
	return escapeQuery(u.RawQuery), nil
}

// escapeQuery escapes a bank's query for a request line. It also escapes colons, which
// some banks refuse although their own links contain them.
func escapeQuery(query string) string {
	var b strings.Builder
	for _, char := range []byte(query) {
		if char <= ' ' || char >= 0x7f || char == ':' || char == '"' || char == '<' || char == '>' {
			fmt.Fprintf(&b, "%%%02X", char)
			continue
		}
		b.WriteByte(char)
	}
	return b.String()
}
