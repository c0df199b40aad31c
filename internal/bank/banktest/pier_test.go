package banktest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// Every order of the parts leads to access, each step in another process.
func TestAWayInOfAnyOrder(t *testing.T) {
	for name, parts := range map[string][]banktest.PierPart{
		"OAuth alone":                         {banktest.PierCode},
		"a fragment":                          {banktest.PierFragment},
		"a consent and a return without code": {banktest.PierConsent},
		"an app alone":                        {banktest.PierApp},
		"OAuth, then the consent in an app":   {banktest.PierCode, banktest.PierApp},
		"everything":                          {banktest.PierBranch, banktest.PierFragment, banktest.PierConsent, banktest.PierApp},
		"a question after the return":         {banktest.PierCode, banktest.PierBranch, banktest.PierConsent},
	} {
		t.Run(name, func(t *testing.T) {
			pier := banktest.NewPier(t, parts...)
			ticks := 0
			access := banktest.Enter(t, pier.Connector, bank.Journey{RedirectURI: "https://oxlin.test/back", Verifier: oxlin.NewSecret("the-verifier")}, nil,
				func(t *testing.T, step bank.Step) bank.Input {
					switch step := step.(type) {
					case bank.Question:
						return bank.Input{Event: bank.Answered, Answers: map[oxlin.CredentialID]oxlin.Secret{"branch": oxlin.NewSecret("123")}}
					case bank.Address:
						return visit(t, step.URL)
					}
					ticks++
					if ticks == 2 {
						pier.Decide("valid")
					}
					return bank.Input{Event: bank.Ticked}
				})
			page, err := pier.Connector().Accounts(t.Context(), bank.Call{Access: access}, "")
			if err != nil || len(page.Accounts) != 1 {
				t.Errorf("%d accounts, %v", len(page.Accounts), err)
			}
		})
	}
}

// visit opens the bank's page and returns how it sends the user back.
func visit(t *testing.T, address string) bank.Input {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	back := response.Header.Get("Location")
	before, fragment, _ := strings.Cut(back, "#")
	u, err := url.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(fragment)
	if err != nil {
		t.Fatal(err)
	}
	return bank.Input{Event: bank.Returned, Return: bank.Return{Query: u.Query(), Fragment: values}}
}
