package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// A hash that an older release stored without the master key is replaced at the next sign-in
// with the right password.
func TestAnOlderHashIsRenewedAtASignIn(t *testing.T) {
	t.Parallel()
	const older = "$argon2id$v=19$m=19456,t=2,p=1$MqJ0F+WynmZle3jzRmVjwg$V6c3F57zevbX+V5lnxcBHT2VaoJIMhbwdD7HU1T3lZY" // of "an older password"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		stored := func() string {
			t.Helper()
			user, err := db.Read().User(t.Context(), w.user)
			if err != nil {
				t.Fatal(err)
			}
			return user.PasswordHash
		}
		if !strings.HasPrefix(stored(), "keyed:$argon2id$") {
			t.Errorf("a new user has the hash %s", stored())
		}
		err := db.WriteFor(t.Context(), w.user, func(tx *store.Tx) error {
			user, err := tx.Read().User(t.Context(), w.user)
			if err != nil {
				return err
			}
			user.PasswordHash = older
			return tx.UpdateUser(t.Context(), user)
		})
		if err != nil {
			t.Fatal(err)
		}
		signIn := func(password string) int {
			return w.post(t, "/token", form("grant_type", "password", "username", email, "password", password)).StatusCode
		}
		if got := signIn("another"); got != http.StatusBadRequest || stored() != older {
			t.Errorf("a wrong password: %d, and the hash %s", got, stored())
		}
		for _, time := range []string{"first", "second"} {
			if got := signIn("an older password"); got != http.StatusOK || !strings.HasPrefix(stored(), "keyed:") {
				t.Errorf("the %s time: %d, and the hash %s", time, got, stored())
			}
		}
		if got := signIn("another"); got != http.StatusBadRequest {
			t.Errorf("a wrong password after it: %d", got)
		}
	})
}
