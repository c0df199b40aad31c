package connect

import (
	"cmp"
	"strings"

	"github.com/mavolin/standards/iban"

	"github.com/oxlin/oxlin"
)

// Typed clients fail without a name or a number of an account, so that both are never
// absent (contract §12.2).

// kindNames are the names of accounts that have no name at their bank. They are French, like
// the labels of categories.
var kindNames = map[oxlin.AccountType]string{
	oxlin.AccountCheckings: "Compte courant", oxlin.AccountSavings: "Compte épargne", oxlin.AccountLoan: "Prêt", oxlin.AccountCreditCard: "Carte",
}

// AccountName returns the account's name, else the name of its product, else its kind with the
// end of its number.
func AccountName(a oxlin.Account) string {
	product := ""
	if a.Details.Savings != nil {
		product = a.Details.Savings.Product
	}
	number := []rune(AccountNumber(a))
	return cmp.Or(strings.TrimSpace(a.Name), strings.TrimSpace(product), kindNames[a.Type]+" "+string(number[max(0, len(number)-4):]))
}

// AccountNumber returns the account number in the IBAN, else what a card shows of its number,
// else the number or the id that the bank uses. Through all channels of a bank it is the
// same, because all of them tell the IBAN. An account that was made by hand may have no
// number: then it is our id.
func AccountNumber(a oxlin.Account) string {
	return cmp.Or(numberIn(a.IBAN), a.MaskedNumber, strings.TrimSpace(a.Number), a.BankID, a.ID.String())
}

// numberIn returns the account number in an IBAN; empty if it cannot be read.
func numberIn(text string) string {
	if text == "" {
		return ""
	}
	parsed, err := iban.Parse(text)
	if err != nil {
		return frenchNumber(text)
	}
	// Countries whose parts are not known have their whole number after the check digits.
	return cmp.Or(parsed.AccountNumberPrefix+parsed.AccountNumber, parsed.BBAN)
}

// frenchNumber reads the eleven characters of the account in a French IBAN whose national
// key is wrong, as in many examples.
func frenchNumber(text string) string {
	text = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	if len(text) != 27 || !strings.HasPrefix(text, "FR") && !strings.HasPrefix(text, "MC") {
		return ""
	}
	return text[14:25]
}
