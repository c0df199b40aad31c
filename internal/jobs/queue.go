package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
)

// EnqueueRun enqueues a job that calls the engine's Run, at the earliest at notBefore.
// It implements synchro.Queue.
//
// A synchronisation has one job that has not ended, so that it never runs twice
// at once. If a job waits for a later moment, one for the earlier moment replaces
// it; otherwise the existing job does the work. Within Run and with its context, tx
// ends the running job and enqueues its successor, both or neither. If the running
// job was believed dead and another attempt has begun, EnqueueRun returns an error,
// so that its transaction fails.
//
// A synchronisation whose user is present runs first, because they are waiting. Its bank
// and its client each have their share of the workers.
func (e *Engine) EnqueueRun(ctx context.Context, tx *store.Tx, sync oxlin.Synchronisation, notBefore time.Time) error {
	var at time.Time // River takes none for now, by the database's clock
	if notBefore.After(e.options.Now()) {
		at = notBefore
	}
	provider, client, err := tx.Read().BankAndClient(ctx, sync.ChannelID)
	if err != nil && !oxlin.IsNotFound(err) { // the run of a deleted channel does nothing
		return fmt.Errorf("enqueue synchronisation %s: %w", sync.ID, err)
	}
	options := river.InsertOpts{ScheduledAt: at, Queue: runQueue(provider, client, sync.PSU != nil)}
	err = e.backend.enqueueRun(ctx, tx, runArgs{sync.ID}, options)
	if err != nil {
		return fmt.Errorf("enqueue synchronisation %s: %w", sync.ID, err)
	}
	return nil
}

// Lost returns those of the synchronisations that have no job. It implements synchro.Queue.
func (e *Engine) Lost(ctx context.Context, ids []oxlin.SyncID) ([]oxlin.SyncID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	found, err := e.backend.withJob(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("find lost jobs: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id oxlin.SyncID) bool { return slices.Contains(found, int64(id)) }), nil
}

// Guard fails if the job of ctx was taken over by another attempt, and else keeps it from
// being taken over until the transaction ends: the number of the job and that of the attempt
// fence every write of a run. Without a job it does nothing. It implements synchro.Queue.
func (e *Engine) Guard(ctx context.Context, tx *store.Tx) error {
	job, ok := ctx.Value(runningJob{}).(*river.Job[runArgs])
	if !ok {
		return nil
	}
	held, err := e.backend.holds(ctx, tx, job.ID, job.Attempt)
	if err == nil && !held {
		err = synchro.ErrTakenOver
	}
	return err
}

// Attempt returns the number of the attempt of the job of ctx, zero outside of a job. It
// implements synchro.Queue.
func (e *Engine) Attempt(ctx context.Context) int {
	job, ok := ctx.Value(runningJob{}).(*river.Job[runArgs])
	if !ok {
		return 0
	}
	return job.Attempt
}

// Node returns the name of this node. It implements synchro.Queue.
func (e *Engine) Node() string { return e.node.id }

// Gone reports whether a node has ended, and with it whatever it has begun. It implements
// synchro.Queue.
func (e *Engine) Gone(ctx context.Context, id string) (bool, error) {
	if id == e.node.id {
		return false, nil
	}
	gone, err := e.node.signs.gone(ctx, id)
	if err != nil {
		return false, fmt.Errorf("look for a node: %w", err)
	}
	return gone, nil
}

// PutRight makes jobs due that a wrong clock has scheduled for later than their rules allow.
func (e *Engine) PutRight(ctx context.Context) error {
	err := e.backend.bringNear(ctx)
	if err != nil {
		return fmt.Errorf("put appointments of jobs right: %w", err)
	}
	return nil
}

// EnqueueRevoke asks for Service.Revoke. It implements synchro.Queue.
func (e *Engine) EnqueueRevoke(ctx context.Context, tx *store.Tx, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error {
	err := e.backend.enqueue(ctx, tx, revokeArgs{provider, definition, sealed}, river.InsertOpts{Queue: runQueue(provider, "", false)})
	if err != nil {
		return fmt.Errorf("enqueue revocation: %w", err)
	}
	return nil
}

// EnqueueNotify asks for Service.Notify. It implements notify.Queue. While a job of
// the same arguments has not ended, there is no second one.
func (e *Engine) EnqueueNotify(ctx context.Context, tx *store.Tx, client oxlin.ClientID, user oxlin.UserID, event oxlin.EventID, reader string) error {
	err := e.backend.enqueue(ctx, tx, notifyArgs{user, event, reader}, river.InsertOpts{Queue: notifyQueueOf(client, reader)})
	if err != nil {
		return fmt.Errorf("enqueue notification: %w", err)
	}
	return nil
}

func (b *riverBackend[D, T]) enqueueRun(ctx context.Context, tx *store.Tx, args runArgs, options river.InsertOpts) error {
	native := b.native(tx)
	running, ok := ctx.Value(runningJob{}).(*river.Job[runArgs])
	if ok && running.Args == args {
		err := b.complete(ctx, native, running)
		if err != nil {
			return err
		}
	}
	result, err := b.client.InsertTx(ctx, native, args, &options)
	if err != nil || !result.UniqueSkippedAsDuplicate {
		return err
	}
	waiting := result.Job
	if waiting.State != rivertype.JobStateScheduled || !options.ScheduledAt.Before(waiting.ScheduledAt) {
		return nil
	}
	_, err = b.client.JobDeleteTx(ctx, native, waiting.ID)
	if errors.Is(err, rivertype.ErrJobRunning) {
		return nil // it has begun meanwhile
	}
	if err != nil {
		return err
	}
	_, err = b.client.InsertTx(ctx, native, args, &options)
	return err
}

// complete ends a running job within a transaction.
func (b *riverBackend[D, T]) complete(ctx context.Context, native T, job *river.Job[runArgs]) error {
	now, err := b.client.JobGetTx(ctx, native, job.ID)
	if errors.Is(err, rivertype.ErrNotFound) {
		return synchro.ErrTakenOver
	}
	if err != nil {
		return err
	}
	switch {
	case now.Attempt != job.Attempt:
		return synchro.ErrTakenOver
	case now.State == rivertype.JobStateCompleted:
		return nil // by an earlier call of the same run
	case now.State != rivertype.JobStateRunning:
		return synchro.ErrTakenOver
	}
	_, err = river.JobCompleteTx[D](ctx, native, job)
	return err
}

func (b *riverBackend[D, T]) enqueue(ctx context.Context, tx *store.Tx, args river.JobArgs, options river.InsertOpts) error {
	_, err := b.client.InsertTx(ctx, b.native(tx), args, &options)
	return err
}
