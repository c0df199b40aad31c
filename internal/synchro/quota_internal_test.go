package synchro

import (
	"testing"

	"github.com/oxlin/oxlin"
)

// Accounts whose bank writes a placeholder for their number do not share one count.
func TestWhatAnAccountIsCountedBy(t *testing.T) {
	account := func(number, bankID string) string {
		return accountResource("balance", oxlin.Account{Type: oxlin.AccountCheckings, Number: number, BankID: bankID})
	}
	for _, number := range []string{"", "0000000000", "NOTPROVIDED", "000 000", "XXXX", "not provided"} {
		if account(number, "a") == account(number, "b") {
			t.Errorf("%q: %s and %s", number, account(number, "a"), account(number, "b"))
		}
	}
	// The names are hashed: those of real numbers keep their form.
	if got := account("00012345678", "a"); got != "balance number 00012345678 CHECKINGS" || got != account("00012345678", "b") {
		t.Errorf("%s", got)
	}
}
