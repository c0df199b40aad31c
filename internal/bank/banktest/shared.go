package banktest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/oxlin/oxlin/internal/omit"
)

// Shared returns the path of a file or folder that is shared beside the repository:
// below OXLIN_SHARED, else in ../shared. If it is missing, the test's cases are
// omitted.
func Shared(t testing.TB, cases int, path ...string) string {
	t.Helper()
	found, ok := lookUp(path...)
	if !ok {
		omit.Skip(t, cases, filepath.Join(path...)+" is missing (OXLIN_SHARED)")
	}
	return found
}

func lookUp(path ...string) (found string, ok bool) {
	root := os.Getenv("OXLIN_SHARED")
	if root == "" {
		_, here, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared")
	}
	found = filepath.Join(append([]string{root}, path...)...)
	_, err := os.Stat(found)
	return found, err == nil
}
