package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/scenario/sandboxtest"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// TestMain lets the bench start its banks and its ceiling, which are commands of this program.
func TestMain(m *testing.M) {
	if !ranCommand() {
		os.Exit(m.Run())
	}
}

// TestTheBenchMeasuresEverything runs each experiment for a moment, on both databases. It compares
// no figure with anything: speed is no matter of tests. An answer with the status 429 would fail
// it, because the platform runs with its default limits.
func TestTheBenchMeasuresEverything(t *testing.T) {
	t.Parallel()
	binary := sandboxtest.Build(t)
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			kept := filepath.Join(t.TempDir(), "kept.json")
			r, err := measure(t.Context(), settings{
				binary: binary, database: database, keep: kept,
				lasting: 100 * time.Millisecond, rounds: 1, users: 24, rows: 60, heavyRows: 300, connections: 3, strangers: 5, hanging: 2, timed: 5, probes: 50,
			})
			if errors.Is(err, postgrestest.ErrMissing) {
				omit.Skip(t, 1, err.Error())
			}
			if err != nil {
				t.Fatal(err)
			}
			read, err := readResult(kept)
			if err != nil {
				t.Fatal(err)
			}
			if len(read.Figures) != len(r.Figures) || len(r.Figures) < 2*len(experiments) {
				t.Errorf("%d figures, %d of them are kept", len(r.Figures), len(read.Figures))
			}
			for _, f := range r.Figures {
				if f.Value <= 0 {
					t.Errorf("%s: %v %s", f.Name, f.Value, f.Unit)
				}
			}
			var text strings.Builder
			r.compare(&text, read)
			if lines := strings.Count(text.String(), "\n"); lines < len(r.Figures) {
				t.Errorf("the comparison has %d lines:\n%s", lines, &text)
			}
		})
	}
}
