package testbank

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
)

// bankKey signs the bank's ID tokens: one for the process. Clients read its public half at
// /jwks each time.
var bankKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // a bank without randomness must not sign
	}
	return key
})

const bankKeyID = "linxo-test-bank"

var base64url = base64.RawURLEncoding

// jwks is GET /jwks: the public key (RFC 7517).
func jwks(w http.ResponseWriter, _ *http.Request) {
	point, err := bankKey().PublicKey.Bytes() // 4, x, y
	if err != nil {
		http.Error(w, "erreur interne", http.StatusInternalServerError)
		return
	}
	half := (len(point) - 1) / 2
	answerJSON(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": bankKeyID,
		"x": base64url.EncodeToString(point[1 : 1+half]), "y": base64url.EncodeToString(point[1+half:]),
	}}})
}

// signJWT signs claims with ES256 (RFC 7515).
func signJWT(claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": bankKeyID})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64url.EncodeToString(header) + "." + base64url.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, bankKey(), sum[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64url.EncodeToString(signature[:]), nil
}

// halfHash is the hash of a code or a state in an ID token (OpenID Connect Core §3.3.2.11).
func halfHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64url.EncodeToString(sum[:len(sum)/2])
}

// clientJWT is a JWT that a client signs: a request object, or an assertion.
type clientJWT struct {
	Issuer      string          `json:"iss"`
	Subject     string          `json:"sub"`
	Audience    json.RawMessage `json:"aud"`
	Expires     int64           `json:"exp"`
	ClientID    string          `json:"client_id"`
	Type        string          `json:"response_type"`
	RedirectURI string          `json:"redirect_uri"`
	Scope       string          `json:"scope"`
	State       string          `json:"state"`
	Nonce       string          `json:"nonce"`
	Challenge   string          `json:"code_challenge"`
	Claims      struct {
		IDToken struct {
			Intent struct {
				Value string `json:"value"`
			} `json:"openbanking_intent_id"`
		} `json:"id_token"`
	} `json:"claims"`
}

var errJWT = errors.New("le jeton signé est illisible, périmé ou destiné à un autre")

// readJWT reads a client's JWT for the bank. The bank knows no client's key: any signature of a
// strong algorithm passes, as in STET.
func readJWT(text, audience string, now int64) (read clientJWT, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(parts[2]) < 64 {
		return read, errJWT
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	for i, into := range []any{&header, &read} {
		raw, err := base64url.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, into) != nil {
			return read, errJWT
		}
	}
	var audiences []string
	if json.Unmarshal(read.Audience, &audiences) != nil {
		audiences = make([]string, 1)
		_ = json.Unmarshal(read.Audience, &audiences[0]) // no audience is a wrong one
	}
	strong := header.Algorithm == "PS256" || header.Algorithm == "ES256"
	for _, named := range audiences {
		if named == audience && strong && read.Expires > now && read.Issuer != "" {
			return read, nil
		}
	}
	return read, errJWT
}
