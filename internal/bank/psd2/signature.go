package psd2

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Signer signs a complete request by adding headers to it. Banks use Cavage's draft
// today; RFC 9421 replaces it.
type Signer interface {
	Sign(request *http.Request, body []byte) error
}

// Seal holds the key of our QSEAL, and its certificate if there is one.
type Seal struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

const rsaSHA256 = "rsa-sha256"

// requestTarget is the pseudo-header for the method and the path.
const requestTarget = "(request-target)"

// cavage signs as draft-cavage-http-signatures prescribes. The existing library writes
// an algorithm name that banks refuse, and has a fixed order and spacing.
type cavage struct {
	Signing
	key   crypto.Signer
	keyID string
	rand  io.Reader
}

func newCavage(signing Signing, clientID string, seal Seal, random io.Reader) (*cavage, error) {
	if seal.Key == nil {
		return nil, errors.New("the bank wants signed messages, and there is no key to sign with")
	}
	_, ok := seal.Key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s needs an RSA key, not %T", rsaSHA256, seal.Key.Public())
	}
	fingerprint, err := seal.fingerprint()
	if err != nil {
		return nil, err
	}
	keyID := strings.NewReplacer("{client_id}", clientID, "{fingerprint}", fingerprint).Replace(signing.KeyID)
	return &cavage{signing, seal.Key, keyID, random}, nil
}

// fingerprint returns the SHA-256 of the certificate, or of the bare public key.
func (s Seal) fingerprint() (string, error) {
	if s.Certificate != nil {
		sum := sha256.Sum256(s.Certificate.Raw)
		return hex.EncodeToString(sum[:]), nil
	}
	public, err := x509.MarshalPKIXPublicKey(s.Key.Public())
	if err != nil {
		return "", fmt.Errorf("fingerprint of the signing key: %w", err)
	}
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:]), nil
}

// Sign adds Digest and Signature, and Content-Type if the bank wants it signed.
func (c *cavage) Sign(request *http.Request, body []byte) error {
	if len(body) > 0 || c.DigestOnGet {
		sum := sha256.Sum256(body)
		request.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	}
	if slices.Contains(c.Headers, "content-type") && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	var names, lines []string
	for _, name := range c.Headers {
		var value string
		switch name {
		case requestTarget:
			value = strings.ToLower(request.Method) + " " + request.URL.RequestURI()
		case "host":
			value = request.URL.Host
		default:
			value = request.Header.Get(name)
		}
		if value == "" {
			continue
		}
		names = append(names, name)
		lines = append(lines, name+": "+value)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	signature, err := c.key.Sign(c.rand, sum[:], crypto.SHA256)
	if err != nil {
		return fmt.Errorf("signing the request: %w", err)
	}
	comma := ","
	if c.Spaced {
		comma = ", "
	}
	request.Header.Set("Signature", strings.Join([]string{
		`keyId="` + c.keyID + `"`,
		`algorithm="` + c.Algorithm + `"`,
		`headers="` + strings.Join(names, " ") + `"`,
		`signature="` + base64.StdEncoding.EncodeToString(signature) + `"`,
	}, comma))
	return nil
}
