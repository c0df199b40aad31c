package openbanking_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// wholeCard is the number of a card that nothing masks.
var wholeCard = regexp.MustCompile(`^[0-9]{15,19}$`)

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzAnswers gives a bank's answer to everything that is read. No answer panics, shows a
// balance that is not in it, has rows without a sign, or the number of a card in clear.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		list("Account", `{"AccountId":"1","Account":[{"SchemeName":"UK.OBIE.IBAN","Identification":"GB33DABA56037150203998"}]}`),
		list("Account", `{"AccountId":"1","AccountSubType":"CreditCard","Account":{"SchemeName":"UK.Bank.Card","Identification":"4111-1111 1111.1111"}}`),
		list("Account", `{"AccountId":"1","AccountTypeCode":"CARD","Account":[{"SchemeName":"PAN","Identification":4111111111111111},{"Identification":"411111xxxxxx1111"}]}`),
		list("Balance", `{"Amount":{"Amount":"1,000.00","Currency":"GBP"},"CreditDebitIndicator":"Debit","CreditLine":[{"Included":true}]}`),
		list("Transaction", head+`"CreditDebitIndicator":"Debit",`+day),
		list("Party", `{"Name":"Ann"}`),
		`{"Data":{"Transaction":[{"Amount":`, `{"Errors":[{"ErrorCode":"x"}]}`, `{"Data":[[[[]]]]}`,
	} {
		f.Add([]byte(body))
	}
	config := plain()
	config.Accounts.Names = []string{"Account.Name", "Account.SecondaryIdentification"}
	config.Transactions.Texts = []string{"MerchantDetails.MerchantName", "SupplementaryData.Lines.Text"}
	config.Transactions.Ignore = []openbanking.Match{{Path: "SupplementaryData.Declined", Equals: "true"}}
	config.Balances.CreditLine = "subtract"
	f.Fuzz(func(t *testing.T, body []byte) {
		connector, err := openbanking.New(config, psd2.Deps{
			Now: func() time.Time { return summer }, Seal: psd2.Seal{Key: newKey(t)}, MaxList: 1 << 16,
			Transport: transport(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		page, err := connector.Accounts(t.Context(), call, "")
		if err == nil {
			_, _ = connector.Owner(t.Context(), call, page)
			for _, one := range page.Accounts {
				if one.Type == oxlin.AccountCreditCard && (wholeCard.MatchString(one.Number) || wholeCard.MatchString(notation.Compact(one.MaskedNumber))) {
					t.Errorf("a card has the numbers %q and %q", one.Number, one.MaskedNumber)
				}
			}
		}
		told, err := connector.Balances(t.Context(), call, account, "")
		if err == nil && (told.Shown == nil) != (len(told.All) == 0) {
			t.Errorf("shown is %v of %d balances", told.Shown, len(told.All))
		}
		rows, err := connector.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 6, 1), "")
		if err != nil {
			return
		}
		for _, row := range rows.Transactions {
			if row.Status == "" || row.Raw == nil {
				t.Errorf("a row is %+v", row)
			}
		}
	})
}
