package psd2

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for the hash of that name
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signer signs a complete request by adding headers to it. Banks use Cavage's draft
// today; RFC 9421 replaces it.
type Signer interface {
	Sign(op string, request *http.Request, body []byte) error
}

// Seal holds the key of our QSEAL, and its certificate if there is one.
type Seal struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

const (
	rsaSHA256 = "rsa-sha256"
	rsaSHA512 = "rsa-sha512"
	pssSHA256 = "rsa-pss-sha256"
	pssSHA512 = "rsa-pss-sha512"
)

// The pseudo-headers of a signature: the method and the path, its time, and its end.
const (
	requestTarget    = "(request-target)"
	signatureCreated = "(created)"
	signatureExpires = "(expires)"
)

// signatureLife is how long a signature is valid if the data do not say it.
const signatureLife = 300

// cavage signs as draft-cavage-http-signatures prescribes. The existing library writes
// an algorithm name that banks refuse, and has a fixed order and spacing.
type cavage struct {
	Signing
	key   crypto.Signer
	keyID string
	rand  io.Reader
	now   func() time.Time
	// certificate is the value of the header of that name; empty without one.
	certificate string
	// prefix is the beginning of a path that is not signed.
	prefix string
}

func newCavage(signing Signing, clientID string, seal Seal, random io.Reader, now func() time.Time) (*cavage, error) {
	if seal.Key == nil {
		return nil, errors.New("the bank wants signed messages, and there is no key to sign with")
	}
	_, ok := seal.Key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s needs an RSA key, not %T", signing.Algorithm, seal.Key.Public())
	}
	fingerprint, err := seal.fingerprint()
	if err != nil {
		return nil, err
	}
	c := &cavage{Signing: signing, key: seal.Key, rand: random, now: now}
	names := []string{"{client_id}", clientID, "{fingerprint}", fingerprint}
	needsCertificate := strings.Contains(strings.ToLower(signing.KeyID), "{serial") || strings.Contains(signing.KeyID, "{issuer")
	if needsCertificate && seal.Certificate == nil {
		return nil, errors.New("key_id names the certificate of our signature, and there is none")
	}
	if needsCertificate {
		serial := seal.Certificate.SerialNumber
		forward, err := issuerForward(seal.Certificate)
		if err != nil {
			return nil, err
		}
		issuer := seal.Certificate.Issuer.String()
		names = append(names, "{issuer_spaced}", spaced(issuer), "{issuer_forward_spaced}", spaced(forward),
			"{issuer_escaped}", strings.ReplaceAll(issuer, " ", "%20"), "{serial}", serial.String(), "{serial_hex}", serial.Text(16), "{SERIAL_HEX}", strings.ToUpper(serial.Text(16)),
			"{issuer}", issuer, "{issuer_forward}", forward)
	}
	c.keyID = strings.NewReplacer(names...).Replace(signing.KeyID)
	if signing.Certificate != nil {
		if seal.Certificate == nil {
			return nil, errors.New("the bank wants the certificate of our signature, and there is none")
		}
		c.certificate = signing.Certificate.value(seal.Certificate)
	}
	return c, nil
}

// name returns the name of the header.
func (h CertificateHeader) name() string { return cmp.Or(h.Header, "TPP-Signature-Certificate") }

// value returns the value of the header for a certificate.
func (h CertificateHeader) value(certificate *x509.Certificate) string {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	switch h.Form {
	case "pem":
		return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", h.LineBreak)
	case "pem_base64":
		return base64.StdEncoding.EncodeToString(text)
	}
	return base64.StdEncoding.EncodeToString(certificate.Raw)
}

// issuerForward returns the issuer's name in the order of the certificate. RFC 2253
// reverses it.
func issuerForward(certificate *x509.Certificate) (string, error) {
	var name pkix.RDNSequence
	_, err := asn1.Unmarshal(certificate.RawIssuer, &name)
	if err != nil {
		return "", fmt.Errorf("issuer of the signing certificate: %w", err)
	}
	slices.Reverse(name)
	return name.String(), nil
}

// spaced returns a name with a space behind each comma between its parts.
func spaced(name string) string {
	return strings.NewReplacer(`\\`, `\\`, `\,`, `\,`, ",", ", ").Replace(name)
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

// digests are the hashes by the names of the Digest header.
var digests = map[string]crypto.Hash{"SHA-256": crypto.SHA256, "SHA-512": crypto.SHA512}

func sumOf(hash crypto.Hash, content []byte) []byte {
	h := hash.New()
	h.Write(content) // never fails
	return h.Sum(nil)
}

// bracketed is a value of Signing.Times.
const bracketed = "bracketed"

// timeName returns the name of a time in the Signature header.
func (c *cavage) timeName(pseudo string) string {
	if c.Times == bracketed {
		return pseudo
	}
	return strings.Trim(pseudo, "()")
}

// Sign adds Digest and Signature, and Content-Type if the bank wants it signed, to a request of an operation.
func (c *cavage) Sign(op string, request *http.Request, body []byte) error {
	wanted := c.names(op)
	if len(wanted) == 0 {
		return nil
	}
	if len(body) > 0 || c.DigestOnGet {
		name := cmp.Or(c.Digest, "SHA-256")
		request.Header.Set("Digest", name+"="+base64.StdEncoding.EncodeToString(sumOf(digests[strings.ToUpper(name)], body)))
	}
	if slices.Contains(wanted, "content-type") && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.certificate != "" {
		request.Header.Set(c.Certificate.name(), c.certificate)
	}
	created := c.now().Unix()
	expires := created + int64(cmp.Or(c.LifeSeconds, signatureLife))
	var names, lines, times []string
	for _, name := range wanted {
		var value string
		switch name {
		case requestTarget:
			value = strings.ToLower(request.Method) + " " + c.target(request)
		case signatureCreated:
			value = strconv.FormatInt(created, 10)
			times = append(times, c.timeName(name)+"="+value)
		case signatureExpires:
			value = strconv.FormatInt(expires, 10)
			times = append(times, c.timeName(name)+"="+value)
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
	hash := digests["SHA-256"]
	if c.Algorithm == rsaSHA512 || c.Algorithm == pssSHA512 {
		hash = digests["SHA-512"]
	}
	var options crypto.SignerOpts = hash
	if c.Algorithm == pssSHA256 || c.Algorithm == pssSHA512 {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := c.key.Sign(c.rand, sumOf(hash, []byte(strings.Join(lines, "\n"))), options)
	if err != nil {
		return fmt.Errorf("signing the request: %w", err)
	}
	encoded := base64.StdEncoding.EncodeToString(signature)
	if c.Form != "" {
		request.Header.Set("Signature", signatureParts(
			c.keyID, cmp.Or(c.Name, c.Algorithm), strings.Join(names, " "), strconv.FormatInt(created, 10), strconv.FormatInt(expires, 10), encoded,
		).Replace(c.Form))
		return nil
	}
	comma := ","
	if c.Spaced {
		comma = ", "
	}
	parts := []string{`keyId="` + c.keyID + `"`, `algorithm="` + cmp.Or(c.Name, c.Algorithm) + `"`}
	list := []string{`headers="` + strings.Join(names, " ") + `"`}
	if c.Times == bracketed {
		parts = slices.Concat(parts, list, times)
	} else {
		parts = slices.Concat(parts, times, list)
	}
	parts = append(parts, `signature="`+encoded+`"`)
	request.Header.Set("Signature", strings.Join(parts, comma))
	return nil
}

// signatureParts fills in the parts of Signing.Form.
func signatureParts(keyID, algorithm, headers, created, expires, signature string) *strings.Replacer {
	return strings.NewReplacer("{key_id}", keyID, "{algorithm}", algorithm, "{headers}", headers, "{created}", created, "{expires}", expires, "{signature}", signature)
}

// target returns the path and the query of a request as the bank sees them.
func (c *cavage) target(request *http.Request) string {
	target := request.URL.RequestURI()
	below, found := strings.CutPrefix(target, c.prefix)
	if found && strings.HasPrefix(below, "/") {
		return below
	}
	return target
}
