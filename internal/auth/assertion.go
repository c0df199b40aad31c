package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// assertionType is the only client_assertion_type (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionAlgorithms are asymmetric: with a shared secret, or without a signature, an
// assertion proves nothing (RFC 8725 §3.1).
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.PS256, jose.RS256, jose.ES256, jose.EdDSA}

const (
	// assertionLife bounds how far ahead an assertion may expire, and so how long it is
	// remembered (RFC 7523 §3, rule 4).
	assertionLife = 10 * time.Minute
	// assertionSkew is how much the clocks of a client and of this server may differ.
	assertionSkew = 30 * time.Second
	// longestJTI bounds the id of an assertion in bytes.
	longestJTI = 256
)

// assertionOf returns the assertion of a request (RFC 7521 §4.2), empty for a request
// without one, and the client that it names.
func assertionOf(form url.Values) (assertion string, id oxlin.ClientID, err error) {
	assertion = form.Get("client_assertion")
	kind := form.Get("client_assertion_type")
	switch {
	case assertion == "" && kind == "":
		return "", "", nil
	case assertion == "" || kind != assertionType:
		return "", "", refusalf(oxlin.CodeInvalidClient, "An assertion comes as client_assertion with the client_assertion_type %s.", assertionType)
	}
	token, err := jwt.ParseSigned(assertion, assertionAlgorithms)
	var claims jwt.Claims
	if err == nil {
		err = token.UnsafeClaimsWithoutVerification(&claims) // only to find the keys
	}
	if err != nil {
		return "", "", refusalf(oxlin.CodeInvalidClient, "The client_assertion is no JWT that is signed with PS256, RS256, ES256 or EdDSA.")
	}
	id = oxlin.ClientID(claims.Subject)
	if given := form.Get("client_id"); given != "" && given != string(id) { // RFC 7521 §4.2
		return "", "", refusalf(oxlin.CodeInvalidClient, "The client_id is not the subject of the client_assertion.")
	}
	return assertion, id, nil
}

// assertions checks what clients sign.
type assertions struct {
	db     *store.DB
	issuer string
	now    func() time.Time
	keys   *clientKeys
}

// check refuses an assertion that does not prove that a client sent it (RFC 7523
// §3): it is signed by a key of the client, issued by and about the client, for this server,
// expires soon, and was not used before.
func (a assertions) check(ctx context.Context, client oxlin.Client, assertion string) error {
	token, err := jwt.ParseSigned(assertion, assertionAlgorithms)
	if err != nil {
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion is no JWT that is signed with PS256, RS256, ES256 or EdDSA.")
	}
	claims, err := a.verify(ctx, client, token)
	if err != nil {
		return err
	}
	now := a.now()
	switch {
	case claims.Issuer != string(client.ID) || claims.Subject != string(client.ID): // RFC 7523 §3, rules 1 and 2
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion needs the client_id as iss and as sub.")
	case !slices.ContainsFunc(claims.Audience, a.isAudience): // RFC 7523 §3, rule 3
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion needs %s or %s as aud.", a.issuer, a.issuer+"/token")
	case claims.Expiry == nil || !claims.Expiry.Time().After(now.Add(-assertionSkew)): // RFC 7523 §3, rule 4
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion has expired, or has no exp.")
	case claims.Expiry.Time().After(now.Add(assertionLife + assertionSkew)):
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion expires too late: at most %d minutes ahead.", int(assertionLife.Minutes()))
	case claims.NotBefore != nil && claims.NotBefore.Time().After(now.Add(assertionSkew)): // RFC 7523 §3, rule 5
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion is not valid yet.")
	case claims.IssuedAt != nil && claims.IssuedAt.Time().After(now.Add(assertionSkew)): // RFC 7523 §3, rule 6
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion was issued in the future.")
	case claims.ID == "" || len(claims.ID) > longestJTI: // RFC 7523 §3, rule 7
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion needs a jti of 1 to %d bytes.", longestJTI)
	}
	return a.use(ctx, client.ID, claims)
}

// isAudience reports whether an aud names this server.
func (a assertions) isAudience(audience string) bool {
	return slices.Contains([]string{a.issuer, a.issuer + "/", a.issuer + "/token", a.issuer + "/introspect", a.issuer + "/revoke"}, audience)
}

// use refuses a jti that was used before.
func (a assertions) use(ctx context.Context, id oxlin.ClientID, claims jwt.Claims) error {
	hash := sha256.Sum256([]byte(string(id) + "\x00" + claims.ID))
	fresh := false
	err := a.db.Write(ctx, func(tx *store.Tx) (err error) {
		fresh, err = tx.Auth().UseAssertion(ctx, hash[:], claims.Expiry.Time().Add(assertionSkew))
		return err
	})
	if err == nil && !fresh {
		return oxlin.Errorf(oxlin.CodeInvalidClient, "The client_assertion was used before.")
	}
	return err
}

// verify returns the claims that one of the client's keys has signed (RFC 7523 §3,
// rule 9).
func (a assertions) verify(ctx context.Context, client oxlin.Client, token *jwt.JSONWebToken) (claims jwt.Claims, err error) {
	header := token.Headers[0] // the compact form has one
	tried := false
	for _, fresh := range []bool{false, true} {
		keys, err := a.keys.of(ctx, client, fresh)
		if err != nil {
			return claims, oxlin.Errorf(oxlin.CodeInvalidClient, "The keys of the client cannot be read: %v.", err)
		}
		for _, key := range keys {
			if header.KeyID != "" && key.KeyID != "" && header.KeyID != key.KeyID || !fits(key, header.Algorithm) {
				continue
			}
			tried = true
			if token.Claims(key.Key, &claims) == nil {
				return claims, nil
			}
		}
		if client.Authentication.KeysURI == "" {
			break // there is nothing newer to read
		}
	}
	if !tried {
		return claims, oxlin.Errorf(oxlin.CodeInvalidClient, "The client has no key for the algorithm and the kid of the client_assertion.")
	}
	return claims, oxlin.Errorf(oxlin.CodeInvalidClient, "The signature of the client_assertion is not one of the client's.")
}

// fits reports whether a key may sign with an algorithm: its type, and its own alg and use,
// decide, not the header of the assertion alone (RFC 8725 §3.1).
func fits(key jose.JSONWebKey, algorithm string) bool {
	if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != algorithm {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= 2048 && (algorithm == string(jose.RS256) || algorithm == string(jose.PS256)) // RFC 7518 §3.3 and §3.5
	case *ecdsa.PublicKey:
		return public.Curve == elliptic.P256() && algorithm == string(jose.ES256)
	case ed25519.PublicKey:
		return algorithm == string(jose.EdDSA)
	}
	return false
}
