package web

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// policyOrigin matches the origins that a policy can contain. It excludes characters
// that would end the policy, and IPv6 addresses, which policies cannot express (CSP 3
// §2.3.1, host-source).
var policyOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.\-]+(:[0-9]+)?$`)

// NoAncestors is the source list of a page that no other page may frame.
const NoAncestors = "'none'"

// Ancestors returns the source list of frame-ancestors for the pages of some origins. It
// leaves out the origins that a policy cannot contain.
func Ancestors(origins []string) string {
	var allowed []string
	for _, origin := range origins {
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
	if len(allowed) == 0 {
		return NoAncestors
	}
	return strings.Join(allowed, " ")
}

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
