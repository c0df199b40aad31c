package auth

import (
	"context"
	"net/http"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// revoke is POST /revoke: the token ends, together with all other tokens of the same
// sign-in (RFC 7009 §2.1). A token that does not exist is a success (RFC 7009 §2.2). The
// empty object is for clients that parse every response (contract §12.8).
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	err := checkPresent(r.PostForm, "token")
	if err == nil {
		err = s.revokeToken(r.Context(), r)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

func (s *Server) revokeToken(ctx context.Context, r *http.Request) error {
	client, err := s.authenticateRequest(ctx, r)
	if err != nil {
		return err
	}
	token, err := s.activeToken(ctx, oxlin.NewSecret(r.PostForm.Get("token")))
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if token.Client.ID != client.ID { // RFC 7009 §2.1
		return refusalf(oxlin.CodeUnauthorizedClient, "The token was issued to another client.")
	}
	return s.endFamily(ctx, token.Family, audit.Entry{
		Action: audit.TokenRevoked, Actor: audit.Client, Client: client.ID, User: token.UserID, Details: audit.Details{audit.Family: token.Family},
	})
}

// activeToken finds an access or refresh token that can still be used. A hash
// belongs to one token, whatever its kind, so that token_type_hint is not needed
// (RFC 7009 §2.1, RFC 7662 §2.1).
func (s *Server) activeToken(ctx context.Context, token oxlin.Secret) (store.Token, error) {
	hash := vault.HashToken(token)
	t, err := s.db.Read().Token(ctx, store.AccessToken, hash, s.now())
	if oxlin.IsNotFound(err) {
		t, err = s.db.Read().Token(ctx, store.RefreshToken, hash, s.now())
	}
	if err == nil && !s.usable(t) {
		return store.Token{}, oxlin.NotFound("token")
	}
	return t, err
}
