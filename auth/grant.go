package auth

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

// Grant is what a token allows, and to whom.
type Grant struct {
	Client oxlin.Client
	// UserID is zero for a client's own token, which may act for any of the
	// client's users (contract §3.2).
	UserID    oxlin.UserID
	Scopes    oxlin.Scopes
	ExpiresAt time.Time
	// Family names the sign-in that the token came out of; FamilyAlive takes it.
	Family string
}

func newGrant(t store.Token) Grant {
	return Grant{Client: t.Client, UserID: t.UserID, Scopes: t.Scopes, ExpiresAt: t.ExpiresAt, Family: t.Family}
}

// Authenticate says what an access token grants. An unknown, expired or revoked one
// is CodeInvalidToken, and so are those of a user who was deleted.
func (s *Server) Authenticate(ctx context.Context, bearer oxlin.Secret) (Grant, error) {
	t, err := s.db.Read().Token(ctx, store.AccessToken, vault.HashToken(bearer), s.now())
	if oxlin.IsNotFound(err) {
		return Grant{}, oxlin.Errorf(oxlin.CodeInvalidToken, "The access token is unknown or expired.")
	}
	if err != nil {
		return Grant{}, err
	}
	return newGrant(t), nil
}

// VerifyRefresh says what a refresh token of a client grants. It is verified and
// never spent (contract §11); one that is not good is CodeInvalidToken.
func (s *Server) VerifyRefresh(ctx context.Context, id oxlin.ClientID, refreshToken oxlin.Secret) (Grant, error) {
	t, err := s.db.Read().Token(ctx, store.RefreshToken, vault.HashToken(refreshToken), s.now())
	if err != nil && !oxlin.IsNotFound(err) {
		return Grant{}, err
	}
	if err != nil || t.Client.ID != id || !s.usable(t) {
		return Grant{}, oxlin.Errorf(oxlin.CodeInvalidToken, "The refresh token is unknown, used or expired, or another client's.")
	}
	return newGrant(t), nil
}

// FamilyAlive says whether a sign-in can still be refreshed, and until when: it
// ends when its refresh tokens expire, are revoked or stolen, or the user is
// deleted. One that never had a refresh token is not alive.
func (s *Server) FamilyAlive(ctx context.Context, family string) (until time.Time, alive bool, err error) {
	until, err = s.db.Read().FamilyEnd(ctx, store.RefreshToken, family, s.now(), refreshGrace)
	if oxlin.IsNotFound(err) {
		return time.Time{}, false, nil
	}
	return until, err == nil, err
}
