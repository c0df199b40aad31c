package licenses_test

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/cmd/oxlin/licenses"
)

// compatible are the licences under which a part may be linked into a binary that is
// distributed under Apache-2.0, by SPDX id, with what they ask for.
var compatible = map[string]string{
	"Apache-2.0":   "its text and the notices",
	"BSD-2-Clause": "its text",
	"BSD-3-Clause": "its text",
	"ISC":          "its text",
	"MIT":          "its text",
	"MIT-0":        "nothing",
	"MPL-2.0":      "its text, and the source of its own files, which the Go module proxy serves",
	"blessing":     "nothing: the public domain",
}

func modules(t *testing.T) []licenses.Module {
	t.Helper()
	all, err := licenses.Modules()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryLicenceIsCompatible(t *testing.T) {
	all := modules(t)
	for _, m := range all {
		for _, id := range m.Licenses {
			if compatible[id] == "" {
				t.Errorf("%s: %s is not in the table of compatible licences", m.Path, id)
			}
		}
		if len(m.Licenses) == 0 || len(m.Files) == 0 {
			t.Errorf("%s has no licence", m.Path)
		}
	}
	ours := slices.IndexFunc(all, func(m licenses.Module) bool { return m.Path == "github.com/oxlin/oxlin" })
	if ours < 0 || !slices.Equal(all[ours].Licenses, []string{"Apache-2.0"}) {
		t.Error("our own licence is not Apache-2.0")
	}
}

// What is linked depends on the platform; linked.json has the modules of several.
func TestEveryLinkedModuleIsListed(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "./cmd/oxlin")
	list.Dir = "../../.."
	list.Env = append(list.Environ(), "CGO_ENABLED=0")
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range modules(t) {
		listed[m.Path] = m.Version
	}
	linked := strings.Split(strings.TrimSpace(string(output)), "\n")
	for _, one := range linked {
		path, version, _ := strings.Cut(one, " ")
		if path == "" {
			path = "std"
		}
		known, found := listed[path]
		if !found || known != version {
			t.Errorf("%s %s is linked, and linked.json has %q: run make generate", path, version, known)
			listed[path] = version // once is enough
		}
	}
	if len(linked) < 100 {
		t.Errorf("only %d packages are linked", len(linked))
	}
}

func TestPrint(t *testing.T) {
	var names, all bytes.Buffer
	err := licenses.Print(&names, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := licenses.Print(&all, false); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(names.String(), "\n"); lines != len(modules(t)) {
		t.Errorf("%d lines for %d modules", lines, len(modules(t)))
	}
	for _, want := range []string{
		"github.com/oxlin/oxlin: Apache-2.0\n", "std: BSD-3-Clause\n", "modernc.org/sqlite v",
	} {
		if !strings.Contains(names.String(), want) {
			t.Errorf("the names lack %q", want)
		}
	}
	if !strings.HasPrefix(all.String(), names.String()) {
		t.Error("the texts come without the names")
	}
	for _, want := range []string{
		"\nstd LICENSE\n", "Copyright 2009 The Go Authors", "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
		"Mozilla Public License Version 2.0", "SQLite Is Public Domain",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the texts lack %q", want)
		}
	}
}
