package widget

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// policy returns the Content-Security-Policy of a page. It allows only the widget's own
// files, forms that post to the widget, and frames in the client's pages. The response to
// a form is never a redirect to the bank or the client, because browsers apply
// form-action to every redirect that follows a form.
func policy(client *oxlin.Client) string {
	ancestors := "*" // a page without a client has nothing to protect
	if client != nil && !client.AnyRedirectURI {
		ancestors = web.Ancestors(client.Origins())
	}
	return policyFor(ancestors)
}

// policyFor is policy with the source list of frame-ancestors.
func policyFor(ancestors string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors " + ancestors
}
