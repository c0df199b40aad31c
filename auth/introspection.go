package auth

import (
	"context"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

// introspection is the answer of RFC 7662 §2.2.
type introspection struct {
	Active    bool           `json:"active"`
	Scope     string         `json:"scope,omitempty"`
	ClientID  oxlin.ClientID `json:"client_id,omitempty"`
	Subject   string         `json:"sub,omitempty"`
	TokenType string         `json:"token_type,omitempty"`
	Issuer    string         `json:"iss,omitempty"`
	IssuedAt  int64          `json:"iat,omitempty"`
	ExpiresAt int64          `json:"exp,omitempty"`
}

// introspect is POST /introspect (RFC 7662): a client asks about a token of its
// own. About all others it learns no more than that they are not active.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	asking, err := s.authenticateClient(r.Context(), r, r.PostForm)
	if err == nil && asking.IsPublic() {
		err = fosite.ErrInvalidClient.WithHint("Only a client with a secret may ask.")
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	token := oxlin.NewSecret(r.PostForm.Get("token"))
	answer, err := s.introspectToken(r.Context(), oxlin.ClientID(asking.GetID()), token)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) introspectToken(ctx context.Context, id oxlin.ClientID, token oxlin.Secret) (introspection, error) {
	for _, kind := range []store.TokenKind{store.AccessToken, store.RefreshToken} {
		t, err := s.db.Read().Token(ctx, kind, vault.HashToken(token), s.now())
		if oxlin.IsNotFound(err) {
			continue
		}
		if err != nil {
			return introspection{}, err
		}
		if t.Client.ID != id || !s.usable(t) {
			break
		}
		answer := introspection{
			Active: true, Scope: strings.Join(toArguments(t.Scopes), " "), ClientID: t.Client.ID,
			Issuer: s.issuer, IssuedAt: t.CreatedAt.Unix(), ExpiresAt: t.ExpiresAt.Unix(),
		}
		if kind == store.AccessToken {
			answer.TokenType = "Bearer"
		}
		if t.UserID != 0 {
			answer.Subject = t.UserID.String()
		}
		return answer, nil
	}
	return introspection{}, nil
}
