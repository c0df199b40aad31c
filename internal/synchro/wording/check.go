package wording

import (
	"regexp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// check matches a line about one cheque that the customer wrote, up to its number. A
// cheque that bounced or was paid in has a number of another person or of a slip.
var check = regexp.MustCompile(`^(?:(?:PAIEMENT|REGLEMENT|VOTRE)(?: PAR| DE)? )?(?:CHQ|CHEQUE)(?: EMIS| PAYE| (?:DE )?BANQUE)?[ .:]*(N ?[°ºO.]|N|NUM(?:ERO)?\.?|#)?[ .:]*(\d+)`)

// other matches what turns the digits before it into an amount, a day or a code.
var other = regexp.MustCompile(`^(?:[\pL_*]|[.,/-]\d| ?(?:€|(?:EUR|EUROS?|USD|GBP|CHF)\b))`)

// bareDay matches 120326, 12032026 or 20260312.
var bareDay = regexp.MustCompile(`^(?:(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:\d{2}|(?:19|20)\d{2})|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$`)

// CheckNumber returns the number of the cheque that a row of type CHECK paid: 5 to 10
// digits of the bank's words, if these are clear (contract §4.8, check_number). It is
// empty for all other rows.
func CheckNumber(t bank.Transaction, account oxlin.AccountType) string {
	if t.Amount >= 0 {
		return ""
	}
	for _, line := range cleanLines(t.Remittance) {
		number := checkNumber(plain(line))
		if number != "" && Read(t, account).Type == oxlin.TypeCheck {
			return number
		}
	}
	return ""
}

func checkNumber(line string) string {
	found := check.FindStringSubmatchIndex(line)
	if found == nil {
		return ""
	}
	announced, number, after := found[2] >= 0, line[found[4]:found[5]], line[found[5]:]
	if len(number) < 5 || len(number) > 10 || other.MatchString(after) || !announced && bareDay.MatchString(number) {
		return ""
	}
	return number
}
