package api

import (
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// masked returns the visible part of an account's number before the user's consent: the
// bank's own masked form, else the last four characters.
func masked(a oxlin.Account) string {
	if a.MaskedNumber != "" {
		return a.MaskedNumber
	}
	number := []rune(connect.AccountNumber(a))
	seen := min(4, len(number)/2)
	return strings.Repeat("*", len(number)-seen) + string(number[len(number)-seen:])
}
