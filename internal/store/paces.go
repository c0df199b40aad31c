package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin/internal/store/query"
)

// PaceTx writes the rows of the rate limits. It implements pace.Rows.
type PaceTx struct{ executor }

// Pace returns the writer of those rows in this transaction.
func (tx *Tx) Pace() PaceTx { return PaceTx{tx.executor} }

// Lock returns the arrival time of a subject's rate limit, zero before its first
// event. It implements pace.Rows: the row stays locked until the transaction ends.
func (tx PaceTx) Lock(ctx context.Context, subject []byte) (time.Time, error) {
	arrival, err := tx.q.LockPace(ctx, subject)
	if err != nil {
		return time.Time{}, fmt.Errorf("find pace: %w", err)
	}
	return arrival.Time, nil
}

// Set stores the arrival time of a subject's rate limit.
func (tx PaceTx) Set(ctx context.Context, subject []byte, arrival time.Time) error {
	err := tx.q.SetPace(ctx, query.SetPaceParams{Subject: subject, ArrivalAt: query.At(arrival)})
	if err != nil {
		return fmt.Errorf("set pace: %w", err)
	}
	return nil
}

// Drop resets a subject's rate limit.
func (tx PaceTx) Drop(ctx context.Context, subject []byte) error {
	err := tx.q.DropPace(ctx, subject)
	if err != nil {
		return fmt.Errorf("drop pace: %w", err)
	}
	return nil
}

// DropIdle removes the rate limits that are back at their start. It implements
// pace.Rows.
func (tx PaceTx) DropIdle(ctx context.Context, now time.Time) error {
	err := tx.q.DropIdlePaces(ctx, query.At(now))
	if err != nil {
		return fmt.Errorf("drop paces: %w", err)
	}
	return nil
}
