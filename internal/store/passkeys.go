package store

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Passkey is a registered passkey of an operator.
type Passkey struct {
	// ID is the credential's id in base64url.
	ID         string
	OperatorID int64
	// Name is the operator's name for it.
	Name string
	// Party is the host name of the console that it was made for.
	Party string
	// PublicKey is SubjectPublicKeyInfo in DER.
	PublicKey []byte
	// SignCount is the last counter of the authenticator.
	SignCount int64
	CreatedAt time.Time
	// UsedAt is zero for a passkey that was not used yet.
	UsedAt time.Time
}

// Passkeys lists the passkeys of an operator, the oldest first.
func (r OperatorReader) Passkeys(ctx context.Context, id int64) ([]Passkey, error) {
	rows, err := r.q.ListPasskeys(ctx, id)
	return each(rows, err, "passkey", func(row query.OperatorPasskey) Passkey {
		return Passkey{row.ID, row.OperatorID, row.Name, row.Party, row.PublicKey, row.SignCount, row.CreatedAt.Time, row.UsedAt.Time}
	})
}

// InsertPasskey stores a new passkey. The error is CodeConflict for one that is registered.
func (tx OperatorTx) InsertPasskey(ctx context.Context, p Passkey) error {
	err := tx.q.InsertPasskey(ctx, query.InsertPasskeyParams{
		ID: p.ID, OperatorID: p.OperatorID, Name: p.Name, Party: p.Party, PublicKey: p.PublicKey, SignCount: p.SignCount, CreatedAt: query.At(p.CreatedAt),
	})
	if isUniqueViolation(err) {
		return oxlin.Errorf(oxlin.CodeConflict, "This passkey is registered already.")
	}
	return wrote("insert passkey", err)
}

// UsePasskey stores the new counter of a passkey. It returns false if the counter does not
// follow the last one.
func (tx OperatorTx) UsePasskey(ctx context.Context, p Passkey, count int64, now time.Time) (bool, error) {
	n, err := tx.q.UsePasskey(ctx, query.UsePasskeyParams{ID: p.ID, OperatorID: p.OperatorID, SignCount: count, UsedAt: query.At(now)})
	return n == 1, wrote("use passkey", err)
}

// DropPasskey removes a passkey of an operator. It returns false without such a passkey.
func (tx OperatorTx) DropPasskey(ctx context.Context, operatorID int64, id string) (bool, error) {
	n, err := tx.q.DropPasskey(ctx, query.DropPasskeyParams{ID: id, OperatorID: operatorID})
	return n == 1, wrote("drop passkey", err)
}

// DropPasskeys removes all passkeys of an operator.
func (tx OperatorTx) DropPasskeys(ctx context.Context, operatorID int64) error {
	return wrote("drop passkeys", tx.q.DropPasskeys(ctx, operatorID))
}

// Challenge keeps the challenge of a session for the answer of a passkey.
func (tx OperatorTx) Challenge(ctx context.Context, hash []byte, challenge string, until time.Time) error {
	return wrote("challenge", tx.q.ChallengeOperatorSession(ctx, query.ChallengeOperatorSessionParams{
		Hash: hash, Challenge: challenge, ChallengeUntil: query.At(until),
	}))
}

// UseChallenge removes the challenge of a session. It returns false if it was used, replaced,
// or has expired.
func (tx OperatorTx) UseChallenge(ctx context.Context, hash []byte, challenge string, now time.Time) (bool, error) {
	n, err := tx.q.UseChallengeOfOperatorSession(ctx, query.UseChallengeOfOperatorSessionParams{Hash: hash, Challenge: challenge, Now: query.At(now)})
	return n == 1, wrote("use challenge", err)
}
