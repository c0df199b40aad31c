package oxlin

import (
	"net/mail"
	"strings"
	"unicode/utf8"
)

// IsText reports whether s is valid UTF-8 without NUL. PostgreSQL cannot store anything
// else as text.
func IsText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// maxEmail is the length of the longest address (RFC 5321 §4.5.3.1.3).
const maxEmail = 254

// CheckEmail rejects any text other than a single e-mail address without a display
// name or spaces.
func CheckEmail(email string) error {
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > maxEmail || strings.ContainsAny(email, " \t\r\n") {
		return Invalid("email", "The e-mail is not a valid address.")
	}
	return nil
}
