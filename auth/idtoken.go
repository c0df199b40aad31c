package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
)

// newIDToken says who the user is to the client (OpenID Connect Core §2). fosite
// has handlers for codes and for refreshing, but none for the password grant; one
// way for all three is simpler.
func (s *Server) newIDToken(ctx context.Context, request fosite.AccessRequester, accessToken string) (string, error) {
	signedIn := request.GetSession().(*session)
	user, err := s.db.Read().User(ctx, signedIn.userID)
	if err != nil {
		return "", fmt.Errorf("id_token: %w", err)
	}
	now := s.now()
	claims := userClaims(user, accessScopes(request))
	claims["iss"] = s.issuer
	claims["aud"] = request.GetClient().GetID()
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(accessTokenLifetime).Unix()
	claims["auth_time"] = signedIn.authenticatedAt.Unix()
	claims["at_hash"] = halfHash(accessToken)
	if signedIn.nonce != "" {
		claims["nonce"] = signedIn.nonce
	}
	signed, err := s.sign(ctx, claims)
	if err != nil {
		return "", fmt.Errorf("id_token: %w", err)
	}
	return signed, nil
}

// halfHash is at_hash (OpenID Connect Core §3.1.3.6).
func halfHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// userClaims is what id_token and /userinfo say of a user (OpenID Connect Core §5.1).
func userClaims(user oxlin.User, scopes oxlin.Scopes) map[string]any {
	claims := map[string]any{"sub": user.ID.String(), "email": user.Email}
	if !scopes.Grants(oxlin.ScopeProfile) {
		return claims
	}
	for name, value := range map[string]string{
		"given_name": user.Profile.FirstName, "family_name": user.Profile.LastName,
	} {
		if value != "" {
			claims[name] = value
		}
	}
	return claims
}
