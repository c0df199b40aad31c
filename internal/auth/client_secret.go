package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// errSecretEnded is wrapped by the refusal of a secret that was right until its end. The caller
// sees no difference from a wrong one.
var errSecretEnded = errors.New("the secret has ended")

// secrets checks the secrets of clients, and records the days on which they are used.
type secrets struct {
	db   *store.DB
	now  func() time.Time
	log  *slog.Logger
	seen *seenSecrets
}

// seenSecrets has the days of uses that this process has stored, by hash: a secret costs one write a
// day and process. It grows with the number of secrets that are right.
type seenSecrets struct {
	mutex sync.Mutex
	days  map[string]time.Time
}

// isNew reports whether a day is another one than at the last call for the hash.
func (s *seenSecrets) isNew(hash []byte, day time.Time) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.days == nil {
		s.days = map[string]time.Time{}
	}
	last, known := s.days[string(hash)]
	s.days[string(hash)] = day
	return !known || !last.Equal(day)
}

// check compares the hash of a secret with those of a client.
func (s secrets) check(ctx context.Context, c oxlin.Client, hash []byte) error {
	refused := oxlin.DefaultError(oxlin.CodeInvalidClient)
	for _, secret := range c.Secrets {
		if subtle.ConstantTimeCompare(hash, secret.Hash) != 1 {
			continue
		}
		now := s.now()
		if secret.Ended(now) {
			return fmt.Errorf("%w: %w", errSecretEnded, refused)
		}
		s.used(ctx, c.ID, store.SecretUse{Hash: hash, Day: now.UTC().Truncate(24 * time.Hour)})
		return nil
	}
	return refused
}

// used stores the day of a use. A failure refuses nobody: the day is stored at the use of the next day.
func (s secrets) used(ctx context.Context, id oxlin.ClientID, use store.SecretUse) {
	if !s.seen.isNew(use.Hash, use.Day) {
		return
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.Clients().RecordUse(ctx, id, use) })
	if err != nil {
		s.log.Warn("the day of a secret's use is not stored", "client", id, "err", err)
	}
}
