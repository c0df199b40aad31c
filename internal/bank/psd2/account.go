package psd2

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin/internal/bank"
)

var ibanForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$`)

// IBAN returns the IBAN without spaces, or "" if the text has another form: banks also
// write placeholders, and two accounts with the same placeholder would look like one.
func IBAN(text string) string {
	iban := Compact(text)
	if !ibanForm.MatchString(iban) {
		return ""
	}
	return iban
}

// Compact returns a text in upper case and without spaces.
func Compact(s string) string { return strings.ToUpper(strings.ReplaceAll(s, " ", "")) }

// MaskNumber masks all but the last four digits of a card number that the bank sends in
// clear: nobody needs it, and storing it is forbidden (PCI DSS).
func MaskNumber(number string) string {
	const shown = 4
	digits := 0
	for _, r := range number {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < 12 {
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

// FrenchNumber returns the account number inside a French IBAN: after the bank and
// branch codes, before the two check digits.
func FrenchNumber(iban string) string {
	if len(iban) != 27 || !strings.HasPrefix(iban, "FR") {
		return ""
	}
	return iban[14:25]
}

// LinkCards replaces each LinkedBankID that is an IBAN with the id of that account.
func LinkCards(accounts []bank.Account) {
	ids := map[string]string{}
	for _, account := range accounts {
		if account.IBAN != "" {
			ids[account.IBAN] = account.BankID
		}
	}
	for i := range accounts {
		id, ok := ids[Compact(accounts[i].LinkedBankID)]
		if ok {
			accounts[i].LinkedBankID = id
		}
	}
}
