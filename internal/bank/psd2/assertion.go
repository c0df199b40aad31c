package psd2

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// Assertion describes the JWT by which we identify ourselves at the authorization server
// (RFC 7523).
type Assertion struct {
	// Algorithm is PS256 by default for private_key_jwt, and HS256 for client_secret_jwt.
	Algorithm string `json:"algorithm,omitempty"`
	// KeyID is the id under which the bank knows our key; empty sends none.
	KeyID string `json:"key_id,omitempty"`
	// Audience is the bank's name for itself; the token endpoint by default.
	Audience string `json:"audience,omitempty"`
}

// Algorithms of signed JWTs. RS256 is for banks that are older than FAPI.
var (
	keyAlgorithms    = []string{"PS256", "RS256", "ES256", "PS384", "PS512"}
	secretAlgorithms = []string{"HS256", "HS512"}
)

// CheckJWTAlgorithm reports an algorithm with which our key cannot sign; an empty one is the
// default.
func CheckJWTAlgorithm(at datafile.Node, algorithm string) {
	CheckOneOf(at, algorithm, slices.Concat([]string{""}, keyAlgorithms)...)
}

// assertionType is the client_assertion_type of RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLife is how long an assertion is valid.
const assertionLife = 5 * time.Minute

// assertion returns the fields that identify us.
func (c *Client) assertion() (form, error) {
	id, err := c.NewID()
	if err != nil {
		return nil, err
	}
	oauth := c.config.OAuth
	data := Assertion{}
	if oauth.Assertion != nil {
		data = *oauth.Assertion
	}
	audience := cmp.Or(data.Audience, oauth.TokenURL)
	now := c.now().UTC()
	claims := jwt.Claims{
		Issuer: oauth.ClientID, Subject: oauth.ClientID, Audience: jwt.Audience{audience}, ID: id,
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(assertionLife)),
	}
	var signed string
	if oauth.method() == methodSecretJWT {
		signed, err = c.sign(cmp.Or(data.Algorithm, "HS256"), data.KeyID, []byte(oauth.ClientSecret), claims)
	} else {
		signed, err = c.SignJWT(data.Algorithm, data.KeyID, claims)
	}
	if err != nil {
		return nil, err
	}
	return form{{"client_assertion_type", assertionType}, {"client_assertion", signed}}, nil
}

// SignJWT signs claims with the key of our seal. An empty algorithm is PS256.
func (c *Client) SignJWT(algorithm, keyID string, claims any) (string, error) {
	if c.seal == nil {
		return "", Nonsense(errors.New("there is no key to sign with"))
	}
	return c.sign(cmp.Or(algorithm, "PS256"), keyID, cryptosigner.Opaque(c.seal), claims)
}

func (c *Client) sign(algorithm, keyID string, key any, claims any) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if keyID != "" {
		options = options.WithHeader("kid", keyID)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, options)
	if err != nil {
		return "", Nonsense(fmt.Errorf("signing with %s: %w", algorithm, err))
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		return "", Nonsense(fmt.Errorf("signing with %s: %w", algorithm, err))
	}
	return signed, nil
}
