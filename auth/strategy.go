package auth

import (
	"context"
	"io"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/vault"
)

var _ oauth2.CoreStrategy = tokenStrategy{}

// tokenStrategy makes opaque tokens for fosite. What fosite calls a token's
// signature is its SHA-256. There is nothing to validate in a random token: the
// storage finds those that exist and have not expired.
type tokenStrategy struct{ random io.Reader }

func (t tokenStrategy) generate() (token, signature string, err error) {
	secret, err := vault.NewToken(t.random)
	if err != nil {
		return "", "", err
	}
	return secret.Reveal(), string(vault.HashToken(secret)), nil
}

func signatureOf(token string) string {
	return string(vault.HashToken(oxlin.NewSecret(token)))
}

func (t tokenStrategy) AccessTokenSignature(_ context.Context, token string) string {
	return signatureOf(token)
}

func (t tokenStrategy) GenerateAccessToken(context.Context, fosite.Requester) (string, string, error) {
	return t.generate()
}

func (t tokenStrategy) ValidateAccessToken(context.Context, fosite.Requester, string) error {
	return nil
}

func (t tokenStrategy) RefreshTokenSignature(_ context.Context, token string) string {
	return signatureOf(token)
}

func (t tokenStrategy) GenerateRefreshToken(context.Context, fosite.Requester) (string, string, error) {
	return t.generate()
}

func (t tokenStrategy) ValidateRefreshToken(context.Context, fosite.Requester, string) error {
	return nil
}

func (t tokenStrategy) AuthorizeCodeSignature(_ context.Context, token string) string {
	return signatureOf(token)
}

func (t tokenStrategy) GenerateAuthorizeCode(context.Context, fosite.Requester) (string, string, error) {
	return t.generate()
}

func (t tokenStrategy) ValidateAuthorizeCode(context.Context, fosite.Requester, string) error {
	return nil
}
