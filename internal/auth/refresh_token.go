package auth

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// refreshGrant issues new tokens for a refresh token (RFC 6749 §6) and replaces that
// token (RFC 6819 §5.2.2.3, RFC 9700 §4.14.2). Access tokens issued before stay valid
// until they expire, because parallel requests may be using them.
type refreshGrant struct{ server *Server }

func (refreshGrant) rules() rules {
	return rules{parameters: []string{"refresh_token"}}
}

func (g refreshGrant) authorize(ctx context.Context, request tokenRequest) (authorization, error) {
	presented := oxlin.NewSecret(request.form.Get("refresh_token"))
	hash := vault.HashToken(presented)
	token, err := g.server.db.Read().Token(ctx, store.RefreshToken, hash, g.server.now())
	if oxlin.IsNotFound(err) {
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The refresh token is unknown, expired or revoked.")
	}
	if err != nil {
		return authorization{}, err
	}
	if !holds(ctx, token) {
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The refresh token is bound to another certificate than that of the connection.")
	}
	if !g.server.usable(token) {
		return authorization{}, g.server.endReused(ctx, audit.RefreshReused, token.Client.ID, token.UserID, token.Family)
	}
	if token.Client.ID != request.client.ID { // RFC 6749 §6, RFC 6819 §5.2.2.2
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The refresh token was issued to another client.")
	}
	err = checkNarrower(request.scopes, token.Scopes)
	if err != nil {
		return authorization{}, err
	}
	successor, err := g.server.successor(ctx, presented, token)
	if err != nil {
		return authorization{}, err
	}
	return authorization{
		family: token.Family, userID: token.UserID, authenticatedAt: token.AuthenticatedAt, device: token.Device,
		scopes: token.Scopes, narrowed: request.scopes, refreshable: true,
		spends: &spending{hash: hash, grace: reuseGrace, successor: successor},
	}, nil
}

// successor returns the refresh token that replaces another. It is a keyed hash, so that
// parallel requests get the same one although no token is stored: a family has one branch. A
// request that comes again after a rotation of the key gets the one of the older key.
func (s *Server) successor(ctx context.Context, of oxlin.Secret, token store.Token) (oxlin.Secret, error) {
	macs, err := s.vault.MACs([]byte("refresh token after\x00" + of.Reveal()))
	if err != nil {
		return oxlin.Secret{}, err
	}
	if !token.UsedAt.IsZero() {
		for _, mac := range macs[1:] {
			older := vault.TokenOf(vault.Bits(mac))
			_, err := s.db.Read().Token(ctx, store.RefreshToken, vault.HashToken(older), s.now())
			if err == nil || !oxlin.IsNotFound(err) {
				return older, err
			}
		}
	}
	return vault.TokenOf(vault.Bits(macs[0])), nil
}

// checkNarrower refuses a scope that was not granted at the sign-in (RFC 6749 §6). A
// scope that another one includes was granted.
func checkNarrower(requested, granted oxlin.Scopes) error {
	for _, scope := range requested {
		if !granted.Grants(scope) {
			return refusalf(oxlin.CodeInvalidScope, "The scope %s was not granted when the user signed in.", scope)
		}
	}
	return nil
}

// usable reports whether a refresh token was not used yet, or so recently that this
// may be a parallel request of the same client.
func (s *Server) usable(t store.Token) bool {
	return t.UsedAt.IsZero() || t.UsedAt.After(s.now().Add(-reuseGrace))
}
