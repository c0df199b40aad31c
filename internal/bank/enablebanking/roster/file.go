package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
)

// filePrefix begins the name of each file that an import writes.
const filePrefix = "enablebanking-"

// IsImported reports whether a provider file is one of an import, by its name.
func IsImported(name string) bool {
	matched, err := filepath.Match(filePrefix+"*.json", name)
	return matched && err == nil
}

// object is an object of JSON with all of its members, those of an operator included.
type object = map[string]any

// file is a provider file of an import.
type file struct {
	path string
	// tree is the whole file; definition and config are parts of it.
	tree, definition, config object
	// written is the text on the disk; empty for a new file.
	written []byte
}

// readFiles reads the files of earlier imports.
func readFiles(directory string) (files []*file, err error) {
	paths, err := filepath.Glob(filepath.Join(directory, filePrefix+"*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		read := &file{path: path, written: text}
		err = read.parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, read)
	}
	return files, nil
}

// errForeign is why a file of the name of an import cannot be used.
var errForeign = errors.New("the file has not the form of an import: give it a name that does not begin with " + filePrefix)

func (f *file) parse(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := decoder.Decode(&f.tree)
	if err != nil {
		return err
	}
	definitions, _ := f.tree["channel_definitions"].([]any)
	for _, one := range definitions {
		definition, _ := one.(object)
		if definition["connector"] == enablebanking.Name {
			f.definition = definition
			f.config, _ = definition["config"].(object)
		}
	}
	bank := f.bank()
	if f.config == nil || f.id() == "" || bank.Name == "" || bank.Country == "" {
		return errForeign
	}
	return nil
}

// text returns a member of an object that is a text.
func text(of object, name string) string {
	value, _ := of[name].(string)
	return value
}

func (f *file) id() oxlin.ProviderID { return oxlin.ProviderID(text(f.tree, "id")) }

// bank returns the bank as the aggregator named it.
func (f *file) bank() enablebanking.Bank {
	bank, _ := f.config["aspsp"].(object)
	return enablebanking.Bank{Name: text(bank, "name"), Country: text(bank, "country")}
}

func (f *file) bic() string { return text(f.config, "bic") }

func (f *file) psuType() string {
	kind := text(f.config, "psu_type")
	if kind == "" {
		return enablebanking.Personal
	}
	return kind
}

// set sets a member of the provider; nil removes it.
func (f *file) set(name string, value any) { setIn(f.tree, name, value) }

func setIn(of object, name string, value any) {
	if value == nil {
		delete(of, name)
		return
	}
	of[name] = value
}

// describe sets what the list says of the bank, and reports whether that is something else
// than before. Everything else of the file is the operator's.
func (f *file) describe(bank enablebanking.Listed) (changed bool) {
	before := f.text()
	f.set("name", bank.Name)
	f.set("unavailable", nil)
	f.config["aspsp"] = object{"name": bank.Name, "country": bank.Country}
	f.config["maximum_consent_validity"] = bank.MaximumValidity
	setIn(f.config, "bic", orNil(bank.BIC))
	setIn(f.config, "required_psu_headers", nil)
	if len(bank.RequiredPSUHeaders) > 0 {
		f.config["required_psu_headers"] = bank.RequiredPSUHeaders
	}
	return !bytes.Equal(before, f.text())
}

func orNil(value string) any {
	if value == "" {
		return nil
	}
	return value
}

// definitionOf returns the id of the channel definition that an import adds to a provider.
func definitionOf(id oxlin.ProviderID) oxlin.ChannelDefinitionID {
	return oxlin.ChannelDefinitionID(id + "90")
}

// newFile returns the file of a bank without a file.
func newFile(path string, id oxlin.ProviderID, bank enablebanking.Listed, psuType string, joins bool, country country) *file {
	config := object{
		"application": "{{enablebanking_application}}", "key": "{{enablebanking_key}}", "psu_type": psuType, "zone": country.zone,
	}
	definition := object{
		"id": string(definitionOf(id)), "mode": string(oxlin.ModeRedirect), "connector": enablebanking.Name, "config": config,
		"account_types": []any{
			string(oxlin.AccountCheckings), string(oxlin.AccountSavings), string(oxlin.AccountCreditCard), string(oxlin.AccountLoan),
		},
	}
	made := &file{path: path, definition: definition, config: config, tree: object{
		"id": string(id), "country_code": country.code, "source": "The list of banks of Enable Banking.", "channel_definitions": []any{definition},
	}}
	if joins {
		made.set("joins", true)
	}
	if psuType == enablebanking.Business {
		made.set("branch_name", "Business")
	}
	made.describe(bank)
	return made
}

// text returns the file as it is written.
func (f *file) text() []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(f.tree)
	if err != nil {
		panic(err) // it was JSON
	}
	return out.Bytes()
}

// save changes the file and writes it, unless it stays the same. A reader sees the old text
// or the new one.
func (f *file) save(change func()) error {
	before := f.text()
	change()
	now := f.text()
	if f.written != nil && bytes.Equal(before, now) {
		return nil
	}
	return replace(f.path, now)
}

// replace writes a file beside its place and moves it there.
func replace(path string, content []byte) error {
	beside, err := os.CreateTemp(filepath.Dir(path), ".import-*")
	if err != nil {
		return err
	}
	defer os.Remove(beside.Name()) // it is gone once it was moved
	const readable = 0o644
	_, err = beside.Write(content)
	err = errors.Join(err, beside.Chmod(readable), beside.Sync(), beside.Close())
	if err != nil {
		return err
	}
	return os.Rename(beside.Name(), path)
}
