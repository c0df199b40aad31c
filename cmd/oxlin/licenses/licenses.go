// Package licenses holds the licences of everything that the binary links, and prints them.
//
// linked.json is generated from the module cache. A test holds it to what is linked, and
// every licence to those that are compatible with ours. The package must never leave a
// text out: most licences ask that it is passed on with the binary. Start reading at Print.
package licenses

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:generate go run -C ../../../tools ./licenses ../cmd/oxlin/licenses/linked.json
//go:generate gzip -9 -n -k -f linked.json

// The texts are packed, because plain ones would take 230 kB more of the binary.
//
//go:embed linked.json.gz
var linked []byte

// Module is one module that the binary links; "std" is Go's standard library.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	// Licenses are the SPDX ids of its texts. All of them apply, each to a part or to all.
	Licenses []string `json:"licenses"`
	Files    []File   `json:"files"`
}

// File is a text in a module, by its digest.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (m Module) String() string {
	return strings.TrimSpace(m.Path+" "+m.Version) + ": " + strings.Join(m.Licenses, ", ")
}

// read returns the modules by path, and the texts by digest.
func read() ([]Module, map[string]string, error) {
	var file struct {
		Modules []Module          `json:"modules"`
		Texts   map[string]string `json:"texts"`
	}
	text, err := gzip.NewReader(bytes.NewReader(linked))
	if err != nil {
		return nil, nil, err
	}
	err = json.NewDecoder(text).Decode(&file)
	return file.Modules, file.Texts, err
}

// Modules returns every module that the binary links, ours included, by path.
func Modules() ([]Module, error) {
	modules, _, err := read()
	return modules, err
}

// Print writes one line a module, and unless only the names are wanted every text after
// the modules that it belongs to.
func Print(w io.Writer, namesOnly bool) error {
	modules, texts, err := read()
	if err != nil {
		return err
	}
	holders := map[string][]string{}
	var order []string
	for _, m := range modules {
		_, err := fmt.Fprintln(w, m)
		if err != nil {
			return err
		}
		for _, file := range m.Files {
			if holders[file.Text] == nil {
				order = append(order, file.Text)
			}
			holders[file.Text] = append(holders[file.Text], m.Path+" "+file.Name)
		}
	}
	if namesOnly {
		return nil
	}
	for _, digest := range order {
		_, err := fmt.Fprintf(w, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(slices.Compact(holders[digest]), "\n"), strings.TrimSpace(texts[digest]))
		if err != nil {
			return err
		}
	}
	return nil
}
