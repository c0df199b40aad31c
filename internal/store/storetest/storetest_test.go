package storetest_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestEachGivesAMigratedEmptyDatabase(t *testing.T) {
	storetest.Postgres(t) // without PostgreSQL there is only one database
	dialects := map[store.Dialect]int{}
	for range 2 {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			dialects[db.Dialect()]++
			clients, err := db.Read().Clients(t.Context())
			if err != nil || len(clients) != 0 {
				t.Fatalf("clients: %v, %v; want none", clients, err)
			}
			err = db.Write(t.Context(), func(tx *store.Tx) error {
				return tx.SaveClient(t.Context(), oxlin.Client{ID: "a"})
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if dialects[store.SQLite] != 2 || dialects[store.Postgres] != 2 {
		t.Errorf("ran on %v; want twice on both", dialects)
	}
}

func TestPostgresGivesAnEmptyDatabase(t *testing.T) {
	db, err := store.Open(t.Context(), storetest.Postgres(t), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.Read().Clients(t.Context())
	if err == nil {
		t.Error("the database is migrated")
	}
	err = db.Migrate(t.Context())
	if err != nil {
		t.Error(err)
	}
}
