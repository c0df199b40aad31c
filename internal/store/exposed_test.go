package store_test

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store"
)

func TestAConnectionThatOthersMayReadIsExposed(t *testing.T) {
	t.Setenv("PGHOST", "db.example")
	for address, exposed := range map[string]bool{
		"":                               false,
		"sqlite:/var/lib/oxlin/oxlin.db": false,
		"postgres://db.example/oxlin":    true, // prefers TLS, and does without
		"postgres://db.example/oxlin?sslmode=disable":                      true,
		"postgres://db.example/oxlin?sslmode=allow":                        true,
		"postgres://db.example/oxlin?sslmode=require":                      true, // takes any certificate
		"postgres://db.example/oxlin?sslmode=verify-full":                  false,
		"postgres://10.0.0.7/oxlin?sslmode=disable":                        true,
		"postgres://127.0.0.1/oxlin?sslmode=disable":                       false,
		"postgres://[::1]/oxlin":                                           false,
		"postgres://localhost/oxlin":                                       false,
		"postgres:///oxlin?host=/var/run/postgresql":                       false,
		"postgres://127.0.0.1,db.example/oxlin?sslmode=disable":            true,
		"postgresql://one.example,other.example/oxlin?sslmode=verify-full": false,
		"postgres://%": false,
	} {
		if got := store.Exposed(address); got != exposed {
			t.Errorf("%s: %t", address, got)
		}
	}
}
