package berlingroup

import (
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Driver makes connectors from the catalogue's data. A password is a question of the way in,
// so that every channel is one of redirects.
func Driver() psd2.Driver {
	return psd2.Driver{Name: "berlingroup", Modes: []oxlin.Mode{oxlin.ModeRedirect}, Read: read}
}

func read(config any, _ oxlin.ChannelDefinition, at datafile.Node) psd2.Settings {
	var c Config
	datafile.Decode(config, &c, at)
	c.check(at)
	return psd2.Settings{
		Signed:      c.Signing != nil,
		Identified:  c.OAuth.ClientID == "",
		Interactive: c.withDefaults().isInteractive(),
		// A bank without OAuth2, or whose answers tell its addresses, has fewer.
		Addresses: slices.DeleteFunc(c.Addresses(), func(a psd2.Address) bool { return a.URL == "" }),
		Connect:   func(deps psd2.Deps) (bank.Connector, error) { return New(c, deps) },
	}
}
