package connect

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

// A bank's code in an account number leads a file of any bank to the provider that has it.
func TestABankCodeLeadsToItsProvider(t *testing.T) {
	known, err := catalogue.Load(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	imports := &Imports{core: &core{catalogue: known}}
	anyBank, _ := known.Provider("2999")
	nickel, _ := known.Provider("2003")
	for name, test := range map[string]struct {
		said oxlin.Provider
		part part
		want oxlin.ProviderID
	}{
		"an IBAN":                {anyBank, part{iban: "FR7616598000011234567890111"}, "2003"},
		"a code by itself":       {anyBank, part{code: "16598", number: "12345678901"}, "2003"},
		"an IBAN of elsewhere":   {anyBank, part{iban: "DE7616598000011234567890"}, "2999"},
		"a code of no bank":      {anyBank, part{iban: "FR7699999000011234567890111"}, "2999"},
		"no number":              {anyBank, part{}, "2999"},
		"the user has said more": {nickel, part{iban: "FR7620433000011234567890111"}, "2003"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := imports.bankOf(test.said, []*part{&test.part}); got.ID != test.want {
				t.Errorf("provider %s %s, want %s", got.ID, got.Name, test.want)
			}
		})
	}
}

// The account numbers are examples of the registry of IBANs and of banks' own pages.
func TestAFrenchAccountNumberBecomesAnIBAN(t *testing.T) {
	for _, test := range []struct{ bank, branch, account, want string }{
		{"30006", "00001", "12345678901", "FR7630006000011234567890189"},
		{"20041", "01005", "0500013M026", "FR1420041010050500013M02606"},
		{"30004", "00003", "12345678901", "FR76300040000312345678901" + "43"},
		{"3000", "00003", "12345678901", ""},
		{"", "", "12345678901", ""},
		{"20041", "01005", "0500013-026", ""},
	} {
		if got := ibanOfRIB(test.bank, test.branch, test.account); got != test.want {
			t.Errorf("%s %s %s: %q, want %q", test.bank, test.branch, test.account, got, test.want)
		}
	}
}
