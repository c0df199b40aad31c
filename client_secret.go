package oxlin

import (
	"encoding/hex"
	"time"
)

// SecretWarning is how long before the end of a client's secret operators are warned of it.
const SecretWarning = 30 * 24 * time.Hour

// ClientSecret is a secret by which a client authenticates. Only its hash is kept.
type ClientSecret struct {
	// Hash is the SHA-256 of the secret. Secrets are random and long, so no slow hash is needed.
	Hash []byte `json:"hash"`
	// MadeAt is zero if the secret was made before that was recorded.
	MadeAt time.Time `json:"made_at,omitzero"`
	// EndsAt is the instant from which the secret is refused; zero for a secret without an end.
	EndsAt time.Time `json:"ends_at,omitzero"`
}

// Ended reports whether the secret is refused because its time is over.
func (s ClientSecret) Ended(now time.Time) bool { return !s.EndsAt.IsZero() && !s.EndsAt.After(now) }

// EndsSoon reports whether the secret ends within SecretWarning.
func (s ClientSecret) EndsSoon(now time.Time) bool {
	return !s.EndsAt.IsZero() && !s.Ended(now) && s.EndsAt.Sub(now) <= SecretWarning
}

// Fingerprint returns the first eight hexadecimal digits of the hash, by which people recognise the
// secret: `sha256sum` of it begins with them. They do not help to guess the secret.
func (s ClientSecret) Fingerprint() string {
	return hex.EncodeToString(s.Hash[:min(4, len(s.Hash))])
}

// SecretsEndingSoon returns the secrets of a client that end within SecretWarning and count: none of
// a client that is disabled or authenticates in another way.
func (c Client) SecretsEndingSoon(now time.Time) []ClientSecret {
	var soon []ClientSecret
	if c.Disabled || c.Deleting || c.Authentication.Method != AuthBySecret {
		return nil
	}
	for _, secret := range c.Secrets {
		if secret.EndsSoon(now) {
			soon = append(soon, secret)
		}
	}
	return soon
}
