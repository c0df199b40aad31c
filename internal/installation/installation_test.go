package installation_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

func keyIn(folder, name string) vault.Options {
	return vault.Options{KeyFile: filepath.Join(folder, name)}
}

func TestADatabaseKeepsItsFirstKeyAndKind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, folder := t.Context(), t.TempDir()
		// Two processes start at once, each with a key of its own.
		first, err := installation.OpenVault(ctx, db, keyIn(folder, "first"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := installation.OpenVault(ctx, db, keyIn(folder, "second"))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			v       *vault.Vault
			sandbox bool
			want    error
		}{
			{first, false, nil},
			{first, false, nil},
			{second, false, installation.ErrOtherKey},
			{first, true, installation.ErrReal},
		} {
			err := installation.Admit(ctx, db, row.v, row.sandbox)
			if !errors.Is(err, row.want) {
				t.Errorf("%v: want %v, got %v", row.sandbox, row.want, err)
			}
		}
		for name, want := range map[string]error{"first": nil, "second": installation.ErrOtherKey, "third": installation.ErrNoKey} {
			_, err := installation.OpenVault(ctx, db, keyIn(folder, name))
			if !errors.Is(err, want) {
				t.Errorf("the key %s: want %v, got %v", name, want, err)
			}
		}
		// Rotation adds a key, and the older one still opens the check.
		_, err = vault.Rotate(keyIn(folder, "first"), false)
		if err == nil {
			_, err = installation.OpenVault(ctx, db, keyIn(folder, "first"))
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// A database of an older version has no check: its users, or what it has sealed, keep it
// from a new key.
func TestADatabaseInUseGetsNoNewKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, folder := t.Context(), t.TempDir()
		v, err := installation.OpenVault(ctx, db, keyIn(folder, "key"))
		if err != nil {
			t.Fatal(err)
		}
		write := func(f func(tx *store.Tx) error) {
			t.Helper()
			err := db.Write(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *store.Tx) error { return tx.SaveClient(ctx, oxlin.Client{ID: "shop"}) })
		_, err = installation.OpenVault(ctx, db, keyIn(folder, "a client needs no key"))
		if err != nil {
			t.Error(err)
		}
		write(func(tx *store.Tx) error {
			_, err := tx.InsertUser(ctx, oxlin.User{ClientID: "shop", Email: "jo@example.test"})
			return err
		})
		_, err = installation.OpenVault(ctx, db, keyIn(folder, "absent"))
		if !errors.Is(err, installation.ErrNoKey) {
			t.Errorf("with a user: %v", err)
		}
		sealed, err := v.Seal([]byte("a key"), vault.Place{Table: "signing_keys", Column: "private_key", Row: "id"})
		if err != nil {
			t.Fatal(err)
		}
		write(func(tx *store.Tx) error {
			return tx.Auth().InsertSigningKey(ctx, store.SigningKey{ID: "id", PrivateKey: sealed, CreatedAt: time.Now()})
		})
		for name, want := range map[string]error{"key": nil, "a client needs no key": installation.ErrOtherKey, "absent": installation.ErrNoKey} {
			_, err := installation.OpenVault(ctx, db, keyIn(folder, name))
			if !errors.Is(err, want) {
				t.Errorf("the key %q: want %v, got %v", name, want, err)
			}
		}
	})
}
