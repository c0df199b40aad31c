package e2e_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/oxlin/oxlin/internal/scenario"
)

// process is a run of the binary.
type process struct {
	command *exec.Cmd
	lines   chan string
	log     string
}

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
	err := sources()
	if err != nil {
		return nil, err
	}
	return begin(log, exec.Command(binary, args...))
}

// begin starts a command that runs the binary.
func begin(log string, command *exec.Cmd) (*process, error) {
	p := &process{command: command, lines: make(chan string, 16), log: log}
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p.command.Stderr = file
	err = p.command.Start()
	if err != nil {
		return nil, err
	}
	go func() {
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
		close(p.lines)
	}()
	return p, nil
}

// address waits until the process has printed the address of a part.
func (p *process) address(label string) (string, error) {
	for line := range p.lines {
		name, address, _ := strings.Cut(line, "http")
		if strings.TrimSpace(name) == label {
			return "http" + address, nil
		}
	}
	log, err := os.ReadFile(p.log)
	return "", fmt.Errorf("the process did not start: %v\n%s", err, log)
}

// end stops the process: after SIGTERM it must exit without an error.
func (p *process) end(signal syscall.Signal) error {
	err := p.command.Process.Signal(signal)
	if err != nil {
		return err
	}
	for range p.lines {
	}
	err = p.command.Wait()
	if signal == syscall.SIGTERM && err != nil {
		log, _ := os.ReadFile(p.log)
		return fmt.Errorf("the process ended badly: %w\n%s", err, log)
	}
	return nil
}

// abandon kills a process that may still run.
func (p *process) abandon() {
	if p.command.ProcessState == nil {
		_ = p.end(syscall.SIGKILL)
	}
}

// run launches the binary for as long as the test lasts; its log is a file of that name.
func run(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p, err := launch(filepath.Join(t.TempDir(), name+".log"), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.abandon)
	return p
}

// where returns an address, or fails the test.
func (p *process) where(t *testing.T, label string) string {
	t.Helper()
	address, err := p.address(label)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// stop ends the process gracefully.
func (p *process) stop(t *testing.T) {
	t.Helper()
	err := p.end(syscall.SIGTERM)
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

// freeAddress returns an unused address, below the ports that the system gives to
// outgoing connections, so that it is still free after a restart.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(20000+rand.IntN(12000)))
		if err != nil {
			continue
		}
		err = listener.Close()
		if err != nil {
			t.Fatal(err)
		}
		return listener.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

func integrator(platform string) scenario.Integrator {
	return scenario.Integrator{Platform: platform, ClientID: "sandbox-licensed", ClientSecret: "sandbox-licensed-secret"}
}
