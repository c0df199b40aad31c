package storetest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/store/postgrestest"
)

// migratedTemplate is the database from which new ones are copied.
const migratedTemplate = "oxlin_template"

// server starts PostgreSQL once.
var server = sync.OnceValues(func() (*postgrestest.Server, error) {
	running, err := postgrestest.Start(false)
	if err != nil {
		return nil, err
	}
	err = running.Create(migratedTemplate, "template0")
	if err != nil {
		return nil, err
	}
	return running, migrate(running.Address(migratedTemplate))
})

var created atomic.Int64

// createDatabase copies a template and returns the address of the copy.
func createDatabase(t testing.TB, template string) string {
	t.Helper()
	running, err := server()
	if errors.Is(err, postgrestest.ErrMissing) {
		omit.Skip(t, 1, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strconv.FormatInt(created.Add(1), 10)
	err = running.Create(name, template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := running.Execute("DROP DATABASE " + name + " WITH (FORCE)")
		if err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return running.Address(name)
}
