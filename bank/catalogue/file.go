package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank/stet"
	"github.com/oxlin/oxlin/bank/website"
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
	// Common providers are the first in the catalogue.
	Common   bool          `json:"common"`
	Channels []channelFile `json:"channel_definitions"`
}

// channelFile is one channel definition with the interface behind it. A REDIRECT
// definition has stet; an EMBEDDED one has website, or nothing that speaks it yet.
type channelFile struct {
	ID           oxlin.ChannelDefinitionID `json:"id"`
	Mode         oxlin.Mode                `json:"mode"`
	AccountTypes []oxlin.AccountType       `json:"account_types"`
	Interactive  bool                      `json:"interactive"`
	Credentials  []credentialFile          `json:"credentials"`
	Hint         string                    `json:"hint"`
	STET         *stet.Config              `json:"stet"`
	Website      *website.Config           `json:"website"`
}

type credentialFile struct {
	ID      oxlin.CredentialID   `json:"id"`
	Label   string               `json:"label"`
	Regexp  string               `json:"regexp"`
	Type    oxlin.CredentialType `json:"type"`
	Encrypt bool                 `json:"encrypt"`
}

// branch gives a file's variables the values of one provider; "id" and
// "branch_name" are among them. Beside them it may say that this one is common.
type branch struct {
	values map[string]string
	common bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *branch) UnmarshalJSON(text []byte) error {
	var members map[string]any
	err := json.Unmarshal(text, &members)
	if err != nil {
		return err
	}
	b.common, _ = members["common"].(bool)
	delete(members, "common")
	b.values = map[string]string{}
	for name, member := range members {
		value, ok := member.(string)
		if !ok {
			return fmt.Errorf("branches: %s is no text", name)
		}
		b.values[name] = value
	}
	return nil
}

// readFile reads one data file: one provider for each branch, or just one.
// missing are the variables that nobody gave a value, sorted, per provider.
func readFile(text []byte, variables map[string]string) (providers []providerFile, missing [][]string, err error) {
	var tree map[string]any
	err = json.Unmarshal(text, &tree)
	if err != nil {
		return nil, nil, err
	}
	var parts struct {
		Branches []branch `json:"branches"`
	}
	err = json.Unmarshal(text, &parts)
	if err != nil {
		return nil, nil, err
	}
	delete(tree, "branches")
	if len(parts.Branches) == 0 {
		parts.Branches = []branch{{}}
	}
	for _, branch := range parts.Branches {
		filler := filler{known: []map[string]string{branch.values, variables}}
		filled, err := json.Marshal(filler.fill(tree))
		if err != nil {
			return nil, nil, err
		}
		var provider providerFile
		decoder := json.NewDecoder(bytes.NewReader(filled))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&provider)
		if err != nil {
			return nil, nil, err
		}
		_, err = decoder.Token()
		if !errors.Is(err, io.EOF) {
			return nil, nil, errors.New("more than one value")
		}
		provider.Common = provider.Common || branch.common
		slices.Sort(filler.missing)
		providers = append(providers, provider)
		missing = append(missing, slices.Compact(filler.missing))
	}
	return providers, missing, nil
}

// filler replaces variables in the texts of a JSON tree.
type filler struct {
	known   []map[string]string
	missing []string
}

var variable = regexp.MustCompile(`\{\{(\w+)\}\}`)

func (f *filler) fill(value any) any {
	switch v := value.(type) {
	case string:
		return variable.ReplaceAllStringFunc(v, f.value)
	case []any:
		filled := make([]any, len(v))
		for i := range v {
			filled[i] = f.fill(v[i])
		}
		return filled
	case map[string]any:
		filled := map[string]any{}
		for name, member := range v {
			filled[name] = f.fill(member)
		}
		return filled
	}
	return value
}

func (f *filler) value(placeholder string) string {
	name := strings.Trim(placeholder, "{}")
	for _, known := range f.known {
		value, ok := known[name]
		if ok {
			return value
		}
	}
	f.missing = append(f.missing, name)
	return placeholder
}

// provider is what clients see of the file.
func (p providerFile) provider() oxlin.Provider {
	provider := oxlin.Provider{
		ID: p.ID, Name: p.Name, BranchName: p.BranchName, BaseURL: p.BaseURL, LogoURL: p.LogoURL,
		CountryCode: p.CountryCode, Unavailable: p.Unavailable, Common: p.Common,
	}
	for _, c := range p.Channels {
		definition := oxlin.ChannelDefinition{
			ID: c.ID, Mode: c.Mode, AccountTypes: c.AccountTypes, Interactive: c.Interactive, Hint: c.Hint, Unavailable: p.Unavailable,
		}
		for _, credential := range c.Credentials {
			definition.Credentials = append(definition.Credentials, oxlin.CredentialDefinition(credential))
		}
		provider.ChannelDefinitions = append(provider.ChannelDefinitions, definition)
	}
	return provider
}

// validate says everything that is wrong with the provider.
func (p providerFile) validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	_, err := strconv.ParseUint(string(p.ID), 10, 63)
	check(err == nil, "id %q is no number", p.ID)
	check(p.Name != "", "name is missing")
	check(len(p.CountryCode) == 3, "country_code %q: want three letters", p.CountryCode)
	check(len(p.Channels) > 0, "no channel definition")
	seen := map[oxlin.ChannelDefinitionID]bool{}
	for _, c := range p.Channels {
		check(c.ID != "" && !seen[c.ID], "channel definition id %q is missing or used twice", c.ID)
		seen[c.ID] = true
		check(len(c.AccountTypes) > 0, "%s: account_types are missing", c.ID)
		for _, t := range c.AccountTypes {
			check(slices.Contains(accountTypes, t), "%s: %q is no account type", c.ID, t)
		}
		switch c.Mode {
		case oxlin.ModeRedirect:
			check(c.STET != nil, "%s: a REDIRECT definition needs stet", c.ID)
			check(c.Website == nil, "%s: website belongs to an EMBEDDED definition", c.ID)
			check(len(c.Credentials) == 0, "%s: a REDIRECT definition has no credentials", c.ID)
		case oxlin.ModeEmbedded:
			check(c.STET == nil, "%s: stet belongs to a REDIRECT definition", c.ID)
			check(len(c.Credentials) > 0, "%s: an EMBEDDED definition needs credentials", c.ID)
		default:
			check(false, "%s: mode %q: want REDIRECT or EMBEDDED", c.ID, c.Mode)
		}
		for _, credential := range c.Credentials {
			check(credential.ID != "" && credential.Label != "" && credential.Type != "", "%s: a credential lacks id, label or type", c.ID)
			_, err := regexp.Compile(credential.Regexp)
			check(err == nil, "%s: credential %s: regexp: %v", c.ID, credential.ID, err)
		}
		if c.STET != nil {
			err := c.STET.Validate()
			check(err == nil, "%s: %v", c.ID, err)
		}
		if c.Website != nil {
			err := c.Website.Validate()
			check(err == nil, "%s: %v", c.ID, err)
			for field, id := range c.Website.Fields {
				known := slices.ContainsFunc(c.Credentials, func(credential credentialFile) bool { return credential.ID == id })
				check(known, "%s: field %s: %q is no credential", c.ID, field, id)
			}
		}
	}
	return errors.Join(problems...)
}

var accountTypes = []oxlin.AccountType{
	oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountLoan, oxlin.AccountCreditCard,
}
