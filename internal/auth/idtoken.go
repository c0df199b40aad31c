package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/oxlin/oxlin"
)

// newIDToken returns the signed claims about the user that clients read (OpenID
// Connect Core §2).
func (s *Server) newIDToken(ctx context.Context, client oxlin.ClientID, a authorization, accessToken string) (string, error) {
	user, err := s.db.Read().User(ctx, a.userID)
	if err != nil {
		return "", fmt.Errorf("id_token: %w", err)
	}
	now := s.now()
	claims := userClaims(user, a.accessScopes())
	claims["iss"] = s.issuer
	claims["aud"] = client
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(accessTokenLifetime).Unix()
	claims["auth_time"] = a.authenticatedAt.Unix()
	claims["at_hash"] = halfHash(accessToken)
	if a.nonce != "" {
		claims["nonce"] = a.nonce
	}
	signed, err := s.sign(ctx, claims)
	if err != nil {
		return "", fmt.Errorf("id_token: %w", err)
	}
	return signed, nil
}

// halfHash returns at_hash (OpenID Connect Core §3.1.3.6).
func halfHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// userClaims returns the claims about a user in id_token and /userinfo (OpenID Connect Core §5.1).
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
