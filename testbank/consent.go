package testbank

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

const (
	scopeAISP     = "aisp"
	scopeExtended = "extended_transaction_history"

	accessLife = time.Hour
	codeLife   = 5 * time.Minute
)

// consent records the accounts that a customer allowed a client to read, and until
// when. Only the customer's strong authentication prolongs it; refreshing tokens does
// not.
type consent struct {
	ID       string
	Client   string
	Customer string // key of the customer
	Scopes   []string
	SCA      time.Time // the strong authentication
	Expires  time.Time
	Revoked  bool
	Chosen   *access `json:",omitempty"` // the narrower choice of PUT /consents
}

func (c *consent) has(scope string) bool { return slices.Contains(c.Scopes, scope) }

// access is the customer's choice of accounts, by uid.
type access struct {
	Balances     []string
	Transactions []string
	Owners       []string
	Overdrafts   []string
	Identity     bool
	Trusted      bool
}

// allows reports whether a resource of an account may be read.
func (c *consent) allows(resource, uid string) bool {
	if c.Chosen == nil {
		return true
	}
	switch resource {
	case "balances":
		return slices.Contains(c.Chosen.Balances, uid)
	case "transactions":
		return slices.Contains(c.Chosen.Transactions, uid)
	case "owners":
		return slices.Contains(c.Chosen.Owners, uid)
	case "overdrafts":
		return slices.Contains(c.Chosen.Overdrafts, uid)
	}
	return true
}

// code is an authorization code that has not been exchanged for tokens yet.
type code struct {
	Consent     string
	RedirectURI string
	Challenge   string // PKCE, S256; empty when the client sent none
	Expires     time.Time
	Used        bool
}

type accessToken struct {
	Consent string
	First   bool // the pair that followed the strong authentication
	Expires time.Time
}

type refreshToken struct {
	Consent string
	Spent   time.Time // when it was exchanged for another; zero while it is valid
}

// sealed returns the hash under which a token is stored: the bank recognises a token
// and cannot restore it.
func sealed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// dead reports whether a consent no longer allows any reading.
func (c *consent) dead(now time.Time) bool {
	return c.Revoked || !now.Before(c.Expires)
}
