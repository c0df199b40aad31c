// Command faults plays journeys with the real binary while something fails: nodes that are
// killed, a database that crashes, a full disk, a locked file, a hostile bank. When the faults
// end, it synchronises each user once more and judges: each journey ended, or its user knows
// why; no row of the bank is lost or doubled, ids stay, nothing is left running.
//
// It must never look into the platform to excuse a fault: it judges by what users, clients,
// operators and the bank see. The same seed gives the same journeys and the same faults, but
// processes are scheduled anew each time.
//
// Start reading at play, then travel.go for the journeys of users and judge.go for the invariants.
// docs/reliability.md has the figures of a run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// settings are the command's flags.
type settings struct {
	binary   string
	journeys int
	atOnce   int
	seed     uint64
	only     string
	race     bool
	// patience is how long a user waits for the end of one step. A hostile bank may be silent
	// for half a minute a call, and is asked again.
	patience time.Duration
	// brief leaves out what takes minutes.
	brief bool
	// together plays all faults at the same time, which is faster and less orderly.
	together bool
	// keep is a folder for the logs; without it they are removed.
	keep string
	say  func(format string, args ...any)
}

func main() {
	s := settings{say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, "… "+format+"\n", args...) }}
	flag.StringVar(&s.binary, "binary", "", "the binary; without it one is built")
	flag.IntVar(&s.journeys, "n", 1000, "journeys, of all faults together")
	flag.IntVar(&s.atOnce, "at-once", 8, "journeys at once")
	flag.Uint64Var(&s.seed, "seed", 0, "the seed, to play the same journeys again; 0 chooses one")
	flag.StringVar(&s.only, "only", "", "play only this fault: "+strings.Join(names(), ", "))
	flag.BoolVar(&s.race, "race", false, "build the binary with the race detector, which needs a C compiler")
	flag.DurationVar(&s.patience, "patience", 8*time.Minute, "how long a user waits for the end of one step")
	flag.BoolVar(&s.together, "together", false, "play all faults at the same time")
	flag.BoolVar(&s.brief, "brief", false, "leave out the disturbances of the bank that take minutes")
	flag.StringVar(&s.keep, "keep", "", "a folder for the logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if s.seed == 0 {
		s.seed = rand.Uint64() >> 1
	}
	report, err := play(ctx, s)
	if report != nil {
		report.write(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
	if report.violations() > 0 {
		os.Exit(1)
	}
}

// play plays the journeys of each fault.
func play(ctx context.Context, s settings) (*report, error) {
	_, err := trusted()
	if err != nil {
		return nil, err
	}
	directory := s.keep
	if directory == "" {
		made, err := os.MkdirTemp("", "oxlin-faults-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(made)
		directory = made
	}
	if s.binary == "" {
		s.binary = filepath.Join(directory, "oxlin")
		err := build(ctx, s.binary, s.race)
		if err != nil {
			return nil, err
		}
	}
	chosen := slices.DeleteFunc(faults(), func(f fault) bool { return s.only != "" && f.name != s.only })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("there is no fault %q, only %s", s.only, strings.Join(names(), ", "))
	}
	r := &report{seed: s.seed, journeys: s.journeys, results: make([]*result, len(chosen))}
	failed := make([]error, len(chosen))
	var playing sync.WaitGroup
	for i, f := range chosen {
		playing.Go(func() {
			// The journeys that do not divide evenly are those of the first faults.
			n := (s.journeys + len(chosen) - 1 - i) / len(chosen)
			s.say("%s: %d journeys", f.name, n)
			begun := time.Now()
			var err error
			r.results[i], err = f.play(ctx, s, filepath.Join(directory, f.name), n)
			if err != nil {
				failed[i] = fmt.Errorf("%s: %w", f.name, err)
			}
			if r.results[i] != nil {
				r.results[i].took = time.Since(begun)
			}
		})
		if !s.together {
			playing.Wait()
		}
	}
	playing.Wait()
	r.results = slices.DeleteFunc(r.results, func(one *result) bool { return one == nil })
	return r, errors.Join(failed...)
}

func build(ctx context.Context, path string, race bool) error {
	command := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "github.com/oxlin/oxlin/cmd/oxlin")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if race {
		command = exec.CommandContext(ctx, "go", "build", "-race", "-buildvcs=false", "-o", path, "github.com/oxlin/oxlin/cmd/oxlin")
	}
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the binary: %w\n%s", err, output)
	}
	return nil
}
