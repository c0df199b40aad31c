package berlingroup_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/berlingroup"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// The requests that a bank gets which does as the standard says, and its usual answers.
const (
	askAccounts = "GET /xs2a/v1/accounts"
	askBalances = "GET /xs2a/v1/accounts/a1/balances"
	askRows     = "GET /xs2a/v1/accounts/a1/transactions"
	fromDay     = "dateFrom=2026-11-01"
	both        = askRows + "?bookingStatus=both&" + fromDay

	listed     = `{"accounts":[{"resourceId":"a1","iban":"DE02120300000000202051","currency":"EUR","name":"Giro"}]}`
	balanced   = `{"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":"12.50","currency":"EUR"}}]}`
	giro       = "a1 CHECKINGS EUR DE02120300000000202051 12.5"
	nothing    = `{"transactions":{"booked":[]}}`
	firstRow   = "1 booked 2026-11-02 -5 EUR"
	anotherRow = "2 booked 2026-11-03 7 EUR"
)

func bookedRows(rows ...string) string {
	return `{"transactions":{"booked":[` + strings.Join(rows, ",") + `]}}`
}

// everything reads a whole bank, and tells each account, with its balance, and each row in a line.
func everything(t *testing.T, c *berlingroup.Connector, call bank.Call) (all []string) {
	t.Helper()
	failed := func(err error) []string {
		failure := bank.AsFailure(err)
		return append(all, strings.TrimSpace(fmt.Sprintf("failure: %s %d %s", failure.Kind, failure.Status, failure.RetryAfter)))
	}
	var accounts []bank.Account
	for cursor, n := "", 0; n < 20; n++ {
		page, err := c.Accounts(t.Context(), call, cursor)
		if err != nil {
			return failed(err)
		}
		accounts = append(accounts, page.Accounts...)
		cursor = page.Next
		if cursor == "" {
			break
		}
	}
	for _, account := range accounts {
		shown := "unknown"
		for cursor, n := "", 0; n < 20; n++ {
			balances, err := c.Balances(t.Context(), call, account.Ref(), cursor)
			if err != nil {
				return failed(err)
			}
			if balances.Shown != nil {
				shown = strings.TrimSpace(balances.Shown.Amount.String() + " " + balances.Shown.Date.String())
			}
			cursor = balances.Next
			if cursor == "" {
				break
			}
		}
		all = append(all, strings.Join(strings.Fields(strings.Join([]string{
			account.Address, string(account.Type), account.Currency, account.IBAN, account.Number, account.MaskedNumber, shown,
		}, " ")), " "))
		all = append(all, rowsBy(t, c, call, account.Ref())...)
	}
	return all
}

// rowsBy is rowsOf for any call.
func rowsBy(t *testing.T, c *berlingroup.Connector, call bank.Call, account bank.AccountRef) (all []string) {
	t.Helper()
	for cursor, n := "", 0; n < 50; n++ {
		page, err := c.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 11, 1), cursor)
		if err != nil {
			failure := bank.AsFailure(err)
			return append(all, strings.TrimSpace(fmt.Sprintf("failure: %s %d %s", failure.Kind, failure.Status, failure.RetryAfter)))
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

// TestABankIsData reads banks that do each thing in their own way. Every request of a reading is
// listed, and no other may happen.
func TestABankIsData(t *testing.T) {
	accounts := banktest.Exchange{Ask: askAccounts, Body: listed}
	balances := banktest.Exchange{Ask: askBalances, Body: balanced}
	rows := func(ask, body string) banktest.Exchange { return banktest.Exchange{Ask: ask, Body: body} }
	read := func(more ...banktest.Exchange) []banktest.Exchange {
		return append([]banktest.Exchange{accounts, balances}, more...)
	}
	refused := func(status int, body string, header http.Header) []banktest.Exchange {
		return []banktest.Exchange{{Ask: askAccounts, Status: status, Body: body, Header: header}}
	}
	five, seven := one("1", "-5.00", "02"), one("2", "7", "03")
	for _, test := range []struct {
		name, config string
		exchanges    []banktest.Exchange
		want         []string
	}{
		{"as the standard says", "", read(rows(both, bookedRows(five, seven))), []string{giro, firstRow, anotherRow}},

		// What holds the lists.
		{
			"lists without an object around them", "", []banktest.Exchange{
				{Ask: askAccounts, Body: `[{"resourceId":"a1","iban":"DE02120300000000202051","currency":"EUR"}]`},
				{Ask: askBalances, Body: `[{"balanceType":"closingBooked","balanceAmount":{"amount":"12.50","currency":"EUR"}}]`},
				rows(both, "["+five+","+seven+"]"),
			}, []string{giro, firstRow, anotherRow},
		},
		{
			"everything below another member", `,"accounts":{"list":"data.accounts"},"balances":{"list":"data.balances"},"transactions":{"list":"data.items"}`, []banktest.Exchange{
				{Ask: askAccounts, Body: `{"data":` + listed + `}`}, {Ask: askBalances, Body: `{"data":` + balanced + `}`},
				rows(both, `{"data":{"items":{"booked":[`+five+`],"pending":[]}}}`),
			}, []string{giro, firstRow},
		},
		{"no content", "", []banktest.Exchange{accounts, {Ask: askBalances, Status: 204}, {Ask: both, Status: 204}}, []string{strings.Replace(giro, "12.5", "unknown", 1)}},
		{"an empty body", "", []banktest.Exchange{accounts, {Ask: askBalances}, {Ask: both}}, []string{strings.Replace(giro, "12.5", "unknown", 1)}},
		{
			"lists under the bank's own names", `,"transactions":{"lists":{"settled":"BOOKED","authorised":"PENDING"}}`,
			read(rows(both, `{"transactions":{"settled":[`+five+`],"authorised":[`+seven+`]}}`)), []string{giro, "2 pending 2026-11-03 7 EUR", firstRow},
		},

		// The parameters of requests.
		{
			"booked and pending apart, the pending ones without days", `,"transactions":{"statuses":["booked","pending"],"queries":{"pending":"bookingStatus=pending"}}`,
			read(rows(askRows+"?bookingStatus=booked&"+fromDay, bookedRows(five)), rows(askRows+"?bookingStatus=pending", `{"transactions":{"pending":[`+seven+`]}}`)),
			[]string{giro, firstRow, "2 pending 2026-11-03 7 EUR"},
		},
		{"no status, and days under names of the bank", `,"transactions":{"query":"startDate={from}&endDate={to}","to_today":true}`, read(rows(askRows+"?startDate=2026-11-01&endDate=2026-11-21", bookedRows(five))), []string{giro, firstRow}},
		{"no parameter at all", `,"transactions":{"query":"limit=100"}`, read(rows(askRows+"?limit=100", bookedRows(five))), []string{giro, firstRow}},
		{
			"the consent in the address", `,"consent_header":"none","accounts":{"query":"consentId={consent_id}"},"balances":{"query":"consentId={consent_id}"},"transactions":{"query":"consentId={consent_id}&from={from}"}`,
			[]banktest.Exchange{
				{Ask: askAccounts + "?consentId=C1", Body: listed}, {Ask: askBalances + "?consentId=C1", Body: balanced}, rows(askRows+"?consentId=C1&from=2026-11-01", bookedRows(five)),
			}, []string{giro, firstRow},
		},
		{"an instant", `,"transactions":{"date_format":"instant"}`, read(rows(askRows+"?bookingStatus=both&dateFrom=2026-10-31T23:00:00Z", bookedRows(five))), []string{giro, firstRow}},
		{
			"the account's IBAN in its path", `,"transactions":{"path":"/accounts/{iban}/transactions"},"balances":{"path":"/accounts/{iban}/balances"}`, []banktest.Exchange{
				accounts, {Ask: "GET /xs2a/v1/accounts/DE02120300000000202051/balances", Body: balanced}, rows("GET /xs2a/v1/accounts/DE02120300000000202051/transactions?bookingStatus=both&"+fromDay, bookedRows(five)),
			}, []string{giro, firstRow},
		},
		{
			"the account's currency in each request", `,"balances":{"query":"currency={currency}"},"transactions":{"query":"dateFrom={from}&currency={currency}"}`, []banktest.Exchange{
				accounts, {Ask: askBalances + "?currency=EUR", Body: balanced}, rows(askRows+"?"+fromDay+"&currency=EUR", bookedRows(five)),
			}, []string{giro, firstRow},
		},

		// How pages go on.
		{"a link that is null", "", read(rows(both, `{"transactions":{"booked":[`+five+`],"_links":{"next":null}}}`)), []string{giro, firstRow}},
		{"a link whose address is null", "", read(rows(both, `{"transactions":{"booked":[`+five+`],"_links":{"next":{"href":null},"account":{"href":"/v1/accounts/a1"}}}}`)), []string{giro, firstRow}},
		{"a link whose address is empty", "", read(rows(both, `{"transactions":{"booked":[`+five+`],"_links":{"next":{"href":""}}},"_links":[]}`)), []string{giro, firstRow}},
		{
			"a list of links with relations", "", read(rows(both, `{"transactions":{"booked":[`+five+`]},"links":[{"rel":"self","href":"x"},{"rel":"next","href":"?page=2"}]}`), rows(askRows+"?page=2", bookedRows(seven))),
			[]string{giro, firstRow, anotherRow},
		},
		{
			"a link with semicolons and a mark", "", read(rows(both, `{"transactions":{"booked":[`+five+`],"_links":{"next":{"href":"https://other.example:8443/psd2/v1/accounts/a1/transactions?token=a;bc%2F=="}}}}`), rows(askRows+"?token=a;bc%2F==", bookedRows(seven))),
			[]string{giro, firstRow, anotherRow},
		},
		{
			"a link elsewhere in the answer", `,"transactions":{"pages":{"links":["paging.after"]}}`, read(rows(both, `{"transactions":{"booked":[`+five+`]},"paging":{"after":{"href":"?page=2"}}}`), rows(askRows+"?page=2", bookedRows(seven))),
			[]string{giro, firstRow, anotherRow},
		},
		{
			"a key in the answer", `,"transactions":{"pages":{"parameter":"key","next":"meta.key"}}`, read(rows(both, `{"transactions":{"booked":[`+five+`]},"meta":{"key":"a b"}}`), rows(both+"&key=a%20b", `{"transactions":{"booked":[`+seven+`]},"meta":{"key":""}}`)),
			[]string{giro, firstRow, anotherRow},
		},
		{
			"pages from 0, and how many there are", `,"transactions":{"query":"page={page}","pages":{"parameter":"page","count":"totalPages"}}`,
			read(rows(askRows+"?page=0", `{"totalPages":2,`+bookedRows(five)[1:]), rows(askRows+"?page=1", `{"totalPages":2,`+bookedRows(seven)[1:])), []string{giro, firstRow, anotherRow},
		},
		{
			"pages from 1, and a flag", `,"transactions":{"query":"page={page}&itemsPerPage=1","pages":{"parameter":"page","first":1,"more":"hasMore"}}`,
			read(rows(askRows+"?page=1&itemsPerPage=1", `{"hasMore":true,`+bookedRows(five)[1:]), rows(askRows+"?itemsPerPage=1&page=2", `{"hasMore":false,`+bookedRows(seven)[1:])), []string{giro, firstRow, anotherRow},
		},
		{
			"a flag of the last page", `,"transactions":{"query":"page={page}","pages":{"parameter":"page","more":"!last"}}`,
			read(rows(askRows+"?page=0", `{"last":false,`+bookedRows(five)[1:]), rows(askRows+"?page=1", `{"last":true,`+bookedRows(seven)[1:])), []string{giro, firstRow, anotherRow},
		},
		{
			"rows counted, until a page is short", `,"transactions":{"query":"offset={page}&limit=2","pages":{"parameter":"offset","step":2,"size":2}}`,
			read(rows(askRows+"?offset=0&limit=2", bookedRows(five, seven)), rows(askRows+"?limit=2&offset=2", bookedRows(one("3", "1", "04")))), []string{giro, firstRow, anotherRow, "3 booked 2026-11-04 1 EUR"},
		},
		{
			"rows counted, and how many there are", `,"transactions":{"query":"offset={page}","pages":{"parameter":"offset","step":1,"rows":"total"}}`,
			read(rows(askRows+"?offset=0", `{"total":2,`+bookedRows(five)[1:]), rows(askRows+"?offset=1", `{"total":2,`+bookedRows(seven)[1:])), []string{giro, firstRow, anotherRow},
		},
		{
			"a total that one answer lacks", `,"transactions":{"query":"page={page}","pages":{"parameter":"page","count":"totalPages"}}`,
			read(rows(askRows+"?page=0", bookedRows(five)), rows(askRows+"?page=1", `{"totalPages":2,`+bookedRows(seven)[1:])), []string{giro, firstRow, anotherRow},
		},
		{
			"pages of accounts", `,"accounts":{"query":"page=0","pages":{"parameter":"page","count":"pages"}}`, []banktest.Exchange{
				{Ask: askAccounts + "?page=0", Body: `{"pages":2,` + listed[1:]},
				{Ask: askAccounts + "?page=1", Body: `{"pages":2,"accounts":[{"resourceId":"a2","bban":"4711","currency":"CHF"}]}`},
				balances, rows(both, nothing),
				{Ask: "GET /xs2a/v1/accounts/a2/balances", Body: strings.ReplaceAll(balanced, "EUR", "CHF")}, rows(strings.Replace(both, "/a1/", "/a2/", 1), nothing),
			}, []string{giro, "a2 CHECKINGS CHF 4711 12.5"},
		},

		// How amounts, days and signs are written.
		{
			"numbers, and other separators", "", read(rows(both, bookedRows(
				`{"transactionId":"1","transactionAmount":{"amount":-5.00,"currency":"eur"},"bookingDate":"02.11.2026"}`,
				`{"transactionId":"2","transactionAmount":{"amount":"7,00","currency":"EUR"},"bookingDate":"2026-11-02T23:30:00Z"}`,
				`{"transactionId":"3","transactionAmount":{"amount":"+1.0","currency":"EUR"},"bookingDate":"20261104"}`,
				`{"transactionId":"4","transactionAmount":{"amount":"1","currency":"EUR"},"bookingDate":"2026/11/05"}`))),
			[]string{giro, firstRow, anotherRow, "3 booked 2026-11-04 1 EUR", "4 booked 2026-11-05 1 EUR"},
		},
		{
			"an amount in another member, flat", `,"transactions":{"members":{"transactionAmount.amount":"amount","transactionAmount.currency":"currencyCode"}}`,
			read(rows(both, bookedRows(`{"transactionId":"1","amount":"-5","currencyCode":"EUR","bookingDate":"2026-11-02"}`))), []string{giro, firstRow},
		},
		{
			"the debtor is the holder", `,"transactions":{"sign":"parties"}`,
			read(rows(both, bookedRows(one("1", "5.00", "02", `"debtorAccount":{"iban":"DE02 1203 0000 0000 2020 51"}`), one("2", "7", "03", `"creditorAccount":{"iban":"DE02120300000000202051"},"debtorName":"Employer"`)))),
			[]string{giro, firstRow, anotherRow},
		},
		{
			"a card whose debts have no sign, in the list of accounts", `,"transactions":{"card_sign":"reversed"},"balances":{"card_sign":"reversed"}`, []banktest.Exchange{
				{Ask: askAccounts, Body: `{"accounts":[{"resourceId":"a1","maskedPan":"1234XXXXXXXX5678","currency":"EUR"}]}`}, balances, rows(both, bookedRows(one("1", "5", "02"), one("2", "-7", "03"))),
			}, []string{"a1 CREDIT_CARD EUR 1234XXXXXXXX5678 -12.5", firstRow, anotherRow},
		},
		{
			"a card account whose debts have no sign, beside an account", `,"accounts":{"cards":true},"transactions":{"card_sign":"reversed"},"balances":{"card_sign":"reversed"}`, []banktest.Exchange{
				accounts, {Ask: "GET /xs2a/v1/card-accounts", Body: `{"cardAccounts":[{"resourceId":"k","maskedPan":"1234XXXXXXXX5678","currency":"EUR"}]}`},
				balances, rows(both, bookedRows(five)),
				{Ask: "GET /xs2a/v1/card-accounts/k/balances", Body: balanced},
				rows("GET /xs2a/v1/card-accounts/k/transactions?bookingStatus=both&"+fromDay, `{"cardTransactions":{"booked":[{"cardTransactionId":"9","transactionAmount":{"amount":"3","currency":"EUR"},"transactionDate":"2026-11-04"}]}}`),
			}, []string{giro, firstRow, "card-accounts/k CREDIT_CARD EUR 1234XXXXXXXX5678 -12.5", "9 booked 2026-11-04 -3 EUR"},
		},
		{
			"an indicator in words of its own", `,"transactions":{"members":{"creditDebitIndicator":"direction"}}`, read(rows(both, bookedRows(one("1", "5", "02", `"direction":"DEBIT"`), one("2", "7", "03", `"direction":"credit"`)))),
			[]string{giro, firstRow, anotherRow},
		},

		// Accounts and their currencies.
		{
			"another scheme of identification", "", []banktest.Exchange{
				{Ask: askAccounts, Body: `{"accounts":[{"resourceId":"a1","other":{"identification":"4711","schemeNameCode":"BBAN"},"currency":"EUR"}]}`}, balances, rows(both, nothing),
			}, []string{"a1 CHECKINGS EUR 4711 12.5"},
		},
		{
			"an account of several currencies whose list has no balances", `,"accounts":{"details":true,"details_path":"/accounts/{id}/balances"},"balances":{"from":"details"}`, []banktest.Exchange{
				{Ask: askAccounts, Body: `{"accounts":[{"resourceId":"a1","iban":"DE02120300000000202051","currency":"XXX"}]}`},
				{Ask: askBalances, Body: severalBalances}, {Ask: askBalances, Body: severalBalances}, rows(both, severalRows),
				{Ask: askBalances, Body: severalBalances}, rows(both, severalRows),
			}, []string{
				"currency/EUR/a1 CHECKINGS EUR DE02120300000000202051 1", firstRow,
				"currency/USD/a1 CHECKINGS USD DE02120300000000202051 3", "2 booked 2026-11-03 7 USD",
			},
		},

		// Balances.
		{
			"one type twice, of two instants", "", []banktest.Exchange{
				accounts, {Ask: askBalances, Body: `{"balances":[
					{"balanceType":"interimBooked","lastChangeDateTime":"2026-11-20T09:00:00+01:00","balanceAmount":{"amount":"1","currency":"EUR"}},
					{"balanceType":"interimBooked","lastChangeDateTime":"2026-11-20T08:30:00Z","balanceAmount":{"amount":"2","currency":"EUR"}}]}`}, rows(both, nothing),
			}, []string{"a1 CHECKINGS EUR DE02120300000000202051 2 2026-11-20"},
		},
		{
			"an amount that is flat", `,"balances":{"members":{"balanceAmount.amount":"value","balanceAmount.currency":"cur","balanceType":"kind"},"types":{"LEDGER":"CLBD"}}`, []banktest.Exchange{
				accounts, {Ask: askBalances, Body: `{"balances":[{"kind":"AVAILABLE","value":"99","cur":"EUR"},{"kind":"ledger","value":12.5,"cur":"EUR"}]}`}, rows(both, nothing),
			}, []string{giro},
		},

		// What errors mean.
		{"a message that is no list", "", refused(403, `{"tppMessages":{"category":"ERROR","code":"CONSENT_UNKNOWN"}}`, nil), []string{"failure: access lost 403 0s"}},
		{"a message without a category", "", refused(400, `{"tppMessages":[{"code":"consent_expired"}]}`, nil), []string{"failure: access lost 400 0s"}},
		{"an error of RFC 7807", "", refused(400, `{"type":"about:blank","title":"Bad Request","additionalErrors":[{"code":"TOKEN_EXPIRED"}]}`, nil), []string{"failure: access lost 400 0s"}},
		{"an error of RFC 7807 with its code", "", refused(429, `{"type":"x","title":"Too many","code":"ACCESS_EXCEEDED"}`, nil), []string{"failure: rate limited 429 0s"}},
		{"messages of a gateway", "", refused(500, `{"error":{"tppMessages":[{"code":"CONSENT_INVALID"}]}}`, nil), []string{"failure: access lost 500 0s"}},
		{"a code of the bank's own", `,"codes":{"Err-17":"rate limited"}`, refused(400, `{"errorCode":"ERR-17"}`, nil), []string{"failure: rate limited 400 0s"}},
		{"too many requests, and when to ask again", "", refused(429, ``, http.Header{"Retry-After": {"120"}}), []string{"failure: rate limited 429 2m0s"}},
		{"not before an instant", "", refused(503, `<html>`, http.Header{"Retry-After": {"Sat, 21 Nov 2026 10:05:00 GMT"}}), []string{"failure: unavailable 503 5m0s"}},
		{"unauthorised, without a word", "", refused(401, ``, nil), []string{"failure: access lost 401 0s"}},
		{"not found", "", refused(404, `{"tppMessages":[{"category":"ERROR","code":"RESOURCE_UNKNOWN"}]}`, nil), []string{"failure: refused 404 0s"}},
		{"no accounts, as an error", `,"answers":[{"on":"transactions","status":404,"means":"empty"}]`, read(banktest.Exchange{Ask: both, Status: 404, Body: `{}`}), []string{giro}},
		{"a service that is closed", "", refused(403, `{"tppMessages":[{"category":"ERROR","code":"SERVICE_BLOCKED"}]}`, nil), []string{"failure: action at the bank 403 0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := everything(t, connector(t, test.config, banktest.NewScript(t, test.exchanges...)), call)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const (
	severalBalances = `{"account":{"iban":"DE02120300000000202051"},"balances":[{"balanceType":"closingBooked","balanceAmount":{"amount":"1","currency":"EUR"}},{"balanceType":"closingBooked","balanceAmount":{"amount":"3","currency":"USD"}}]}`
	severalRows     = `{"transactions":{"booked":[{"transactionId":"1","transactionAmount":{"amount":"-5","currency":"EUR"},"bookingDate":"2026-11-02"},{"transactionId":"2","transactionAmount":{"amount":"7","currency":"USD"},"bookingDate":"2026-11-03"}]}}`
)

// Pending rows that a bank gives without days are asked for once, and kept whatever their days are.
func TestPendingRowsWithoutDaysAreAskedForOnce(t *testing.T) {
	script := banktest.NewScript(t,
		banktest.Exchange{Ask: askRows + "?bookingStatus=booked&dateFrom=2026-10-23&dateTo=2026-11-21", Body: bookedRows(one("1", "-5", "02"))},
		banktest.Exchange{Ask: askRows + "?bookingStatus=pending", Body: `{"transactions":{"pending":[{"transactionId":"2","transactionAmount":{"amount":"7","currency":"EUR"},"valueDate":"2026-10-05"}]}}`},
		banktest.Exchange{Ask: askRows + "?bookingStatus=booked&dateFrom=2026-10-01&dateTo=2026-10-30", Body: nothing},
	)
	c := configOf(t, `,"transactions":{"statuses":["booked","pending"],"to_today":true,"queries":{"pending":"bookingStatus=pending"}}`)
	c.History.Days, c.History.WindowDays = 51, 30
	made, err := berlingroup.New(c, psd2.Deps{Transport: banktest.Serve(t, script), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for cursor := ""; ; {
		page, err := made.Transactions(t.Context(), call, ours, oxlin.NewDate(2026, 10, 1), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Transactions {
			got = append(got, row.BankID)
		}
		cursor = page.Next
		if cursor == "" {
			break
		}
	}
	if strings.Join(got, " ") != "1 2" {
		t.Errorf("rows are %v", got)
	}
}

// A bank that demands the address of a user gets a substitute while the user is absent, and their own
// when they are there.
func TestASubstituteNeverHidesTheUser(t *testing.T) {
	for _, test := range []struct {
		psu  *oxlin.PSU
		want string
	}{{nil, "192.0.2.1"}, {&oxlin.PSU{IP: "198.51.100.9"}, "198.51.100.9"}} {
		script := banktest.NewScript(t, banktest.Exchange{Ask: askAccounts, Body: listed})
		c := connector(t, `,"headers_on":{"accounts":{"PSU-IP-Address":"192.0.2.1"}}`, script)
		_, err := c.Accounts(t.Context(), bank.Call{Access: call.Access, PSU: test.psu}, "")
		if got := script.Requests[0].Header.Get("PSU-IP-Address"); err != nil || got != test.want {
			t.Errorf("the address is %q, want %q, %v", got, test.want, err)
		}
	}
}

// TestTheFormsOfSignatures checks each form of the three headers, and the signature itself.
func TestTheFormsOfSignatures(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	subject := pkix.Name{CommonName: "Test CA 1", Organization: []string{"Trust, Ltd"}, Country: []string{"DE"}}
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(0x9FA1), Subject: subject}, &x509.Certificate{Subject: subject}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	der := base64.StdEncoding.EncodeToString(raw)
	empty := sha512.Sum512(nil)
	digest := base64.StdEncoding.EncodeToString(empty[:])
	for _, test := range []struct {
		keyID, form, digest, headers string
		// want of keyId, of the certificate's first letters, and of the digest
		want, certificate, digested string
	}{
		{"SN={SERIAL_HEX},CA={issuer}", "der", "SHA-512", "digest x-request-id date", `SN=9FA1,CA=CN=Test CA 1,O=Trust\, Ltd,C=DE`, der[:12], "SHA-512=" + digest},
		{"SN={serial_hex},CA={issuer_escaped}", "pem", "sha-512", "x-request-id digest", `SN=9fa1,CA=CN=Test%20CA%201,O=Trust\,%20Ltd,C=DE`, "-----BEGIN CE", "sha-512=" + digest},
		{"SN={serial},CA={issuer_forward_spaced}", "pem_base64", "SHA-512", "date digest", `SN=40865,CA=C=DE, O=Trust\, Ltd, CN=Test CA 1`, "LS0tLS1CRUdJ", "SHA-512=" + digest},
	} {
		script := banktest.NewScript(t, banktest.Exchange{Ask: askAccounts, Body: listed})
		config := configOf(t, `,"signing":{"algorithm":"rsa-sha512","headers":["`+strings.ReplaceAll(test.headers, " ", `","`)+`"],"key_id":"`+test.keyID+`","digest":"`+test.digest+`","digest_on_get":true,"certificate":{"form":"`+test.form+`"}}`)
		c, err := berlingroup.New(config, psd2.Deps{
			Transport: banktest.Serve(t, script), Now: func() time.Time { return now }, Seal: psd2.Seal{Key: key, Certificate: certificate},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Accounts(t.Context(), call, "")
		if err != nil {
			t.Fatal(err)
		}
		header := script.Requests[0].Header
		prefix := `keyId="` + test.want + `",algorithm="rsa-sha512",headers="` + test.headers + `",signature="`
		signed, found := strings.CutPrefix(header.Get("Signature"), prefix)
		if !found || header.Get("Digest") != test.digested || !strings.HasPrefix(header.Get("Tpp-Signature-Certificate"), test.certificate) {
			t.Errorf("%s: the headers are %v, want %s", test.keyID, header, prefix)
		}
		var lines []string
		for _, name := range strings.Fields(test.headers) {
			lines = append(lines, name+": "+header.Get(name))
		}
		sum := sha512.Sum512([]byte(strings.Join(lines, "\n")))
		signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(signed, `"`))
		if err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA512, sum[:], signature) != nil {
			t.Errorf("%s: the signature is not one of %v, %v", test.keyID, lines, err)
		}
	}
}
