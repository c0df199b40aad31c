package stet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// links are the hypermedia links that we look at; the others are ignored, so
// that "parentlist" for "parent-list" harms nobody.
type links struct {
	Self            link `json:"self"`
	Next            link `json:"next"`
	Balances        link `json:"balances"`
	Transactions    link `json:"transactions"`
	Owners          link `json:"owners"`
	EndUserIdentity link `json:"endUserIdentity"`
}

// link is one hypermedia link; without href it leads nowhere (banks §1.3).
type link struct{ Href text }

// UnmarshalJSON reads an object or the bare address, and never fails.
func (l *link) UnmarshalJSON(raw []byte) error {
	var object struct {
		Href text `json:"href"`
	}
	err := json.Unmarshal(raw, &object)
	if err == nil {
		l.Href = object.Href
		return nil
	}
	return l.Href.UnmarshalJSON(raw)
}

// query is what a link adds to a resource: the only thing that we take from it.
// Scheme, host and path prefix are always those of the configuration, because
// banks write them absolute, relative with or without a leading slash, or with
// an inner host name as a path segment. A link to another resource or another
// host is an error, and is never followed.
func (l link) query(host, resource string) (string, error) {
	href := string(l.Href)
	// The optional part of a template (RFC 6570) is for those who want it.
	href, _, _ = strings.Cut(href, "{")
	if href == "" {
		return "", nil
	}
	u, err := url.Parse(href)
	if err != nil || u.Opaque != "" {
		return "", errors.New("a link is no URL")
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

// escapeQuery makes a bank's query fit for a request line, and hides colons,
// which some banks refuse in the dates of their own links.
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
