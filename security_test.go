package oxlin_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// asvs is the shape of OWASP ASVS 4.0.3: by section the lowest level of each of its
// requirements, from the first on. A dash is a number that this version has deleted.
var asvs = map[string]string{
	"1.1": "2222222", "1.2": "2222", "1.4": "2--22", "1.5": "2222", "1.6": "2222", "1.7": "22", "1.8": "22", "1.9": "22",
	"1.10": "2", "1.11": "223", "1.12": "-2", "1.14": "222222",
	"2.1": "111111111111", "2.2": "1113333", "2.3": "122", "2.4": "22222", "2.5": "1111112", "2.6": "222", "2.7": "111122",
	"2.8": "1222222", "2.9": "222", "2.10": "2222",
	"3.1": "1", "3.2": "1112", "3.3": "1122", "3.4": "11111", "3.5": "222", "3.6": "33", "3.7": "1",
	"4.1": "111-1", "4.2": "11", "4.3": "112",
	"5.1": "11111", "5.2": "11111111", "5.3": "1111111111", "5.4": "222", "5.5": "1111",
	"6.1": "222", "6.2": "12222233", "6.3": "223", "6.4": "22",
	"7.1": "1122", "7.2": "22", "7.3": "2-22", "7.4": "122",
	"8.1": "222233", "8.2": "111", "8.3": "11112222",
	"9.1": "111", "9.2": "22223",
	"10.1": "3", "10.2": "223333", "10.3": "111",
	"11.1": "11111222",
	"12.1": "122", "12.2": "2", "12.3": "111112", "12.4": "11", "12.5": "11", "12.6": "1",
	"13.1": "1-122", "13.2": "111-22", "13.3": "12", "13.4": "22",
	"14.1": "22223", "14.2": "111222", "14.3": "-11", "14.4": "1111111", "14.5": "1112",
}

// rfcSections are the sections of RFCs about attacks, by the heading of their table.
var rfcSections = map[string]string{
	"RFC 9700": "2.1 2.1.1 2.1.2 2.2.1 2.2.2 2.3 2.4 2.5 2.6 3 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 4.9 4.10 4.11 4.12 4.13 4.14 4.15 4.16 4.17",
	"RFC 6749": "10.1 10.2 10.3 10.4 10.5 10.6 10.7 10.8 10.9 10.10 10.11 10.12 10.13 10.14 10.15 10.16",
	"RFC 6819": "5.1.3 5.1.4.1.3 5.1.4.2.2 5.1.4.2.4 5.1.5.3 5.2.1.1 5.2.2.2 5.2.2.3 5.2.2.4 5.2.3.6 5.2.4.1",
}

// A securityRow is a row of the tables of docs/security.md.
type securityRow struct{ id, asks, status, how, proof string }

// security is docs/security.md, as its test reads it.
type security struct {
	// rows are those of ASVS and the RFCs, by the document and the number.
	rows map[string][]securityRow
	// listed are the ids of the other tables, D1 for a deviation, O1 for a duty of an
	// operator, T1 for a threat, with the last cell of the row.
	listed map[string]string
	faults []string
}

var (
	// chapter matches the heading of a table of requirements.
	chapter  = regexp.MustCompile(`^### (?:V\d+|(RFC \d+))\b`)
	rowID    = regexp.MustCompile(`^\d+(?:\.\d+)*$`)
	listID   = regexp.MustCompile(`^[DOT]\d+$`)
	mentions = regexp.MustCompile(`\b[DO]\d+\b`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
	testName = regexp.MustCompile(`^([a-z0-9/]+)\.((?:Test|Fuzz)\w+)$`)
	inRepo   = regexp.MustCompile(`^(?:internal|cmd|docs|e2e|client|testbank|tools|examples|\.ci)/[\w./-]*$|^[\w-]+\.(?:go|md)$`)
)

func readSecurity(text string) security {
	read := security{rows: map[string][]securityRow{}, listed: map[string]string{}}
	document := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			document = ""
			if m := chapter.FindStringSubmatch(line); m != nil {
				document = m[1]
				if document == "" {
					document = "ASVS"
				}
			}
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
		case listID.MatchString(cells[0]):
			if _, twice := read.listed[cells[0]]; twice {
				read.faults = append(read.faults, cells[0]+" is listed twice")
			}
			read.listed[cells[0]] = cells[len(cells)-1]
		case document != "" && rowID.MatchString(cells[0]):
			if len(cells) != 5 {
				read.faults = append(read.faults, fmt.Sprintf("%s %s has %d cells", document, cells[0], len(cells)))
				continue
			}
			read.rows[document] = append(read.rows[document], securityRow{cells[0], cells[1], cells[2], cells[3], cells[4]})
		}
	}
	return read
}

// wanted lists the numbers that a document needs a row for.
func wanted() map[string][]string {
	numbers := map[string][]string{}
	for section, levels := range asvs {
		for i, level := range levels {
			if level == '1' || level == '2' {
				numbers["ASVS"] = append(numbers["ASVS"], fmt.Sprintf("%s.%d", section, i+1))
			}
		}
	}
	for document, sections := range rfcSections {
		numbers[document] = strings.Fields(sections)
	}
	return numbers
}

// check returns what is wrong with the rows. A proof is a test of known, the path of a story,
// or .ci/run.
func (s security) check(known map[string]bool) []string {
	faults := slices.Clone(s.faults)
	fault := func(format string, values ...any) { faults = append(faults, fmt.Sprintf(format, values...)) }
	used := map[string]bool{}
	proofs := func(row, cell string) int {
		names := codeSpan.FindAllStringSubmatch(cell, -1)
		for _, name := range names {
			if !known[name[1]] {
				fault("%s: there is no test %s", row, name[1])
			}
		}
		if rest := strings.Trim(codeSpan.ReplaceAllString(cell, ""), ", "); rest != "" {
			fault("%s: %q is not the name of a test", row, rest)
		}
		return len(names)
	}
	for document, numbers := range wanted() {
		count := map[string]int{}
		for _, row := range s.rows[document] {
			count[row.id]++
			if !slices.Contains(numbers, row.id) {
				fault("%s %s is not asked for", document, row.id)
			}
		}
		for _, id := range numbers {
			if count[id] != 1 {
				fault("%s %s has %d rows", document, id, count[id])
			}
		}
	}
	for document, rows := range s.rows {
		for _, row := range rows {
			name := document + " " + row.id
			tests := proofs(name, row.proof)
			if row.asks == "" || row.how == "" {
				fault("%s: an empty cell", name)
			}
			for _, id := range mentions.FindAllString(row.how, -1) {
				used[id] = true
				if _, listed := s.listed[id]; !listed {
					fault("%s: there is no %s", name, id)
				}
			}
			missing := strings.Contains(row.how, "Missing: ")
			switch row.status {
			case "holds":
				if tests == 0 {
					fault("%s: it holds without a test", name)
				}
				if missing {
					fault("%s: it holds, and something is missing", name)
				}
			case "in part":
				if !missing {
					fault("%s: the row does not name what is missing", name)
				}
			case "deviation":
				if !regexp.MustCompile(`\bD\d+\b`).MatchString(row.how) || tests == 0 {
					fault("%s: a deviation without its D, or without a test of what stands in for it", name)
				}
			case "operator":
				if !regexp.MustCompile(`\bO\d+\b`).MatchString(row.how) || tests == 0 || missing {
					fault("%s: without the O of its operator, without a test of the platform's part, or with something missing", name)
				}
			case "people":
				if !strings.Contains(row.how, "CONTRIBUTING.md") || missing {
					fault("%s: it names no rule, or something is missing", name)
				}
			case "does not apply":
			case "open":
				if tests > 0 {
					fault("%s: it is open and has tests", name)
				}
			default:
				fault("%s: %q is not a status", name, row.status)
			}
		}
	}
	for id, last := range s.listed {
		switch id[0] {
		case 'T', 'D':
			if proofs(id, last) == 0 {
				fault("%s: no test", id)
			}
		}
		if id[0] == 'D' && !used[id] {
			fault("%s: no row names this deviation", id)
		}
	}
	slices.Sort(faults)
	return faults
}

// proofsOfTheRepository are the names of all tests by their folder, "root" for the root, and
// the stories.
func proofsOfTheRepository(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{".ci/run": true}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	walkFiles(t, func(name string) {
		switch {
		case strings.HasSuffix(name, "_test.go"):
			folder := path.Dir(name)
			if folder == "." {
				folder = "root"
			}
			for _, found := range declared.FindAllSubmatch(content(t, name), -1) {
				known[folder+"."+string(found[1])] = true
			}
		case strings.HasSuffix(name, ".txtar"):
			known[name] = true
		}
	})
	return known
}

func TestEveryRequirementOfSecurityHasItsRow(t *testing.T) {
	text := string(content(t, "docs/security.md"))
	read := readSecurity(text)
	for _, fault := range read.check(proofsOfTheRepository(t)) {
		t.Errorf("docs/security.md: %s", fault)
	}
	for letter, least := range map[string]int{"D": 5, "O": 10, "T": 20} {
		n := 0
		for id := range read.listed {
			if strings.HasPrefix(id, letter) {
				n++
			}
		}
		if n < least {
			t.Errorf("docs/security.md lists %d rows of %s; want at least %d", n, letter, least)
		}
	}
	for _, found := range codeSpan.FindAllStringSubmatch(text, -1) {
		name := found[1]
		if !inRepo.MatchString(name) || testName.MatchString(name) {
			continue
		}
		_, err := os.Stat(filepath.FromSlash(name))
		if err != nil {
			t.Errorf("docs/security.md: %v", err)
		}
	}
}

func TestAWrongRowOfSecurityIsFound(t *testing.T) {
	known := map[string]bool{"internal/a.TestA": true, "e2e/testdata/stories/a.txtar": true}
	// text has a row for each number, and one row of its own instead.
	text := func(instead, row string) string {
		var lines strings.Builder
		for _, document := range []string{"ASVS", "RFC 9700", "RFC 6749", "RFC 6819"} {
			heading := document
			if document == "ASVS" {
				heading = "V1"
			}
			fmt.Fprintf(&lines, "### %s\n\n| no. | asks | status | how | tests |\n|---|---|---|---|---|\n", heading)
			for _, id := range wanted()[document] {
				if document+" "+id == instead {
					lines.WriteString(row)
					continue
				}
				fmt.Fprintf(&lines, "| %s | asks | holds | how | `internal/a.TestA` |\n", id)
			}
		}
		return lines.String()
	}
	const deviation = "| D1 | asks | `internal/a.TestA` |\n"
	for _, test := range []struct{ instead, row, want string }{
		{"", "", ""},
		{"ASVS 1.1.1", "| 1.1.1 | asks | holds | how | `e2e/testdata/stories/a.txtar`, `internal/a.TestA` |\n", ""},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | how | |\n", ""},
		{"ASVS 1.1.1", "| 1.1.1 | asks | does not apply | how | |\n", ""},
		{"ASVS 1.1.1", "| 1.1.1 | asks | in part | how. Missing: much. | |\n", ""},
		{"ASVS 1.1.1", "| 1.1.1 | asks | deviation | D1 | `internal/a.TestA` |\n" + deviation, ""},
		{"ASVS 14.5.4", "", "ASVS 14.5.4 has 0 rows"},
		{"RFC 9700 4.17", "", "RFC 9700 4.17 has 0 rows"},
		{"RFC 6749 10.1", "| 10.10 | asks | open | how | |\n", "RFC 6749 10.1 has 0 rows; RFC 6749 10.10 has 2 rows"},
		{"ASVS 1.1.1", "| 1.4.2 | asks | open | how | |\n| 1.1.1 | asks | open | how | |\n", "ASVS 1.4.2 is not asked for"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | mostly | how | |\n", `ASVS 1.1.1: "mostly" is not a status`},
		{"ASVS 1.1.1", "| 1.1.1 | asks | holds | how | |\n", "ASVS 1.1.1: it holds without a test"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | holds | how. Missing: much. | `internal/a.TestA` |\n", "ASVS 1.1.1: it holds, and something is missing"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | holds | how | `internal/a.TestB` |\n", "ASVS 1.1.1: there is no test internal/a.TestB"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | holds | how | by hand |\n", `ASVS 1.1.1: "by hand" is not the name of a test; ASVS 1.1.1: it holds without a test`},
		{"ASVS 1.1.1", "| 1.1.1 | asks | in part | how | |\n", "ASVS 1.1.1: the row does not name what is missing"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | how | `internal/a.TestA` |\n", "ASVS 1.1.1: it is open and has tests"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | | |\n", "ASVS 1.1.1: an empty cell"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | how |\n", "ASVS 1.1.1 has 0 rows; ASVS 1.1.1 has 4 cells"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | O9 | |\n", "ASVS 1.1.1: there is no O9"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | deviation | how | `internal/a.TestA` |\n", "ASVS 1.1.1: a deviation without its D, or without a test of what stands in for it"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | how | |\n" + deviation, "D1: no row names this deviation"},
		{"ASVS 1.1.1", "| 1.1.1 | asks | open | how | |\n| T1 | asks | |\n", "T1: no test"},
	} {
		if got := strings.Join(readSecurity(text(test.instead, test.row)).check(known), "; "); got != test.want {
			t.Errorf("%s %q: got %q, want %q", test.instead, test.row, got, test.want)
		}
	}
}

// guessers are the packages whose random numbers may be guessed, each with their purpose.
var guessers = map[string]string{
	"e2e/faults":                         "journeys and faults that a seed repeats",
	"e2e/process":                        "ports to try",
	"internal/store":                     "pauses between tries",
	"e2e/scale":                          "banks that a seed repeats",
	"internal/synchro/reconcile/torture": "histories that a seed repeats",
}

func TestNoPackageReachesAroundTheCompilerOrGuesses(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			_, mayGuess := guessers[p.folder()]
			switch {
			case imported == "unsafe" || imported == "C" || imported == "plugin":
				t.Errorf("%s imports %s", p.ImportPath, imported)
			case imported == "encoding/gob" || imported == "text/template":
				t.Errorf("%s imports %s: it reads data as more than data", p.ImportPath, imported)
			case strings.HasPrefix(imported, "math/rand") && !mayGuess:
				t.Errorf("%s imports %s, whose numbers can be guessed", p.ImportPath, imported)
			case imported == "crypto/md5" || imported == "crypto/des" || imported == "crypto/rc4":
				t.Errorf("%s imports %s, which is broken", p.ImportPath, imported)
			}
		}
	}
}

// TestPagesKeepNothingInTheBrowser reads the scripts of the pages.
func TestPagesKeepNothingInTheBrowser(t *testing.T) {
	forbidden := regexp.MustCompile(`localStorage|sessionStorage|indexedDB|document\.cookie|\beval\(|new Function|document\.write`)
	scripts := 0
	walkFiles(t, func(name string) {
		if !strings.HasPrefix(name, "internal/") || path.Ext(name) != ".js" || strings.Contains(name, "testdata") {
			return
		}
		scripts++
		if found := forbidden.Find(content(t, name)); found != nil {
			t.Errorf("%s uses %s", name, found)
		}
	})
	if scripts == 0 {
		t.Error("no script was found")
	}
}
