package synchro

import (
	"context"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// A synchronisation ends in one of these ways, each in one transaction with the
// channel's new status and its events:
//
//   - succeed: everything was read; the channel gets its next appointment, or waits
//     for the user's consent.
//   - continueWith: LIST_ACCOUNTS succeeded, and SYNC_ALL follows at once.
//   - retryOrFail: the bank failed. If another attempt may help soon, the
//     synchronisation does not end: a later job continues it. Else it fails.
//   - fail: the synchronisation failed; the channel gets the failure's status.
//   - GiveUp: the job engine met faults of ours too often.
//   - Supersede: a use case replaces or deletes the access. The channel keeps its
//     status, and no event is recorded: that is for the use case.
//
// All of them close the row with endSync. failChannel also serves a channel whose
// consent ends while no synchronisation runs.

// succeed ends a run that has read everything.
func (r *run) succeed(ctx context.Context, tx *store.Tx) error {
	now := r.now()
	channel, payload, err := r.endSuccess(ctx, tx)
	if err != nil {
		return err
	}
	connection, err := tx.Read().Connection(ctx, r.connection.ID) // auto_sync may have changed meanwhile
	if err != nil {
		return err
	}
	switch {
	case !channel.AwaitsConsent:
		channel.Status, channel.LastSuccessAt = oxlin.ChannelSuccess, now
	case channel.LastSuccessAt.IsZero():
		channel.Status = oxlin.ChannelNever
	default:
		channel.Status = oxlin.ChannelSuccess
	}
	channel.NextSyncAt = NextAppointment(connection, channel, now)
	err = tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	return r.engine.record(ctx, tx, channel, r.sync.Kind.SuccessEvent(), payload)
}

// continueWith ends a LIST_ACCOUNTS and starts the SYNC_ALL that follows. The channel
// stays RUNNING without a gap (contract §11).
func (r *run) continueWith(ctx context.Context, tx *store.Tx, progress oxlin.SyncProgress) error {
	channel, payload, err := r.endSuccess(ctx, tx)
	if err != nil {
		return err
	}
	err = tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	err = r.engine.record(ctx, tx, channel, r.sync.Kind.SuccessEvent(), payload)
	if err != nil {
		return err
	}
	return r.engine.Start(ctx, tx, channel, oxlin.SyncAll, r.sync.PSU, progress)
}

// endSuccess closes the row of a successful run. It returns the channel, whose status
// is the caller's to set, and the payload of the success event.
func (r *run) endSuccess(ctx context.Context, tx *store.Tx) (oxlin.Channel, oxlin.EventPayload, error) {
	now := r.now()
	payload := oxlin.EventPayload{
		NewTransactions: r.sync.NewTransactions, CancelledTransactions: r.sync.Progress.Cancelled, RestoredTransactions: r.sync.Progress.Restored,
		UnreadableAccounts: r.sync.Progress.Unreadable,
	}
	r.sync.Outcome = oxlin.ChannelSuccess
	err := giveBack(ctx, r, tx)
	if err != nil {
		return oxlin.Channel{}, payload, err
	}
	err = endSync(ctx, tx, r.audit, r.connection, r.channel, r.sync, now)
	if err != nil {
		return oxlin.Channel{}, payload, err
	}
	channel, err := tx.Read().Channel(ctx, r.channel.ID)
	if err != nil {
		return oxlin.Channel{}, payload, err
	}
	channel.Failures, channel.LastEndAt = 0, now
	accounts, err := tx.Read().AccountsOfConnection(ctx, r.connection.ID)
	if r.sync.Kind == oxlin.SyncListAccounts {
		payload.Accounts = accounts
	} else {
		payload.Incomplete = incomplete(r, accounts)
	}
	return channel, payload, err
}

// incomplete are the accounts that the run should have read and of which it lacks something.
func incomplete(r *run, accounts []oxlin.Account) []oxlin.IncompleteAccount {
	var lacking []oxlin.IncompleteAccount
	for _, account := range accounts {
		if !account.Synchronised() || account.Status == oxlin.AccountNotFound || account.LastChannelDefinition != r.channel.DefinitionID {
			continue
		}
		noBalance := account.BalanceAt.Before(r.sync.StartedAt)
		failed := slices.Contains(r.sync.Progress.Failed, account.ID)
		if account.Coverage.Complete && account.Status == oxlin.AccountActive && !noBalance && !failed {
			continue
		}
		lacking = append(lacking, oxlin.IncompleteAccount{
			ID: account.ID, Status: account.Status, Coverage: account.Coverage, NoBalance: noBalance,
		})
	}
	return lacking
}

// retryOrFail handles a bank's failure: it retries soon if the bank is unavailable,
// else the run fails.
func (r *run) retryOrFail(ctx context.Context, failure *bank.Failure) error {
	now := r.now()
	failure = unlessClockWrong(r, failure)
	r.log.WarnContext(ctx, "synchronisation met a failure", "sync", r.sync.ID, "kind", r.sync.Kind, "provider", r.connection.ProviderID,
		"connection", r.connection.ID, "channel", r.channel.DefinitionID, "attempt", r.sync.Attempts+1, "error", failure)
	return r.write(ctx, func(tx *store.Tx) error {
		if r.channel.Mode == oxlin.ModeEmbedded && failure.Kind == bank.AccessLost {
			// The bank's site lost the session: the next attempt logs in again.
			r.sync.Progress.Entered = false
			failure = &bank.Failure{Kind: bank.Unavailable, BankCode: "session lost", Err: failure}
		}
		if failure.Kind == bank.Unavailable && r.mayRetry(failure) {
			r.sync.Attempts++
			return r.handOver(ctx, tx, now.Add(max(pause(r.sync.Attempts), min(failure.RetryAfter, time.Minute))))
		}
		return r.fail(ctx, tx, failure)
	})
}

// mayRetry reports whether this run may call an unavailable bank once more.
func (r *run) mayRetry(failure *bank.Failure) bool {
	most := attempts(r.sync.PSU)
	patient := r.sync.PSU == nil || failure.RetryAfter <= pause(most)
	return patient && r.sync.Attempts+1 < most
}

// fail ends a run that failed.
func (r *run) fail(ctx context.Context, tx *store.Tx, failure *bank.Failure) error {
	now := r.now()
	r.sync.Outcome, r.sync.Problem = failure.ChannelStatus(), failure.Summary()
	err := giveBack(ctx, r, tx)
	if err != nil {
		return err
	}
	if !r.begun.IsZero() {
		err := DiscardBegun(ctx, r.engine, tx, r.connection.ProviderID, r.channel.DefinitionID, r.begun)
		if err != nil {
			return err
		}
	}
	err = endSync(ctx, tx, r.audit, r.connection, r.channel, r.sync, now)
	if err != nil {
		return err
	}
	channel, err := tx.Read().Channel(ctx, r.channel.ID)
	if err != nil {
		return err
	}
	channel.LastEndAt = now
	connection, err := tx.Read().Connection(ctx, r.connection.ID) // auto_sync may have changed meanwhile
	if err != nil {
		return err
	}
	return r.engine.failChannel(ctx, tx, connection, channel, r.sync.Kind, failure)
}

// failChannel sets a channel to a failure's status and records two events, as the
// contract has it: the one named after the status, then the failed synchronisation.
func (e *Engine) failChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, kind oxlin.SyncKind, failure *bank.Failure) error {
	now := e.now()
	channel.NextSyncAt = NextAppointment(connection, channel, now)
	broken := true
	switch {
	case failure.Kind == bank.RateLimited && !channel.LastSuccessAt.IsZero():
		// The stored data stay valid; the bank answers again tomorrow.
		broken = false
		channel.Status = oxlin.ChannelSuccess
	case failure.ChannelStatus().NeedsUser():
		channel.Status = failure.ChannelStatus()
		channel.NextSyncAt = time.Time{}
	default:
		channel.Status = failure.ChannelStatus()
		channel.Failures++
		if connection.AutoSync || channel.LastSuccessAt.IsZero() {
			channel.NextSyncAt = now.Add(max(backoff(channel.Failures), failure.RetryAfter))
		}
	}
	err := tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	if broken {
		err := e.record(ctx, tx, channel, oxlin.EventType(channel.Status), oxlin.EventPayload{})
		if err != nil {
			return err
		}
	}
	return e.record(ctx, tx, channel, kind.FailedEvent(), oxlin.EventPayload{})
}

// Answered returns the attempt of a synchronisation's job that was the last to store an answer
// of the bank; zero if none was.
func (e *Engine) Answered(ctx context.Context, id oxlin.SyncID) (int, error) {
	sync, err := e.db.Read().Synchronisation(ctx, id)
	if oxlin.IsNotFound(err) {
		return 0, nil
	}
	return sync.Progress.Answered, err
}

// GiveUp ends a synchronisation after too many faults of ours, so that its channel
// does not stay RUNNING.
func (e *Engine) GiveUp(ctx context.Context, id oxlin.SyncID, cause error) error {
	e.log.ErrorContext(ctx, "synchronisation given up", "sync", id, "error", cause)
	r, err := e.load(ctx, id)
	if err != nil {
		return ignoreSuperseded(err)
	}
	return ignoreSuperseded(r.write(ctx, func(tx *store.Tx) error {
		return r.fail(ctx, tx, &bank.Failure{Kind: bank.Nonsense, Err: cause})
	}))
}

// Supersede ends the live synchronisation of a channel, if any, because the channel
// is about to get new access or to lose it.
func (e *Engine) Supersede(ctx context.Context, tx *store.Tx, id oxlin.ChannelID) error {
	running, err := tx.Read().LiveSynchronisation(ctx, id)
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	channel, err := tx.Read().Channel(ctx, id)
	if err != nil {
		return err
	}
	connection, err := tx.Read().Connection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	return endSync(ctx, tx, e.audit, connection, channel, running, e.now())
}

// endSync marks a synchronisation as ended, and deletes its question and its staged
// pages. It fails if the synchronisation has ended before.
func endSync(ctx context.Context, tx *store.Tx, log *audit.Log, connection oxlin.Connection, channel oxlin.Channel, sync oxlin.Synchronisation, now time.Time) error {
	sync.State, sync.EndedAt, sync.Progress.Told = oxlin.SyncEnded, now, nil
	err := tx.UpdateSynchronisation(ctx, sync)
	if err != nil {
		return err
	}
	err = tx.DeleteQuestion(ctx, sync.ID)
	if err != nil {
		return err
	}
	err = tx.DropStagedPages(ctx, sync.ID)
	if err != nil {
		return err
	}
	return recordEnd(ctx, tx, log, connection, channel, sync)
}
