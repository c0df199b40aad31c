package passkey

import (
	"encoding/base64"
	"io"
	"strings"
	"time"
	"unicode"
)

const (
	// Most bounds the passkeys of one person.
	Most = 10
	// ChallengeBytes is the length of a challenge; 16 are the least (section 13.4.3).
	ChallengeBytes = 32
	// ChallengeLife is how long a challenge waits for its answer.
	ChallengeLife = 5 * time.Minute
)

// Ask is the question to a browser for a passkey. The zero Ask asks for none.
type Ask struct {
	// Challenge and IDs are base64url. IDs are the passkeys that may answer, and any may without
	// them; for a new passkey, they are those that the person has.
	Challenge string
	Party     Party
	IDs       []string
	// Site is the name of the site, for a new passkey.
	Site string
	// User identifies the person to the authenticator, in base64url. The authenticator shows Name.
	User, Name string
	// Resident is set if the authenticator has to find a new passkey without its id.
	Resident bool
}

// NewChallenge returns a random challenge.
func NewChallenge(random io.Reader) (string, error) {
	challenge := make([]byte, ChallengeBytes)
	_, err := io.ReadFull(random, challenge)
	return Text(challenge), err
}

// Text writes bytes as pages and rows have them, in base64url.
func Text(of []byte) string { return base64.RawURLEncoding.EncodeToString(of) }

// ToUse returns the attributes of the form by which script/passkey.js asks for a passkey; none
// for the zero Ask.
func (a Ask) ToUse() map[string]any {
	if a.Challenge == "" {
		return nil
	}
	verification := "preferred"
	if a.Party.Verified {
		verification = "required"
	}
	return map[string]any{
		"data-passkey": "get", "data-challenge": a.Challenge, "data-rp": a.Party.ID, "data-ids": strings.Join(a.IDs, " "), "data-verification": verification,
	}
}

// ToMake is ToUse for a new passkey.
func (a Ask) ToMake() map[string]any {
	attributes := a.ToUse()
	if attributes == nil {
		return nil
	}
	attributes["data-passkey"], attributes["data-site"], attributes["data-user"], attributes["data-name"] = "create", a.Site, a.User, a.Name
	if a.Resident {
		attributes["data-resident"] = "required"
	}
	return attributes
}

// Name returns the name that a person gives to a passkey, without spaces around it, and reports
// whether it has 1 to 60 characters in one line.
func Name(text string) (string, bool) {
	text = strings.TrimSpace(text)
	return text, text != "" && len([]rune(text)) <= 60 && !strings.ContainsFunc(text, unicode.IsControl)
}
