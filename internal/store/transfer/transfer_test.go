package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/store/transfer"
)

// users is more than one transaction of the copy takes.
const users = 1300

// source is a database with rows that are odd where the two kinds of databases differ.
func source(t *testing.T, db *store.DB) (last oxlin.UserID) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		// Their order depends on the language, if not by bytes.
		for _, id := range []oxlin.ClientID{"client", "Client", "clïent", "client-2", "client 2", "éclair"} {
			err := tx.SaveClient(t.Context(), oxlin.Client{ID: id, Name: "Ünïcode 🏦", CreatedAt: time.UnixMicro(1_700_000_000_123_457)})
			if err != nil {
				return err
			}
		}
		for n := range users {
			id, err := tx.InsertUser(t.Context(), oxlin.User{ClientID: "client", Email: fmt.Sprintf("user%d@example.org", n)})
			if err != nil {
				return err
			}
			last = id
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		fmt.Sprintf("DELETE FROM users WHERE id > %d", last-3), // their ids never come back
		`INSERT INTO held_accesses (question_hash, state_hash, provider_id, definition_id, access, answered, expires_at)
			SELECT ` + blob(db, "00ff") + ", " + blob(db, "") + ", '', '', " + blob(db, "") + ", true, 9223372036854775807",
		`INSERT INTO held_accesses (question_hash, state_hash, provider_id, definition_id, access, answered, expires_at)
			SELECT ` + blob(db, "ff") + ", " + blob(db, "7f") + ", '', '', " + blob(db, "0a") + ", false, -9223372036854775808",
		"UPDATE users SET email_key = NULL WHERE id % 2 = 0",
	} {
		change(t, db, statement)
	}
	return last
}

func blob(db *store.DB, hex string) string {
	if db.Dialect() == store.Postgres {
		return "'\\x" + hex + "'::bytea"
	}
	return "x'" + hex + "'"
}

func change(t *testing.T, db *store.DB, statement string) {
	t.Helper()
	var err error
	if db.Dialect() == store.Postgres {
		_, err = db.Postgres().Exec(t.Context(), statement)
	} else {
		_, err = db.SQLite().ExecContext(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, address string, options store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// copying is a copy whose tables are counted.
func copying(from, to *store.DB, counted map[string]int) transfer.Options {
	return transfer.Options{
		From: from, To: to, Jobs: func(context.Context) error { return nil },
		Copied: func(string, int) {}, Compared: func(table string, rows int) { counted[table] = rows },
	}
}

// pairs runs a test from each kind of database to each.
func pairs(t *testing.T, test func(t *testing.T, from *store.DB, to string)) {
	for _, kind := range []store.Dialect{store.SQLite, store.Postgres} {
		storetest.Each(t, func(t *testing.T, from *store.DB) {
			t.Run("to "+string(kind), func(t *testing.T) {
				to := "sqlite:" + t.TempDir() + "/copy.db"
				if kind == store.Postgres {
					to = storetest.Postgres(t)
				}
				test(t, from, to)
			})
		})
	}
}

func TestACopyHasEveryRow(t *testing.T) {
	pairs(t, func(t *testing.T, from *store.DB, address string) {
		last := source(t, from)
		counted := map[string]int{}
		err := transfer.Run(t.Context(), copying(from, open(t, address, store.Options{Filling: true}), counted))
		if err != nil {
			t.Fatal(err)
		}
		if counted["users"] != users-3 || counted["clients"] != 6 || counted["held_accesses"] != 2 || counted["installation"] != 1 {
			t.Errorf("compared: %v", counted)
		}
		to := open(t, address, store.Options{})
		err = to.CheckSchema(t.Context())
		if err != nil {
			t.Fatalf("the copy is not served: %v", err)
		}
		err = to.Write(t.Context(), func(tx *store.Tx) error {
			next, err := tx.InsertUser(t.Context(), oxlin.User{ClientID: "client", Email: "next@example.org"})
			if err == nil && next != last+1 {
				t.Errorf("the next user is %s; the ids of deleted users go to %s", next, last)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		connection, err := firstConnection(t, to, last-3)
		if err != nil || connection < 1_000_000_001 { // contract §12.15
			t.Errorf("the first connection is %d, %v", connection, err)
		}
	})
}

func firstConnection(t *testing.T, db *store.DB, user oxlin.UserID) (id oxlin.ConnectionID, err error) {
	err = db.Write(t.Context(), func(tx *store.Tx) (err error) {
		id, err = tx.InsertConnection(t.Context(), oxlin.Connection{UserID: user, ProviderID: "87"})
		return err
	})
	return id, err
}

// TestAnInterruptedCopyGoesOn stops a copy after each of its transactions in turn.
func TestAnInterruptedCopyGoesOn(t *testing.T) {
	pairs(t, func(t *testing.T, from *store.DB, address string) {
		source(t, from)
		for stop := 1; ; stop++ {
			to := open(t, address, store.Options{Filling: true})
			ctx, cancel := context.WithCancel(t.Context())
			options := copying(from, to, map[string]int{})
			options.Jobs = func(context.Context) error {
				if stop == 2 {
					return errors.New("killed after the tables")
				}
				return nil
			}
			options.Copied = func(table string, _ int) {
				if stop == 1 && table == "clients" {
					cancel()
				}
			}
			err := transfer.Run(ctx, options)
			cancel()
			if stop < 3 && err == nil {
				t.Fatal("the copy was not interrupted")
			}
			if stop == 3 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, refusal := range []func(context.Context) error{
				open(t, address, store.Options{}).CheckSchema, open(t, address, store.Options{}).Migrate,
			} {
				err = refusal(t.Context())
				if !errors.Is(err, store.ErrUnfinished) {
					t.Errorf("half a copy may be used: %v", err)
				}
			}
			if stop == 1 { // a part of a table is there
				change(t, to, "DELETE FROM users WHERE id > (SELECT min(id) + 600 FROM users)")
			}
		}
	})
}

func TestACopyThatDiffersIsNotServed(t *testing.T) {
	for _, row := range []struct{ name, from, to, where string }{
		{name: "a value", to: "UPDATE users SET terms_version = 'other' WHERE id = (SELECT max(id) FROM users)", where: "compare users: the copy differs: the column terms_version"},
		{name: "a row more", to: "INSERT INTO client_assertions (hash, expires_at) VALUES (''::bytea, 1)", where: "compare client_assertions"},
		{name: "a row less", to: "DELETE FROM held_accesses", where: "compare held_accesses"},
		{name: "the source goes on", from: "UPDATE installation SET kind = 'real'", where: "compare installation"},
	} {
		t.Run(row.name, func(t *testing.T) {
			from, _ := storetest.SQLite(t)
			source(t, from)
			address := storetest.Postgres(t)
			to := open(t, address, store.Options{Filling: true})
			options := copying(from, to, map[string]int{})
			options.Jobs = func(context.Context) error {
				if row.from != "" {
					change(t, from, row.from)
				}
				if row.to != "" {
					change(t, to, row.to)
				}
				return nil
			}
			err := transfer.Run(t.Context(), options)
			if !errors.Is(err, transfer.ErrDiffers) || !strings.Contains(err.Error(), row.where) {
				t.Errorf("want %q: %v", row.where, err)
			}
			err = open(t, address, store.Options{}).CheckSchema(t.Context())
			if !errors.Is(err, store.ErrUnfinished) {
				t.Errorf("the copy may be used: %v", err)
			}
		})
	}
}

func TestACopyNeedsAnEmptyDatabase(t *testing.T) {
	pairs(t, func(t *testing.T, from *store.DB, address string) {
		to := open(t, address, store.Options{Filling: true})
		err := to.Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = transfer.Run(t.Context(), copying(from, to, map[string]int{}))
		if !errors.Is(err, store.ErrNotEmpty) {
			t.Error(err)
		}
	})
}

// TestEveryTableIsCopied compares the tables of a copy with those of PostgreSQL.
func TestEveryTableIsCopied(t *testing.T) {
	from, _ := storetest.SQLite(t)
	to := open(t, storetest.Postgres(t), store.Options{Filling: true})
	counted := map[string]int{}
	err := transfer.Run(t.Context(), copying(from, to, counted))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := to.Postgres().Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		err = rows.Scan(&name)
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
		if _, ok := counted[name]; !ok && name != "goose_db_version" {
			t.Errorf("%s is not copied", name)
		}
	}
	if len(tables) < 30 || !slices.Contains(tables, "transactions") {
		t.Errorf("the tables are %v", tables)
	}
}
