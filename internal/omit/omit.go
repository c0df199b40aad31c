// Package omit lets a test leave out what a machine cannot run, in the open.
//
// A clone with nothing but Go passes its tests: what needs PostgreSQL, a browser, another
// program or files that are not part of the repository is left out. Each omission is
// counted with its reason, and `make test` lists them at its end. With OXLIN_COMPLETE=1
// an omission is a failure. Tests must not skip in any other way, which a test at the root
// holds. Start reading at Skip.
package omit

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"runtime/debug"
	"strings"
	"testing"
)

const (
	// complete is the environment variable that forbids omissions.
	complete = "OXLIN_COMPLETE"
	// list is the environment variable with the file that omissions are written to, a
	// line each: package, number of cases, reason, with tabs between them.
	list = "OXLIN_OMISSIONS"
)

// Skip ends the test without its cases. The reason tells what is missing.
func Skip(t testing.TB, cases int, reason string) {
	t.Helper()
	err := Record(cases, reason)
	if err != nil {
		t.Fatal(err)
	}
	t.Skipf("omitted: %d cases: %s", cases, reason)
}

// Note counts cases that are left out, and the test goes on without them.
func Note(t testing.TB, cases int, reason string) {
	t.Helper()
	err := Record(cases, reason)
	if err != nil {
		t.Error(err)
		return
	}
	t.Logf("omitted: %d cases: %s", cases, reason)
}

// Without skips the test if one of the programs is not installed. A script of the
// repository's .ci directory installs them.
func Without(t testing.TB, cases int, script string, programs ...string) {
	t.Helper()
	for _, program := range programs {
		_, err := exec.LookPath(program)
		if err != nil {
			Skip(t, cases, fmt.Sprintf("%s is not installed (.ci/%s)", program, script))
		}
	}
}

// Record counts cases that are left out, for a caller without a test. It returns an error
// if omissions are forbidden.
func Record(cases int, reason string) error {
	if os.Getenv(complete) == "1" {
		return fmt.Errorf("%d cases cannot run: %s. %s=1 allows no omission", cases, reason, complete)
	}
	name := os.Getenv(list)
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s\t%d\t%s\n", tested(), cases, reason)
	if err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// tested returns the package whose tests run.
func tested() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return path.Base(os.Args[0])
	}
	return strings.TrimSuffix(info.Path, ".test")
}
