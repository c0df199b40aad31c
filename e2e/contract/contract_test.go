package contract_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fact is one statement of the contract.
type fact struct {
	// sections name the statement's place in docs/contract.md: "3.6", and "9.18" for row
	// 18 of section 9. Decisions of section 11 belong to the section that they amend.
	sections string
	says     string
	holds    func(s *scene)
	// broken gives the reason why the fact does not hold yet. The fact is tried all the
	// same: once it holds, the row fails until broken is removed.
	broken string
}

// contract lists every fact, in the order of the reference.
func contract() []fact {
	return slices.Concat(
		section2, section3Conventions, section3Users, section3Providers, section3Connections, section3Data,
		section4, section5, section6, section9, section12,
	)
}

func TestContract(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p *platform) {
		for _, row := range contract() {
			t.Run(row.sections+" "+row.says, func(t *testing.T) {
				t.Parallel()
				row.test(t, p)
			})
		}
	})
}

func (f fact) test(t *testing.T, p *platform) {
	if f.broken == "" {
		f.holds(&scene{t, p})
		return
	}
	faults := &kept{TB: t}
	faults.run(func() { f.holds(&scene{faults, p}) })
	if !faults.Failed() {
		t.Errorf("it is marked broken (%s) and holds: take the mark off", f.broken)
		return
	}
	t.Logf("known to be broken: %s\n%s", f.broken, strings.Join(faults.said, "\n"))
}

// kept collects failures instead of failing the test.
type kept struct {
	testing.TB
	lock   sync.Mutex
	failed bool
	said   []string
}

// run calls a function that may exit early, as failing tests do.
func (k *kept) run(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
}

func (k *kept) fail(text string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.failed = true
	k.said = append(k.said, text)
}

func (k *kept) Helper()                           {}
func (k *kept) Error(args ...any)                 { k.fail(fmt.Sprintln(args...)) }
func (k *kept) Errorf(format string, args ...any) { k.fail(fmt.Sprintf(format, args...)) }
func (k *kept) Fatal(args ...any)                 { k.Error(args...); runtime.Goexit() }
func (k *kept) Fatalf(format string, args ...any) { k.Errorf(format, args...); runtime.Goexit() }
func (k *kept) FailNow()                          { k.fail("failed"); runtime.Goexit() }
func (k *kept) Fail()                             { k.fail("failed") }

func (k *kept) Failed() bool {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.failed
}

// elsewhere lists the sections and facts without a row here, with the reason.
var elsewhere = map[string]string{
	"2.4":   "an expired token needs a clock that no binary has: here it is a revoked one",
	"12.17": "its ways have many steps: internal/connect and internal/widget go in at a bank of their own (platformtest.Pier)",
	"12.12": "an outage ends the database of all facts: cmd/oxlin/outage_test.go has one of its own",
}

// undivided are the sections whose own words, before the first division, have facts.
var undivided = []string{"3"}

// TestEverySectionHasAFact compares the sections of the reference with the rows.
func TestEverySectionHasAFact(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile(filepath.Join("..", "..", "docs", "contract.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range contract() {
		for section := range strings.FieldsSeq(row.sections) {
			told[section] = true
		}
	}
	var there []string
	for _, heading := range regexp.MustCompile(`(?m)^### ([2-6]\.\d+)`).FindAllSubmatch(reference, -1) {
		there = append(there, string(heading[1]))
	}
	contradictions := regexp.MustCompile(`(?s)\n## 9\..*?\n## `).Find(reference)
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllSubmatch(contradictions, -1) {
		there = append(there, "9."+string(row[1]))
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (12\.\d+)`).FindAllSubmatch(reference, -1) {
		there = append(there, string(heading[1]))
	}
	if len(there) < 70 {
		t.Errorf("the reference has %d sections and rows only: %v", len(there), there)
	}
	for _, section := range there {
		if !told[section] && elsewhere[section] == "" {
			t.Errorf("section %s has no fact", section)
		}
	}
	for section := range told {
		if !slices.Contains(there, section) && !slices.Contains(undivided, section) {
			t.Errorf("a fact cites section %s, which the reference does not have", section)
		}
	}
}

// shared returns the directory of the official documents, empty if it is missing.
func shared() string {
	if directory := os.Getenv("OXLIN_SHARED"); directory != "" {
		return directory
	}
	return filepath.Join("..", "..", "..", "shared")
}
