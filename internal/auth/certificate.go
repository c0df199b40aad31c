package auth

import (
	"bytes"
	"context"
	"crypto/x509"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web/https"
)

// ClientCertificates configure mutual TLS (RFC 8705).
type ClientCertificates struct {
	// URL is where clients may show a certificate. Without it, the discovery document offers none.
	URL string
	// Authorities issue the certificates of clients with tls_client_auth. Without them, such
	// clients are refused.
	Authorities *https.Authorities
}

// certificates checks the certificates of clients.
type certificates struct {
	ClientCertificates
	now  func() time.Time
	keys *clientKeys
}

// check refuses a connection that does not prove that it is a client's.
func (c certificates) check(ctx context.Context, client oxlin.Client) error {
	chain := https.ClientCertificate(ctx)
	if len(chain) == 0 {
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client authenticates by a certificate, and the connection has none. The discovery document names the address for it.")
	}
	if client.Authentication.Method == oxlin.AuthByTLS {
		return c.checkIssued(client, chain)
	}
	return c.checkRegistered(ctx, client, chain[0])
}

// checkIssued refuses a certificate that no authority has issued for the client (RFC 8705
// §2.1): the chain, its dates, the usage for clients, its issuer's list of revoked certificates
// if the operator gives one, and the subject decide.
func (c certificates) checkIssued(client oxlin.Client, chain []*x509.Certificate) error {
	if c.Authorities == nil {
		return oxlin.Errorf(oxlin.CodeInvalidClient, "This server knows no authority for certificates of clients.")
	}
	err := c.Authorities.Verify(chain, c.now())
	switch {
	case err != nil:
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The certificate of the client is not valid: %v.", err)
	case !client.Authentication.Subject.Names(chain[0]):
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The certificate is not about the subject of the client.")
	}
	return nil
}

// checkRegistered refuses a certificate that the client has not registered (RFC 8705 §2.2).
func (c certificates) checkRegistered(ctx context.Context, client oxlin.Client, certificate *x509.Certificate) error {
	now := c.now()
	if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The certificate of the client has expired, or is not valid yet.")
	}
	for _, fresh := range []bool{false, true} {
		keys, err := c.keys.of(ctx, client, fresh)
		if err != nil {
			return oxlin.Errorf(oxlin.CodeInvalidClient, "The keys of the client cannot be read: %v.", err)
		}
		for _, key := range keys {
			if len(key.Certificates) > 0 && bytes.Equal(key.Certificates[0].Raw, certificate.Raw) {
				return nil
			}
		}
		if client.Authentication.KeysURI == "" {
			break // there is nothing newer to read
		}
	}
	return oxlin.Errorf(oxlin.CodeInvalidClient, "The certificate is not among those that the client has registered (x5c).")
}

// checkBinding refuses a request for tokens whose connection lacks the certificate that the
// tokens would be bound to.
func checkBinding(ctx context.Context, client oxlin.Client) error {
	if client.Authentication.BindsTokens() && https.Thumbprint(ctx) == "" {
		return refusalf(oxlin.CodeInvalidRequest, "The tokens of this client are bound to a certificate, and the connection has none.")
	}
	return nil
}

// bind binds a token to the certificate of the connection (RFC 8705 §3). A refresh token is
// bound if nothing else proves the client (RFC 8705 §4); other clients may change
// certificates between refreshes.
func bind(ctx context.Context, client oxlin.Client, t *store.Token) {
	if client.Authentication.BindsTokens() && (t.Kind == store.AccessToken || t.Kind == store.RefreshToken && client.IsPublic()) {
		t.Certificate = https.Thumbprint(ctx)
	}
}

// holds reports whether the connection of a request has the certificate that a token is
// bound to.
func holds(ctx context.Context, t store.Token) bool {
	return t.Certificate == "" || t.Certificate == https.Thumbprint(ctx)
}

// methods lists the ways of authentication that this server offers by certificate.
func (c certificates) methods() []string {
	switch {
	case c.URL == "":
		return nil
	case c.Authorities == nil:
		return []string{string(oxlin.AuthBySelfSignedTLS)}
	}
	return []string{string(oxlin.AuthByTLS), string(oxlin.AuthBySelfSignedTLS)}
}

// describe adds the members of RFC 8705 §3.3 and §5 to the discovery document.
func (c certificates) describe(document map[string]any) {
	if c.URL == "" {
		return
	}
	aliases := map[string]string{}
	for name, path := range map[string]string{
		"token_endpoint": "/token", "introspection_endpoint": "/introspect", "revocation_endpoint": "/revoke", "userinfo_endpoint": "/userinfo",
	} {
		aliases[name] = c.URL + path
	}
	document["mtls_endpoint_aliases"] = aliases
	document["tls_client_certificate_bound_access_tokens"] = true
}
