package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// SealedKey is a key with its private half, sealed.
type SealedKey struct {
	oxlin.Key
	Private []byte
}

func sealedKey(row query.Key) SealedKey {
	return SealedKey{
		oxlin.Key{
			ID: row.ID, UserID: row.UserID, Public: row.PublicKey, ForPages: row.ForPages, CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
		},
		row.PrivateKey,
	}
}

// Key returns a key.
func (r Reader) Key(ctx context.Context, id oxlin.KeyID) (SealedKey, error) {
	row, err := r.q.FindKey(ctx, id)
	return found(row, err, "key", sealedKey)
}

// PageKey returns the newest of a user's keys for the hosted pages that is still valid
// after an instant.
func (r Reader) PageKey(ctx context.Context, id oxlin.UserID, until time.Time) (SealedKey, error) {
	row, err := r.q.FindPageKey(ctx, query.FindPageKeyParams{UserID: id, Until: query.At(until)})
	return found(row, err, "key", sealedKey)
}

// CountKeys counts the keys that clients created for a user since an instant.
func (r Reader) CountKeys(ctx context.Context, user oxlin.UserID, since time.Time) (int, error) {
	n, err := r.q.CountKeys(ctx, query.CountKeysParams{UserID: user, Since: query.At(since)})
	if err != nil {
		return 0, fmt.Errorf("count keys: %w", err)
	}
	return int(n), nil
}

// keyRest is how long a key stays after its end, for messages that are on their way.
const keyRest = 30 * 24 * time.Hour

// InsertKey stores a new key, and removes those of the user that ended long ago and that no
// stored credential needs.
func (tx *Tx) InsertKey(ctx context.Context, k SealedKey) (oxlin.KeyID, error) {
	err := tx.q.DropKeys(ctx, query.DropKeysParams{UserID: k.UserID, Expired: query.At(k.CreatedAt.Add(-keyRest))})
	if err != nil {
		return 0, fmt.Errorf("drop keys: %w", err)
	}
	id, err := tx.q.InsertKey(ctx, query.InsertKeyParams{
		UserID: k.UserID, PublicKey: k.Public, PrivateKey: k.Private, ForPages: k.ForPages,
		CreatedAt: query.At(k.CreatedAt), ExpiresAt: query.At(k.ExpiresAt),
	})
	if err != nil {
		return 0, fmt.Errorf("insert key: %w", err)
	}
	return id, nil
}

// SealedCredential is a credential with its value, sealed. If the
// sealed value is itself encrypted, KeyID is the key for it; otherwise it is zero.
type SealedCredential struct {
	oxlin.Credential
	KeyID oxlin.KeyID
	Value []byte
}

// Credentials lists a channel's credentials.
func (r Reader) Credentials(ctx context.Context, id oxlin.ChannelID) ([]SealedCredential, error) {
	rows, err := r.q.ListCredentials(ctx, id)
	return each(rows, err, "credential", func(row query.Credential) SealedCredential {
		return SealedCredential{oxlin.Credential{ID: row.ID, Masked: row.Masked}, row.KeyID, row.Value}
	})
}

// SaveCredential stores a credential of a channel and replaces the previous one.
func (tx *Tx) SaveCredential(ctx context.Context, id oxlin.ChannelID, c SealedCredential) error {
	err := tx.q.SaveCredential(ctx, query.SaveCredentialParams{
		ChannelID: id, ID: c.ID, Value: c.Value, KeyID: c.KeyID, Masked: c.Masked,
	})
	if err != nil {
		return fmt.Errorf("save credential: %w", err)
	}
	return nil
}

// DeleteCredentials destroys a channel's credentials.
func (tx *Tx) DeleteCredentials(ctx context.Context, id oxlin.ChannelID) error {
	err := tx.q.DeleteCredentials(ctx, id)
	if err != nil {
		return fmt.Errorf("delete credentials: %w", err)
	}
	return nil
}

// Question is a bank's question that a synchronisation waits for.
type Question struct {
	Challenges []oxlin.Challenge
	// State is the connector's position after the question, sealed.
	State []byte
	// Answers are the user's answers, sealed; nil before they arrive. KeyID is the key
	// of encrypted answers, or zero.
	Answers   []byte
	KeyID     oxlin.KeyID
	ExpiresAt time.Time
}

// Question returns the open question of a synchronisation.
func (r Reader) Question(ctx context.Context, id oxlin.SyncID) (Question, error) {
	row, err := r.q.FindQuestion(ctx, id)
	return found(row, err, "question", func(row query.Question) Question {
		return Question{row.Challenges.V, row.State, row.Answers, row.KeyID, row.ExpiresAt.Time}
	})
}

// SaveQuestion stores a question without answers and replaces the previous one.
func (tx *Tx) SaveQuestion(ctx context.Context, id oxlin.SyncID, q Question) error {
	err := tx.q.SaveQuestion(ctx, query.SaveQuestionParams{
		SynchronisationID: id, Challenges: query.AsJSON(q.Challenges), State: q.State, ExpiresAt: query.At(q.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("save question: %w", err)
	}
	return nil
}

// AnswerQuestion stores the answers. It returns false if the question already has some.
func (tx *Tx) AnswerQuestion(ctx context.Context, id oxlin.SyncID, answers []byte, key oxlin.KeyID) (bool, error) {
	n, err := tx.q.AnswerQuestion(ctx, query.AnswerQuestionParams{SynchronisationID: id, Answers: answers, KeyID: key})
	if err != nil {
		return false, fmt.Errorf("answer question: %w", err)
	}
	return n == 1, nil
}

// DeleteQuestion deletes a question and its answers.
func (tx *Tx) DeleteQuestion(ctx context.Context, id oxlin.SyncID) error {
	err := tx.q.DeleteQuestion(ctx, id)
	if err != nil {
		return fmt.Errorf("delete question: %w", err)
	}
	return nil
}
