package vault

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/oxlin/oxlin"
)

// NewToken makes a secret of 256 random bits: 43 characters of [A-Za-z0-9_-],
// which URLs and headers carry without encoding.
func NewToken(random io.Reader) (oxlin.Secret, error) { return newToken(random, 32) }

// NewSessionID makes a secret of 192 random bits: 32 characters of the same kind, as
// the hosted service's states and widget sessions are (contract §3.4, §6.1).
func NewSessionID(random io.Reader) (oxlin.Secret, error) { return newToken(random, 24) }

func newToken(random io.Reader, size int) (oxlin.Secret, error) {
	bits := make([]byte, size)
	_, err := io.ReadFull(random, bits)
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("new token: %w", err)
	}
	return oxlin.NewSecret(base64.RawURLEncoding.EncodeToString(bits)), nil
}

// TokenOf returns a token with given bits, in the form of NewToken's.
func TokenOf(bits [32]byte) oxlin.Secret {
	return oxlin.NewSecret(base64.RawURLEncoding.EncodeToString(bits[:]))
}

// HashToken returns the hash by which a token is stored and found. SHA-256 is enough for
// 256 random bits; a password needs HashPassword.
func HashToken(token oxlin.Secret) []byte {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return sum[:]
}
