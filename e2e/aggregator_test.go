package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	domain "github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/enabletest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// TestAnAggregatorThroughAValidatingProxy sends every call of the connector for Enable
// Banking through a proxy that refuses requests and answers that the official file does not
// describe.
func TestAnAggregatorThroughAValidatingProxy(t *testing.T) {
	t.Parallel()
	prism, document := validator(t), banktest.Shared(t, 1, "specs", "enable-banking-api.yaml")
	server := enabletest.New(t, time.Now)
	server.Redirects = []string{"https://oxlin.example/oauth2/aisp"}
	server.Banks = []enabletest.Bank{{
		Name: "Village Bank", Country: "FR", Logo: "https://aggregator.example/brands/FR/Village/", PSUTypes: []string{"personal"}, Validity: 90 * 86400,
		BIC: "VILLFRPP", Headers: []string{"Psu-Ip-Address", "Psu-User-Agent", "Psu-Geo-Location"},
	}}
	money := func(amount string) map[string]any { return map[string]any{"currency": "EUR", "amount": amount} }
	row := map[string]any{
		"entry_reference": "e-1", "status": "BOOK", "credit_debit_indicator": "DBIT", "booking_date": time.Now().AddDate(0, 0, -3).Format(time.DateOnly),
		"transaction_amount": money("12.50"), "remittance_information": []string{"TEA"},
	}
	server.Accounts = []enabletest.Account{{
		Members: map[string]any{
			"account_id": map[string]any{"iban": "FR7630006000011234567890189"}, "name": "ANN EXAMPLE", "cash_account_type": "CACC", "currency": "EUR",
			"identification_hash": "hash-1", "identification_hashes": []string{"hash-1"},
		},
		Balances: []map[string]any{{"name": "Booked", "balance_type": "CLBD", "balance_amount": money("-10.00")}},
		Pages:    [][]map[string]any{{row}, {}, {row}},
	}}
	upstream := httptest.NewServer(server)
	t.Cleanup(upstream.Close)
	front := proxy(t, prism, document, upstream.URL)
	to, err := url.Parse(front)
	if err != nil {
		t.Fatal(err)
	}
	deps := psd2.Deps{Transport: toProxy{to}}
	application := enablebanking.Application{BaseURL: "https://api.enablebanking.com", ID: enabletest.Application, Key: server.Key}
	banks, _, err := enablebanking.Banks(t.Context(), application, deps, "FR", enablebanking.Personal)
	if err != nil || len(banks) != 1 {
		t.Fatalf("%d banks, %v", len(banks), err)
	}
	connector, err := enablebanking.New(enablebanking.Config{
		Application: application, Bank: banks[0].Bank, MaximumValidity: banks[0].MaximumValidity, RequiredPSUHeaders: banks[0].RequiredPSUHeaders,
	}, deps)
	if err != nil {
		t.Fatal(err)
	}
	today := domain.DateIn(time.Now(), time.UTC)
	psu := &domain.PSU{IP: "192.0.2.7", UserAgent: "Firefox", Location: "geo:48.8566,2.3522"}
	journey := bank.Journey{
		RedirectURI: server.Redirects[0], RedirectState: "the-state", Language: "fr", Accounts: []bank.Identity{{IBAN: "FR7630006000011234567890189"}},
	}
	step, err := connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey, PSU: psu})
	if err != nil {
		t.Fatal(err)
	}
	address := step.(bank.Address)
	back, err := url.Parse(server.Approve(address.URL))
	if err != nil {
		t.Fatal(err)
	}
	step, err = connector.Continue(t.Context(), bank.Input{
		Event: bank.Returned, Journey: journey, State: address.State, PSU: psu, Return: bank.Return{Query: back.Query()},
	})
	if err != nil {
		t.Fatal(err)
	}
	access := step.(bank.Access)
	for _, call := range []bank.Call{{Access: access, PSU: psu}, {Access: access}} {
		page, err := connector.Accounts(t.Context(), call, "")
		if err != nil || len(page.Accounts) != 1 {
			t.Fatalf("%d accounts, %v", len(page.Accounts), err)
		}
		account := page.Accounts[0].Ref()
		balances, err := connector.Balances(t.Context(), call, account, "")
		if err != nil || balances.Shown == nil {
			t.Fatalf("balances %+v, %v", balances, err)
		}
		rows, pages := 0, 0
		for cursor := ""; ; pages++ {
			page, err := connector.TransactionsUntil(t.Context(), call, account, today.AddDays(-60), today, cursor)
			if err != nil {
				t.Fatal(err)
			}
			rows += len(page.Transactions)
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if rows == 0 || pages != 2 {
			t.Errorf("%d rows on %d further pages", rows, pages)
		}
	}
	err = connector.Revoke(t.Context(), access)
	if err != nil || server.Sessions()[0].Status != "CLOSED" {
		t.Errorf("the session is %s, %v", server.Sessions()[0].Status, err)
	}
	// What the proxy lets pass is only worth something if it refuses something.
	server.Requests()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front+"/auth", strings.NewReader(`{"state":"s"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer x")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusUnprocessableEntity || len(server.Requests()) != 0 {
		t.Errorf("the proxy answers a request without its members with %s", answer.Status)
	}
}

// toProxy sends the requests to the interface to a proxy.
type toProxy struct{ to *url.URL }

func (p toProxy) RoundTrip(request *http.Request) (*http.Response, error) {
	led := request.Clone(request.Context())
	led.Host, led.URL.Scheme, led.URL.Host = "", p.to.Scheme, p.to.Host
	return http.DefaultTransport.RoundTrip(led)
}
