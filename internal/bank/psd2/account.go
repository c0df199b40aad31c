package psd2

import (
	"strings"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// FrenchNumber returns the account number inside a French IBAN: after the bank and
// branch codes, before the two check digits.
func FrenchNumber(iban string) string {
	if len(iban) != 27 || !strings.HasPrefix(iban, "FR") {
		return ""
	}
	return iban[14:25]
}

// LinkCards replaces each LinkedAddress that is an IBAN with the address of that account.
func LinkCards(accounts []bank.Account) {
	addresses := map[string]string{}
	for _, account := range accounts {
		if account.IBAN != "" {
			addresses[account.IBAN] = account.Address
		}
	}
	for i := range accounts {
		iban, _ := notation.IBAN(accounts[i].LinkedAddress).Told()
		address, ok := addresses[iban]
		if ok {
			accounts[i].LinkedAddress = address
		}
	}
}
