package contract_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// binary is the platform as `make build` builds it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		flag.Parse()
		if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
			// Rows wait more than they compute.
			_ = f.Value.Set("12")
		}
		directory, err := os.MkdirTemp("", "oxlin-contract-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(directory)
		binary = filepath.Join(directory, "oxlin")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../../cmd/oxlin")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		output, err := build.CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

// sources reads the directories of the binary's sources, which this package does not
// import, so that the go command discards a cached result when one of them changes.
var sources = sync.OnceValue(func() error {
	return filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != "../.." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
})
