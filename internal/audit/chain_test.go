package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// chain makes a log with some batches, the first ones dropped.
func chain(t *testing.T, db *store.DB) (*platformtest.World, *audit.Log) {
	t.Helper()
	w := platformtest.New(t, db, platformtest.Options{Catalogue: platformtest.NoProviders{}})
	log := audit.New(audit.Options{DB: db, Vault: w.Vault, Now: w.Clock.Now, Log: platformtest.Quiet, Retention: 100 * time.Hour})
	caller := w.LicensedCaller()
	for batch := range 8 {
		for n := range 3 + batch%3 {
			record(w, t.Context(), audit.Entry{
				Action: audit.BankAccess, User: caller.UserID, Connection: 7, Account: 9, RequestID: fmt.Sprint("r", batch, n), Source: "203.0.113.9",
				Details: audit.Details{audit.Status: "200", audit.Sync: fmt.Sprint(n)},
			})
		}
		seal(w)
		w.Clock.Advance(30 * time.Hour)
	}
	if err := log.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	seal(w)
	return w, log
}

// TestEveryChangeOfTheDatabaseIsFound changes each column of each table, and removes, adds and
// moves rows. The tables are put back after each change.
func TestEveryChangeOfTheDatabaseIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, log := chain(t, db)
		found, err := log.Verify(t.Context(), audit.Anchor{})
		if err != nil || found.Dropped == 0 || found.Batches < 8 || found.Dropped == found.Batches {
			t.Fatalf("the chain is not ready: %+v, %v", found, err)
		}
		last, first := found.Batches, found.Dropped+1
		text := "details || 'x'"
		changes := map[string]string{
			"a removed entry":             "DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)",
			"a removed batch":             "DELETE FROM audit_batches WHERE number = %[2]d",
			"an emptied batch":            "DELETE FROM audit_entries WHERE batch = %[2]d",
			"a cut head":                  "DELETE FROM audit_batches WHERE number = 1",
			"a cut tail":                  "DELETE FROM audit_batches WHERE number = %[1]d",
			"an emptied log":              "DELETE FROM audit_batches",
			"an entry of another batch":   "UPDATE audit_entries SET batch = batch + 1 WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)",
			"an entry without a batch":    "UPDATE audit_entries SET batch = NULL WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)",
			"an entry of no batch":        "UPDATE audit_entries SET batch = 99 WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)",
			"an entry of a dropped batch": "INSERT INTO audit_entries (batch, at, action, outcome, actor, details) VALUES (1, 1, 'bank.access', 'done', 'user', '{}')",
			"an inserted entry":           "INSERT INTO audit_entries (batch, at, action, outcome, actor, details) VALUES (%[2]d, 1, 'bank.access', 'done', 'user', '{}')",
			"two entries exchanged":       "UPDATE audit_entries SET id = -id WHERE batch = %[2]d",
			"details that are no JSON":    "UPDATE audit_entries SET details = " + text + " WHERE batch = %[2]d",
			"more dropped batches":        "UPDATE audit_head SET dropped = dropped + 1",
			"fewer dropped batches":       "UPDATE audit_head SET dropped = dropped - 1",
			"an older head":               "UPDATE audit_head SET number = number - 1, hash = (SELECT hash FROM audit_batches WHERE number = %[1]d - 1)",
			"no head":                     "UPDATE audit_head SET number = 0, dropped = 0, hash = NULL, seal = NULL",
		}
		for _, column := range []string{"action", "outcome", "actor", "client_id", "subject", "request_id"} {
			changes["another "+column] = "UPDATE audit_entries SET " + column + " = 'other' WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)"
			if column != "action" && column != "outcome" && column != "actor" {
				changes["no "+column] = "UPDATE audit_entries SET " + column + " = NULL WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)"
			}
		}
		for _, column := range []string{"at", "connection_id", "account_id"} {
			changes["another "+column] = "UPDATE audit_entries SET " + column + " = " + column + " + 1 WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)"
		}
		changes["another consent_id"] = "UPDATE audit_entries SET consent_id = 3 WHERE id = (SELECT max(id) FROM audit_entries WHERE batch = %[2]d)"
		for _, column := range []string{"entries", "sealed_at", "newest_at"} {
			changes["another batch's "+column] = "UPDATE audit_batches SET " + column + " = " + column + " + 1 WHERE number = %[2]d"
			changes["another dropped batch's "+column] = "UPDATE audit_batches SET " + column + " = " + column + " + 1 WHERE number = 1"
		}
		for _, column := range []string{"hash", "seal"} {
			changes["another batch's "+column] = "UPDATE audit_batches SET " + column + " = (SELECT b." + column + " FROM audit_batches b WHERE b.number = 2) WHERE number = %[2]d"
		}
		for name, change := range changes {
			change = strings.ReplaceAll(strings.ReplaceAll(change, "%[1]d", fmt.Sprint(last)), "%[2]d", fmt.Sprint(first))
			undo := save(t, w)
			execute(t, w, change)
			_, err := log.Verify(t.Context(), audit.Anchor{})
			if !errors.Is(err, audit.ErrBroken) {
				t.Errorf("%s is not found: %v", name, err)
			}
			undo()
		}
		if again, err := log.Verify(t.Context(), audit.Anchor{}); err != nil || again != found {
			t.Errorf("restored, the log is %+v, %v", again, err)
		}
	})
}

func execute(t *testing.T, w *platformtest.World, statement string) {
	t.Helper()
	var err error
	if w.DB.Dialect() == store.SQLite {
		_, err = w.DB.SQLite().ExecContext(t.Context(), statement)
	} else {
		_, err = w.DB.Postgres().Exec(t.Context(), statement)
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// save copies the tables of the log, and returns how to put them back.
func save(t *testing.T, w *platformtest.World) (undo func()) {
	t.Helper()
	tables := []string{"audit_entries", "audit_batches", "audit_head"}
	for _, table := range tables {
		execute(t, w, "DROP TABLE IF EXISTS saved_"+table)
		execute(t, w, "CREATE TABLE saved_"+table+" AS SELECT * FROM "+table)
	}
	return func() {
		for _, table := range tables {
			execute(t, w, "DELETE FROM "+table)
			execute(t, w, "INSERT INTO "+table+" SELECT * FROM saved_"+table)
		}
	}
}

// TestEveryChangeOfAnExportIsFound disturbs an export at random: bytes, lines, and their order.
func TestEveryChangeOfAnExportIsFound(t *testing.T) {
	db, _ := storetest.SQLite(t)
	_, log := chain(t, db)
	var out bytes.Buffer
	_, err := log.Export(t.Context(), &out, audit.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.SplitAfter(strings.TrimSuffix(out.String(), "\n"), "\n")
	verify := func(lines []string) error {
		_, err := log.VerifyFile(strings.NewReader(strings.Join(lines, "")), audit.Anchor{})
		return err
	}
	if err := verify(whole); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	for range 2000 {
		lines := slices.Clone(whole)
		i, j := random.IntN(len(lines)), random.IntN(len(lines))
		var what string
		switch random.IntN(6) {
		case 0:
			what, lines = "removed", slices.Delete(lines, i, i+1)
		case 1:
			what, lines = "inserted", slices.Insert(lines, i, lines[j])
		case 2:
			if lines[i] == lines[j] {
				continue
			}
			what = "exchanged"
			lines[i], lines[j] = lines[j], lines[i]
		case 3:
			what, lines = "cut at the end", lines[:i]
		case 4:
			what, lines = "cut at the beginning", lines[min(i+1, len(lines)):]
		default:
			text := []byte(lines[i])
			at := random.IntN(len(text) - 1)
			changed := byte('0' + random.IntN(10))
			if text[at] == changed || !strings.ContainsRune("0123456789abcdef", rune(text[at])) {
				continue
			}
			what, text[at] = "changed", changed
			lines[i] = string(text)
		}
		if err := verify(lines); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("seed %d: a line that was %s (%d, %d) is not found: %v\n%s", seed, what, i, j, err, whole[i])
		}
	}
}
