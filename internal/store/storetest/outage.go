package storetest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/oxlin/oxlin/internal/store"
)

// Outage makes the database of a running platform refuse every write, and returns a
// function that ends the outage. PostgreSQL closes all connections and accepts no new one.
// SQLite's writing connection becomes read-only, as on a disk that has failed; reading
// continues.
func Outage(t testing.TB, db *store.DB) (end func()) {
	t.Helper()
	if db.Dialect() == store.SQLite {
		pragma := func(value string) {
			_, err := db.SQLite().ExecContext(context.Background(), "PRAGMA query_only("+value+")")
			if err != nil {
				t.Error(err)
			}
		}
		pragma("ON")
		return func() { pragma("OFF") }
	}
	running, err := server()
	if err != nil {
		t.Fatal(err)
	}
	config := db.Postgres().Config().ConnConfig
	name := pgx.Identifier{config.Database}.Sanitize()
	run := func(statement string, args ...any) {
		err := running.Execute(statement, args...)
		if err != nil {
			t.Error(err)
		}
	}
	run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", config.Database)
	return func() { run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true") }
}
