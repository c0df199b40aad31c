package auth_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestClientIsCreatedAndItsSecretRotated(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		created, first, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}, Licensed: true})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := db.Read().Client(t.Context(), created.ID)
		if err != nil || stored.Name != "Shop" || !stored.Licensed || !slices.Equal(stored.RedirectURIs, []string{callback}) {
			t.Errorf("stored %+v, %v", stored, err)
		}
		works := func(secret oxlin.Secret) bool {
			return w.post(t, "/token", "grant_type=client_credentials", "Authorization", basic(string(created.ID), secret.Reveal())).StatusCode == 200
		}
		secrets := []oxlin.Secret{first}
		for range 2 {
			secret, err := w.Clients.RotateSecret(t.Context(), created.ID, false)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, secret)
		}
		if works(secrets[0]) || !works(secrets[1]) || !works(secrets[2]) {
			t.Error("valid are not the newest secret and the one before")
		}
		newest, err := w.Clients.RotateSecret(t.Context(), created.ID, true)
		if err != nil || !works(newest) || works(secrets[1]) || works(secrets[2]) {
			t.Errorf("at once: %v, and not the newest secret alone is valid", err)
		}
		_, err = w.Clients.RotateSecret(t.Context(), "nobody", false)
		if !oxlin.IsNotFound(err) {
			t.Errorf("an unknown client: %v", err)
		}
	})
}

func TestADisabledClientIsRefusedAtEveryDoor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		signedIn, machine := w.signIn(t, ""), w.post(t, "/token", form("grant_type", "client_credentials"))
		set := func(disabled bool) {
			t.Helper()
			err := w.Clients.SetDisabled(t.Context(), "sandbox", disabled)
			if err != nil {
				t.Fatal(err)
			}
		}
		check := func(fact string, enabled bool) {
			t.Helper()
			page := w.get(t, signinPath())
			_, err := w.AuthenticateClient(t.Context(), "sandbox", secretOf("sandbox-secret"))
			for door, open := range map[string]bool{
				"the sign-in page":    page.StatusCode == http.StatusOK,
				"a user's token":      w.works(t, signedIn.field("access_token")),
				"the client's token":  w.works(t, machine.field("access_token")),
				"the client's secret": err == nil,
				"the token endpoint":  w.post(t, "/token", form("grant_type", "client_credentials")).StatusCode == http.StatusOK,
			} {
				if open != enabled {
					t.Errorf("%s: %s is open: %v", fact, door, open)
				}
			}
		}
		check("before", true)
		set(true)
		check("disabled", false)
		if a := w.refresh(t, signedIn.field("refresh_token")); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("a refresh: %d %s", a.StatusCode, a.text)
		}
		set(false)
		check("enabled again", true)
	})
}

// /token and AuthenticateClient accept the same credentials.
func TestClientIsAuthenticatedByItsSecret(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		public, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "App", Public: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			fact       string
			id, secret string
			good       bool
		}{
			{"the right secret", "sandbox", "sandbox-secret", true},
			{"a wrong secret", "sandbox", "sandbox-secret ", false},
			{"another client's secret", "sandbox", "sandbox-licensed-secret", false},
			{"no secret", "sandbox", "", false},
			{"an unknown client", "nobody", "sandbox-secret", false},
			{"no client", "", "", false},
			{"a client that is no text", "sand\x00box\xff", "sandbox-secret", false},
			{"a public client", string(public.ID), "", true},
			{"a public client with a secret", string(public.ID), "x", false},
		} {
			t.Run(row.fact, func(t *testing.T) {
				found, err := w.AuthenticateClient(t.Context(), oxlin.ClientID(row.id), oxlin.NewSecret(row.secret))
				if row.good && (err != nil || string(found.ID) != row.id) {
					t.Errorf("got %v, %v", found.ID, err)
				}
				if !row.good && (oxlin.AsError(err).Code != oxlin.CodeInvalidClient || found.ID != "") {
					t.Errorf("got %v, %v", found.ID, err)
				}
				a := w.post(t, "/token", "grant_type=refresh_token&refresh_token=x", "Authorization", basic(url.QueryEscape(row.id), row.secret))
				if authenticated := a.field("error") == "invalid_grant"; authenticated != row.good {
					t.Errorf("/token: %d %s", a.StatusCode, a.text)
				}
			})
		}
	})
}

func TestSweepRemovesWhatHasExpiredOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		signedIn := w.signIn(t, "")
		sweep := func() {
			t.Helper()
			err := w.Sweep(t.Context())
			if err != nil {
				t.Fatal(err)
			}
		}
		sweep()
		if !w.works(t, signedIn.field("access_token")) {
			t.Error("a living access token was removed")
		}
		w.Clock.Advance(2 * time.Hour)
		sweep()
		w.Clock.Advance(-2 * time.Hour) // what was removed does not come back
		if w.works(t, signedIn.field("access_token")) {
			t.Error("an expired access token is still there")
		}
		if a := w.refresh(t, signedIn.field("refresh_token")); a.StatusCode != 200 {
			t.Errorf("the refresh token: %d %s", a.StatusCode, a.text)
		}
	})
}
