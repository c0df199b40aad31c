package auth

import (
	"context"

	"github.com/oxlin/oxlin"
)

// passwordGrant issues tokens for a user's e-mail and password (RFC 6749 §4.3).
// RFC 9700 §2.4 advises against this grant type; contract §2.1 requires it, because
// integrators keep the passwords of users that they created.
type passwordGrant struct{ server *Server }

func (passwordGrant) rules() rules {
	return rules{parameters: []string{"username", "password"}, confidential: true, scopes: oxlin.UserScopes()}
}

// authorize limits the attempts for each user (RFC 6749 §4.3.2, RFC 6819 §5.1.4.2.4).
// The refusal is the same for an unknown user and for a wrong password.
func (g passwordGrant) authorize(ctx context.Context, request tokenRequest) (authorization, error) {
	user, try, err := g.server.passwords.clientTries(request.sent, request.client.ID, request.form.Get("username"))
	if err == nil {
		err = g.server.passwords.check(ctx, try, user, oxlin.NewSecret(request.form.Get("password")))
	}
	noteRefusal(ctx, g.server.audit, clientDoor, request.client.ID, user, err)
	if oxlin.IsNotFound(err) {
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The user is unknown or the password is wrong.")
	}
	if err != nil {
		return authorization{}, err
	}
	return authorization{
		userID: user.ID, authenticatedAt: g.server.now(), scopes: request.scopes, refreshable: true,
	}, nil
}
