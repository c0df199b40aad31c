// Command torture plays random histories of banks that disturb their answers, and prints
// how many rows recognition missed, doubled, merged or gave another id without need, a
// line for each disturbance. It can write each failure, shrunk, as Go source for a table
// test. docs/identity.md explains the score.
//
// Start reading at internal/synchro/reconcile/torture.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/synchro/reconcile/torture"
)

func main() {
	err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func run() error {
	var o torture.Options
	flag.IntVar(&o.Histories, "n", 500, "histories of each disturbance; as many again are mixed of two and of three")
	flag.Uint64Var(&o.Seed, "seed", 1, "the seed; the same seed gives the same histories")
	flag.StringVar(&o.Only, "only", "", "play only disturbances whose name contains this")
	except := flag.String("except", "", "leave out disturbances whose name contains one of these, separated by semicolons")
	flag.IntVar(&o.Failures, "shrink", 1, "how many failures of each disturbance, class of ids and fault to shrink and print")
	folder := flag.String("into", "", "a folder for the failures, one file for each disturbance; without it they are printed")
	flag.Parse()
	if *except != "" {
		o.Except = strings.Split(*except, ";")
	}
	begin := time.Now()
	report := torture.Run(o)
	files := make(map[string]*strings.Builder)
	for _, f := range report.Failures {
		name := fmt.Sprintf("mixed-%d", len(f.Disturbances))
		if len(f.Disturbances) == 1 {
			name = strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(f.Disturbances[0])
		}
		if files[name] == nil {
			files[name] = &strings.Builder{}
		}
		files[name].WriteString(f.Source())
	}
	for name, text := range files {
		if *folder == "" {
			fmt.Print(text)
			continue
		}
		err := os.WriteFile(filepath.Join(*folder, name+".txt"), []byte(text.String()), 0o644)
		if err != nil {
			return err
		}
	}
	fmt.Printf("Seed %d, %s.\n\n", o.Seed, time.Since(begin).Round(time.Second))
	return report.Write(os.Stdout)
}
