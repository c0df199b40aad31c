package oxlin

import "time"

// User is an end user whom one client owns (contract §4.1). The e-mail is only
// a unique key within the client; no mail is ever sent.
type User struct {
	ID       UserID
	ClientID ClientID
	Email    string
	// PasswordHash is argon2id in its encoded form.
	PasswordHash string
	Profile      Profile
	// TermsAcceptedAt is when the user accepted our terms, in the version
	// TermsVersion; both are zero until then.
	TermsAcceptedAt time.Time
	TermsVersion    string
	CreatedAt       time.Time
}

// Profile is what a user says of themselves; everything in it is optional. It is stored
// as JSON.
type Profile struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Gender    string `json:"gender,omitempty"`
	Birthdate Date   `json:"birthdate,omitzero"`
	Postcode  string `json:"postcode,omitempty"`
}
