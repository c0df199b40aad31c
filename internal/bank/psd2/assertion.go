package psd2

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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
	// Minutes is how long it is valid; 5 by default.
	Minutes int `json:"minutes,omitempty"`
	JWT
}

// JWT holds the differences that a bank wants in a JWT of ours.
type JWT struct {
	// Header are further members of its header, in addition or in the place of ours; an empty one
	// leaves one out, such as {"typ": ""}.
	Header map[string]string `json:"header,omitempty"`
	// Claims are further claims, in the same way: texts, numbers, lists or objects.
	Claims map[string]any `json:"claims,omitempty"`
}

// With returns claims with those of the bank's data.
func (j JWT) With(claims map[string]any) map[string]any {
	all := maps.Clone(claims)
	for name, value := range j.Claims {
		all[name] = value
		if value == "" {
			delete(all, name)
		}
	}
	return all
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

// assertionMinutes is how long an assertion is valid.
const assertionMinutes = 5

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
	life := time.Duration(cmp.Or(data.Minutes, assertionMinutes)) * time.Minute
	claims := data.With(map[string]any{
		"iss": oauth.ClientID, "sub": oauth.ClientID, "aud": audience, "jti": id,
		"iat": now.Unix(), "exp": now.Add(life).Unix(),
	})
	var signed string
	if oauth.method() == methodSecretJWT {
		signed, err = c.sign(cmp.Or(data.Algorithm, "HS256"), data.KeyID, data.Header, []byte(oauth.ClientSecret), claims)
	} else {
		signed, err = c.SignJWT(data.Algorithm, data.KeyID, data.Header, claims)
	}
	if err != nil {
		return nil, err
	}
	return form{{"client_assertion_type", assertionType}, {"client_assertion", signed}}, nil
}

// SignJWT signs claims with the key of our seal. An empty algorithm is PS256. header is as in
// JWT.Header.
func (c *Client) SignJWT(algorithm, keyID string, header map[string]string, claims any) (string, error) {
	if c.seal == nil {
		return "", Nonsense(errors.New("there is no key to sign with"))
	}
	return c.sign(cmp.Or(algorithm, "PS256"), keyID, header, cryptosigner.Opaque(c.seal), claims)
}

func (c *Client) sign(algorithm, keyID string, header map[string]string, key any, claims any) (string, error) {
	options := &jose.SignerOptions{}
	members := map[string]string{"typ": "JWT", "kid": keyID}
	maps.Copy(members, header)
	for name, value := range members {
		if value != "" {
			options = options.WithHeader(jose.HeaderKey(name), value)
		}
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
