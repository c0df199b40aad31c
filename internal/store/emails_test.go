package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// spellings are one e-mail: with another case, decomposed, and with characters that nobody
// sees.
var spellings = []string{"Andr\u00e9@Example.org", "andre\u0301@example.org", "ANDR\u00c9@EXAMPLE.ORG", "andr\u00e9\u200b@\u2060example.org"}

func TestAUserIsFoundByAnySpellingOfTheEmail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var id oxlin.UserID
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			id, err = tx.InsertUser(ctx, oxlin.User{ClientID: w.client, Email: spellings[0]})
			return err
		})
		for _, spelling := range spellings {
			user := must[oxlin.User](t)(db.Read().UserByEmail(t.Context(), w.client, spelling))
			if user.ID != id || user.Email != spellings[0] {
				t.Errorf("%q finds %v, %q", spelling, user.ID, user.Email)
			}
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.InsertUser(t.Context(), oxlin.User{ClientID: w.client, Email: spelling})
				return err
			})
			if !isEmailTaken(err) {
				t.Errorf("%q is free: %v", spelling, err)
			}
		}
		_, err := db.Read().UserByEmail(t.Context(), w.client, "andre@example.org")
		if !oxlin.IsNotFound(err) {
			t.Errorf("another e-mail: %v", err)
		}
	})
}

// Before e-mails were compared without regard to case, two users could differ by it alone.
// The exact spelling finds each of them; any other spelling finds the user with the key.
func TestUsersWithOneEmailSurviveTheMigration(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.MigrateTo(t.Context(), 21)
			if err != nil {
				t.Fatal(err)
			}
			for _, client := range []string{"a", "b"} {
				execute(t, db, fmt.Sprintf(`INSERT INTO clients (id, name, secret_hashes, redirect_uris, any_redirect_uri, licensed, webhook_url, theme, created_at)
					VALUES ('%s', 'Client', '[]', '[]', FALSE, FALSE, '', '{}', 0)`, client))
			}
			for i, u := range []struct{ client, email string }{
				{"a", "Jo@example.org"}, {"a", "jo@example.org"}, {"a", "JO@example.org"}, {"b", "Jo@example.org"}, {"a", "Max@example.org"},
			} {
				execute(t, db, fmt.Sprintf(`INSERT INTO users (id, client_id, email, password_hash, profile, terms_accepted_at, terms_version, created_at)
					VALUES (%d, '%s', '%s', '', '{}', 0, '', 0)`, i+1, u.client, u.email))
			}
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range []struct {
				client, email string
				want          oxlin.UserID
			}{
				{"a", "Jo@example.org", 1}, {"a", "jo@example.org", 2}, {"a", "JO@example.org", 3}, {"a", "jO@example.org", 2},
				{"b", "jo@example.org", 4}, {"b", "Jo@example.org", 4}, {"a", "max@example.org", 5},
			} {
				if user := must[oxlin.User](t)(db.Read().UserByEmail(t.Context(), oxlin.ClientID(row.client), row.email)); user.ID != row.want {
					t.Errorf("%s of %s is user %v, want %v", row.email, row.client, user.ID, row.want)
				}
			}
			if listed := must[[]oxlin.UserID](t)(db.Read().UsersByExactEmail(t.Context(), 10)); !slices.Equal(listed, []oxlin.UserID{1, 3}) {
				t.Errorf("listed: %v", listed)
			}
			// A change of something else keeps them apart.
			user := must[oxlin.User](t)(db.Read().User(t.Context(), 3))
			user.Profile.FirstName = "Jo"
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUser(ctx, user) })
			if user := must[oxlin.User](t)(db.Read().UserByEmail(t.Context(), "a", "JO@example.org")); user.ID != 3 {
				t.Errorf("after a change, the e-mail is that of user %v", user.ID)
			}
		})
	}
}
