package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

// live are the states of a job that has not ended. A job that has ended never
// prevents the next.
var live = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// The kinds of jobs are stored with every job that waits,
// and so are the JSON names of the arguments: none of them ever changes.
const (
	runKind     = "run"
	revokeKind  = "revoke"
	notifyKind  = "notify"
	webhookKind = "webhook" // also the name of the first reader
	sweepKind   = "sweep"
)

// runArgs are the arguments of a job that calls the engine's Run.
type runArgs struct {
	Synchronisation oxlin.SyncID `json:"synchronisation"`
}

func (runArgs) Kind() string { return runKind }

// InsertOpts allow many more attempts than Options.Attempts: River must not discard a
// job before Service.GiveUp was called, even if its process died each time.
func (runArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: runAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live}}
}

// runAttempts is how often River tries a run, and lastAttempts are those of them in which it is
// given up even if it got further.
const runAttempts, lastAttempts = 100, 10

// runningJob is the context's key for the job that runs.
type runningJob struct{}

type runWorker struct {
	river.WorkerDefaults[runArgs]
	engine *Engine
}

func (w *runWorker) Work(ctx context.Context, job *river.Job[runArgs]) error {
	idle, err := w.idle(ctx, job)
	if err != nil {
		return err
	}
	if idle > w.engine.options.Attempts {
		return w.giveUp(ctx, job, errors.New("no attempt came to its end"))
	}
	err = w.engine.service.Run(context.WithValue(ctx, runningJob{}, job), job.Args.Synchronisation)
	// A job that is cancelled because this process stops or gives no sign of life did not fail.
	stopped := errors.Is(ctx.Err(), context.Canceled)
	if err == nil || stopped || errors.Is(err, vault.ErrAway) {
		return err
	}
	idle, idleErr := w.idle(ctx, job)
	if idleErr != nil || idle < w.engine.options.Attempts {
		return err
	}
	return w.giveUp(ctx, job, err)
}

// idle counts the attempts since an answer of the bank was stored, this one included. A process
// that is killed again and again costs its jobs attempts, and most of them got further.
func (w *runWorker) idle(ctx context.Context, job *river.Job[runArgs]) (int, error) {
	if job.Attempt < w.engine.options.Attempts {
		return job.Attempt, nil
	}
	answered, err := w.engine.service.Answered(context.WithoutCancel(ctx), job.Args.Synchronisation)
	if answered > job.Attempt || job.Attempt > runAttempts-lastAttempts {
		answered = 0 // an earlier job's, or River would end the job before us
	}
	return job.Attempt - answered, err
}

// Timeout is the same for all banks: Run knows its bank, and ends before.
func (w *runWorker) Timeout(*river.Job[runArgs]) time.Duration { return runTimeout }

// giveUp calls the service and ends the job. If the call fails, the job is tried again
// and gives up then.
func (w *runWorker) giveUp(ctx context.Context, job *river.Job[runArgs], cause error) error {
	// The job's own time may be over; this must happen all the same.
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), runningJob{}, job), 10*time.Second)
	defer cancel()
	err := w.engine.service.GiveUp(ctx, job.Args.Synchronisation, cause)
	if err != nil {
		return fmt.Errorf("give up: %w", err)
	}
	return river.JobCancel(cause)
}

// revokeArgs ask for Service.Revoke.
type revokeArgs struct {
	Provider   oxlin.ProviderID          `json:"provider"`
	Definition oxlin.ChannelDefinitionID `json:"definition"`
	Sealed     []byte                    `json:"sealed"`
}

func (revokeArgs) Kind() string { return revokeKind }

type revokeWorker struct {
	river.WorkerDefaults[revokeArgs]
	engine *Engine
}

func (w *revokeWorker) Work(ctx context.Context, job *river.Job[revokeArgs]) error {
	return w.engine.service.Revoke(ctx, job.Args.Provider, job.Args.Definition, job.Args.Sealed)
}

// notifyArgs ask for Service.Notify.
type notifyArgs struct {
	User   oxlin.UserID  `json:"user"`
	Event  oxlin.EventID `json:"event"`
	Reader string        `json:"reader,omitempty"`
}

func (notifyArgs) Kind() string { return notifyKind }

// notifyWorkers serve a queue of their own: integrators' servers that answer slowly must
// not hold up synchronisations. Each client has one at a time of each reader.
const notifyWorkers = 16

// InsertOpts allow as many attempts as notifyPause spreads over a day.
func (notifyArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		MaxAttempts: 30, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live},
	}
}

type notifyWorker struct {
	river.WorkerDefaults[notifyArgs]
	engine *Engine
}

func (w *notifyWorker) Work(ctx context.Context, job *river.Job[notifyArgs]) error {
	return w.engine.service.Notify(ctx, job.Args.User, job.Args.Event, job.Args.Reader)
}

func (w *notifyWorker) NextRetry(job *river.Job[notifyArgs]) time.Time {
	return w.engine.options.Now().Add(notifyPause(job.Attempt))
}

// notifyPause grows with each attempt, up to an hour: an integrator's server may be
// down for a night.
func notifyPause(attempt int) time.Duration {
	return min(time.Second<<(2*min(attempt-1, 10)), time.Hour)
}

// webhookArgs are those of notifications before there was more than one reader. Such
// jobs may still wait in a database; their kind is the reader's name.
type webhookArgs struct {
	User  oxlin.UserID  `json:"user"`
	Event oxlin.EventID `json:"event"`
}

func (webhookArgs) Kind() string { return webhookKind }

type webhookWorker struct {
	river.WorkerDefaults[webhookArgs]
	engine *Engine
}

func (w *webhookWorker) Work(ctx context.Context, job *river.Job[webhookArgs]) error {
	return w.engine.service.Notify(ctx, job.Args.User, job.Args.Event, job.Kind)
}

func (w *webhookWorker) NextRetry(job *river.Job[webhookArgs]) time.Time {
	return w.engine.options.Now().Add(notifyPause(job.Attempt))
}

// sweepArgs ask for Service.Sweep. The next minute's sweep is the second attempt.
type sweepArgs struct{}

func (sweepArgs) Kind() string { return sweepKind }

func (sweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByState: live, ByArgs: true}}
}

// longestWait is how long a notification waits for a server that fails for all of them: their
// attempts are spread over a day.
const longestWait = 25 * time.Hour

type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	engine *Engine
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	var err error
	if w.engine.options.Believed() {
		err = w.engine.backend.dropNotifications(ctx, w.engine.options.Now().Add(-longestWait))
	}
	return errors.Join(err, w.engine.service.Sweep(ctx))
}

// pause is the wait between two attempts: 1 s, 4 s, 16 s, and 64 s from then on.
type pause struct{ now func() time.Time }

func (p pause) NextRetry(job *rivertype.JobRow) time.Time {
	failed := min(max(job.Attempt, 1), 4)
	return p.now().Add(time.Second << (2 * (failed - 1)))
}

// failures logs the errors and panics of jobs.
type failures struct{ log *slog.Logger }

func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level := slog.LevelError
	if job.Kind == notifyKind || job.Kind == webhookKind {
		level = slog.LevelWarn // an integrator's server is not ours to mend
	}
	f.log.Log(ctx, level, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "error", err)
	return nil
}

func (f failures) HandlePanic(_ context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	f.log.Error("job panicked", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "panic", value, "trace", trace)
	return nil
}
