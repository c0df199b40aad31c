package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// Each runs a test on both databases, as the sub-tests SQLite and PostgreSQL. The
// database is migrated, empty and closed after the test.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		db, _ := SQLite(t)
		test(t, db)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, open(t, createDatabase(t, migratedTemplate)))
	})
}

// SQLite returns a migrated and empty SQLite database, for tests that do not depend on the
// database, and the path of its file. The database is closed after the test.
func SQLite(t testing.TB) (db *store.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	image, err := migratedSQLite()
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(path, image, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, "sqlite:"+path), path
}

// Postgres returns the address of a new PostgreSQL database, empty and not
// migrated, for tests that open it themselves. It is dropped after the test.
func Postgres(t testing.TB) string {
	t.Helper()
	return createDatabase(t, "template0")
}

// Addresses returns the address of a new database of each kind by its name, empty and not
// migrated, for tests that open it themselves. Without PostgreSQL, it returns only SQLite.
func Addresses(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "test.db")}
	_, err := server()
	if errors.Is(err, postgrestest.ErrMissing) {
		omit.Note(t, 1, err.Error())
		return all
	}
	all["PostgreSQL"] = Postgres(t)
	return all
}

func open(t testing.TB, address string) *store.DB {
	t.Helper()
	// Tests do not need durability, and use the sandbox's clients.
	db, err := store.Open(t.Context(), address, store.Options{Relaxed: true, Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := db.Close()
		if err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}

// migratedSQLite is the file of a migrated database. Copying it is faster than
// migrating.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "oxlin-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	err = migrate("sqlite:" + path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migrate opens, migrates and closes; closing writes the log into the file.
func migrate(address string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, address, store.Options{Relaxed: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}
