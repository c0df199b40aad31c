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
	// SecretHashes are the SHA-256 sums of the secrets now valid: two while one
	// is being replaced. The secrets are random and long, so no slow hash is needed.
	SecretHashes [][]byte
	// RedirectURIs are where its users may be sent back to.
	RedirectURIs []string
	// AnyRedirectURI lifts that list; only the sandbox's own clients have it.
	AnyRedirectURI bool
	// Licensed clients have a PSD2 agreement of their own (contract §11).
	Licensed bool
	// WebhookURL is the client's server that hears of each synchronisation of its
	// users' connections (contract §3.11); empty for a client that only polls.
	WebhookURL string
	// Theme colours the widget for a licensed client's users.
	Theme     Theme
	CreatedAt time.Time
}

// MayRedirectTo says whether users may be sent to uri, compared letter by letter
// as RFC 9700 §4.1.3 asks. Of a loopback address the port may differ: a program
// on the user's machine takes a free one (RFC 8252 §7.3).
func (c Client) MayRedirectTo(uri string) bool {
	return c.AnyRedirectURI && LeadsAway(uri) || slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return registered == uri || loopbackWithoutPort(uri) != "" && loopbackWithoutPort(registered) == loopbackWithoutPort(uri)
	})
}

// ownSchemes do not lead to another application: they run a script, or open what the
// browser holds.
var ownSchemes = []string{"javascript", "vbscript", "data", "blob", "file", "about"}

// LeadsAway says whether an address is absolute and no script. Any scheme will do:
// applications have their own (RFC 8252 §7.1).
func LeadsAway(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.IsAbs() && !slices.Contains(ownSchemes, parsed.Scheme)
}

// MayReturnTo says whether the widget may send users to uri. What it adds to the
// address is no secret, so the client may add to the query of a registered address
// what it wants to know again. A web site is the same with and without the slash of
// its root (RFC 3986 §6.2.3).
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

// Origins are those of the client's registered web addresses, each once.
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

// rooted gives a web address that has no path the path of its root.
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

// loopbackWithoutPort gives an http address on a loopback IP without its port, and
// nothing for any other address.
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
