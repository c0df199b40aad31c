package catalogue

import (
	"github.com/oxlin/oxlin/internal/bank/berlingroup"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/bank/website"
)

// Drivers lists the kinds of connectors that a provider file can name. A new kind is
// a package and a line here. browser is that of Options.
func Drivers(browser string) []psd2.Driver {
	return []psd2.Driver{
		berlingroup.Driver(),
		stet.Driver(),
		openbanking.Driver(),
		enablebanking.Driver(),
		website.Driver(browser),
	}
}
