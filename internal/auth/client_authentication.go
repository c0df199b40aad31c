package auth

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// authenticateRequest authenticates the client of a request in one of the three ways
// of contract §2.1: HTTP Basic, form fields, and JSON members, which post has turned
// into form fields (RFC 6749 §2.3.1 and §3.2.1).
func (s *Server) authenticateRequest(ctx context.Context, r *http.Request) (oxlin.Client, error) {
	id, secret, err := clientCredentials(r)
	if err != nil {
		return oxlin.Client{}, err
	}
	found, err := s.AuthenticateClient(ctx, oxlin.ClientID(id), oxlin.NewSecret(secret))
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidClient {
		return oxlin.Client{}, refusalf(oxlin.CodeInvalidClient, "%s", oxlin.AsError(err).Message)
	}
	if err == nil {
		web.LineOf(ctx).Add(slog.String("client", string(found.ID)))
	}
	return found, err
}

// clientCredentials returns the client's id and secret, the secret being empty for a
// public client. Both are form-encoded within HTTP Basic (RFC 6749 §2.3.1). A request that
// authenticates in two ways is refused (RFC 6749 §2.3); its body may repeat the id.
func clientCredentials(r *http.Request) (id, secret string, err error) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		if id == "" {
			return "", "", refusalf(oxlin.CodeInvalidClient, "The request has no client credentials, neither in the Authorization header nor in the body.")
		}
		return id, secret, nil
	}
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return "", "", refusalf(oxlin.CodeInvalidClient, "The client credentials in the Authorization header are not URL-encoded.")
	}
	if repeated := r.PostForm.Get("client_id"); repeated != "" && repeated != id || r.PostForm.Get("client_secret") != "" {
		return "", "", refusalf(oxlin.CodeInvalidRequest, "The request has client credentials both in the Authorization header and in the body.")
	}
	return id, secret, nil
}

// AuthenticateClient finds a client by its id and secret. All endpoints that clients
// call directly use it. Public clients have no secret. The error is CodeInvalidClient
// for an unknown id and for a wrong secret alike, and CodeTooManyRequests for one request too
// many of the client or the stranger.
func (s *Server) AuthenticateClient(ctx context.Context, id oxlin.ClientID, secret oxlin.Secret) (oxlin.Client, error) {
	found, err := s.findClient(ctx, id, secret)
	switch {
	case err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidClient:
		return found, web.Stranger(ctx, err)
	case err != nil:
		return found, err
	case found.IsPublic(): // whoever names a public client has proved nothing
		return found, web.Stranger(ctx, nil)
	}
	return found, web.Admit(ctx, found.ID, 0, "")
}

// findClient is AuthenticateClient without the limits.
func (s *Server) findClient(ctx context.Context, id oxlin.ClientID, secret oxlin.Secret) (oxlin.Client, error) {
	refused := oxlin.DefaultError(oxlin.CodeInvalidClient)
	if !oxlin.IsText(string(id)) {
		return oxlin.Client{}, refused
	}
	found, err := s.db.Read().Client(ctx, id)
	if oxlin.IsNotFound(err) || err == nil && found.Disabled {
		return oxlin.Client{}, refused
	}
	if err != nil {
		return oxlin.Client{}, err
	}
	if found.IsPublic() && secret.IsZero() {
		return found, nil
	}
	hash := vault.HashToken(secret)
	for _, valid := range found.SecretHashes {
		if subtle.ConstantTimeCompare(hash, valid) == 1 {
			return found, nil
		}
	}
	return oxlin.Client{}, refused
}
