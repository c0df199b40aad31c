package oxlin

import "time"

// User is an end user of one client (contract §4.1). The e-mail is only
// a unique key within the client: the platform sends no e-mail.
type User struct {
	ID       UserID
	ClientID ClientID
	Email    string
	// PasswordHash is argon2id in its encoded form.
	PasswordHash string
	// PasskeysAlone keeps the password out of the platform's own pages, as long as the user has a
	// passkey for them. The client that created the user still signs the user in with it.
	PasskeysAlone bool
	Profile       Profile
	// TermsAcceptedAt is when the user accepted TermsVersion of the terms; both are zero
	// before.
	TermsAcceptedAt time.Time
	TermsVersion    string
	CreatedAt       time.Time
}

// Profile is a user's optional personal data. It is stored as JSON.
type Profile struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Gender    string `json:"gender,omitempty"`
	Birthdate Date   `json:"birthdate,omitzero"`
	Postcode  string `json:"postcode,omitempty"`
}
