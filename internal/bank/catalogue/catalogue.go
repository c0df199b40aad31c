package catalogue

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/revocation"
)

//go:embed data
var data embed.FS

// Options configure the providers and the connections to them.
type Options struct {
	// Sandbox offers the test bank's providers instead of the real ones.
	Sandbox bool
	// TestBankURL is the test bank's public address; the sandbox needs it.
	TestBankURL string
	// Extra holds the operator's own files, *.json; a provider in it replaces the
	// one with the same id.
	Extra fs.FS
	// Variables are the operator's values for {{name}} in the files: client ids
	// and secrets. A provider for which one is missing is unavailable.
	Variables map[string]string
	// Browser is the program that draws pages of sites that need JavaScript; empty
	// for a Chromium on the PATH.
	Browser string
	// Drivers are the kinds of connectors; nil for the default list.
	Drivers []psd2.Driver
	// Certificates identify us to banks and sign our messages.
	Certificates Certificates
	// Authorities are asked about the certificate of a bank that brings no word about a revocation; nil
	// asks nobody.
	Authorities *revocation.Authorities
	// Transport sends all requests; nil for one that presents our certificate.
	Transport http.RoundTripper
	// Observe, if not nil, wraps the transport.
	Observe func(http.RoundTripper) http.RoundTripper
	// Now, Rand and Log are passed to the connectors; nil for the machine's clock and
	// randomness, and for no log.
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger
}

// Catalogue holds the providers of one installation. It is immutable.
type Catalogue struct {
	providers  []oxlin.Provider
	connectors map[definitionKey]func() (bank.Connector, error)
	servers    map[definitionKey]servers
}

// servers are those of a channel definition, and the way to them.
type servers struct {
	addresses []psd2.Address
	transport http.RoundTripper
}

type definitionKey struct {
	provider   oxlin.ProviderID
	definition oxlin.ChannelDefinitionID
}

// The errors of Connector.
var (
	// ErrUnknown: the provider or the channel definition does not exist.
	ErrUnknown = errors.New("no such provider or channel definition")
	// ErrUnavailable: the provider cannot be used in this installation.
	ErrUnavailable = errors.New("the provider is unavailable")
	// ErrNoConnector: the channel definition names no connector.
	ErrNoConnector = errors.New("no connector for this channel definition yet")
)

// Load reads the data files and checks every one of them. An error lists all faults,
// each with its file, branch and JSON path.
func Load(options Options) (*Catalogue, error) {
	variables := map[string]string{}
	for name, value := range options.Variables {
		variables[name] = value
	}
	folder := "data/production"
	if options.Sandbox {
		folder = "data/sandbox"
		variables["testbank"] = strings.TrimSuffix(options.TestBankURL, "/")
	}
	identity, err := options.Certificates.load()
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if identity.organization != "" {
		variables["organization"] = identity.organization
	}
	if options.Sandbox && identity.seal.Key == nil {
		// The test bank accepts any signature.
		identity.seal.Key = passingKey{}
	}
	built, err := fs.Sub(data, folder)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	ownPairs, err := ownCertificates(variables)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	reader := reader{options.Drivers, variables, !options.Sandbox, identity.seal.Key != nil, identity.client != nil, ownPairs, options.Now}
	if reader.drivers == nil {
		reader.drivers = Drivers(options.Browser)
	}
	entries := map[oxlin.ProviderID]providerFile{}
	builtIn, faults, err := reader.readFolder("built-in", built)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	var own []providerFile
	if options.Extra != nil {
		var ofOwn []fault
		own, ofOwn, err = reader.readFolder("providers", options.Extra)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		faults = append(faults, ofOwn...)
	}
	err = refuse(faults)
	if err != nil {
		return nil, err
	}
	for _, entry := range slices.Concat(builtIn, own) {
		if !entry.Joins {
			entries[entry.ID] = entry
		}
	}
	err = joinAll(entries, slices.Concat(builtIn, own))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if options.Log != nil {
		tellStrangers(options.Log, ownPairs, entries)
		tellLacks(options.Log, own, entries)
	}
	deps := psd2.Deps{Transport: options.way(identity, ownIdentity{}), Seal: identity.seal, Now: options.Now, Rand: options.Rand}
	c := &Catalogue{
		connectors: map[definitionKey]func() (bank.Connector, error){}, servers: map[definitionKey]servers{},
	}
	for _, entry := range entries {
		c.providers = append(c.providers, entry.provider())
		for _, part := range entry.parts() {
			ofPart := deps
			if part.own.client != nil {
				ofPart.Transport = options.way(identity, part.own)
			}
			if part.own.seal.Key != nil {
				ofPart.Seal = part.own.seal
			}
			c.addChannels(part, ofPart)
		}
	}
	slices.SortFunc(c.providers, func(a, b oxlin.Provider) int {
		return cmp.Or(cmp.Compare(later(a), later(b)), cmp.Compare(numeric(a.ID), numeric(b.ID)))
	})
	return c, nil
}

// joinAll adds the files that join a provider to it.
func joinAll(entries map[oxlin.ProviderID]providerFile, files []providerFile) error {
	for _, entry := range files {
		if !entry.Joins {
			continue
		}
		home, ok := entries[entry.ID]
		if !ok {
			entries[entry.ID] = entry
			continue
		}
		err := home.join(entry)
		if err != nil {
			return err
		}
		entries[entry.ID] = home
	}
	return nil
}

// tellLacks logs what the operator's own providers lack, how many providers this installation can
// reach, and how the operator learns the lacks of the others.
func tellLacks(log *slog.Logger, own []providerFile, entries map[oxlin.ProviderID]providerFile) {
	for _, entry := range own {
		for _, lack := range entry.lacks {
			log.Warn("a provider is unavailable", "provider", entry.ID, "reason", lack.String())
		}
	}
	reachable := 0
	for _, entry := range entries {
		if entry.provider().Offered() {
			reachable++
		}
	}
	if lacking := len(entries) - reachable; lacking > 0 {
		log.Info("some banks are offered to nobody, because settings or certificates for them are missing: oxlin bank list names them",
			"offered", reachable, "not_offered", lacking)
	}
}

// tellStrangers logs the certificates of banks that the catalogue does not have.
func tellStrangers(log *slog.Logger, pairs map[oxlin.ProviderID]certificatesFile, entries map[oxlin.ProviderID]providerFile) {
	for _, id := range slices.Sorted(maps.Keys(pairs)) {
		if _, known := entries[id]; !known {
			log.Warn("the settings have a certificate for a provider that the catalogue does not have", "provider", id)
		}
	}
}

// later is 0 for a common provider and 1 for the others.
func later(p oxlin.Provider) int {
	if p.Common {
		return 0
	}
	return 1
}

func numeric(id oxlin.ProviderID) uint64 {
	n, _ := strconv.ParseUint(string(id), 10, 63) // validated
	return n
}

// readFolder reads all files of a folder, and returns every fault of each. Two
// providers with the same id are a fault.
func (r reader) readFolder(folder string, files fs.FS) (all []providerFile, faults []fault, err error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, nil, err
	}
	seen := map[oxlin.ProviderID]string{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, nil, err
		}
		name = folder + "/" + name
		providers, found := r.readFile(name, text)
		faults = append(faults, found...)
		for i, provider := range providers {
			other, twice := seen[provider.ID]
			if twice && provider.ID != "" && !provider.Joins {
				text := fmt.Sprintf("provider %s is also in %s", provider.ID, other)
				faults = append(faults, fault{name, branchNumber(i, len(providers)), datafile.Fault{Path: "$.id", Text: text}})
			}
			if !provider.Joins {
				seen[provider.ID] = name
			}
		}
		all = append(all, providers...)
	}
	return all, faults, nil
}

// refuse returns the faults of all invalid files as one error. A file that only lacks
// settings is valid: its provider is unavailable.
func refuse(faults []fault) error {
	wrong := map[string]bool{}
	for _, one := range faults {
		wrong[one.file] = wrong[one.file] || !one.Missing
	}
	var lines []error
	for _, one := range faults {
		if wrong[one.file] {
			lines = append(lines, errors.New(one.String()))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("catalogue: %w", errors.Join(lines...))
}

// addChannels adds the channel definitions of one file. Their connectors are made on first use.
func (c *Catalogue) addChannels(part providerFile, deps psd2.Deps) {
	for _, channel := range part.Channels {
		key := definitionKey{part.ID, channel.ID}
		c.servers[key] = servers{channel.settings.Addresses, deps.Transport}
		switch {
		case len(part.lacks) > 0:
			reason := fmt.Errorf("%w: %s", ErrUnavailable, part.lacks[0])
			c.connectors[key] = func() (bank.Connector, error) { return nil, reason }
		case part.Unavailable:
			c.connectors[key] = func() (bank.Connector, error) { return nil, ErrUnavailable }
		case channel.settings.Connect != nil:
			c.connectors[key] = sync.OnceValues(func() (bank.Connector, error) { return channel.settings.Connect(deps) })
		default:
			c.connectors[key] = func() (bank.Connector, error) { return nil, ErrNoConnector }
		}
	}
}

// Providers returns all providers: the common ones, then the others, both in the order
// of their ids.
func (c *Catalogue) Providers() []oxlin.Provider { return slices.Clone(c.providers) }

// Provider returns the provider with an id.
func (c *Catalogue) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	for _, provider := range c.providers {
		if provider.ID == id {
			return provider, true
		}
	}
	return oxlin.Provider{}, false
}

// Connector returns the connector of a channel definition, always the same one. Errors are ErrUnknown, ErrUnavailable and
// ErrNoConnector.
func (c *Catalogue) Connector(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) (bank.Connector, error) {
	connector, ok := c.connectors[definitionKey{provider, definition}]
	if !ok {
		return nil, fmt.Errorf("provider %s, channel %s: %w", provider, definition, ErrUnknown)
	}
	made, err := connector()
	if err != nil {
		return nil, fmt.Errorf("provider %s, channel %s: %w", provider, definition, err)
	}
	return made, nil
}
