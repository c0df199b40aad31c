package stet_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// read reads accounts, balances and rows of the first account, and the owner.
func read(t *testing.T, config stet.Config, script *banktest.Script) (bank.Balances, []bank.Transaction, oxlin.Owner) {
	t.Helper()
	connector := connectUnchecked(t, config, script)
	page, err := connector.Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	owner, err := connector.Owner(t.Context(), call, page)
	if err != nil {
		t.Fatal(err)
	}
	told, err := banktest.Balances(t.Context(), connector, call, page.Accounts[0].Ref())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := transactions(t, connector, page.Accounts[0].Ref())
	if err != nil {
		t.Fatal(err)
	}
	return told, rows, owner
}

const oneBalance = `{"balances":[{"name":"S","balanceType":"CLBD","balanceAmount":{"amount":"7.00","currency":"EUR"}}]}`

func TestPathsOfTheBanksOwn(t *testing.T) {
	config := plain()
	config.Paths = map[string]string{
		"accounts": "/comptes", "balances": "/comptes/{id}/soldes?detail=1", "transactions": "//v9/mouvements/{id}", "identity": "/titulaire",
	}
	config.History.From, config.History.To, config.History.DateTo = "depuis", "avant", true
	config.History.DateFormat = "date"
	script := banktest.NewScript(t,
		banktest.Exchange{Ask: "GET /psd2/v1/comptes", Body: `{"accounts":[{"resourceId":"a/1","name":"N","cashAccountType":"CACC"}],"_links":{"endUserIdentity":{"href":"/x"}}}`},
		banktest.Exchange{Ask: "GET /psd2/v1/titulaire", Body: `{"connectedPsu":"DOE JO"}`},
		banktest.Exchange{Ask: "GET /psd2/v1/comptes/a%2F1/soldes?detail=1", Body: oneBalance},
		banktest.Exchange{Ask: "GET /v9/mouvements/a%2F1?avant=2026-11-22&depuis=2026-03-01", Body: page("/v9/mouvements/a%2F1/suite?p=2", booked("2026-11-20", "1"))},
		banktest.Exchange{Ask: "GET /v9/mouvements/a%2F1/suite?p=2", Body: page("", booked("2026-11-19", "2"))},
	)
	told, rows, owner := read(t, config, script)
	if told.Shown == nil || told.Shown.Amount.String() != "7" || len(rows) != 2 || owner.Name != "DOE JO" {
		t.Errorf("%+v, %+v, %+v", told.Shown, rows, owner)
	}
}

func TestLinksOfAccountsWhereTheDataSaySo(t *testing.T) {
	const list = `{"accounts":[
		{"resourceId":"2","name":"C","cashAccountType":"CARD","linkedAccount":"1"},
		{"resourceId":"1","name":"N","cashAccountType":"CACC","_links":{
			"balances":{"href":"https://elsewhere.example/psd2/v1/x/1/b?view=all"},"transactions":{"href":"/psd2/v1/x/1/t?kind=all"}}}]}`
	for links, prefix := range map[string]string{"host": "/psd2/v1", "base": "/psd2/v1/psd2/v1"} {
		config := plain()
		config.AccountLinks = links
		script := banktest.NewScript(t,
			banktest.Exchange{Body: list},
			banktest.Exchange{Ask: "GET " + prefix + "/x/1/b?view=all", Body: oneBalance},
			banktest.Exchange{Ask: "GET " + prefix + "/x/1/t?kind=all&dateFrom=2026-02-28T23%3A00%3A00Z", Body: page("t?kind=all&page=2", booked("2026-11-20", "1"))},
			banktest.Exchange{Ask: "GET " + prefix + "/x/1/t?kind=all&page=2", Body: page("", booked("2026-11-19", "2"))},
			banktest.Exchange{Ask: "GET /psd2/v1/accounts/2/balances", Body: oneBalance},
		)
		connector := connectUnchecked(t, config, script)
		listed, err := connector.Accounts(t.Context(), call, "")
		if err != nil {
			t.Fatal(err)
		}
		if listed.Accounts[0].LinkedAddress != listed.Accounts[1].Address {
			t.Errorf("the card is paid from %s, not from %s", listed.Accounts[0].LinkedAddress, listed.Accounts[1].Address)
		}
		ref := listed.Accounts[1].Ref()
		told, err := connector.Balances(t.Context(), call, ref, "")
		if err != nil || told.Shown == nil {
			t.Errorf("%+v, %v", told, err)
		}
		rows, err := transactions(t, connector, ref)
		if err != nil || len(rows) != 2 {
			t.Errorf("%+v, %v", rows, err)
		}
		_, err = connector.Balances(t.Context(), call, listed.Accounts[0].Ref(), "") // it has no links
		if err != nil {
			t.Error(err)
		}
	}
}

func TestBalancesInTheListAlone(t *testing.T) {
	config := plain()
	config.Balances, config.AccountLinks = "list", "host"
	const list = `{"accounts":[{"resourceId":"1","name":"N","cashAccountType":"CARD","_links":{"transactions":{"href":"/t"}},"balances":[
		{"balanceType":"ITBD","balanceAmount":{"amount":"-7.00","currency":"EUR"}}]}]}`
	script := banktest.NewScript(t,
		banktest.Exchange{Body: list}, banktest.Exchange{Ask: "GET /psd2/v1/accounts", Body: list},
		banktest.Exchange{Ask: "GET /t?dateFrom=2026-02-28T23%3A00%3A00Z", Body: page("", booked("2026-11-20", "1"))},
	)
	told, rows, _ := read(t, config, script)
	if told.Shown == nil || told.Shown.Amount.String() != "-7" || len(rows) != 1 {
		t.Errorf("%+v, %+v", told.Shown, rows)
	}
}

// TestComingBalancesOfTheBanksOwnTypes are summed, or the last of them counts, by the data.
func TestComingBalancesOfTheBanksOwnTypes(t *testing.T) {
	coming := func(kind, day, amount string) string {
		return `{"balanceType":"` + kind + `","referenceDate":"` + day + `","balanceAmount":{"amount":"` + amount + `","currency":"EUR"}}`
	}
	body := `{"balances":[` + strings.Join([]string{
		coming("XPCD", "2026-12-04", "-10.00"), coming("XPCD", "2027-01-04", "-25.00"), coming("XPCD", "2026-11-04", "-99.00"),
	}, ",") + `]}`
	for _, test := range []struct {
		types        []string
		word, amount string
		next         string
	}{
		{nil, "", "-99", ""},
		{[]string{"XPCD"}, "", "-35", "2026-12-04"},
		{[]string{"OTHR", "XPCD"}, "separate", "-35", "2026-12-04"},
		{[]string{"XPCD"}, "cumulative", "-25", "2026-12-04"},
	} {
		config := plain()
		config.ComingTypes, config.ComingBalances = test.types, test.word
		told, err := banktest.Balances(t.Context(), answers(t, config, body), call, card)
		next := ""
		if !told.NextDebitDate.IsZero() {
			next = told.NextDebitDate.String()
		}
		if err != nil || told.Shown.Amount.String() != test.amount || next != test.next {
			t.Errorf("%v %s: %s on %s, %v", test.types, test.word, told.Shown.Amount, next, err)
		}
	}
}

// TestAConsentNamesAccountsAsTheBankDoes sends the accountId of the bank's records, unchanged.
func TestAConsentNamesAccountsAsTheBankDoes(t *testing.T) {
	config := plain()
	config.ConsentModel, config.ConsentAccounts = "mixed", "account_id"
	list := `{"accounts":[{"resourceId":"1","accountId":{"iban":"FR76 1090 7000 3012 3456 7890 125","currency":"EUR","more":1},"_links":{}}]}`
	script := banktest.NewScript(t, banktest.Exchange{Body: list}, banktest.Exchange{Ask: "PUT /psd2/v1/consents", Status: http.StatusCreated})
	connector := connectUnchecked(t, config, script)
	listed, err := connector.Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	err = connector.ForwardConsent(t.Context(), call, listed.Accounts)
	if err != nil || !strings.Contains(script.Bodies[1], `"balances":[{"iban":"FR76 1090 7000 3012 3456 7890 125","currency":"EUR","more":1}]`) {
		t.Errorf("%s, %v", script.Bodies[1], err)
	}
	err = connector.ForwardConsent(t.Context(), call, []bank.Account{{Raw: []byte(`{"resourceId":"2"}`)}})
	wantKind(t, err, bank.Nonsense)
}

func TestFaultsOfTheBanksOwnPaths(t *testing.T) {
	for want, with := range map[string]func(*stet.Config){
		"paths.payments":       func(c *stet.Config) { c.Paths = map[string]string{"payments": "/x"} },
		"paths.accounts":       func(c *stet.Config) { c.Paths = map[string]string{"accounts": "/x?y=1"} },
		"paths.consents":       func(c *stet.Config) { c.Paths = map[string]string{"consents": "x"} },
		"paths.balances":       func(c *stet.Config) { c.Paths = map[string]string{"balances": "/balances"} },
		"account_links":        func(c *stet.Config) { c.AccountLinks = "yes" },
		"balances":             func(c *stet.Config) { c.Balances = "nowhere" },
		"coming_types[1]":      func(c *stet.Config) { c.ComingTypes = []string{"OTHR", "MINE"} },
		"consent_accounts":     func(c *stet.Config) { c.ConsentAccounts = "id" },
		"signing.headers[1]":   func(c *stet.Config) { c.Signing.Headers = []string{"date", "x-never-sent"} },
		"signing.answers.keys": func(c *stet.Config) { c.Signing.Answers = &psd2.AnswerSigning{} },
		"oauth.body":           func(c *stet.Config) { c.OAuth.Body = "xml" },
		`answers[0].headers["a b"]`: func(c *stet.Config) {
			c.Answers = []psd2.Answer{{Status: 403, Means: "refused", Headers: map[string]string{"a b": ""}}}
		},
	} {
		config := plain()
		with(&config)
		key, err := sealKey()
		if err != nil {
			t.Fatal(err)
		}
		_, err = stet.New(config, psd2.Deps{Seal: psd2.Seal{Key: key}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one about %s", err, want)
		}
	}
}
