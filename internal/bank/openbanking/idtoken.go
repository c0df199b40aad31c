package openbanking

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// tokenAlgorithms are the algorithms of an ID token that prove who signed it.
var tokenAlgorithms = []jose.SignatureAlgorithm{jose.PS256, jose.RS256, jose.ES256, jose.PS384, jose.PS512}

// tokenSkew is how much the clocks of a bank and ours may differ.
const tokenSkew = time.Minute

// idClaims are the claims of an ID token (OpenID Connect Core §3.3.2.11), and those that the
// profile of Open Banking adds.
type idClaims struct {
	jwt.Claims
	// Party is the client for which the token was made, if it has several audiences.
	Party     string    `json:"azp"`
	Nonce     string    `json:"nonce"`
	CodeHash  string    `json:"c_hash"`
	StateHash string    `json:"s_hash"`
	Intent    psd2.Text `json:"openbanking_intent_id"`
}

// expected are the values that an ID token of one login must have.
type expected struct{ nonce, code, state, consent string }

// verify checks the ID token that came back with a code: the bank signed it now, for us, for
// this login, with this code and this state. So another bank, or a page in between, cannot
// slip in a code.
func (c *Connector) verify(ctx context.Context, token string, want expected) error {
	if token == "" {
		return psd2.Nonsense(errors.New("the return has no id_token"))
	}
	parsed, err := jwt.ParseSigned(token, tokenAlgorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return psd2.Nonsense(errors.New("the id_token is not a signed JWT"))
	}
	var keys psd2.Optional[keySet]
	err = c.api.Fetch(ctx, opKeys, c.config.Login.Keys, &keys)
	if err != nil {
		return err
	}
	var claims idClaims
	err = keys.Value.claims(parsed, &claims)
	if err != nil {
		return psd2.Nonsense(err)
	}
	return c.checkClaims(claims, parsed.Headers[0].Algorithm, want)
}

// checkClaims checks the claims of an ID token whose signature is right.
func (c *Connector) checkClaims(claims idClaims, algorithm string, want expected) error {
	now := c.api.Now()
	lacks := c.config.Login.Lacks
	hash := func(name, text string) string {
		if slices.Contains(lacks, name) {
			return ""
		}
		return halfHash(algorithm, text)
	}
	switch {
	case claims.Issuer != c.config.Login.Issuer:
		return psd2.Nonsense(errors.New("the id_token is from another issuer"))
	case !claims.Audience.Contains(c.config.OAuth.ClientID), claims.Party != "" && claims.Party != c.config.OAuth.ClientID:
		return psd2.Nonsense(errors.New("the id_token is for another client"))
	case claims.Expiry == nil || !claims.Expiry.Time().After(now.Add(-tokenSkew)):
		return psd2.Nonsense(errors.New("the id_token has expired"))
	case claims.IssuedAt != nil && claims.IssuedAt.Time().After(now.Add(tokenSkew)):
		return psd2.Nonsense(errors.New("the id_token is from the future"))
	case claims.Nonce != want.nonce:
		return psd2.Nonsense(errors.New("the id_token is of another login"))
	}
	for _, one := range []struct{ name, got, want string }{
		{"c_hash", claims.CodeHash, hash("c_hash", want.code)}, {"s_hash", claims.StateHash, hash("s_hash", want.state)},
	} {
		// A hash that a bank need not send must be right if it does.
		if one.want != "" && one.got != one.want {
			return psd2.Nonsense(fmt.Errorf("the %s of the id_token is wrong", one.name))
		}
	}
	if claims.Intent != "" && string(claims.Intent) != want.consent {
		return psd2.Nonsense(errors.New("the id_token is about another consent"))
	}
	return nil
}

// halfHash returns the left half of a hash, which is that of the signature's algorithm
// (OpenID Connect Core §3.3.2.11).
func halfHash(algorithm, text string) string {
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(algorithm, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(algorithm, "512"):
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(text)) // never fails
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// keySet holds the keys of an authorization server (RFC 7517). A key of an unknown form
// costs no other.
type keySet struct {
	Keys []json.RawMessage `json:"keys"`
}

// claims returns the claims of a token that one of the keys has signed.
func (s keySet) claims(token *jwt.JSONWebToken, claims *idClaims) error {
	id, algorithm := token.Headers[0].KeyID, token.Headers[0].Algorithm
	for _, raw := range s.Keys {
		var key jose.JSONWebKey
		err := key.UnmarshalJSON(raw)
		if err != nil || id != "" && key.KeyID != id || key.Use == "enc" || !key.IsPublic() ||
			key.Algorithm != "" && key.Algorithm != algorithm {
			continue
		}
		err = token.Claims(key, claims)
		if err == nil {
			return nil
		}
	}
	return errors.New("no key of the bank has signed the id_token")
}

// opKeys is the operation of reading the bank's keys.
const opKeys = "keys"
