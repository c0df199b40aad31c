package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Service does the work that jobs ask for.
type Service interface {
	// Run takes a synchronisation further. It looks at ctx, bounds its own time by
	// the timeouts of its bank, and writes nothing more once it has committed a
	// transaction that enqueues its successor. An error is a failure of ours, not
	// of the bank: the job is tried again.
	Run(ctx context.Context, id oxlin.SyncID) error
	// Revoke hands an access back to its bank. It is tried again after an error.
	Revoke(ctx context.Context, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error
	// Notify tells the outside about a user's event, by one reader of the log or, if
	// reader is empty, by all. After an error it is called again for a day.
	Notify(ctx context.Context, user oxlin.UserID, event oxlin.EventID, reader string) error
	// Answered returns the attempt of a synchronisation's job that was the last to store an
	// answer of the bank; zero if none was.
	Answered(ctx context.Context, id oxlin.SyncID) (int, error)
	// GiveUp ends a synchronisation whose job has failed too often.
	GiveUp(ctx context.Context, id oxlin.SyncID, cause error) error
	// Sweep starts the synchronisations that are due. Two nodes may call it at once.
	Sweep(ctx context.Context) error
}

// Options configure an Engine.
type Options struct {
	DB *store.DB
	// Now is the clock of moments and retries. It has to agree with the database's
	// clock, by which River finds the jobs that are due.
	Now func() time.Time
	// Believed reports whether Now can be believed: else nothing is deleted because of its age.
	// Nil means that it always can.
	Believed func() bool
	// Ready reports whether jobs can be worked: while it does not, none begins. Nil means that they
	// always can.
	Ready func() bool
	// Log gets warnings and errors; it says nothing about healthy jobs.
	Log *slog.Logger
	// Workers is how many jobs of one bank this process works at once; 0 is DefaultWorkers.
	// A quarter of them, at least one, is for users who are present. As many again are there
	// for other banks.
	Workers int
	// Attempts is how often in a row a job is tried, without an answer of the bank that was
	// stored, before it is given up; 0 is 5.
	Attempts int
	// Beat is how often a node gives a sign of life; 0 is one second. It is the same on all
	// nodes: one that could not give any for seven intervals stops its jobs, and after eight the
	// others take them.
	Beat time.Duration
}

// DefaultWorkers is the default of Options.Workers.
const DefaultWorkers = 24

// maxWorkers bounds what a process keeps in memory at once.
const maxWorkers = 1000

const (
	// jobTimeout is the most that one job may take, other than a run.
	jobTimeout = 45 * time.Second
	// runTimeout is the most that a run may take: more than its own limit at the slowest
	// bank that a provider file can describe.
	runTimeout = 15 * time.Minute
	// rescueAfter is not used: see gatedExecutor.JobGetStuck.
	rescueAfter = time.Hour
	// sweepInterval is how often the leader of the nodes asks for a sweep.
	sweepInterval = time.Minute
	// completedRetention is how long a finished job stays in the table.
	completedRetention = time.Hour
	// hardStop is how long cancelled jobs may take to return.
	hardStop = 5 * time.Second
)

// Engine enqueues jobs, and works them between Start and Stop. It can enqueue before
// Start.
type Engine struct {
	options Options
	service Service
	backend backend
	node    *node
	gate    *gate
}

// backend is River on one of the two databases.
type backend interface {
	migrate(ctx context.Context) error
	start(ctx context.Context) error
	stop(ctx context.Context) error
	stopNow(ctx context.Context) error
	// holds reports whether an attempt of a job runs, and locks the job.
	holds(ctx context.Context, tx *store.Tx, id int64, attempt int) (bool, error)
	// withJob returns those of the synchronisations that have a job.
	withJob(ctx context.Context, ids []int64) ([]int64, error)
	// bringNear makes jobs due that wait longer than their rules allow.
	bringNear(ctx context.Context) error
	// dropNotifications removes those that were made before a moment and still wait.
	dropNotifications(ctx context.Context, before time.Time) error
	enqueueRun(ctx context.Context, tx *store.Tx, args runArgs, options river.InsertOpts) error
	enqueue(ctx context.Context, tx *store.Tx, args river.JobArgs, options river.InsertOpts) error
}

// New makes an Engine. It does not touch the database.
func New(options Options) (*Engine, error) {
	if options.Workers == 0 {
		options.Workers = DefaultWorkers
	}
	if options.Workers < 0 || options.Workers > maxWorkers {
		return nil, fmt.Errorf("want 1 to %d workers, not %d", maxWorkers, options.Workers)
	}
	if options.Attempts == 0 {
		options.Attempts = 5
	}
	if options.Believed == nil {
		options.Believed = func() bool { return true }
	}
	if options.Ready == nil {
		options.Ready = func() bool { return true }
	}
	if options.Beat == 0 {
		options.Beat = beatInterval
	}
	n := newNode(options)
	e := &Engine{options: options, node: n, gate: newGate(options, n)}
	config, err := e.config()
	if err != nil {
		return nil, err
	}
	if options.DB.Dialect() == store.SQLite {
		config.PollOnly = true // there is no LISTEN
		driver := riversqlite.New(options.DB.SQLite())
		e.backend, err = newBackend(driver, config, e.gate, options.DB, (*store.Tx).SQLite)
		return e, err
	}
	driver := riverpgxv5.New(options.DB.Postgres())
	e.backend, err = newBackend(driver, config, e.gate, options.DB, (*store.Tx).Postgres)
	return e, err
}

func (e *Engine) config() (*river.Config, error) {
	workers := river.NewWorkers()
	err := errors.Join(
		river.AddWorkerSafely(workers, &runWorker{engine: e}),
		river.AddWorkerSafely(workers, &revokeWorker{engine: e}),
		river.AddWorkerSafely(workers, &notifyWorker{engine: e}),
		river.AddWorkerSafely(workers, &webhookWorker{engine: e}),
		river.AddWorkerSafely(workers, &sweepWorker{engine: e}),
	)
	if err != nil {
		return nil, err
	}
	return &river.Config{
		ID:      e.node.id,
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: e.gate.lanes[river.QueueDefault].places},
			// Notifications follow each other one by one, each after a fetch.
			notifyQueue: {MaxWorkers: notifyWorkers, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond},
		},
		// The gate knows when it is worth asking the database.
		FetchCooldown:               50 * time.Millisecond,
		FetchPollInterval:           50 * time.Millisecond,
		Middleware:                  []rivertype.Middleware{river.WorkerMiddlewareFunc(e.inPlace)},
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		CompletedJobRetentionPeriod: completedRetention,
		MaxAttempts:                 e.options.Attempts,
		RetryPolicy:                 pause{e.options.Now},
		Test:                        river.TestConfig{Time: clock(e.options.Now)},
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(
			river.PeriodicInterval(sweepInterval),
			func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, nil },
			&river.PeriodicJobOpts{RunOnStart: true},
		)},
		ErrorHandler: failures{e.options.Log},
		Logger:       slog.New(warnings{e.options.Log.Handler(), e.options.DB}),
	}, nil
}

// clock makes River read our clock within the process. What nodes compare with each
// other goes by the database's clock, which NowOrNil leaves in place.
type clock func() time.Time

func (c clock) Now() time.Time       { return c() }
func (c clock) NowOrNil() *time.Time { return nil }

// Migrate brings River's tables up to date. Several processes may do it at once.
func (e *Engine) Migrate(ctx context.Context) error { return e.backend.migrate(ctx) }

// Start begins to work jobs with a service. ctx bounds the start alone.
func (e *Engine) Start(ctx context.Context, service Service) error {
	e.service = service
	err := ctx.Err()
	if err != nil {
		return err
	}
	err = e.node.start(ctx, e.gate.wake)
	if err != nil {
		return fmt.Errorf("start the job engine: %w", err)
	}
	// When the context of the start ends, River drops every job.
	err = e.backend.start(context.WithoutCancel(ctx))
	if err != nil {
		e.node.end()
	}
	return err
}

// Stop takes no more jobs and waits for those that run. When ctx is over it
// cancels them; they are available to other nodes at once.
func (e *Engine) Stop(ctx context.Context) error {
	defer e.node.end()
	err := e.backend.stop(ctx)
	if err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), hardStop)
	defer cancel()
	return e.backend.stopNow(hard)
}

// diskFull is in the text of SQLite's error of that kind (SQLITE_FULL). River may be the first that meets
// it, and logs errors as texts.
const diskFull = "database or disk is full"

// warnings drops River's messages below warnings, those about queries that a stop has
// cancelled, and those during an outage of the database, which has a line of its own. A job whose
// end could not be stored is a warning: it runs again as a stray, and the outage may just be over.
type warnings struct {
	slog.Handler
	db *store.DB
}

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) Handle(ctx context.Context, record slog.Record) error {
	expected := false
	record.Attrs(func(attr slog.Attr) bool {
		text := attr.Value.String()
		expected = text == context.Canceled.Error() || strings.Contains(text, diskFull)
		return !expected
	})
	if expected || w.db.Failing() {
		return nil
	}
	if strings.Contains(record.Message, "Completer") {
		record.Level = min(record.Level, slog.LevelWarn)
	}
	return w.Handler.Handle(ctx, record)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs), w.db}
}

func (w warnings) WithGroup(name string) slog.Handler {
	return warnings{w.Handler.WithGroup(name), w.db}
}
