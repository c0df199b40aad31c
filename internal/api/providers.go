package api

import (
	"context"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/web/logo"
)

// newerModes are the words of later documents (contract §8, "v3 differences").
var newerModes = map[oas.ListProvidersMode]oxlin.Mode{
	oas.ListProvidersModeDEDICATEDINTERFACE: oxlin.ModeRedirect,
	oas.ListProvidersModeDIRECTACCESS:       oxlin.ModeEmbedded,
}

// ListProviders lists the banks of the catalogue.
func (a *API) ListProviders(_ context.Context, params oas.ListProvidersParams) ([]oas.Provider, error) {
	mode := oxlin.Mode(params.Mode.Value)
	if newer, ok := newerModes[params.Mode.Value]; ok {
		mode = newer
	}
	list := kept(a.options.Service.Providers.Search(params.Q.Value), func(p oxlin.Provider) bool {
		inCountry := len(params.Country) == 0 ||
			slices.ContainsFunc(params.Country, func(code string) bool { return strings.EqualFold(code, p.CountryCode) })
		hasMode := mode == "" ||
			slices.ContainsFunc(p.ChannelDefinitions, func(d oxlin.ChannelDefinition) bool { return d.Mode == mode })
		return inCountry && hasMode
	})
	sortBy(list, params.Sort, func(p oxlin.Provider) sortKeys { return sortKeys{id: string(p.ID), name: p.Name} })
	return convertAll(pageOf(list, params.Page.Value, params.Limit.Value), func(p oxlin.Provider) oas.Provider {
		return provider(withLogo(a.options.PublicURL, p.ID, p))
	}), nil
}

// GetProvider shows a bank.
func (a *API) GetProvider(_ context.Context, params oas.GetProviderParams) (*oas.Provider, error) {
	p, ok := a.options.Service.Providers.Get(oxlin.ProviderID(params.ProviderID))
	if !ok {
		return nil, oxlin.NotFound("provider")
	}
	shown := provider(withLogo(a.options.PublicURL, p.ID, p))
	return &shown, nil
}

// providerOf returns a connection's provider. One that has left the catalogue has its id
// and a logo only.
func (a *API) providerOf(c oxlin.Connection) oxlin.Provider {
	p, _ := a.options.Service.Providers.Get(c.ProviderID)
	return withLogo(a.options.PublicURL, c.ProviderID, p)
}

// withLogo gives a provider the platform's address of its logo if it has no other
// (contract §12.2).
func withLogo(public string, id oxlin.ProviderID, p oxlin.Provider) oxlin.Provider {
	p.LogoURL = logo.Address(public, id, p.LogoURL)
	return p
}
