package widget

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
)

// policyOrigin matches the origins that a policy can contain. It excludes characters
// that would end the policy, and IPv6 addresses, which policies cannot express (CSP 3
// §2.3.1, host-source).
var policyOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.\-]+(:[0-9]+)?$`)

// loopback returns the policy source for a program on the user's machine, which may use
// any port (RFC 8252 §7.3).
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

// policy returns the Content-Security-Policy of a page. It allows only the widget's own
// files, forms that post to the widget, and frames in the client's pages. The response to
// a form is never a redirect to the bank or the client, because browsers apply
// form-action to every redirect that follows a form.
func policy(client *oxlin.Client) string {
	ancestors := "'none'"
	switch {
	case client == nil || client.AnyRedirectURI:
		ancestors = "*" // a page without a client has nothing to protect
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
