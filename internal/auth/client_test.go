package auth_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
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
			secret, err := w.Clients.RotateSecret(t.Context(), created.ID, directory.Rotation{})
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, secret)
		}
		if works(secrets[0]) || !works(secrets[1]) || !works(secrets[2]) {
			t.Error("valid are not the newest secret and the one before")
		}
		newest, err := w.Clients.RotateSecret(t.Context(), created.ID, directory.Rotation{AtOnce: true})
		if err != nil || !works(newest) || works(secrets[1]) || works(secrets[2]) {
			t.Errorf("at once: %v, and not the newest secret alone is valid", err)
		}
		_, err = w.Clients.RotateSecret(t.Context(), "nobody", directory.Rotation{})
		if !oxlin.IsNotFound(err) {
			t.Errorf("an unknown client: %v", err)
		}
	})
}

// A secret ends like a wrong one to whoever brings it, and the audit log tells the difference.
func TestASecretEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c, first, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}, SecretDays: 30})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(secret oxlin.Secret) answer {
			t.Helper()
			return w.post(t, "/token", "grant_type=client_credentials", "Authorization", basic(string(c.ID), secret.Reveal()))
		}
		made := w.Clock.Now()
		token := ask(first)
		if token.StatusCode != http.StatusOK {
			t.Fatalf("before its end: %d %s", token.StatusCode, token.text)
		}
		w.Clock.Set(made.AddDate(0, 0, 30).Add(-time.Second))
		if a := ask(first); a.StatusCode != http.StatusOK {
			t.Errorf("in its last second: %d %s", a.StatusCode, a.text)
		}
		second, err := w.Clients.RotateSecret(t.Context(), c.ID, directory.Rotation{})
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(made.AddDate(0, 0, 30))
		ended, wrong, none := ask(first), ask(secretOf("wrong")), w.post(t, "/token", "grant_type=client_credentials&client_id="+string(c.ID))
		if ended.StatusCode != http.StatusUnauthorized || ended.field("error") != "invalid_client" || ended.text != wrong.text {
			t.Errorf("after its end: %d %s; a wrong one: %d %s", ended.StatusCode, ended.text, wrong.StatusCode, wrong.text)
		}
		if none.StatusCode != http.StatusUnauthorized {
			t.Errorf("without a secret: %d %s", none.StatusCode, none.text)
		}
		if a := ask(second); a.StatusCode != http.StatusOK {
			t.Errorf("the second secret, without an end: %d %s", a.StatusCode, a.text)
		}
		err = w.Audit.Flush(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 1000)
		kinds := map[string]int{}
		for _, line := range lines {
			if line.Action == audit.SecretRefused && line.Client == c.ID {
				kinds[line.Details[string(audit.Kind)]]++
			}
		}
		if err != nil || kinds["ended"] != 1 || kinds[""] != 2 {
			t.Errorf("the audit log has %v, %v", kinds, err)
		}
		uses, err := w.Clients.SecretUses(t.Context(), c.ID)
		stored, readErr := db.Read().Client(t.Context(), c.ID)
		if err != nil || readErr != nil || len(stored.Secrets) != 2 {
			t.Fatal(err, readErr, stored.Secrets)
		}
		// A refused use counts for nothing.
		for i, day := range []string{"2026-03-31", "2026-03-31"} {
			if got := uses[stored.Secrets[i].Fingerprint()].Format(time.DateOnly); got != day {
				t.Errorf("secret %d was last used on %s, want %s", i, got, day)
			}
		}
	})
}

// A client does not become a public one when its only secret ends.
func TestAClientWithoutAValidSecretIsNotPublic(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	c, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{callback}, SecretDays: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(48 * time.Hour)
	stored, err := db.Read().Client(t.Context(), c.ID)
	if err != nil || stored.IsPublic() || stored.AuthenticatesBy() != "secret" {
		t.Errorf("%+v, %v: a public client", stored, err)
	}
	if a := w.post(t, "/token", "grant_type=refresh_token&refresh_token=x&client_id="+string(c.ID)); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("without its secret: %d %s", a.StatusCode, a.text)
	}
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
