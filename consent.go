package oxlin

import "time"

// ConsentTextVersion is the version of the text that users agree to.
const ConsentTextVersion = "2026-11"

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
