package psd2

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// AnswerSigning describes the signatures of a bank that signs its answers.
type AnswerSigning struct {
	// Keys are the bank's certificates or public keys (PEM): of an RSA key each. An answer
	// may be signed with any of them.
	Keys []string `json:"keys"`
	// Required refuses a success of the interface without a signature. Otherwise only a wrong one
	// is refused: banks leave the signature of some answers out, and gateways those of theirs.
	Required bool `json:"required,omitempty"`
}

func (s AnswerSigning) check(at datafile.Node) {
	at.Member("keys").Check(len(s.Keys) > 0, "want at least one key")
	for n, text := range s.Keys {
		_, err := publicKey(text)
		at.Member("keys").Item(n).Check(err == nil, "%v", err)
	}
}

// publicKey reads a certificate or a key.
func publicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("want a certificate or a public key as PEM")
	}
	var key any
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err == nil {
		key = certificate.PublicKey
	} else {
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return nil, errors.New("the certificate or key cannot be read")
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("want an RSA key, not %T", key)
	}
	return public, nil
}

// verifier is a transport that checks the signatures of answers, before anything reads them.
type verifier struct {
	next http.RoundTripper
	keys []*rsa.PublicKey
	// required is the beginning of the addresses whose answers need a signature; empty for none.
	required string
	largest  int64
}

func newVerifier(data AnswerSigning, base string, next http.RoundTripper, largest int64) (verifier, error) {
	v := verifier{next: next, largest: largest}
	if data.Required {
		v.required = base
	}
	if next == nil {
		v.next = http.DefaultTransport
	}
	for _, text := range data.Keys {
		key, err := publicKey(text)
		if err != nil {
			return v, fmt.Errorf("signing.answers.keys: %w", err)
		}
		v.keys = append(v.keys, key)
	}
	return v, nil
}

// RoundTrip sends a request and returns an answer whose signature is right, or that is unsigned and may
// be so. An answer is asked for without compression: its digest is that of what the bank sends.
func (v verifier) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Accept-Encoding", "identity")
	response, err := v.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	signature := response.Header.Get("Signature")
	success := response.StatusCode >= 200 && response.StatusCode <= 299
	required := v.required != "" && success && strings.HasPrefix(request.URL.String(), v.required)
	if signature == "" && !required {
		return response, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, v.largest+1))
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	err = v.verify(request, response.Header, signature, body)
	if err == nil && int64(len(body)) > v.largest {
		err = errors.New("the signed answer is too large")
	}
	if err != nil {
		failure := Nonsense(fmt.Errorf("signature of the answer: %w", err))
		failure.Status = response.StatusCode
		return nil, failure
	}
	return response, nil
}

// signaturePart is a part of a Signature header, quoted or a number.
var signaturePart = regexp.MustCompile(`([A-Za-z]+)=(?:"([^"]*)"|([0-9]+))`)

// verify checks the signature, and by it the digest and the body.
func (v verifier) verify(request *http.Request, header http.Header, signature string, body []byte) error {
	if signature == "" {
		return errors.New("there is none")
	}
	parts := map[string]string{}
	for _, found := range signaturePart.FindAllStringSubmatch(signature, -1) {
		parts[strings.ToLower(found[1])] = found[2] + found[3]
	}
	raw, err := base64.StdEncoding.DecodeString(parts["signature"])
	if err != nil || len(raw) == 0 {
		return errors.New("it cannot be read")
	}
	names := strings.Fields(strings.ToLower(parts["headers"]))
	if len(body) > 0 && !slices.Contains(names, "digest") {
		return errors.New("it does not cover the body")
	}
	if len(body) > 0 && !digestFits(header.Get("Digest"), body) {
		return errors.New("the digest is that of another body")
	}
	var lines []string
	for _, name := range names {
		value := strings.Join(header.Values(name), ", ")
		switch name {
		case requestTarget:
			value = strings.ToLower(request.Method) + " " + request.URL.RequestURI()
		case signatureCreated:
			value = parts["created"]
		case signatureExpires:
			value = parts["expires"]
		}
		lines = append(lines, name+": "+value)
	}
	signed := []byte(strings.Join(lines, "\n"))
	for _, key := range v.keys {
		for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA512} {
			if rsa.VerifyPKCS1v15(key, hash, sumOf(hash, signed), raw) == nil {
				return nil
			}
		}
	}
	return errors.New("it was made by no key of the bank")
}

// digestFits reports whether a Digest header is that of a body.
func digestFits(header string, body []byte) bool {
	for _, one := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		hash, known := digests[strings.ToUpper(name)]
		if !known {
			continue
		}
		want := base64.StdEncoding.EncodeToString(sumOf(hash, body))
		return subtle.ConstantTimeCompare([]byte(want), []byte(value)) == 1
	}
	return false
}
