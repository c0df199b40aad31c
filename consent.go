package oxlin

import "time"

// ConsentTextVersion is the version of the text that users agree to.
const ConsentTextVersion = "2026-11"

// ConsentTextOfClient replaces the version of our text in the evidence of a consent that the
// client itself took from its user: no page of ours was shown.
const ConsentTextOfClient = "client"

// Consent records a user's consent: who gave it, when, for which accounts, to which
// text, and until when (PSD2 Art. 67). It is evidence and never changes.
type Consent struct {
	UserID       UserID
	ConnectionID ConnectionID
	ChannelID    ChannelID
	// AllAccounts covers all present and future accounts; Accounts is then empty.
	AllAccounts bool
	Accounts    []AccountID
	TextVersion string
	GivenAt     time.Time
	ValidUntil  time.Time
}

// AccountConsent is the decision about one account (contract §4.11).
type AccountConsent struct {
	AccountID AccountID
	Consent   bool
}
