package connect

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect/providersearch"
)

// Providers are the use cases about the catalogue, which everybody may read.
type Providers struct {
	catalogue Catalogue
	index     *providersearch.Index
}

func newProviders(catalogue Catalogue) *Providers {
	return &Providers{catalogue, providersearch.New(catalogue.Providers())}
}

// List lists all providers, the common ones first.
func (p *Providers) List() []oxlin.Provider { return p.catalogue.Providers() }

// Get finds a provider; ok is false if the catalogue has no provider with this id.
func (p *Providers) Get(id oxlin.ProviderID) (provider oxlin.Provider, ok bool) {
	return p.catalogue.Provider(id)
}

// Reads lists the kinds of data that a channel reads, for the page on which the user
// consents. Of a channel without a connector it lists all kinds.
func (p *Providers) Reads(id oxlin.ProviderID, definition oxlin.ChannelDefinitionID) []oxlin.DataKind {
	kinds := oxlin.DataOfAccounts()
	connector, err := p.catalogue.Connector(id, definition)
	if err != nil {
		return append(kinds, oxlin.DataOfCustomers()...)
	}
	return append(kinds, connector.Profile().Customer...)
}

// Search lists the providers that a person may mean by q, the best match first. An
// empty q lists all of them.
func (p *Providers) Search(q string) []oxlin.Provider { return p.index.Search(q) }
