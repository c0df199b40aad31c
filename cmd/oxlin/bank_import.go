package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/roster"
	"github.com/oxlin/oxlin/internal/reach"
)

type importBanks struct {
	bankFlags
	From    string            `arg:"positional,required" placeholder:"AGGREGATOR" help:"The aggregator whose banks are written into the directory of --providers: enablebanking."`
	Country string            `arg:"--country,env:OXLIN_COUNTRY" placeholder:"CODE" help:"The country of the banks, such as FR."`
	PSUType string            `arg:"--psu-type,env:OXLIN_PSU_TYPE" placeholder:"TYPE" help:"Whose accounts: personal, the default, or business."`
	Logos   existingDirectory `arg:"--logos,env:OXLIN_LOGOS" placeholder:"DIR" help:"Directory for the banks' pictures, that of serve; without it none are fetched."`
}

// The settings of an operator that the files of an import name.
const (
	applicationSetting = "enablebanking_application"
	keySetting         = "enablebanking_key"
)

// Run writes the banks of a country and prints what became of each.
func (c importBanks) Run(ctx context.Context) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	report, err := roster.Import(ctx, options)
	return errors.Join(err, writeReport(os.Stdout, report))
}

// options returns the options of the import, or what is missing.
func (c importBanks) options() (roster.Options, error) {
	switch {
	case c.From != enablebanking.Name:
		return roster.Options{}, fmt.Errorf("%q is not an aggregator; want %s", c.From, enablebanking.Name)
	case c.Country == "":
		return roster.Options{}, errors.New("--country is missing")
	case c.PSUType != "" && c.PSUType != enablebanking.Personal && c.PSUType != enablebanking.Business:
		return roster.Options{}, fmt.Errorf("--psu-type is %s or %s, not %q", enablebanking.Personal, enablebanking.Business, c.PSUType)
	case c.Providers == "":
		return roster.Options{}, errors.New("--providers is missing: the directory into which the banks are written")
	}
	settings, err := c.settings()
	if err != nil {
		return roster.Options{}, err
	}
	for _, name := range []string{applicationSetting, keySetting} {
		if settings[name] == "" {
			return roster.Options{}, fmt.Errorf("the file of --bank-settings has no %q", name)
		}
	}
	known, err := catalogue.Load(catalogue.Options{
		Extra: withoutImports{os.DirFS(string(c.Providers))}, Variables: settings, Browser: string(c.Browser),
	})
	if err != nil {
		return roster.Options{}, err
	}
	const patience = 20 * time.Second
	dialer := &net.Dialer{Timeout: patience, Control: reach.Public}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext, transport.Proxy = dialer.DialContext, nil
	return roster.Options{
		Application: enablebanking.Application{ID: settings[applicationSetting], Key: settings[keySetting]},
		Country:     strings.ToUpper(c.Country), PSUType: c.PSUType, Providers: string(c.Providers), Logos: string(c.Logos),
		Known: known.Providers(), Pictures: &http.Client{Timeout: patience, Transport: transport}, Now: time.Now,
	}, nil
}

// withoutImports is a directory without the files of earlier imports.
type withoutImports struct{ fs.FS }

// ReadDir lists the others.
func (w withoutImports) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	var others []fs.DirEntry
	for _, entry := range all {
		if !roster.IsImported(entry.Name()) {
			others = append(others, entry)
		}
	}
	return others, err
}

// writeReport prints one line for each bank that did not stay as it was, and a sum.
func writeReport(w io.Writer, report roster.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	count := map[roster.Fate]int{}
	for _, bank := range report.Banks {
		count[bank.Fate]++
		var notes []string
		if bank.Former != "" {
			notes = append(notes, "was "+bank.Former)
		}
		if bank.Picture != nil {
			notes = append(notes, "no picture: "+bank.Picture.Error())
		}
		if bank.Fate != roster.Same || len(notes) > 0 {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", bank.Fate, bank.ID, bank.Name, strings.Join(notes, "; "))
		}
	}
	err := table.Flush()
	if len(report.Banks) > 0 {
		fmt.Fprintf(w, "%d banks: %d added, %d joined, %d renamed, %d changed, %d vanished, %d unchanged, %d unusable\n", len(report.Banks)+report.Unusable,
			count[roster.Added], count[roster.Joined], count[roster.Renamed], count[roster.Changed], count[roster.Vanished], count[roster.Same], report.Unusable)
	}
	return err
}

// settings reads the file of --bank-settings. A value is a text, or {"file": "name"}: the
// content of a file, whose name is relative to the directory of the settings.
func (f bankFlags) settings() (map[string]string, error) {
	if f.BankSettings == "" {
		return nil, nil
	}
	text, err := os.ReadFile(string(f.BankSettings))
	if err != nil {
		return nil, err
	}
	var written map[string]json.RawMessage
	err = json.Unmarshal(text, &written)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.BankSettings, err)
	}
	settings := map[string]string{}
	for name, value := range written {
		settings[name], err = f.setting(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.BankSettings, name, err)
		}
	}
	return settings, nil
}

// errSetting is why a value of the settings cannot be used. It quotes nothing of it.
var errSetting = errors.New(`want a text or {"file": "name"}`)

func (f bankFlags) setting(value json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text, nil
	}
	var inFile struct {
		File string `json:"file"`
	}
	err := json.Unmarshal(value, &inFile)
	if err != nil || inFile.File == "" {
		return "", errSetting
	}
	path := inFile.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(string(f.BankSettings)), path)
	}
	content, err := os.ReadFile(path)
	return strings.TrimSpace(string(content)), err
}
