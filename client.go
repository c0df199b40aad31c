package oxlin

import (
	"slices"
	"time"
)

// Client is an integrator's application.
type Client struct {
	ID   ClientID
	Name string
	// SecretHashes are the SHA-256 sums of the secrets now valid: two while one
	// is being replaced. The secrets are random and long, so no slow hash is needed.
	SecretHashes [][]byte
	// RedirectURIs are where its users may be sent back to.
	RedirectURIs []string
	// AnyRedirectURI lifts that list; only the sandbox's own clients have it.
	AnyRedirectURI bool
	// Licensed clients have a PSD2 agreement of their own (contract §11).
	Licensed  bool
	CreatedAt time.Time
}

// MayRedirectTo says whether users may be sent to uri, compared letter by
// letter as RFC 9700 §4.1.3 asks.
func (c Client) MayRedirectTo(uri string) bool {
	return c.AnyRedirectURI || slices.Contains(c.RedirectURIs, uri)
}
