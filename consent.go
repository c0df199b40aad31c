package oxlin

import "time"

// ConsentTextVersion names the text that a user agrees to; it changes with the text.
const ConsentTextVersion = "2026-11"

// Consent records what a user allowed: who, when, which accounts, by which text,
// until when (PSD2 Art. 67). It is evidence, and is never changed.
type Consent struct {
	UserID       UserID
	ConnectionID ConnectionID
	ChannelID    ChannelID
	// AllAccounts covers every present and future account; Accounts is empty then.
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
