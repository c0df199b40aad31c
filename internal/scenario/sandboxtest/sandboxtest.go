// Package sandboxtest runs the binary's sandbox for tests that call it over HTTP. It
// must never import a room of the platform. Start reading at Start.
package sandboxtest

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Start builds the binary, runs a sandbox with its test bank for as long as the test
// lasts, and returns the platform's address.
func Start(t *testing.T) string {
	t.Helper()
	binary := Build(t)
	var log bytes.Buffer
	sandbox := exec.Command(binary, "serve", "--sandbox", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0")
	sandbox.Stderr = &log
	printed, err := sandbox.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(printed)
	t.Cleanup(func() {
		err := sandbox.Process.Signal(syscall.SIGTERM)
		if err != nil {
			t.Error(err)
		}
		for lines.Scan() {
		}
		err = sandbox.Wait()
		if err != nil {
			t.Errorf("the sandbox ended badly: %v\n%s", err, &log)
		}
	})
	for lines.Scan() {
		label, address, _ := strings.Cut(lines.Text(), "http")
		if strings.TrimSpace(label) == "platform" {
			return "http" + address
		}
	}
	t.Fatal("the sandbox did not say where it is")
	return ""
}

// Build builds the binary and returns its path.
func Build(t *testing.T) string {
	t.Helper()
	root := watch(t)
	binary := filepath.Join(t.TempDir(), "oxlin")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./cmd/oxlin")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build the binary: %v\n%s", err, output)
	}
	return binary
}

// watch reads the directories of the binary's sources, which the test does not import,
// so that the go command discards a cached result when one of them changes. It returns
// the repository's root.
func watch(t *testing.T) string {
	t.Helper()
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(output))
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}
