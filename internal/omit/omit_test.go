package omit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/omit"
)

// seen is a test that keeps what happens to it.
type seen struct {
	testing.TB
	skipped, failed string
}

func (s *seen) Helper()                     {}
func (s *seen) Skipf(text string, _ ...any) { s.skipped = text }
func (s *seen) Logf(string, ...any)         {}
func (s *seen) Error(args ...any)           { s.failed = args[0].(error).Error() }
func (s *seen) Fatal(args ...any)           { s.Error(args...) }
func (s *seen) happened() (skip, fail bool) { return s.skipped != "", s.failed != "" }

func TestAnOmissionIsCountedOrForbidden(t *testing.T) {
	const missing = "no-such-program"
	for _, test := range []struct {
		name   string
		omits  func(t testing.TB)
		skips  bool
		listed string
	}{
		{"Skip", func(t testing.TB) { omit.Skip(t, 3, "a file is missing") }, true, "github.com/oxlin/oxlin/internal/omit\t3\ta file is missing\n"},
		{"Note", func(t testing.TB) { omit.Note(t, 1, "a file is missing") }, false, "github.com/oxlin/oxlin/internal/omit\t1\ta file is missing\n"},
		{"Without a program", func(t testing.TB) { omit.Without(t, 2, "guides", "go", missing) }, true, "github.com/oxlin/oxlin/internal/omit\t2\tno-such-program is not installed (.ci/guides)\n"},
		{"Without, with the program", func(t testing.TB) { omit.Without(t, 2, "guides", "go") }, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "list")
			t.Setenv("OXLIN_OMISSIONS", list)
			t.Setenv("OXLIN_COMPLETE", "")
			allowed := &seen{TB: t}
			test.omits(allowed)
			written, _ := os.ReadFile(list)
			if skip, fail := allowed.happened(); skip != test.skips || fail || string(written) != test.listed {
				t.Errorf("allowed: %+v, listed %q", allowed, written)
			}
			t.Setenv("OXLIN_COMPLETE", "1")
			forbidden := &seen{TB: t}
			test.omits(forbidden)
			want := test.listed != ""
			if _, fail := forbidden.happened(); fail != want || want && !strings.Contains(forbidden.failed, "OXLIN_COMPLETE=1") {
				t.Errorf("forbidden: %+v", forbidden)
			}
		})
	}
}
