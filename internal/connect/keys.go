package connect

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

// Keys are the use cases about the OpenPGP keys for which credentials are encrypted.
type Keys struct{ *core }

const (
	// keyLife is how long clients may encrypt for a key. Messages that were encrypted
	// before its end stay readable.
	keyLife = 30 * 24 * time.Hour
	// keysAnHour bounds the keys of a user in an hour: each costs half a second of a
	// processor.
	keysAnHour = 20
	// keySpare is the least remaining life of a key that ForPages reuses.
	keySpare = 24 * time.Hour
)

// Create makes a key for a user's client (contract §3.5). Too many in an hour are
// CodeTooManyRequests.
func (k *Keys) Create(ctx context.Context, caller oxlin.Caller) (oxlin.KeyID, error) {
	now := k.now().Truncate(time.Second) // OpenPGP counts in seconds
	recent, err := k.db.Read().CountKeys(ctx, caller.UserID, now.Add(-time.Hour))
	if err != nil {
		return 0, err
	}
	if recent >= keysAnHour {
		return 0, &oxlin.Error{
			Code: oxlin.CodeTooManyRequests, Message: "Too many keys in an hour: a key may be used for many connections.", RetryAfter: time.Hour,
		}
	}
	key, err := k.newKey(ctx, vault.RSA, oxlin.Key{UserID: caller.UserID, CreatedAt: now})
	return key.ID, err
}

// ForPages returns the user's key for the hosted pages and creates it if needed. It
// is separate from the keys that clients request: browsers encrypt for its kind
// without a library, and making one is cheap.
func (k *Keys) ForPages(ctx context.Context, caller oxlin.Caller) (oxlin.Key, error) {
	now := k.now().Truncate(time.Second)
	key, err := k.db.Read().PageKey(ctx, caller.UserID, now.Add(keySpare))
	if err == nil || !oxlin.IsNotFound(err) {
		return key.Key, err
	}
	return k.newKey(ctx, vault.P256, oxlin.Key{UserID: caller.UserID, ForPages: true, CreatedAt: now})
}

// Get finds a key of the caller's user.
func (k *Keys) Get(ctx context.Context, caller oxlin.Caller, id oxlin.KeyID) (oxlin.Key, error) {
	return ownKey(ctx, k.db.Read(), caller, id)
}

// newKey makes a key and stores it.
func (k *Keys) newKey(ctx context.Context, algorithm vault.KeyAlgorithm, key oxlin.Key) (oxlin.Key, error) {
	key.ExpiresAt = key.CreatedAt.Add(keyLife)
	public, private, err := vault.NewKey(ctx, algorithm, key.CreatedAt, key.ExpiresAt)
	if err != nil {
		return oxlin.Key{}, err
	}
	sealed, err := k.vault.SealSecret(private, synchro.KeyPlace(key.UserID))
	if err != nil {
		return oxlin.Key{}, err
	}
	key.Public = public
	err = k.db.WriteFor(ctx, key.UserID, func(tx *store.Tx) error {
		var err error
		key.ID, err = tx.InsertKey(ctx, store.SealedKey{Key: key, Private: sealed})
		return err
	})
	return key, err
}
