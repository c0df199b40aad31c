package website

import (
	"maps"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Driver makes connectors from the catalogue's data. browser is Deps.Browser.
func Driver(browser string) psd2.Driver {
	return psd2.Driver{
		Name: "website", Modes: []oxlin.Mode{oxlin.ModeEmbedded},
		Read: func(config any, definition oxlin.ChannelDefinition, at datafile.Node) psd2.Settings {
			return read(config, definition, at, browser)
		},
	}
}

func read(config any, definition oxlin.ChannelDefinition, at datafile.Node, browser string) psd2.Settings {
	c := Config{AccountTypes: definition.AccountTypes}
	datafile.Decode(config, &c, at)
	c.check(at)
	for _, field := range slices.Sorted(maps.Keys(c.Fields)) {
		id := c.Fields[field]
		known := slices.ContainsFunc(definition.Credentials, func(d oxlin.CredentialDefinition) bool { return d.ID == id })
		at.Member("fields").Member(field).Check(known, "%q is not the id of a credential", id)
	}
	return psd2.Settings{Connect: func(deps psd2.Deps) (bank.Connector, error) {
		return New(c, Deps{Transport: deps.Transport, Now: deps.Now, Browser: browser})
	}}
}
