package directory_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// newWorld is a platform with the sandbox's clients.
func newWorld(t *testing.T, db *store.DB) *platformtest.World {
	t.Helper()
	w := platformtest.New(t, db, platformtest.Options{Catalogue: platformtest.NoProviders{}})
	err := w.Clients.EnsureSandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
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
			"": false, " \t": false, strings.Repeat("é", 201): false, "a\nb": false, "a\x1b[31mb": false, "a\x00": false, "a\u009b": false, "Bank\u202ekna": false, "Ba\u200bnk": false, "Bank\u2066": false, "a\u2028b": false, "\ufeffBank": false, "Ba\u00adnk": false, "\xff": false,
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
		stored, err := w.Clients.Get(t.Context(), "shop")
		if err != nil || stored.Name != "Shop" || !bytes.Equal(stored.Secrets[0].Hash, vault.HashToken(secret)) {
			t.Errorf("the first is now %+v, %v", stored, err)
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
