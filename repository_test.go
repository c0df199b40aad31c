package oxlin_test

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// walkFiles calls visit with each file of the repository, in slashes.
func walkFiles(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{".git", "node_modules", "bin", "screenshots"}, entry.Name()) {
			return filepath.SkipDir
		}
		if err == nil && entry.Type().IsRegular() {
			visit(filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestLinksOfDocumentsLeadToFiles(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	links := 0
	walkFiles(t, func(name string) {
		if !strings.HasSuffix(name, ".md") {
			return
		}
		for _, found := range link.FindAllSubmatch(content(t, name), -1) {
			links++
			_, err := os.Stat(filepath.FromSlash(path.Join(path.Dir(name), string(found[1]))))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	if links < 40 {
		t.Errorf("only %d links were found", links)
	}
}

func TestTheChangelogHasTheVersion(t *testing.T) {
	version := regexp.MustCompile(`const version = "(\d+\.\d+\.\d+)"`).FindSubmatch(content(t, "cmd/oxlin/main.go"))
	if version == nil {
		t.Fatal("the binary has no version")
	}
	released := regexp.MustCompile(`(?m)^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$`).FindSubmatch(content(t, "CHANGELOG.md"))
	if released == nil || !bytes.Equal(released[1], version[1]) {
		t.Errorf("the binary is %s, and the newest release of CHANGELOG.md is %q", version[1], released)
	}
}

// Reviewers fold generated files, which .gitattributes names.
func TestGeneratedFilesAreMarked(t *testing.T) {
	var marked []*regexp.Regexp
	for line := range strings.Lines(string(content(t, ".gitattributes"))) {
		pattern, found := strings.CutSuffix(strings.TrimSpace(line), " linguist-generated")
		if found {
			// A pattern without a folder fits in every folder.
			anywhere := ""
			if !strings.Contains(pattern, "/") {
				anywhere = "(.*/)?"
			}
			quoted := strings.NewReplacer(`\*\*/`, "(.*/)?", `\*`, "[^/]*").Replace(regexp.QuoteMeta(pattern))
			marked = append(marked, regexp.MustCompile("^"+anywhere+quoted+"$"))
		}
	}
	generated := regexp.MustCompile(`^// Code generated .* DO NOT EDIT\.$`)
	count := 0
	walkFiles(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		isGenerated := false
		lines := bufio.NewScanner(bytes.NewReader(content(t, name)))
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "package ") {
			isGenerated = isGenerated || generated.MatchString(lines.Text())
		}
		isMarked := slices.ContainsFunc(marked, func(pattern *regexp.Regexp) bool { return pattern.MatchString(name) })
		if isGenerated != isMarked {
			t.Errorf("%s: generated %t, marked %t", name, isGenerated, isMarked)
		}
		if isGenerated {
			count++
		}
	})
	if count < 30 {
		t.Errorf("only %d generated files were found", count)
	}
}
