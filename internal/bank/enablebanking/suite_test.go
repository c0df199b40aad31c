package enablebanking_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/enabletest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

var autumn = time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)

// required are the headers of the user that the bank wants.
var required = []string{"Psu-Ip-Address", "psuUserAgent"}

var present = oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}

// member returns a member of a record with an amount.
func euros(amount string) map[string]any { return map[string]any{"currency": "EUR", "amount": amount} }

// row returns a booked debit.
func row(id, day, amount, text string) map[string]any {
	return map[string]any{
		"entry_reference": id, "status": "BOOK", "credit_debit_indicator": "DBIT", "booking_date": day,
		"transaction_amount": euros(amount), "remittance_information": []string{text},
	}
}

// newServer returns an aggregator with one bank: a current account of three pages, of which
// the second is empty, a card, and an account that is blocked.
func newServer(t testing.TB, now func() time.Time) *enabletest.Server {
	server := enabletest.New(t, now)
	server.Redirects = []string{"https://oxlin.test/oauth2/aisp", "https://oxlin.example/oauth2/aisp"}
	server.Banks = []enabletest.Bank{{
		Name: "Village Bank", Country: "FR", Logo: "https://aggregator.example/brands/FR/Village/", PSUTypes: []string{"personal"},
		Validity: 90 * 86400, BIC: "VILLFRPP", Headers: []string{"Psu-Ip-Address", "Psu-User-Agent"},
	}}
	hashes := func(hash string) []string { return []string{hash, "other-" + hash} }
	var newest, oldest []map[string]any
	for n := range 20 {
		newest = append(newest, row(fmt.Sprintf("n-%d", n), fmt.Sprintf("2026-11-%02d", 20-n), fmt.Sprintf("%d.50", n+1), "TEA"))
		oldest = append(oldest, row(fmt.Sprintf("o-%d", n), fmt.Sprintf("2026-09-%02d", 20-n), fmt.Sprintf("%d.25", n+1), "COFFEE"))
	}
	server.Accounts = []enabletest.Account{
		{
			Members: map[string]any{
				"account_id": map[string]any{"iban": "FR7630006000011234567890189"}, "name": "ANN EXAMPLE", "details": "My account", "product": "Compte de dépôt",
				"cash_account_type": "CACC", "currency": "EUR", "usage": "PRIV", "psu_status": "Account Holder",
				"identification_hash": "hash-1", "identification_hashes": hashes("hash-1"),
			},
			Balances: []map[string]any{
				{"name": "Available", "balance_type": "ITAV", "balance_amount": euros("1510.00")},
				{"name": "Booked", "balance_type": "CLBD", "balance_amount": euros("-10.00"), "reference_date": "2026-11-29"},
			},
			Pages: [][]map[string]any{newest, {}, oldest},
		},
		{
			Members: map[string]any{
				"account_id": map[string]any{"other": map[string]any{"identification": "4970101234567890", "scheme_name": "CPAN"}}, "name": "ANN EXAMPLE",
				"cash_account_type": "CARD", "currency": "EUR", "identification_hash": "hash-2", "identification_hashes": hashes("hash-2"),
			},
			Balances: []map[string]any{{"name": "Coming", "balance_type": "OTHR", "balance_amount": euros("-3.00")}},
			Pages:    [][]map[string]any{{row("c-1", "2026-11-10", "3.00", "BOOKS")}},
		},
		{
			Blocked: true,
			Members: map[string]any{
				"account_id": map[string]any{"iban": "FR7630006000019876543210102"}, "name": "ANN EXAMPLE", "details": "Old account",
				"cash_account_type": "SVGS", "currency": "EUR", "identification_hash": "hash-3", "identification_hashes": hashes("hash-3"),
			},
		},
	}
	return server
}

// configOf returns the data of the server's bank.
func configOf(server *enabletest.Server) enablebanking.Config {
	return enablebanking.Config{
		Application: enablebanking.Application{BaseURL: "https://aggregator.example", ID: enabletest.Application, Key: server.Key},
		Bank:        enablebanking.Bank{Name: "Village Bank", Country: "FR"}, MaximumValidity: 90 * 86400, RequiredPSUHeaders: required,
	}
}

// over returns a transport to a server whose requests and answers are checked against the
// official file.
func over(t testing.TB, server http.Handler) http.RoundTripper {
	standard := banktest.NewStandard(t, "enablebanking")
	standard.Answers = true
	return banktest.Serve(t, standard.Check("", server))
}

func newConnector(t testing.TB, config enablebanking.Config, transport http.RoundTripper, now func() time.Time) *enablebanking.Connector {
	t.Helper()
	connector, err := enablebanking.New(config, psd2.Deps{Transport: transport, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

// logIn takes the way in to its end.
func logIn(t testing.TB, server *enabletest.Server, connector *enablebanking.Connector, journey bank.Journey) (bank.Access, error) {
	t.Helper()
	journey.RedirectURI, journey.RedirectState = "https://oxlin.test/oauth2/aisp", "the-state"
	step, err := connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey, PSU: &present})
	if err != nil {
		return bank.Access{}, err
	}
	address := step.(bank.Address)
	back, err := url.Parse(server.Approve(address.URL))
	if err != nil {
		t.Fatal(err)
	}
	step, err = connector.Continue(t.Context(), bank.Input{
		Event: bank.Returned, Journey: journey, State: address.State, PSU: &present, Return: bank.Return{Query: back.Query()},
	})
	if err != nil {
		return bank.Access{}, err
	}
	return step.(bank.Access), nil
}

func TestTheConnectorKeepsThePromisesOfAll(t *testing.T) {
	now := func() time.Time { return autumn }
	server := newServer(t, now)
	server.Accounts = server.Accounts[:2]
	transport := over(t, server)
	access, err := logIn(t, server, newConnector(t, configOf(server), transport, now), bank.Journey{})
	if err != nil {
		t.Fatal(err)
	}
	banktest.Exercise(t, banktest.Subject{
		New:  func() bank.Connector { return newConnector(t, configOf(server), transport, now) },
		Call: bank.Call{Access: access, PSU: &present},
		From: oxlin.NewDate(2026, 1, 1),
		Seen: server.Requests,
		Enter: func(t *testing.T, step bank.Step) bank.Input {
			back, err := url.Parse(server.Approve(step.(bank.Address).URL))
			if err != nil {
				t.Fatal(err)
			}
			return bank.Input{Event: bank.Returned, Return: bank.Return{Query: back.Query()}}
		},
	})
}
