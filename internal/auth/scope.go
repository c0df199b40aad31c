package auth

import (
	"net/url"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
)

// parseScopes returns the scopes of a parameter, in order and without duplicates
// (RFC 6749 §3.3).
func parseScopes(text string) oxlin.Scopes {
	scopes := oxlin.Scopes{}
	for _, name := range strings.Fields(text) {
		scope := oxlin.Scope(name)
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// joinScopes is the reverse of parseScopes.
func joinScopes(scopes oxlin.Scopes) string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return strings.Join(names, " ")
}

// separateScopes replaces commas between scopes by the spaces of RFC 6749 §3.3. PHP
// client libraries send commas, and no scope of ours contains one.
func separateScopes(form url.Values) {
	for i, scopes := range form["scope"] {
		form["scope"][i] = strings.ReplaceAll(scopes, ",", " ")
	}
}
