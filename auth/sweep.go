package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin/store"
)

// Sweep removes what has expired: tokens, signing keys that were replaced, and
// counts of password attempts. Once in a few minutes is often enough, on any node.
func (s *Server) Sweep(ctx context.Context) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		now := s.now()
		return errors.Join(
			tx.DropExpiredTokens(ctx, now),
			tx.DropPasswordPaces(ctx, now),
			s.dropSigningKeys(ctx, tx),
		)
	})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
