package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
)

// Auth is the part of the authorization server that the API uses: auth.Server.
type Auth interface {
	// Authenticate returns the grant of an access token. An unknown or expired one is
	// CodeInvalidToken.
	Authenticate(ctx context.Context, bearer oxlin.Secret) (auth.Grant, error)
	// VerifyRefresh returns the grant of a client's refresh token without spending it.
	VerifyRefresh(ctx context.Context, id oxlin.ClientID, refreshToken oxlin.Secret) (auth.Grant, error)
	// SetPassword sets the password of the caller's user (contract §12.13).
	SetPassword(ctx context.Context, caller oxlin.Caller, password, current oxlin.Secret) error
	// EndSignIns ends all sign-ins of the caller's user (contract §12.13).
	EndSignIns(ctx context.Context, caller oxlin.Caller) error
}
