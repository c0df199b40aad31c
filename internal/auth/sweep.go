package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin/internal/store"
)

// Sweep removes expired tokens and sessions, and replaced signing keys. Once in a few minutes is often
// enough, on any node.
func (s *Server) Sweep(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		now := s.now()
		return errors.Join(
			tx.Auth().DropExpiredTokens(ctx, now), tx.Auth().DropExpiredAssertions(ctx, now),
			store.UserSessionsOf(tx).DropExpired(ctx, now), store.UserPasskeysOf(tx).DropExpiredChallenges(ctx, now),
			s.dropSigningKeys(ctx, tx),
		)
	})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
