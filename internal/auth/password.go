package auth

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
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
	password := oxlin.NewSecret(request.form.Get("password"))
	asker := vault.Asker{Known: true, Source: string(request.client.ID)}
	id, err := g.server.checkPassword(ctx, asker, request.client.ID, request.form.Get("username"), password)
	if oxlin.IsNotFound(err) {
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The user is unknown or the password is wrong.")
	}
	if err != nil {
		return authorization{}, err
	}
	return authorization{
		userID: id, authenticatedAt: g.server.now(), scopes: request.scopes, refreshable: true,
	}, nil
}
