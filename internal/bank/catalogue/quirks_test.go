package catalogue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// now is the time of every scripted test: a Saturday, 11 o'clock in Paris.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// operator are the settings that make every provider available.
var operator = map[string]string{
	"bpce_client_id": "bpce", "lcl_client_id": "lcl", "cm_client_id": "cm", "cm_key_id": "cm-key",
	"bnp_client_id": "bnp", "bnp_client_secret": "bnp-secret", "ca_client_id": "ca", "lbp_client_id": "lbp",
	"sg_client_id": "sg", "sg_client_secret": "sg-secret", "arkea_client_id": "arkea", "boursorama_client_id": "boursorama",
	"fortis_client_id": "fortis", "fortis_client_secret": "fortis-secret",
	"qseal_url": "https://oxlin.test/qseal.pem", "qseal_folder": "https://oxlin.test/qseal",
	"openbanking_key_id": "key-1", "barclays_client_id": "barclays", "barclays_financial_id": "1", "barclays_jwks_url": "https://keys.example/1",
	"danske_client_id": "danske", "danske_financial_id": "2", "danske_jwks_url": "https://keys.example/2",
	"hsbc_client_id": "hsbc", "hsbc_financial_id": "3", "hsbc_jwks_url": "https://keys.example/3", "hsbc_token_url": "https://api.ob.hsbc.co.uk/token",
	"lloyds_client_id": "lloyds", "lloyds_financial_id": "4", "lloyds_jwks_url": "https://keys.example/4", "lloyds_issuer": "https://lloyds.example",
	"monzo_client_id": "monzo", "monzo_jwks_url": "https://keys.example/5",
	"atruvia_address": "https://atruvia.example", "argenta_api_key": "argenta-key", "argenta_client_id": "argenta",
	"raiffeisen_at_client_id": "raiffeisen", "qonto_client_id": "qonto", "qonto_client_secret": "qonto-secret",
}

// real returns the connector of a provider of the production catalogue, with a script
// in place of the bank and every request checked against the standard.
func real(t *testing.T, provider oxlin.ProviderID, script *banktest.Script) *stet.Connector {
	t.Helper()
	standard := banktest.NewStandard(t, versions[provider])
	standard.PlainDates = true
	banks, err := catalogue.Load(catalogue.Options{
		Variables:    operator,
		Certificates: certificates(t),
		Transport:    banktest.Serve(t, standard.Check(basePaths[provider], script)),
		Now:          func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	connector, err := banks.Connector(provider, oxlin.ChannelDefinitionID(provider+"01"))
	if err != nil {
		t.Fatal(err)
	}
	return connector.(*stet.Connector)
}

// The providers of the quirks, named after the files of their banks.
const (
	caisseEpargne oxlin.ProviderID = "1101"
	lcl           oxlin.ProviderID = "1300"
	cic           oxlin.ProviderID = "1401"
	bnp           oxlin.ProviderID = "1500"
	languedoc     oxlin.ProviderID = "1022"
	postale       oxlin.ProviderID = "1600"
	generale      oxlin.ProviderID = "1700"
	fortuneo      oxlin.ProviderID = "1801"
	boursorama    oxlin.ProviderID = "1900"
	fortis        oxlin.ProviderID = "1950"
)

var basePaths = map[oxlin.ProviderID]string{
	caisseEpargne: "/stet/psd2/v1.4.2", lcl: "/aisp/1.1", cic: "/cic/stet-psd2-api/v2.1", bnp: "/psd2/retail/v1.4",
	languedoc: "/dsp2/v1", postale: "/psd2/v1.4.2", generale: "/psd2/ais/v1", fortuneo: "/psd2/v1",
	boursorama: "/services/api/v1.7/_public_/dsp2", fortis: "/psd2/v2",
}

var versions = map[oxlin.ProviderID]string{
	caisseEpargne: "1.5", lcl: "1.5", cic: "1.5", bnp: "1.4", languedoc: "1.5", postale: "1.5",
	generale: "1.5", fortuneo: "1.5", boursorama: "1.5", fortis: "1.4",
}

// get returns an exchange: one page of a bank's answer to a target below its base path.
func get(provider oxlin.ProviderID, target, body string) banktest.Exchange {
	return banktest.Exchange{Ask: "GET " + basePaths[provider] + target, Body: body}
}

// row writes one transaction with the members that every bank gives.
func row(members string) string {
	return `{"transactionAmount":{"amount":"10.00","currency":"EUR"},"creditDebitIndicator":"DBIT",` + members + `}`
}

// TestTransactionTraps is a table of the quirks of banks: how each bank must be asked,
// and how its answer is read.
func TestTransactionTraps(t *testing.T) {
	account := bank.AccountRef{Address: "1", Type: oxlin.AccountCheckings, Currency: "EUR"}
	card := bank.AccountRef{Address: "1", Type: oxlin.AccountCreditCard, Currency: "EUR"}
	tests := []struct {
		name      string
		provider  oxlin.ProviderID
		account   bank.AccountRef
		from      oxlin.Date
		refreshed bool
		script    []banktest.Exchange
		want      []string
		wantIDs   []string
		fails     bank.FailureKind
	}{
		{
			name: "BNP Paribas gives 89 days a call: windows slide back over twelve months", provider: bnp,
			script: []banktest.Exchange{
				get(bnp, "/accounts/1/transactions?dateFrom=2026-08-25&dateTo=2026-11-22", `{"transactions":[`+
					row(`"status":"BOOK","bookingDate":"2026-11-20","remittanceInformation":["newest"]`)+`,`+
					row(`"status":"PDNG","remittanceInformation":["to come"]`)+`,`+
					row(`"status":"BOOK","bookingDate":"2026-08-31","remittanceInformation":["on the border"]`)+`]}`),
				get(bnp, "/accounts/1/transactions?dateFrom=2026-06-05&dateTo=2026-09-02", `{"transactions":[`+
					row(`"status":"BOOK","bookingDate":"2026-09-01","remittanceInformation":["belongs to the newer window"]`)+`,`+
					row(`"status":"PDNG","remittanceInformation":["to come"]`)+`,`+
					row(`"status":"BOOK","bookingDate":"2026-08-31","remittanceInformation":["on the border"]`)+`]}`),
				get(bnp, "/accounts/1/transactions?dateFrom=2026-03-16&dateTo=2026-06-13", ``),
				get(bnp, "/accounts/1/transactions?dateFrom=2025-12-25&dateTo=2026-03-24", `{"transactions":[]}`),
				get(bnp, "/accounts/1/transactions?dateFrom=2025-11-21&dateTo=2026-01-02", `{"transactions":[`+
					row(`"status":"BOOK","bookingDate":"2025-11-19","remittanceInformation":["older than asked for"]`)+`]}`),
			},
			want: []string{
				"2026-11-20 BOOKED -10 EUR newest",
				" PENDING -10 EUR to come",
				"2026-08-31 BOOKED -10 EUR on the border",
				"2025-11-19 BOOKED -10 EUR older than asked for",
			},
		},
		{
			name: "BNP Paribas writes debits negative and DBIT, and dates as nothing", provider: bnp, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{get(bnp, "/accounts/1/transactions?dateFrom=2026-11-01&dateTo=2026-11-22", `{"transactions":[
				{"entryReference":"A","transactionAmount":{"amount":"-2.50","currency":"EUR"},"creditDebitIndicator":"DBIT","status":"BOOK",
				 "bookingDate":"2026-11-20","valueDate":"","transactionDate":"","remittanceInformation":["ONE","","TWO"]}]}`)},
			want:    []string{"2026-11-20 BOOKED -2.5 EUR ONE | TWO"},
			wantIDs: []string{"A"},
		},
		{
			name: "BPCE wants instants, and writes +0200 without a colon", provider: caisseEpargne, from: oxlin.NewDate(2026, 7, 1),
			script: []banktest.Exchange{get(caisseEpargne, "/accounts/1/transactions?dateFrom=2026-06-30T22%3A00%3A00Z", `{"transactions":[`+
				row(`"status":"BOOK","bookingDate":"2026-07-04T00:00:00+0200"`)+`]}`)},
			want: []string{"2026-07-04 BOOKED -10 EUR "},
		},
		{
			name: "Crédit Agricole gives 89 days with a refreshed token", provider: languedoc, refreshed: true,
			script: []banktest.Exchange{get(languedoc, "/accounts/1/transactions?dateFrom=2026-08-24", `{"transactions":[]}`)},
		},
		{
			name: "Crédit Agricole ends with a templated next without href, and a misspelt parentlist", provider: languedoc,
			script: []banktest.Exchange{get(languedoc, "/accounts/1/transactions?dateFrom=2025-11-21", `{"transactions":[],
				"_links":{"parentlist":{"href":"/accounts"},"next":{"templated":true}}}`)},
		},
		{
			name: "Crédit Agricole puts its host into the path of links", provider: languedoc,
			script: []banktest.Exchange{
				get(languedoc, "/accounts/1/transactions?dateFrom=2025-11-21", `{"transactions":[`+row(`"status":"BOOK","bookingDate":"2026-11-20"`)+`],
				"_links":{"next":{"href":"/psd2-api.ca-languedoc.fr/dsp2/v1/accounts/1/transactions?page=2"}}}`),
				get(languedoc, "/accounts/1/transactions?page=2", `{"transactions":[`+row(`"status":"BOOK","bookingDate":"2026-11-19"`)+`]}`),
			},
			want: []string{"2026-11-20 BOOKED -10 EUR ", "2026-11-19 BOOKED -10 EUR "},
		},
		{
			name: "La Banque Postale refuses more than 89 days, has no ids and pending rows without a date", provider: postale,
			script: []banktest.Exchange{
				get(postale, "/accounts/1/transactions?dateFrom=2026-08-25", `{"transactions":[`+
					row(`"resourceId":"7","status":"PDNG","bookingDate":null`)+`]}`),
			},
			want:    []string{" PENDING -10 EUR "},
			wantIDs: []string{""},
		},
		{
			name: "Société Générale refuses more than six months", provider: generale,
			script: []banktest.Exchange{get(generale, "/accounts/1/transactions?dateFrom=2026-05-24T22%3A00%3A00.000Z", ``)},
		},
		{
			name: "Société Générale repeats the account's id on every row, and pages with beforeEntryReference", provider: generale, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{
				get(generale, "/accounts/1/transactions?dateFrom=2026-10-31T23%3A00%3A00.000Z", `{"transactions":[`+
					row(`"resourceId":"1","entryReference":"E2","status":"BOOK","bookingDate":"2026-11-20","expectedBookingDate":"2026-11-20"`)+`],
				"_links":{"next":{"href":"/psd2/ais/v1/accounts/1/transactions?dateFrom=2026-11-01&beforeEntryReference=E2"}}}`),
				get(generale, "/accounts/1/transactions?dateFrom=2026-11-01&beforeEntryReference=E2", `{"transactions":[`+
					row(`"resourceId":"1","entryReference":"E1","status":"BOOK","bookingDate":"2026-11-19"`)+`]}`),
			},
			want:    []string{"2026-11-20 BOOKED -10 EUR ", "2026-11-19 BOOKED -10 EUR "},
			wantIDs: []string{"E2", "E1"},
		},
		{
			name: "Société Générale says OTHR for what is pending on a card", provider: generale, account: card, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{get(generale, "/accounts/1/transactions?dateFrom=2026-10-31T23%3A00%3A00.000Z", `{"transactions":[`+
				row(`"status":"OTHR","expectedBookingDate":"2026-11-30"`)+`]}`)},
			want: []string{"2026-11-30 PENDING -10 EUR "},
		},
		{
			name: "Société Générale refuses without a consent", provider: generale, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{{Status: 403, Body: `{"status":403,"message":"No consent for TPP"}`}},
			fails:  bank.AccessLost,
		},
		{
			name: "LCL wants milliseconds, repeats the account's id, and writes debits negative and DBIT", provider: lcl, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{get(lcl, "/accounts/1/transactions?dateFrom=2026-10-31T23%3A00%3A00.000Z", `{"transactions":[
				{"resourceId":"1","transactionAmount":{"amount":"-11.20","currency":"EUR"},"creditDebitIndicator":"DBIT","status":"BOOK","bookingDate":"18-11-2026"}]}`)},
			want:    []string{"2026-11-18 BOOKED -11.2 EUR "},
			wantIDs: []string{""},
		},
		{
			name: "CIC writes amounts as numbers, null for the date of what is pending, and may leave out the status", provider: cic, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{get(cic, "/accounts/1/transactions?dateFrom=2026-10-31T23%3A00%3A00Z", `{"transactions":[
				{"resourceId":"R0","transactionAmount":{"amount":0.1,"currency":"EUR"},"creditDebitIndicator":"DBIT","status":"PDNG","bookingDate":null,"expectedBookingDate":"2026-11-30T00:00:00Z"},
				{"resourceId":"10011202131600001-a9bd3758abc77f5fa4944e6e498281afa55be4921d85f5c1ec226d595b8f066f","transactionAmount":{"amount":1000.0,"currency":"EUR"},"creditDebitIndicator":"CRDT","bookingDate":"2026-11-12T00:00:00Z"}]}`)},
			want: []string{"2026-11-30 PENDING -0.1 EUR ", "2026-11-12 BOOKED 1000 EUR "},
			wantIDs: []string{
				"R0", "10011202131600001-a9bd3758abc77f5fa4944e6e498281afa55be4921d85f5c1ec226d595b8f066f",
			},
		},
		{
			name: "Arkéa ends with a next that is the page itself, and refuses bare colons in its own dates", provider: fortuneo, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{
				get(fortuneo, "/accounts/1/transactions?dateFrom=2026-11-01T00%3A00%3A00&dateTo=2026-11-22T00%3A00%3A00", `{"transactions":[
				{"transactionAmount":{"amount":12.3,"currency":"EUR"},"creditDebitIndicator":"DBIT","status":"BOOK","bookingDate":"2026-11-20"}],
				"_links":{"self":{"href":"/psd2/v1/accounts/1/transactions?dateFrom=2026-11-01T00:00:00&page=1"},"next":{"href":"/psd2/v1/accounts/1/transactions?dateFrom=2026-11-01T00:00:00&page=2"}}}`),
				get(fortuneo, "/accounts/1/transactions?dateFrom=2026-11-01T00%3A00%3A00&page=2", `{"transactions":[`+row(`"status":"BOOK","bookingDate":"2026-11-19"`)+`],
				"_links":{"self":{"href":"/psd2/v1/accounts/1/transactions?dateFrom=2026-11-01T00:00:00&page=2"},"next":{"href":"/psd2/v1/accounts/1/transactions?dateFrom=2026-11-01T00:00:00&page=2"}}}`),
			},
			want:    []string{"2026-11-20 BOOKED -12.3 EUR ", "2026-11-19 BOOKED -10 EUR "},
			wantIDs: []string{"", ""},
		},
		{
			name: "Arkéa calls every page page 0: the first page must not count twice", provider: fortuneo, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{
				get(fortuneo, "/accounts/1/transactions?dateFrom=2026-11-01T00%3A00%3A00&dateTo=2026-11-22T00%3A00%3A00", `{"transactions":[`+row(`"status":"BOOK","bookingDate":"2026-11-20"`)+`],
				"_links":{"first":{"href":"/psd2/v1/accounts/1/transactions?page=0"},"next":{"href":"/psd2/v1/accounts/1/transactions?page=0"}}}`),
				get(fortuneo, "/accounts/1/transactions?page=0", `{"transactions":[`+row(`"status":"BOOK","bookingDate":"2026-11-20"`)+`],
				"_links":{"next":{"href":"/psd2/v1/accounts/1/transactions?page=0"}}}`),
			},
			want: []string{"2026-11-20 BOOKED -10 EUR "},
		},
		{
			name: "Arkéa does not support the extended history", provider: fortuneo,
			script: []banktest.Exchange{get(fortuneo, "/accounts/1/transactions?dateFrom=2026-08-24T00%3A00%3A00&dateTo=2026-11-22T00%3A00%3A00", ``)},
		},
		{
			name: "Boursorama gives 89 days after the first token", provider: boursorama, refreshed: true,
			script: []banktest.Exchange{get(boursorama, "/accounts/1/transactions?dateFrom=2026-08-24", ``)},
		},
		{
			name: "Boursorama says OTHR for ordinary rows, links itself to the balances, and leaves out amounts", provider: boursorama, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{get(boursorama, "/accounts/1/transactions?dateFrom=2026-11-01", `{"transactions":[`+
				row(`"status":"OTHR","bookingDate":"2026-11-20"`)+`,`+
				row(`"bookingDate":"2026-11-19"`)+`,
				{"creditDebitIndicator":"DBIT","status":"BOOK","bookingDate":"2026-11-18"},
				{"transactionAmount":{"currency":"EUR"},"status":"BOOK","bookingDate":"2026-11-17"},
				{"transactionAmount":null,"status":"BOOK","bookingDate":"2026-11-16"}],
				"_links":{"self":{"href":"/services/api/v1.7/_public_/dsp2/accounts/1/balances"}}}`)},
			want: []string{"2026-11-20 BOOKED -10 EUR ", "2026-11-19 BOOKED -10 EUR "},
		},
		{
			name: "BNP Fortis lists rejected rows, writes null for the lines, and links without a slash", provider: fortis, from: oxlin.NewDate(2026, 11, 1),
			script: []banktest.Exchange{
				get(fortis, "/accounts/1/transactions?dateFrom=2026-11-01", `{"transactions":[`+
					row(`"status":"RJCT","bookingDate":"2026-11-20","remittanceInformation":["rejected"]`)+`,`+
					row(`"status":"BOOK","bookingDate":"2026-11-20","remittanceInformation":null`)+`],
				"_links":{"next":{"href":"v2.0.1/accounts/1/transactions?page=2"}}}`),
				get(fortis, "/accounts/1/transactions?page=2", `{"transactions":[`+row(`"status":"BOOK","bookingDate":"2026-11-19"`)+`]}`),
			},
			want: []string{"2026-11-20 BOOKED -10 EUR ", "2026-11-19 BOOKED -10 EUR "},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			connector := real(t, test.provider, banktest.NewScript(t, test.script...))
			if test.account == (bank.AccountRef{}) {
				test.account = account
			}
			now := call("token")
			now.Access.Refreshed = test.refreshed
			var all []bank.Transaction
			for cursor := ""; ; {
				page, err := connector.Transactions(t.Context(), now, test.account, test.from, cursor)
				if test.fails != "" {
					wantKind(t, err, test.fails, test.script[0].Status)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, page.Transactions...)
				if page.Next == "" {
					break
				}
				cursor = page.Next
			}
			if diff := cmp.Diff(test.want, lines(all)); diff != "" {
				t.Errorf("transactions (-want +got):\n%s", diff)
			}
			for i, want := range test.wantIDs {
				if i < len(all) && all[i].BankID != want {
					t.Errorf("id of row %d is %q, want %q", i, all[i].BankID, want)
				}
			}
		})
	}
}

func TestAccountTraps(t *testing.T) {
	tests := []struct {
		name     string
		provider oxlin.ProviderID
		script   []banktest.Exchange
		want     []string
		fails    bank.FailureKind
		code     string
	}{
		{
			name: "BPCE says 404 NAAC where there is no eligible account", provider: caisseEpargne,
			script: []banktest.Exchange{{Ask: "GET /stet/psd2/v1.4.2/accounts", Status: 404, Body: `{"status":404,"message":"NAAC"}`}},
		},
		{
			name: "BPCE says 429 when the day's calls are used up", provider: caisseEpargne,
			script: []banktest.Exchange{{Status: 429, Body: `{"status":429,"message":"Limite des appels par jour dépassée"}`}},
			fails:  bank.RateLimited, code: "Limite des appels par jour dépassée",
		},
		{
			name: "BPCE says 401 in a shape of its own", provider: caisseEpargne,
			script: []banktest.Exchange{{Status: 401, Body: `{"errorMessage":"Invalid token"}`}},
			fails:  bank.AccessLost, code: "Invalid token",
		},
		{
			name: "La Banque Postale says 403 with an empty list", provider: postale,
			script: []banktest.Exchange{{Status: 403, Body: `{ "accounts": [ ] }`}},
		},
		{
			name: "La Banque Postale says 404 with an empty list", provider: postale,
			script: []banktest.Exchange{{Status: 404, Body: `{"accounts":[],"_links":{}}`}},
		},
		{
			name: "La Banque Postale says 403 without a list", provider: postale,
			script: []banktest.Exchange{{Status: 403, Body: `{"message":"Forbidden"}`}},
			fails:  bank.AccessLost, code: "Forbidden",
		},
		{
			name: "BNP Fortis links the next accounts without a slash", provider: fortis,
			script: []banktest.Exchange{
				get(fortis, "/accounts", `{"accounts":[{"resourceId":"1","name":"ONE"}],"_links":{"next":{"href":"v1/accounts?page=2"}}}`),
				get(fortis, "/accounts?page=2", `{"accounts":[{"resourceId":"2","name":"TWO"}],"_links":{"next":{"href":""}}}`),
			},
			want: []string{"1", "2"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			connector := real(t, test.provider, banktest.NewScript(t, test.script...))
			var ids []string
			for cursor := ""; ; {
				page, err := connector.Accounts(t.Context(), call("token"), cursor)
				if test.fails != "" {
					failure := wantKind(t, err, test.fails, test.script[0].Status)
					if failure.BankCode != test.code {
						t.Errorf("bank code is %q", failure.BankCode)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, account := range page.Accounts {
					ids = append(ids, account.BankID)
				}
				if page.Next == "" {
					break
				}
				cursor = page.Next
			}
			if diff := cmp.Diff(test.want, ids); diff != "" {
				t.Errorf("accounts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBalanceTraps(t *testing.T) {
	all := `{"balances":[
		{"name":"a","balanceAmount":{"amount":"1.00","currency":"EUR"},"balanceType":"CLBD"},
		{"name":"b","balanceAmount":{"amount":"2.00","currency":"EUR"},"balanceType":"XPCD"},
		{"name":"c","balanceAmount":{"amount":"3.00","currency":"EUR"},"balanceType":"VALU"}]}`
	tests := []struct {
		name     string
		provider oxlin.ProviderID
		want     string
	}{
		{"VALU is what customers of BPCE know", caisseEpargne, "3"},
		{"XPCD is what customers of Arkéa know", fortuneo, "2"},
		{"CLBD is what customers of BNP Paribas know", bnp, "1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			connector := real(t, test.provider, banktest.NewScript(t, get(test.provider, "/accounts/1/balances", all)))
			balance, err := banktest.Balances(t.Context(), connector, call("token"), bank.AccountRef{Address: "1", Currency: "EUR"})
			if err != nil || banktest.Shown(balance).Amount.String() != test.want {
				t.Errorf("balance is %v, %v, want %s", banktest.Shown(balance).Amount, err, test.want)
			}
		})
	}
}

func TestRefreshTraps(t *testing.T) {
	tests := []struct {
		name     string
		provider oxlin.ProviderID
		status   int
		body     string
		want     bank.FailureKind
	}{
		{"Crédit Agricole has blocked the customer", languedoc, 400, `{"error":"invalid_request","error_description":"Compte inexistant ou bloque"}`, bank.ActionAtBank},
		{"Crédit Agricole forgot the token", languedoc, 400, `{"error":"invalid_grant"}`, bank.AccessLost},
		{"Arkéa has seen the token before", fortuneo, 400, `{"code":"OAGA","message":"refresh token already used"}`, bank.AccessLost},
		{"Boursorama forgot the token", boursorama, 404, `<html>`, bank.AccessLost},
		{"another bank's token endpoint is not there", generale, 404, ``, bank.Refused},
		{"the bank does not know us any more", generale, 401, `{"error":"invalid_client"}`, bank.Refused},
		{"the bank is down", generale, 503, ``, bank.Unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			connector := real(t, test.provider, banktest.NewScript(t, banktest.Exchange{Status: test.status, Body: test.body}))
			_, err := connector.Refresh(t.Context(), call("token").Access)
			wantKind(t, err, test.want, test.status)
		})
	}
}
