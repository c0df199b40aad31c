package auth_test

import (
	"path/filepath"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// newBenchWorld is a world on SQLite as it is deployed: every write reaches the disk.
func newBenchWorld(b *testing.B) *world {
	b.Helper()
	db, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	err = db.Migrate(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return newWorld(b, db)
}

func BenchmarkClientCredentials(b *testing.B) {
	w := newBenchWorld(b)
	body := form("grant_type", "client_credentials", "scope", "users_create")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a := w.post(b, "/token", body); a.StatusCode != 200 {
				b.Errorf("%d %s", a.StatusCode, a.text)
			}
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	w := newBenchWorld(b)
	token := oxlin.NewSecret(w.signIn(b, "profile").field("access_token"))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := w.Authenticate(b.Context(), token)
			if err != nil {
				b.Error(err)
			}
		}
	})
}
