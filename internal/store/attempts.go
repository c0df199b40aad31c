package store

import (
	"context"
	"time"

	"github.com/oxlin/oxlin/internal/store/query"
)

// AttemptTx writes the times of wrong passwords.
type AttemptTx struct{ executor }

// AttemptsOf returns the writer of those rows in a transaction.
func AttemptsOf(tx *Tx) AttemptTx { return AttemptTx{tx.executor} }

// Lock returns the times of a subject's attempts in milliseconds; none before the first. The
// row stays locked until the transaction ends.
func (tx AttemptTx) Lock(ctx context.Context, subject []byte) ([]int64, error) {
	times, err := tx.q.LockAttempts(ctx, subject)
	return times.V, wrote("find attempts", err)
}

// Set stores the times of a subject's attempts, and when the last one counts no more.
func (tx AttemptTx) Set(ctx context.Context, subject []byte, times []int64, until time.Time) error {
	return wrote("set attempts", tx.q.SetAttempts(ctx, query.SetAttemptsParams{Subject: subject, Times: query.AsJSON(times), Until: query.At(until)}))
}

// DropOld removes the rows whose attempts count no more.
func (tx AttemptTx) DropOld(ctx context.Context, now time.Time) error {
	return wrote("drop attempts", tx.q.DropOldAttempts(ctx, query.At(now)))
}
