package e2e_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/oxlin/oxlin/e2e/journey"
	programs "github.com/oxlin/oxlin/e2e/process"
	"github.com/oxlin/oxlin/internal/scenario"
)

const password = journey.Password

// process is a run of the binary.
type process struct{ *programs.Process }

// sources reads the directories of the binary's sources, which this package does not
// import, so that the go command discards a cached result when one of them changes.
var sources = sync.OnceValue(func() error {
	return filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
})

// launch runs the binary and appends its log to a file.
func launch(log string, args ...string) (*process, error) {
	return begin(log, exec.Command(binary, args...))
}

// begin starts a command that runs the binary.
func begin(log string, command *exec.Cmd) (*process, error) {
	err := sources()
	if err != nil {
		return nil, err
	}
	p, err := programs.Begin(log, command)
	return &process{p}, err
}

// run launches the binary for as long as the test lasts; its log is a file of that name.
func run(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p, err := launch(filepath.Join(t.TempDir(), name+".log"), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Abandon)
	return p
}

// where returns an address, or fails the test.
func (p *process) where(t *testing.T, label string) string {
	t.Helper()
	address, err := p.Address(label)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// stop ends the process gracefully.
func (p *process) stop(t *testing.T) {
	t.Helper()
	err := p.End(syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
}

// testBank runs a test bank as a process, with its control API.
func testBank(t *testing.T, args ...string) string {
	t.Helper()
	bank := run(t, "bank", append([]string{"testbank", "--control", "--listen", "127.0.0.1:0"}, args...)...)
	return bank.where(t, "test bank")
}

// freeAddress returns an unused address that is still free after a restart.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := programs.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func integrator(platform string) scenario.Integrator {
	return scenario.Integrator{Platform: platform, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret"}
}
