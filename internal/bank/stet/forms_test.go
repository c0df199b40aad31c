package stet_test

import (
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// TestAListInEveryForm reads lists that a program without a library for JSON writes: the
// only record without its list, records under their ids, a record with a fault.
func TestAListInEveryForm(t *testing.T) {
	const (
		balance = `{"balanceType":"CLBD","balanceAmount":{"amount":"12.50","currency":"EUR"}}`
		listed  = `{"resourceId":"1","name":"N"}`
	)
	row := booked("2026-11-20", "A")
	for _, test := range []struct{ name, form, faulty string }{
		{"a list", `[%]`, ""},
		{"the record alone", `%`, ""},
		{"an object by id", `{"7":%}`, ""},
		{"an object by number, and a count", `{"0":%,"count":1}`, ""},
		{"a list within the list", `{"item":[%]}`, ""},
		{"beside a record with a fault", `[%,{"amount":12,50}]`, "one"},
		{"beside a null", `[%,null]`, "one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			unreadable := len(test.faulty) / len("one")
			form := func(record string) string { return strings.Replace(test.form, "%", record, 1) }
			accounts, err := answers(t, plain(), `{"accounts":`+form(listed)+`}`).Accounts(t.Context(), call, "")
			if err != nil || len(accounts.Accounts) != 1 || len(accounts.Unreadable) != unreadable {
				t.Errorf("accounts: %+v, %v", accounts, err)
			}
			page, err := answers(t, plain(), `{"transactions":`+form(row)+`}`).Transactions(t.Context(), call, account, spring, "")
			if err != nil || len(page.Transactions) != 1 || len(page.Unreadable) != unreadable {
				t.Errorf("transactions: %+v, %v", page, err)
			}
			for where, script := range map[string][]string{
				"balances":                     {`{"balances":` + form(balance) + `}`},
				"balances in the account list": {`{}`, `{"accounts":[{"resourceId":"1","balances":` + form(balance) + `}]}`},
			} {
				got, err := banktest.Balances(t.Context(), answers(t, plain(), script...), call, account)
				if err != nil || len(got.All) != 1 || got.Shown == nil || got.Shown.Amount.String() != "12.5" || len(got.Unreadable) != unreadable {
					t.Errorf("%s: %+v, %v", where, got, err)
				}
			}
		})
	}
}

// TestAFaultInABalanceDoesNotCostTheAccount reads an account whose listed balance is no JSON,
// and one whose balances are no list.
func TestAFaultInABalanceDoesNotCostTheAccount(t *testing.T) {
	for _, balances := range []string{`[{"balanceAmount":{"amount":12,50}}]`, `{"balanceAmount":{"amount":12,50}}`, `12.50`, `"none"`, `{"total":1}`} {
		list := `{"accounts":[{"resourceId":"1","name":"N","balances":` + balances + `}]}`
		page, err := answers(t, plain(), list).Accounts(t.Context(), call, "")
		if err != nil || len(page.Accounts) != 1 || page.Accounts[0].Name != "N" {
			t.Errorf("%s: %+v, %v", balances, page, err)
		}
		got, err := banktest.Balances(t.Context(), answers(t, plain(), `{}`, list), call, account)
		if err != nil || got.Shown != nil || len(got.Unreadable) != 1 {
			t.Errorf("%s: %+v, %v", balances, got, err)
		}
	}
}

// TestAPartOfAList reads answers with the status of a part of the list: with a link to the
// rest they are pages like all others.
func TestAPartOfAList(t *testing.T) {
	for _, test := range []struct {
		name      string
		exchanges []banktest.Exchange
		broken    bool
	}{
		{"without a link", []banktest.Exchange{{Status: 206, Body: page("", booked("2026-11-20", "A"))}}, true},
		{"with one", []banktest.Exchange{
			{Status: 206, Body: page("?page=2", booked("2026-11-20", "A"))}, {Status: 206, Body: page("", booked("2026-11-19", "B"))},
		}, false},
	} {
		connector, broken, rows := connect(t, plain(), banktest.NewScript(t, test.exchanges...)), "", 0
		for cursor := "-"; cursor != ""; {
			read, err := connector.Transactions(t.Context(), call, account, spring, strings.Trim(cursor, "-"))
			if err != nil {
				t.Fatal(err)
			}
			cursor, broken = read.Next, read.Broken
			rows += len(read.Transactions)
		}
		if (broken != "") != test.broken || rows != len(test.exchanges) {
			t.Errorf("%s: %d rows, broken %q", test.name, rows, broken)
		}
	}
	list := banktest.Exchange{Status: 206, Body: `{"accounts":[{"resourceId":"1","name":"N"}]}`}
	page, err := connect(t, plain(), banktest.NewScript(t, list)).Accounts(t.Context(), call, "")
	if err != nil || len(page.Accounts) != 1 || len(page.Unreadable) != 1 {
		t.Errorf("accounts: %+v, %v", page, err)
	}
	_, err = connect(t, plain(), banktest.NewScript(t, banktest.Exchange{Status: 202})).Accounts(t.Context(), call, "")
	wantKind(t, err, bank.Unavailable)
}

func TestRemittanceLinesInEveryForm(t *testing.T) {
	for written, want := range map[string]string{
		`["A","B"]`:              "A/B",
		`"A"`:                    "A",
		`{"unstructured":["A"]}`: "A",
		`{"unstructured":"A"}`:   "A",
		`[{"unstructured":["A"]},{"unstructured":["B"]}]`:                                              "A/B",
		`["A",{"unstructured":["B"]},7,{}]`:                                                            "A/B/7",
		`{"unstructured":["A"],"structured":{"creditorReferenceInformation":{"reference":"R"}}}`:       "A/R",
		`{"unstructured":["A"],"structured":[7,{"creditorReferenceInformation":{"reference":"R"}}]}`:   "A/R",
		`{"unstructured":["A"],"structured":[{"creditorReferenceInformation":[]},{"additional":"x"}]}`: "A",
		`{"structured":[{"reference":"R"}]}`:                                                           "R", `{"structured":{"reference":"R"}}`: "R",
		`{}`: "", `null`: "", `[]`: "", `true`: "",
	} {
		row := one(t, `{"transactionAmount":{"amount":"1"},"creditDebitIndicator":"CRDT","remittanceInformation":`+written+`}`)
		if got := strings.Join(row.Remittance, "/"); got != want {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
}
