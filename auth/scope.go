package auth

import (
	"net/url"
	"slices"
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

// narrow takes the scope of a refresh: it may ask for less than was granted, for this
// access token alone (RFC 6749 §6). fosite does not look at it.
func narrow(request fosite.AccessRequester) error {
	granted := fromArguments(request.GetGrantedScopes())
	var asked oxlin.Scopes
	for _, scope := range fromArguments(strings.Fields(request.GetRequestForm().Get("scope"))) {
		if !granted.Grants(scope) {
			return fosite.ErrInvalidScope.WithHintf("The scope %s was not granted when the user signed in.", scope)
		}
		if !slices.Contains(asked, scope) {
			asked = append(asked, scope)
		}
	}
	request.GetSession().(*session).narrowed = asked
	return nil
}

// accessScopes are what the access token of a request carries. A refresh token keeps
// what was granted.
func accessScopes(request fosite.Requester) oxlin.Scopes {
	narrowed := request.GetSession().(*session).narrowed
	if len(narrowed) > 0 {
		return narrowed
	}
	return fromArguments(request.GetGrantedScopes())
}

// separateScopes takes commas between scopes for the spaces of RFC 6749 §3.3: client
// libraries of PHP join them so, and none of our scopes has one.
func separateScopes(form url.Values) {
	for i, scopes := range form["scope"] {
		form["scope"][i] = strings.ReplaceAll(scopes, ",", " ")
	}
}
