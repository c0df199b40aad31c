package auth

import (
	"net/url"
	"strings"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
)

// toArguments gives scopes as fosite wants them.
func toArguments(scopes oxlin.Scopes) fosite.Arguments {
	arguments := fosite.Arguments{}
	for _, scope := range scopes {
		arguments = append(arguments, string(scope))
	}
	return arguments
}

// fromArguments gives scopes as fosite has them. fosite checked each against what
// the client may ask for.
func fromArguments(arguments fosite.Arguments) oxlin.Scopes {
	scopes := oxlin.Scopes{}
	for _, scope := range arguments {
		scopes = append(scopes, oxlin.Scope(scope))
	}
	return scopes
}

// separateScopes takes commas between scopes for the spaces of RFC 6749 §3.3: client
// libraries of PHP join them so, and none of our scopes has one.
func separateScopes(form url.Values) {
	for i, scopes := range form["scope"] {
		form["scope"][i] = strings.ReplaceAll(scopes, ",", " ")
	}
}
