package berlingroup_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/berlingroup"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// now is the time of every test: a Saturday, 11 o'clock in Paris.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// call is a call with a consent, without a token and without the user.
var call = bank.Call{Access: bank.Access{State: oxlin.NewSecret(`{"consent_id":"C1","answers":{"branch":"47"}}`)}}

// ours is the account of most tests.
var ours = bank.AccountRef{Address: "a1", Type: oxlin.AccountCheckings, IBAN: "DE02120300000000202051", Currency: "EUR"}

// configOf reads the data of a bank: the rest of the config after what every bank has.
func configOf(t testing.TB, rest string) berlingroup.Config {
	t.Helper()
	text := `{"base_url":"https://bank.example/xs2a/v1","consent_days":90,"unattended_per_day":4,"ids":"STABLE","history":{"days":30}` + rest + `}`
	tree, err := datafile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var report datafile.Report
	var config berlingroup.Config
	datafile.Decode(tree, &config, report.Root())
	if report.Err() != nil {
		t.Fatal(report.Err())
	}
	return config
}

// connector returns a bank with data of its own, that a handler answers for.
func connector(t testing.TB, rest string, behind http.Handler) *berlingroup.Connector {
	t.Helper()
	c, err := berlingroup.New(configOf(t, rest), psd2.Deps{Transport: banktest.Serve(t, behind), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answers is a bank that says the same to every request.
func answers(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	})
}

// rowsOf reads all pages of the account, and tells each row in a line.
func rowsOf(t testing.TB, c *berlingroup.Connector, account bank.AccountRef) (all []string) {
	t.Helper()
	for cursor, n := "", 0; n < 50; n++ {
		page, err := c.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 11, 1), cursor)
		if err != nil {
			return append(all, "failure: "+string(bank.AsFailure(err).Kind))
		}
		for _, row := range page.Transactions {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", row.BankID, strings.ToLower(string(row.Status)), row.Date(), row.Amount, row.Currency)))
		}
		for _, row := range page.Unreadable {
			all = append(all, "unread: "+string(row.Reason))
		}
		if page.Broken != "" {
			all = append(all, "broken: "+page.Broken)
		}
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
	return append(all, "no end")
}

const row = `{"transactionId":"%s","transactionAmount":{"amount":"%s","currency":"EUR"},"bookingDate":"2026-11-%s"%s}`

// one returns a row of the standard.
func one(id, amount, day string, more ...string) string {
	return fmt.Sprintf(row, id, amount, day, strings.Join(append([]string{""}, more...), ","))
}

func TestTheFormsOfRows(t *testing.T) {
	booked := func(rows ...string) string { return `{"transactions":{"booked":[` + strings.Join(rows, ",") + `]}}` }
	to := `"creditorName":"Shop","creditorAccount":{"iban":"DE75512108001245126199"}`
	from := `"debtorName":"Employer"`
	for _, test := range []struct {
		name, config, body string
		want               []string
	}{
		{"signed amounts", "", booked(one("1", "-5.00", "02"), one("2", "7", "03")), []string{"1 booked 2026-11-02 -5 EUR", "2 booked 2026-11-03 7 EUR"}},
		{"signs reversed", `,"transactions":{"sign":"reversed"}`, booked(one("1", "5.00", "02"), one("2", "-7", "03")), []string{"1 booked 2026-11-02 -5 EUR", "2 booked 2026-11-03 7 EUR"}},
		{
			"the creditor tells a debit", `,"transactions":{"sign":"parties"}`,
			booked(one("1", "5.00", "02", to), one("2", "7", "03", from), one("3", "-8", "03", from), one("4", "9", "03"), one("5", "1", "03", to, `"debtorAccount":{"iban":"DE02 1203 0000 0000 2020 51"}`)),
			[]string{"1 booked 2026-11-02 -5 EUR", "2 booked 2026-11-03 7 EUR", "3 booked 2026-11-03 -8 EUR", "5 booked 2026-11-03 -1 EUR", "unread: sign"},
		},
		{
			"an indicator wins", "", booked(one("1", "5.00", "02", `"creditDebitIndicator":"DBIT"`), one("2", "7", "03", `"creditDebitIndicator":"CRDT"`)),
			[]string{"1 booked 2026-11-02 -5 EUR", "2 booked 2026-11-03 7 EUR"},
		},
		{"an indicator is demanded", `,"transactions":{"sign":"indicator"}`, booked(one("1", "5.00", "02")), []string{"unread: sign"}},
		{
			"only pending rows lack the sign", `,"transactions":{"pending_sign":"parties"}`,
			`{"transactions":{"booked":[` + one("1", "5", "02", to) + `],"pending":[` + one("2", "5", "02", to) + `]}}`,
			[]string{"1 booked 2026-11-02 5 EUR", "2 pending 2026-11-02 -5 EUR"},
		},
		{
			"lists, null and absent ones", "", `{"transactions":{"booked":null,"pending":[` + one("1", "1", "02") + `],"information":[` + one("2", "1", "02") + `]}}`,
			[]string{"1 pending 2026-11-02 1 EUR"},
		},
		{"lists without the member around them", "", `{"booked":[` + one("1", "1", "02") + `],"pending":[]}`, []string{"1 booked 2026-11-02 1 EUR"}},
		{"one list", "", `{"transactions":[` + one("1", "1", "02") + `]}`, []string{"1 booked 2026-11-02 1 EUR"}},
		{
			"one list with words for the status", `,"transactions":{"status":"state","words":{"done":"BOOKED","void":""}}`,
			`{"transactions":[` + one("1", "1", "02", `"state":"done"`) + `,` + one("2", "1", "02", `"state":"VOID"`) + `,` + one("3", "1", "02", `"state":"pending"`) + `]}`,
			[]string{"1 booked 2026-11-02 1 EUR", "3 pending 2026-11-02 1 EUR"},
		},
		{
			"absent ids and days", "", booked(`{"transactionId":" ","entryReference":null,"transactionAmount":{"amount":"1.5","currency":"EUR"},"bookingDate":"","valueDate":" "}`),
			[]string{"booked  1.5 EUR"},
		},
		{"an id of another kind", "", booked(`{"entryReference":7,"transactionAmount":{"amount":1.5,"currency":"EUR"},"valueDate":"2026-11-04"}`), []string{"7 booked 2026-11-04 1.5 EUR"}},
		{"no id is wanted", `,"transactions":{"id":"none"}`, booked(one("1", "1", "02")), []string{"booked 2026-11-02 1 EUR"}},
		{"days that are none", "", booked(`{"transactionAmount":{"amount":"1"},"bookingDate":"soon"}`), []string{"unread: day"}},
		{"an amount that is none", "", booked(one("1", "1,234", "02")), []string{"unread: amount"}},
		{
			"members elsewhere", `,"transactions":{"members":{"transactionAmount.amount":"money.value","transactionAmount.currency":"=CHF","bookingDate":"dates.0|dates.1","transactionId":"ref"}}`,
			booked(`{"ref":"r","money":{"value":"-3.20"},"dates":[null,"2026-11-05"]}`), []string{"r booked 2026-11-05 -3.2 CHF"},
		},
		{"the first version's amount", "", booked(`{"transactionId":"1","amount":{"currency":"EUR","content":"-2.10"},"bookingDate":"2026-11-05"}`), []string{"1 booked 2026-11-05 -2.1 EUR"}},
		{"another account's answer", "", `{"account":{"iban":"DE75512108001245126199"},"transactions":{"booked":[` + one("1", "1", "02") + `]}}`, []string{"1 booked 2026-11-02 1 EUR"}},
		{
			"another account's answer is refused", `,"transactions":{"names_account":true}`,
			`{"account":{"iban":"DE75512108001245126199"},"transactions":{"booked":[` + one("1", "1", "02") + `]}}`, []string{"failure: nonsense"},
		},
		{"an error that is called a success", "", `{"tppMessages":[{"category":"ERROR","code":"CONSENT_EXPIRED"}]}`, []string{"failure: access lost"}},
		{"a warning beside the rows", "", `{"tppMessages":[{"category":"WARNING","code":"CONSENT_EXPIRED"}],"transactions":{"booked":[` + one("1", "1", "02") + `]}}`, []string{"1 booked 2026-11-02 1 EUR"}},
		{
			"rows that are left out", `,"transactions":{"leave_where":{"kind":["BALANCE"],"void":["true"]}}`,
			booked(one("1", "1", "02", `"kind":"balance"`), one("2", "1", "02", `"void":true`), one("3", "1", "02", `"kind":"x"`)), []string{"3 booked 2026-11-02 1 EUR"},
		},
		{"no list", "", `{"message":"maintenance"}`, []string{"failure: nonsense"}},
		{"a page for people", "", `<html><body>maintenance</body></html>`, []string{"failure: nonsense"}},
		{"rows outside of the days", "", booked(one("1", "1", "02"), `{"transactionId":"old","transactionAmount":{"amount":"1","currency":"EUR"},"bookingDate":"2026-08-01"}`), []string{"1 booked 2026-11-02 1 EUR", "old booked 2026-08-01 1 EUR"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := rowsOf(t, connector(t, test.config, answers(test.body)), ours)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheWayOverPages(t *testing.T) {
	page := func(links string, ids ...string) string {
		var rows []string
		for _, id := range ids {
			rows = append(rows, one(id, "1", "02"))
		}
		return `{"transactions":{"booked":[` + strings.Join(rows, ",") + `]` + links + `}`
	}
	const first = "GET /xs2a/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2026-11-01"
	within := func(next string) string { return `,"_links":{"next":` + next + `}}` }
	for _, test := range []struct {
		name, config string
		exchanges    []banktest.Exchange
		want         string // ids, and what went wrong
	}{
		{
			"a link within the lists", "", []banktest.Exchange{
				{Ask: first, Body: page(within(`{"href":"/v1/accounts/a1/transactions?page=2"}`), "1")},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?page=2", Body: page("}", "2")},
			}, "1 2",
		},
		{
			"a text beside the lists", "", []banktest.Exchange{
				{Ask: first, Body: page(`},"_links":{"nextPage":"http://other.example/elsewhere/accounts/a1/transactions/second?x=1"}`, "1")},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions/second?x=1", Body: page("}", "2")},
			}, "1 2",
		},
		{
			"a link within the account", "", []banktest.Exchange{
				{Ask: first, Body: `{"account":{"_links":{"next":{"href":"?page=2"}}},"transactions":{"booked":[` + one("1", "1", "02") + `]}}`},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?page=2", Body: page("}", "2")},
			}, "1 2",
		},
		{
			"a link in the header", "", []banktest.Exchange{
				{Ask: first, Body: page("}", "1"), Header: http.Header{"Link": {`</v1/accounts/a1/transactions?page=2>; rel="next"`}}},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?page=2", Body: page("}", "2")},
			}, "1 2",
		},
		{
			"a path beside the list", "", []banktest.Exchange{
				{Ask: first, Body: page(within(`{"href":"https://other.example/v1/accounts/a1/transactionsNextPage?k=b"}`), "1")},
				{Ask: "GET /xs2a/v1/accounts/a1/transactionsNextPage?k=b", Body: page("}", "2")},
			}, "1 2",
		},
		{
			"a path of its own", `,"transactions":{"pages":{"follow":"path"}}`, []banktest.Exchange{
				{Ask: first, Body: page(within(`{"href":"https://other.example/pages/v1/accounts/a1/transactions?page=2"}`), "1")},
				{Ask: "GET /pages/v1/accounts/a1/transactions?page=2", Body: page("}", "2")},
			}, "1 2",
		},
		{
			"a link to itself", "", []banktest.Exchange{
				{Ask: first, Body: page(within(`{"href":"/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2026-11-01"}`), "1")},
				{Ask: first, Body: page(within(`{"href":"/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2026-11-01"}`), "1")},
			}, "1",
		},
		{
			"page one again under another address", "", []banktest.Exchange{
				{Ask: first, Body: page(within(`{"href":"?page=2"}`), "1")},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?page=2", Body: page("}", "1")},
			}, "1",
		},
		{
			"counted pages until one is short", `,"transactions":{"query":"n={page}","pages":{"parameter":"n","size":2}}`, []banktest.Exchange{
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?n=0", Body: page("}", "1", "2")},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?n=1", Body: page("}", "3")},
			}, "1 2 3",
		},
		{
			"counted pages up to the last", `,"transactions":{"pages":{"parameter":"pageIndex","first":1,"total":"meta.pages"}}`, []banktest.Exchange{
				{Ask: first, Body: page(`},"meta":{"pages":2}`, "1")},
				{Ask: first + "&pageIndex=2", Body: page(`},"meta":{"pages":"2"}`, "2")},
			}, "1 2",
		},
		{
			"each status by itself", `,"transactions":{"statuses":["booked","pending"]}`, []banktest.Exchange{
				{Ask: strings.Replace(first, "both", "booked", 1), Body: `{"transactions":{"booked":[` + one("1", "1", "02") + `],"pending":[` + one("2", "1", "03") + `]}}`},
				{Ask: strings.Replace(first, "both", "pending", 1), Body: `{"transactions":{"booked":[` + one("1", "1", "02") + `],"pending":[` + one("2", "1", "03") + `]}}`},
			}, "1 2",
		},
		{
			"a path and a header with an answer of the user", `,"transactions":{"path":"//{branch}/accounts/{id}/rows","query":"since={from}","date_format":"02.01.2006"}`, []banktest.Exchange{
				{Ask: "GET /47/accounts/a1/rows?since=01.11.2026", Body: page("}", "1")},
			}, "1",
		},
		{
			"windows", `,"transactions":{"date_format":"compact","to_exclusive":true,"to_today":true}`, []banktest.Exchange{
				{Ask: "GET /xs2a/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=20261101&dateTo=20261122", Body: page("}", "1")},
			}, "1",
		},
		{
			"an answer to fetch later", "", []banktest.Exchange{
				{Ask: first, Body: `{"_links":{"download":{"href":"https://other.example/xs2a/v1/accounts/a1/transactions/download/7"}}}`},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions/download/7", Status: 202},
			}, "failure: unavailable",
		},
		{
			"an answer to fetch now", "", []banktest.Exchange{
				{Ask: first, Body: `{"transactions":{"_links":{"download":"/xs2a/v1/accounts/a1/transactions/download/7"}}}`},
				{Ask: "GET /xs2a/v1/accounts/a1/transactions/download/7", Body: zipped(t, ":20:X\n:25:DE02120300000000202051\n:60F:C261031EUR0,\n:61:2611021102D3,50NTRFNONREF//9\n:86:shop\n:62F:D261103EUR3,50\n-")},
			}, "9",
		},
		{
			"camt of several accounts", `,"transactions":{"accept":"application/xml"}`, []banktest.Exchange{
				{Ask: first, Header: http.Header{"Content-Type": {"application/xml"}}, Body: camt("DE02120300000000202051", "A") + camt("DE75512108001245126199", "B")},
			}, "A",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := banktest.NewScript(t, test.exchanges...)
			var ids []string
			for _, line := range rowsOf(t, connector(t, test.config, script), ours) {
				if !strings.HasPrefix(line, "failure") && !strings.HasPrefix(line, "broken") {
					line, _, _ = strings.Cut(line, " ")
				}
				ids = append(ids, line)
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("rows are %q, want %q", got, test.want)
			}
			for _, request := range script.Requests {
				if request.Header.Get("Consent-ID") != "C1" || request.Header.Get("Authorization") != "" || request.Header.Get("PSU-IP-Address") != "" {
					t.Errorf("headers are %v", request.Header)
				}
			}
		})
	}
}

func camt(iban, reference string) string {
	return `<Document><BkToCstmrAcctRpt><Rpt><Acct><Id><IBAN>` + iban + `</IBAN></Id></Acct><Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>` +
		`<BookgDt><Dt>2026-11-02</Dt></BookgDt><AcctSvcrRef>` + reference + `</AcctSvcrRef></Ntry></Rpt></BkToCstmrAcctRpt></Document>`
}

func zipped(t testing.TB, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	file, err := w.Create("statement.sta")
	if err == nil {
		_, err = file.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestTheFormsOfAccounts(t *testing.T) {
	for _, test := range []struct {
		name, config string
		exchanges    []banktest.Exchange
		want         []string
	}{
		{
			"types, names, owners", "", []banktest.Exchange{{Body: `{"accounts":[
				{"resourceId":"1","iban":"DE02120300000000202051","currency":"EUR","name":"","product":"Giro","cashAccountType":"CACC","ownerName":"Anna","usage":"PRIV"},
				{"resourceId":"2","bban":"4711","currency":" ","cashAccountType":"SVGS","balances":[{"balanceAmount":{"amount":"1","currency":"CHF"},"balanceType":"closingBooked"}],"ownerNames":[{"name":"Anna"},{"name":"Ben"}],"usage":"ORGA"},
				{"resourceId":"3","maskedPan":"1234XXXXXXXX5678","currency":"EUR","linkedAccounts":"DE02120300000000202051"},
				{"resourceId":"4","iban":"DE75512108001245126199","status":"deleted"},
				{"iban":"DE02100100100006820101","currency":"EUR"}]}`}},
			[]string{
				"1 CHECKINGS EUR Giro DE02120300000000202051 Anna  PERSONAL", "2 SAVINGS CHF  4711 Anna, Ben  PROFESSIONAL",
				"3 CREDIT_CARD EUR  1234XXXXXXXX5678  1 PERSONAL", "DE02100100100006820101 CHECKINGS EUR  DE02100100100006820101   PERSONAL",
			},
		},
		{
			"sub-accounts of an account in all currencies", "", []banktest.Exchange{{Body: `{"accounts":[
				{"resourceId":"0","iban":"DE02120300000000202051","currency":"XXX"},{"resourceId":"1","iban":"DE02120300000000202051","currency":"EUR"},
				{"resourceId":"2","iban":"DE02120300000000202051","currency":"USD"},{"resourceId":"3","iban":"DE75512108001245126199","currency":"XXX"}]}`}},
			[]string{
				"1 CHECKINGS EUR  DE02120300000000202051   PERSONAL", "2 CHECKINGS USD  DE02120300000000202051   PERSONAL",
				"3 CHECKINGS   DE75512108001245126199   PERSONAL",
			},
		},
		{
			"card accounts", `,"accounts":{"cards":true}`, []banktest.Exchange{
				{Ask: "GET /xs2a/v1/accounts", Body: `{"accounts":[{"resourceId":"1","currency":"EUR"}],"_links":{"next":"/accounts?page=2"}}`},
				{Ask: "GET /xs2a/v1/accounts?page=2", Body: `{"accounts":[{"resourceId":"2","currency":"EUR"}]}`},
				{Ask: "GET /xs2a/v1/card-accounts", Body: `{"cardAccounts":[{"resourceId":"1","maskedPan":"525412******3241","currency":"EUR","name":"Card"}]}`},
			},
			[]string{"1 CHECKINGS EUR     PERSONAL", "2 CHECKINGS EUR     PERSONAL", "card-accounts/1 CREDIT_CARD EUR Card 525412******3241   PERSONAL"},
		},
		{
			"details", `,"accounts":{"details":true,"types":{"Sparbuch":"SAVINGS"}}`, []banktest.Exchange{
				{Ask: "GET /xs2a/v1/accounts", Body: `{"accounts":[{"resourceId":"1","currency":"EUR"},{"resourceId":"2","product":"Sparbuch"}]}`},
				{Ask: "GET /xs2a/v1/accounts/1", Body: `{"account":{"resourceId":"x","name":"One","currency":"USD"}}`},
				{Ask: "GET /xs2a/v1/accounts/2", Body: `{"currency":"EUR"}`},
			},
			[]string{"1 CHECKINGS EUR One    PERSONAL", "2 SAVINGS EUR Sparbuch    PERSONAL"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connector(t, test.config, banktest.NewScript(t, test.exchanges...))
			var got []string
			for cursor := ""; ; {
				page, err := c.Accounts(t.Context(), call, cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range page.Accounts {
					number := a.IBAN
					if number == "" {
						number = a.Number + a.MaskedNumber
					}
					got = append(got, strings.Join([]string{a.Address, string(a.Type), a.Currency, a.Name, number, a.OwnerName, a.LinkedAddress, string(a.Usage)}, " "))
				}
				if page.Next == "" {
					break
				}
				cursor = page.Next
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheFormsOfBalances(t *testing.T) {
	for _, test := range []struct{ name, config, body, want string }{
		{"the booked one is shown", "", `{"balances":[{"balanceType":"expected","balanceAmount":{"amount":"2","currency":"EUR"}},{"balanceType":"closingBooked","balanceAmount":{"amount":"-1","currency":"EUR"}}]}`, "-1 of 2"},
		{
			"one type twice, with and without credit", "",
			`{"balances":[{"balanceType":"expected","creditLimitIncluded":true,"balanceAmount":{"amount":"1002","currency":"EUR"}},{"balanceType":"expected","creditLimitIncluded":false,"balanceAmount":{"amount":"2","currency":"EUR"}}]}`, "2 of 2",
		},
		{
			"one type twice, of two days", "",
			`{"balances":[{"balanceType":"closingBooked","referenceDate":"2026-11-01","balanceAmount":{"amount":"1","currency":"EUR"}},{"balanceType":"closingBooked","referenceDate":"2026-11-20","balanceAmount":{"amount":"2","currency":"EUR"}},{"balanceType":"closingBooked","referenceDate":"2026-12-20","balanceAmount":{"amount":"3","currency":"EUR"}}]}`, "2 of 3",
		},
		{"another currency comes last", "", `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":"9","currency":"USD"}},{"balanceType":"other","balanceAmount":{"amount":"2","currency":"EUR"}}]}`, "2 of 2"},
		{"nested", "", `{"account":{"iban":"x","balance":{"balanceType":"INTERIM_BOOKED","balanceAmount":{"amount":"3","currency":"EUR"}}}}`, "3 of 1"},
		{"nested in each element", "", `{"balances":[{"balance":{"balanceType":"closingBooked","amount":{"value":"3","currency":"EUR"}}}]}`, "3 of 1"},
		{"by the names of the types", "", `{"balances":[{"closingBooked":{"amount":{"currency":"EUR","content":"4.5"},"date":"2026-11-01"},"expected":{"amount":{"currency":"EUR","content":"5"}}}]}`, "4.5 of 2"},
		{"members of the account", `,"balances":{"from":"details","fields":[{"amount":"sum","currency":"cur","balanceType":"CLBD"},{"amount":"free","currency":"cur","balanceType":"ITAV"}]}`, `{"sum":1.25,"free":2,"cur":"EUR"}`, "1.25 of 2"},
		{"a word of the bank", `,"balances":{"types":{"Kontostand":"CLBD"},"sign":"reversed"}`, `{"balances":[{"balanceType":"KONTOSTAND","balanceAmount":{"amount":"7","currency":"EUR"}},{"balanceType":"ITAV","balanceAmount":{"amount":"8","currency":"EUR"}}]}`, "-7 of 2"},
		{"none", "", `{"balances":null}`, "none"},
		{"a priority", `,"balances":{"priority":["ITAV"]}`, `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":"1","currency":"EUR"}},{"balanceType":"interimAvailable","balanceAmount":{"amount":"2","currency":"EUR"}}]}`, "2 of 2"},
	} {
		told, err := connector(t, test.config, answers(test.body)).Balances(t.Context(), call, ours, "")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := "none"
		if told.Shown != nil {
			got = fmt.Sprintf("%s of %d", told.Shown.Amount, len(told.All))
		}
		if got != test.want || len(told.Unreadable) > 0 {
			t.Errorf("%s: shown is %s, want %s; %+v", test.name, got, test.want, told)
		}
	}
}

func TestAShorterHistoryIsAskedFor(t *testing.T) {
	script := banktest.NewScript(t,
		banktest.Exchange{Ask: "GET /xs2a/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2026-11-01", Status: 400, Body: `{"tppMessages":[{"category":"ERROR","code":"PERIOD_INVALID"}]}`},
		banktest.Exchange{Ask: "GET /xs2a/v1/accounts/a1/transactions?bookingStatus=both&dateFrom=2026-11-11", Body: `{"transactions":{"booked":[]}}`},
	)
	c := configOf(t, "")
	c.History.RefreshedDays = 10
	made, err := berlingroup.New(c, psd2.Deps{Transport: banktest.Serve(t, script), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	page, err := made.Transactions(t.Context(), call, ours, oxlin.NewDate(2026, 11, 1), "")
	if err != nil || page.CoveredFrom != oxlin.NewDate(2026, 11, 11) {
		t.Errorf("covered from %v, %v", page.CoveredFrom, err)
	}
}

func TestCursorsOfOthersAreRefused(t *testing.T) {
	c := connector(t, "", answers(`{}`))
	for _, cursor := range []string{"x", "{}", "[]", `{"asked":7,"again":true}`, `{"queue":7}`} {
		_, err := c.Accounts(t.Context(), call, cursor)
		if bank.AsFailure(err).Kind != bank.Nonsense {
			t.Errorf("accounts at %s: %v", cursor, err)
		}
		_, err = c.Transactions(t.Context(), call, ours, oxlin.Date{}, cursor)
		if bank.AsFailure(err).Kind != bank.Nonsense {
			t.Errorf("transactions at %s: %v", cursor, err)
		}
	}
}

func TestTheFaultsOfABanksData(t *testing.T) {
	for rest, want := range map[string]string{
		`,"transactions":{"sign":"both"}`:                                `$.transactions.sign: want one of , amount, reversed, parties, indicator, not "both"`,
		`,"transactions":{"path":"/rows"}`:                               `$.transactions.path: "/rows" names no account: want {id} or {iban}`,
		`,"transactions":{"query":"a={from}","statuses":["a","b"]}`:      `$.transactions.query: several statuses need {status}`,
		`,"transactions":{"date_format":"french"}`:                       `$.transactions.date_format: want one of compact, date, instant, local, millis, utc, utc_millis, not "french"`,
		`,"balances":{"from":"thin air"}`:                                `$.balances.from: want one of , resource, list, details, not "thin air"`,
		`,"accounts":{"pages":{"next":"meta.next"}}`:                     `$.accounts.pages.parameter: step and the members that tell the end need it`,
		`,"accounts":{"pages":{"parameter":"n","rows":"sum"}}`:           `$.accounts.pages.rows: the rows of a page are not known: want step or size`,
		`,"accounts":{"pages":{"parameter":"n","count":"a","more":"b"}}`: `$.accounts.pages: want one of next, more, total, count and rows`,
		`,"transactions":{"queries":{"pending":"a=b"}}`:                  `$.transactions.queries.pending: "pending" is not one of statuses`,
		`,"balances":{"card_sign":"parties"}`:                            `$.balances.card_sign: a balance has no parties`,
		`,"consent":{"words":{"OK":"fine"}}`:                             `$.consent.words.OK: want one of received, valid,`,
		`,"headers_on":{"payment":{}}`:                                   `$.headers_on.payment: "payment" is no such operation`,
		`,"zone":"Europe/Lutetia"`:                                       `$.zone: "Europe/Lutetia" is not a time zone`,
	} {
		_, err := berlingroup.New(configOf(t, rest), psd2.Deps{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", rest, err, want)
		}
	}
}

// FuzzAnswers reads any bytes as every kind of answer: nothing panics, walks end, and the
// stored record of a row is read as the answer was.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"transactions":{"booked":[` + one("1", "-5.00", "02") + `],"_links":{"next":{"href":"?p=2"}}}}`))
	f.Add([]byte(`{"accounts":[{"resourceId":"1","balances":[{"closingBooked":{"amount":{"content":"1"}}}]}]}`))
	f.Add([]byte(`{"balances":{"balanceAmount":7},"tppMessages":{"code":"X"}}`))
	f.Add([]byte(camt("DE02120300000000202051", "A")))
	f.Add([]byte(`{"_links":{"download":"//x"},"transactions":[1,null,{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := connector(t, `,"accounts":{"cards":true},"transactions":{"members":{"bookingDate":"a.b|c"}}`, answers(string(body)))
		cursor := ""
		for range 3 {
			page, err := c.Accounts(t.Context(), call, cursor)
			if err != nil || page.Next == "" {
				break
			}
			cursor = page.Next
		}
		_, _ = c.Balances(t.Context(), call, ours, "")
		page, err := c.Transactions(t.Context(), call, ours, oxlin.NewDate(2026, 11, 1), "")
		if err != nil {
			return
		}
		for _, row := range page.Transactions {
			again, ok := c.Decode(row.Raw, ours)
			if !ok || again.Amount != row.Amount || again.BankID != row.BankID || again.Status != row.Status || again.Date() != row.Date() {
				t.Errorf("%s is read as %+v, then as %+v", row.Raw, row, again)
			}
		}
	})
}

// An account of several currencies is one of each, with one address in the bank's paths: rows and
// balances of the others are not theirs, and a row without a currency is nobody's.
func TestAnAccountOfSeveralCurrencies(t *testing.T) {
	behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		row := func(id, currency string) string {
			return `{"transactionId":"` + id + `","bookingDate":"2026-11-02","transactionAmount":{"amount":"5.00"` + currency + `}}`
		}
		w.Header().Set("Content-Type", "application/json")
		body := `{"accounts":[{"resourceId":"m","iban":"DE02120300000000202051","currency":"XXX","name":"Giro","balances":[
			{"balanceType":"closingBooked","balanceAmount":{"amount":"1","currency":"EUR"}},{"balanceType":"expected","balanceAmount":{"amount":"2","currency":"EUR"}},
			{"balanceType":"closingBooked","balanceAmount":{"amount":"3","currency":"USD"}}]},
			{"resourceId":"o","iban":"DE75512108001245126199","currency":"XXX"}]}`
		switch strings.TrimPrefix(r.URL.Path, "/xs2a/v1/accounts") {
		case "":
		case "/m/transactions":
			body = `{"transactions":{"booked":[` + row("1", `,"currency":"EUR"`) + `,` + row("2", `,"currency":"USD"`) + `,` + row("3", `,"currency":"EUR"`) + `,` + row("4", "") + `],"pending":[]}}`
		default:
			t.Errorf("the bank is asked for %s", r.URL)
		}
		_, _ = io.WriteString(w, body)
	})
	c := connector(t, `,"balances":{"from":"list"}`, behind)
	page, err := c.Accounts(t.Context(), call, "")
	if err != nil || len(page.Accounts) != 3 {
		t.Fatalf("%+v, %v", page, err)
	}
	want := []struct{ currency, balance, rows string }{{"EUR", "1", "1 3"}, {"USD", "3", "2"}}
	for i, account := range page.Accounts[:2] {
		balances, err := c.Balances(t.Context(), call, account.Ref(), "")
		if err != nil || balances.Shown == nil || balances.Shown.Amount.String() != want[i].balance {
			t.Errorf("%s has the balances %+v, %v", account.Currency, balances, err)
		}
		read, err := c.Transactions(t.Context(), call, account.Ref(), oxlin.NewDate(2026, 11, 1), "")
		var ids []string
		for _, row := range read.Transactions {
			ids = append(ids, row.BankID)
			again, ok := c.Decode(row.Raw, bank.AccountRef{Currency: account.Currency})
			if !ok || again.Currency != row.Currency || again.Amount != row.Amount {
				t.Errorf("the stored row is read as %+v", again)
			}
		}
		if got := strings.Join(ids, " "); err != nil || account.Currency != want[i].currency || got != want[i].rows || len(read.Unreadable) != 1 {
			t.Errorf("%s has the rows %s, %d unreadable, %v", account.Currency, got, len(read.Unreadable), err)
		}
	}
	if other := page.Accounts[2]; other.Currency != "" || other.Address != "o" {
		t.Errorf("an account whose currencies nobody tells is %+v", other)
	}
}
