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
	ID       string    `json:"ID"`
	Client   string    `json:"Client"`
	Customer string    `json:"Customer"` // key of the customer
	Scopes   []string  `json:"Scopes"`
	SCA      time.Time `json:"SCA"` // the strong authentication
	Expires  time.Time `json:"Expires"`
	Revoked  bool      `json:"Revoked"`
	Chosen   *access   `json:"Chosen,omitempty"` // the narrower choice of PUT /consents
}

func (c *consent) has(scope string) bool { return slices.Contains(c.Scopes, scope) }

// access is the customer's choice of accounts, by uid.
type access struct {
	Balances     []string `json:"Balances"`
	Transactions []string `json:"Transactions"`
	Owners       []string `json:"Owners"`
	Overdrafts   []string `json:"Overdrafts"`
	Identity     bool     `json:"Identity"`
	Trusted      bool     `json:"Trusted"`
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
	Consent     string    `json:"Consent"`
	RedirectURI string    `json:"RedirectURI"`
	Challenge   string    `json:"Challenge"` // PKCE, S256; empty when the client sent none
	Expires     time.Time `json:"Expires"`
	Used        bool      `json:"Used"`
}

type accessToken struct {
	Consent string    `json:"Consent"`
	First   bool      `json:"First"` // the pair that followed the strong authentication
	Expires time.Time `json:"Expires"`
}

type refreshToken struct {
	Consent string    `json:"Consent"`
	Spent   time.Time `json:"Spent"` // when it was exchanged for another; zero while it is valid
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
