package connect

import (
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect/providersearch"
)

// Providers are the use cases about the catalogue, which everybody may read.
type Providers struct {
	catalogue Catalogue
	index     *providersearch.Index
}

func newProviders(catalogue Catalogue) *Providers {
	return &Providers{catalogue, providersearch.New(offered(catalogue.Providers()))}
}

// List lists the providers that end users may choose, the common ones first.
func (p *Providers) List() []oxlin.Provider { return offered(p.catalogue.Providers()) }

// NotOffered lists the providers that end users do not find, for operators.
func (p *Providers) NotOffered() []oxlin.Provider {
	return slices.DeleteFunc(p.catalogue.Providers(), func(p oxlin.Provider) bool { return p.Offered() || p.Files })
}

// Get finds a provider; ok is false if the catalogue has no provider with this id.
func (p *Providers) Get(id oxlin.ProviderID) (provider oxlin.Provider, ok bool) {
	return p.catalogue.Provider(id)
}

// OfFiles returns the provider that stands for any bank whose files are imported.
func (p *Providers) OfFiles() (provider oxlin.Provider, ok bool) {
	all := p.catalogue.Providers()
	i := slices.IndexFunc(all, func(one oxlin.Provider) bool { return one.Files })
	if i < 0 {
		return oxlin.Provider{}, false
	}
	return all[i], true
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

// offered keeps the providers that end users may choose.
func offered(all []oxlin.Provider) []oxlin.Provider {
	return slices.DeleteFunc(all, func(p oxlin.Provider) bool { return !p.Offered() })
}
