package openbanking_test

import (
	"net/url"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	usecases "github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// catalogueOf is a catalogue with one bank: provider 1, definition 11.
type catalogueOf struct{ connector *openbanking.Connector }

func (c *catalogueOf) Providers() []oxlin.Provider {
	return []oxlin.Provider{{ID: "1", Name: "Village Bank", CountryCode: "GBR", ChannelDefinitions: []oxlin.ChannelDefinition{
		{ID: "11", Mode: oxlin.ModeRedirect, Interactive: true, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountSavings}},
	}}}
}

func (c *catalogueOf) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	return c.Providers()[0], id == "1"
}

func (c *catalogueOf) Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error) {
	return c.connector, nil
}

// The whole platform connects a bank whose answer comes in the fragment, reads it, and
// deletes the consent at the end.
func TestThePlatformConnectsABritishBank(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v := &village{t: t}
		config := plain()
		config.Version, config.BaseURL, config.Owner = "4.0", "https://bank.example"+villagePath, "party"
		banks := &catalogueOf{}
		w := platformtest.New(t, db, platformtest.Options{Catalogue: banks, Now: summer, PublicURL: "https://oxlin.example"})
		var err error
		banks.connector, err = openbanking.New(config, psd2.Deps{
			Transport: banktest.Serve(t, banktest.NewStandard(t, "4.0").Check(villagePath, v)), Now: w.Clock.Now, Seal: psd2.Seal{Key: newKey(t)},
		})
		if err != nil {
			t.Fatal(err)
		}
		caller := w.LicensedCaller()
		address, err := w.Service.Authorizations.Begin(t.Context(), caller, usecases.AuthorizeRequest{
			ProviderID: "1", DefinitionID: "11", ReturnURI: "https://client.example/return",
		})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil || u.Host != "bank.example" {
			t.Fatalf("the way begins at %s, %v", address, err)
		}
		query := u.Query()
		token := signToken(t, idToken("https://bank.example", "a-client", query.Get("nonce"), "a-code", query.Get("state"), w.Clock.Now()))
		result, err := w.Service.Authorizations.Finish(t.Context(), usecases.Callback{
			State: query.Get("state"), PSU: caller.PSU,
			Fragment: url.Values{"code": {"a-code"}, "state": {query.Get("state")}, "id_token": {token}},
		})
		if err != nil || result.ConnectionID == 0 {
			t.Fatalf("the way ends with %+v, %v", result, err)
		}
		w.Settle()
		accounts, rows := w.Accounts(caller.UserID), w.Transactions(caller.UserID)
		if len(accounts) != 2 || len(rows) != 60 {
			t.Errorf("%d accounts and %d rows, want 2 and 60", len(accounts), len(rows))
		}
		for _, account := range accounts {
			if account.Currency != "GBP" || account.Balance == nil || account.Balance.String() != "10" {
				t.Errorf("account is %+v", account)
			}
		}
		v.requests()
		err = w.Service.Connections.Delete(t.Context(), caller, result.ConnectionID)
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		w.Revoke()
		deleted := 0
		for _, request := range v.requests() {
			if request.Method == "DELETE" && request.URL.Path == villagePath+"/account-access-consents/c-1" {
				deleted++
			}
		}
		if deleted != 1 {
			t.Errorf("the consent was deleted %d times", deleted)
		}
	})
}
