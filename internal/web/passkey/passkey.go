// Package passkey verifies what authenticators answer (Web Authentication, level 3).
//
// It takes no attestation: a registration proves nothing about the device, and the public key
// comes from the browser as SubjectPublicKeyInfo. So nothing here reads CBOR, and only the
// standard library verifies signatures: ES256, EdDSA and RS256.
//
// The package must never take a challenge that the caller has not made, keep one, or decide
// who signs in. Start reading at Party.Verify.
package passkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
)

// Party is the site for which passkeys are made.
type Party struct {
	// ID is the host name of the site, without a port.
	ID string
	// Origins are the addresses of the site's pages.
	Origins []string
	// Verified is set if the authenticator has to verify who is there, by a PIN or a finger: the
	// passkey then takes the place of a password.
	Verified bool
}

// Registration is the browser's answer to navigator.credentials.create.
type Registration struct {
	ID                Bytes `json:"id"`
	ClientData        Bytes `json:"client_data"`
	AuthenticatorData Bytes `json:"authenticator_data"`
	// PublicKey is the answer of getPublicKey: SubjectPublicKeyInfo in DER.
	PublicKey Bytes `json:"public_key"`
}

// Assertion is the browser's answer to navigator.credentials.get.
type Assertion struct {
	ID                Bytes `json:"id"`
	ClientData        Bytes `json:"client_data"`
	AuthenticatorData Bytes `json:"authenticator_data"`
	Signature         Bytes `json:"signature"`
}

// Bytes are base64url in JSON.
type Bytes []byte

// MarshalText writes base64url.
func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads base64url.
func (b *Bytes) UnmarshalText(text []byte) error {
	read, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	*b = read
	return err
}

// longest bounds the parts of an answer in bytes; a credential's id has at most 1023 (section 5.8.3).
const (
	longestAnswer = 16 << 10
	longestID     = 1023
)

// ReadRegistration reads the JSON of a registration.
func ReadRegistration(text string) (r Registration, err error) { return r, read(text, &r) }

// ReadAssertion reads the JSON of an assertion.
func ReadAssertion(text string) (a Assertion, err error) { return a, read(text, &a) }

func read(text string, into any) error {
	if len(text) > longestAnswer {
		return errors.New("the answer is too long")
	}
	return json.Unmarshal([]byte(text), into)
}

// Key is a registered public key.
type Key struct {
	// PublicKey is SubjectPublicKeyInfo in DER.
	PublicKey []byte
	// Count is the signature counter at the registration; zero from an authenticator without a counter.
	Count uint32
}

// Register returns the key of a registration for a challenge (section 7.1).
func (p Party) Register(challenge []byte, r Registration) (Key, error) {
	err := p.checkClientData(r.ClientData, "webauthn.create", challenge)
	if err != nil {
		return Key{}, err
	}
	data, err := p.parseData(r.AuthenticatorData)
	switch {
	case err != nil:
		return Key{}, err
	case len(r.ID) == 0 || len(r.ID) > longestID || !bytes.Equal(data.credential, r.ID):
		return Key{}, errors.New("the credential is another one than that of the authenticator")
	}
	_, err = parseKey(r.PublicKey)
	return Key{slices.Clone(r.PublicKey), data.count}, err
}

// Verify verifies an assertion for a challenge with its key (section 7.2), and returns the new
// counter. A copy of an authenticator shows by a counter that does not grow (section 6.1.1);
// authenticators without a counter always send zero. The caller compares it with the last one.
func (p Party) Verify(challenge []byte, key Key, a Assertion) (count uint32, err error) {
	err = p.checkClientData(a.ClientData, "webauthn.get", challenge)
	if err != nil {
		return 0, err
	}
	data, err := p.parseData(a.AuthenticatorData)
	if err != nil {
		return 0, err
	}
	public, err := parseKey(key.PublicKey)
	if err != nil {
		return 0, err
	}
	hash := sha256.Sum256(a.ClientData)
	if !verify(public, append(slices.Clone(a.AuthenticatorData), hash[:]...), a.Signature) {
		return 0, errors.New("the signature is not the passkey's")
	}
	return data.count, nil
}

// checkClientData checks what the browser has signed with: its page, and for which challenge.
func (p Party) checkClientData(text []byte, kind string, challenge []byte) error {
	var data struct {
		Type        string `json:"type"`
		Challenge   Bytes  `json:"challenge"`
		Origin      string `json:"origin"`
		CrossOrigin bool   `json:"crossOrigin"`
		TopOrigin   string `json:"topOrigin"`
	}
	err := json.Unmarshal(text, &data)
	switch {
	case err != nil:
		return errors.New("the client data are no JSON")
	case data.Type != kind:
		return errors.New("the answer is of another kind")
	case len(challenge) == 0 || subtle.ConstantTimeCompare(data.Challenge, challenge) != 1:
		return errors.New("the challenge is another one")
	case !slices.Contains(p.Origins, data.Origin) || data.CrossOrigin || data.TopOrigin != "":
		return errors.New("the answer comes from the page of another site")
	}
	return nil
}

// The flags of authenticator data (section 6.1).
const (
	userPresent      = 1 << 0
	userVerified     = 1 << 2
	attestedIncluded = 1 << 6
)

type authenticatorData struct {
	count      uint32
	credential []byte // empty without an attested credential
}

// parseData reads authenticator data (section 6.1): the hash of the party's id, flags, the counter
// and, at a registration, the credential's id. A key and extensions behind it are not read.
func (p Party) parseData(data []byte) (authenticatorData, error) {
	id := sha256.Sum256([]byte(p.ID))
	switch {
	case len(data) < 37:
		return authenticatorData{}, errors.New("the authenticator's data are too short")
	case !bytes.Equal(data[:32], id[:]):
		return authenticatorData{}, errors.New("the passkey belongs to another site")
	case data[32]&userPresent == 0:
		return authenticatorData{}, errors.New("nobody was present at the authenticator")
	case p.Verified && data[32]&userVerified == 0:
		return authenticatorData{}, errors.New("the authenticator has not verified who is there")
	}
	read := authenticatorData{count: binary.BigEndian.Uint32(data[33:37])}
	if data[32]&attestedIncluded == 0 {
		return read, nil
	}
	rest := data[37:]
	if len(rest) < 18 { // 16 bytes name the model
		return read, errors.New("the authenticator's data are too short")
	}
	length := int(binary.BigEndian.Uint16(rest[16:18]))
	if len(rest) < 18+length {
		return read, errors.New("the authenticator's data are too short")
	}
	read.credential = rest[18 : 18+length]
	return read, nil
}

// parseKey reads a public key of a kind that verify knows.
func parseKey(der []byte) (any, error) {
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("the public key cannot be read")
	}
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	case ed25519.PublicKey:
		return key, nil
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits >= 2048 && bits <= 8192 {
			return key, nil
		}
	}
	return nil, errors.New("the public key is for none of ES256, EdDSA and RS256")
}

func verify(public any, message, signature []byte) bool {
	hash := sha256.Sum256(message)
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, hash[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil
	}
	return false
}
