package synchro

import (
	"testing"

	"github.com/oxlin/oxlin"
)

// Accounts whose bank writes a placeholder for their number do not share one count.
func TestWhatAnAccountIsCountedBy(t *testing.T) {
	account := func(number, bankID string) string {
		return accountResource("balance", oxlin.Account{Type: oxlin.AccountCheckings, Number: number, BankID: bankID}, nil)
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

// Accounts that have the customer's number in common are counted apart, alike in each connection;
// so are those of one IBAN. Others keep the name that was stored before.
func TestAccountsOfOneNumberAreCountedApart(t *testing.T) {
	const number, iban = "00012345678", "FR7630001007941234567890185"
	accounts := []oxlin.Account{
		{ID: 1, Type: oxlin.AccountCheckings, Number: number, BankID: "a"},
		{ID: 2, Type: oxlin.AccountCheckings, Number: number, BankID: "b"},
		{ID: 3, Type: oxlin.AccountSavings, Number: number, BankID: "c"},
		{ID: 4, Type: oxlin.AccountCheckings, IBAN: iban, Currency: "EUR"},
		{ID: 5, Type: oxlin.AccountCheckings, IBAN: iban, Currency: "EUR"},
		{ID: 6, Type: oxlin.AccountCheckings, IBAN: iban, Currency: "USD"},
	}
	for i, want := range []string{
		"balance number 00012345678 CHECKINGS a", "balance number 00012345678 CHECKINGS b", "balance number 00012345678 SAVINGS",
		"balance iban " + iban + " EUR CHECKINGS of ours 4", "balance iban " + iban + " EUR CHECKINGS of ours 5", "balance iban " + iban + " USD CHECKINGS",
	} {
		if got := accountResource("balance", accounts[i], accounts); got != want {
			t.Errorf("account %d is counted by %q, want %q", i+1, got, want)
		}
		if got := resourceOf("balance", accounts[i].ID, oxlin.Connection{}, accounts, ""); got != want {
			t.Errorf("in a run, account %d is counted by %q, want %q", i+1, got, want)
		}
	}
}
