package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/scenario/sandboxtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// TestJourneysEndOrAreToldWhy is the short form of `make faults`.
func TestJourneysEndOrAreToldWhy(t *testing.T) {
	t.Parallel()
	binary := sandboxtest.Build(t)
	r, err := play(t.Context(), settings{
		binary: binary, journeys: 30, atOnce: 5, seed: 1, patience: 4 * time.Minute, brief: true, together: true, say: t.Logf,
	})
	want := len(faults())
	if errors.Is(err, postgrestest.ErrMissing) {
		omit.Note(t, 2, err.Error())
		want -= 2
	} else if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	r.write(&text)
	t.Log(text.String())
	if r.violations() > 0 {
		t.Fail()
	}
	if len(r.results) != want {
		t.Errorf("%d faults were played, want %d", len(r.results), want)
	}
	for _, one := range r.results {
		if one.judged != one.journeys {
			t.Errorf("%s: %d of %d journeys were judged", one.fault, one.judged, one.journeys)
		}
		if len(one.done) < 2 {
			t.Errorf("%s: nothing was done to the platform or to the calls of the bank", one.fault)
		}
	}
}

// TestTheJudgeFindsWhatIsWrong spoils the database behind the platform's back.
func TestTheJudgeFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	binary := sandboxtest.Build(t)
	for name, c := range map[string]struct{ harm, want string }{
		"a row is lost under its id": {"UPDATE transactions SET id = id + 1000000 WHERE id = (SELECT min(id) FROM transactions)", "is gone"},
		"a row is doubled": {`CREATE TEMP TABLE twin AS SELECT * FROM transactions WHERE id = (SELECT min(id) FROM transactions);
			UPDATE twin SET id = id + 1000000, imported_at = imported_at + 1000000000, bank_ids = '[]'; INSERT INTO transactions SELECT * FROM twin`, "is doubled"},
		"an event is lost":        {"DELETE FROM events WHERE id = (SELECT max(id) FROM events)", "the queue tells"},
		"a channel stays RUNNING": {"UPDATE channels SET status = 'RUNNING'", "is still"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := begin(settings{binary: binary, atOnce: 1, seed: 3, patience: 20 * time.Second, say: t.Logf}, fault{name: "harm"}, t.TempDir(), 1)
			defer w.close()
			if err != nil {
				t.Fatal(err)
			}
			travels, err := w.bear(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), w.database, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			_, err = db.SQLite().ExecContext(t.Context(), c.harm)
			if err != nil {
				t.Fatal(err)
			}
			err = w.conclude(t.Context(), travels)
			if got := fmt.Sprint(w.result.violated); err != nil || !strings.Contains(got, c.want) {
				t.Errorf("%v, %s; want a violation with %q", err, got, c.want)
			}
		})
	}
}
