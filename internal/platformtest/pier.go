package platformtest

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// Pier is a catalogue with one bank, whose way in is data: provider 1, definition 11, and 12
// where the same way is taken with credentials.
type Pier struct {
	Bank *banktest.Pier
	// Credentials are the bank's fixed questions.
	Credentials []oxlin.CredentialDefinition
}

// Providers implements connect.Catalogue.
func (p Pier) Providers() []oxlin.Provider {
	return []oxlin.Provider{{ID: "1", Name: "Pier", CountryCode: "FRA", ChannelDefinitions: []oxlin.ChannelDefinition{
		{ID: "11", Mode: oxlin.ModeRedirect, Interactive: true, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings}, Credentials: p.Credentials},
		{ID: "12", Mode: oxlin.ModeEmbedded, Interactive: true, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings}, Credentials: []oxlin.CredentialDefinition{
			{ID: "120", Label: "Customer number", Type: oxlin.CredentialText, Regexp: ".+"},
		}},
	}}}
}

// Provider implements connect.Catalogue.
func (p Pier) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	return p.Providers()[0], id == "1"
}

// Connector implements connect.Catalogue.
func (p Pier) Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error) {
	return p.Bank.Connector(), nil
}
