package widget

import (
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
)

// policyOrigin is an origin that cannot end the policy it is put into.
var policyOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.\-\[\]:]+$`)

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
			if policyOrigin.MatchString(origin) {
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
