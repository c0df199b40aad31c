package enablebanking_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzAnswers gives an answer of foreign bytes to everything that is read, as the answer of
// the login and of each later call. None panics, shows a balance that is not in it, or has
// rows without a state.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"session_id":"s","accounts":[{"uid":"u","account_id":{"iban":"FR7630006000011234567890189"},"cash_account_type":"CACC","currency":"EUR","identification_hash":"h"}],
			"access":{"valid_until":"2027-01-01T00:00:00Z"}}`,
		`{"status":"AUTHORIZED","accounts":["u"],"accounts_data":[{"uid":"u","identification_hash":"h"}]}`,
		`{"balances":[{"balance_amount":{"amount":"1,000.00","currency":"EUR"},"balance_type":"CLBD"}]}`,
		`{"transactions":[{"transaction_amount":{"amount":"1.00","currency":"EUR"},"credit_debit_indicator":"DBIT","status":"BOOK","booking_date":"2026-11-01"}],"continuation_key":"k&=?"}`,
		`{"transactions":[],"continuation_key":{}}`, `{"url":"https://x.example/"}`, `{"error":"EXPIRED_SESSION"}`, `{"accounts":[[[[]]]]}`, `null`,
	} {
		f.Add([]byte(body))
	}
	config := configOf(newServer(f, time.Now))
	known := bank.Access{State: oxlin.NewSecret(`{"session":"s","accounts":[{"uid":"u","identification_hash":"h","cash_account_type":"CACC","currency":"EUR"}]}`)}
	// One connector is for all: signing would take most of the time, and its paths vary.
	var body []byte
	connector, err := enablebanking.New(config, psd2.Deps{
		Now: func() time.Time { return autumn }, MaxList: 1 << 16, Transport: transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, nil
		}),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		body = answer
		_, _ = connector.Continue(t.Context(), bank.Input{Event: bank.Begun})
		step, err := connector.Continue(t.Context(), bank.Input{
			Event: bank.Returned, State: oxlin.NewSecret(`{"until":"2027-01-01T00:00:00Z"}`), Return: bank.Return{Query: map[string][]string{"code": {"c"}}},
		})
		accesses := []bank.Access{known}
		if err == nil {
			accesses = append(accesses, step.(bank.Access))
		}
		for _, access := range accesses {
			call := bank.Call{Access: access}
			_, _ = connector.Accounts(t.Context(), call, "")
			account := bank.AccountRef{Address: "u", Type: oxlin.AccountCheckings, Currency: "EUR"}
			told, err := connector.Balances(t.Context(), call, account, "")
			if err == nil && (told.Shown == nil) != (len(told.All) == 0) {
				t.Errorf("shown is %v of %d balances", told.Shown, len(told.All))
			}
			rows, err := connector.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 6, 1), "")
			if err != nil {
				continue
			}
			for _, row := range rows.Transactions {
				if row.Status == "" || row.Raw == nil {
					t.Errorf("a row is %+v", row)
				}
			}
		}
	})
}
