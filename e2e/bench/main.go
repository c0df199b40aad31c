// Command bench measures the real binary over HTTP and prints each figure beside its ceiling,
// measured in the same run on the same machine: a program that does the same durable work and
// nothing besides (ceiling.go). The processor time of the server's process for one answer is the
// steadiest figure; rates and times depend on what else the machine does. Compare ratios.
//
// Platform, banks and ceiling are processes of their own. The platform runs with its default
// limits: the load is spread over users and clients, and an answer with the status 429 ends the
// run. It must never favour the binary: every request goes over the network, every answer is
// read, and the ceiling gets the same requests from the same generator.
//
// Start reading at experiments, then world.go for what is measured and load.go for the generator.
// docs/performance.md has results of record.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// settings are the command's flags.
type settings struct {
	binary   string
	database string
	full     bool
	million  bool
	only     string
	profile  string
	keep     string
	compare  string
	flags    string
	peers    string

	// The sizes of the quick form and of the full form.
	lasting     time.Duration // of a round
	rounds      int           // alternations of platform and ceiling
	users       int
	rows        int           // of each of the two accounts of a user
	heavyRows   int           // of each of the two accounts of the heavy user
	connections int           // that are due at once
	hanging     int           // connections to the bank that hangs
	strangers   int           // people who guess passwords at once
	timed       int           // requests of each page of the widget
	probes      int           // that look for stalls, at least
	calm        time.Duration // after a storm
}

// quick takes a few minutes, and full about twenty.
func (s *settings) size() {
	s.lasting, s.rounds, s.users, s.rows, s.heavyRows = 2*time.Second, 3, 100, 1000, 100_000
	s.connections, s.hanging, s.strangers, s.timed, s.probes, s.calm = 200, 48, 400, 400, 5000, time.Minute
	if s.full {
		s.lasting, s.rounds, s.connections = 5*time.Second, 5, 2000
	}
}

// experiment is one subject. What it needs is made when the first experiment asks for it.
type experiment struct {
	name string
	run  func(context.Context, *bench) ([]figure, error)
}

// experiments are all subjects, in their order.
var experiments = []experiment{
	{"start", measureStart},
	{"first", measureFirstSynchronisations},
	{"tokens", measureTokens},
	{"reads", measureReads},
	{"pages", measurePages},
	{"filters", measureFilters},
	{"due", measureDue},
	{"nodes", measureNodes},
	{"stalls", measureStalls},
	{"neighbour", measureNeighbour},
	{"logins", measureLogins},
	{"widget", measureWidget},
	{"storm", measureStorm},
	{"peers", measurePeers},
}

func main() {
	if ranCommand() {
		return
	}
	var s settings
	var names []string
	for _, e := range experiments {
		names = append(names, e.name)
	}
	flag.StringVar(&s.binary, "binary", "bin/oxlin", "the binary to measure")
	flag.StringVar(&s.database, "database", "sqlite", `"sqlite" in a temporary directory; "postgres" starts one there; or the address of an empty database, postgres://...`)
	flag.BoolVar(&s.full, "full", false, "longer loads and 2,000 connections due at once")
	flag.BoolVar(&s.million, "million", false, "an account of 1,000,000 rows, too")
	flag.StringVar(&s.only, "only", "", "only these, separated by commas: "+strings.Join(names, ", "))
	flag.StringVar(&s.profile, "profile", "", "a directory for a profile of the platform's processor time under each load")
	flag.StringVar(&s.keep, "keep", "", "a file for the results, as JSON")
	flag.StringVar(&s.compare, "compare", "", "a file that --keep has written: print what has changed since")
	flag.StringVar(&s.peers, "peers", "", "the directory of the binaries that e2e/bench/peers has built")
	flag.StringVar(&s.flags, "flags", "", "further flags of oxlin serve, separated by spaces")
	rows := flag.Int("rows", 0, "another number of rows of each user's accounts")
	heavyRows := flag.Int("heavy-rows", 0, "another number of rows of the heavy user's accounts")
	flag.Parse()
	s.size()
	s.rows, s.heavyRows = cmp.Or(*rows, s.rows), cmp.Or(*heavyRows, s.heavyRows)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, err := measure(ctx, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// ranCommand runs the banks or the ceiling, if this process was started for them.
func ranCommand() bool {
	switch strings.Join(os.Args[1:min(2, len(os.Args))], "") {
	case ceilingCommand:
		serveCeiling()
	case bankCommand:
		serveBanks()
	default:
		return false
	}
	return true
}

// measure runs the experiments and prints their figures.
func measure(ctx context.Context, s settings) (*result, error) {
	var before *result
	if s.compare != "" {
		var err error
		before, err = readResult(s.compare)
		if err != nil {
			return nil, err
		}
	}
	directory, err := os.MkdirTemp("", "oxlin-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	where, err := lookAtMachine(directory)
	if err != nil {
		return nil, err
	}
	b := &bench{settings: s, directory: directory, database: s.database}
	switch s.database {
	case "sqlite":
		b.create = func(name string) (string, error) { return "sqlite:" + filepath.Join(directory, name+".db"), nil }
	case "postgres":
		server, err := postgrestest.Start(true, "-c fsync=on")
		if err != nil {
			return nil, err
		}
		defer server.Close()
		b.create = func(name string) (string, error) { return server.Address(name), server.Create(name, "template0") }
	}
	if b.create != nil {
		b.database, err = b.create("bench")
		if err != nil {
			return nil, err
		}
	}
	defer b.close()
	kind, _, _ := strings.Cut(b.database, ":")
	r := &result{
		At: time.Now(), Database: kind, Machine: where,
		Settings: fmt.Sprintf("%v a round, %d rounds, %d users with 2 accounts of %d rows, one with 2 of %d", s.lasting, s.rounds, s.users, s.rows, s.heavyRows),
	}
	fmt.Printf("%s on %s\n%s\n", kind, where, r.Settings)
	for _, e := range experiments {
		if s.only != "" && !strings.Contains(","+s.only+",", ","+e.name+",") {
			continue
		}
		figures, err := e.run(ctx, b)
		r.Figures = append(r.Figures, figures...)
		if len(figures) > 0 {
			r.show(os.Stdout, e.name, figures)
		}
		r.Completed = err == nil
		if s.keep != "" {
			err = errors.Join(err, r.keep(s.keep))
		}
		if err != nil {
			return r, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	if before != nil {
		r.compare(os.Stdout, before)
	}
	return r, nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "… "+format+"\n", args...) }
