// Package installation decides whether a process may serve a database: with this master
// key, and as this kind of platform.
//
// It must never make a key for a database that holds something. Start reading at
// OpenVault.
package installation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// The reasons not to serve a database.
var (
	// ErrNoKey: the database is in use, and there is no master key.
	ErrNoKey = errors.New("the master key of this database is missing")
	// ErrOtherKey: the master key opens nothing of what is sealed in the database.
	ErrOtherKey = errors.New("the master key does not open what is sealed in this database")
	// ErrSandbox: the database is a sandbox's.
	ErrSandbox = errors.New("this is the database of a sandbox, with clients whose secrets are public")
	// ErrReal: the database is a real platform's.
	ErrReal = errors.New("this is the database of a real platform, not of a sandbox")
)

// OpenVault opens the vault with the master key of a migrated database. It makes a key
// only if the database is empty. The error is ErrNoKey or ErrOtherKey for a database that
// another key has sealed.
func OpenVault(ctx context.Context, db *store.DB, key vault.Options) (*vault.Vault, error) {
	now, err := db.Installation(ctx)
	if err != nil {
		return nil, err
	}
	sealed, err := sealedIn(ctx, db, now)
	if err != nil {
		return nil, err
	}
	users, err := db.HasUsers(ctx)
	if err != nil {
		return nil, err
	}
	key.Existing = users || len(sealed) > 0
	v, err := vault.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist", ErrNoKey, key.KeyFile)
	}
	if err != nil {
		return nil, err
	}
	return v, check(v, sealed)
}

// Admit records in the database that it belongs to this vault, and whether it is a
// sandbox's. It refuses a database that belongs to others, even if another process has
// recorded this in the same moment.
func Admit(ctx context.Context, db *store.DB, v *vault.Vault, sandbox bool) error {
	kind := store.KindReal
	if sandbox {
		kind = store.KindSandbox
	}
	return db.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.LockInstallation(ctx)
		if err != nil {
			return err
		}
		err = Fits(now, sandbox)
		if err != nil {
			return err
		}
		if len(now.KeyCheck) > 0 {
			err = check(v, []store.Sealed{keyCheck(now)})
			if err != nil || now.Kind == kind {
				return err
			}
		} else {
			now.KeyCheck, err = newCheck(v)
			if err != nil {
				return err
			}
		}
		now.Kind = kind
		return tx.SaveInstallation(ctx, now)
	})
}

// Fits reports, as ErrSandbox or ErrReal, that a database is of the other kind.
func Fits(now store.Installation, sandbox bool) error {
	switch {
	case now.Kind == store.KindSandbox && !sandbox:
		return ErrSandbox
	case now.Kind == store.KindReal && sandbox:
		return ErrReal
	}
	return nil
}

// checked is the text of a keyed hash, which is sealed: one value checks both keysets. Like
// keyPlace it never changes, because it is stored.
const checked = "installation key check"

var keyPlace = vault.Place{Table: "installation", Column: "key_check", Row: "1"}

func newCheck(v *vault.Vault) ([]byte, error) {
	mac, err := v.MAC([]byte(checked))
	if err != nil {
		return nil, err
	}
	return v.Seal(mac, keyPlace)
}

func keyCheck(now store.Installation) store.Sealed {
	return store.Sealed{Table: keyPlace.Table, Column: keyPlace.Column, Row: keyPlace.Row, Value: now.KeyCheck}
}

// sealedIn returns the key check, or samples of what an older version has sealed.
func sealedIn(ctx context.Context, db *store.DB, now store.Installation) ([]store.Sealed, error) {
	if len(now.KeyCheck) > 0 {
		return []store.Sealed{keyCheck(now)}, nil
	}
	return db.SealedSamples(ctx)
}

// check wants a vault to open one of some sealed values. Not all: an older version made a
// new key where one was lost, and what the lost one had sealed is still there.
func check(v *vault.Vault, sealed []store.Sealed) error {
	for _, one := range sealed {
		place := vault.Place{Table: one.Table, Column: one.Column, Row: one.Row}
		plain, err := v.Open(one.Value, place)
		if errors.Is(err, vault.ErrUnopened) {
			continue
		}
		if err != nil {
			return err
		}
		if place != keyPlace {
			return nil
		}
		fits, err := v.Proves(plain, []byte(checked))
		if err != nil || fits {
			return err
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	return ErrOtherKey
}
