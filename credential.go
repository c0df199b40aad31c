package oxlin

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// KeyID names a Key.
type KeyID int64

func (id KeyID) String() string { return formatID(id) }

// Key is an OpenPGP key with which a client encrypts credentials (contract §3.5).
type Key struct {
	ID     KeyID
	UserID UserID
	// Public is the armored public key.
	Public string
	// ForPages is set for the key of the hosted pages, which no client requested.
	ForPages  bool
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Credential is the visible part of a stored credential. Events store it as JSON.
type Credential struct {
	ID     CredentialID `json:"ID"`
	Masked string       `json:"Masked"`
}

// hidden masks a value completely, including its length.
const hidden = "********"

// Mask hides all but the last two characters of a value: "demo" becomes "**mo"
// (contract §4.6). Passwords, encrypted values and short values are masked completely.
func (d CredentialDefinition) Mask(value string) string {
	length := utf8.RuneCountInString(value)
	if d.Encrypt || d.Type == CredentialPassword || d.Type == CredentialNumericPassword || length < 4 {
		return hidden
	}
	shown := string([]rune(value)[length-2:])
	return strings.Repeat("*", length-2) + shown
}

// Matches reports whether the whole value is text that matches the definition's
// expression. An expression that Go cannot compile allows every value: the bank
// decides.
func (d CredentialDefinition) Matches(value string) bool {
	if !IsText(value) {
		return false
	}
	expression, err := regexp.Compile("^(?:" + d.Regexp + ")$")
	return err != nil || expression.MatchString(value)
}

// IsMessage reports whether a challenge of this type is only displayed; all others
// need an answer (contract §4.10).
func (t CredentialType) IsMessage() bool {
	switch t {
	case CredentialInfo, CredentialError, CredentialTimeout:
		return true
	}
	return false
}
