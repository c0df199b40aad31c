package store_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// Secrets were a list of hashes before they had an end.
func TestSecretsSurviveTheMigration(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.MigrateTo(t.Context(), 99)
			if err != nil {
				t.Fatal(err)
			}
			hash := func(secret string) []byte { sum := sha256.Sum256([]byte(secret)); return sum[:] }
			clients := map[string][][]byte{"public": nil, "empty": {}, "one": {hash("a")}, "two": {hash("b"), hash("c")}}
			for id, hashes := range clients {
				text := must[[]byte](t)(json.Marshal(hashes))
				execute(t, db, fmt.Sprintf(`INSERT INTO clients (id, name, secret_hashes, redirect_uris, any_redirect_uri, licensed, theme, created_at)
					VALUES ('%s', 'Client', '%s', '[]', FALSE, FALSE, '{}', 0)`, id, text))
			}
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for id, hashes := range clients {
				got := must[oxlin.Client](t)(db.Read().Client(t.Context(), oxlin.ClientID(id))).Secrets
				same := func(s oxlin.ClientSecret, hash []byte) bool {
					return slices.Equal(s.Hash, hash) && s.MadeAt.IsZero() && s.EndsAt.IsZero()
				}
				if !slices.EqualFunc(got, hashes, same) {
					t.Errorf("%s has the secrets %v, want %x", id, got, hashes)
				}
			}
		})
	}
}

func TestUsesOfSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			err := db.Write(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), oxlin.Client{ID: "c"}) })
		uses := func() string {
			t.Helper()
			text := ""
			for _, use := range must[[]store.SecretUse](t)(store.SecretUses(t.Context(), db.Read(), "c")) {
				text += fmt.Sprintf("%x %s ", use.Hash, use.Day.Format(time.DateOnly))
			}
			return text
		}
		for _, at := range []time.Time{day, day.AddDate(0, 0, 1), day} { // a slower node comes last
			write(func(tx *store.Tx) error {
				return tx.Clients().RecordUse(t.Context(), "c", store.SecretUse{Hash: []byte{1}, Day: at})
			})
		}
		if got := uses(); got != "01 2026-12-01 " {
			t.Errorf("stored: %s", got)
		}
		write(func(tx *store.Tx) error { return tx.Clients().ForgetUse(t.Context(), "c", []byte{1}) })
		if got := uses(); got != "" {
			t.Errorf("after the end of the secret: %s", got)
		}
		write(func(tx *store.Tx) error {
			return tx.Clients().RecordUse(t.Context(), "c", store.SecretUse{Hash: []byte{2}, Day: day})
		})
		write(func(tx *store.Tx) error { return tx.Clients().BeginDeletion(t.Context(), "c") })
		write(func(tx *store.Tx) error { return tx.Clients().EndDeletion(t.Context(), "c") })
		if got := uses(); got != "" {
			t.Errorf("after the end of the client: %s", got)
		}
	})
}
