package store

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// UserPasskey is a registered passkey of a user.
type UserPasskey struct {
	// ID is the credential's id in base64url.
	ID     string
	UserID oxlin.UserID
	// Name is the user's name for it.
	Name string
	// Party is the host name of the platform that it was made for.
	Party string
	// PublicKey is SubjectPublicKeyInfo in DER.
	PublicKey []byte
	// SignCount is the last counter of the authenticator.
	SignCount int64
	CreatedAt time.Time
	// UsedAt is zero for a passkey that was not used yet.
	UsedAt time.Time
}

func userPasskey(row query.UserPasskey) UserPasskey {
	return UserPasskey{row.ID, row.UserID, row.Name, row.Party, row.PublicKey, row.SignCount, row.CreatedAt.Time, row.UsedAt.Time}
}

// UserPasskeyReader reads the passkeys of users.
type UserPasskeyReader struct{ executor }

// UserPasskeysIn returns the reader of those rows.
func UserPasskeysIn(r Reader) UserPasskeyReader { return UserPasskeyReader(r) }

// Passkey returns a passkey by its id.
func (r UserPasskeyReader) Passkey(ctx context.Context, id string) (UserPasskey, error) {
	row, err := r.q.FindUserPasskey(ctx, id)
	return found(row, err, "passkey", userPasskey)
}

// List lists the passkeys of a user, the oldest first.
func (r UserPasskeyReader) List(ctx context.Context, user oxlin.UserID) ([]UserPasskey, error) {
	rows, err := r.q.ListUserPasskeys(ctx, user)
	return each(rows, err, "passkey", userPasskey)
}

// UserPasskeyTx writes the passkeys of users.
type UserPasskeyTx struct{ executor }

// UserPasskeysOf returns the writer of those rows in a transaction.
func UserPasskeysOf(tx *Tx) UserPasskeyTx { return UserPasskeyTx{tx.executor} }

// Insert stores a new passkey. The error is CodeConflict for one that is registered.
func (tx UserPasskeyTx) Insert(ctx context.Context, p UserPasskey) error {
	err := tx.q.InsertUserPasskey(ctx, query.InsertUserPasskeyParams{
		ID: p.ID, UserID: p.UserID, Name: p.Name, Party: p.Party, PublicKey: p.PublicKey, SignCount: p.SignCount, CreatedAt: query.At(p.CreatedAt),
	})
	if isUniqueViolation(err) {
		return oxlin.Errorf(oxlin.CodeConflict, "This passkey is registered already.")
	}
	return wrote("insert passkey", err)
}

// Use stores the new counter of a passkey. It returns false if the counter does not follow the
// last one.
func (tx UserPasskeyTx) Use(ctx context.Context, id string, count int64, now time.Time) (bool, error) {
	n, err := tx.q.UseUserPasskey(ctx, query.UseUserPasskeyParams{ID: id, SignCount: count, UsedAt: query.At(now)})
	return n == 1, wrote("use passkey", err)
}

// Drop removes a passkey of a user. It returns false without such a passkey.
func (tx UserPasskeyTx) Drop(ctx context.Context, user oxlin.UserID, id string) (bool, error) {
	n, err := tx.q.DropUserPasskey(ctx, query.DropUserPasskeyParams{ID: id, UserID: user})
	return n == 1, wrote("drop passkey", err)
}

// DropAll removes the passkeys of a user, and returns how many there were.
func (tx UserPasskeyTx) DropAll(ctx context.Context, user oxlin.UserID) (int64, error) {
	n, err := tx.q.DropUserPasskeys(ctx, user)
	return n, wrote("drop passkeys", err)
}

// UseChallenge marks a challenge as used until it ends, by its hash. It returns false if it was
// used before.
func (tx UserPasskeyTx) UseChallenge(ctx context.Context, hash []byte, end time.Time) (bool, error) {
	n, err := tx.q.UseChallenge(ctx, query.UseChallengeParams{Hash: hash, ExpiresAt: query.At(end)})
	return n == 1, wrote("use challenge", err)
}

// DropExpiredChallenges forgets the used challenges that have ended.
func (tx UserPasskeyTx) DropExpiredChallenges(ctx context.Context, now time.Time) error {
	return wrote("drop expired challenges", tx.q.DropExpiredChallenges(ctx, query.At(now)))
}
