package directory

import (
	"context"
	"log/slog"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory/guessable"
)

const (
	// shortestOwn is the least number of characters of a password that a user chooses.
	shortestOwn = 12
	// ShortestGiven is the default of PasswordRules.Given.
	ShortestGiven = 8
	// longestPassword is in characters.
	longestPassword = 128
	// maxPassword is in bytes. It holds in a sandbox too, because hashing takes time.
	maxPassword = 1024
)

// PasswordRules decide which passwords may be set (contract §12.13). A sign-in does not ask
// them, so that a password which was set under other rules keeps working.
type PasswordRules struct {
	// Given is the least number of characters of a password that a confidential client
	// chooses for its user. Zero means ShortestGiven.
	Given int
	// Warn replaces the refusals, except those of passwords that cannot be hashed: the
	// rules write one line to the log.
	Warn bool
	Log  *slog.Logger
}

// NewPassword is a password that is to be set.
type NewPassword struct {
	Password oxlin.Secret
	// Client is the client of the user.
	Client oxlin.Client
	// Email is the user's.
	Email string
	// Own is true if the user sets it, and not the client.
	Own bool
}

// Check refuses a password that breaks the rules. The error is CodeInvalidRequest of the
// field password.
func (r PasswordRules) Check(ctx context.Context, n NewPassword) error {
	if n.Password.IsZero() || len(n.Password.Reveal()) > maxPassword {
		return oxlin.Invalid("password", "A password has 1 to %d bytes.", maxPassword)
	}
	err := r.judge(n)
	if err == nil {
		return nil
	}
	if r.Warn {
		r.Log.WarnContext(ctx, "outside a sandbox this password is refused", "client", n.Client.ID, "reason", err.Message)
		return nil
	}
	return err
}

func (r PasswordRules) judge(n NewPassword) *oxlin.Error {
	text := n.Password.Reveal()
	// The users of a public client choose their passwords themselves, whoever sends them.
	own := n.Own || n.Client.IsPublic()
	shortest := shortestOwn
	if !own {
		shortest = r.Given
		if shortest == 0 {
			shortest = ShortestGiven
		}
	}
	length := utf8.RuneCountInString(norm.NFC.String(text))
	switch {
	case length < shortest:
		return oxlin.Invalid("password", "A password has at least %d characters.", shortest)
	case length > longestPassword:
		return oxlin.Invalid("password", "A password has at most %d characters.", longestPassword)
	case own && guessable.Password(text, n.Email, n.Client.Name):
		return oxlin.Invalid("password", "This password is one of those that attackers try first, or consists of words and names that they know.")
	}
	return nil
}
