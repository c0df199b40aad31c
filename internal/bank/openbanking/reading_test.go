package openbanking_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// plain is a bank without special rules.
func plain() openbanking.Config {
	return openbanking.Config{
		Version: "3.1",
		Interface: psd2.Interface{
			BaseURL: "https://bank.example/open-banking/v3.1/aisp",
			OAuth: psd2.OAuth{
				AuthorizeURL: "https://bank.example/authorize?lang=en", TokenURL: "https://bank.example/token",
				ClientID: "a-client", ClientAuthentication: "tls_client_auth", Scopes: "openid accounts",
			},
			ConsentDays: 90, UnattendedPerDay: 4, IDs: bank.IDStable,
		},
		Login:   openbanking.Login{Issuer: "https://bank.example", Keys: keysAddress},
		History: openbanking.History{History: psd2.History{Days: 730}},
	}
}

// summer is the time of the tests of this file: half an hour into a Sunday in London, and
// still Saturday in UTC.
var summer = time.Date(2026, 6, 20, 23, 30, 0, 0, time.UTC)

// connect returns a connector to a bank that behind answers for.
func connect(t testing.TB, config openbanking.Config, behind http.Handler) *openbanking.Connector {
	t.Helper()
	connector, err := openbanking.New(config, psd2.Deps{
		Transport: banktest.Serve(t, behind), Now: func() time.Time { return summer }, Seal: psd2.Seal{Key: newKey(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

// answers returns a connector whose bank answers with the bodies, in order.
func answers(t testing.TB, config openbanking.Config, bodies ...string) (*openbanking.Connector, *banktest.Script) {
	t.Helper()
	var exchanges []banktest.Exchange
	for _, body := range bodies {
		exchanges = append(exchanges, banktest.Exchange{Body: body})
	}
	script := banktest.NewScript(t, exchanges...)
	return connect(t, config, script), script
}

var (
	call    = bank.Call{Access: bank.Access{Token: oxlin.NewSecret("the-token")}}
	account = bank.AccountRef{Address: "22289", Type: oxlin.AccountCheckings, Currency: "GBP"}
	card    = bank.AccountRef{Address: "22289", Type: oxlin.AccountCreditCard, Currency: "GBP"}
)

// comparable compares days.
var comparable = cmpopts.EquateComparable(oxlin.Date{})

// list writes an answer with the records of a list.
func list(name string, records ...string) string {
	return `{"Data":{"` + name + `":[` + strings.Join(records, ",") + `]},"Links":{"Self":"https://bank.example"},"Meta":{}}`
}

// row returns the only row that a bank gives in a record.
func row(t *testing.T, config openbanking.Config, account bank.AccountRef, record string) (bank.Transaction, bool) {
	t.Helper()
	connector, _ := answers(t, config, list("Transaction", record))
	page, err := connector.Transactions(t.Context(), call, account, oxlin.Date{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Transactions) != 1 {
		return bank.Transaction{}, false
	}
	return page.Transactions[0], true
}

func TestTheFormsOfDatesInRequests(t *testing.T) {
	for _, test := range []struct {
		format, zone, to string
		want             url.Values
	}{
		{"", "", "", url.Values{"fromBookingDateTime": {"2026-05-31T23:00:00Z"}}},
		{"instant", "UTC", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00Z"}}},
		{"millis", "", "", url.Values{"fromBookingDateTime": {"2026-05-31T23:00:00.000Z"}}},
		{"local", "", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00"}}},
		{"local_millis", "", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00.000"}}},
		{"offset", "", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00+01:00"}}},
		{"offset_millis", "", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00.000+01:00"}}},
		{"date", "", "", url.Values{"fromBookingDateTime": {"2026-06-01"}}},
		{"yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00.000000+01:00"}}},
		{"yyyy-MM-dd'T'HH:mm:ssxx", "UTC", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00+0000"}}},
		{"yyyy-MM-dd'T'HH:mm:ssXXX", "UTC", "", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00Z"}}},
		{"dd/MM/yyyy HH:mm", "", "", url.Values{"fromBookingDateTime": {"01/06/2026 00:00"}}},
		{"none", "", "", url.Values{}},
		{"instant", "", "tomorrow", url.Values{"fromBookingDateTime": {"2026-05-31T23:00:00Z"}, "toBookingDateTime": {"2026-06-21T23:00:00Z"}}},
		{"offset", "", "now", url.Values{"fromBookingDateTime": {"2026-06-01T00:00:00+01:00"}, "toBookingDateTime": {"2026-06-21T00:30:00+01:00"}}},
	} {
		config := plain()
		config.History.DateFormat, config.History.DateZone, config.History.DateTo = test.format, test.zone, test.to
		connector, script := answers(t, config, list("Transaction"))
		_, err := connector.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 6, 1), "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, script.Requests[0].URL.Query()); diff != "" {
			t.Errorf("%q in %q (-want +got):\n%s", test.format, test.zone, diff)
		}
	}
}

func TestAPeriodBeforeADay(t *testing.T) {
	for to, want := range map[string]string{
		"":      "2026-06-12T00:00:00Z", // a day more than asked for
		"now":   "2026-06-12T00:00:00Z",
		"never": "",
	} {
		config := plain()
		config.History.DateZone, config.History.DateTo = "UTC", to
		config.History.From, config.History.To = "since", "before"
		config.History.Parameters = map[string]string{"page-size": "100"}
		connector, script := answers(t, config, list("Transaction"))
		_, err := connector.TransactionsUntil(t.Context(), call, account, oxlin.NewDate(2026, 6, 1), oxlin.NewDate(2026, 6, 11), "")
		query := script.Requests[0].URL.Query()
		if err != nil || query.Get("before") != want || query.Get("since") != "2026-06-01T00:00:00Z" || query.Get("page-size") != "100" {
			t.Errorf("%q: %v, %v", to, query, err)
		}
	}
}

func TestTheFirstMinutesGiveTheLongHistory(t *testing.T) {
	config := plain()
	config.History.Days, config.History.RefreshedDays, config.History.FreshMinutes = 700, 90, 5
	for _, test := range []struct {
		access bank.Access
		want   string
	}{
		{bank.Access{TokenFrom: summer.Add(-4 * time.Minute)}, "2024-07-21"},
		{bank.Access{TokenFrom: summer.Add(-6 * time.Minute)}, "2026-03-23"},
		{bank.Access{TokenFrom: summer, Refreshed: true}, "2026-03-23"},
		{bank.Access{State: oxlin.NewSecret(`{"consent":"1","login":"2026-06-20T23:00:00Z"}`)}, "2026-03-23"},
		{bank.Access{State: oxlin.NewSecret(`{"consent":"1","login":"2026-06-20T23:28:00Z"}`)}, "2024-07-21"},
		{bank.Access{}, "2024-07-21"},
	} {
		connector, _ := answers(t, config, list("Transaction"))
		page, err := connector.Transactions(t.Context(), bank.Call{Access: test.access}, account, oxlin.Date{}, "")
		if err != nil || page.CoveredFrom.String() != test.want {
			t.Errorf("%+v covers from %s, %v, want %s", test.access, page.CoveredFrom, err, test.want)
		}
	}
}

func TestTheBankTellsWhereItsHistoryBegins(t *testing.T) {
	const record = `{"CreditDebitIndicator":"Debit","Amount":{"Amount":"1","Currency":"GBP"},"BookingDateTime":"2026-06-10"}`
	for meta, want := range map[string]string{
		`{}`: "2026-05-01", `null`: "2026-05-01", `{"FirstAvailableDateTime":"string"}`: "2026-05-01",
		`{"FirstAvailableDateTime":"2026-06-01T00:00:00+01:00"}`: "2026-06-01",
		`{"FirstAvailableDateTime":"2017-05-03T00:00:00+00:00"}`: "2026-05-01",
		`{"FirstAvailableDateTime":"2026-06-11T00:00:00Z"}`:      "2026-05-01", // there is an older row
		`{"FirstAvailableDateTime":"2027-01-01T00:00:00Z"}`:      "2026-05-01",
	} {
		connector, _ := answers(t, plain(), `{"Data":{"Transaction":[`+record+`]},"Meta":`+meta+`}`)
		page, err := connector.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 5, 1), "")
		if err != nil || page.CoveredFrom.String() != want || page.WholeFrom.String() != want {
			t.Errorf("%s: covered from %s, whole from %s, %v, want %s", meta, page.CoveredFrom, page.WholeFrom, err, want)
		}
	}
}

// followed walks over pages whose first one links to the second, and returns the second's
// address; empty without a second one.
func followed(t *testing.T, next string) (asked, broken string) {
	t.Helper()
	first := `{"Data":{"Transaction":[{"TransactionId":"1","Amount":{"Amount":"1.00","Currency":"GBP"},"CreditDebitIndicator":"Credit",
		"Status":"Booked","BookingDateTime":"2026-06-10T00:00:00Z"}]},"Links":{"Self":"string","Next":` + next + `},"Meta":{"TotalPages":2}}`
	second := strings.NewReplacer(next, `""`, `"1"`, `"2"`).Replace(first)
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := first
		if asked == "" && r.URL.Query().Get("fromBookingDateTime") != "2026-05-31T23:00:00Z" {
			asked, body = r.URL.RequestURI(), second
		}
		_, err := w.Write([]byte(body))
		if err != nil {
			t.Error(err)
		}
	})
	connector := connect(t, plain(), server)
	rows := 0
	for cursor := ""; ; {
		page, err := connector.Transactions(t.Context(), call, account, oxlin.NewDate(2026, 6, 1), cursor)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(page.Transactions)
		cursor, broken = page.Next, page.Broken
		if cursor == "" {
			break
		}
	}
	if want := map[bool]int{true: 1, false: 2}[asked == ""]; rows != want {
		t.Errorf("%s: %d rows, want %d", next, rows, want)
	}
	return asked, broken
}

func TestEverySpellingOfTheNextPage(t *testing.T) {
	const resource = "/open-banking/v3.1/aisp/accounts/22289/transactions"
	for next, want := range map[string]string{
		`"https://bank.example/open-banking/v3.1/aisp/accounts/22289/transactions?page=2"`:                 resource + "?page=2",
		`"https://internal.bank.example:8443/other/v3.1.4/aisp/accounts/22289/transactions?page=2&size=5"`: resource + "?page=2&size=5",
		`"/open-banking/v3.1/aisp/accounts/22289/transactions/next"`:                                       resource + "/next",
		`"/accounts/22289/transactions?pageKey=a%2Bb"`:                                                     resource + "?pageKey=a%2Bb",
		`"accounts/22289/transactions?page=2"`:                                                             resource + "?page=2",
		`"?page=2"`:                                                                                        resource + "?page=2",
		`{"href":"?page=2"}`:                                                                               resource + "?page=2",
		`"?fromBookingDateTime=2026-06-01T00:00:00+01:00"`:                                                 resource + "?fromBookingDateTime=2026-06-01T00%3A00%3A00+01%3A00",
		`""`: "", `"string"`: "", `null`: "", `{}`: "",
		`"https://bank.example/open-banking/v3.1/aisp/accounts/22289/transactions"`: "",
	} {
		asked, broken := followed(t, next)
		if asked != want || broken != "" {
			t.Errorf("%s leads to %q (%s), want %q", next, asked, broken, want)
		}
	}
}

const (
	head = `{"TransactionId":"t1","AccountId":"22289","Amount":{"Amount":"12.5000","Currency":"GBP"},`
	day  = `"BookingDateTime":"2026-06-10T09:00:00Z","TransactionInformation":"TEA"}`
)

func TestTheStateOfARow(t *testing.T) {
	config := plain()
	config.Transactions.MutableIsPending = true
	config.Transactions.Statuses = map[string]string{"Authorised": "PENDING", "Memo": "ignored", "Booked!": "BOOKED"}
	config.Transactions.NoStatus = oxlin.StatusOther
	config.Transactions.Ignore = []openbanking.Match{{Path: "SupplementaryData.Declined", Equals: "true"}, {Path: "TransactionInformation", Contains: "pot transfer"}}
	for _, test := range []struct {
		record string
		want   oxlin.TransactionStatus // empty: no row
	}{
		{head + `"CreditDebitIndicator":"Debit","Status":"Booked",` + day, oxlin.StatusBooked},
		{head + `"CreditDebitIndicator":"Debit","Status":"BOOK",` + day, oxlin.StatusBooked},
		{head + `"CreditDebitIndicator":"Debit","Status":"Booked","TransactionMutability":"Mutable",` + day, oxlin.StatusPending},
		{head + `"CreditDebitIndicator":"Debit","Status":"Booked","TransactionMutability":"Immutable",` + day, oxlin.StatusBooked},
		{head + `"CreditDebitIndicator":"Debit","Status":"PDNG",` + day, oxlin.StatusPending},
		{head + `"CreditDebitIndicator":"Debit","Status":"FUTR",` + day, oxlin.StatusPending},
		{head + `"CreditDebitIndicator":"Debit","Status":"Rejected",` + day, ""},
		{head + `"CreditDebitIndicator":"Debit","Status":"INFO",` + day, ""},
		{head + `"CreditDebitIndicator":"Debit","Status":"Authorised",` + day, oxlin.StatusPending},
		{head + `"CreditDebitIndicator":"Debit","Status":"Memo",` + day, ""},
		{head + `"CreditDebitIndicator":"Debit","Status":"Booked!",` + day, oxlin.StatusBooked},
		{head + `"CreditDebitIndicator":"Debit","Status":"Odd",` + day, oxlin.StatusOther},
		{head + `"CreditDebitIndicator":"Debit",` + day, oxlin.StatusOther},
		{head + `"CreditDebitIndicator":"Debit","SupplementaryData":{"Declined":true},"Status":"Pending",` + day, ""},
		{head + `"CreditDebitIndicator":"Debit","SupplementaryData":{"Declined":false},"Status":"Pending",` + day, oxlin.StatusPending},
		{strings.Replace(head+`"CreditDebitIndicator":"Debit","Status":"Booked",`+day, "TEA", "Pot Transfer 7", 1), ""},
	} {
		got, ok := row(t, config, account, test.record)
		if ok != (test.want != "") || got.Status != test.want {
			t.Errorf("%s is %q, want %q", test.record, got.Status, test.want)
		}
		if ok && got.Status == oxlin.StatusPending && (!got.BookingDate.IsZero() || got.ExpectedBookingDate.IsZero()) {
			t.Errorf("the booking of a pending row is expected: %+v", got)
		}
	}
}

func TestTheSignOfARow(t *testing.T) {
	reversed := plain()
	reversed.Transactions.CardReversed = true
	bySign := plain()
	bySign.Transactions.Sign = "amount"
	for _, test := range []struct {
		name    string
		config  openbanking.Config
		account bank.AccountRef
		record  string
		want    string // empty: unreadable
	}{
		{"a debit", plain(), account, `"CreditDebitIndicator":"Debit",`, "-12.5"},
		{"a credit in capitals", plain(), account, `"CreditDebitIndicator":"CREDIT",`, "12.5"},
		{"a code", plain(), account, `"CreditDebitIndicator":"DBIT",`, "-12.5"},
		{"no indicator", plain(), account, ``, ""},
		{"an unknown indicator", plain(), account, `"CreditDebitIndicator":"Both",`, ""},
		{"a card's debit", reversed, card, `"CreditDebitIndicator":"Debit",`, "12.5"},
		{"an account's debit beside it", reversed, account, `"CreditDebitIndicator":"Debit",`, "-12.5"},
		{"by the amount alone", bySign, account, `"CreditDebitIndicator":"Debit",`, "12.5"},
	} {
		got, ok := row(t, test.config, test.account, head+test.record+day)
		if ok != (test.want != "") || ok && got.Amount.String() != test.want {
			t.Errorf("%s is %s, want %q", test.name, got.Amount, test.want)
		}
	}
}

func TestTheDayOfARow(t *testing.T) {
	written, newYork, paths := plain(), plain(), plain()
	written.Transactions.Days = "written"
	newYork.Zone = "America/New_York"
	paths.Transactions.BookingDate, paths.Transactions.OperationDate = "Posted.On", "Made"
	for _, test := range []struct {
		name      string
		config    openbanking.Config
		record    string
		want, own string
	}{
		{"midnight in UTC", plain(), `"BookingDateTime":"2026-06-10T00:00:00Z"`, "2026-06-10", ""},
		{"midnight in London", plain(), `"BookingDateTime":"2026-06-09T23:00:00Z"`, "2026-06-10", ""},
		{"an evening in winter", plain(), `"BookingDateTime":"2026-01-09T23:30:00.000Z"`, "2026-01-09", ""},
		{"with the offset of summer", plain(), `"BookingDateTime":"2026-06-10T00:00:00+01:00"`, "2026-06-10", ""},
		{"with six decimals", plain(), `"BookingDateTime":"2026-06-10T12:00:00.123456+02:00"`, "2026-06-10", ""},
		{"a day alone", plain(), `"BookingDateTime":"2026-06-10"`, "2026-06-10", ""},
		{"the value day alone", plain(), `"ValueDateTime":"2026-06-11T00:00:00Z"`, "2026-06-11", ""},
		{"as written", written, `"BookingDateTime":"2026-06-09T23:00:00Z"`, "2026-06-09", ""},
		{"in another zone", newYork, `"BookingDateTime":"2026-06-10T01:00:00Z"`, "2026-06-09", ""},
		{"under other names", paths, `"Posted":{"On":"2026-06-10"},"Made":"2026-06-08"`, "2026-06-10", "2026-06-08"},
	} {
		got, ok := row(t, test.config, account, head+`"CreditDebitIndicator":"Debit",`+test.record+`}`)
		own := ""
		if !got.TransactionDate.IsZero() {
			own = got.TransactionDate.String()
		}
		if !ok || got.Date().String() != test.want || own != test.own {
			t.Errorf("%s: %s and %q, want %s and %q", test.name, got.Date(), own, test.want, test.own)
		}
	}
}

func TestTheTextOfARow(t *testing.T) {
	const record = head + `"CreditDebitIndicator":"Debit","TransactionReference":"REF 1",
		"MerchantDetails":{"MerchantName":"TEA &amp; CO","MerchantCategoryCode":"5814"},"CreditorAccount":{"Name":"Ann"},"DebtorAccount":{"Name":"Bob"},
		"ProprietaryBankTransactionCode":{"Code":"POS","Issuer":"Bank"},"BankTransactionCode":{"Code":"IssuedDirectDebits","SubCode":"DirectDebitPayment"},
		"Balance":{"Amount":{"Amount":"100.00","Currency":"GBP"},"CreditDebitIndicator":"Debit","Type":"InterimBooked"},
		"SupplementaryData":{"Lines":["one","string","two"]},` + day
	own := plain()
	own.Transactions.ID, own.Transactions.NoBalanceAfter = "ProprietaryBankTransactionCode.Issuer", true
	own.Transactions.Texts = []string{"TransactionInformation", "SupplementaryData.Lines", "TransactionReference"}
	own.Transactions.Counterparties = []string{"CreditorAgent.Name", "CreditorAccount.Name"}
	amount, err := oxlin.ParseAmount("-100")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config openbanking.Config
		record string
		want   bank.Transaction
	}{
		{"by the standard", plain(), record, bank.Transaction{
			BankID: "t1", Remittance: []string{"TEA"}, Counterparty: "TEA & CO", MerchantCategory: "5814",
			Code: bank.Code{Domain: "PMNT", Family: "RDDT", SubFamily: "PMDD", Proprietary: "POS"}, BalanceAfter: &amount,
		}},
		{"by the bank's data", own, record, bank.Transaction{
			BankID: "Bank", Remittance: []string{"TEA", "one", "two", "REF 1"}, Counterparty: "Ann", MerchantCategory: "5814",
			Code: bank.Code{Domain: "PMNT", Family: "RDDT", SubFamily: "PMDD", Proprietary: "POS"},
		}},
		{"without a text, in codes of 4.0", plain(), head + `"CreditDebitIndicator":"Credit","TransactionInformation":"","TransactionReference":"REF 2",
			"DebtorAccount":{"Name":"Bob"},"MerchantDetails":{"MerchantCategoryCode":"0"},
			"BankTransactionCode":{"Code":"RCDT","SubCode":"SALA"},"BookingDateTime":"2026-06-10"}`, bank.Transaction{
			BankID: "t1", Remittance: []string{"REF 2"}, Counterparty: "Bob",
			Code: bank.Code{Domain: "PMNT", Family: "RCDT", SubFamily: "SALA"},
		}},
	} {
		got, _ := row(t, test.config, account, test.record)
		got = bank.Transaction{
			BankID: got.BankID, Remittance: got.Remittance, Counterparty: got.Counterparty, MerchantCategory: got.MerchantCategory,
			Code: got.Code, BalanceAfter: got.BalanceAfter,
		}
		if diff := cmp.Diff(test.want, got, comparable); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestRowsOfAnotherAccount(t *testing.T) {
	record := strings.Replace(head, "22289", "55", 1) + `"CreditDebitIndicator":"Debit",` + day
	drop := plain()
	drop.Transactions.OfOtherAccounts = "drop"
	_, kept := row(t, plain(), account, record)
	_, dropped := row(t, drop, account, record)
	if !kept || dropped {
		t.Errorf("kept is %v by default, and %v if it is to be dropped", kept, dropped)
	}
}

func TestTheBalanceThatIsShown(t *testing.T) {
	const (
		available = `{"AccountId":"1","Amount":{"Amount":"1250.00","Currency":"GBP"},"CreditDebitIndicator":"Credit","Type":"InterimAvailable","DateTime":"2026-06-20T23:30:00Z",
			"CreditLine":[{"Included":true,"Type":"Pre-Agreed","Amount":{"Amount":"1000.00","Currency":"GBP"}},{"Included":true,"Type":"Available","Amount":{"Amount":"750.00","Currency":"GBP"}}]}`
		booked  = `{"AccountId":"1","Amount":{"Amount":"200.00","Currency":"GBP"},"CreditDebitIndicator":"Debit","Type":"InterimBooked","DateTime":"2026-06-20T10:00:00Z"}`
		code    = `{"AccountId":"1","Amount":{"Amount":"200.00","Currency":"GBP"},"CreditDebitIndicator":"Debit","Type":"ITBD","DateTime":"2026-06-20T10:00:00Z"}`
		cleared = `{"AccountId":"1","Amount":{"Amount":"300.00","Currency":"GBP"},"CreditDebitIndicator":"Credit","Type":"InterimCleared","DateTime":"2026-06-20T10:00:00Z"}`
		euros   = `{"AccountId":"1","Amount":{"Amount":"9.00","Currency":"EUR"},"CreditDebitIndicator":"Credit","Type":"InterimBooked","DateTime":"2026-06-20T10:00:00Z"}`
		absent  = `{"AccountId":"1","Amount":{"Currency":"GBP"},"CreditDebitIndicator":"Credit","Type":"InterimBooked","DateTime":"2026-06-20T10:00:00Z"}`
		unsaid  = `{"AccountId":"1","Amount":{"Amount":"300.00","Currency":"GBP"},"Type":"InterimBooked","DateTime":"2026-06-20T10:00:00Z"}`
		older   = `{"AccountId":"1","Amount":{"Amount":"1.00","Currency":"GBP"},"CreditDebitIndicator":"Credit","Type":"InterimBooked","DateTime":"2026-06-19T10:00:00Z"}`
	)
	with := func(change func(*openbanking.Balances)) openbanking.Config {
		config := plain()
		change(&config.Balances)
		return config
	}
	own := with(func(b *openbanking.Balances) {
		b.Priority, b.CardPriority = []string{"InterimAvailable"}, []string{"ITCL", "InterimBooked"}
	})
	subtract := with(func(b *openbanking.Balances) { b.Priority, b.CreditLine = []string{"ITAV"}, "subtract" })
	skip := with(func(b *openbanking.Balances) { b.Priority, b.CreditLine = []string{"ITAV", "ITBD"}, "skip" })
	reversed := with(func(b *openbanking.Balances) { b.CardReversed = true })
	bySign := with(func(b *openbanking.Balances) { b.Sign = "amount" })
	for _, test := range []struct {
		name    string
		config  openbanking.Config
		account bank.AccountRef
		records []string
		want    string // empty: none
	}{
		{"the booked one", plain(), account, []string{available, cleared, booked}, "-200 GBP 2026-06-20 BOOKED"},
		{"by its code", plain(), account, []string{available, code}, "-200 GBP 2026-06-20 BOOKED"},
		{"the only one, of the day in London", plain(), account, []string{available}, "1250 GBP 2026-06-21 AVAILABLE"},
		{"the latest of a type", plain(), account, []string{older, booked}, "-200 GBP 2026-06-20 BOOKED"},
		{"in the account's currency", plain(), account, []string{euros, available}, "1250 GBP 2026-06-21 AVAILABLE"},
		{"by the bank's data", own, account, []string{booked, available}, "1250 GBP 2026-06-21 AVAILABLE"},
		{"of a card", own, card, []string{booked, cleared, available}, "300 GBP 2026-06-20 OTHER"},
		{"without the credit line", subtract, account, []string{booked, available}, "250 GBP 2026-06-21 AVAILABLE"},
		{"another than with a credit line", skip, account, []string{available, booked}, "-200 GBP 2026-06-20 BOOKED"},
		{"with a credit line if there is no other", skip, account, []string{available}, "1250 GBP 2026-06-21 AVAILABLE"},
		{"a card's reversed", reversed, card, []string{booked}, "200 GBP 2026-06-20 BOOKED"},
		{"an account's beside it", reversed, account, []string{booked}, "-200 GBP 2026-06-20 BOOKED"},
		{"by the amount alone", bySign, account, []string{unsaid}, "300 GBP 2026-06-20 BOOKED"},
		{"no amount", plain(), account, []string{absent}, ""},
		{"no sign", plain(), account, []string{unsaid}, ""},
		{"none", plain(), account, nil, ""},
	} {
		connector, _ := answers(t, test.config, list("Balance", test.records...))
		told, err := connector.Balances(t.Context(), call, test.account, "")
		got := ""
		if told.Shown != nil {
			shown := *told.Shown
			got = strings.Join([]string{shown.Amount.String(), shown.Currency, shown.Date.String(), string(shown.Type)}, " ")
		}
		if err != nil || got != test.want || len(told.All)+len(told.Unreadable) != len(test.records) {
			t.Errorf("%s: %q, %v, want %q of %d", test.name, got, err, test.want, len(test.records))
		}
	}
}

// accounts returns the accounts that a bank lists.
func accounts(t *testing.T, config openbanking.Config, records ...string) bank.AccountsPage {
	t.Helper()
	connector, _ := answers(t, config, list("Account", records...))
	page, err := connector.Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestTheIdentityOfAnAccount(t *testing.T) {
	rolls := plain()
	rolls.Accounts.RollNumber = true
	own := plain()
	own.Accounts.Types = map[string]oxlin.AccountType{"HelpToBuy": oxlin.AccountSavings}
	own.Accounts.Holders = "none"
	own.Accounts.Names = []string{"Product", "Account.Name"}
	for _, test := range []struct {
		name   string
		config openbanking.Config
		record string
		want   bank.Account
	}{
		{"sort code and number", plain(), `{"AccountId":"1","Currency":"GBP","AccountType":"Business","AccountSubType":"CurrentAccount","Nickname":"Till","Account":[
			{"SchemeName":"UK.OBIE.SortCodeAccountNumber","Identification":"20-16-73 30023156","Name":"ROBIN H","SecondaryIdentification":"00021"}]}`,
			bank.Account{Type: oxlin.AccountCheckings, Usage: oxlin.UsageProfessional, Currency: "GBP", Number: "20167330023156", Name: "Till", OwnerName: "ROBIN H"}},
		{"old spellings", plain(), `{"AccountId":"1","AccountSubType":"Savings","Description":"string","Account":[
			{"SchemeName":"SortCodeAccountNumber","Identification":"20167330023156"},{"SchemeName":"IBAN","Identification":"GB33 DABA 5603 7150 2039 98"}]}`,
			bank.Account{Type: oxlin.AccountSavings, Usage: oxlin.UsagePersonal, Number: "20167330023156", IBAN: "GB33DABA56037150203998", HeldByCustomer: true}},
		{"an IBAN alone", plain(), `{"AccountId":"1","Account":{"SchemeName":"UK.OBIE.IBAN","Identification":"GB33DABA56037150203998"}}`,
			bank.Account{Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Number: "56037150203998", IBAN: "GB33DABA56037150203998", HeldByCustomer: true}},
		{"a card", plain(), `{"AccountId":"1","AccountSubType":"ChargeCard","Account":[{"SchemeName":"UK.OBIE.PAN","Identification":"4111 1111 1111 2343"}]}`,
			bank.Account{Type: oxlin.AccountCreditCard, Usage: oxlin.UsagePersonal, MaskedNumber: "**** **** **** 2343", HeldByCustomer: true}},
		{"a roll number", rolls, `{"AccountId":"1","Account":[{"SchemeName":"UK.OBIE.SortCodeAccountNumber","Identification":"20167330023156","SecondaryIdentification":"A/1 2"}]}`,
			bank.Account{Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Number: "20167330023156 A/12", HeldByCustomer: true}},
		{"4.0", plain(), `{"AccountId":"1","AccountCategory":"Business","AccountTypeCode":"SVGS","Account":[{"SchemeName":"UK.OBIE.BBAN","Identification":"DABA 99"}]}`,
			bank.Account{Type: oxlin.AccountSavings, Usage: oxlin.UsageProfessional, Number: "DABA99"}},
		{"a mortgage of 4.0", plain(), `{"AccountId":"1","AccountCategory":"Personal","AccountTypeCode":"MORT"}`,
			bank.Account{Type: oxlin.AccountLoan, Usage: oxlin.UsagePersonal, HeldByCustomer: true}},
		{"the bank's own words", own, `{"AccountId":"1","AccountSubType":"HelpToBuy","Nickname":"null","Account":[{"SchemeName":"UK.Own.Number","Identification":"77","Name":"Help to Buy"}]}`,
			bank.Account{Type: oxlin.AccountSavings, Usage: oxlin.UsagePersonal, Number: "77", Name: "Help to Buy", HeldByCustomer: true}},
		{"nothing but an id", plain(), `{"AccountId":1}`,
			bank.Account{Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, HeldByCustomer: true}},
	} {
		page := accounts(t, test.config, test.record)
		if len(page.Accounts) != 1 {
			t.Errorf("%s: %+v", test.name, page)
			continue
		}
		got := page.Accounts[0]
		got.Raw, test.want.Address, test.want.BankID = nil, "1", "1"
		if diff := cmp.Diff(test.want, got, comparable); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAccountsThatTheBankNoLongerHas(t *testing.T) {
	ignoring := plain()
	ignoring.Accounts.Skip, ignoring.Accounts.Ignore = []string{"Disabled"}, []openbanking.Match{{Path: "Description", Contains: "wallet"}}
	const all = `{"AccountId":"1","Status":"Enabled"},{"AccountId":"2","Status":"Deleted"},{"AccountId":"3","Status":"disabled"},{"AccountId":"4","Description":"EUR Wallet"},{"Status":"Enabled"}`
	for _, test := range []struct {
		config openbanking.Config
		want   string
	}{{plain(), "1 3 4"}, {ignoring, "1 2"}} {
		page := accounts(t, test.config, all)
		var ids []string
		for _, account := range page.Accounts {
			ids = append(ids, account.BankID)
		}
		if got := strings.Join(ids, " "); got != test.want || len(page.Unreadable) != 1 {
			t.Errorf("accounts are %s and %d unreadable, want %s", got, len(page.Unreadable), test.want)
		}
	}
}

func TestAnAccountIsReadByItself(t *testing.T) {
	config := plain()
	config.Accounts.Details, config.Owner = true, "account_party"
	script := banktest.NewScript(t,
		banktest.Exchange{Body: list("Account", `{"AccountId":"a/1"}`, `{"AccountId":"2"}`, `{"AccountId":"3"}`)},
		banktest.Exchange{Ask: "GET /open-banking/v3.1/aisp/accounts/a%2F1", Body: list("Account", `{"AccountId":"a/1","Nickname":"First"}`)},
		banktest.Exchange{Ask: "GET /open-banking/v3.1/aisp/accounts/2", Status: 403, Body: `{"Errors":[{"ErrorCode":"UK.OBIE.Resource.NotFound"}]}`},
		banktest.Exchange{Ask: "GET /open-banking/v3.1/aisp/accounts/3", Body: `{"Data":{"Account":{"AccountId":"3","Nickname":"Third"}}}`},
		banktest.Exchange{Ask: "GET /open-banking/v3.1/aisp/accounts/a%2F1/party", Body: `{"Data":{"Party":{"PartyId":"1","Name":"Ann"}}}`},
	)
	connector := connect(t, config, script)
	var names []string
	unreadable, link := 0, ""
	for cursor := ""; ; {
		page, err := connector.Accounts(t.Context(), call, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, account := range page.Accounts {
			names = append(names, account.Name)
		}
		unreadable += len(page.Unreadable)
		link += page.OwnerLink // one page has it
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if strings.Join(names, " ") != "First Third" || unreadable != 1 {
		t.Errorf("accounts are %v, and %d unreadable", names, unreadable)
	}
	owner, err := connector.Owner(t.Context(), call, bank.AccountsPage{OwnerLink: link})
	if err != nil || owner.Name != "Ann" {
		t.Errorf("owner is %q, %v", owner.Name, err)
	}
	_, err = connector.Accounts(t.Context(), call, "details {")
	if err == nil {
		t.Error("a foreign cursor is no failure")
	}
}

func TestThePartyIsTheCustomer(t *testing.T) {
	config := plain()
	config.Owner = "party"
	for body, want := range map[string]string{
		`{"Data":{"Party":{"PartyId":"1","Name":"Ann","FullLegalName":"Ms Ann B"}}}`:              "Ms Ann B",
		list("Party", `{"Name":"Ann"}`, `{"Name":"Guard","PartyType":"Delegate"}`):                "Ann",
		list("Party", `{"Name":"Ann","PartyType":"Joint"}`, `{"Name":"Bob","PartyType":"Joint"}`): "",
		list("Party", `{"Name":"string"}`):                                                        "",
		list("Party"):                                                                             "",
	} {
		connector, script := answers(t, config, body)
		owner, err := connector.Owner(t.Context(), call, bank.AccountsPage{OwnerLink: "/party"})
		if err != nil || owner.Name != want || script.Requests[0].URL.Path != "/open-banking/v3.1/aisp/party" {
			t.Errorf("%s: %q, %v, want %q", body, owner.Name, err, want)
		}
	}
}

func TestABankHasPathsAndHeadersOfItsOwn(t *testing.T) {
	config := plain()
	config.PSUAddressHeader, config.PSUAgentHeader = "x-ip", "x-agent"
	config.Paths = map[string]string{"accounts": "/accounts/", "transactions": "/v2/{id}/entries"}
	config.History.DateFormat, config.History.Unescaped = "offset", true
	script := banktest.NewScript(t,
		banktest.Exchange{Ask: "GET /open-banking/v3.1/aisp/accounts/", Body: list("Account", `{"AccountId":"1"}`)},
		banktest.Exchange{
			Ask:  "GET /open-banking/v3.1/aisp/v2/a%2F1/entries?fromBookingDateTime=2026-06-01T00:00:00+01:00",
			Body: `{"Data":{"Transaction":[{}]},"Links":{"Next":"?after=2026-06-02T00:00:00Z"}}`,
		},
		banktest.Exchange{Ask: "GET /open-banking/v3.1/aisp/v2/a%2F1/entries?after=2026-06-02T00:00:00Z", Body: list("Transaction")},
	)
	connector := connect(t, config, script)
	present := call
	present.PSU = &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}
	_, err := connector.Accounts(t.Context(), present, "")
	if err != nil {
		t.Fatal(err)
	}
	cursor := ""
	for range 2 {
		page, err := connector.Transactions(t.Context(), present, bank.AccountRef{Address: "a/1"}, oxlin.NewDate(2026, 6, 1), cursor)
		if err != nil {
			t.Fatal(err)
		}
		cursor = page.Next
	}
	if header := script.Requests[1].Header; header.Get("x-ip") != "192.0.2.7" || header.Get("x-agent") != "Firefox" {
		t.Errorf("headers are %v", header)
	}
}

func TestThePresenceOfTheUserIsTold(t *testing.T) {
	config := plain()
	config.Headers = map[string]string{"x-fapi-financial-id": "0015"}
	connector, script := answers(t, config, list("Account", `{"AccountId":"1"}`), list("Account", `{"AccountId":"1"}`))
	present := call
	present.PSU = &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}
	for _, c := range []bank.Call{call, present} {
		_, err := connector.Accounts(t.Context(), c, "")
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []map[string]string{
		{"X-Fapi-Customer-Ip-Address": "", "X-Customer-User-Agent": ""},
		{"X-Fapi-Customer-Ip-Address": "192.0.2.7", "X-Customer-User-Agent": "Firefox"},
	} {
		want["X-Fapi-Financial-Id"], want["Authorization"], want["Accept"] = "0015", "Bearer the-token", "application/json"
		for name, value := range want {
			if got := script.Requests[i].Header.Get(name); got != value {
				t.Errorf("request %d: %s is %q, want %q", i, name, got, value)
			}
		}
		if script.Requests[i].Header.Get("X-Fapi-Interaction-Id") == "" {
			t.Errorf("request %d has no id", i)
		}
	}
}
