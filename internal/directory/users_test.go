package directory_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

const email = "jo@example.test"

func TestCreateUser(t *testing.T) {
	t.Parallel()
	rows := []struct {
		fact, email, password string
		code                  oxlin.Code
		field                 string
	}{
		{"64 hexadecimal digits", "a@example.test", strings.Repeat("9f86d081", 8), "", ""},
		{"72 characters", "b@example.test", strings.Repeat("é", 72), "", ""},
		{"one character", "c@example.test", "x", "", ""},
		{"1024 bytes", "d@example.test", strings.Repeat("x", 1024), "", ""},
		{"an address with a plus", "e+tag@sub.example.test", "x", "", ""},
		{"no password", "f@example.test", "", oxlin.CodeInvalidRequest, "password"},
		{"1025 bytes", "g@example.test", strings.Repeat("x", 1025), oxlin.CodeInvalidRequest, "password"},
		{"no e-mail", "", "x", oxlin.CodeInvalidRequest, "email"},
		{"no address", "example.test", "x", oxlin.CodeInvalidRequest, "email"},
		{"a name with the address", "Jo <h@example.test>", "x", oxlin.CodeInvalidRequest, "email"},
		{"an address beyond measure", strings.Repeat("i", 250) + "@example.test", "x", oxlin.CodeInvalidRequest, "email"},
		{"an e-mail that exists", email, "x", oxlin.CodeEmailTaken, "email"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		_, err := w.Users.Create(t.Context(), oxlin.Client{ID: "sandbox"}, email, oxlin.NewSecret("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			t.Run(row.fact, func(t *testing.T) {
				id, err := w.Users.Create(t.Context(), oxlin.Client{ID: "sandbox"}, row.email, oxlin.NewSecret(row.password))
				if row.code != "" {
					if shown := oxlin.AsError(err); shown.Code != row.code || shown.Field != row.field {
						t.Errorf("got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				stored, err := db.Read().UserByEmail(t.Context(), "sandbox", row.email)
				if err != nil || stored.ID != id {
					t.Fatalf("stored as %s, %v", stored.ID, err)
				}
				same, err := w.Vault.CheckPassword(t.Context(), vault.Asker{}, stored.PasswordHash, oxlin.NewSecret(row.password))
				if err != nil || !same {
					t.Errorf("the password does not match its hash: %v", err)
				}
			})
		}
		_, err = w.Users.Create(t.Context(), oxlin.Client{ID: "sandbox-licensed"}, email, oxlin.NewSecret("x"))
		if err != nil {
			t.Errorf("another client's user with the same e-mail: %v", err)
		}
	})
}

// Users sign in with their e-mail: its change is recorded, without the address.
func TestAChangedUserIsRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		client := oxlin.Client{ID: "sandbox"}
		id, err := w.Users.Create(t.Context(), client, "anne@example.test", oxlin.NewSecret("a password of five words"))
		if err != nil {
			t.Fatal(err)
		}
		caller := oxlin.Caller{Client: client, UserID: id}
		for _, change := range []func(*oxlin.User){
			func(u *oxlin.User) { u.Email = "anna@example.test" },
			func(u *oxlin.User) { u.Profile.FirstName = "Anna" },
			func(u *oxlin.User) { u.Email, u.Profile.LastName = "anne@example.test", "Martin" },
			func(*oxlin.User) {},
		} {
			err := w.Users.Change(t.Context(), caller, change)
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := changes(t, w); !slices.Equal(got, []string{"email", "email,profile", "profile"}) {
			t.Errorf("recorded %q", got)
		}
	})
}

// changes lists what the entries of changed users name, in the order of the alphabet.
func changes(t *testing.T, w *platformtest.World) (all []string) {
	t.Helper()
	err := w.Audit.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if line.Action == audit.UserChanged {
			all = append(all, line.Details[string(audit.Changed)])
		}
	}
	slices.Sort(all)
	return all
}
