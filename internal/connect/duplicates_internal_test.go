package connect

import (
	"testing"

	"github.com/oxlin/oxlin"
)

// A second connection to a bank is noticed across its brands and interfaces, by an IBAN alone.
func TestDuplicateOf(t *testing.T) {
	account := func(provider oxlin.ProviderID, change func(*oxlin.Account)) (oxlin.Connection, oxlin.Account) {
		a := oxlin.Account{
			Type: oxlin.AccountCheckings, Currency: "EUR", IBAN: "FR7612345000010000000000103", Number: "00000000001", Status: oxlin.AccountActive,
		}
		change(&a)
		return oxlin.Connection{ProviderID: provider}, a
	}
	same := func(*oxlin.Account) {}
	for _, c := range []struct {
		name     string
		provider oxlin.ProviderID
		change   func(*oxlin.Account)
		want     oxlin.ConnectionID
	}{
		{"the same bank", "87", same, 1},
		{"another brand or interface of the bank", "88", same, 1},
		{"another IBAN", "88", func(a *oxlin.Account) { a.IBAN = "FR7612345000010000000000200" }, 0},
		{"the same bank, a number alone", "87", func(a *oxlin.Account) { a.IBAN = "" }, 1},
		{"another provider, a number alone", "88", func(a *oxlin.Account) { a.IBAN = "" }, 0},
		{"another currency of the IBAN", "88", func(a *oxlin.Account) { a.Currency = "USD" }, 0},
		{"a card of the account, with the account's IBAN", "88", func(a *oxlin.Account) { a.Type = oxlin.AccountCreditCard }, 0},
		{"no consent yet", "88", func(a *oxlin.Account) { a.Status = oxlin.AccountPendingConsent }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			older, first := account("87", same)
			newer, second := account(c.provider, c.change)
			older.ID, newer.ID = 1, 2
			got := duplicateOf(newer, []oxlin.Connection{older}, map[oxlin.ConnectionID][]oxlin.Account{1: {first}, 2: {second}})
			if got != c.want {
				t.Errorf("it duplicates %d, want %d", got, c.want)
			}
		})
	}
}
