package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// proof is the evidence with which a request claims to come from a client. It is empty for a
// public client.
type proof struct {
	secret    oxlin.Secret
	assertion string
	// either is a secret or an assertion, from a door that has one field for both.
	either oxlin.Secret
}

// authenticateRequest authenticates the client of a request in one of the three ways
// of contract §2.1: HTTP Basic, form fields, and JSON members, which post has turned
// into form fields (RFC 6749 §2.3.1 and §3.2.1); or by an assertion among those fields
// (RFC 7523 §2.2), or by the certificate of the connection (RFC 8705 §2).
func (s *Server) authenticateRequest(ctx context.Context, r *http.Request) (oxlin.Client, error) {
	id, p, err := clientCredentials(r)
	if err != nil {
		return oxlin.Client{}, err
	}
	found, err := s.authenticateClient(ctx, id, p)
	if err != nil {
		shown := oxlin.AsError(err)
		if shown.Code == oxlin.CodeInvalidClient || shown.Code == oxlin.CodeInvalidRequest {
			return oxlin.Client{}, refusalf(shown.Code, "%s", shown.Message)
		}
	}
	if err == nil {
		web.LineOf(ctx).Add(slog.String("client", string(found.ID)))
	}
	return found, err
}

// clientCredentials returns the client's id and its proof. A request that authenticates in
// two ways is refused (RFC 6749 §2.3, RFC 7521 §4.2); its body may repeat the id.
func clientCredentials(r *http.Request) (oxlin.ClientID, proof, error) {
	_, _, basic := r.BasicAuth()
	if r.PostForm.Get("client_assertion") != "" && (basic || r.PostForm.Get("client_secret") != "") {
		return "", proof{}, refusalf(oxlin.CodeInvalidRequest, "The request has a client_assertion and other client credentials.")
	}
	assertion, subject, err := assertionOf(r.PostForm)
	if err != nil {
		return "", proof{}, err
	}
	if assertion != "" {
		return subject, proof{assertion: assertion}, nil
	}
	id, secret, err := clientSecret(r)
	return oxlin.ClientID(id), proof{secret: oxlin.NewSecret(secret)}, err
}

// clientSecret returns the client's id and secret, the secret being empty for a public
// client. Both are form-encoded within HTTP Basic (RFC 6749 §2.3.1).
func clientSecret(r *http.Request) (id, secret string, err error) {
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

// AuthenticateClient finds a client by its id and secret, or by an assertion in the place of
// the secret if the client has keys, or by the certificate of the connection. Public clients have no secret. The error is
// CodeInvalidClient for an unknown id and for a wrong secret alike, and CodeTooManyRequests
// for one request too many of the client or the stranger.
func (s *Server) AuthenticateClient(ctx context.Context, id oxlin.ClientID, secret oxlin.Secret) (oxlin.Client, error) {
	return s.authenticateClient(ctx, id, proof{either: secret})
}

// authenticateClient is AuthenticateClient with any proof. All endpoints that clients call
// directly use it.
func (s *Server) authenticateClient(ctx context.Context, id oxlin.ClientID, p proof) (oxlin.Client, error) {
	found, err := s.findClient(ctx, id, p)
	switch {
	case err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidClient:
		limited := web.Stranger(ctx, err)
		if oxlin.AsError(limited).Code == oxlin.CodeInvalidClient { // the limit bounds the log too
			refusedSecret := audit.Entry{Action: audit.SecretRefused, Outcome: audit.Refused, Actor: audit.Stranger, Client: found.ID}
			if errors.Is(err, errSecretEnded) {
				refusedSecret.Details = audit.Details{audit.Kind: "ended"}
				web.LineOf(ctx).Add(slog.String("secret", "ended"))
			}
			s.audit.Note(ctx, refusedSecret)
		}
		return oxlin.Client{}, limited
	case err != nil:
		return found, err
	case found.IsPublic(): // whoever names a public client has proved nothing
		return found, web.Stranger(ctx, nil)
	}
	return found, web.Admit(ctx, found.ID, 0, "")
}

// findClient is authenticateClient without the limits. A client with keys is refused with
// its secret, one with a certificate with either, and every other one with an assertion.
// It returns the client that it refuses, if there is one.
func (s *Server) findClient(ctx context.Context, id oxlin.ClientID, p proof) (oxlin.Client, error) {
	refused := oxlin.DefaultError(oxlin.CodeInvalidClient)
	if !oxlin.IsText(string(id)) {
		return oxlin.Client{}, refused
	}
	found, err := s.db.Client(ctx, id)
	if err == nil && found.Disabled {
		return found, refused
	}
	if oxlin.IsNotFound(err) {
		return oxlin.Client{}, refused
	}
	if err != nil {
		return oxlin.Client{}, err
	}
	if found.Authentication.Method.IsTLS() {
		if p != (proof{}) { // RFC 6749 §2.3
			return found, oxlin.Errorf(oxlin.CodeInvalidRequest, "The client authenticates by a certificate: the request has other client credentials.")
		}
		return found, s.certificates.check(ctx, found)
	}
	secret, assertion := p.secret, p.assertion
	if found.Authentication.Method == oxlin.AuthByPrivateKey {
		if assertion == "" {
			assertion = p.either.Reveal()
		}
		if assertion == "" {
			return oxlin.Client{}, oxlin.Errorf(oxlin.CodeInvalidClient, "The client authenticates by a client_assertion.")
		}
		return found, s.assertions.check(ctx, found, assertion)
	}
	if assertion != "" {
		return oxlin.Client{}, refused
	}
	if secret.IsZero() {
		secret = p.either
	}
	if found.IsPublic() && secret.IsZero() {
		return found, nil
	}
	return found, s.secrets.check(ctx, found, vault.HashToken(secret))
}
