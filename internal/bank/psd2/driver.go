package psd2

import (
	"io"
	"net/http"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// Driver makes the connectors of one kind. The catalogue has a list of drivers, and
// each channel definition names one of them.
type Driver struct {
	// Name is the value of "connector" in a provider file.
	Name string
	// Modes are the modes of the channel definitions that it can serve.
	Modes []oxlin.Mode
	// Read reads and checks the "config" of a channel definition, and reports its
	// faults at the node. It makes no call and needs no certificate.
	Read func(config any, definition oxlin.ChannelDefinition, at datafile.Node) Settings
}

// Settings are the checked data of one channel definition.
type Settings struct {
	// Signed reports whether a connection needs Deps.Seal.
	Signed bool
	// Interactive reports whether the way in may need a page of the platform's own beside
	// the bank's, such as for an answer in the fragment of an address (contract §12.17).
	Interactive bool
	// Identified reports whether the bank knows us by our certificate alone, without an id
	// or a secret of its own.
	Identified bool
	// Addresses are the servers of the bank that the connector calls.
	Addresses []Address
	// Connect returns the connector. It is called only for data without faults.
	Connect func(Deps) (bank.Connector, error)
}

// Address is a server of a bank.
type Address struct {
	// Name is the member of the data that holds it.
	Name string
	URL  string
}

// Deps are a connector's dependencies.
type Deps struct {
	// Transport presents our client certificate (QWAC); nil means the default
	// transport.
	Transport http.RoundTripper
	// Seal signs messages; required if the bank wants signatures.
	Seal Seal
	// Now is the clock, and Rand the source of request ids; nil means the machine's.
	Now  func() time.Time
	Rand io.Reader
	// MaxList limits the bytes of an answer with a list; 0 means the default.
	MaxList int64
}
