package oxlin_test

import (
	"testing"

	"github.com/oxlin/oxlin"
)

func TestTwoConnectionsShowTheSameAccount(t *testing.T) {
	current := oxlin.Account{Type: oxlin.AccountCheckings, Currency: "EUR", IBAN: "FR7630001007941234567890185", Number: "12345678901"}
	card := oxlin.Account{Type: oxlin.AccountCreditCard, Currency: "EUR", MaskedNumber: "XXXX1234"}
	loan := oxlin.Account{Type: oxlin.AccountLoan, Currency: "EUR", Number: "777"}
	with := func(a oxlin.Account, change func(*oxlin.Account)) oxlin.Account {
		change(&a)
		return a
	}
	for _, row := range []struct {
		fact string
		a, b oxlin.Account
		want bool
	}{
		{"the same IBAN", current, with(current, func(a *oxlin.Account) { a.Number = "" }), true},
		{"another IBAN", current, with(current, func(a *oxlin.Account) { a.IBAN = "FR7610907000301234567890125" }), false},
		{"an IBAN beside none", current, with(current, func(a *oxlin.Account) { a.IBAN = "" }), false},
		{"one IBAN in two currencies", current, with(current, func(a *oxlin.Account) { a.Currency = "USD" }), false},
		{"an account and its card", current, with(current, func(a *oxlin.Account) { a.Type = oxlin.AccountCreditCard }), false},
		{"the same card", card, card, true},
		{"another card", card, with(card, func(a *oxlin.Account) { a.MaskedNumber = "XXXX9876" }), false},
		{"the same number", loan, loan, true},
		{"another number", loan, with(loan, func(a *oxlin.Account) { a.Number = "778" }), false},
		{"no number at all", with(loan, func(a *oxlin.Account) { a.Number = "" }), with(loan, func(a *oxlin.Account) { a.Number = "" }), false},
	} {
		if got, back := row.a.SameAs(row.b), row.b.SameAs(row.a); got != row.want || back != row.want {
			t.Errorf("%s: %t and %t, want %t", row.fact, got, back, row.want)
		}
	}
}
