package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// OldReader finds rows whose retention is over.
type OldReader struct{ executor }

// OldIn returns the reader of those rows.
func OldIn(r Reader) OldReader { return OldReader(r) }

// OldTx deletes rows whose retention is over.
type OldTx struct{ executor }

// OldOf returns the writer that deletes those rows in a transaction.
func OldOf(tx *Tx) OldTx { return OldTx{tx.executor} }

// UsersOfEvents lists the users of the oldest events that happened before a moment, each
// once and by their ids, so that transactions that lock them wait in one order.
func (r OldReader) UsersOfEvents(ctx context.Context, before time.Time, most int) ([]oxlin.UserID, error) {
	ids, err := r.q.ListUsersOfOldEvents(ctx, query.ListUsersOfOldEventsParams{Before: query.At(before), Most: int64(most)})
	if err != nil {
		return nil, fmt.Errorf("list old events: %w", err)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// ForgetEvents deletes some of a user's events from before a moment, the first ones first, and
// keeps in the user's row up to which number nothing can be read again. It returns how many it
// deleted. The user's row is locked, as WriteFor does.
func (tx OldTx) ForgetEvents(ctx context.Context, user oxlin.UserID, before time.Time, most int) (int, error) {
	_, err := tx.q.LockUser(ctx, user)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("lock user: %w", err)
	}
	ids, err := tx.q.DropOldEvents(ctx, query.DropOldEventsParams{UserID: user, Before: query.At(before), Most: int64(most)})
	if err != nil {
		return 0, fmt.Errorf("drop old events: %w", err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	err = tx.q.ForgetEvents(ctx, query.ForgetEventsParams{ID: user, Last: slices.Max(ids)})
	if err != nil {
		return 0, fmt.Errorf("forget events: %w", err)
	}
	return len(ids), nil
}

// UsersOfQueues lists the users of the queues that nobody has read since a moment, each once and by
// their ids, so that transactions that lock them wait in one order.
func (r OldReader) UsersOfQueues(ctx context.Context, before time.Time, most int) ([]oxlin.UserID, error) {
	ids, err := r.q.ListUsersOfOldQueues(ctx, query.ListUsersOfOldQueuesParams{Before: query.At(before), Most: int64(most)})
	if err != nil {
		return nil, fmt.Errorf("list old queues: %w", err)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// EndQueues deletes a user's queues that nobody has read since a moment, and keeps in the user's row
// that they have ended. The time of queues of which no reading is known begins now. The user's row is
// locked, as WriteFor does.
func (tx OldTx) EndQueues(ctx context.Context, user oxlin.UserID, before, now time.Time) error {
	_, err := tx.q.LockUser(ctx, user)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	err = tx.q.BeginQueues(ctx, query.BeginQueuesParams{UserID: user, Now: query.At(now)})
	if err != nil {
		return fmt.Errorf("begin queues: %w", err)
	}
	ids, err := tx.q.DropOldQueues(ctx, query.DropOldQueuesParams{UserID: user, Before: query.At(before)})
	if err != nil {
		return fmt.Errorf("drop old queues: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	return wrote("end queues", tx.q.EndQueues(ctx, query.EndQueuesParams{ID: user, Last: slices.Max(ids)}))
}

// DropSynchronisations deletes some synchronisations that ended before a moment, and returns how
// many.
func (tx OldTx) DropSynchronisations(ctx context.Context, before time.Time, most int) (int, error) {
	n, err := tx.q.DropOldSynchronisations(ctx, query.DropOldSynchronisationsParams{Before: query.At(before), Most: int64(most)})
	if err != nil {
		return 0, fmt.Errorf("drop old synchronisations: %w", err)
	}
	return int(n), nil
}
