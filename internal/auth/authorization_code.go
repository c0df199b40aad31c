package auth

import (
	"context"
	"fmt"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// codeGrant exchanges a code of the sign-in page for tokens (RFC 6749 §4.1.3).
type codeGrant struct{ server *Server }

func (codeGrant) rules() rules {
	return rules{parameters: []string{"code"}}
}

func (g codeGrant) authorize(ctx context.Context, request tokenRequest) (authorization, error) {
	hash := vault.HashToken(oxlin.NewSecret(request.form.Get("code")))
	code, err := g.server.db.Read().Token(ctx, store.AuthorizationCode, hash, g.server.now())
	if oxlin.IsNotFound(err) {
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The code is unknown or expired.")
	}
	if err != nil {
		return authorization{}, err
	}
	if !code.UsedAt.IsZero() {
		return authorization{}, g.server.endReused(ctx, audit.CodeReused, code.Client.ID, code.UserID, code.Family)
	}
	if code.Client.ID != request.client.ID { // RFC 6749 §4.1.3
		return authorization{}, refusalf(oxlin.CodeInvalidGrant, "The code was issued to another client.")
	}
	// The parameters of the request for the code, as sendCode stored them.
	asked, err := url.ParseQuery(code.Form)
	if err != nil {
		return authorization{}, fmt.Errorf("stored request for a code: %w", err)
	}
	err = checkSameRedirect(asked, request.form)
	if err != nil {
		return authorization{}, err
	}
	err = checkVerifier(asked, request)
	if err != nil {
		return authorization{}, err
	}
	return authorization{
		family: code.Family, userID: code.UserID, authenticatedAt: code.AuthenticatedAt, device: code.Device, nonce: asked.Get("nonce"),
		scopes: code.Scopes, refreshable: true,
		spends: &spending{hash: hash}, // without grace: a code is for a single use (RFC 6749 §4.1.2)
	}, nil
}

// checkSameRedirect compares redirect_uri with that of the request for the code. A
// client that sent none there may omit it here (RFC 6749 §4.1.3).
func checkSameRedirect(asked, form url.Values) error {
	if asked.Get("redirect_uri") != "" && asked.Get("redirect_uri") != form.Get("redirect_uri") {
		return refusalf(oxlin.CodeInvalidGrant, "The redirect_uri differs from that of the request for the code.")
	}
	return nil
}
