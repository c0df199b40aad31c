package reconcile_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

func TestAccounts(t *testing.T) {
	const iban, iban2 = "FR7699987000010001234567810", "FR7699987000010001234567907"
	type known = reconcile.KnownAccount
	type fetched = bank.Account
	checkings, savings, card, loan := oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountCreditCard, oxlin.AccountLoan
	for name, c := range map[string]struct {
		known   []known
		fetched []fetched
		want    string // id←row pairs, then new rows, then gone ids
	}{
		"a new consent brings new bank ids": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: "FR76 9998 7000 0100 0123 4567 810", Currency: "EUR", Type: checkings}},
			"[1←0] [] []",
		},
		"one account under two ids": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Name: "A", Type: checkings, BankID: "a", Channel: redirect}},
			[]fetched{{BankID: "x", IBAN: iban, Currency: "EUR", Name: "A", Type: checkings}, {BankID: "y", IBAN: iban, Currency: "EUR", Name: "a", Type: checkings}},
			"[1←0] [] []",
		},
		"two accounts of one IBAN, with names of their own": {
			nil,
			[]fetched{{BankID: "x", IBAN: iban, Currency: "EUR", Name: "A", Type: checkings}, {BankID: "y", IBAN: iban, Currency: "EUR", Name: "B", Type: checkings}},
			"[] [0 1] []",
		},
		"numbers become IBANs": {
			[]known{{ID: 1, Number: iban[4:], Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}, {ID: 2, Number: iban2[4:], Name: "A", Currency: "EUR", Type: checkings, BankID: "b", Channel: redirect}},
			[]fetched{{BankID: "x", IBAN: iban2, Name: "A", Currency: "EUR", Type: checkings}, {BankID: "y", IBAN: iban, Name: "A", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"numbers lose the zeros in front": {
			[]known{{ID: 1, Number: "000 12345", Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}, {ID: 2, Number: "00012346", Name: "A", Currency: "EUR", Type: checkings, BankID: "b", Channel: redirect}},
			[]fetched{{BankID: "x", Number: "12346", Name: "A", Currency: "EUR", Type: checkings}, {BankID: "y", Number: "12345", Name: "A", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"numbers that differ in their zeros in one list": {
			[]known{{ID: 1, Number: "0012345", Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}, {ID: 2, Number: "12345", Name: "B", Currency: "EUR", Type: checkings, BankID: "b", Channel: redirect}},
			[]fetched{{BankID: "b", Number: "12345", Name: "B", Currency: "EUR", Type: checkings}, {BankID: "a", Number: "0012345", Name: "A", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"placeholders for numbers": {
			[]known{{ID: 1, Number: "0000000000", Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}, {ID: 2, Number: "NOTPROVIDED", Name: "B", Currency: "EUR", Type: checkings, BankID: "b", Channel: redirect}},
			[]fetched{{BankID: "x", Number: "NOTPROVIDED", Name: "B", Currency: "EUR", Type: checkings}, {BankID: "y", Number: "0000000000", Name: "A", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"the customer's number at each account": {
			[]known{{ID: 1, Number: "12345678", Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}, {ID: 2, Number: "12345678", Name: "B", Currency: "EUR", Type: checkings, BankID: "b", Channel: redirect}},
			[]fetched{{BankID: "x", Number: "12345678", Name: "B", Currency: "EUR", Type: checkings}, {BankID: "y", Number: "12345678", Name: "A", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"the type changes, and the number and the name stay": {
			[]known{{ID: 1, Number: "12345678", Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}},
			[]fetched{{BankID: "x", Number: "12345678", Name: "A", Currency: "EUR", Type: savings}},
			"[1←0] [] []",
		},
		"the customer's number at another account than before": {
			[]known{{ID: 1, Number: "12345678", Name: "A", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}},
			[]fetched{{BankID: "x", Number: "12345678", Name: "LIVRET", Currency: "EUR", Type: savings}},
			"[] [0] [1]",
		},
		"a name in other letters": {
			[]known{{ID: 1, Name: "Compte chèque", Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect}, {ID: 2, Name: "Livret-A", Currency: "EUR", Type: savings, BankID: "b", Channel: redirect}},
			[]fetched{{BankID: "x", Name: "LIVRET A", Currency: "EUR", Type: savings}, {BankID: "y", Name: "COMPTE  CHEQUE", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"one IBAN in two currencies is two accounts": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: iban, Currency: "USD", Type: checkings}, {BankID: "c", IBAN: iban, Currency: "EUR", Type: checkings}},
			"[1←1] [0] []",
		},
		"the other channel calls the type otherwise": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: iban, Currency: "EUR", Type: savings}},
			"[1←0] [] []",
		},
		"a card shown with its account's IBAN is not the account": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: iban, Currency: "EUR", Type: card}},
			"[] [0] [1]",
		},
		"a list that names no currency": {
			[]known{{ID: 1, IBAN: iban, Currency: "GBP", Type: checkings, BankID: "x", Channel: redirect}, {ID: 2, IBAN: iban2, Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: iban, Type: checkings}, {BankID: "c", IBAN: iban2, Currency: "EUR", Type: checkings}},
			"[1←0 2←1] [] []",
		},
		"a list that names no currency, and nothing but the name stays": {
			[]known{{ID: 1, Name: "A", Currency: "GBP", Type: checkings, BankID: "x", Channel: redirect}},
			[]fetched{{BankID: "b", Name: "A", Type: checkings}},
			"[1←0] [] []",
		},
		"one IBAN in two currencies, of which the list names none": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Type: checkings, Channel: redirect}, {ID: 2, IBAN: iban, Currency: "USD", Type: checkings, Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: iban, Type: checkings}},
			"[] [0] [1 2]",
		},
		"a currency that was not known before": {
			[]known{{ID: 1, IBAN: iban, Type: checkings, Channel: redirect}},
			[]fetched{{BankID: "b", IBAN: iban, Currency: "EUR", Type: checkings}},
			"[1←0] [] []",
		},
		"a card under another mask": {
			[]known{{ID: 1, MaskedNumber: "4970 XXXX XXXX 1234", Currency: "EUR", Type: card, Channel: redirect}},
			[]fetched{{BankID: "b", MaskedNumber: "************1234", Currency: "EUR", Type: card}},
			"[1←0] [] []",
		},
		"a card of other digits, though the bank's id is the same": {
			[]known{{ID: 1, MaskedNumber: "4970XXXXXXXX1234", Currency: "EUR", Type: card, BankID: "a", Channel: redirect}},
			[]fetched{{BankID: "a", MaskedNumber: "4970XXXXXXXX9876", Currency: "EUR", Type: card}},
			"[] [0] [1]",
		},
		"two cards with the same last digits are told apart by the others": {
			[]known{{ID: 1, MaskedNumber: "4970XXXXXXXX1234", Currency: "EUR", Type: card, Channel: redirect}, {ID: 2, MaskedNumber: "5130XXXXXXXX1234", Currency: "EUR", Type: card, Channel: redirect}},
			[]fetched{{BankID: "b", MaskedNumber: "5130********1234", Currency: "EUR", Type: card}, {BankID: "a", MaskedNumber: "4970XXXXXXXX1234", Currency: "EUR", Type: card}},
			"[1←1 2←0] [] []",
		},
		"a loan by its number through the other channel": {
			[]known{{ID: 1, Number: "30001", Currency: "EUR", Type: loan, BankID: "x", Channel: redirect}},
			[]fetched{{BankID: "x2", Number: "30 001", Currency: "EUR", Type: loan}},
			"[1←0] [] []",
		},
		"a bank id that now has another IBAN": {
			[]known{{ID: 1, IBAN: iban, Currency: "EUR", Type: checkings, BankID: "1", Channel: redirect}},
			[]fetched{{BankID: "1", IBAN: iban2, Currency: "EUR", Type: checkings}},
			"[] [0] [1]",
		},
		"nothing but the bank's id": {
			[]known{{ID: 1, Currency: "EUR", Type: savings, BankID: "s", Channel: redirect}},
			[]fetched{{BankID: "s", Currency: "EUR", Type: savings}},
			"[1←0] [] []",
		},
		"another channel's bank id says nothing": {
			[]known{{ID: 1, Currency: "EUR", Type: savings, BankID: "s", Channel: embedded}},
			[]fetched{{BankID: "s", Currency: "EUR", Type: savings}},
			"[] [0] []",
		},
		"a card is replaced: another number under the bank's id, settled on the same account": {
			[]known{{ID: 1, MaskedNumber: "4970XXXXXXXX1234", Currency: "EUR", Type: card, BankID: "c", LinkedBankID: "a", Channel: redirect}},
			[]fetched{{BankID: "c", MaskedNumber: "4970XXXXXXXX9876", Currency: "EUR", Type: card, LinkedAddress: "a"}},
			"[1←0] [] []",
		},
		"a card is replaced at a bank that names no account for it": {
			[]known{{ID: 1, Number: "497001", Name: "CARTE  VISA", Currency: "EUR", Type: card, BankID: "c", Channel: redirect}},
			[]fetched{{BankID: "c", Number: "497002", Name: "Carte Visa", Currency: "EUR", Type: card}},
			"[1←0] [] []",
		},
		"a card settled on another account is another card": {
			[]known{{ID: 1, MaskedNumber: "4970XXXXXXXX1234", Name: "VISA", Currency: "EUR", Type: card, BankID: "c", LinkedBankID: "a", Channel: redirect}},
			[]fetched{{BankID: "c", MaskedNumber: "4970XXXXXXXX9876", Name: "VISA", Currency: "EUR", Type: card, LinkedAddress: "b"}},
			"[] [0] [1]",
		},
		"bank ids that count: the second card keeps its number and moves up": {
			[]known{
				{ID: 1, MaskedNumber: "4970XXXXXXXX1234", Currency: "EUR", Type: card, BankID: "1", LinkedBankID: "a", Channel: redirect},
				{ID: 2, MaskedNumber: "4970XXXXXXXX5678", Currency: "EUR", Type: card, BankID: "2", LinkedBankID: "a", Channel: redirect},
			},
			[]fetched{{BankID: "1", MaskedNumber: "4970XXXXXXXX5678", Currency: "EUR", Type: card, LinkedAddress: "a"}},
			"[2←0] [] [1]",
		},
		"an account that is no card is not replaced": {
			[]known{{ID: 1, Number: "30001", Name: "LIVRET", Currency: "EUR", Type: savings, BankID: "s", Channel: redirect}},
			[]fetched{{BankID: "s", Number: "30002", Name: "LIVRET", Currency: "EUR", Type: savings}},
			"[] [0] [1]",
		},
		"nothing but the name, through the other channel": {
			[]known{{ID: 1, IBAN: iban, Name: "Livret A", Currency: "EUR", Type: savings, BankID: "s", Channel: embedded}},
			[]fetched{{BankID: "7", Name: "LIVRET  A", Currency: "EUR", Type: savings}},
			"[1←0] [] []",
		},
		"two accounts of one name are not told apart by it": {
			[]known{{ID: 1, Name: "Livret A", Currency: "EUR", Type: savings, Channel: embedded}, {ID: 2, IBAN: iban, Name: "Livret A", Currency: "EUR", Type: savings, Channel: embedded}},
			[]fetched{{BankID: "7", Name: "Livret A", Currency: "EUR", Type: savings}, {BankID: "8", IBAN: iban, Name: "Livret A", Currency: "EUR", Type: savings}},
			"[2←1] [0] []",
		},
		"one name in another currency, and of another type": {
			[]known{{ID: 1, Name: "COMPTE", Currency: "EUR", Type: checkings, Channel: embedded}},
			[]fetched{{BankID: "7", Name: "COMPTE", Currency: "USD", Type: checkings}, {BankID: "8", Name: "COMPTE", Currency: "EUR", Type: savings}},
			"[] [0 1] []",
		},
		"one name, and the bank's id is another one, while other ids hold": {
			[]known{
				{ID: 1, Name: "LIVRET", Currency: "EUR", Type: savings, BankID: "s", Channel: redirect},
				{ID: 2, IBAN: iban, Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect},
			},
			[]fetched{{BankID: "t", Name: "LIVRET", Currency: "EUR", Type: savings}, {BankID: "a", IBAN: iban, Currency: "EUR", Type: checkings}},
			"[2←1] [0] [1]",
		},
		"one name, and a new consent has renewed all ids": {
			[]known{
				{ID: 1, Name: "LIVRET", Currency: "EUR", Type: savings, BankID: "s", Channel: redirect},
				{ID: 2, IBAN: iban, Currency: "EUR", Type: checkings, BankID: "a", Channel: redirect},
			},
			[]fetched{{BankID: "t", Name: "LIVRET", Currency: "EUR", Type: savings}, {BankID: "b", IBAN: iban, Currency: "EUR", Type: checkings}},
			"[1←0 2←1] [] []",
		},
		"one name, the IBAN is gone, and the id is renewed": {
			[]known{{ID: 1, IBAN: iban, Name: "COMPTE", Currency: "EUR", Type: checkings, BankID: "s", Channel: redirect}},
			[]fetched{{BankID: "t", Name: "COMPTE", Currency: "EUR", Type: checkings}},
			"[1←0] [] []",
		},
		"one name, another number, and the id is renewed": {
			[]known{{ID: 1, Number: "30001", Name: "LIVRET", Currency: "EUR", Type: savings, BankID: "s", Channel: redirect}},
			[]fetched{{BankID: "t", Number: "30002", Name: "LIVRET", Currency: "EUR", Type: savings}},
			"[] [0] [1]",
		},
		"two accounts of one name, and all ids are renewed": {
			[]known{
				{ID: 1, Name: "LIVRET", Currency: "EUR", Type: savings, BankID: "s", Channel: redirect},
				{ID: 2, Name: "LIVRET", Currency: "EUR", Type: savings, BankID: "t", Channel: redirect},
			},
			[]fetched{{BankID: "u", Name: "LIVRET", Currency: "EUR", Type: savings}, {BankID: "v", Name: "LIVRET", Currency: "EUR", Type: savings}},
			"[] [0 1] [1 2]",
		},
		"one account on two pages": {
			nil,
			[]fetched{{BankID: "b", IBAN: iban, Currency: "EUR", Type: checkings}, {BankID: "b", IBAN: iban, Currency: "EUR", Type: checkings}},
			"[] [0] []",
		},
		"one hash of several": {
			[]known{{ID: 1, Identities: hashes("a", "b"), Name: "A", Currency: "EUR", Type: checkings, Channel: redirect}, {ID: 2, Identities: hashes("c"), Name: "A", Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{Identities: hashes("c", "d"), Name: "A", Currency: "EUR", Type: checkings}, {Identities: hashes("b"), Name: "A", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"a hash in two currencies": {
			[]known{{ID: 1, Identities: hashes("a"), Currency: "EUR", Type: checkings, Channel: redirect}, {ID: 2, Identities: hashes("a"), Currency: "USD", Type: checkings, Channel: redirect}},
			[]fetched{{Identities: hashes("a"), Currency: "USD", Type: checkings}, {Identities: hashes("a"), Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"another hash under the only name": {
			[]known{{ID: 1, Identities: hashes("a"), Name: "A", Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{Identities: hashes("b"), Name: "A", Currency: "EUR", Type: checkings}},
			"[] [0] [1]",
		},
		"a hash of another IBAN": {
			[]known{{ID: 1, IBAN: iban, Identities: hashes("a"), Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{IBAN: iban2, Identities: hashes("a"), Currency: "EUR", Type: checkings}},
			"[] [0] [1]",
		},
		"the address of another account": {
			[]known{{ID: 1, Number: "1", Currency: "EUR", Type: checkings, Channel: redirect}, {ID: 2, Number: "2", Currency: "EUR", Type: checkings, Channel: redirect}},
			[]fetched{{Address: "1", Number: "2", Currency: "EUR", Type: checkings}, {Address: "2", Number: "1", Currency: "EUR", Type: checkings}},
			"[1←1 2←0] [] []",
		},
		"a card is replaced whose account has a new address": {
			[]known{{ID: 1, MaskedNumber: "4970XXXXXXXX1234", Currency: "EUR", Type: card, BankID: "c", LinkedBankID: "a", Channel: redirect}},
			[]fetched{{Address: "2", BankID: "a", Number: "7", Currency: "EUR", Type: checkings}, {Address: "1", BankID: "c", MaskedNumber: "4970XXXXXXXX9876", Currency: "EUR", Type: card, LinkedAddress: "2"}},
			"[1←1] [0] []",
		},
		"accounts without an id that share a name": {
			[]known{{ID: 1, Name: "A", Currency: "EUR", Type: savings, Channel: redirect}, {ID: 2, Name: "A", Currency: "EUR", Type: savings, Channel: redirect}},
			[]fetched{{Address: "1", Name: "A", Currency: "EUR", Type: savings}, {Address: "2", Name: "A", Currency: "EUR", Type: savings}},
			"[] [0 1] [1 2]",
		},
		"one address twice": {
			nil,
			[]fetched{{Address: "1", Name: "A", Currency: "EUR", Type: savings}, {Address: "1", Name: "B", Currency: "EUR", Type: savings}},
			"[] [0] []",
		},
		"one address in two currencies": {
			nil,
			[]fetched{{Address: "1", IBAN: iban, Currency: "EUR", Type: checkings}, {Address: "1", IBAN: iban, Currency: "USD", Type: checkings}},
			"[] [0 1] []",
		},
	} {
		t.Run(name, func(t *testing.T) {
			result := reconcile.Accounts(c.known, c.fetched, redirect)
			var matches []string
			for _, k := range c.known { // in the order of our ids
				for _, m := range result.Matches {
					if m.ID == k.ID {
						matches = append(matches, fmt.Sprintf("%d←%d", m.ID, m.Row))
					}
				}
			}
			got := fmt.Sprint(matches, result.New, result.Gone)
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// The list names a currency for the first time. An account of an IBAN is in the currency that
// was assumed, unless the list shows another one of the IBAN.
func TestAListNamesACurrencyAtLast(t *testing.T) {
	const iban = "FR7630001007941234567890185"
	known := func(id oxlin.AccountID, currency string, unlisted bool) reconcile.KnownAccount {
		return reconcile.KnownAccount{
			ID: id, IBAN: iban, Currency: currency, CurrencyUnlisted: unlisted, Type: oxlin.AccountCheckings, BankID: fmt.Sprint(id), Channel: redirect,
		}
	}
	for name, c := range map[string]struct {
		known []reconcile.KnownAccount
		shown []string
		want  []oxlin.AccountID // of the shown accounts; 0 for a new one
	}{
		"the same":                        {[]reconcile.KnownAccount{known(1, "EUR", true)}, []string{"EUR"}, []oxlin.AccountID{1}},
		"another":                         {[]reconcile.KnownAccount{known(1, "EUR", true)}, []string{"USD"}, []oxlin.AccountID{1}},
		"another than was listed":         {[]reconcile.KnownAccount{known(1, "EUR", false)}, []string{"USD"}, []oxlin.AccountID{0}},
		"two of one IBAN":                 {[]reconcile.KnownAccount{known(1, "EUR", true)}, []string{"EUR", "USD"}, []oxlin.AccountID{1, 0}},
		"two known, and one is shown":     {[]reconcile.KnownAccount{known(1, "EUR", true), known(2, "USD", true)}, []string{"USD"}, []oxlin.AccountID{2}},
		"two known, and both are shown":   {[]reconcile.KnownAccount{known(1, "EUR", true), known(2, "USD", true)}, []string{"USD", "EUR"}, []oxlin.AccountID{2, 1}},
		"one listed, and another assumed": {[]reconcile.KnownAccount{known(1, "EUR", true), known(2, "USD", false)}, []string{"USD"}, []oxlin.AccountID{2}},
	} {
		var shown []bank.Account
		for i, currency := range c.shown {
			shown = append(shown, bank.Account{BankID: fmt.Sprint("n", i), IBAN: iban, Currency: currency, Type: oxlin.AccountCheckings})
		}
		got := make([]oxlin.AccountID, len(shown))
		for _, match := range reconcile.Accounts(c.known, shown, redirect).Matches {
			got[match.Row] = match.ID
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A list may show an account again under another name. Its rows are read under the bank's id.
func TestAnAccountThatAListShowsTwiceIsOne(t *testing.T) {
	first := bank.Account{BankID: "1", IBAN: "FR7630001007941234567890185", Name: "ACCOUNT", Currency: "EUR", Type: oxlin.AccountCheckings}
	for name, c := range map[string]struct {
		change func(*bank.Account)
		want   int
	}{
		"as it is":                     {func(*bank.Account) {}, 1},
		"under another name":           {func(a *bank.Account) { a.Name = "COMPTE" }, 1},
		"without its IBAN":             {func(a *bank.Account) { a.IBAN = "" }, 1},
		"with another IBAN":            {func(a *bank.Account) { a.IBAN = "FR7610907000301234567890125" }, 2},
		"in another currency":          {func(a *bank.Account) { a.Currency = "USD" }, 2},
		"with another id":              {func(a *bank.Account) { a.BankID, a.IBAN = "2", "" }, 2},
		"without an id and an IBAN":    {func(a *bank.Account) { a.BankID, a.IBAN, a.Name = "", "", "OTHER" }, 2},
		"as a card that is paid there": {func(a *bank.Account) { a.Type = oxlin.AccountCreditCard }, 2},
	} {
		second := first
		c.change(&second)
		result := reconcile.Accounts(nil, []bank.Account{first, second}, redirect)
		if len(result.New) != c.want {
			t.Errorf("%s: %d accounts, want %d", name, len(result.New), c.want)
		}
		known := []reconcile.KnownAccount{{ID: 7, BankID: "1", IBAN: first.IBAN, Name: "ACCOUNT", Currency: "EUR", Type: first.Type, Channel: redirect}}
		result = reconcile.Accounts(known, []bank.Account{first, second}, redirect)
		if len(result.Matches) != 1 || len(result.New) != c.want-1 || len(result.Gone) > 0 {
			t.Errorf("%s: with the known one %+v", name, result)
		}
	}
}

// Several accounts of one name and without a number, of which the bank invents the ids anew, are
// not told apart, and the result says so.
func TestAccountsThatOnlyAnotherIDDistinguishes(t *testing.T) {
	known := []reconcile.KnownAccount{
		{ID: 1, BankID: "a1", Name: "LIVRET", Currency: "EUR", Type: oxlin.AccountSavings, Channel: redirect},
		{ID: 2, BankID: "a2", Name: "LIVRET", Currency: "EUR", Type: oxlin.AccountSavings, Channel: redirect},
		{ID: 3, BankID: "a3", Number: "0001", Name: "COMPTE", Currency: "EUR", Type: oxlin.AccountCheckings, Channel: redirect},
	}
	account := func(id, number, name string) bank.Account {
		a := bank.Account{BankID: id, Number: number, Name: name, Currency: "EUR", Type: oxlin.AccountSavings}
		if number != "" {
			a.Type = oxlin.AccountCheckings
		}
		return a
	}
	for name, c := range map[string]struct {
		shown []bank.Account
		want  []int
	}{
		"the same ids":                  {[]bank.Account{account("a1", "", "LIVRET"), account("a2", "", "LIVRET"), account("a3", "0001", "COMPTE")}, nil},
		"other ids":                     {[]bank.Account{account("b1", "", "LIVRET"), account("b2", "", "LIVRET"), account("b3", "0001", "COMPTE")}, []int{0, 1}},
		"another account of the name":   {[]bank.Account{account("a1", "", "LIVRET"), account("a2", "", "LIVRET"), account("a4", "", "LIVRET")}, nil},
		"another name":                  {[]bank.Account{account("b1", "", "PLAN"), account("a3", "0001", "COMPTE")}, nil},
		"another account with a number": {[]bank.Account{account("b3", "0002", "COMPTE")}, nil},
	} {
		if got := reconcile.Accounts(known, c.shown, redirect).Renumbered; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestTwoConnectionsShowTheSameAccount(t *testing.T) {
	current := oxlin.Account{Type: oxlin.AccountCheckings, Currency: "EUR", IBAN: "FR7630001007941234567890185", Number: "12345678901"}
	card := oxlin.Account{Type: oxlin.AccountCreditCard, Currency: "EUR", MaskedNumber: "497010XXXXXX1234"}
	loan := oxlin.Account{Type: oxlin.AccountLoan, Currency: "EUR", Number: "000777"}
	with := func(a oxlin.Account, change func(*oxlin.Account)) oxlin.Account {
		change(&a)
		return a
	}
	number := func(number string) oxlin.Account {
		return with(current, func(a *oxlin.Account) { a.IBAN, a.Number = "", number })
	}
	mask := func(masked string) oxlin.Account {
		return with(card, func(a *oxlin.Account) { a.MaskedNumber = masked })
	}
	for _, row := range []struct {
		fact string
		a, b oxlin.Account
		want bool
	}{
		{"the same IBAN", current, with(current, func(a *oxlin.Account) { a.Number = "" }), true},
		{"the same IBAN, and another type", current, with(current, func(a *oxlin.Account) { a.Type = oxlin.AccountSavings }), true},
		{"another IBAN", current, with(current, func(a *oxlin.Account) { a.IBAN = "FR7610907000301234567890125" }), false},
		{"the number within an IBAN", current, number("12345678901"), true},
		{"the whole number of an IBAN", current, number("30001007941234567890185"), true},
		{"another number than the IBAN's", current, number("12345678902"), false},
		{"one IBAN in two currencies", current, with(current, func(a *oxlin.Account) { a.Currency = "USD" }), false},
		{"an account and its card", current, with(current, func(a *oxlin.Account) { a.Type = oxlin.AccountCreditCard }), false},
		{"the same card", card, card, true},
		{"the same card, masked otherwise", card, mask("4970 10** **** 1234"), true},
		{"the same card, of which only the end is shown", card, mask("1234"), true},
		{"another card", card, mask("497010XXXXXX9876"), false},
		{"another card with the same end", card, mask("512345XXXXXX1234"), false},
		{"cards without an end", mask("XXXX"), mask("XXXX"), false},
		{"the same number", loan, loan, true},
		{"the same number without its zeros", loan, with(loan, func(a *oxlin.Account) { a.Number = "7-77" }), true},
		{"another number", loan, with(loan, func(a *oxlin.Account) { a.Number = "778" }), false},
		{"the same number of another type", loan, with(loan, func(a *oxlin.Account) { a.Type = oxlin.AccountSavings }), false},
		{"zeros for numbers", number("0000000000"), number("0000000000"), false},
		{"placeholders for numbers", number("NOTPROVIDED"), number("NOTPROVIDED"), false},
		{"no number at all", number(""), number(""), false},
	} {
		a, b := reconcile.KnownOf(row.a), reconcile.KnownOf(row.b)
		if got, back := reconcile.SameAccount(a, b), reconcile.SameAccount(b, a); got != row.want || back != row.want {
			t.Errorf("%s: %t and %t, want %t", row.fact, got, back, row.want)
		}
	}
}

// hashes are identities of an aggregator.
func hashes(values ...string) (all []oxlin.AccountIdentity) {
	for _, value := range values {
		all = append(all, oxlin.AccountIdentity{Kind: oxlin.IdentityHash, Value: value})
	}
	return all
}
