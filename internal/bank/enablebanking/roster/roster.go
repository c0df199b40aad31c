package roster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Options say what is imported, and where it goes.
type Options struct {
	Application enablebanking.Application
	// Country has two letters.
	Country string
	// PSUType is enablebanking.Personal, the default, or enablebanking.Business.
	PSUType string
	// Providers is the directory of provider files, and Logos that of pictures; without the
	// latter none are fetched.
	Providers, Logos string
	// Known are the providers of the catalogue without those of earlier imports.
	Known []oxlin.Provider
	// Transport sends the requests to the interface; nil for the default one. Pictures fetches
	// pictures: their addresses are somebody else's.
	Transport http.RoundTripper
	Pictures  *http.Client
	Now       func() time.Time
}

// Fate names the change that an import makes to one bank.
type Fate string

// The fates of banks.
const (
	Added    Fate = "added"
	Joined   Fate = "joined" // added to a provider that the catalogue has
	Changed  Fate = "changed"
	Renamed  Fate = "renamed"
	Same     Fate = "unchanged"
	Vanished Fate = "vanished"
)

// Outcome names the change to one bank, and the bank.
type Outcome struct {
	Fate Fate
	ID   oxlin.ProviderID
	Name string
	// Former is the name of a bank before it was renamed.
	Former string
	// Picture is why its picture was not fetched; nil if it was, or was there already.
	Picture error
}

// Report is the outcome of an import.
type Report struct {
	Banks []Outcome
	// Unusable is how many banks of the list cannot be used, because their name, their
	// country or the length of a session is missing.
	Unusable int
}

// Import writes the banks of a country. It fails without writing anything if the list cannot
// be read or holds no bank.
func Import(ctx context.Context, options Options) (Report, error) {
	options.PSUType = cmp.Or(options.PSUType, enablebanking.Personal)
	if options.Now == nil {
		options.Now = time.Now
	}
	country, ok := countries[options.Country]
	if !ok {
		return Report{}, fmt.Errorf("the country %q is not one of %s", options.Country, countryNames())
	}
	written, err := readFiles(options.Providers)
	if err != nil {
		return Report{}, err
	}
	listed, unusable, err := enablebanking.Banks(ctx, options.Application, psd2.Deps{Transport: options.Transport, Now: options.Now}, options.Country, options.PSUType)
	if err != nil {
		return Report{}, fmt.Errorf("the list of banks: %w", err)
	}
	if len(listed) == 0 {
		return Report{}, errors.New("the list has no banks of this country: nothing is changed")
	}
	report := Report{Unusable: unusable}
	ofCountry := slices.DeleteFunc(slices.Clone(written), func(f *file) bool {
		return f.bank().Country != options.Country || f.psuType() != options.PSUType
	})
	homes := homesOf(listed, options.Known, country)
	ids := idsIn(options.Known, written)
	for _, pair := range match(listed, ofCountry) {
		outcome, err := options.write(pair, homes, ids, country)
		if err != nil {
			return report, err
		}
		if pair.listed != nil && options.Logos != "" {
			outcome.Picture = options.fetchLogo(ctx, outcome.ID, pair.listed.Logo)
		}
		report.Banks = append(report.Banks, outcome)
	}
	return report, nil
}

// write writes the file of one bank, if it changes.
func (o Options) write(p pair, homes map[*enablebanking.Listed]oxlin.Provider, ids map[oxlin.ProviderID]bool, country country) (Outcome, error) {
	if p.listed == nil {
		outcome := Outcome{Fate: Vanished, ID: p.file.id(), Name: p.file.bank().Name}
		return outcome, p.file.save(func() { p.file.set("unavailable", true) })
	}
	if p.file != nil {
		outcome := Outcome{Fate: Same, ID: p.file.id(), Name: p.listed.Name}
		before := p.file.bank().Name
		changed := false
		err := p.file.save(func() { changed = p.file.describe(*p.listed) })
		switch {
		case before != p.listed.Name:
			outcome.Fate, outcome.Former = Renamed, before
		case changed:
			outcome.Fate = Changed
		}
		return outcome, err
	}
	outcome := Outcome{Fate: Added, Name: p.listed.Name}
	home, joins := homes[p.listed]
	joins = joins && o.PSUType == enablebanking.Personal && o.isFree(home)
	if joins {
		outcome.Fate, outcome.ID = Joined, home.ID
	} else {
		outcome.ID = newID(*p.listed, o.PSUType, ids)
		ids[outcome.ID] = true
	}
	made := newFile(o.pathOf(outcome.ID), outcome.ID, *p.listed, o.PSUType, joins, country)
	return outcome, made.save(func() {})
}

// isFree reports whether a provider has no definition of the aggregator yet: neither one of
// its own, nor one of a bank that has vanished. It has one at most.
func (o Options) isFree(home oxlin.Provider) bool {
	_, err := os.Stat(o.pathOf(home.ID))
	_, has := home.Definition(definitionOf(home.ID))
	return err != nil && !has
}

// pathOf returns the path of the file of a provider.
func (o Options) pathOf(id oxlin.ProviderID) string {
	return filepath.Join(o.Providers, filePrefix+o.Country+"-"+string(id)+".json")
}
