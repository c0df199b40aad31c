package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func synchronisation(row query.Synchronisation) oxlin.Synchronisation {
	return oxlin.Synchronisation{
		ID: row.ID, ChannelID: row.ChannelID, Kind: row.Kind, State: row.State, PSU: row.Psu.V, RequestID: row.RequestID, Progress: row.Progress.V,
		Attempts: int(row.Attempts), NewTransactions: int(row.NewTransactions),
		StartedAt: row.StartedAt.Time, EndedAt: row.EndedAt.Time, Outcome: row.Outcome, Problem: row.Problem,
	}
}

// LongRunning lists running synchronisations that began before an instant, oldest
// first.
func (r Reader) LongRunning(ctx context.Context, before time.Time, most int) ([]oxlin.Synchronisation, error) {
	rows, err := r.q.ListLongRunning(ctx, query.ListLongRunningParams{Before: query.At(before), Most: int64(most)})
	return each(rows, err, "synchronisation", synchronisation)
}

// ErrSuperseded is returned if a synchronisation has already ended. Its run must not
// write anything.
var ErrSuperseded = errors.New("the synchronisation has ended")

// Synchronisation returns a synchronisation.
func (r Reader) Synchronisation(ctx context.Context, id oxlin.SyncID) (oxlin.Synchronisation, error) {
	row, err := r.q.FindSync(ctx, id)
	return found(row, err, "synchronisation", synchronisation)
}

// LiveSynchronisation returns the synchronisation of a channel that has not ended.
func (r Reader) LiveSynchronisation(ctx context.Context, id oxlin.ChannelID) (oxlin.Synchronisation, error) {
	row, err := r.q.FindLiveSync(ctx, id)
	return found(row, err, "synchronisation", synchronisation)
}

// Synchronisations lists a channel's synchronisations, the newest first.
func (r Reader) Synchronisations(ctx context.Context, id oxlin.ChannelID, most int) ([]oxlin.Synchronisation, error) {
	rows, err := r.q.ListSyncsOfChannel(ctx, query.ListSyncsOfChannelParams{ChannelID: id, Most: int64(most)})
	return each(rows, err, "synchronisation", synchronisation)
}

// InsertSynchronisation stores a new run. It returns CodeConflict if the channel has a
// run that has not ended.
func (tx *Tx) InsertSynchronisation(ctx context.Context, s oxlin.Synchronisation) (oxlin.SyncID, error) {
	_, err := tx.Read().LiveSynchronisation(ctx, s.ChannelID)
	if err == nil {
		return 0, oxlin.Errorf(oxlin.CodeConflict, "The channel is already being synchronised.")
	}
	if !oxlin.IsNotFound(err) {
		return 0, err
	}
	id, err := tx.q.InsertSync(ctx, query.InsertSyncParams{
		ChannelID: s.ChannelID, Kind: s.Kind, State: s.State, Psu: query.AsJSON(s.PSU),
		Progress: query.AsJSON(s.Progress), StartedAt: query.At(s.StartedAt), RequestID: s.RequestID,
	})
	if isUniqueViolation(err) {
		return 0, &oxlin.Error{Code: oxlin.CodeConflict, Message: "The channel is already being synchronised.", Err: err}
	}
	if err != nil {
		return 0, fmt.Errorf("insert synchronisation: %w", err)
	}
	return id, nil
}

// UpdateSynchronisation writes the progress of a run, or its end. For a run that has
// already ended it returns ErrSuperseded, and the caller's transaction must fail.
func (tx *Tx) UpdateSynchronisation(ctx context.Context, s oxlin.Synchronisation) error {
	n, err := tx.q.UpdateSync(ctx, query.UpdateSyncParams{
		ID: s.ID, State: s.State, Progress: query.AsJSON(s.Progress), Attempts: int64(s.Attempts),
		NewTransactions: int64(s.NewTransactions), EndedAt: query.At(s.EndedAt), Outcome: s.Outcome, Problem: s.Problem,
	})
	if err != nil {
		return fmt.Errorf("update synchronisation: %w", err)
	}
	if n == 0 {
		return ErrSuperseded
	}
	return nil
}

// StagePage stores one page of an account's transactions, sealed by the caller. It
// replaces a page with the same number.
func (tx *Tx) StagePage(ctx context.Context, id oxlin.SyncID, account oxlin.AccountID, page int, sealed []byte) error {
	err := tx.q.StagePage(ctx, query.StagePageParams{SynchronisationID: id, AccountID: account, Page: int64(page), Body: sealed})
	if err != nil {
		return fmt.Errorf("stage page: %w", err)
	}
	return nil
}

// StagedPage returns a staged page by its number. Without one, the error is CodeNotFound.
func StagedPage(ctx context.Context, r Reader, id oxlin.SyncID, account oxlin.AccountID, page int) ([]byte, error) {
	body, err := r.q.FindStagedPage(ctx, query.FindStagedPageParams{SynchronisationID: id, AccountID: account, Page: int64(page)})
	return found(body, err, "staged page", func(body []byte) []byte { return body })
}

// StagedBytes returns the size of the staged pages of an account.
func StagedBytes(ctx context.Context, r Reader, id oxlin.SyncID, account oxlin.AccountID) (int64, error) {
	n, err := r.q.SumStagedBytes(ctx, query.SumStagedBytesParams{SynchronisationID: id, AccountID: account})
	if err != nil {
		return 0, fmt.Errorf("sum staged pages: %w", err)
	}
	return n, nil
}

// DropStagedPages deletes all staged pages of a run, or of walks alone: the list of accounts
// (0) or accounts, whose balances stay.
func (tx *Tx) DropStagedPages(ctx context.Context, id oxlin.SyncID, walks ...oxlin.AccountID) error {
	var err error
	if len(walks) == 0 {
		err = tx.q.DropStagedPages(ctx, id)
	}
	for _, walk := range walks {
		err = errors.Join(err, tx.q.DropStagedWalk(ctx, query.DropStagedWalkParams{SynchronisationID: id, AccountID: walk}))
	}
	if err != nil {
		return fmt.Errorf("drop staged pages: %w", err)
	}
	return nil
}

// DropSomeStagedPages deletes at most so many staged pages of a run, and reports whether it
// found that many.
func DropSomeStagedPages(ctx context.Context, tx *Tx, id oxlin.SyncID, most int) (more bool, err error) {
	n, err := tx.q.DropSomeStagedPages(ctx, query.DropSomeStagedPagesParams{SynchronisationID: id, Most: int64(most)})
	if err != nil {
		return false, fmt.Errorf("drop staged pages: %w", err)
	}
	return n == int64(most), nil
}

// CountUnattended counts one access without the user to a subject on a day, and returns
// the new count. The subject is a keyed hash of what the bank counts: user, bank, account
// and resource.
func (tx *Tx) CountUnattended(ctx context.Context, user oxlin.UserID, subject []byte, day oxlin.Date) (int, error) {
	n, err := tx.q.CountUnattendedAccess(ctx, query.CountUnattendedAccessParams{UserID: user, Day: day, Subject: subject})
	if err != nil {
		return 0, fmt.Errorf("count unattended access: %w", err)
	}
	return int(n), nil
}

// UncountUnattended takes back one access to a subject that was counted and never made.
func UncountUnattended(ctx context.Context, tx *Tx, user oxlin.UserID, subject []byte, day oxlin.Date) error {
	err := tx.q.UncountUnattendedAccess(ctx, query.UncountUnattendedAccessParams{UserID: user, Day: day, Subject: subject})
	if err != nil {
		return fmt.Errorf("take back unattended access: %w", err)
	}
	return nil
}

// UnattendedAccesses returns the counts of a user's subjects on a day.
func (r Reader) UnattendedAccesses(ctx context.Context, user oxlin.UserID, day oxlin.Date) (map[string]int, error) {
	rows, err := r.q.ListUnattendedAccesses(ctx, query.ListUnattendedAccessesParams{UserID: user, Day: day})
	if err != nil {
		return nil, fmt.Errorf("list unattended accesses: %w", err)
	}
	counts := make(map[string]int, len(rows))
	for _, row := range rows {
		counts[string(row.Subject)] = int(row.Accesses)
	}
	return counts, nil
}

// DropUnattended deletes the counts of the days before one.
func (tx *Tx) DropUnattended(ctx context.Context, before oxlin.Date) error {
	err := tx.q.DropUnattendedAccesses(ctx, before)
	if err != nil {
		return fmt.Errorf("drop unattended accesses: %w", err)
	}
	return nil
}
