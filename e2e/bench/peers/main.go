// Command peers builds other servers, beside which the bench measures the platform. It takes
// their source from the Go module proxy and builds it with their own go.mod, so that the project
// depends on none of them. It prints for each of them where it is, or why it cannot be had.
//
// It must never change the module that it is run in. Start reading at build.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// peer is a server of others: a package of a module.
type peer struct{ name, module, version, folder string }

var peers = []peer{
	{"pocketbase", "github.com/pocketbase/pocketbase", "v0.30.0", "examples/base"},
	{"hydra", "github.com/ory/hydra/v2", "v2.3.0", "."},
	// The tags of dex after v2.13.0 are not those of a module, so the proxy refuses them.
	{"dex", "github.com/dexidp/dex", "v2.42.0", "cmd/dex"},
}

func main() {
	into := flag.String("into", "bin/peers", "the directory for the binaries")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	directory, err := filepath.Abs(*into)
	if err == nil {
		err = os.MkdirAll(directory, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
	for _, p := range peers {
		err := p.build(ctx, filepath.Join(directory, p.name))
		if err != nil {
			fmt.Printf("%s %s cannot be had: %v\n", p.name, p.version, err)
			continue
		}
		fmt.Printf("%s %s is %s\n", p.name, p.version, filepath.Join(directory, p.name))
	}
}

// build builds the peer in a copy of its module, which is then the main module: replacements in
// its go.mod count there alone.
func (p peer) build(ctx context.Context, binary string) error {
	elsewhere, err := os.MkdirTemp("", "oxlin-peer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(elsewhere)
	printed, err := run(ctx, elsewhere, "go", "mod", "download", "-json", p.module+"@"+p.version)
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(printed, &module); jsonErr == nil && module.Error != "" {
		return fmt.Errorf("%s", module.Error)
	}
	if err != nil {
		return err
	}
	source := filepath.Join(elsewhere, "source")
	err = os.CopyFS(source, os.DirFS(module.Dir))
	if err != nil {
		return err
	}
	err = dropMissing(ctx, source)
	if err != nil {
		return err
	}
	_, err = run(ctx, source, "go", "build", "-o", binary, "./"+p.folder)
	return err
}

// dropMissing removes the replacements by folders that the proxy leaves out, because they are
// modules of their own. The replaced modules come from the proxy then.
func dropMissing(ctx context.Context, source string) error {
	printed, err := run(ctx, source, "go", "mod", "edit", "-json")
	if err != nil {
		return err
	}
	var module struct {
		Replace []struct{ Old, New struct{ Path string } }
	}
	err = json.Unmarshal(printed, &module)
	if err != nil {
		return err
	}
	for _, r := range module.Replace {
		_, err := os.Stat(filepath.Join(source, r.New.Path))
		if strings.HasPrefix(r.New.Path, ".") && err != nil {
			_, err = run(ctx, source, "go", "mod", "edit", "-dropreplace="+r.Old.Path)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs a command in a directory and returns its output.
func run(ctx context.Context, directory, program string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = directory
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	var said strings.Builder
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", program, args[0], err, said.String())
	}
	return output, err
}
