package auth_test

import (
	"net/url"
	"slices"
	"strings"
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
			secret, err := w.Clients.RotateSecret(t.Context(), created.ID)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, secret)
		}
		if works(secrets[0]) || !works(secrets[1]) || !works(secrets[2]) {
			t.Error("valid are not the newest secret and the one before")
		}
		_, err = w.Clients.RotateSecret(t.Context(), "nobody")
		if !oxlin.IsNotFound(err) {
			t.Errorf("an unknown client: %v", err)
		}
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

func TestNameIsOneLineOfText(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		changing, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop"})
		if err != nil {
			t.Fatal(err)
		}
		for name, good := range map[string]bool{
			"S": true, "Le café d'à côté": true, "店 👩‍👧": true, strings.Repeat("é", 200): true,
			"": false, " \t": false, strings.Repeat("é", 201): false, "a\nb": false, "a\x1b[31mb": false, "a\x00": false, "a\u009b": false, "\xff": false,
		} {
			created, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: name})
			if (err == nil) != good || !good && oxlin.AsError(err).Field != "name" || good && created.Name != name {
				t.Errorf("created as %q: %v", name, err)
			}
			changing.Name = name
			err = w.Clients.Change(t.Context(), changing)
			stored, readErr := db.Read().Client(t.Context(), changing.ID)
			if (err == nil) != good || readErr != nil || (stored.Name == name) != good {
				t.Errorf("changed to %q: %v, %v: %q", name, err, readErr, stored.Name)
			}
		}
	})
}

func TestAnIDThatIsTakenMakesNoClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		created, secret, err := w.Clients.Create(t.Context(), directory.NewClient{ID: "shop", Name: "Shop"})
		if err != nil || created.ID != "shop" {
			t.Fatalf("created %q, %v", created.ID, err)
		}
		_, _, err = w.Clients.Create(t.Context(), directory.NewClient{ID: "shop", Name: "Another"})
		if oxlin.AsError(err).Code != oxlin.CodeConflict {
			t.Errorf("a second one: %v", err)
		}
		found, err := w.AuthenticateClient(t.Context(), "shop", secret)
		if err != nil || found.Name != "Shop" {
			t.Errorf("the first is now %+v, %v", found, err)
		}
	})
}

func TestRedirectURIIsCheckedWhenItIsRegistered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for uri, good := range map[string]bool{
			"https://client.test/cb": true, "http://127.0.0.1:8080/cb": true, "http://localhost/cb": true, "http://[::1]:9/cb": true,
			"com.example.app:/cb": true, "javascript:alert(1)": false, "data:text/html,x": false, "http://client.test/cb": false, "/cb": false, "https://client.test/#x": false, "https:///cb": false, "": false, "%": false, "https://client.test/\xff": false,
		} {
			_, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", RedirectURIs: []string{uri}})
			if (err == nil) != good || !good && oxlin.AsError(err).Field != "redirect_uri" {
				t.Errorf("%q: %v", uri, err)
			}
		}
	})
}

func TestWebhookURLIsCheckedWhenItIsRegistered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		changing, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop"})
		if err != nil {
			t.Fatal(err)
		}
		for uri, good := range map[string]bool{
			"": true, "https://client.test/hook?key=1": true, "http://127.0.0.1:8080/": true, "http://localhost/hook": true,
			"http://client.test/": false, "https:///hook": false, "client.test": false, "app:/hook": false, "%": false,
			"https://client.test/\xff": false, "https://me:pw@client.test/": false, "https://me@client.test/": false,
		} {
			created, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop", WebhookURL: uri})
			if (err == nil) != good || !good && oxlin.AsError(err).Field != "webhook_url" || good && created.WebhookURL != uri {
				t.Errorf("created with %q: %v", uri, err)
			}
			changing.WebhookURL = uri
			err = w.Clients.Change(t.Context(), changing)
			stored, readErr := db.Read().Client(t.Context(), changing.ID)
			if (err == nil) != good || readErr != nil || (stored.WebhookURL == uri) != good {
				t.Errorf("changed to %q: %v, %v: %q", uri, err, readErr, stored.WebhookURL)
			}
		}
	})
}

func TestSandboxClientsAreEnsuredMoreThanOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		err := w.Clients.EnsureSandbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for id, licensed := range map[oxlin.ClientID]bool{"sandbox": false, "sandbox-licensed": true} {
			c, err := db.Read().Client(t.Context(), id)
			if err != nil || c.Licensed != licensed || !c.MayRedirectTo("https://anything.test/") {
				t.Errorf("%+v, %v", c, err)
			}
		}
	})
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	rows := []struct {
		fact, email, password string
		code                  oxlin.Code
		field                 string
	}{
		{"64 hexadecimal digits", "a@example.test", password, "", ""},
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
				a := w.post(t, "/token", form("grant_type", "password", "username", row.email, "password", row.password))
				g, err := w.Authenticate(t.Context(), oxlin.NewSecret(a.field("access_token")))
				if err != nil || g.UserID != id {
					t.Errorf("signed in as %v, %v", g.UserID, err)
				}
			})
		}
		_, err := w.Users.Create(t.Context(), oxlin.Client{ID: "sandbox-licensed"}, email, oxlin.NewSecret("x"))
		if err != nil {
			t.Errorf("another client's user with the same e-mail: %v", err)
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
