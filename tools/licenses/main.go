// Command licenses writes the licences of every module that the binary links into the
// file that the binary prints them from.
//
// It reads the module cache, recognises each text, and fails where it does not recognise
// one. It does not decide whether they are compatible: a test beside the file does. Start
// reading at main.
//
//	go run ./licenses ../cmd/oxlin/licenses/linked.json
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// platforms are the systems that releases are built for: what is linked depends on them.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64"}

// standardLibrary is the name under which Go's own packages appear.
const standardLibrary = "std"

// linked is the file's content.
type linked struct {
	Modules []module `json:"modules"`
	// Texts are the texts of Files by their digest: many modules share one.
	Texts map[string]string `json:"texts"`
}

type module struct {
	Path     string   `json:"path"`
	Version  string   `json:"version,omitempty"`
	Licenses []string `json:"licenses"`
	Files    []file   `json:"files"`
}

type file struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// listed holds the members that go list prints about a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
	}
}

// found is a module with the folders of its linked packages.
type found struct {
	path, version, root string
	folders             []string
}

// sourceName matches program text, which is no licence, whatever it is called.
var sourceName = regexp.MustCompile(`\.(go|templ)$`)

// textName matches files that hold a licence, or what a licence wants to be passed on.
var textName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|unlicense)([-._].*)?$`)

// byHand are texts that the library does not know, by module and file, with their SPDX
// ids. One without an id concerns nothing that is linked.
var byHand = map[string]string{
	"modernc.org/memory/LICENSE-LOGO":   "", // of a picture
	"modernc.org/sqlite/LICENSE-SQLITE": "blessing",
}

// passedOn matches those that are passed on without being a licence by themselves.
var passedOn = regexp.MustCompile(`(?i)^(copyright|notice|patents)`)

func main() {
	log.SetFlags(0)
	log.SetPrefix("licenses: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: licenses FILE")
	}
	err := write(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
}

func write(path string) error {
	modules, err := find()
	if err != nil {
		return err
	}
	all := linked{Texts: map[string]string{}}
	for _, m := range modules {
		described, err := all.describe(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		all.Modules = append(all.Modules, described)
	}
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	err = encoder.Encode(all)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content.Bytes(), 0o644)
}

// find lists the modules that the binary links on any of the platforms, by path.
func find() ([]found, error) {
	byPath := map[string]*found{}
	for _, platform := range platforms {
		system, processor, _ := strings.Cut(platform, "/")
		list := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module", "./cmd/oxlin")
		list.Dir = ".."
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		list.Stderr = os.Stderr
		output, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", platform, err)
		}
		decoder := json.NewDecoder(bytes.NewReader(output))
		for {
			var p listed
			err := decoder.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			add(byPath, p)
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	byPath[standardLibrary].root = strings.TrimSpace(string(root))
	var all []found
	for _, m := range byPath {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

func add(byPath map[string]*found, p listed) {
	m := found{path: standardLibrary}
	if !p.Standard {
		m = found{path: p.Module.Path, version: p.Module.Version, root: p.Module.Dir}
	}
	if byPath[m.path] == nil {
		byPath[m.path] = &m
	}
	if !p.Standard {
		known := byPath[m.path]
		known.folders = append(known.folders, p.Dir)
	}
}

// describe collects the texts of a module: those beside its linked packages, and those in
// the folders above them up to the module's own.
func (l *linked) describe(m found) (module, error) {
	folders := map[string]bool{m.root: true}
	for _, folder := range m.folders {
		for folder != m.root {
			folders[folder] = true
			folder = filepath.Dir(folder)
		}
	}
	described := module{Path: m.path, Version: m.version}
	for folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return module{}, err
		}
		for _, entry := range entries {
			if !entry.Type().IsRegular() || !textName.MatchString(entry.Name()) || sourceName.MatchString(entry.Name()) {
				continue
			}
			err := l.take(&described, m.root, filepath.Join(folder, entry.Name()))
			if err != nil {
				return module{}, err
			}
		}
	}
	if len(described.Licenses) == 0 {
		return module{}, errors.New("no licence found")
	}
	slices.Sort(described.Licenses)
	described.Licenses = slices.Compact(described.Licenses)
	slices.SortFunc(described.Files, func(a, b file) int { return strings.Compare(a.Name, b.Name) })
	return described, nil
}

func (l *linked) take(m *module, root, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	recognised := licensecheck.Scan(text)
	switch {
	case passedOn.MatchString(filepath.Base(path)):
	case len(recognised.Match) > 0 && recognised.Percent >= 50:
		for _, match := range recognised.Match {
			m.Licenses = append(m.Licenses, match.ID)
		}
	default:
		id, known := byHand[m.Path+"/"+filepath.ToSlash(name)]
		if !known {
			return fmt.Errorf("%s is no licence that is recognised (%.0f %%)", name, recognised.Percent)
		}
		if id == "" {
			return nil
		}
		m.Licenses = append(m.Licenses, id)
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:8])
	l.Texts[digest] = strings.ReplaceAll(string(text), "\r\n", "\n")
	m.Files = append(m.Files, file{filepath.ToSlash(name), digest})
	return nil
}
