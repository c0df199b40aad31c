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

	Frequency int    `json:"Frequency,omitempty"` // unattended accesses a day; 0 means unattendedQuota
	Asked     *asked `json:"Asked,omitempty"`     // of a consent that the client makes before the customer approves it
}

// asked is the request for a consent, which the customer approves afterwards.
type asked struct {
	Status  string `json:"Status"`
	Until   Day    `json:"Until,omitempty"`   // the last day that the client wants; 0 leaves it to the bank
	Once    bool   `json:"Once,omitempty"`    // for one reading
	Lasts   bool   `json:"Lasts,omitempty"`   // until it is deleted
	Return  string `json:"Return,omitempty"`  // where the customer goes after the login
	Refused string `json:"Refused,omitempty"` // and after a refusal; empty means Return
	Login   string `json:"Login,omitempty"`   // of a customer whom the client names; empty means the bank's pages
	SCA     *sca   `json:"SCA,omitempty"`     // their approval without the bank's pages

	Permissions []string `json:"Permissions,omitempty"` // of Open Banking UK
}

// The states of a consent that was asked for, in the words of the Berlin Group.
const (
	received   = "received"
	valid      = "valid"
	rejected   = "rejected"
	expired    = "expired"
	terminated = "terminatedByTpp"
)

// status returns the state of a consent that was asked for.
func (c *consent) status(now time.Time) string {
	switch {
	case c.Revoked:
		return terminated
	case c.Asked.Status != rejected && c.dead(now):
		return expired
	}
	return c.Asked.Status
}

// lastingYears is longer than any sandbox lives.
const lastingYears = 50

// askLife is how long the customer may take to approve a consent.
const askLife = time.Hour

// ask stores a consent that waits for the customer. The caller holds b.mu.
func (b *Bank) ask(client string, request asked) *consent {
	request.Status = received
	c := &consent{
		ID: b.secret(), Client: client, Scopes: []string{scopeAISP, scopeExtended}, Expires: b.now().Add(askLife), Asked: &request,
	}
	b.state.Consents[c.ID] = c
	b.save()
	return c
}

// approve gives a customer's consent. The caller holds b.mu.
func (b *Bank) approve(c *consent, by customer) {
	c.Customer, c.SCA, c.Expires = by.key(), b.now(), b.now().Add(b.opt.ConsentLife)
	if c.Asked != nil {
		c.Asked.Status = valid
		if c.Asked.Until != 0 {
			c.Expires = (c.Asked.Until + 1).Midnight()
		}
		if c.Asked.Lasts {
			c.Expires = b.now().AddDate(lastingYears, 0, 0)
		}
	}
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
	First   bool      `json:"First"`            // the pair that followed the strong authentication
	Client  string    `json:"Client,omitempty"` // whose own it is, without a consent
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
