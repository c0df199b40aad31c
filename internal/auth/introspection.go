package auth

import (
	"context"
	"net/http"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// introspection is the response of RFC 7662 §2.2.
type introspection struct {
	Active    bool           `json:"active"`
	Scope     string         `json:"scope,omitempty"`
	ClientID  oxlin.ClientID `json:"client_id,omitempty"`
	Subject   string         `json:"sub,omitempty"`
	TokenType string         `json:"token_type,omitempty"`
	Issuer    string         `json:"iss,omitempty"`
	IssuedAt  int64          `json:"iat,omitempty"`
	ExpiresAt int64          `json:"exp,omitempty"`
	// Confirmation is the certificate that the token is bound to.
	Confirmation confirmation `json:"cnf,omitzero"`
}

// confirmation is that of RFC 8705 §3.1.
type confirmation struct {
	Thumbprint string `json:"x5t#S256"`
}

// introspect is POST /introspect: a client asks about a token of its own (RFC 7662
// §2.1). All other tokens are reported as not active, without a reason (RFC 7662
// §2.2).
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	client, err := s.authenticateRequest(r.Context(), r)
	if err == nil && client.IsPublic() {
		err = refusalf(oxlin.CodeInvalidClient, "Introspection requires a client with a secret.")
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	response, err := s.introspectToken(r.Context(), client.ID, oxlin.NewSecret(r.PostForm.Get("token")))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, response)
}

func (s *Server) introspectToken(ctx context.Context, id oxlin.ClientID, token oxlin.Secret) (introspection, error) {
	t, err := s.activeToken(ctx, token)
	if oxlin.IsNotFound(err) || err == nil && t.Client.ID != id {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	response := introspection{
		Active: true, Scope: joinScopes(t.Scopes), ClientID: t.Client.ID,
		Issuer: s.issuer, IssuedAt: t.CreatedAt.Unix(), ExpiresAt: t.ExpiresAt.Unix(),
		Confirmation: confirmation{t.Certificate},
	}
	if t.Kind == store.AccessToken {
		response.TokenType = "Bearer"
	}
	if t.UserID != 0 {
		response.Subject = t.UserID.String()
	}
	return response, nil
}
