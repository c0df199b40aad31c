package notation

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	ibanForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$`)
	// masked is a part that the bank hides, or a placeholder.
	masked = regexp.MustCompile(`X{4}`)
)

// IBAN reads an IBAN in any layout: with spaces of any kind, hyphens, dots, small
// letters, and the word IBAN before it. Two accounts with the same placeholder would
// look like one, so that a placeholder and a masked IBAN are unreadable.
func IBAN(text string) Reading[string] {
	iban := Compact(text)
	if iban == "" {
		return Absent[string]()
	}
	iban = strings.TrimLeft(strings.TrimPrefix(iban, "IBAN"), ":")
	if !ibanForm.MatchString(iban) || masked.MatchString(iban) || strings.Trim(iban[4:], iban[4:5]) == "" {
		return Unreadable[string]()
	}
	return Told(iban)
}

// Compact returns a number or an id without its layout: in capitals, without spaces,
// hyphens, dots and marks.
func Compact(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), isMark(r), isJoiner(r), r == '.', r == '_', r == '\u2212':
			return -1
		}
		return unicode.ToUpper(r)
	}, strings.ToValidUTF8(text, ""))
}

// shownDigits is how many digits of a card number may be stored.
const shownDigits = 4

// CardNumber returns a card number without its layout. Of a number in clear it masks all
// but the last four digits: nobody needs them, and storing them is forbidden (PCI DSS).
// A text that is not a number of a card is returned unchanged.
func CardNumber(text string) string {
	number := Compact(text)
	digits, hidden := 0, 0
	for _, r := range number {
		switch {
		case unicode.IsDigit(r):
			digits++
		case strings.ContainsRune("X*#•", r):
			hidden++
		default:
			return MaskDigits(text)
		}
	}
	if digits+hidden < 12 || digits+hidden > 19 {
		return MaskDigits(text)
	}
	return MaskDigits(number)
}

// MaskDigits masks all but the last four digits of a text that has as many digits as a
// card number.
func MaskDigits(text string) string {
	const shortest = 12
	digits := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < shortest {
		return text
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return r
		}
		digits--
		if digits < shownDigits {
			return r
		}
		return '*'
	}, text)
}
