package oxlin_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// references are the documents that the repository cites by section, under the
// name that a citation begins with.
var references = map[string]string{"contract": "docs/contract.md", "banks": "docs/banks.md"}

// The grammar of a citation: contract §4.8, contract §9 rows 1, 7 and 8, contract §11,
// "Mode B", contract §6.3, terms_body, and lists of places after one name. Documents of
// others are cited in the same way, and not followed.
var (
	citation = regexp.MustCompile(`(?i)\b(contract|banks|RFC \d+|CSS [a-z ]+\d|CSP \d|OpenID Connect(?: Core| Discovery)?|EDPB [\d/]+) §`)
	place    = regexp.MustCompile(`^§(\d+(?:\.\d+)*)`)
	rows     = regexp.MustCompile(`^,? rows? (R?\d+(?:(?:, | and | to )R?\d+)*)`)
	title    = regexp.MustCompile(`^,? \\?"([^"\\]+)\\?"`)
	member   = regexp.MustCompile(`^, ([a-z]+(?:_[a-z]+)+)`)
	nextOne  = regexp.MustCompile(`^(?:,? and |,? to |,? or |, |; )§`)
	number   = regexp.MustCompile(`R?\d+`)
)

// reference is one of our documents, by section number.
type reference map[string]section

// section has what is below its heading, smaller sections included.
type section struct{ text string }

var heading = regexp.MustCompile(`(?m)^(##+) (?:(\d+(?:\.\d+)*)\.? )?.*$`)

func readReference(t *testing.T, file string) reference {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := reference{}
	headings := heading.FindAllSubmatchIndex(text, -1)
	for i, h := range headings {
		if h[4] < 0 {
			continue
		}
		end := len(text)
		for _, later := range headings[i+1:] {
			if later[3]-later[2] <= h[3]-h[2] {
				end = later[0]
				break
			}
		}
		name := string(text[h[4]:h[5]])
		if _, twice := found[name]; twice {
			t.Errorf("%s has two sections %s", file, name)
		}
		found[name] = section{string(text[h[0]:end])}
	}
	return found
}

func (s section) hasRow(name string) bool { return strings.Contains(s.text, "\n| "+name+" |") }

// hasTitle reports whether a heading in the section begins with the words.
func (s section) hasTitle(words string) bool {
	return regexp.MustCompile(`(?m)^#+ (?:[\d.]+ )?` + regexp.QuoteMeta(words) + `(?:\W|$)`).MatchString(s.text)
}

// missing follows one citation from its first § on. It returns what the reference
// lacks of it, and how many § the citation has.
func (r reference) missing(text string) (faults []string, signs int) {
	for {
		at := place.FindStringSubmatch(text)
		if at == nil {
			return append(faults, "§ without a number"), signs + 1
		}
		signs++
		text = text[len(at[0]):]
		cited, exists := r[at[1]]
		if r != nil && !exists {
			faults = append(faults, "§"+at[1])
		}
		if m := rows.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			for _, row := range number.FindAllString(m[1], -1) {
				if r != nil && !cited.hasRow(row) {
					faults = append(faults, "§"+at[1]+" row "+row)
				}
			}
		}
		if m := title.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			if r != nil && !cited.hasTitle(m[1]) {
				faults = append(faults, "§"+at[1]+", "+m[1])
			}
		}
		if m := member.FindStringSubmatch(text); m != nil && r != nil && !strings.Contains(cited.text, m[1]) {
			faults = append(faults, "§"+at[1]+", "+m[1])
		}
		next := nextOne.FindString(text)
		if next == "" {
			return faults, signs
		}
		text = text[len(next)-len("§"):]
	}
}

// cited is a citation that names nothing, with the line that it begins in.
type cited struct {
	line int
	what string
}

// lineStart matches the indentation and the comment marker of a line.
var lineStart = regexp.MustCompile(`\n[ \t]*(?://|--|#|\*)?[ \t]*`)

// unresolved returns the citations of a text that name nothing. A § without a name belongs
// to the document that it is written in, and elsewhere to none.
func unresolved(text string, own reference, known map[string]reference) []cited {
	var lines []int // of each §
	for i, line := range strings.Split(text, "\n") {
		for range strings.Count(line, "§") {
			lines = append(lines, i+1)
		}
	}
	text = lineStart.ReplaceAllString(text, " ")
	var found []cited
	for next := 0; next < len(lines); {
		sign := strings.Index(text, "§")
		within := own
		named := own != nil
		if m := citation.FindStringSubmatchIndex(text); m != nil && m[1]-len("§") == sign {
			within, named = known[strings.ToLower(text[m[2]:m[3]])], true
		}
		if !named {
			found = append(found, cited{lines[next], "a § that names no document"})
		}
		faults, signs := within.missing(text[sign:])
		for _, fault := range faults {
			found = append(found, cited{lines[next], fault})
		}
		for range signs {
			text = text[strings.Index(text, "§")+len("§"):]
		}
		next += signs
	}
	return found
}

func TestCitationsNameWhatExists(t *testing.T) {
	known := map[string]reference{}
	own := map[string]reference{}
	for name, file := range references {
		known[name] = readReference(t, file)
		own[file] = known[name]
	}
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "bin", "screenshots"}, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || path == "citation_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("§")) || !utf8.Valid(text) { // a packed file has the bytes by chance
			return err
		}
		files++
		for _, fault := range unresolved(string(text), own[filepath.ToSlash(path)], known) {
			t.Errorf("%s:%d: %s", path, fault.line, fault.what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files cite anything", files)
	}
}

func TestAWrongCitationIsFound(t *testing.T) {
	known := map[string]reference{"contract": readReference(t, references["contract"]), "banks": readReference(t, references["banks"])}
	for _, test := range []struct{ text, want string }{
		{"contract §4.8", ""},
		{"the day (contract §9, row\n\t// 14, and §11, \"Mode\n\t// B\").", ""},
		{"contract §9 rows 1, 7 and 8", ""},
		{"contract §6.3, terms_body", ""},
		{"banks §6 row R2; RFC 6749 §99.1 and §98", ""},
		{"contract §4.99", "§4.99"},
		{"contract §9, rows 1, 7 and 80", "§9 row 80"},
		{"contract §4.8, §4.99", "§4.99"},
		{"contract §11, \"Mode C\"", "§11, Mode C"},
		{"contract §6.3, terms_soul", "§6.3, terms_soul"},
		{"banks §1.7 and §4", "§4"},
		{"the contract (§4.8)", "a § that names no document"},
		{"RFC 6749 §4.1, which is short (§5)", "a § that names no document"},
	} {
		got := unresolved(test.text, nil, known)
		switch {
		case test.want == "" && len(got) > 0:
			t.Errorf("%q: %v", test.text, got)
		case test.want != "" && (len(got) != 1 || got[0].what != test.want):
			t.Errorf("%q: got %v, want %q", test.text, got, test.want)
		}
	}
}
