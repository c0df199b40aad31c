package stet_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

func TestAnAccountInEveryShape(t *testing.T) {
	tests := []struct {
		name    string
		written string
		want    bank.Account
	}{
		{
			"everything",
			`{"resourceId":"1","accountId":{"iban":"fr76 1090 7000 3012 3456 7890 125","currency":"EUR"},"name":"COMPTE","details":"d","product":"P",
				"usage":"ORGA","cashAccountType":"CACC"}`,
			bank.Account{
				Address: "1", BankID: "1", Name: "COMPTE", Type: oxlin.AccountCheckings, Usage: oxlin.UsageProfessional, Currency: "EUR",
				IBAN: "FR7610907000301234567890125", Number: "12345678901",
			},
		},
		{
			"a currency beside the identification, as in 1.4",
			`{"resourceId":"1","name":"N","currency":"CHF","cashAccountType":"CACC","usage":"PRIV"}`,
			bank.Account{Address: "1", BankID: "1", Name: "N", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Currency: "CHF"},
		},
		{
			"a currency in the balances alone, and a name in the details",
			`{"resourceId":"1","details":"D","balances":[{"balanceAmount":{"amount":"1","currency":"GBP"}}]}`,
			bank.Account{Address: "1", BankID: "1", Name: "D", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Currency: "GBP"},
		},
		{
			"a number in the bank's own scheme",
			`{"resourceId":"1","name":"N","accountId":{"other":{"identification":"00012345678","schemeName":"BANK"}},"cashAccountType":"CACC"}`,
			bank.Account{Address: "1", BankID: "1", Name: "N", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal, Number: "00012345678"},
		},
		{
			"a card number in clear is masked",
			`{"resourceId":"1","name":"VISA","accountId":{"other":{"identification":"4970 1012 3456 7890","schemeName":"CPAN"}},"cashAccountType":"CARD","linkedAccount":"7"}`,
			bank.Account{
				Address: "1", BankID: "1", Name: "VISA", Type: oxlin.AccountCreditCard, Usage: oxlin.UsagePersonal,
				MaskedNumber: "**** **** **** 7890", LinkedAddress: "7",
			},
		},
		{
			"a card that only its scheme betrays",
			`{"resourceId":"1","name":"VISA","accountId":{"other":{"identification":"XXXX7890","schemeName":"MPAN"}}}`,
			bank.Account{Address: "1", BankID: "1", Name: "VISA", Type: oxlin.AccountCreditCard, Usage: oxlin.UsagePersonal, MaskedNumber: "XXXX7890"},
		},
		{
			"a placeholder instead of an IBAN",
			`{"resourceId":"1","name":"N","accountId":{"iban":"Not Provided"},"cashAccountType":"NEWS"}`,
			bank.Account{Address: "1", BankID: "1", Name: "N", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal},
		},
		{
			"no resource id",
			`{"accountId":{"iban":"FR7610907000301234567890125"},"name":"N","cashAccountType":"CACC"}`,
			bank.Account{
				Address: "FR7610907000301234567890125", BankID: "FR7610907000301234567890125", Name: "N", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal,
				IBAN: "FR7610907000301234567890125", Number: "12345678901",
			},
		},
		{
			"members of another type",
			`{"resourceId":17,"name":null,"accountId":"none","usage":[],"_links":"none"}`,
			bank.Account{Address: "17", BankID: "17", Type: oxlin.AccountCheckings, Usage: oxlin.UsagePersonal},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			page, err := answers(t, plain(), `{"accounts":[`+test.written+`]}`).Accounts(t.Context(), call, "")
			if err != nil || len(page.Accounts) != 1 {
				t.Fatalf("%+v, %v", page, err)
			}
			if diff := cmp.Diff(test.want, page.Accounts[0], cmpopts.IgnoreFields(bank.Account{}, "Raw", "HeldByCustomer", "Balances")); diff != "" {
				t.Errorf("account (-want +got):\n%s", diff)
			}
			if string(page.Accounts[0].Raw) != test.written {
				t.Errorf("the record is not kept letter by letter: %s", page.Accounts[0].Raw)
			}
		})
	}
}

func TestAnAccountWithoutAnyIDIsReported(t *testing.T) {
	page, err := answers(t, plain(), `{"accounts":[{"name":"NOBODY"},null,{"resourceId":"1","name":"N"}]}`).Accounts(t.Context(), call, "")
	if err != nil || len(page.Accounts) != 1 || page.Accounts[0].BankID != "1" || len(page.Unreadable) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestAListWithoutAnyReadableAccountIsNonsense(t *testing.T) {
	for _, list := range []string{`[1]`, `[{"name":"NOBODY"}]`, `[{"resourceId":true},"x"]`} {
		_, err := answers(t, plain(), `{"accounts":`+list+`}`).Accounts(t.Context(), call, "")
		wantKind(t, err, bank.Nonsense)
	}
}

func TestAccountsInAnyNotation(t *testing.T) {
	page, err := answers(t, plain(), `{"accounts":[
		{"resourceId":"a&amp;b","name":"M. &amp; MME Ã‰MILE","accountId":{"iban":"IBAN FR76\u00a01090\u202f7000-3012 3456 7890 125","currency":978},"usage":"orga","cashAccountType":"cacc"},
		{"resourceId":"2","name":"VISA","accountId":{"other":{"identification":"4970\u00a01012-3456 7890","schemeName":"cpan"}},"cashAccountType":"card"},
		{"resourceId":"3","name":"LIVRET","cashAccountType":"SVGS"},
		"nothing"]}`).Accounts(t.Context(), call, "")
	if err != nil || len(page.Accounts) != 3 || len(page.Unreadable) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	first, second, third := page.Accounts[0], page.Accounts[1], page.Accounts[2]
	if first.BankID != "a&amp;b" || first.Name != "M. & MME ÉMILE" || first.IBAN != "FR7610907000301234567890125" || first.Currency != "EUR" ||
		first.Usage != oxlin.UsageProfessional || first.Type != oxlin.AccountCheckings {
		t.Errorf("first account is %+v", first)
	}
	if second.Type != oxlin.AccountCreditCard || second.MaskedNumber != "**** ****-**** 7890" {
		t.Errorf("second account is %+v", second)
	}
	if third.Type != oxlin.AccountSavings {
		t.Errorf("third account is %+v", third)
	}
}

func TestAnIBANInThePlaceOfAnotherNumber(t *testing.T) {
	for other, want := range map[string]string{
		`{"identification":"FR76 3000 6000 0112 3456 7890 189","schemeName":"BBAN"}`: "FR7630006000011234567890189/12345678901",
		`{"identification":"FR7630006000011234567890188","schemeName":"iban"}`:       "FR7630006000011234567890188/12345678901",
		`{"identification":"GB29NWBK60161331926819"}`:                                "GB29NWBK60161331926819/",
		`{"identification":"AB12CDEFGHIJKLMN"}`:                                      "/AB12CDEFGHIJKLMN",
		`{"identification":"30006000011234567890189"}`:                               "/30006000011234567890189",
	} {
		page, err := answers(t, plain(), `{"accounts":[{"resourceId":"1","name":"N","accountId":{"other":`+other+`}}]}`).Accounts(t.Context(), call, "")
		if err != nil || page.Accounts[0].IBAN+"/"+page.Accounts[0].Number != want {
			t.Errorf("%s: %+v, %v", other, page, err)
		}
	}
}

// TestACurrencyThatIsNotNamedIsEmpty: who reads the account knows more than its list.
func TestACurrencyThatIsNotNamedIsEmpty(t *testing.T) {
	unnamed := bank.AccountRef{Address: "1", Type: oxlin.AccountCheckings}
	for written, want := range map[string]string{`"GBP"`: "GBP", `826`: "GBP", `"XXX"`: "", `null`: "", `""`: ""} {
		amount := `{"amount":"1.00","currency":` + written + `}`
		told, err := banktest.Balances(t.Context(), answers(t, plain(), `{"balances":[{"balanceType":"CLBD","balanceAmount":`+amount+`}]}`), call, unnamed)
		if err != nil || told.Shown.Currency != want {
			t.Errorf("balance in %s: %+v, %v", written, told, err)
		}
		rows, err := transactions(t, answers(t, plain(), `{"transactions":[{"transactionAmount":`+amount+`,"creditDebitIndicator":"CRDT"}]}`), unnamed)
		if err != nil || rows[0].Currency != want {
			t.Errorf("row in %s: %+v, %v", written, rows, err)
		}
	}
	swiss := plain()
	swiss.Currency = "CHF"
	if a, b := answers(t, plain()).Profile().Currency, answers(t, swiss).Profile().Currency; a != "EUR" || b != "CHF" {
		t.Errorf("the banks' own currencies are %q and %q", a, b)
	}
}

func TestACardLinkedByIBANIsLinkedByID(t *testing.T) {
	page, err := answers(t, plain(), `{"accounts":[
		{"resourceId":"1","name":"N","accountId":{"iban":"FR7610907000301234567890125"},"cashAccountType":"CACC"},
		{"resourceId":"2","name":"C","cashAccountType":"CARD","linkedAccount":"FR76 1090 7000 3012 3456 7890 125"}]}`).Accounts(t.Context(), call, "")
	if err != nil || page.Accounts[1].LinkedAddress != "1" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestABalanceIsChosen(t *testing.T) {
	balance := func(kind, amount, more string) string {
		return `{"name":"n","balanceAmount":{"amount":` + amount + `,"currency":"EUR"},"balanceType":"` + kind + `"` + more + `}`
	}
	tests := []struct {
		name     string
		account  bank.AccountRef
		written  string
		amount   string
		at       string
		debitOn  string
		debitFor string
	}{
		{"the booked one first", account, balance("ITAV", `"450"`, "") + "," + balance("XPCD", `2`, "") + "," + balance("CLBD", `"-50.00"`, ""), "-50", "", "", ""},
		{"the booked one by another spelling", account, balance("expected", `2`, "") + "," + balance("closingBooked", `1`, ""), "1", "", "", ""},
		{"the expected one without a booked one", account, balance("ITAV", `3`, "") + "," + balance("xpcd", `"2"`, ""), "2", "", "", ""},
		{"as people write it", account, balance("CLBD", `"1 234,56 €"`, ""), "1234.56", "", "", ""},
		{"with the noise of a binary fraction", account, balance("CLBD", `-160.1999969482422`, ""), "-160.2", "", "", ""},
		{"with an indicator", account, balance("CLBD", `"5.00"`, `,"creditDebitIndicator":"dbit"`), "-5", "", "", ""},
		{"beside one that cannot be read", account, balance("CLBD", `"1,234"`, "") + "," + balance("XPCD", `2`, ""), "2", "", "", ""},
		{"of an unknown type where there is no other", account, balance("NEWS", `"3"`, ""), "3", "", "", ""},
		{"never the limit of credit", account, balance("CreditLimit", `"3000"`, "") + "," + balance("NEWS", `"3"`, ""), "3", "", "", ""},
		{"the first of two alike", account, balance("CLBD", `"1"`, "") + "," + balance("CLBD", `"2"`, ""), "1", "", "", ""},
		{"the latest of one type", account, balance("CLBD", `"1"`, `,"referenceDate":"2026-11-01"`) + "," + balance("CLBD", `"2"`, `,"referenceDate":"2026-11-20"`), "2", "2026-11-20", "", ""},
		{"of today before one to come", account, balance("CLBD", `"1"`, `,"referenceDate":"2026-12-31"`) + "," + balance("CLBD", `"2"`, `,"referenceDate":"2026-11-20"`), "2", "2026-11-20", "", ""},
		{"the next of those to come", account, balance("CLBD", `"1"`, `,"referenceDate":"2026-12-31"`) + "," + balance("CLBD", `"2"`, `,"referenceDate":"2026-11-30"`), "2", "2026-11-30", "", ""},
		{"with a filler for a day", account, balance("CLBD", `"1"`, `,"referenceDate":"2099-12-31"`) + "," + balance("CLBD", `"2"`, `,"referenceDate":"2026-11-20"`), "2", "2026-11-20", "", ""},
		{"with the day of its moment", account, balance("CLBD", `"1"`, `,"lastChangeDateTime":"2026-11-20T10:00:00+0100"`), "1", "2026-11-20", "", ""},
		{"in the account's currency", account, `{"balanceAmount":{"amount":"9","currency":"USD"},"balanceType":"XPCD"},` + balance("CLBD", `"1"`, ""), "1", "", "", ""},
		{"that has an amount", account, `{"balanceType":"XPCD"},` + balance("CLBD", `"1"`, ""), "1", "", "", ""},
		{
			"of a deferred card: what is still to come, the next debit first", card,
			balance("OTHR", `"-300.00"`, `,"referenceDate":"2026-12-31"`) + "," + balance("OTHR", `"-200.00"`, `,"referenceDate":"2026-11-30"`) + "," + balance("OTHR", `"-100.00"`, `,"referenceDate":"2026-10-30"`),
			"-500", "2026-11-30", "2026-11-30", "-200",
		},
		{
			"of a deferred card whose debits are all past: the last", card,
			balance("OTHR", `"-100.00"`, `,"referenceDate":"2026-09-30"`) + "," + balance("OTHR", `"-200.00"`, `,"referenceDate":"2026-10-30"`),
			"-200", "2026-10-30", "", "",
		},
		{
			"of a card with a balance of its own", card,
			balance("OTHR", `"-200.00"`, `,"referenceDate":"2026-11-30"`) + "," + balance("CLBD", `"-250"`, ""),
			"-250", "", "2026-11-30", "-200",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := banktest.Balances(t.Context(), answers(t, plain(), `{"balances":[`+test.written+`]}`), call, test.account)
			if err != nil {
				t.Fatal(err)
			}
			shown, debitFor := banktest.Shown(got), ""
			if got.NextDebitAmount != nil {
				debitFor = got.NextDebitAmount.String()
			}
			if expected := shown.Type == oxlin.BalanceExpected; expected != (test.amount == "2" && strings.Contains(strings.ToUpper(test.written), "XPCD")) {
				t.Errorf("the balance has the type %s", shown.Type)
			}
			if shown.Amount.String() != test.amount || shown.Date.String() != test.at || got.NextDebitDate.String() != test.debitOn || debitFor != test.debitFor || shown.Currency != "EUR" {
				t.Errorf("balance is %+v, next debit %q %q", shown, got.NextDebitDate, debitFor)
			}
		})
	}
}

func TestComingBalancesOfACardMeanWhatTheBanksDataSay(t *testing.T) {
	coming := func(amount, day, currency string) string {
		return `{"balanceAmount":{"amount":"` + amount + `","currency":"` + currency + `"},"balanceType":"OTHR","referenceDate":"` + day + `"}`
	}
	body := `{"balances":[` + coming("-500", "2026-12-31", "EUR") + `,` + coming("-200", "2026-11-30", "EUR") + `,` + coming("-7", "2026-11-29", "USD") + `]}`
	for meaning, want := range map[string]string{"": "-700", "separate": "-700", "cumulative": "-500"} {
		config := plain()
		config.ComingBalances = meaning
		got, err := banktest.Balances(t.Context(), answers(t, config, body), call, card)
		if err != nil || banktest.Shown(got).Amount.String() != want || got.NextDebitAmount.String() != "-200" || len(got.All) != 3 {
			t.Errorf("%q: %+v, %v, want %s", meaning, got, err, want)
		}
	}
}

func TestABalanceThatTheBankDoesNotGiveIsAbsent(t *testing.T) {
	tests := []struct {
		name       string
		account    bank.AccountRef
		script     []string
		unreadable int
	}{
		{"an empty list, here and with the account", account, []string{`{"balances":[]}`, `{"accounts":[{"resourceId":"1"}]}`}, 0},
		{"an empty list for a card", card, []string{`{"balances":[]}`}, 0},
		{"a balance without an amount", account, []string{`{"balances":[{"balanceType":"CLBD"}]}`}, 1},
		{"a balance in another form", account, []string{`{"balances":["1.00"]}`}, 1},
		{"an amount with two readings", account, []string{`{"balances":[{"balanceType":"CLBD","balanceAmount":{"amount":"1,234","currency":"EUR"}}]}`}, 1},
		{"an unknown indicator", account, []string{`{"balances":[{"balanceAmount":{"amount":"1"},"creditDebitIndicator":"??"}]}`}, 1},
		{"an amount of another type", account, []string{`{"balances":[{"balanceAmount":"1.00"},{"balanceAmount":{"amount":true}}]}`}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := banktest.Balances(t.Context(), answers(t, plain(), test.script...), call, test.account)
			if err != nil || got.Shown != nil || len(got.All) != 0 || len(got.Unreadable) != test.unreadable {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestTheOwnerIsNamedByWhateverTheBankOffers(t *testing.T) {
	list := func(members string) string { return `{"accounts":[{"resourceId":"1"` + members }
	tests := []struct {
		name   string
		script []banktest.Exchange
		want   string
	}{
		{
			"the identity", []banktest.Exchange{
				{Body: list(`}],"connectedPsu":"OTHER","_links":{"endUserIdentity":{"href":"https://inner.example/end-user-identity"}}}`)},
				{Ask: "GET /psd2/v1/end-user-identity", Body: `{"identity":{"fullName":"JO DOE","firstName":"Jo"},"_links":{}}`},
			}, "JO DOE",
		},
		{
			"first and last name", []banktest.Exchange{
				{Body: list(`}],"_links":{"endUserIdentity":{"href":"x"}}}`)},
				{Body: `{"identity":{"firstName":"Jo","lastName":"DOE"}}`},
			}, "Jo DOE",
		},
		{
			"the account's owners", []banktest.Exchange{
				{Body: list(`,"_links":{"owners":{"href":"/accounts/1/owners"}}}]}`)},
				{Ask: "GET /psd2/v1/accounts/1/owners", Body: `{"identities":[{"fullName":"JO DOE"},{"fullName":"JANE DOE"}]}`},
			}, "JO DOE",
		},
		{
			"the owners of an account that they hold", []banktest.Exchange{
				{Body: list(`,"psuStatus":"Attorney","_links":{"owners":{"href":"x"}}},{"resourceId":"2","_links":{"owners":{"href":"x"}}}]}`)},
				{Ask: "GET /psd2/v1/accounts/2/owners", Body: `{"identities":[{"fullName":"JO DOE"}]}`},
			}, "JO DOE",
		},
		{"connectedPsu", []banktest.Exchange{{Body: list(`}],"connectedPsu":"DOE JO"}`)}}, "DOE JO"},
		{"a word in the place of a name", []banktest.Exchange{{Body: list(`}],"connectedPsu":"NOTPROVIDED"}`)}}, ""},
		{"nothing", []banktest.Exchange{{Body: list(`}]}`)}}, ""},
		{
			"a refusal is no answer", []banktest.Exchange{
				{Body: list(`}],"connectedPsu":"DOE JO","_links":{"endUserIdentity":{"href":"x"}}}`)},
				{Status: http.StatusForbidden, Body: `{"message":"not allowed"}`},
			}, "DOE JO",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			connector := connect(t, plain(), banktest.NewScript(t, test.script...))
			page, err := connector.Accounts(t.Context(), call, "")
			if err != nil {
				t.Fatal(err)
			}
			owner, err := connector.Owner(t.Context(), call, page)
			if err != nil || owner.Name != test.want {
				t.Errorf("owner is %+v, %v, want %q", owner, err, test.want)
			}
		})
	}
}

func TestWhoActsForAnotherHoldsNoAccount(t *testing.T) {
	for members, want := range map[string]bool{
		``:                                                true,
		`,"psuStatus":"Account Holder"`:                   true,
		`,"psuStatus":"Account Co-Holder"`:                true,
		`,"psuStatus":"Co-account Holder"`:                true,
		`,"psuStatus":"ACCOUNT_HOLDER"`:                   true,
		`,"psuStatus":"Attorney"`:                         false,
		`,"psuStatus":"Custodian For Minor"`:              false,
		`,"psuStatus":"Legal Guardian"`:                   false,
		`,"psuStatus":"Nominee"`:                          false,
		`,"psuStatus":"Successor On Death"`:               false,
		`,"psuStatus":"Trustee"`:                          false,
		`,"psuStatus":"Something new"`:                    false,
		`,"usage":"PRIV"`:                                 true,
		`,"usage":"ORGA"`:                                 false,
		`,"usage":"ORGA","psuStatus":"Account Holder"`:    true,
		`,"usage":"ORGA","psuStatus":"Account Co-Holder"`: true,
	} {
		list := `{"connectedPsu":"DOE JO","accounts":[{"resourceId":"1","name":"N"` + members + `}]}`
		page, err := answers(t, plain(), list).Accounts(t.Context(), call, "")
		if err != nil || page.Accounts[0].HeldByCustomer != want || page.Accounts[0].OwnerName != "" {
			t.Errorf("%s: %+v, %v", members, page.Accounts, err)
		}
	}
}

func TestAConsentIsForwarded(t *testing.T) {
	config := plain()
	config.ConsentModel = "mixed"
	list := `{"accounts":[
		{"resourceId":"1","accountId":{"iban":"FR7610907000301234567890125"},"_links":{}},
		{"resourceId":"2","accountId":{"other":{"identification":"XXXX2222","schemeName":"CPAN","issuer":"30002"}},"cashAccountType":"CARD","_links":{}},
		{"resourceId":"3","cashAccountType":"CARD","accountId":{"other":{"identification":"XXXX3333","schemeName":"CPAN"}},"_links":{"transactions":{"href":"x"}}}]}`
	both := `[{"iban":"FR7610907000301234567890125"},{"other":{"identification":"XXXX2222","issuer":"30002","schemeName":"CPAN"}}]`
	tests := map[string]string{
		"1.5": `{"balances":` + both + `,"owners":` + both + `,"psuIdentity":true,"transactions":` + both + `,"trustedBeneficiaries":false}`,
		"1.4": `{"balances":` + both + `,"psuIdentity":true,"transactions":` + both + `,"trustedBeneficiaries":false}`,
	}
	for version, want := range tests {
		t.Run(version, func(t *testing.T) {
			config.Version = version
			script := banktest.NewScript(t, banktest.Exchange{Body: list},
				banktest.Exchange{Ask: "PUT /psd2/v1/consents", Status: http.StatusCreated})
			connector := connect(t, config, script)
			page, err := connector.Accounts(t.Context(), call, "")
			if err != nil {
				t.Fatal(err)
			}
			var open []bool
			for _, account := range page.Accounts {
				open = append(open, !account.NeedsConsent)
			}
			if diff := cmp.Diff([]bool{false, false, true}, open); diff != "" {
				t.Errorf("accounts that are open already (-want +got):\n%s", diff)
			}
			err = connector.ForwardConsent(t.Context(), call, page.Accounts[:2])
			if err != nil {
				t.Fatal(err)
			}
			var sorted any
			err = json.Unmarshal([]byte(script.Bodies[1]), &sorted)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(sorted)
			if err != nil || string(got) != want {
				t.Errorf("consent is\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestAnAccountThatNothingIdentifiesIsNotForwarded(t *testing.T) {
	config := plain()
	config.ConsentModel = "mixed"
	script := banktest.NewScript(t, banktest.Exchange{})
	err := connect(t, config, script).ForwardConsent(t.Context(), call, []bank.Account{
		{BankID: "2", Raw: []byte(`{"resourceId":"2","accountId":null}`)}, {BankID: "3", Raw: []byte(`{"accountId":{}}`)}, {BankID: "4"},
	})
	if err != nil || !strings.Contains(script.Bodies[0], `"balances":[]`) {
		t.Errorf("consent is %s, %v", script.Bodies[0], err)
	}
}

func TestAllAccountsRefusedIsForwardedAsEmptyLists(t *testing.T) {
	config := plain()
	config.ConsentModel = "mixed"
	script := banktest.NewScript(t, banktest.Exchange{})
	err := connect(t, config, script).ForwardConsent(t.Context(), call, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"balances":[],"owners":[],"psuIdentity":true,"transactions":[],"trustedBeneficiaries":false}`; script.Bodies[0] != want {
		t.Errorf("consent is %s", script.Bodies[0])
	}
}

func TestOtherBanksAreNotToldTheConsent(t *testing.T) {
	err := connect(t, plain(), banktest.NewScript(t)).ForwardConsent(t.Context(), call, []bank.Account{{BankID: "1", Type: oxlin.AccountCheckings, Currency: "EUR"}})
	if err != nil {
		t.Error(err)
	}
}

// exchanging is a bank with two accounts and a card, whose rows say whose they are.
func exchanging(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/psd2/v1/accounts")
	body := page("", booked("2026-11-20", strings.Split(path+"//", "/")[1]))
	if path == "" {
		body = `{"accounts":[
			{"resourceId":"a1","name":"COMPTE","cashAccountType":"CACC","accountId":{"iban":"FR7610907000301234567890125","currency":"EUR"}},
			{"resourceId":"a2","name":"COMPTE","cashAccountType":"CACC","accountId":{"iban":"FR7630006000011234567890189","currency":"EUR"}},
			{"resourceId":"a3","name":"COMPTE","cashAccountType":"CARD","accountId":{"currency":"EUR","other":{"identification":"XXXXXXXXXXXX7890","schemeName":"MPAN"}}}]}`
	}
	_, _ = io.WriteString(w, body)
}

func TestAccountsUnderOtherAddressesAreTheSame(t *testing.T) {
	config := plain()
	config.AccountIDs = bank.IDPerConsent
	behind := banktest.NewReaddressed(http.HandlerFunc(exchanging), "resourceId")
	connector := connect(t, config, behind)
	banktest.ExerciseIdentities(t, banktest.Subject{New: func() bank.Connector { return connector }, Call: call, From: spring}, behind.Renew)
}
