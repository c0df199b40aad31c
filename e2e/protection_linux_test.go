package e2e_test

import (
	"debug/buildinfo"
	"debug/elf"
	"go/version"
	"strings"
	"testing"
)

// TestTheBinaryHasTheProtectionsOfItsTools reads the binary: no memory of it is written and
// executed, its stack neither, and its heap, which holds the stacks of goroutines, begins at a random address.
func TestTheBinaryHasTheProtectionsOfItsTools(t *testing.T) {
	t.Parallel()
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stacks := 0
	for _, part := range file.Progs {
		both := part.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X
		if part.Type == elf.PT_LOAD && both {
			t.Errorf("the memory at %#x may be written and executed", part.Vaddr)
		}
		if part.Type == elf.PT_GNU_STACK {
			stacks++
			if part.Flags&elf.PF_X != 0 {
				t.Error("the stack may be executed")
			}
		}
	}
	if stacks != 1 {
		t.Errorf("%d headers of a stack: without one, the stack may be executed", stacks)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if version.Compare(info.GoVersion, "go1.26") < 0 {
		t.Errorf("built by %s, which does not choose where the heap begins", info.GoVersion)
	}
	for _, setting := range info.Settings {
		if setting.Key == "GOEXPERIMENT" && strings.Contains(setting.Value, "norandomizedheapbase") {
			t.Error("the heap begins at a fixed address")
		}
	}
}
