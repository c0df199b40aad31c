package enablebanking

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Name is that of the connector in provider files.
const Name = "enablebanking"

// Driver makes connectors from the catalogue's data.
func Driver() psd2.Driver {
	return psd2.Driver{Name: Name, Modes: []oxlin.Mode{oxlin.ModeRedirect}, Read: read}
}

func read(config any, _ oxlin.ChannelDefinition, at datafile.Node) psd2.Settings {
	var c Config
	datafile.Decode(config, &c, at)
	c.check(at)
	return psd2.Settings{
		Addresses: []psd2.Address{{Name: "base_url", URL: c.baseURL()}},
		Connect:   func(deps psd2.Deps) (bank.Connector, error) { return New(c, deps) },
	}
}
