package auth

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// Grant describes what a token allows, and for whom.
type Grant struct {
	// Client is shared with other requests: nobody changes its lists and settings.
	Client oxlin.Client
	// UserID is zero for a client's own token, which may act for any of the
	// client's users (contract §3.2).
	UserID    oxlin.UserID
	Scopes    oxlin.Scopes
	ExpiresAt time.Time
	// Family identifies the sign-in that the token belongs to, for FamilyAlive.
	Family string
	// User has the id and the accepted version of the terms of an access token's user. Without
	// an id, the user is deleted.
	User oxlin.User
}

func newGrant(t store.Token) Grant {
	return Grant{Client: t.Client, UserID: t.UserID, Scopes: t.Scopes, ExpiresAt: t.ExpiresAt, Family: t.Family}
}

// Authenticate returns what an access token grants. The error is CodeInvalidToken for
// a token that is unknown, expired or revoked, or whose client is disabled or user deleted, or
// that is bound to another certificate than that of the connection, and
// CodeTooManyRequests for one request too many of the client, the user, or the stranger.
func (s *Server) Authenticate(ctx context.Context, bearer oxlin.Secret) (Grant, error) {
	t, err := s.db.Grant(ctx, vault.HashToken(bearer), s.now())
	if oxlin.IsNotFound(err) {
		return Grant{}, web.Stranger(ctx, oxlin.Errorf(oxlin.CodeInvalidToken, "The access token is unknown or expired."))
	}
	if err != nil {
		return Grant{}, err
	}
	if t.Client.Disabled {
		return Grant{}, web.Stranger(ctx, oxlin.Errorf(oxlin.CodeInvalidToken, "The client of this access token is disabled."))
	}
	if !holds(ctx, t.Token) { // RFC 8705 §3
		return Grant{}, web.Stranger(ctx, oxlin.Errorf(oxlin.CodeInvalidToken, "The access token is bound to another certificate than that of the connection."))
	}
	grant := newGrant(t.Token)
	grant.User = t.User
	return grant, web.Admit(ctx, t.Client.ID, t.UserID, "")
}

// VerifyRefresh returns what a refresh token of a client grants, without spending it
// (contract §11). The error is CodeInvalidToken for a token that cannot be used.
func (s *Server) VerifyRefresh(ctx context.Context, id oxlin.ClientID, refreshToken oxlin.Secret) (Grant, error) {
	t, err := s.db.Read().Token(ctx, store.RefreshToken, vault.HashToken(refreshToken), s.now())
	if err != nil && !oxlin.IsNotFound(err) {
		return Grant{}, err
	}
	if err != nil || t.Client.ID != id || !s.usable(t) || !holds(ctx, t) {
		return Grant{}, oxlin.Errorf(oxlin.CodeInvalidToken, "The refresh token is unknown, used or expired, or belongs to another client.")
	}
	return newGrant(t), nil
}

// FamilyAlive reports whether a sign-in can still be refreshed, and until when. It
// cannot once its refresh tokens are expired or revoked, one was reused, or the user
// was deleted. A sign-in without a refresh token is not alive.
func (s *Server) FamilyAlive(ctx context.Context, family string) (until time.Time, alive bool, err error) {
	until, err = s.db.Read().FamilyEnd(ctx, store.RefreshToken, family, s.now(), reuseGrace)
	if oxlin.IsNotFound(err) {
		return time.Time{}, false, nil
	}
	return until, err == nil, err
}
