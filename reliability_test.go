package oxlin_test

import (
	"strings"
	"testing"
)

func TestEveryPromiseOfReliabilityHasItsTest(t *testing.T) {
	known := proofsOfTheRepository(t)
	promises := 0
	for line := range strings.Lines(string(content(t, "docs/reliability.md"))) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		promise := strings.TrimSpace(cells[0])
		if !strings.HasPrefix(line, "|") || promise == "promise" || strings.HasPrefix(promise, "-") {
			continue
		}
		promises++
		names := codeSpan.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 4 || len(names) == 0 {
			t.Errorf("docs/reliability.md: %q has no tests", promise)
		}
		for _, name := range names {
			if !known[name[1]] {
				t.Errorf("docs/reliability.md: %q: there is no test %s", promise, name[1])
			}
		}
	}
	if promises < 20 {
		t.Errorf("docs/reliability.md has %d promises", promises)
	}
}
