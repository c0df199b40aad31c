package catalogue

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// providerFile is one data file: a provider, or several that differ in a few
// values. Texts may hold variables, {{name}}.
type providerFile struct {
	ID          oxlin.ProviderID `json:"id"`
	Name        string           `json:"name"`
	BranchName  string           `json:"branch_name"`
	BaseURL     string           `json:"base_url"`
	LogoURL     string           `json:"logo_url"`
	CountryCode string           `json:"country_code"`
	Unavailable bool             `json:"unavailable"`
	// Joins adds the channel definitions to those of the provider that has the id already. If
	// the catalogue does not have it any more, the file is a provider by itself.
	Joins bool `json:"joins"`
	// Source and Replayed are for the reader of the file: the documents behind the data, and
	// the recordings that were played against them, with the day.
	Source   string `json:"source"`
	Replayed string `json:"replayed"`
	// Aliases and BankCodes are lists in one text, separated by semicolons, so that the values of
	// a branch may fill them.
	Aliases   string `json:"aliases"`
	BankCodes string `json:"bank_codes"`
	// Files stands for any bank whose files are imported and that the catalogue lacks.
	Files bool `json:"files"`
	// Common providers are listed first.
	Common   bool          `json:"common"`
	Channels []channelFile `json:"channel_definitions"`
	// Certificates are those by which this bank knows us, if not by those of the installation. The
	// values are settings that hold the content of PEM files, never the content itself.
	Certificates certificatesFile `json:"certificates"`

	// own is read from them.
	own ownIdentity
	// lacks are the settings and certificates without which the provider cannot be
	// used.
	lacks []fault
	// joined are the files that add channel definitions.
	joined []providerFile
}

// parts returns the files of the provider: its own, and those that join it.
func (p providerFile) parts() []providerFile { return append([]providerFile{p}, p.joined...) }

// isUsable reports whether this installation has a way in by the definitions of the file
// itself.
func (p providerFile) isUsable() bool {
	return !p.Unavailable && len(p.lacks) == 0 && len(p.Channels) > 0
}

// channelFile is one channel definition with the interface behind it. A REDIRECT
// definition has a connector; for an EMBEDDED one it is optional.
type channelFile struct {
	ID           oxlin.ChannelDefinitionID `json:"id"`
	Mode         oxlin.Mode                `json:"mode"`
	AccountTypes []oxlin.AccountType       `json:"account_types"`
	Interactive  bool                      `json:"interactive"`
	Credentials  []credentialFile          `json:"credentials"`
	Hint         string                    `json:"hint"`
	// Connector is the name of a driver, and Config is the driver's own data.
	Connector string          `json:"connector"`
	Config    json.RawMessage `json:"config"`
	// STET and Website are the first form of Connector and Config: the data of a driver
	// in a member of the driver's name. Operators have such files.
	STET    json.RawMessage `json:"stet"`
	Website json.RawMessage `json:"website"`

	// settings are those of the connector; Connect is nil without one.
	settings psd2.Settings
}

type credentialFile struct {
	ID      oxlin.CredentialID   `json:"id"`
	Label   string               `json:"label"`
	Regexp  string               `json:"regexp"`
	Type    oxlin.CredentialType `json:"type"`
	Encrypt bool                 `json:"encrypt"`
}

// branch gives a file's variables the values of one provider, including "id" and
// "branch_name". It may also make the provider a common one.
type branch struct {
	values map[string]string
	common bool
}

// fault is a fault of one file, or of one of its branches.
type fault struct {
	file   string
	branch int // from 1 on; 0 for all
	datafile.Fault
}

func (f fault) String() string {
	if f.branch == 0 {
		return f.file + ": " + f.Fault.String()
	}
	return fmt.Sprintf("%s: branch %d: %s", f.file, f.branch, f.Fault)
}

// reader reads the files of one folder.
type reader struct {
	drivers   []psd2.Driver
	variables map[string]string
	// https refuses addresses to which tokens or credentials would be sent unencrypted.
	https bool
	// canSign reports whether there is a key for signatures, and isKnown whether there is a
	// certificate that identifies us.
	canSign, isKnown bool
	// own are the pairs of single banks in the operator's settings.
	own map[oxlin.ProviderID]certificatesFile
	now func() time.Time
}

// readFile reads one data file: one provider for each branch, or just one. It
// returns every fault of the file.
func (r reader) readFile(name string, text []byte) (providers []providerFile, faults []fault) {
	tree, err := datafile.Parse(text)
	if err != nil {
		return nil, []fault{{file: name, Fault: datafile.Fault{Path: "$", Text: err.Error()}}}
	}
	var report datafile.Report
	branches := readBranches(tree, report.Root())
	for _, found := range report.Faults() {
		faults = append(faults, fault{name, 0, found})
	}
	var ofBranches [][]datafile.Fault
	for i, branch := range branches {
		provider, found := r.readProvider(tree, branch)
		for _, one := range found {
			if one.Missing {
				provider.lacks = append(provider.lacks, fault{name, branchNumber(i, len(branches)), one})
			}
		}
		provider.Unavailable = provider.Unavailable || len(provider.lacks) > 0
		providers = append(providers, provider)
		ofBranches = append(ofBranches, found)
	}
	return providers, append(faults, mergeFaults(name, ofBranches)...)
}

// branchNumber is the number in a fault of the i-th of n branches.
func branchNumber(i, n int) int {
	if n == 1 {
		return 0
	}
	return i + 1
}

// readBranches returns the file's branches, and removes them from the tree; a file
// without branches has a single one.
func readBranches(tree any, at datafile.Node) []branch {
	file, _ := tree.(map[string]any)
	listed, ok := file["branches"]
	delete(file, "branches")
	var members []map[string]json.RawMessage
	if ok {
		datafile.Decode(listed, &members, at.Member("branches"))
	}
	if len(members) == 0 {
		return []branch{{}}
	}
	var branches []branch
	for i, member := range members {
		b := branch{values: map[string]string{}}
		for _, name := range slices.Sorted(maps.Keys(member)) {
			at := at.Member("branches").Item(i).Member(name)
			value, err := datafile.Parse(member[name])
			if err != nil {
				at.Add("%v", err)
			}
			if name == "common" {
				datafile.Decode(value, &b.common, at)
				continue
			}
			var text string
			datafile.Decode(value, &text, at)
			b.values[name] = text
		}
		branches = append(branches, b)
	}
	return branches
}

// mergeFaults reports a fault that all branches of a file share once.
func mergeFaults(file string, ofBranches [][]datafile.Fault) []fault {
	count := map[datafile.Fault]int{}
	for _, faults := range ofBranches {
		for _, one := range faults {
			count[one]++
		}
	}
	var merged []fault
	for i, faults := range ofBranches {
		for _, one := range faults {
			switch {
			case count[one] < len(ofBranches):
				merged = append(merged, fault{file, i + 1, one})
			case i == 0:
				merged = append(merged, fault{file, 0, one})
			}
		}
	}
	return merged
}

// readProvider reads the provider of one branch.
func (r reader) readProvider(tree any, b branch) (providerFile, []datafile.Fault) {
	report := datafile.Report{HTTPS: r.https}
	own := ownIdentity{}
	value := func(name string) (string, bool) {
		value, known := b.values[name]
		if !known {
			value, known = r.variables[name]
		}
		if name == "organization" && own.client != nil {
			return organization(own.client.Leaf), true
		}
		return value, known
	}
	own = r.ownOf(tree, value, report.Root())
	filled := datafile.Fill(tree, report.Root(), value)
	var provider providerFile
	datafile.Decode(filled, &provider, report.Root())
	provider.own, provider.Certificates = own, certificatesFile{} // no key stays in a text
	r.canSign = r.canSign || own.seal.Key != nil
	r.isKnown = r.isKnown || own.client != nil
	provider.Common = provider.Common || b.common
	r.check(&provider, report.Root())
	return provider, report.Faults()
}

// provider returns the provider as clients see it.
func (p providerFile) provider() oxlin.Provider {
	provider := oxlin.Provider{
		ID: p.ID, Name: p.Name, BranchName: p.BranchName, BaseURL: p.BaseURL, LogoURL: p.LogoURL,
		CountryCode: p.CountryCode, Unavailable: p.Unavailable, Common: p.Common, Files: p.Files, Aliases: listed(p.Aliases), BankCodes: listed(p.BankCodes),
	}
	provider.Unavailable = !slices.ContainsFunc(p.parts(), providerFile.isUsable)
	for _, part := range p.parts() {
		for _, lack := range part.lacks {
			if provider.Unavailable && !slices.Contains(provider.Lacks, lack.Text) {
				provider.Lacks = append(provider.Lacks, lack.Text)
			}
		}
		for _, c := range part.Channels {
			definition := c.definition()
			definition.Unavailable = part.Unavailable
			provider.ChannelDefinitions = append(provider.ChannelDefinitions, definition)
		}
	}
	return provider
}

// join adds the definitions of another file. It fails if both have a definition of one id.
func (p *providerFile) join(other providerFile) error {
	for _, part := range p.parts() {
		for _, c := range part.Channels {
			if slices.ContainsFunc(other.Channels, func(added channelFile) bool { return added.ID == c.ID }) {
				return fmt.Errorf("provider %s has the channel definition %s already", p.ID, c.ID)
			}
		}
	}
	p.joined = append(p.joined, other)
	return nil
}

// isCode matches the codes of banks in account numbers.
var isCode = regexp.MustCompile(`^[0-9A-Z]{3,11}$`)

// listed splits a text at its semicolons.
func listed(text string) (list []string) {
	for one := range strings.SplitSeq(text, ";") {
		if one = strings.TrimSpace(one); one != "" {
			list = append(list, one)
		}
	}
	return list
}

// definition returns the channel definition as clients see it.
func (c channelFile) definition() oxlin.ChannelDefinition {
	definition := oxlin.ChannelDefinition{
		ID: c.ID, Mode: c.Mode, AccountTypes: c.AccountTypes, Interactive: c.Interactive || c.settings.Interactive, Hint: c.Hint,
	}
	for _, credential := range c.Credentials {
		definition.Credentials = append(definition.Credentials, oxlin.CredentialDefinition(credential))
	}
	return definition
}

var accountTypes = []oxlin.AccountType{
	oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountLoan, oxlin.AccountCreditCard,
}

// check reports every fault of the provider, and reads the settings of its
// connectors.
func (r reader) check(p *providerFile, at datafile.Node) {
	_, err := strconv.ParseUint(string(p.ID), 10, 63)
	if err != nil {
		at.Member("id").Add("%q is not a number", p.ID) // also where a setting is missing
	}
	at.Member("name").Check(p.Name != "", "a value is missing")
	at.Member("country_code").Check(len(p.CountryCode) == 3, "want three letters, not %q", p.CountryCode)
	for _, code := range listed(p.BankCodes) {
		at.Member("bank_codes").Check(isCode.MatchString(code), "%q is not a bank code", code)
	}
	seen := map[oxlin.ChannelDefinitionID]bool{}
	for i := range p.Channels {
		c, at := &p.Channels[i], at.Member("channel_definitions").Item(i)
		at.Member("id").Check(c.ID != "", "a value is missing")
		at.Member("id").Check(!seen[c.ID], "%q is used twice", c.ID)
		seen[c.ID] = true
		c.check(at)
		r.readConnector(c, at)
	}
}

func (c channelFile) check(at datafile.Node) {
	at.Member("account_types").Check(len(c.AccountTypes) > 0, "want at least one")
	for i, t := range c.AccountTypes {
		psd2.CheckOneOf(at.Member("account_types").Item(i), t, accountTypes...)
	}
	psd2.CheckOneOf(at.Member("mode"), c.Mode, oxlin.ModeRedirect, oxlin.ModeEmbedded)
	switch c.Mode {
	case oxlin.ModeRedirect:
		for i, credential := range c.Credentials { // they are asked before the redirect, by the platform
			at.Member("credentials").Item(i).Member("encrypt").Check(!credential.Encrypt, "the fixed questions of a REDIRECT definition are not encrypted")
		}
	case oxlin.ModeEmbedded:
		at.Member("credentials").Check(len(c.Credentials) > 0, "an EMBEDDED definition needs credentials")
	}
	for i, credential := range c.Credentials {
		at := at.Member("credentials").Item(i)
		at.Member("id").Check(credential.ID != "", "a value is missing")
		at.Member("label").Check(credential.Label != "", "a value is missing")
		at.Member("type").Check(credential.Type != "", "a value is missing")
		_, err := regexp.Compile(credential.Regexp)
		at.Member("regexp").Check(err == nil, "%v", err)
	}
}

// readConnector reads the settings of the connector in either form.
func (r reader) readConnector(c *channelFile, at datafile.Node) {
	type form struct {
		name   string
		config json.RawMessage
		at     datafile.Node
	}
	var forms []form
	if isGiven(c.STET) {
		forms = append(forms, form{"stet", c.STET, at.Member("stet")})
	}
	if isGiven(c.Website) {
		forms = append(forms, form{"website", c.Website, at.Member("website")})
	}
	if c.Connector != "" || isGiven(c.Config) {
		forms = append(forms, form{c.Connector, c.Config, at.Member("config")})
		at.Member("connector").Check(c.Connector != "", "a value is missing")
	}
	if len(forms) == 0 {
		at.Member("connector").Check(c.Mode != oxlin.ModeRedirect, "a REDIRECT definition needs a connector")
		return
	}
	for _, extra := range forms[1:] {
		extra.at.Add("a channel definition has one connector only")
	}
	chosen := forms[0]
	i := slices.IndexFunc(r.drivers, func(d psd2.Driver) bool { return d.Name == chosen.name })
	if i < 0 {
		names := make([]string, len(r.drivers))
		for i, driver := range r.drivers {
			names[i] = driver.Name
		}
		at.Member("connector").Check(chosen.name == "", "want one of %v, not %q", names, chosen.name)
		return
	}
	driver := r.drivers[i]
	at.Member("mode").Check(slices.Contains(driver.Modes, c.Mode), "%s serves %v, not %q", driver.Name, driver.Modes, c.Mode)
	config, err := datafile.Parse(chosen.config)
	if err != nil {
		chosen.at.Check(false, "a value is missing")
		return
	}
	c.settings = driver.Read(config, c.definition(), chosen.at)
	if c.settings.Identified && r.https && !r.isKnown {
		at.Lack("the bank knows us by our certificate (QWAC), which is missing")
	}
	if c.settings.Signed && !r.canSign {
		at.Lack("messages have to be signed, and the certificate for it (QSEAL) is missing")
	}
}

// isGiven reports whether a member is there and not null.
func isGiven(member json.RawMessage) bool { return member != nil && string(member) != "null" }
