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

// Search lists the providers that a person may mean by q, the best match first. An
// empty q lists all of them.
func (p *Providers) Search(q string) []oxlin.Provider { return p.index.Search(q) }
