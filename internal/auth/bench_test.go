package auth_test

import (
	"testing"

	"github.com/oxlin/oxlin"
)

func BenchmarkClientCredentials(b *testing.B) {
	w := newFileWorld(b)
	body := form("grant_type", "client_credentials", "scope", "users_create")
	b.SetParallelism(8) // the writer is one; the clients are many
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a := w.post(b, "/token", body); a.StatusCode != 200 {
				b.Errorf("%d %s", a.StatusCode, a.text)
			}
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	w := newFileWorld(b)
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
