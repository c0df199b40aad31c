package stet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// one reads the single row of a page.
func one(t *testing.T, row string) bank.Transaction {
	t.Helper()
	rows, err := transactions(t, answers(t, plain(), `{"transactions":[`+row+`]}`), account)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Fatalf("%d rows of one: %s", len(rows), row)
	}
	return rows[0]
}

func TestADateIsADayInParisInEveryForm(t *testing.T) {
	tests := []struct{ written, want string }{
		{`"2026-07-04"`, "2026-07-04"},
		{`"04-07-2026"`, "2026-07-04"},
		{`"04/07/2026"`, "2026-07-04"},
		{`"2026-07-04T00:00:00"`, "2026-07-04"},
		{`"2026-07-04T23:59:59"`, "2026-07-04"},
		{`"2026-07-04T00:00:00+0200"`, "2026-07-04"},
		{`"2026-07-04T00:00:00+02:00"`, "2026-07-04"},
		{`"2026-07-04T00:00:00.123+02:00"`, "2026-07-04"},
		{`"2026-07-04T00:00:00Z"`, "2026-07-04"},
		{`"2026-07-03T22:00:00Z"`, "2026-07-04"},
		{`"2026-07-03T21:59:59Z"`, "2026-07-03"},
		{`"2026-01-03T23:00:00Z"`, "2026-01-04"},
		{`"2026-01-03T22:59:59Z"`, "2026-01-03"},
		{`"2026-07-04T01:00:00+0300"`, "2026-07-04"},
		{`"2026-07-04T00:30:00+0300"`, "2026-07-04"},
		{`"2026-11-18T00:00:00+02:00"`, "2026-11-18"},
		{`"20260704"`, "2026-07-04"},
		{`20260704`, "2026-07-04"},
		{`1783116000`, "2026-07-04"},
		{`"1783116000000"`, "2026-07-04"},
		{`"04.07.2026"`, "2026-07-04"},
		{`"2026-07-04 14:07:11.000000000"`, "2026-07-04"},
		{`"2026-07-04+02:00"`, "2026-07-04"},
		{`" 2026-07-04 "`, "2026-07-04"},
		{`""`, ""},
		{`null`, ""},
		{`"soon"`, ""},
		{`"2026-02-30"`, ""},
		{`"0001-01-01"`, ""},
		{`"9999-12-31T00:00:00Z"`, ""},
		{`["2026-07-04"]`, "2026-07-04"},
		{`[2026,7,4]`, "2026-07-04"},
		{`["2026-07-04","2026-07-05"]`, ""},
		{`true`, ""},
	}
	for _, test := range tests {
		row := one(t, `{"transactionAmount":{"amount":"1","currency":"EUR"},"creditDebitIndicator":"CRDT","status":"PDNG","transactionDate":"2026-07-01","valueDate":`+test.written+`}`)
		if row.ValueDate.String() != test.want {
			t.Errorf("%s is %q, want %q", test.written, row.ValueDate, test.want)
		}
	}
}

func TestAnAmountIsExactAndItsSignIsTheIndicators(t *testing.T) {
	tests := []struct {
		amount, indicator, want string
		disagreed               bool
	}{
		{`"12.30"`, `"CRDT"`, "12.3", false},
		{`"12.30"`, `"DBIT"`, "-12.3", false},
		{`"-12.30"`, `"DBIT"`, "-12.3", false},
		{`"-12.30"`, `"CRDT"`, "12.3", true},
		{`"-12.30"`, `null`, "-12.3", false},
		{`"+12.30"`, `null`, "12.3", false},
		{`"12,30-"`, `""`, "-12.3", false},
		{`"12.30"`, `"dbit"`, "-12.3", false},
		{`"12.30"`, `"Debit"`, "-12.3", false},
		{`"12.30"`, `"C"`, "12.3", false},
		{`0`, `null`, "0", false},
		{`"12,50"`, `"DBIT"`, "-12.5", false},
		{`"1 234,56 €"`, `"DBIT"`, "-1234.56", false},
		{`3.3000000000000003`, `"DBIT"`, "-3.3", false},
		{`160.1999969482422`, `"DBIT"`, "-160.2", false},
		{`12.3`, `"DBIT"`, "-12.3", false},
		{`0.1`, `"DBIT"`, "-0.1", false},
		{`"12."`, `"CRDT"`, "12", false},
		{`"9999999999999.99999"`, `"CRDT"`, "9999999999999.99999", false},
		{`9999999999999.99999`, `"CRDT"`, "9999999999999.99999", false},
		{`"0.00001"`, `"DBIT"`, "-0.00001", false},
		{`1e2`, `"CRDT"`, "100", false},
	}
	for _, test := range tests {
		row := one(t, `{"transactionAmount":{"amount":`+test.amount+`,"currency":"EUR"},"creditDebitIndicator":`+test.indicator+`,"status":"BOOK"}`)
		if row.Amount.String() != test.want || row.SignDisagreed != test.disagreed {
			t.Errorf("%s %s is %s (disagreed: %v), want %s (%v)",
				test.amount, test.indicator, row.Amount, row.SignDisagreed, test.want, test.disagreed)
		}
	}
}

// A row without a status is booked, unless it has a day for its booking alone.
func TestARowWithoutAStatus(t *testing.T) {
	for days, want := range map[string]oxlin.TransactionStatus{
		`"bookingDate":"2026-11-20"`: oxlin.StatusBooked, `"transactionDate":"2026-11-20"`: oxlin.StatusBooked,
		`"bookingDate":"2026-11-20","expectedBookingDate":"2026-11-20"`: oxlin.StatusBooked,
		`"bookingDate":null,"expectedBookingDate":"2026-11-24"`:         oxlin.StatusPending,
		`"status":"","expectedBookingDate":"2026-11-24"`:                oxlin.StatusPending,
		`"status":"BOOK","expectedBookingDate":"2026-11-24"`:            oxlin.StatusBooked,
		`"status":"??","expectedBookingDate":"2026-11-24"`:              oxlin.StatusOther,
	} {
		row := one(t, `{"transactionAmount":{"amount":"1"},"creditDebitIndicator":"CRDT",`+days+`}`)
		if row.Status != want {
			t.Errorf("%s is %s, want %s", days, row.Status, want)
		}
	}
}

func TestARowThatCannotBeReadIsKeptApart(t *testing.T) {
	for row, reason := range map[string]bank.Unread{
		`{}`:                         bank.UnreadAmount,
		`null`:                       bank.UnreadAmount,
		`{"transactionAmount":null}`: bank.UnreadAmount,
		`{"transactionAmount":"12"}`: bank.UnreadAmount,
		`{"transactionAmount":{"currency":"EUR"}}`:                                                                     bank.UnreadAmount,
		`{"transactionAmount":{"amount":"twelve"}}`:                                                                    bank.UnreadAmount,
		`{"transactionAmount":{"amount":"1,234"},"creditDebitIndicator":"DBIT"}`:                                       bank.UnreadAmount,
		`{"transactionAmount":{"amount":"0.000001"}}`:                                                                  bank.UnreadAmount,
		`{"transactionAmount":{"amount":"1e400"}}`:                                                                     bank.UnreadAmount,
		`{"transactionAmount":{"amount":["12","13"]}}`:                                                                 bank.UnreadAmount,
		`{"transactionAmount":{"amount":["12"]}}`:                                                                      bank.UnreadSign,
		`{"transactionAmount":{"amount":{"value":1}}}`:                                                                 bank.UnreadAmount,
		`{"transactionAmount":{"amount":true}}`:                                                                        bank.UnreadAmount,
		`{"transactionAmount":{"amount":"1","currency":"moon"},"creditDebitIndicator":"CRDT"}`:                         bank.UnreadAmount,
		`{"transactionAmount":{"amount":"1 €","currency":"USD"},"creditDebitIndicator":"CRDT"}`:                        bank.UnreadAmount,
		`{"transactionAmount":{"amount":"1","amount":"2","currency":"EUR"},"creditDebitIndicator":"CRDT"}`:             bank.UnreadAmount,
		`{"transactionAmount":{"amount":"5"},"creditDebitIndicator":"XYZ"}`:                                            bank.UnreadSign,
		`{"transactionAmount":{"amount":"-5"},"creditDebitIndicator":"XYZ"}`:                                           bank.UnreadSign,
		`{"transactionAmount":{"amount":"5"},"creditDebitIndicator":{}}`:                                               bank.UnreadSign,
		`{"transactionAmount":{"amount":"5"}}`:                                                                         bank.UnreadSign,
		`{"transactionAmount":{"amount":"5"},"creditDebitIndicator":"DBIT","bookingDate":"soon"}`:                      bank.UnreadDay,
		`{"transactionAmount":{"amount":"5"},"creditDebitIndicator":"DBIT","valueDate":"0001-01-01","bookingDate":""}`: bank.UnreadDay,
		`{"transactionAmount":{"amount":"5"},"creditDebitIndicator":"DBIT","bookingDate":"9999-12-31T00:00:00Z"}`:      bank.UnreadDay,
		`{"transactionAmount":{"amount":"5"},"creditDebitIndicator":"DBIT","bookingDate":[2026,11]}`:                   bank.UnreadDay,
		`"row"`: bank.UnreadRecord,
		`17`:    bank.UnreadRecord,
		`[]`:    bank.UnreadRecord,
	} {
		read, err := answers(t, plain(), `{"transactions":[`+row+`,`+booked("2026-11-20", "A")+`]}`).Transactions(t.Context(), call, account, spring, "")
		if err != nil || len(read.Transactions) != 1 || read.Transactions[0].BankID != "A" {
			t.Errorf("beside %s: %+v, %v", row, read, err)
		}
		if len(read.Unreadable) != 1 || read.Unreadable[0].Reason != reason || string(read.Unreadable[0].Raw) != row {
			t.Errorf("%s: %+v, want %s", row, read.Unreadable, reason)
		}
	}
}

func TestARowWithOneReadableDayOrNoneAtAllIsARow(t *testing.T) {
	for days, want := range map[string]string{
		``: "", `,"bookingDate":null,"valueDate":""`: "", `,"bookingDate":"soon","valueDate":"2026-11-20"`: "2026-11-20",
		`,"bookingDate":"0001-01-01","transactionDate":"18/11/2026"`: "2026-11-18",
	} {
		row := one(t, `{"transactionAmount":{"amount":"5"},"creditDebitIndicator":"DBIT","status":"BOOK"`+days+`}`)
		if row.Date().String() != want {
			t.Errorf("%s: the day is %q, want %q", days, row.Date(), want)
		}
	}
}

func TestARejectedRowIsNotUnreadable(t *testing.T) {
	read, err := answers(t, plain(), `{"transactions":[{"status":"rjct"},{"status":"INFO","bookingDate":"soon"}]}`).Transactions(t.Context(), call, account, spring, "")
	if err != nil || len(read.Unreadable) != 0 || len(read.Transactions) != 0 {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestAStatusIsMapped(t *testing.T) {
	tests := []struct {
		written string
		want    oxlin.TransactionStatus // empty if the row is left out
	}{
		{`"BOOK"`, oxlin.StatusBooked},
		{`null`, oxlin.StatusBooked},
		{`""`, oxlin.StatusBooked},
		{`"PDNG"`, oxlin.StatusPending},
		{`"FUTR"`, oxlin.StatusPending},
		{`"booked"`, oxlin.StatusBooked},
		{`"Pending"`, oxlin.StatusPending},
		{`["PDNG"]`, oxlin.StatusPending},
		{`["BOOK","PDNG"]`, oxlin.StatusOther},
		{`"OTHR"`, oxlin.StatusOther},
		{`"NEWS"`, oxlin.StatusOther},
		{`"RJCT"`, ""},
		{`"rejected"`, ""},
		{`"INFO"`, ""},
	}
	for _, test := range tests {
		rows, err := transactions(t, answers(t, plain(),
			`{"transactions":[{"transactionAmount":{"amount":"1","currency":"EUR"},"creditDebitIndicator":"CRDT","status":`+test.written+`}]}`), account)
		if err != nil {
			t.Fatal(err)
		}
		var got oxlin.TransactionStatus
		if len(rows) > 0 {
			got = rows[0].Status
		}
		if got != test.want {
			t.Errorf("%s is %q, want %q", test.written, got, test.want)
		}
	}
}

func TestOtherMeansWhatTheBanksDataSay(t *testing.T) {
	config := plain()
	config.OtherStatus, config.OtherCardStatus = oxlin.StatusBooked, oxlin.StatusPending
	body := `{"transactions":[{"transactionAmount":{"amount":"1","currency":"EUR"},"creditDebitIndicator":"CRDT","status":"OTHR"}]}`
	rows, err := transactions(t, answers(t, config, body), account)
	if err != nil || rows[0].Status != oxlin.StatusBooked {
		t.Errorf("on an account: %+v, %v", rows, err)
	}
	rows, err = transactions(t, answers(t, config, body), card)
	if err != nil || rows[0].Status != oxlin.StatusPending {
		t.Errorf("on a card: %+v, %v", rows, err)
	}
}

func TestTheBanksLinesInEveryShape(t *testing.T) {
	tests := []struct {
		written string
		want    []string
	}{
		{`["ONE","TWO"]`, []string{"ONE", "TWO"}},
		{`["ONE",""," ",null,"TWO"]`, []string{"ONE", "TWO"}},
		{`{"unstructured":["ONE"]}`, []string{"ONE"}},
		{`{"unstructured":"ONE"}`, []string{"ONE"}},
		{`{"unstructured":null,"structured":[{"creditorReferenceInformation":{"reference":"RF18"}}]}`, []string{"RF18"}},
		{`{"unstructured":["ONE"],"structured":["?"]}`, []string{"ONE"}},
		{`"ONE"`, []string{"ONE"}},
		{`["A\u0000B\tC"]`, []string{"A B C"}},
		{`["CB H&amp;M PARIS","AT&T","CAFÃ©","\ufeffA\u200bB","👩\u200d🍳"]`, []string{"CB H&M PARIS", "AT&T", "CAFé", "AB", "👩\u200d🍳"}},
		{`null`, []string{"INFORMATION"}},
		{`{}`, []string{"INFORMATION"}},
		{`17`, []string{"17"}},
	}
	for _, test := range tests {
		row := one(t, `{"transactionAmount":{"amount":"1","currency":"EUR"},"creditDebitIndicator":"CRDT","remittanceInformation":`+test.written+`,"additionalTransactionInformation":"INFORMATION"}`)
		if diff := cmp.Diff(test.want, row.Remittance); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.written, diff)
		}
	}
}

func TestEverythingElseThatARowTells(t *testing.T) {
	raw := `{"entryReference":"E1","transactionAmount":{"amount":"20.00","currency":"usd"},"creditDebitIndicator":"DBIT","status":"PDNG",
		"expectedBookingDate":"2026-11-24T00:00:00+01:00","transactionDate":"2026-11-19","valueDate":"2026-11-25",
		"endToEndId":"NOTPROVIDED","merchantCategoryCode":5411,
		"bankTransactionCode":{"domain":"PMNT","family":"CCRD","subFamily":"POSD","code":"CB"},
		"relatedParties":{"debtor":{"name":"ME"},"creditor":{"name":""},"ultimateCreditor":{"name":"SHOP"},"creditorAccount":{"iban":"FR76 1090 7000 3012 3456 7890 125"}}}`
	row := one(t, raw)
	want := bank.Transaction{
		BankID: "E1", Status: oxlin.StatusPending, Amount: mustAmount(t, "-20"), Currency: "USD",
		ExpectedBookingDate: oxlin.NewDate(2026, 11, 24), TransactionDate: oxlin.NewDate(2026, 11, 19), ValueDate: oxlin.NewDate(2026, 11, 25),
		Counterparty:     "SHOP",
		Code:             bank.Code{Domain: "PMNT", Family: "CCRD", SubFamily: "POSD", Proprietary: "CB"},
		MerchantCategory: "5411", Raw: []byte(raw),
	}
	if diff := cmp.Diff(want, row, cmp.Comparer(func(a, b oxlin.Date) bool { return a == b })); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	credit := one(t, strings.Replace(raw, "DBIT", "CRDT", 1))
	if credit.Counterparty != "ME" {
		t.Errorf("the other side of a credit is its debtor, not %q", credit.Counterparty)
	}
}

func TestMembersOfAnotherTypeCountAsMissing(t *testing.T) {
	row := one(t, `{"transactionAmount":{"amount":"1","currency":null},"creditDebitIndicator":"CRDT","relatedParties":"nobody",
		"bankTransactionCode":"","entryReference":{"id":1},"merchantCategoryCode":false}`)
	if row.Currency != "EUR" || row.Status != oxlin.StatusBooked || row.BankID != "" || row.Code != (bank.Code{}) {
		t.Errorf("row is %+v", row)
	}
}

func mustAmount(t *testing.T, text string) oxlin.Amount {
	t.Helper()
	amount, err := oxlin.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// TestARowTellsItsUnreadableParts reads rows of which only a part has no meaning.
func TestARowTellsItsUnreadableParts(t *testing.T) {
	const head = `{"transactionAmount":{"amount":"-1.00","currency":"EUR"},"bookingDate":"2026-07-04",`
	for members, want := range map[string][]bank.Unread{
		`"status":"BOOK"`:                                       nil,
		`"status":"GONE FISHING"`:                               {bank.UnreadStatus},
		`"status":"BOOK","valueDate":"soon"`:                    {bank.UnreadValueDay},
		`"status":"BOOK","valueDate":null,"transactionDate":""`: nil,
		`"status":"BOOK","valueDate":"2026-02-30","transactionDate":"x","expectedBookingDate":"y"`: {bank.UnreadExpectedDay, bank.UnreadValueDay, bank.UnreadOperationDay},
		`"status":"BOOK","creditDebitIndicator":"DBIT"`:                                            nil,
		`"status":"BOOK","creditDebitIndicator":"CRDT"`:                                            {bank.UnreadAmountSign},
	} {
		if got := one(t, head+members+"}").Unread; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", members, got, want)
		}
	}
	withoutDay := one(t, `{"transactionAmount":{"amount":"-1.00","currency":"EUR"},"bookingDate":"soon","valueDate":"2026-07-04"}`)
	if got := withoutDay.Unread; !slices.Equal(got, []bank.Unread{bank.UnreadBookingDay}) {
		t.Errorf("%q", got)
	}
}
