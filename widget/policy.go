package widget

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
)

// policyOrigin is an origin that a policy can name: it cannot end the policy, and is no
// IPv6 address, for which policies have no words (CSP 3 §2.3.1, host-source).
var policyOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.\-]+(:[0-9]+)?$`)

// loopback gives the source of a policy for a program on the user's machine, whose port
// is free (RFC 8252 §7.3).
func loopback(origin string) (anyPort string, ok bool) {
	parsed, err := url.Parse(origin)
	if err != nil || parsed.Scheme != "http" {
		return "", false
	}
	ip, err := netip.ParseAddr(parsed.Hostname())
	if err != nil || !ip.IsLoopback() {
		return "", false
	}
	return "http://" + strings.TrimSuffix(parsed.Host, ":"+parsed.Port()) + ":*", true
}

// policy is the Content-Security-Policy of a page: nothing but our own files, forms
// post to us alone, and only the client's pages may frame it. The way to the bank
// and back to the client is never the answer to a form, because browsers hold
// form-action against every redirect that follows one.
func policy(client *oxlin.Client) string {
	ancestors := "'none'"
	switch {
	case client == nil || client.AnyRedirectURI:
		ancestors = "*" // a page that belongs to nobody has nothing to protect
	default:
		var allowed []string
		for _, origin := range client.Origins() {
			if !policyOrigin.MatchString(origin) {
				continue
			}
			if anyPort, ok := loopback(origin); ok {
				origin = anyPort
			}
			if !slices.Contains(allowed, origin) {
				allowed = append(allowed, origin)
			}
		}
		if len(allowed) > 0 {
			ancestors = strings.Join(allowed, " ")
		}
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors " + ancestors
}
