package psd2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

func TestTextsAndIDs(t *testing.T) {
	tests := []struct{ written, text, id string }{
		{`"a text"`, "a text", "a text"},
		{`"  a\u0000b\n "`, "a b", "a b"},
		{`"H&amp;M"`, "H&M", "H&amp;M"},
		{`"CAFÃ©"`, "CAFé", "CAFÃ©"},
		{`"e\u0301\u200b"`, "é", "e\u0301\u200b"},
		{`""`, "", ""},
		{`null`, "", ""},
		{`17`, "17", "17"},
		{`1.50`, "1.50", "1.50"},
		{`true`, "", ""},
		{`["a"]`, "", ""},
		{`{"a":1}`, "", ""},
	}
	for _, test := range tests {
		text, id := psd2.Text("before"), psd2.ID("before")
		err := json.Unmarshal([]byte(test.written), &text)
		if err != nil || string(text) != test.text {
			t.Errorf("Text of %s is %q, %v, want %q", test.written, text, err, test.text)
		}
		err = json.Unmarshal([]byte(test.written), &id)
		want, _ := strconv.Unquote(`"` + test.id + `"`)
		if err != nil || string(id) != want {
			t.Errorf("ID of %s is %q, %v, want %q", test.written, id, err, want)
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

func TestAnAmountWithItsCurrency(t *testing.T) {
	for written, want := range map[string]string{
		`{"amount":"10.00","currency":"USD"}`:         "10 USD",
		`{"amount":"-0.01","currency":"eur"}`:         "-0.01 EUR",
		`{"amount":1234.5,"currency":978}`:            "1234.5 EUR",
		`{"amount":-3}`:                               "-3 CHF",
		`{"amount":"1,5","currency":null}`:            "1.5 CHF",
		`{"amount":"1,5","currency":""}`:              "1.5 CHF",
		`{"amount":"1,5","currency":"XXX"}`:           "1.5 CHF",
		`{"amount":"12,50 €"}`:                        "12.5 EUR",
		`{"amount":"12,50 €","currency":"EUR"}`:       "12.5 EUR",
		`{"amount":"$12.50","currency":"CAD"}`:        "12.5 CAD",
		`{"amount":3.3000000000000003}`:               "3.3 CHF",
		`{"amount":1.2340000000002,"currency":"KWD"}`: "1.234 KWD",
		`{"amount":""}`:                               "absent",
		`{"amount":null}`:                             "absent",
		`{}`:                                          "absent",
		`{"amount":"12,50 €","currency":"USD"}`:       "unreadable",
		`{"amount":"1","currency":"moon"}`:            "unreadable",
		`{"amount":"1","currency":{}}`:                "unreadable",
		`{"amount":"1,234"}`:                          "unreadable",
		`{"amount":"many"}`:                           "unreadable",
		`{"amount":{"amount":1}}`:                     "unreadable",
		`{"amount":{"value":1}}`:                      "unreadable",
		`{"amount":{"#text":"1","scale":2}}`:          "unreadable",
		`{"amount":[1,2]}`:                            "unreadable",
		`{"amount":[[1]]}`:                            "unreadable",
		`{"amount":[]}`:                               "unreadable",
		`{"amount":[2026,11,18]}`:                     "unreadable",
		`{"amount":[1]}`:                              "1 CHF",
		`{"amount":{"#text":"1","@Ccy":"EUR"},"currency":{"$t":"EUR"}}`: "1 EUR",
		`{"amount":true}`: "unreadable",
	} {
		var amount psd2.Amount
		err := json.Unmarshal([]byte(written), &amount)
		reading := amount.Read(notation.Interface(notation.DayFirst), "CHF")
		money, ok := reading.Told()
		got := money.Amount.String() + " " + money.Currency
		switch {
		case reading.IsAbsent():
			got = "absent"
		case !ok:
			got = "unreadable"
		}
		if err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", written, got, err, want)
		}
	}
}

func TestCurrency(t *testing.T) {
	for written, want := range map[string]string{
		`[]`: "CHF", `["USD","GBP"]`: "USD", `["","gbp"]`: "GBP", `["E1R",{},"978"]`: "EUR", `[null,840]`: "USD", `["XXX"]`: "CHF",
	} {
		var candidates []psd2.Written
		err := json.Unmarshal([]byte(written), &candidates)
		if got := psd2.Currency("CHF", candidates...); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", written, got, err, want)
		}
	}
}

func TestReadLines(t *testing.T) {
	for written, want := range map[string][]string{
		`["A","","B"]`:        {"A", "B"},
		`["A",7,null]`:        {"A", "7"},
		`"A"`:                 {"A"},
		`""`:                  nil,
		`null`:                nil,
		`{"a":"A"}`:           nil,
		`[{"a":"A"}]`:         nil,
		``:                    nil,
		`[["A",["B"]],"C"]`:   {"A", "B", "C"},
		`[[[[[["A"]]]]],"B"]`: {"B"},
	} {
		if diff := cmp.Diff(want, psd2.ReadLines(json.RawMessage(written))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", written, diff)
		}
	}
}

func TestAMemberOfAnotherTypeIsUnreadable(t *testing.T) {
	for written, want := range map[string]string{
		`"2026-07-04"`: "2026-07-04", `20260704`: "2026-07-04", `1783116000000`: "2026-07-04", `""`: "absent", `null`: "absent",
		`["2026-07-04"]`: "2026-07-04", `{"#text":"2026-07-04"}`: "2026-07-04", `[2026,7,4]`: "2026-07-04", `[2026,7,4,23,30]`: "2026-07-04",
		`{"year":2026,"month":7,"day":4}`: "2026-07-04", `{"year":2026,"month":"JULY","dayOfMonth":4,"dayOfWeek":"SATURDAY","era":"CE","leapYear":false,"monthValue":7}`: "2026-07-04",
		`{"year":126,"month":6,"date":4,"day":6}`: "unreadable", `[2026,7]`: "unreadable", `[4,7,2026]`: "unreadable", `[2026,13,4]`: "unreadable", `[2026,2,30]`: "unreadable", `{"year":2026,"month":7}`: "unreadable", `[26,7,4]`: "unreadable",
		`{"year":2026,"month":0,"day":4}`: "unreadable", `{"year":2026,"day":4}`: "unreadable", `{"date":"2026-07-04"}`: "unreadable", `["2026-07-04","2026-07-05"]`: "unreadable",
		`{}`: "unreadable", `true`: "unreadable", `"soon"`: "unreadable",
	} {
		var member psd2.Written
		err := json.Unmarshal([]byte(written), &member)
		reading := psd2.Read(member, notation.Interface(notation.DayFirst).Day)
		day, ok := reading.Told()
		got := day.In(oxlin.Paris).String()
		switch {
		case reading.IsAbsent():
			got = "absent"
		case !ok:
			got = "unreadable"
		}
		if err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", written, got, err, want)
		}
	}
}

func TestOnlyTheQueryOfALinkIsUsed(t *testing.T) {
	const resource = "/accounts/a%2F1/transactions"
	page2 := psd2.Target{Query: "page=2"}
	tests := []struct {
		written string
		target  psd2.Target
		fails   bool
	}{
		{`{"href":"https://bank.example/v1/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"http://BANK.example/v1/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"http://gw-int.bank.local:8443/stet/v1/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"//169.254.169.254/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"https://bank.example@elsewhere.example/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"https://bank.example?page=2"}`, page2, false},
		{`{"href":"/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"accounts/a%2F1/transactions/?page=2"}`, page2, false},
		{`{"href":"/api.inner.example/v9/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"/pagination/v1/accounts/a%2F1/transactions?page=2"}`, page2, false},
		{`{"href":"/accounts/a%2F1/transactions?page=2{&dateTo}"}`, page2, false},
		{`{"href":"?page=2"}`, page2, false},
		{`"?page=2"`, page2, false},
		{`{"href":"/accounts/2/transactions?page=2"}`, page2, false},
		{`{"href":"/payments?page=2"}`, page2, false},
		{`{"href":"?dateFrom=2026-01-01&amp;page=1"}`, psd2.Target{Query: "dateFrom=2026-01-01&page=1"}, false},
		{`{"href":"?a=1&#38;b=2&#x26;c=3&copy=4"}`, psd2.Target{Query: "a=1&b=2&c=3&copy=4"}, false},
		{`{"href":"?page=2 HTTP/1.1 <x>&from=2026-01-01T00:00:00é\"#part"}`, psd2.Target{Query: "page=2%20HTTP/1.1%20%3Cx%3E&from=2026-01-01T00%3A00%3A00%C3%A9%22"}, false},
		{`{"href":"/v1/accounts/a%2F1/transactions/next?at=7"}`, psd2.Target{Path: "/next", Query: "at=7"}, false},
		{`{"href":"accounts/a%2F1/transactions/pages/2"}`, psd2.Target{Path: "/pages/2"}, false},
		{`{"href":"/accounts/a%2F1/transactions/a b%2Fc?x"}`, psd2.Target{Path: "/a%20b/c", Query: "x"}, false},
		{`{"href":"/accounts/a%2F1/transactions/../../2/transactions?page=2"}`, page2, false},
		{`{"href":"/accounts/a%2F1/transactionsNext?page=2"}`, page2, false},
		{`{"href":"/accounts/a%2F1/transactions"}`, psd2.Target{}, false},
		{`{"href":""}`, psd2.Target{}, false},
		{`{"href":null}`, psd2.Target{}, false},
		{`{"href":{}}`, psd2.Target{}, false},
		{`{}`, psd2.Target{}, false},
		{`[]`, psd2.Target{}, false},
		{`null`, psd2.Target{}, false},
		{`{"href":"/accounts/a%2F1/transactionsNext"}`, psd2.Target{}, true},
		{`{"href":"/accounts/2/transactions"}`, psd2.Target{}, true},
		{`{"href":"https://elsewhere.example"}`, psd2.Target{}, true},
		{`{"href":"javascript:alert(1)"}`, psd2.Target{}, true},
		{`{"href":"https://[::1/"}`, psd2.Target{}, true},
	}
	for _, test := range tests {
		var link psd2.Link
		err := json.Unmarshal([]byte(test.written), &link)
		if err != nil {
			t.Errorf("%s: %v", test.written, err)
		}
		target, err := link.Target(resource)
		if (err != nil) != test.fails || target != test.target {
			t.Errorf("%s is %+v, %v, want %+v", test.written, target, err, test.target)
		}
	}
}

func TestTheNumberOfAFrenchIBAN(t *testing.T) {
	for iban, want := range map[string]string{"FR7610907000301234567890125": "12345678901", "DE89370400440532013000": "", "": ""} {
		if got := psd2.FrenchNumber(iban); got != want {
			t.Errorf("%s has the number %q, want %q", iban, got, want)
		}
	}
}

func TestLinkCards(t *testing.T) {
	accounts := []bank.Account{
		{Address: "1", IBAN: "FR7610907000301234567890125"}, {Address: "2"},
		{Address: "3", LinkedAddress: "FR76\u00a01090 7000 3012 3456 7890 125"}, {Address: "4", LinkedAddress: "2"}, {Address: "5", LinkedAddress: "unknown"},
	}
	psd2.LinkCards(accounts)
	var got []string
	for _, account := range accounts {
		got = append(got, account.LinkedAddress)
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

// A string without an escape is read by a shorter way, and as the same string with escapes.
func TestAStringIsTheSameWithEscapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune(`ab "\/é€`+"\x01\t\ufffd"))).Draw(t, "text")
		short, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		long := `"`
		for _, r := range text {
			long += fmt.Sprintf(`\u%04x`, r)
		}
		var a, b psd2.ID
		err = errors.Join(json.Unmarshal(short, &a), json.Unmarshal([]byte(long+`"`), &b))
		lines := psd2.ReadLines(short)
		if err != nil || a != b || !slices.Equal(lines, psd2.ReadLines([]byte(long+`"`))) {
			t.Errorf("%s is %q, with escapes %q: %v", short, a, b, err)
		}
	})
}
