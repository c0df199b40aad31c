package psd2_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

func TestTextAndExact(t *testing.T) {
	tests := []struct {
		written string
		text    string
		exact   bool // whether Exact reads it
	}{
		{`"a text"`, "a text", true},
		{`"  a\u0000b\n "`, "a b", true},
		{`""`, "", true},
		{`null`, "", true},
		{`17`, "17", true},
		{`1.50`, "1.50", true},
		{`true`, "", false},
		{`["a"]`, "", false},
		{`{"a":1}`, "", false},
	}
	for _, test := range tests {
		text := psd2.Text("before")
		err := json.Unmarshal([]byte(test.written), &text)
		if err != nil || string(text) != test.text {
			t.Errorf("Text of %s is %q, %v, want %q", test.written, text, err, test.text)
		}
		var exact psd2.Exact
		err = json.Unmarshal([]byte(test.written), &exact)
		if (err == nil) != test.exact || test.exact && test.written != "null" && string(exact) != test.text {
			t.Errorf("Exact of %s is %q, %v", test.written, exact, err)
		}
	}
}

func TestOptional(t *testing.T) {
	var record struct {
		Object psd2.Optional[struct{ A int }] `json:"object"`
		List   psd2.Optional[[]int]           `json:"list"`
		Gone   psd2.Optional[int]             `json:"gone"`
	}
	err := json.Unmarshal([]byte(`{"object":"none","list":[1,2]}`), &record)
	if err != nil || record.Object.Value.A != 0 || !slices.Equal(record.List.Value, []int{1, 2}) || record.Gone.Value != 0 {
		t.Errorf("%+v, %v", record, err)
	}
}

func TestMoney(t *testing.T) {
	tests := []struct {
		written string
		want    string // empty: unknown
		fails   bool
	}{
		{`"10.00"`, "10", false},
		{`"-0.01"`, "-0.01", false},
		{`1234.5`, "1234.5", false},
		{`-3`, "-3", false},
		{`"1,5"`, "", false},
		{`"none"`, "", false},
		{`""`, "", false},
		{`null`, "", false},
		{`{"amount":1}`, "", true},
		{`[1]`, "", true},
		{`true`, "", true},
	}
	for _, test := range tests {
		var amount psd2.Amount
		err := json.Unmarshal([]byte(`{"amount":`+test.written+`}`), &amount)
		got := ""
		if amount.Amount.Known {
			got = amount.Amount.Value.String()
		}
		if (err != nil) != test.fails || got != test.want {
			t.Errorf("%s is %q, %v, want %q", test.written, got, err, test.want)
		}
	}
}

func TestCurrency(t *testing.T) {
	tests := []struct {
		candidates []psd2.Text
		want       string
	}{
		{nil, "EUR"},
		{[]psd2.Text{"USD", "GBP"}, "USD"},
		{[]psd2.Text{"", "gbp"}, "GBP"},
		{[]psd2.Text{"euro", "€", "E1R", "978"}, "EUR"},
	}
	for _, test := range tests {
		if got := psd2.Currency("EUR", test.candidates...); got != test.want {
			t.Errorf("%q is %s, want %s", test.candidates, got, test.want)
		}
	}
}

func TestReadLines(t *testing.T) {
	for written, want := range map[string][]string{
		`["A","","B"]`: {"A", "B"},
		`["A",7,null]`: {"A", "7"},
		`"A"`:          {"A"},
		`""`:           nil,
		`null`:         nil,
		`{"a":"A"}`:    nil,
		`[{"a":"A"}]`:  nil,
		``:             nil,
	} {
		if diff := cmp.Diff(want, psd2.ReadLines(json.RawMessage(written))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", written, diff)
		}
	}
}

func TestADay(t *testing.T) {
	tests := []struct {
		written string
		day     string // in Paris; empty: unknown
		instant string
	}{
		{`"2026-03-28"`, "2026-03-28", "2026-03-27T23:00:00Z"},
		{`"28-03-2026"`, "2026-03-28", "2026-03-27T23:00:00Z"},
		{`"28/03/2026"`, "2026-03-28", "2026-03-27T23:00:00Z"},
		{`" 2026-07-04 "`, "2026-07-04", "2026-07-03T22:00:00Z"},
		{`"2026-03-28T23:30:00"`, "2026-03-28", "2026-03-27T23:00:00Z"},
		{`"2026-03-28T23:30"`, "2026-03-28", "2026-03-27T23:00:00Z"},
		{`"2026-03-28 23:30:00"`, "2026-03-28", "2026-03-27T23:00:00Z"},
		{`"2026-03-27T23:30:00Z"`, "2026-03-28", "2026-03-27T23:30:00Z"},
		{`"2026-03-27T23:30:00.123Z"`, "2026-03-28", "2026-03-27T23:30:00.123Z"},
		{`"2026-07-04T00:00:00+0200"`, "2026-07-04", "2026-07-03T22:00:00Z"},
		{`"2026-07-04T00:00:00+02"`, "2026-07-04", "2026-07-03T22:00:00Z"},
		{`"2026-07-04T00:00+02:00"`, "2026-07-04", "2026-07-03T22:00:00Z"},
		{`"2026-07-04+02:00"`, "2026-07-04", "2026-07-03T22:00:00Z"},
		{`"2026-02-30"`, "", ""},
		{`"0001-01-01"`, "", ""},
		{`"9999-12-31"`, "", ""},
		{`"9999-12-31T23:59:59Z"`, "", ""},
		{`"04.07.2026"`, "", ""},
		{`"soon"`, "", ""},
		{`""`, "", ""},
		{`null`, "", ""},
		{`20260704`, "", ""},
		{`{}`, "", ""},
	}
	for _, test := range tests {
		var day psd2.Day
		err := json.Unmarshal([]byte(test.written), &day)
		instant := ""
		if at := day.Instant(oxlin.Paris); !at.IsZero() {
			instant = at.Format(time.RFC3339Nano)
		}
		if got := day.In(oxlin.Paris).String(); err != nil || got != test.day || instant != test.instant {
			t.Errorf("%s is %q, %q, %v, want %q, %q", test.written, got, instant, err, test.day, test.instant)
		}
	}
}

func TestALink(t *testing.T) {
	const resource = "/accounts/a%2F1/transactions"
	tests := []struct {
		written string
		query   string
		fails   bool
	}{
		{`{"href":"https://bank.example/v1/accounts/a%2F1/transactions?page=2"}`, "page=2", false},
		{`{"href":"http://BANK.example/v1/accounts/a%2F1/transactions?page=2"}`, "page=2", false},
		{`{"href":"/accounts/a%2F1/transactions?page=2"}`, "page=2", false},
		{`{"href":"accounts/a%2F1/transactions/?page=2"}`, "page=2", false},
		{`{"href":"/api.inner.example/v9/accounts/a%2F1/transactions?page=2"}`, "page=2", false},
		{`{"href":"/accounts/a%2F1/transactions?page=2{&dateTo}"}`, "page=2", false},
		{`{"href":"?page=2"}`, "page=2", false},
		{`"?page=2"`, "page=2", false},
		{`{"href":"?page=2 HTTP/1.1 <x>&from=2026-01-01T00:00:00é\"#part"}`, "page=2%20HTTP/1.1%20%3Cx%3E&from=2026-01-01T00%3A00%3A00%C3%A9%22", false},
		{`{"href":"/accounts/a%2F1/transactions"}`, "", false},
		{`{"href":""}`, "", false},
		{`{"href":null}`, "", false},
		{`{"href":{}}`, "", false},
		{`{}`, "", false},
		{`[]`, "", false},
		{`null`, "", false},
		{`{"href":"https://elsewhere.example/v1/accounts/a%2F1/transactions?page=2"}`, "", true},
		{`{"href":"//169.254.169.254/accounts/a%2F1/transactions"}`, "", true},
		{`{"href":"https://bank.example@elsewhere.example/accounts/a%2F1/transactions"}`, "", true},
		{`{"href":"https://bank.example.elsewhere.example/accounts/a%2F1/transactions"}`, "", true},
		{`{"href":"https://bank.example?page=2"}`, "", true},
		{`{"href":"/accounts/2/transactions?page=2"}`, "", true},
		{`{"href":"/payments?page=2"}`, "", true},
		{`{"href":"javascript:alert(1)"}`, "", true},
		{`{"href":"https://[::1/"}`, "", true},
	}
	for _, test := range tests {
		var link psd2.Link
		err := json.Unmarshal([]byte(test.written), &link)
		if err != nil {
			t.Errorf("%s: %v", test.written, err)
		}
		query, err := link.QueryFor("bank.example", resource)
		if (err != nil) != test.fails || query != test.query {
			t.Errorf("%s is %q, %v, want %q", test.written, query, err, test.query)
		}
	}
}

func TestNumbersOfAccounts(t *testing.T) {
	for name, test := range map[string]struct {
		read          func(string) string
		written, want string
	}{
		"an IBAN":                            {psd2.IBAN, "fr76 1090 7000 3012 3456 7890 125", "FR7610907000301234567890125"},
		"a placeholder":                      {psd2.IBAN, "Not Provided", ""},
		"an IBAN that is too short":          {psd2.IBAN, "FR76109", ""},
		"an IBAN with other letters":         {psd2.IBAN, "FR76-1090-7000-3012", ""},
		"the number of a French IBAN":        {psd2.FrenchNumber, "FR7610907000301234567890125", "12345678901"},
		"the number of a foreign IBAN":       {psd2.FrenchNumber, "DE89370400440532013000", ""},
		"a card number in clear":             {psd2.MaskNumber, "4970101234567890", "************7890"},
		"a card number in groups":            {psd2.MaskNumber, "4970 1012 3456 7890", "**** **** **** 7890"},
		"a card number that the bank masked": {psd2.MaskNumber, "497010******7890", "497010******7890"},
		"a short number":                     {psd2.MaskNumber, "12345678901", "12345678901"},
	} {
		if got := test.read(test.written); got != test.want {
			t.Errorf("%s, %q, is %q, want %q", name, test.written, got, test.want)
		}
	}
}

func TestLinkCards(t *testing.T) {
	accounts := []bank.Account{
		{BankID: "1", IBAN: "FR7610907000301234567890125"}, {BankID: "2"},
		{BankID: "3", LinkedBankID: "FR76 1090 7000 3012 3456 7890 125"}, {BankID: "4", LinkedBankID: "2"}, {BankID: "5", LinkedBankID: "unknown"},
	}
	psd2.LinkCards(accounts)
	var got []string
	for _, account := range accounts {
		got = append(got, account.LinkedBankID)
	}
	if diff := cmp.Diff([]string{"", "", "1", "2", "unknown"}, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestBalanceRank(t *testing.T) {
	type balance struct {
		kind    string
		foreign bool
	}
	want := []balance{{"first", false}, {"second", false}, {"unknown", false}, {"first", true}, {"second", true}, {"unknown", true}}
	for i := range want[1:] {
		lower := psd2.BalanceRank([]string{"first", "second"}, want[i].kind, want[i].foreign)
		higher := psd2.BalanceRank([]string{"first", "second"}, want[i+1].kind, want[i+1].foreign)
		if lower >= higher {
			t.Errorf("%v has rank %d, %v has rank %d", want[i], lower, want[i+1], higher)
		}
	}
}
