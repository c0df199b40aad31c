package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// mostConflicts is how often a transaction is repeated that PostgreSQL has rolled back in
// favour of another one. With its pauses this takes about three seconds.
const mostConflicts = 8

// firstPause is the pause before the first repetition; each further one is twice as long.
const firstPause = 10 * time.Millisecond

// repeatable runs a transaction, and repeats it after a conflict with another one.
func (db *DB) repeatable(ctx context.Context, f func(tx *Tx) error) error {
	for pause, n := firstPause, 0; ; pause, n = 2*pause, n+1 {
		err := db.transact(ctx, f)
		if !isConflict(err) || n == mostConflicts {
			return err
		}
		// Two transactions that repeat in step would meet again.
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// isConflict reports whether PostgreSQL rolled a transaction back because of another one: a
// deadlock, or two that cannot be put in an order. Nothing of it remains, and it may succeed
// when it is repeated.
func isConflict(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal) && slices.Contains([]string{"40000", "40001", "40P01"}, refusal.Code)
}
