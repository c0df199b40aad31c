package notation

import (
	"regexp"
	"strconv"
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
	if length := ibanLengths[prefixOf(iban)]; length > 0 && len(iban) == length+3 {
		if currency, ok := Currency(iban[length:]).Told(); ok && currency == iban[length:] {
			iban = iban[:length] // the currency of the account
		}
	}
	if !ibanForm.MatchString(iban) || masked.MatchString(iban) || strings.Trim(iban[4:], iban[4:5]) == "" {
		return Unreadable[string]()
	}
	return Told(iban)
}

// IsCheckedIBAN reports whether the check digits of an IBAN are right (ISO 7064, MOD 97-10).
func IsCheckedIBAN(iban string) bool {
	const country, modulus, base = 4, 97, 36
	if len(iban) <= country {
		return false
	}
	rest := 0
	for _, r := range iban[country:] + iban[:country] {
		digit, err := strconv.ParseInt(string(r), base, 32)
		if err != nil {
			return false
		}
		if digit >= 10 {
			rest *= 10
		}
		rest = (rest*10 + int(digit)) % modulus
	}
	return rest == 1
}

// ibanLengths are the lengths of the IBANs of the countries around.
var ibanLengths = map[string]int{
	"FR": 27, "MC": 27, "BE": 16, "LU": 20, "DE": 22, "ES": 24, "IT": 27, "PT": 25, "NL": 18, "CH": 21, "AT": 20, "IE": 22, "GB": 22,
}

// prefixOf returns the country of an IBAN.
func prefixOf(iban string) string { return iban[:min(2, len(iban))] }

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

// CardNumber returns a card number in the bank's layout, with plain spaces and without
// marks. It masks all but the last four digits of a number in clear: nobody needs them,
// and storing them is forbidden (PCI DSS). Compact makes two layouts comparable.
func CardNumber(text string) string {
	const shortest, shown = 12, 4
	number := Shown(text)
	digits := 0
	for _, r := range number {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < shortest {
		return number
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return r
		}
		digits--
		if digits < shown {
			return r
		}
		return '*'
	}, number)
}
