package oxlin

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Client is an integrator's application.
type Client struct {
	ID   ClientID
	Name string
	// Secrets are the newest secret and, after a rotation, the one before it. One that has ended stays
	// among them, so that the client does not become a public one.
	Secrets []ClientSecret
	// Authentication is how a client authenticates that does not use its secrets.
	Authentication ClientAuthentication
	// RedirectURIs are the registered redirect URIs.
	RedirectURIs []string
	// AnyRedirectURI lifts that list; only the sandbox's own clients have it.
	AnyRedirectURI bool
	// Sandbox marks the sandbox's own clients, whose secrets are public. They exist only
	// while a sandbox is served.
	Sandbox bool
	// Disabled clients and their users are refused at every door. What they have stays.
	Disabled bool
	// Deleting clients are disabled for ever, and removed with all that they have.
	Deleting bool
	// ConfirmReturn asks whoever returns from a bank to confirm it, where the client itself
	// sends its users there (contract §11, "Mode A").
	ConfirmReturn bool
	// WidgetFiles lets its users send files of their bank in the widget.
	WidgetFiles bool
	// Licensed clients have a PSD2 agreement of their own (contract §11).
	Licensed bool
	// Settings are the values of the settings that rooms declare, by their names.
	Settings Settings
	// Theme colours the widget for a licensed client's users.
	Theme     Theme
	CreatedAt time.Time
}

// IsPublic reports whether the client has no credentials, because it could not keep one (RFC 6749
// §2.1).
func (c Client) IsPublic() bool {
	return len(c.Secrets) == 0 && c.Authentication.Method == AuthBySecret
}

// AuthenticatesBy names how the client authenticates: "secret", "nothing" for a public client, or
// the method that is registered for it.
func (c Client) AuthenticatesBy() string {
	switch {
	case c.Authentication.Method != AuthBySecret:
		return string(c.Authentication.Method)
	case c.IsPublic():
		return "nothing"
	default:
		return "secret"
	}
}

// MayRedirectTo reports whether users may be redirected to uri. It compares the exact
// strings, as RFC 9700 §4.1.3 requires. The port of a loopback address may differ: a
// program on the user's machine listens on a free port (RFC 8252 §7.3).
func (c Client) MayRedirectTo(uri string) bool {
	return c.AnyRedirectURI && IsRedirectable(uri) || slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return registered == uri || loopbackWithoutPort(uri) != "" && loopbackWithoutPort(registered) == loopbackWithoutPort(uri)
	})
}

// ownSchemes run a script or open local content instead of another application.
var ownSchemes = []string{"javascript", "vbscript", "data", "blob", "file", "about"}

// IsRedirectable reports whether an address is absolute and not a script or local
// scheme. Other schemes are allowed: applications have their own (RFC 8252 §7.1).
func IsRedirectable(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.IsAbs() && !slices.Contains(ownSchemes, parsed.Scheme)
}

// MayReturnTo reports whether the widget may redirect users to uri. The widget adds no
// secret to it, so the client may extend the query of a registered address with values
// of its own. An address with an empty path equals the one with a slash (RFC 3986
// §6.2.3).
func (c Client) MayReturnTo(uri string) bool {
	uri = rooted(uri)
	registered := make([]string, len(c.RedirectURIs))
	for i, address := range c.RedirectURIs {
		registered[i] = rooted(address)
	}
	c.RedirectURIs = registered
	if c.MayRedirectTo(uri) {
		return true
	}
	base, query, hasQuery := strings.Cut(uri, "?")
	if !hasQuery || strings.Contains(query, "#") {
		return false
	}
	return c.MayRedirectTo(base) || slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return strings.Contains(registered, "?") && strings.HasPrefix(uri, registered+"&")
	})
}

// Origins returns the distinct origins of the registered web addresses.
func (c Client) Origins() []string {
	var origins []string
	for _, registered := range c.RedirectURIs {
		parsed, err := url.Parse(registered)
		if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "" {
			continue
		}
		origin := parsed.Scheme + "://" + parsed.Host
		if !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// rooted adds a slash to a web address without a path.
func rooted(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Path != "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
		return address
	}
	end := strings.IndexAny(address, "?#")
	if end < 0 {
		end = len(address)
	}
	return address[:end] + "/" + address[end:]
}

// loopbackWithoutPort returns an http address on a loopback IP without its port, and
// "" for any other address.
func loopbackWithoutPort(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" {
		return ""
	}
	ip, err := netip.ParseAddr(parsed.Hostname())
	if err != nil || !ip.IsLoopback() {
		return ""
	}
	parsed.Host = ip.String()
	return parsed.String()
}
