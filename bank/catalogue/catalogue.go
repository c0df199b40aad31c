package catalogue

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/bank/stet"
	"github.com/oxlin/oxlin/bank/website"
)

//go:embed data
var data embed.FS

// Options say which providers there are and how to reach them.
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
	// Certificates identify us to banks and sign our messages.
	Certificates Certificates
	// Transport carries all calls; nil for one that shows our certificate.
	Transport http.RoundTripper
	// Observe, where it is not nil, is put around the transport.
	Observe func(http.RoundTripper) http.RoundTripper
	// Now, Rand and Log are for the connectors; nil for the machine's clock and
	// randomness, and for silence.
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger
}

// Catalogue are the providers of one installation. It never changes.
type Catalogue struct {
	providers  []oxlin.Provider
	connectors map[definitionKey]func() (bank.Connector, error)
}

type definitionKey struct {
	provider   oxlin.ProviderID
	definition oxlin.ChannelDefinitionID
}

// What Connector answers where there is none.
var (
	// ErrUnknown says that there is no such provider or channel definition.
	ErrUnknown = errors.New("no such provider or channel definition")
	// ErrUnavailable says that the provider cannot be used in this installation.
	ErrUnavailable = errors.New("the provider is unavailable")
	// ErrNoConnector says that nothing speaks this channel's interface yet.
	ErrNoConnector = errors.New("no connector for this channel definition yet")
)

// Load reads the data files and checks every one of them; an error names all
// that is wrong.
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
		// The test bank believes any signature, as long as there is one.
		identity.seal.Key = passingKey{}
	}
	built, err := fs.Sub(data, folder)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	entries := map[oxlin.ProviderID]providerFile{}
	for _, files := range []fs.FS{built, options.Extra} {
		if files == nil {
			continue
		}
		read, err := readFolder(files, variables, identity.seal.Key != nil)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		for _, entry := range read {
			entries[entry.ID] = entry
		}
	}
	deps := stet.Deps{
		Transport: options.Transport, Seal: identity.seal, Now: options.Now, Rand: options.Rand, Log: options.Log,
	}
	if deps.Transport == nil {
		deps.Transport = identity.transport()
	}
	if options.Observe != nil {
		deps.Transport = options.Observe(deps.Transport)
	}
	c := &Catalogue{connectors: map[definitionKey]func() (bank.Connector, error){}}
	for _, entry := range entries {
		if !options.Sandbox {
			err := entry.encrypted()
			if err != nil {
				return nil, fmt.Errorf("catalogue: %w", err)
			}
		}
		c.add(entry, deps, options.Browser)
	}
	slices.SortFunc(c.providers, func(a, b oxlin.Provider) int {
		return cmp.Or(cmp.Compare(later(a), later(b)), cmp.Compare(numeric(a.ID), numeric(b.ID)))
	})
	return c, nil
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

// readFolder reads all files of a folder; the same id twice in it is an error.
func readFolder(files fs.FS, variables map[string]string, canSign bool) ([]providerFile, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	var all []providerFile
	var problems []error
	seen := map[oxlin.ProviderID]string{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		providers, missing, err := readFile(text, variables)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", path.Base(name), err))
			continue
		}
		for i, provider := range providers {
			err := provider.validate()
			if err != nil {
				problems = append(problems, fmt.Errorf("%s, provider %s: %w", path.Base(name), provider.ID, err))
			}
			if other, twice := seen[provider.ID]; twice {
				problems = append(problems, fmt.Errorf("%s: provider %s is in %s, too", name, provider.ID, other))
			}
			seen[provider.ID] = name
			provider.Unavailable = provider.Unavailable || len(missing[i]) > 0 || provider.signs() && !canSign
			all = append(all, provider)
		}
	}
	return all, errors.Join(problems...)
}

// signs says whether a channel of the provider needs our seal.
func (p providerFile) signs() bool {
	return slices.ContainsFunc(p.Channels, func(c channelFile) bool { return c.STET != nil && c.STET.Signing != nil })
}

// encrypted refuses addresses at which tokens or credentials would travel in clear.
func (p providerFile) encrypted() error {
	for _, c := range p.Channels {
		var addresses []string
		if c.STET != nil {
			oauth := c.STET.OAuth
			addresses = []string{c.STET.BaseURL, oauth.AuthorizeURL, oauth.TokenURL, oauth.RevokeURL}
		}
		if c.Website != nil {
			addresses = append(addresses, c.Website.BaseURL)
		}
		for _, address := range addresses {
			u, err := url.Parse(address)
			if err != nil || address != "" && u.Scheme != "https" {
				return fmt.Errorf("provider %s: %s is not https", p.ID, address)
			}
		}
	}
	return nil
}

// add enters one provider. Its connectors are made when they are first asked for.
func (c *Catalogue) add(entry providerFile, deps stet.Deps, browser string) {
	c.providers = append(c.providers, entry.provider())
	for _, channel := range entry.Channels {
		key := definitionKey{entry.ID, channel.ID}
		switch {
		case entry.Unavailable:
			c.connectors[key] = func() (bank.Connector, error) { return nil, ErrUnavailable }
		case channel.STET != nil:
			c.connectors[key] = sync.OnceValues(func() (bank.Connector, error) { return stet.New(*channel.STET, deps) })
		case channel.Website != nil:
			site := *channel.Website
			site.AccountTypes = channel.AccountTypes
			c.connectors[key] = sync.OnceValues(func() (bank.Connector, error) {
				return website.New(site, website.Deps{Transport: deps.Transport, Now: deps.Now, Browser: browser})
			})
		default:
			c.connectors[key] = func() (bank.Connector, error) { return nil, ErrNoConnector }
		}
	}
}

// Providers are all providers: the common ones, then the others, both in the order
// of their ids.
func (c *Catalogue) Providers() []oxlin.Provider { return slices.Clone(c.providers) }

// Provider finds one by its id.
func (c *Catalogue) Provider(id oxlin.ProviderID) (oxlin.Provider, bool) {
	for _, provider := range c.providers {
		if provider.ID == id {
			return provider, true
		}
	}
	return oxlin.Provider{}, false
}

// Connector gives what speaks with the bank behind a channel definition, always
// the same for the same one. Errors are ErrUnknown, ErrUnavailable and
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
