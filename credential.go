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

// Key is an OpenPGP key by which a client encrypts what its user types (contract §3.5).
type Key struct {
	ID     KeyID
	UserID UserID
	// Public is the armored public key.
	Public string
	// ForPages says that our own pages encrypt for it, and no client asked for it.
	ForPages  bool
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Credential is what a channel keeps of one thing that the user typed, as far as
// it may be seen. Events store it as JSON.
type Credential struct {
	ID     CredentialID `json:"ID"`
	Masked string       `json:"Masked"`
}

// hidden is how a value looks of which nothing may be seen, not even its length.
const hidden = "********"

// Mask hides a value but for its last two characters: "demo" is "**mo" (contract
// §4.6). Of a password, of what came encrypted and of what is short, nothing shows.
func (d CredentialDefinition) Mask(value string) string {
	length := utf8.RuneCountInString(value)
	if d.Encrypt || d.Type == CredentialPassword || d.Type == CredentialNumericPassword || length < 4 {
		return hidden
	}
	shown := string([]rune(value)[length-2:])
	return strings.Repeat("*", length-2) + shown
}

// Matches says whether a value is text in the definition's form, as a whole. A form
// that is no valid expression in Go forbids nothing: the bank decides.
func (d CredentialDefinition) Matches(value string) bool {
	if !IsText(value) {
		return false
	}
	expression, err := regexp.Compile("^(?:" + d.Regexp + ")$")
	return err != nil || expression.MatchString(value)
}

// IsMessage says that a challenge of this type only tells something; the others
// are answered (contract §4.10).
func (t CredentialType) IsMessage() bool {
	switch t {
	case CredentialInfo, CredentialError, CredentialTimeout:
		return true
	}
	return false
}
