package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/auth"
)

// Auth is the authorization server, as far as the API needs it: auth.Server.
type Auth interface {
	// Authenticate finds what an access token stands for; one that is unknown or
	// expired is CodeInvalidToken.
	Authenticate(ctx context.Context, bearer oxlin.Secret) (auth.Grant, error)
	// VerifyRefresh finds what a client's refresh token stands for, and does not spend it.
	VerifyRefresh(ctx context.Context, id oxlin.ClientID, refreshToken oxlin.Secret) (auth.Grant, error)
	// CreateUser makes a user of a client, and checks e-mail and password; an
	// e-mail that the client has already is CodeEmailTaken.
	CreateUser(ctx context.Context, client oxlin.Client, email string, password oxlin.Secret) (oxlin.UserID, error)
}
