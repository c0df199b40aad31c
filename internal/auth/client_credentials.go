package auth

import (
	"context"

	"github.com/oxlin/oxlin"
)

// clientGrant issues a client's own token (RFC 6749 §4.4.2). There is no refresh
// token: the client can ask again at any time (RFC 6749 §4.4.3).
type clientGrant struct{ server *Server }

func (clientGrant) rules() rules {
	return rules{confidential: true, scopes: oxlin.ClientScopes()}
}

// authorize has nothing left to check: authenticating the client was the grant.
func (g clientGrant) authorize(_ context.Context, request tokenRequest) (authorization, error) {
	return authorization{authenticatedAt: g.server.now(), scopes: request.scopes}, nil
}
