package openbanking_test

import (
	"bytes"
	"cmp"

	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// usual are the data of a bank that does as the standard says.
const usual = `{
	"version": "3.1", "base_url": "https://bank.example/aisp",
	"oauth": {
		"authorize_url": "https://bank.example/authorize", "token_url": "https://bank.example/token",
		"client_id": "a-client", "client_authentication": "tls_client_auth", "scopes": "openid accounts"
	},
	"login": {"issuer": "https://bank.example", "jwks_url": "` + keysAddress + `", "request": {"key_id": "our-key"}},
	"consent_days": 90, "unattended_per_day": 4, "history": {"days": 30}, "ids": "STABLE"
}`

// scripted returns the connector of a bank whose data are the usual ones with a change, as a
// provider file has them.
func scripted(t *testing.T, change string, behind http.Handler) *openbanking.Connector {
	t.Helper()
	var data, changed map[string]any
	for text, into := range map[string]*map[string]any{usual: &data, "{" + change + "}": &changed} {
		err := json.Unmarshal([]byte(text), into)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	var report datafile.Report
	settings := openbanking.Driver().Read(merged(data, changed), oxlin.ChannelDefinition{}, report.Root())
	err := report.Err()
	if err != nil {
		t.Fatal(err)
	}
	connector, err := settings.Connect(psd2.Deps{
		Transport: banktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "keys.example" {
				writeKeys(t, w)
				return
			}
			behind.ServeHTTP(w, r)
		})),
		Now: func() time.Time { return summer }, Seal: psd2.Seal{Key: newKey(t)},
		Rand: requestID(t, "d10f24f4-032a-4843-bfc9-22b599c7ae2d"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector.(*openbanking.Connector)
}

// merged returns an object with the members of another one, object by object.
func merged(object, change map[string]any) map[string]any {
	all := maps.Clone(object)
	for name, value := range change {
		inner, ok := value.(map[string]any)
		before, had := all[name].(map[string]any)
		if ok && had {
			value = merged(before, inner)
		}
		all[name] = value
	}
	return all
}

// The members that the rows and balances of the tables share.
const (
	tenPounds = `"Amount":{"Amount":"10.00","Currency":"GBP"}`
	booked    = `"Status":"Booked","BookingDateTime":"2026-06-10T12:00:00Z"`
)

// page writes an answer with the rows, and what stands beside them.
func page(beside string, rows ...string) string {
	return `{"Data":{"Transaction":[` + strings.Join(rows, ",") + `]}` + beside + `}`
}

// numbered writes a row of ten pounds with a text.
func numbered(text string) string {
	return `{` + tenPounds + `,"CreditDebitIndicator":"Debit",` + booked + `,"TransactionInformation":"` + text + `"}`
}

// first is the usual request for the rows of an account.
const first = "GET /aisp/accounts/1/transactions?fromBookingDateTime=2026-05-21T23%3A00%3A00Z"

func TestQuirksOfAnswers(t *testing.T) {
	const (
		list, rows, balances = "accounts", "rows", "balances"
		cards                = "rows of a card"
		one                  = "-10 GBP 2026-06-10 BOOKED a\n"
		both                 = one + "-10 GBP 2026-06-10 BOOKED b\n"
	)
	get := func(target, body string) banktest.Exchange {
		return banktest.Exchange{Ask: "GET /aisp" + target, Body: body}
	}
	// linked is a bank of two pages whose first one has this beside its rows.
	linked := func(beside, second string) []banktest.Exchange {
		return []banktest.Exchange{
			{Ask: first, Body: page(beside, numbered("a"))},
			{Ask: "GET /aisp/accounts/1/transactions" + second, Body: page(`,"Links":{"Self":""},"Meta":{}`, numbered("b"))},
		}
	}
	alone := func(row string) []banktest.Exchange { return []banktest.Exchange{{Ask: first, Body: page("", row)}} }
	balance := func(records ...string) []banktest.Exchange {
		return []banktest.Exchange{get("/accounts/1/balances", `{"Data":{"Balance":[`+strings.Join(records, ",")+`]}}`)}
	}
	listed := func(records ...string) []banktest.Exchange {
		return []banktest.Exchange{get("/accounts", `{"Data":{"Account":[`+strings.Join(records, ",")+`]}}`)}
	}
	for _, test := range []struct {
		name, data, read string
		script           []banktest.Exchange
		want             string
	}{
		// The link to the next page.
		{"absolute", ``, rows, linked(`,"Links":{"Next":"https://bank.example/aisp/accounts/1/transactions?page=2"}`, "?page=2"), both},
		{"of another host", ``, rows, linked(`,"Links":{"Next":"https://gateway.internal:8443/aisp/accounts/1/transactions?page=2"}`, "?page=2"), both},
		{"of another base path", ``, rows, linked(`,"Links":{"Next":"/open-banking/v4.0/accounts/1/transactions?page=2"}`, "?page=2"), both},
		{"a query alone", ``, rows, linked(`,"Links":{"Next":"?page=2"}`, "?page=2"), both},
		{"a query without its mark", ``, rows, linked(`,"Links":{"Next":"page=2"}`, "?page=2"), both},
		{"a path without its slash", ``, rows, linked(`,"Links":{"Next":"accounts/1/transactions?page=2"}`, "?page=2"), both},
		{"a path below the resource", ``, rows, linked(`,"Links":{"Next":"/aisp/accounts/1/transactions/page/2"}`, "/page/2"), both},
		{"escaped as a whole", ``, rows, linked(`,"Links":{"Next":"https%3A%2F%2Fbank.example%2Faisp%2Faccounts%2F1%2Ftransactions%3Fpage%3D2"}`, "?page=2"), both},
		{"escaped twice", ``, rows, linked(`,"Links":{"Next":"%252Faisp%252Faccounts%252F1%252Ftransactions%253Fpage%253D2"}`, "?page=2"), both},
		{"a name in small letters", ``, rows, linked(`,"links":{"next":"/aisp/accounts/1/transactions?page=2"}`, "?page=2"), both},
		{"an object", ``, rows, linked(`,"Links":{"Next":{"Href":"/aisp/accounts/1/transactions?page=2"}}`, "?page=2"), both},
		{"in the data", ``, rows, []banktest.Exchange{
			{Ask: first, Body: `{"Data":{"Transaction":[` + numbered("a") + `],"Links":{"Next":"?page=2"}}}`},
			get("/accounts/1/transactions?page=2", page("", numbered("b"))),
		}, both},
		{"of the list of all accounts", ``, rows, linked(`,"Links":{"Next":"/aisp/transactions?page=2"}`, "?page=2"), both},
		{"null", ``, rows, []banktest.Exchange{{Ask: first, Body: page(`,"Links":{"Next":null}`, numbered("a"))}}, one},
		{"an empty one", ``, rows, []banktest.Exchange{{Ask: first, Body: page(`,"Links":{"Next":""}`, numbered("a"))}}, one},
		{"the page itself", ``, rows, []banktest.Exchange{
			{Ask: first, Body: page(`,"Links":{"Self":"?page=1","Next":"?page=1"}`, numbered("a"))},
			get("/accounts/1/transactions?page=1", page(`,"Links":{"Self":"?page=1","Next":"?page=1"}`, numbered("a"))),
		}, one},
		{"the page itself, by data", `"repeated_page_ends":true`, rows, []banktest.Exchange{
			{Ask: first, Body: page(`,"Links":{"Self":"?page=1","Next":"?page=1"}`, numbered("a"))},
		}, one},
		{"pages that are told and not linked", ``, rows, []banktest.Exchange{
			{Ask: first, Body: page(`,"Links":{"Self":"x"},"Meta":{"TotalPages":2}`, numbered("a"))},
		}, one},
		{"pages that are counted by data", `"pages":{"parameter":"page"}`, rows, []banktest.Exchange{
			{Ask: first, Body: page(`,"Meta":{"TotalPages":2}`, numbered("a"))},
			{Ask: first + "&page=2", Body: page(`,"Meta":{"TotalPages":2}`, numbered("b"))},
		}, both},
		{"pages that are counted from zero", `"pages":{"parameter":"page","first":0}`, rows, []banktest.Exchange{
			{Ask: first, Body: page(`,"Meta":{"TotalPages":"2"}`, numbered("a"))},
			{Ask: first + "&page=1", Body: page(`,"Meta":{"TotalPages":"2"}`, numbered("b"))},
		}, both},
		{"accounts that are counted by data", `"pages":{"parameter":"page"}`, list, []banktest.Exchange{
			get("/accounts", `{"Data":{"Account":[{"AccountId":"1"}]},"Meta":{"TotalPages":2}}`),
			get("/accounts?page=2", `{"Data":{"Account":[{"AccountId":"2"}]},"Meta":{"TotalPages":2}}`),
		}, "1 CHECKINGS\n2 CHECKINGS\n"},

		// The days of a request.
		{"both ends, of the day itself", `"history":{"date_format":"yyyy-MM-dd'T00:00:00Z'","to_format":"yyyy-MM-dd'T23:59:59Z'","date_to":"today"}`, rows, []banktest.Exchange{
			get("/accounts/1/transactions?fromBookingDateTime=2026-05-22T00%3A00%3A00Z&toBookingDateTime=2026-06-21T23%3A59%3A59Z", page("", numbered("a"))),
		}, one},
		{"the end of yesterday", `"history":{"date_format":"date","date_to":"yesterday"}`, rows, []banktest.Exchange{
			get("/accounts/1/transactions?fromBookingDateTime=2026-05-22&toBookingDateTime=2026-06-20", page("", numbered("a"))),
		}, one},
		{"less history for cards", `"history":{"card_days":7}`, cards, []banktest.Exchange{
			get("/accounts/1/transactions?fromBookingDateTime=2026-06-13T23%3A00%3A00Z", page("", numbered("a"))),
		}, "-10 GBP 2026-06-10 BOOKED a\n"},
		{"no dates", `"history":{"date_format":"none"}`, rows, []banktest.Exchange{get("/accounts/1/transactions", page("", numbered("a")))}, one},

		// Answers without rows.
		{"204", ``, rows, []banktest.Exchange{{Ask: first, Status: 204}}, ""},
		{"404 for no rows, by data", `"answers":[{"on":"transactions","status":404,"means":"empty"}]`, rows,
			[]banktest.Exchange{{Ask: first, Status: 404, Body: `{"Code":"404","Errors":[{"ErrorCode":"UK.OBIE.NotFound"}]}`}}, ""},
		{"an empty object", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"Data":{},"Links":{"Self":"x"},"Meta":{"TotalPages":0}}`}}, ""},
		{"null for the list", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"Data":{"Transaction":null}}`}}, ""},
		{"one row without a list", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"Data":{"Transaction":` + numbered("a") + `}}`}}, one},
		{"small letters", ``, rows, []banktest.Exchange{{Ask: first, Body: `{"data":{"transaction":[` + numbered("a") + `]}}`}}, one},

		// Refusals.
		{"400 outside of the consent", `"history":{"days":30,"refreshed_days":10},"answers":[{"on":"transactions","status":400,"contains":"InvalidDate","means":"short history"}]`, rows,
			[]banktest.Exchange{
				{Ask: first, Status: 400, Body: `{"Errors":[{"ErrorCode":"UK.OBIE.Field.InvalidDate"}]}`},
				get("/accounts/1/transactions?fromBookingDateTime=2026-06-10T23%3A00%3A00Z", page("", numbered("a"))),
			}, one},
		{"403 for the long history after some minutes", `"history":{"days":30,"refreshed_days":10},"answers":[{"on":"transactions","status":403,"means":"short history"}]`, rows,
			[]banktest.Exchange{
				{Ask: first, Status: 403, Body: `Forbidden`},
				get("/accounts/1/transactions?fromBookingDateTime=2026-06-10T23%3A00%3A00Z", page("", numbered("a"))),
			}, one},
		{"429", ``, rows, []banktest.Exchange{{Ask: first, Status: 429, Header: http.Header{"Retry-After": {"60"}}}}, "rate limited (HTTP 429)\n"},
		{"a plain text", ``, rows, []banktest.Exchange{{Ask: first, Status: 500, Body: "Something broke"}}, "unavailable (HTTP 500)\n"},
		{"HTML", ``, rows, []banktest.Exchange{{Ask: first, Status: 503, Body: "<html>Sorry</html>"}}, "unavailable (HTTP 503)\n"},
		{"HTML that says it is a success", ``, rows, []banktest.Exchange{{Ask: first, Body: "<html>Sorry</html>"}}, "nonsense (HTTP 200)\n"},
		{"an error of OAuth2", ``, rows, []banktest.Exchange{{Ask: first, Status: 401, Body: `{"error":"invalid_token","error_description":"expired"}`}}, "access lost (HTTP 401) invalid_token\n"},
		{"the user must log in again, in 4.0", ``, rows, []banktest.Exchange{{Ask: first, Status: 403, Body: `{"Errors":[{"ErrorCode":"U028"}]}`}}, "access lost (HTTP 403) U028\n"},
		{"an unexpected error of 4.0", ``, rows, []banktest.Exchange{{Ask: first, Status: 500, Body: `{"Errors":[{"ErrorCode":"U000"}]}`}}, "unavailable (HTTP 500) U000\n"},
		{"too many calls, in 4.0", ``, rows, []banktest.Exchange{{Ask: first, Status: 429, Body: `{"Errors":[{"ErrorCode":"U000"}]}`}}, "rate limited (HTTP 429) U000\n"},
		{"a code of 4.0", ``, rows, []banktest.Exchange{{Ask: first, Status: 400, Body: `{"Errors":[{"ErrorCode":"U009","Message":"x"}]}`}}, "access lost (HTTP 400) U009\n"},

		// Rows.
		{"a row without an indicator", ``, rows, alone(`{` + tenPounds + `,` + booked + `}`), "unreadable row of 2026-06-10: sign\n"},
		{"a row with signed amounts, by data", `"transactions":{"sign":"amount"}`, rows, alone(`{"Amount":{"Amount":"-10.00","Currency":"GBP"},` + booked + `}`), "-10 GBP 2026-06-10 BOOKED \n"},
		{"a row without a state", ``, rows, alone(`{` + tenPounds + `,"CreditDebitIndicator":"CREDIT","BookingDateTime":"2026-06-10"}`), "10 GBP 2026-06-10 BOOKED \n"},
		{"a row without days", ``, rows, alone(`{` + tenPounds + `,"CreditDebitIndicator":"Credit","Status":"Pending"}`), "10 GBP  PENDING \n"},
		{"an amount of people", ``, rows, alone(`{"Amount":{"Amount":" £1,234.50 ","Currency":"GBP"},"CreditDebitIndicator":"Debit",` + booked + `}`), "-1234.5 GBP 2026-06-10 BOOKED \n"},
		{"an amount twice", ``, rows, alone(`{"Amount":{"Amount":"1","Amount":"2","Currency":"GBP"},"CreditDebitIndicator":"Debit",` + booked + `}`), "unreadable row of 2026-06-10: amount\n"},
		{"an amount without its object", ``, rows, alone(`{"Amount":"10.00","Currency":"EUR","CreditDebitIndicator":"Debit",` + booked + `}`), "unreadable row of 2026-06-10: amount\n"},
		{"lines of text", ``, rows, alone(`{` + tenPounds + `,"CreditDebitIndicator":"Debit",` + booked + `,"TransactionInformation":["a","b"]}`), "-10 GBP 2026-06-10 BOOKED a | b\n"},
		{"an empty text beside a reference", ``, rows, alone(`{` + tenPounds + `,"CreditDebitIndicator":"Debit",` + booked + `,"TransactionInformation":" ","TransactionReference":"r"}`), "-10 GBP 2026-06-10 BOOKED r\n"},
		{"nulls", ``, rows, alone(`{"AccountId":null,"TransactionId":null,` + tenPounds + `,"CreditDebitIndicator":"Debit",` + booked + `,"ValueDateTime":null,"MerchantDetails":null,"Balance":null,"BankTransactionCode":null}`), "-10 GBP 2026-06-10 BOOKED \n"},
		{"states of 4.0", ``, rows, []banktest.Exchange{{Ask: first, Body: page("",
			strings.Replace(numbered("a"), "Booked", "BOOK", 1), strings.Replace(numbered("b"), "Booked", "PDNG", 1),
			strings.Replace(numbered("c"), "Booked", "INFO", 1), strings.Replace(numbered("d"), "Booked", "FUTR", 1))}},
			"-10 GBP 2026-06-10 BOOKED a\n-10 GBP 2026-06-10 PENDING b\n-10 GBP 2026-06-10 PENDING d\n"},

		// Balances.
		{"no time and no type", ``, balances, balance(`{` + tenPounds + `,"CreditDebitIndicator":"Debit"}`), "shown -10 GBP  OTHER\n"},
		{"one balance without a list", ``, balances, []banktest.Exchange{get("/accounts/1/balances", `{"Data":{"Balance":{`+tenPounds+`,"CreditDebitIndicator":"Credit","Type":"Expected"}}}`)}, "shown 10 GBP  EXPECTED\n"},
		{"a credit line alone in an object", `"balances":{"credit_line":"subtract"}`, balances,
			balance(`{` + tenPounds + `,"CreditDebitIndicator":"Credit","Type":"InterimAvailable","CreditLine":{"Included":"true","Type":"Pre-Agreed","Amount":{"Amount":"4","Currency":"GBP"}}}`),
			"shown 6 GBP  AVAILABLE\n"},

		{"credit lines of one kind", `"balances":{"credit_line":"subtract","credit_lines":["Pre-Agreed","temporary"]}`, balances,
			balance(`{` + tenPounds + `,"CreditDebitIndicator":"Credit","Type":"InterimAvailable","CreditLine":[` +
				`{"Included":true,"Type":"Pre-Agreed","Amount":{"Amount":"4","Currency":"GBP"}},{"Included":true,"Type":"Temporary","Amount":{"Amount":"1","Currency":"GBP"}},` +
				`{"Included":true,"Type":"Credit","Amount":{"Amount":"7","Currency":"GBP"}},{"Included":false,"Type":"Pre-Agreed","Amount":{"Amount":"9","Currency":"GBP"}}]}`),
			"shown 5 GBP  AVAILABLE\n"},

		// Accounts.
		{"no number", ``, list, listed(`{"AccountId":"1","Account":null}`), "1 CHECKINGS\n"},
		{"numbers of several schemes", ``, list, listed(`{"AccountId":"1","Account":[{"SchemeName":"UK.OBIE.Paym","Identification":"07700900123"},{"SchemeName":"sort_code_account_number","Identification":"20-16-73 30023156"}]}`),
			"1 CHECKINGS number 20167330023156\n"},
		{"an IBAN under the scheme of sort codes", ``, list, listed(`{"AccountId":"1","Account":[{"SchemeName":"UK.OBIE.SortCodeAccountNumber","Identification":"GB33DABA56037150203998"}]}`),
			"1 CHECKINGS iban GB33DABA56037150203998 number 56037150203998\n"},
		{"a card number in clear under a scheme of the bank", ``, list, listed(`{"AccountId":"1","AccountSubType":"CreditCard","Account":[{"SchemeName":"UK.Bank.CreditCard","Identification":"4111111111111111"}]}`),
			"1 CREDIT_CARD card ************1111\n"},
		{"a card number in clear under the scheme of sort codes", ``, list, listed(`{"AccountId":"1","AccountSubType":"CreditCard","Account":[{"SchemeName":"UK.OBIE.SortCodeAccountNumber","Identification":"4111 1111 1111 1111"}]}`),
			"1 CREDIT_CARD card **** **** **** 1111\n"},
		{"a card number that the bank masks", ``, list, listed(`{"AccountId":"1","AccountSubType":"CreditCard","Account":[{"SchemeName":"UK.Bank.Card","Identification":"xxxx-xxxx-xxxx-1111"}]}`),
			"1 CREDIT_CARD card xxxx-xxxx-xxxx-1111\n"},
		{"a card with sort code and number", ``, list, listed(`{"AccountId":"1","AccountSubType":"CreditCard","Account":[{"SchemeName":"UK.OBIE.SortCodeAccountNumber","Identification":"20167330023156"}]}`),
			"1 CREDIT_CARD number 20167330023156\n"},
		{"a switched account, by data", `"accounts":{"ignore":[{"path":"SwitchStatus","equals":"UK.CASS.Switched"}]}`, list,
			listed(`{"AccountId":"1","SwitchStatus":"UK.CASS.NotSwitched"}`, `{"AccountId":"2","SwitchStatus":"UK.CASS.Switched"}`), "1 CHECKINGS\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			connector := scripted(t, test.data, banktest.NewScript(t, test.script...))
			var got string
			switch test.read {
			case list:
				got = toldAccounts(t, connector)
			case rows:
				got = toldRows(t, connector, oxlin.AccountCheckings)
			case cards:
				got = toldRows(t, connector, oxlin.AccountCreditCard)
			case balances:
				told, err := connector.Balances(t.Context(), call, bank.AccountRef{Address: "1", Currency: "GBP"}, "")
				got = toldBalances(told, err)
			}
			if found := diff.Diff(test.want, got); found != "" {
				t.Errorf("(-want +got):\n%s", found)
			}
		})
	}
}

// toldAccounts writes what a bank lists.
func toldAccounts(t *testing.T, connector *openbanking.Connector) string {
	t.Helper()
	var text bytes.Buffer
	for cursor := ""; ; {
		page, err := connector.Accounts(t.Context(), call, cursor)
		if err != nil {
			return text.String() + bank.AsFailure(err).Summary() + "\n"
		}
		for _, one := range page.Accounts {
			text.WriteString(one.Address + " " + string(one.Type))
			for _, word := range []string{named("iban", one.IBAN), named("number", one.Number), named("card", one.MaskedNumber)} {
				if word != "" {
					text.WriteString(" " + word)
				}
			}
			text.WriteString("\n")
		}
		for range page.Unreadable {
			text.WriteString("unreadable: the record\n")
		}
		if cursor = page.Next; cursor == "" {
			return text.String()
		}
	}
}

// toldRows writes the rows of the account 1.
func toldRows(t *testing.T, connector *openbanking.Connector, kind oxlin.AccountType) string {
	t.Helper()
	var text bytes.Buffer
	for cursor := ""; ; {
		page, err := connector.Transactions(t.Context(), call, bank.AccountRef{Address: "1", Type: kind, Currency: "GBP"}, oxlin.Date{}, cursor)
		if err != nil {
			return text.String() + bank.AsFailure(err).Summary() + "\n"
		}
		for _, row := range page.Transactions {
			text.WriteString(strings.Join([]string{
				row.Amount.String(), row.Currency, row.Date().String(), string(row.Status), strings.Join(row.Remittance, " | "),
			}, " ") + "\n")
		}
		for _, unread := range page.Unreadable {
			text.WriteString("unreadable row of " + unread.Day.String() + ": " + string(unread.Reason) + "\n")
		}
		if page.Broken != "" {
			text.WriteString("broken: " + page.Broken + "\n")
		}
		if cursor = page.Next; cursor == "" {
			return text.String()
		}
	}
}

// toldBalances writes the balances of an account.
func toldBalances(told bank.Balances, err error) string {
	if err != nil {
		return bank.AsFailure(err).Summary() + "\n"
	}
	var text bytes.Buffer
	for _, balance := range told.All {
		if told.Shown != nil && *told.Shown == balance {
			text.WriteString("shown ")
		}
		text.WriteString(strings.Join([]string{balance.Amount.String(), balance.Currency, balance.Date.String(), string(balance.Type)}, " ") + "\n")
	}
	return text.String()
}

// counter is a bank that writes down what it is asked, and grants everything.
type counter struct {
	t     *testing.T
	asked strings.Builder
	// status is that of a consent, awaiting its user if it is empty.
	status string
}

// jwts are signed tokens, whose signature is new each time.
var jwts = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	fmt.Fprintf(&c.asked, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "Date", "User-Agent", "Accept-Encoding", "Content-Length":
		default:
			fmt.Fprintf(&c.asked, "%s: %s\n", strings.ToLower(name), r.Header.Get(name))
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&c.asked, "%s\n", jwts.ReplaceAllString(string(body), "JWT"))
	}
	answer := `{"Data":{"ConsentId":"c-1","Status":"` + cmp.Or(c.status, "AwaitingAuthorisation") + `","Account":[]}}`
	switch {
	case strings.Contains(r.URL.Path, "token"):
		answer = `{"access_token":"at","refresh_token":"rt","expires_in":300}`
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, err = w.Write([]byte(answer))
	if err != nil {
		c.t.Error(err)
	}
}

func TestQuirksOfRequests(t *testing.T) {
	const (
		interaction = "x-fapi-interaction-id: d10f24f4-032a-4843-bfc9-22b599c7ae2d\n"
		form        = "accept: application/json\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + interaction
		ours        = "POST /token\n" + form + "grant_type=client_credentials&scope=accounts&client_id=a-client\n"
		made        = "POST /aisp/account-access-consents\naccept: application/json\nauthorization: Bearer at\ncontent-type: application/json;charset=UTF-8\n" + interaction
		permissions = `"Permissions":["ReadAccountsDetail","ReadBalances","ReadTransactionsCredits","ReadTransactionsDebits","ReadTransactionsDetail"]`
		exchanged   = "grant_type=authorization_code&code=a-code&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&client_id=a-client\n"
		read        = "GET /aisp/accounts\naccept: application/json\nauthorization: Bearer at\n" + interaction
		deleted     = "DELETE /aisp/account-access-consents/c-1\naccept: application/json\nauthorization: Bearer at\n" + interaction
	)
	for _, test := range []struct {
		name, data string
		// do are the steps, of which the requests of the last one count.
		do, want string
	}{
		{"as the standard says", ``, "begin", ours + made + `{"Data":{` + permissions + `},"Risk":{}}` + "\n"},
		{"exchange", ``, "begin return", "POST /token\n" + form + exchanged},
		{"renewal", ``, "begin return refresh", "POST /token\n" + form + "grant_type=refresh_token&refresh_token=rt&client_id=a-client\n"},
		{"accounts", ``, "begin return accounts", read},
		{"the end", ``, "begin return revoke", ours + deleted},

		{"our token without a scope", `"oauth":{"on":{"client credentials":{"fields":{"scope":""}}}}`, "begin return revoke",
			"POST /token\n" + form + "grant_type=client_credentials&client_id=a-client\n" + deleted},
		{"our token at an address of its own", `"oauth":{"on":{"client credentials":{"url":"https://bank.example/own/token","headers":{"Accept":"*/*"}}}}`, "begin return revoke",
			"POST /own/token\n" + strings.Replace(form, "application/json", "*/*", 1) + "grant_type=client_credentials&scope=accounts&client_id=a-client\n" + deleted},
		{"a scope with the renewal alone", `"oauth":{"on":{"refresh":{"fields":{"scope":"accounts"}}}}`, "begin return refresh",
			"POST /token\n" + form + "grant_type=refresh_token&refresh_token=rt&client_id=a-client&scope=accounts\n"},
		{"a scope with the exchange alone, first", `"oauth":{"on":{"exchange":{"fields":{"scope":"openid accounts"}}},"field_order":["grant_type","scope"]}`, "begin return",
			"POST /token\n" + form + "grant_type=authorization_code&scope=openid+accounts&code=a-code&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&client_id=a-client\n"},
		{"an exchange without its redirect address", `"oauth":{"on":{"exchange":{"fields":{"redirect_uri":""}}}}`, "begin return",
			"POST /token\n" + form + "grant_type=authorization_code&code=a-code&client_id=a-client\n"},
		{"a renewal with it", `"login":{"redirect_on_refresh":true}`, "begin return refresh",
			"POST /token\n" + form + "grant_type=refresh_token&refresh_token=rt&redirect_uri=https%3A%2F%2Foxlin.test%2Fback&client_id=a-client\n"},
		{"basic authentication", `"oauth":{"client_id":"a b","client_authentication":"client_secret_basic","client_secret":"s+/"}`, "begin return refresh",
			"POST /token\naccept: application/json\nauthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("a+b:s%2B%2F")) +
				"\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + interaction + "grant_type=refresh_token&refresh_token=rt\n"},
		{"basic authentication as it is", `"oauth":{"client_id":"a b","client_authentication":"client_secret_basic","client_secret":"s+/","unescaped_secret":true,"form_client_id":"always"}`,
			"begin return refresh", "POST /token\naccept: application/json\nauthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("a b:s+/")) +
				"\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + interaction + "grant_type=refresh_token&refresh_token=rt&client_id=a+b\n"},
		{"an assertion without our id", `"oauth":{"client_authentication":"private_key_jwt","form_client_id":"never"}`, "begin return refresh",
			"POST /token\n" + form + "grant_type=refresh_token&refresh_token=rt&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=JWT\n"},
		{"an assertion first", `"oauth":{"client_authentication":"private_key_jwt","field_order":["client_assertion_type","client_assertion"]}`, "begin return refresh",
			"POST /token\n" + form + "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=JWT&grant_type=refresh_token&refresh_token=rt&client_id=a-client\n"},

		{"headers of the bank, and none of them at the token endpoint", `"headers":{"x-fapi-financial-id":"0015"},"oauth":{"headers":{"X-FAPI-Financial-ID":"","X-FAPI-Interaction-ID":""}}`, "begin return",
			"POST /token\naccept: application/json\ncontent-type: application/x-www-form-urlencoded;charset=UTF-8\n" + exchanged},
		{"headers of one operation", `"headers_on":{"consents":{"x-idempotency-key":"{uuid}","Accept":"*/*"},"accounts":{"x-fapi-interaction-id":"","Content-Type":"application/json"}}`, "begin",
			ours + "POST /aisp/account-access-consents\naccept: */*\nauthorization: Bearer at\ncontent-type: application/json;charset=UTF-8\n" + interaction +
				"x-idempotency-key: d10f24f4-032a-4843-bfc9-22b599c7ae2d\n" + `{"Data":{` + permissions + `},"Risk":{}}` + "\n"},
		{"headers of another operation", `"headers_on":{"accounts":{"x-fapi-interaction-id":"","Content-Type":"application/json"}}`, "begin return accounts",
			"GET /aisp/accounts\naccept: application/json\nauthorization: Bearer at\ncontent-type: application/json\n"},
		{"the time of the login", `"login_time_header":"x-fapi-auth-date"`, "begin return accounts",
			"GET /aisp/accounts\naccept: application/json\nauthorization: Bearer at\nx-fapi-auth-date: Sat, 20 Jun 2026 23:30:00 GMT\n" + interaction},
		{"a user who is present", `"login_time_header":"x-fapi-customer-last-logged-time"`, "begin return present",
			"GET /aisp/accounts\naccept: application/json\nauthorization: Bearer at\nx-customer-user-agent: Firefox\nx-fapi-customer-ip-address: 192.0.2.7\n" +
				"x-fapi-customer-last-logged-time: Sat, 20 Jun 2026 23:30:00 GMT\n" + interaction},

		{"an end of the consent", `"consent":{"expiration_days":90,"history_days":30,"future_days":1}`, "begin", ours + made + `{"Data":{` + permissions +
			`,"ExpirationDateTime":"2026-09-19T00:00:00+01:00","TransactionFromDateTime":"2026-05-22T00:00:00+01:00","TransactionToDateTime":"2026-06-22T00:00:00+01:00"},"Risk":{}}` + "\n"},
		{"an end with a Z", `"consent":{"expiration_days":90,"date_format":"millis"}`, "begin", ours + made + `{"Data":{` + permissions + `,"ExpirationDateTime":"2026-09-18T23:00:00.000Z"},"Risk":{}}` + "\n"},
		{"permissions of the bank, and no risk", `"consent":{"permissions":["ReadPAN","ReadAccountsBasic"],"body":{"Risk":null,"Data":{"Brand":"blue"}}}`, "begin",
			ours + made + `{"Data":{"Brand":"blue","Permissions":["ReadPAN","ReadAccountsBasic"]}}` + "\n"},
		{"another path", `"paths":{"consents":"/account-requests","consent":"/account-requests/{id}"}`, "begin return revoke",
			ours + "DELETE /aisp/account-requests/c-1\naccept: application/json\nauthorization: Bearer at\n" + interaction},
		{"another address", `"consent":{"url":"https://other.example/v3/account-access-consents"}`, "begin return revoke",
			ours + "DELETE /v3/account-access-consents/c-1\naccept: application/json\nauthorization: Bearer at\n" + interaction},
		{"tokens that are revoked too", `"oauth":{"revoke_url":"https://bank.example/revoke/token"}`, "begin return revoke",
			ours + deleted + "POST /revoke/token\n" + form + "token=rt&token_type_hint=refresh_token&client_id=a-client\n"},
		{"a consent that cannot be deleted", `"consent":{"undeletable":true}`, "begin return revoke", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := &counter{t: t}
			connector := scripted(t, test.data, asked)
			visit(t, connector, asked, strings.Fields(test.do))
			if found := diff.Diff(strings.Split(test.want, "\n"), strings.Split(asked.asked.String(), "\n")); found != "" {
				t.Errorf("(-want +got):\n%s", found)
			}
		})
	}
}

// visit takes the steps of a user's stay. The bank forgets what it was asked before the last one.
func visit(t *testing.T, connector *openbanking.Connector, asked *counter, steps []string) {
	t.Helper()
	journey := bank.Journey{RedirectURI: "https://oxlin.test/back", RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier")}
	var address bank.Address
	var access bank.Access
	for _, step := range steps {
		asked.asked.Reset()
		var err error
		switch step {
		case "begin":
			var next bank.Step
			next, err = connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey})
			address, _ = next.(bank.Address)
		case "return":
			u, _ := url.Parse(address.URL)
			client := u.Query().Get("client_id")
			token := signToken(t, idToken("https://bank.example", client, u.Query().Get("nonce"), "a-code", "a-state", summer))
			var next bank.Step
			next, err = connector.Continue(t.Context(), bank.Input{
				Event: bank.Returned, Journey: journey, State: address.State,
				Return: bank.Return{Fragment: url.Values{"code": {"a-code"}, "state": {"a-state"}, "id_token": {token}}},
			})
			access, _ = next.(bank.Access)
		case "refresh":
			_, err = connector.Refresh(t.Context(), access)
		case "accounts":
			_, err = connector.Accounts(t.Context(), bank.Call{Access: access}, "")
		case "present":
			_, err = connector.Accounts(t.Context(), bank.Call{Access: access, PSU: &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}}, "")
		case "revoke":
			err = connector.Revoke(t.Context(), access)
		}
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
}

func TestQuirksOfSignedTokens(t *testing.T) {
	const usualHeader = `{"alg":"PS256","kid":"our-key","typ":"JWT"}`
	for _, test := range []struct {
		name, data string
		// assertion is that of the request for our token; empty without one.
		assertion, header, claims string
		parameters                string
	}{
		{
			name: "as the standard says", header: usualHeader,
			claims: `{"aud":"https://bank.example","claims":{"id_token":{"acr":{"essential":true,"values":["urn:openbanking:psd2:sca"]},` +
				`"openbanking_intent_id":{"essential":true,"value":"c-1"}},"userinfo":{"openbanking_intent_id":{"essential":true,"value":"c-1"}}},` +
				`"client_id":"a-client","exp":1781998500,"iat":1781998200,"iss":"a-client","jti":"d10f24f4-032a-4843-bfc9-22b599c7ae2d","nbf":1781998200,` +
				`"nonce":"NONCE","redirect_uri":"https://oxlin.test/back","response_type":"code id_token","scope":"openid accounts","state":"a-state"}`,
			parameters: "client_id nonce redirect_uri request response_type scope state",
		},
		{
			name: "claims and header of the bank's own", header: `{"alg":"RS256","cty":"json","kid":"our-key"}`,
			data: `"login":{"parameters":{"nonce":"","prompt":"login","intent":"{consent_id}"},"request":{"algorithm":"RS256","header":{"typ":"","cty":"json"},"minutes":30,` +
				`"claims":{"nbf":"","jti":"","iat":"","max_age":86400,"claims":{"id_token":{"openbanking_intent_id":{"value":"urn:bank:{consent_id}"}}}}}}`,
			claims: `{"aud":"https://bank.example","claims":{"id_token":{"openbanking_intent_id":{"value":"urn:bank:c-1"}}},` +
				`"client_id":"a-client","exp":1782000000,"iss":"a-client","max_age":86400,` +
				`"nonce":"NONCE","redirect_uri":"https://oxlin.test/back","response_type":"code id_token","scope":"openid accounts","state":"a-state"}`,
			parameters: "client_id intent prompt redirect_uri request response_type scope state",
		},
		{
			name: "an assertion", header: usualHeader,
			data: `"oauth":{"client_authentication":"private_key_jwt","assertion":{"key_id":"our-key"}}`,
			assertion: usualHeader + `{"aud":"https://bank.example/token","exp":1781998500,"iat":1781998200,"iss":"a-client",` +
				`"jti":"d10f24f4-032a-4843-bfc9-22b599c7ae2d","sub":"a-client"}`,
			parameters: "client_id nonce redirect_uri request response_type scope state",
		},
		{
			name: "an assertion of the bank's own", header: usualHeader,
			data: `"oauth":{"client_authentication":"private_key_jwt","assertion":{"audience":"https://bank.example","minutes":1,"header":{"typ":""},` +
				`"claims":{"aud":"https://bank.example/as","iat":"","scope":"accounts"}}}`,
			assertion: `{"alg":"PS256"}{"aud":"https://bank.example/as","exp":1781998260,"iss":"a-client",` +
				`"jti":"d10f24f4-032a-4843-bfc9-22b599c7ae2d","scope":"accounts","sub":"a-client"}`,
			parameters: "client_id nonce redirect_uri request response_type scope state",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := url.Values{}
			asked := &counter{t: t}
			connector := scripted(t, test.data, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				form, _ = url.ParseQuery(string(body))
				if r.URL.Path == "/token" && form.Get("client_assertion") != "" && test.assertion != opened(t, form.Get("client_assertion")) {
					t.Errorf("the assertion is\n%s, want\n%s", opened(t, form.Get("client_assertion")), test.assertion)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				asked.ServeHTTP(w, r)
			}))
			journey := bank.Journey{RedirectURI: "https://oxlin.test/back", RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier")}
			address, err := banktest.Leave(t.Context(), connector, journey)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(u.Query())), " "); got != test.parameters {
				t.Errorf("the parameters are %s, want %s", got, test.parameters)
			}
			got := nonces.ReplaceAllString(opened(t, u.Query().Get("request")), `"nonce":"NONCE"`)
			if test.claims != "" && got != test.header+test.claims {
				t.Errorf("the request is\n%s, want\n%s", got, test.header+test.claims)
			}
		})
	}
}

var nonces = regexp.MustCompile(`"nonce":"[^"]+"`)

// opened returns header and claims of a signed token.
func opened(t *testing.T, token string) (text string) {
	t.Helper()
	for _, part := range strings.Split(token, ".")[:2] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		text += string(raw)
	}
	return text
}

func TestABankHasWordsForALoginThatFailed(t *testing.T) {
	const data = `"oauth":{"errors":{"Consent declined":"challenge cancelled","User locked out of Online Banking":"locked"}}`
	connector := scripted(t, data, &counter{t: t})
	journey := bank.Journey{RedirectURI: "https://oxlin.test/back", RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier")}
	begun, err := connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		back url.Values
		want bank.FailureKind
	}{
		{url.Values{"error": {"consent declined"}, "error_description": {"User declined consent"}}, bank.ChallengeCancelled},
		{url.Values{"error": {"Authentication failed"}, "error_description": {"User locked out of Online Banking"}}, bank.Locked},
		{url.Values{"error": {"access_denied"}}, bank.ChallengeCancelled},
		{url.Values{"error": {"Account not found"}}, bank.Refused},
		{url.Values{}, bank.Nonsense},
	} {
		_, err := connector.Continue(t.Context(), bank.Input{
			Event: bank.Returned, Journey: journey, State: begun.(bank.Address).State, Return: bank.Return{Fragment: test.back},
		})
		if err == nil || bank.AsFailure(err).Kind != test.want {
			t.Errorf("%v: %v, want %s", test.back, err, test.want)
		}
	}
}

func TestAUserLogsInAgainForTheConsentOfBefore(t *testing.T) {
	const own, post = "POST /token\n", "POST /aisp/account-access-consents\n"
	for _, test := range []struct {
		name, data, status string
		want               string
		earlier            bool
	}{
		{"it lasts", `"consent":{"reauthenticate":true}`, "Authorised", own + "GET /aisp/account-access-consents/c-0\n", true},
		{"it lasts, in 4.0", `"consent":{"reauthenticate":true}`, "AUTH", own + "GET /aisp/account-access-consents/c-0\n", true},
		{"it was taken back", `"consent":{"reauthenticate":true}`, "Revoked", own + "GET /aisp/account-access-consents/c-0\n" + own + post, false},
		{"it ends soon", `"consent":{"reauthenticate":true}`, `Authorised","ExpirationDateTime":"2026-07-01T00:00:00Z`, own + "GET /aisp/account-access-consents/c-0\n" + own + post, false},
		{"the data say nothing", ``, "Authorised", own + post, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := &counter{t: t, status: test.status}
			connector := scripted(t, test.data, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.ServeHTTP(w, r)
				if r.Method == http.MethodGet {
					asked.status = "" // that of another one
				}
			}))
			old := bank.Access{Token: oxlin.NewSecret("at"), State: oxlin.NewSecret(`{"consent":"c-0"}`)}
			journey := bank.Journey{RedirectURI: "https://oxlin.test/back", RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier"), Access: old}
			step, err := connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey})
			if err != nil {
				t.Fatal(err)
			}
			address := step.(bank.Address)
			consent := map[bool]string{true: "c-0", false: "c-1"}[test.earlier]
			u, err := url.Parse(address.URL)
			if err != nil || !strings.Contains(opened(t, u.Query().Get("request")), `"value":"`+consent+`"`) {
				t.Errorf("the login is not about %s: %v", consent, err)
			}
			if lines := asks.FindAllString(asked.asked.String(), -1); strings.Join(lines, "") != test.want {
				t.Errorf("the bank was asked\n%s, want\n%s", strings.Join(lines, ""), test.want)
			}
			// A way that is given up takes no consent away that the user has given.
			asked.asked.Reset()
			err = connector.Discard(t.Context(), address.State)
			if deleted := strings.Contains(asked.asked.String(), "DELETE"); err != nil || deleted == test.earlier {
				t.Errorf("deleted is %t, %v", deleted, err)
			}
			token := signToken(t, idToken("https://bank.example", "a-client", u.Query().Get("nonce"), "a-code", "a-state", summer))
			step, err = connector.Continue(t.Context(), bank.Input{
				Event: bank.Returned, Journey: journey, State: address.State,
				Return: bank.Return{Fragment: url.Values{"code": {"a-code"}, "state": {"a-state"}, "id_token": {token}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, left := connector.Replaced(old, step.(bank.Access))
			if left == test.earlier {
				t.Errorf("a consent is left behind: %t", left)
			}
		})
	}
}

// asks are the first lines of requests.
var asks = regexp.MustCompile(`(?m)^[A-Z]+ /\S*\n`)
