package installation_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// table is a table of a test's database whose rows need no others.
type table struct {
	t  *testing.T
	db *store.DB
}

func (d table) exec(text string, args ...any) {
	d.t.Helper()
	err := d.db.Write(d.t.Context(), func(tx *store.Tx) error {
		if d.db.Dialect() == store.SQLite {
			_, err := tx.SQLite().ExecContext(d.t.Context(), text, args...)
			return err
		}
		_, err := tx.Postgres().Exec(d.t.Context(), strings.ReplaceAll(text, "?", "$"), args...)
		return err
	})
	if err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
}

// columns returns the columns of a table that an insert has to name, with their types.
func (d table) columns(name string) map[string]string {
	d.t.Helper()
	columns := map[string]string{}
	add := func(column, kind string) { columns[column] = strings.ToUpper(kind) }
	if d.db.Dialect() == store.SQLite {
		rows, err := d.db.SQLite().QueryContext(d.t.Context(), `SELECT name, type FROM pragma_table_info(?1) WHERE "notnull" OR pk`, name)
		if err != nil {
			d.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var column, kind string
			if err := rows.Scan(&column, &kind); err != nil {
				d.t.Fatal(err)
			}
			add(column, kind)
		}
		return columns
	}
	rows, err := d.db.Postgres().Query(d.t.Context(), `SELECT column_name, data_type FROM information_schema.columns
		WHERE table_name = $1 AND table_schema = current_schema() AND is_nullable = 'NO' AND is_generated = 'NEVER'`, name)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var column, kind string
		if err := rows.Scan(&column, &kind); err != nil {
			d.t.Fatal(err)
		}
		add(column, kind)
	}
	return columns
}

// insert makes a row of which nothing means anything but the given columns.
func (d table) insert(name string, n int, given map[string]any) {
	d.t.Helper()
	var names, marks []string
	var args []any
	for column, kind := range d.columns(name) {
		if _, ok := given[column]; ok {
			continue
		}
		var value any
		switch {
		case kind == "BLOB" || kind == "BYTEA":
			sum := sha256.Sum256(fmt.Append(nil, name, column, n))
			value = sum[:]
		case kind == "BOOLEAN":
			value = false
		case kind == "TEXT":
			value = fmt.Sprintf(`{"n":%d}`, n)
		case kind == "DOUBLE PRECISION" || kind == "REAL":
			value = 0.5
		default:
			value = int64(1000 + n)
		}
		names, args = append(names, column), append(args, value)
	}
	for column, value := range given {
		names, args = append(names, column), append(args, value)
	}
	for i := range names {
		marks = append(marks, fmt.Sprintf("?%d", i+1))
	}
	d.exec("INSERT INTO "+name+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
}

// alone lets rows be inserted without those that they belong to.
func (d table) alone() {
	d.t.Helper()
	if d.db.Dialect() == store.SQLite {
		_, err := d.db.SQLite().ExecContext(d.t.Context(), "PRAGMA foreign_keys = OFF")
		if err != nil {
			d.t.Fatal(err)
		}
		return
	}
	_, err := d.db.Postgres().Exec(d.t.Context(), `DO $$ DECLARE c record; BEGIN
		FOR c IN SELECT conrelid::regclass AS r, conname FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace LOOP
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.r, c.conname);
		END LOOP; END $$`)
	if err != nil {
		d.t.Fatal(err)
	}
}

// value returns the sealed value in the row that insert made.
func (d table) value(column store.SealedColumn) []byte {
	d.t.Helper()
	var value []byte
	var text string
	into := any(&value)
	json := column.Column == "settings" || column.Column == "progress"
	if json {
		into = &text
	}
	query := "SELECT " + column.Column + " FROM " + column.Table
	var err error
	if d.db.Dialect() == store.SQLite {
		err = d.db.SQLite().QueryRowContext(d.t.Context(), query).Scan(into)
	} else {
		err = d.db.Postgres().QueryRow(d.t.Context(), query).Scan(into)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	if json {
		_, rest, _ := strings.Cut(text, `":"`)
		encoded, _, _ := strings.Cut(rest, `"`)
		value, err = base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			d.t.Fatalf("%s: %v", text, err)
		}
	}
	return value
}

// TestEverySealedColumnFollowsTheNewestKey seals a value in each column, replaces both keys,
// walks, takes the older ones away, and opens every value with the newest.
func TestEverySealedColumnFollowsTheNewestKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, d := t.Context(), table{t, db}
		key := keyIn(t.TempDir(), "master.key")
		open := func() *vault.Vault {
			t.Helper()
			v, err := installation.OpenVault(ctx, db, key)
			if err == nil {
				err = installation.Admit(ctx, db, v, false)
			}
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		walk := func(v *vault.Vault) installation.Resealing {
			return installation.Resealing{DB: db, Vault: v, Audit: audit.New(audit.Options{
				DB: db, Vault: v, Now: time.Now, Log: slog.New(slog.DiscardHandler), Actor: audit.Command,
			})}
		}
		first := open()
		sign, err := installation.SignOn(ctx, db, first)
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		record := func(v *vault.Vault) {
			t.Helper()
			must(db.Write(ctx, func(tx *store.Tx) error {
				return walk(v).Audit.Record(ctx, tx, audit.Entry{Action: audit.KeyRotated, Details: audit.Details{audit.Key: "master"}})
			}))
			must(walk(v).Audit.Seal(ctx, true))
		}
		record(first)
		record(first)
		d.alone()
		place := func(c store.SealedColumn) vault.Place { return vault.Place{Table: c.Table, Column: c.Column, Row: "x"} }
		filled := map[string]bool{} // the row of a table has all its sealed columns
		for _, c := range store.SealedColumns() {
			if c.Table == "installation" {
				continue // Admit has sealed it
			}
			rows := 1
			if c.Table == "transactions" {
				rows = 120 // more than one page
			}
			for n := range rows {
				sealed, err := first.Seal([]byte(c.Name()), place(c))
				must(err)
				value := any(sealed)
				switch c.Column {
				case "settings":
					value = `{"secret":{"sealed":"` + base64.StdEncoding.EncodeToString(sealed) + `"}}`
				case "progress":
					value = `{"position":"` + base64.StdEncoding.EncodeToString(sealed) + `","page":7}`
				}
				given := map[string]any{c.Column: value}
				if filled[c.Table] {
					d.exec("UPDATE "+c.Table+" SET "+c.Column+" = ?1", value)
					continue
				}
				d.insert(c.Table, n, given)
			}
			filled[c.Table] = true
		}
		_, err = vault.Rotate(key, true)
		must(err)
		second, err := installation.OpenVault(ctx, db, key)
		must(err)
		renewed, lost, err := walk(second).Run(ctx)
		must(err)
		for _, c := range store.SealedColumns() {
			want := 1
			if c.Table == "transactions" {
				want = 120
			}
			if renewed[c.Name()] != want || lost[c.Name()] != 0 {
				t.Errorf("%s: %d were renewed, want %d, and %d lost", c.Name(), renewed[c.Name()], want, lost[c.Name()])
			}
		}
		_, err = walk(second).Needs(ctx)
		if !errors.Is(err, installation.ErrServing) {
			t.Errorf("while the platform has the older key: %v", err)
		}
		must(sign.Close(ctx))
		must(installation.Admit(ctx, db, second, false))
		renewed, _, err = walk(second).Run(ctx)
		must(err)
		for name, n := range renewed {
			if n != 0 {
				t.Errorf("a second walk renews %d of %s", n, name)
			}
		}
		needs, err := walk(second).Needs(ctx)
		must(err)
		var older []uint32
		for _, need := range needs {
			older = append(older, need.Key)
			for column, n := range need.Columns {
				// The rows of this test have 32 random bytes where hashes of the first key would be.
				if !strings.HasPrefix(column, "unreadable_records.") {
					t.Errorf("%d of %s still need the key %d", n, column, need.Key)
				}
			}
		}
		if len(older) != 2 {
			t.Fatalf("two older keys were expected: %v", needs)
		}
		_, err = vault.Drop(key, older)
		must(err)
		third := open()
		for _, c := range store.SealedColumns() {
			if c.Table == "installation" {
				continue // open has opened it
			}
			plain, err := third.Open(d.value(c), place(c))
			if err != nil || string(plain) != c.Name() {
				t.Errorf("%s opens as %q: %v", c.Name(), plain, err)
			}
		}
		_, err = walk(third).Audit.Verify(ctx, audit.Anchor{})
		if err != nil {
			t.Errorf("the audit log: %v", err)
		}
		_, err = first.Open(d.value(store.SealedColumns()[1]), place(store.SealedColumns()[1]))
		if err == nil {
			t.Error("the first key opens what was sealed anew")
		}
		needs, err = walk(third).Needs(ctx)
		if err != nil || len(needs) != 0 {
			t.Errorf("with one key: %v, %v", needs, err)
		}
	})
}

// What another process writes during the walk stays, and the next walk renews it.
// The keeper's user rotates the key without a database. The first process that seals with the
// new key tells the audit log, once.
func TestAKeyInUseIsInTheAuditLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		key := keyIn(t.TempDir(), "master.key")
		told := func() (lines []audit.Line) {
			t.Helper()
			v, err := installation.OpenVault(t.Context(), db, key)
			if err == nil {
				err = installation.Admit(t.Context(), db, v, false)
			}
			if err != nil {
				t.Fatal(err)
			}
			log := audit.New(audit.Options{DB: db, Vault: v, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			sign, err := installation.SignOn(t.Context(), db, v)
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer end()
			sign.Run(ctx, log)
			lines, err = log.Find(t.Context(), audit.Filter{Action: audit.KeyRotated}, 10)
			if err != nil {
				t.Fatal(err)
			}
			return lines
		}
		for rotation := range 3 {
			for start := range 2 {
				if lines := told(); len(lines) != rotation {
					t.Errorf("start %d with key %d: %+v", start, rotation, lines)
				}
			}
			if _, err := vault.Rotate(key, false); err != nil {
				t.Fatal(err)
			}
		}
		if lines := told(); lines[0].Details[string(audit.Key)] != "master" || lines[0].Details[string(audit.Kind)] != "in-use" || lines[0].Actor != audit.Platform {
			t.Errorf("%+v", lines[0])
		}
	})
}

func TestAConcurrentWriteWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, d := t.Context(), table{t, db}
		d.alone()
		key := keyIn(t.TempDir(), "master.key")
		first, err := vault.Open(key)
		if err != nil {
			t.Fatal(err)
		}
		column := store.SealedColumns()[1]
		place := vault.Place{Table: column.Table, Column: column.Column, Row: "x"}
		seal := func(text string) []byte {
			t.Helper()
			sealed, err := first.Seal([]byte(text), place)
			if err != nil {
				t.Fatal(err)
			}
			return sealed
		}
		d.insert(column.Table, 1, map[string]any{column.Column: seal("before")})
		_, err = vault.Rotate(key, false)
		if err != nil {
			t.Fatal(err)
		}
		second, err := vault.Open(key)
		if err != nil {
			t.Fatal(err)
		}
		names, err := second.IDs()
		if err != nil {
			t.Fatal(err)
		}
		renew, times := installation.Renewer(second), 0
		how := store.Resealing{Current: vault.Wrapping(names.Sealing), Reseal: func(sealed []byte) ([]byte, error) {
			if times++; times == 1 {
				d.exec("UPDATE "+column.Table+" SET "+column.Column+" = ?1", seal("meanwhile"))
			}
			return renew(sealed)
		}}
		for _, want := range []store.Resealed{{Passed: 1}, {Renewed: 1}, {}} {
			got, err := db.Reseal(ctx, column, how)
			if err != nil || got != want {
				t.Fatalf("want %+v, got %+v, %v", want, got, err)
			}
		}
		plain, err := second.Open(d.value(column), place)
		if err != nil || string(plain) != "meanwhile" {
			t.Errorf("it holds %q: %v", plain, err)
		}
		// A walk that is interrupted, and a value that no key opens.
		d.exec("UPDATE "+column.Table+" SET "+column.Column+" = ?1", bytes.Repeat([]byte("?"), 60))
		got, err := db.Reseal(ctx, column, how)
		if err != nil || got != (store.Resealed{Lost: 1}) {
			t.Errorf("a value that no key opens: %+v, %v", got, err)
		}
		over, cancel := context.WithCancel(ctx)
		cancel()
		_, err = db.Reseal(over, column, how)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("an interrupted walk: %v", err)
		}
	})
}

// Hashes whose input is gone are given up only when that is asked for; the audit log never.
func TestWhatAnOlderKeyOfHashesIsNeededFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, d := t.Context(), table{t, db}
		d.alone()
		key := keyIn(t.TempDir(), "master.key")
		v, err := installation.OpenVault(ctx, db, key)
		if err == nil {
			err = installation.Admit(ctx, db, v, false)
		}
		if err != nil {
			t.Fatal(err)
		}
		var keys []uint32
		// A hash of the first key has no mark, and one of the next has.
		for n := range 2 {
			names, err := v.IDs()
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, names.Hashing)
			code, err := v.MAC([]byte("code"))
			if err != nil {
				t.Fatal(err)
			}
			password, err := v.HashPassword(ctx, vault.Asker{}, oxlin.NewSecret("password"))
			if err != nil {
				t.Fatal(err)
			}
			d.insert("operator_recovery_codes", n, map[string]any{"hash": code})
			d.insert("operators", n, map[string]any{"name": fmt.Sprint("op", n), "password_hash": password})
			_, err = vault.Rotate(key, true)
			if err == nil {
				v, err = installation.OpenVault(ctx, db, key)
			}
			if err == nil {
				err = installation.Admit(ctx, db, v, false)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		walk := installation.Resealing{DB: db, Vault: v, Audit: audit.New(audit.Options{DB: db, Vault: v, Now: time.Now, Log: slog.New(slog.DiscardHandler)})}
		_, _, err = walk.Run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		needs, err := walk.Needs(ctx)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, need := range needs {
			if !need.Hashing {
				continue
			}
			found++
			if len(need.Columns) != 2 || need.Columns["operator_recovery_codes.hash"] != 1 || need.Columns["operators.password_hash"] != 1 {
				t.Errorf("the key %d is needed by %v", need.Key, need.Columns)
			}
		}
		if found != 2 {
			t.Errorf("keys of hashes %v: found %v", keys, needs)
		}
		kept, err := walk.GiveUp(ctx, []installation.Need{{Key: keys[0], Hashing: true, Columns: map[string]int{"audit_batches.seal": 1}}})
		if err != nil || len(kept) != 1 {
			t.Errorf("the audit log was given up: %v, %v", kept, err)
		}
		_, err = walk.GiveUp(ctx, needs)
		if err != nil {
			t.Fatal(err)
		}
		_, err = vault.Drop(key, keys)
		if err != nil {
			t.Fatal(err)
		}
		_, err = installation.OpenVault(ctx, db, key)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := db.KeyedHashes(ctx, nil, "keyed:$")
		if err != nil || len(counts) != 1 || counts["operators.password_hash"] != 1 {
			t.Errorf("left: %v, %v", counts, err)
		}
	})
}
