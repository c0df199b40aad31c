package berlingroup_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/berlingroup"
	usecases "github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// catalogueOf is a catalogue with one bank: provider 1, definition 11.
type catalogueOf struct{ connector *berlingroup.Connector }

func (c *catalogueOf) Providers() []oxlin.Provider {
	return []oxlin.Provider{{ID: "1", Name: "Harbour Bank", CountryCode: "DEU", ChannelDefinitions: []oxlin.ChannelDefinition{
		{ID: "11", Mode: oxlin.ModeRedirect, Interactive: true, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings}},
	}}}
}

func (c *catalogueOf) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	return c.Providers()[0], id == "1"
}

func (c *catalogueOf) Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error) {
	return c.connector, nil
}

// naming is a bank that wants the IBANs in the consent, and exchanges the ids of its accounts with
// each further one.
type naming struct {
	*banktest.Readdressed
	t testing.TB
	// named are the IBANs of each consent.
	named [][]string
}

func (n *naming) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && r.URL.Path == "/xs2a/v1/consents" {
		var asked struct {
			Access struct {
				Accounts []struct {
					IBAN string `json:"iban"`
				} `json:"accounts"`
			} `json:"access"`
		}
		err := json.NewDecoder(r.Body).Decode(&asked)
		if err != nil {
			n.t.Error(err)
		}
		var ibans []string
		for _, account := range asked.Access.Accounts {
			ibans = append(ibans, account.IBAN)
		}
		n.named = append(n.named, ibans)
		if len(n.named) > 1 {
			n.Renew()
		}
	}
	n.Readdressed.ServeHTTP(w, r)
}

// At a bank whose consent names its accounts, the user tells the IBANs once. A renewal names
// those of the connection by itself, and finds its accounts again under exchanged ids.
func TestARenewalNamesTheAccountsAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		banks, behind := &catalogueOf{}, &naming{Readdressed: banktest.NewReaddressed(&harbour{}, "resourceId"), t: t}
		banks.connector = connector(t, oauth+`,"consent":{"redirect_state":"none","ask":[{"id":"iban","label":"IBAN"}],
			"access":{"accounts":[{"iban":"{iban}"}],"balances":[{"iban":"{iban}"}],"transactions":[{"iban":"{iban}"}]}}`, behind)
		w := platformtest.New(t, db, platformtest.Options{Catalogue: banks, Now: now, PublicURL: "https://oxlin.example"})
		caller := w.LicensedCaller()
		begin := func(id oxlin.ConnectionID) *url.URL {
			address, err := w.Service.Authorizations.Begin(t.Context(), caller, usecases.AuthorizeRequest{
				ProviderID: "1", DefinitionID: "11", ConnectionID: id, ReturnURI: "https://client.example/return",
			})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		arrive := func(at *url.URL) oxlin.ConnectionID {
			result, err := w.Service.Authorizations.Finish(t.Context(), usecases.Callback{
				State: at.Query().Get("state"), PSU: caller.PSU, Query: url.Values{"code": {"the-code"}, "state": {at.Query().Get("state")}},
			})
			if err != nil || result.ConnectionID == 0 {
				t.Fatalf("the way ends with %+v, %v", result, err)
			}
			w.Settle()
			return result.ConnectionID
		}
		ours := func() map[string]oxlin.AccountID {
			found := map[string]oxlin.AccountID{}
			for _, account := range w.Accounts(caller.UserID) {
				found[account.IBAN] = account.ID
				if account.Status != oxlin.AccountActive || account.BankID != "" {
					t.Errorf("an account is %s with the id %q", account.Status, account.BankID)
				}
			}
			return found
		}
		const first, second = "DE02120300000000202051", "DE75512108001245126199"
		page := begin(0)
		answered, err := w.Service.Ways.Answer(t.Context(), oxlin.NewSecret(page.Query().Get("way")), map[oxlin.CredentialID]string{"iban": first + ", " + second}, usecases.Visitor{PSU: caller.PSU})
		if err != nil {
			t.Fatal(err)
		}
		onward, err := url.Parse(answered.Result.Address)
		if err != nil || onward.Host != "login.example" {
			t.Fatalf("the answer leads to %+v, %v", answered.Result, err)
		}
		id, before := arrive(onward), ours()
		rows := rowsOfAccounts(w.Transactions(caller.UserID))

		again := begin(id)
		if again.Host != "login.example" {
			t.Fatalf("the renewal begins at %s", again)
		}
		if renewed := arrive(again); renewed != id {
			t.Errorf("the renewal is connection %d, not %d", renewed, id)
		}
		if diff := cmp.Diff([][]string{{first, second}, {first, second}}, behind.named); diff != "" {
			t.Errorf("the consents name (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, ours()); diff != "" || len(before) != 2 {
			t.Errorf("the accounts after the renewal (-before +now):\n%s", diff)
		}
		if diff := cmp.Diff(rows, rowsOfAccounts(w.Transactions(caller.UserID))); diff != "" || len(rows) != 2 {
			t.Errorf("the rows of the accounts after the renewal (-before +now):\n%s", diff)
		}
	})
}

func rowsOfAccounts(rows []oxlin.Transaction) map[oxlin.AccountID]int {
	counted := map[oxlin.AccountID]int{}
	for _, row := range rows {
		counted[row.AccountID]++
	}
	return counted
}
