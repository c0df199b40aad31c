package synchro

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/clock"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Catalogue knows the providers and their connectors.
type Catalogue interface {
	Provider(oxlin.ProviderID) (oxlin.Provider, bool)
	// Connector fails for a channel definition without a connector.
	Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error)
}

// ErrTakenOver is the error of Queue.Guard: another attempt of the same job has begun.
var ErrTakenOver = errors.New("the job was taken over by another attempt")

// Queue takes jobs within a transaction: they exist if it commits. A job may run
// twice.
type Queue interface {
	// EnqueueRun asks for Engine.Run, not before a moment. A synchronisation whose
	// user is present goes before those that nobody waits for.
	EnqueueRun(ctx context.Context, tx *store.Tx, sync oxlin.Synchronisation, notBefore time.Time) error
	// Lost returns those of the synchronisations that have no job, without a write.
	Lost(ctx context.Context, ids []oxlin.SyncID) ([]oxlin.SyncID, error)
	// Hold lets no run of a bank begin before a moment, and one at a time from then on,
	// until the bank's pace allows more. It concerns this process and writes nothing.
	Hold(provider oxlin.ProviderID, until time.Time)
	// Guard fails if the job of ctx was taken over, and else keeps it from being taken over
	// until the transaction ends.
	Guard(ctx context.Context, tx *store.Tx) error
	// Attempt is the number of the attempt of the job of ctx; zero outside of a job.
	Attempt(ctx context.Context) int
	// Node is the name of this process among those that run synchronisations.
	Node() string
	// Gone reports whether a process has ended, and with it whatever it has begun.
	Gone(ctx context.Context, node string) (bool, error)
	// EnqueueRevoke asks for Engine.Revoke.
	EnqueueRevoke(ctx context.Context, tx *store.Tx, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error
}

// Options configure an Engine.
type Options struct {
	DB        *store.DB
	Vault     *vault.Vault
	Catalogue Catalogue
	// Queue is nil in a command that only reads stored rows anew.
	Queue Queue
	// Events is the log in which the engine records what happens.
	Events event.Log
	Audit  *audit.Log
	Now    func() time.Time
	// Clock judges Now. Nil means that Now is always right.
	Clock *clock.Clock
	// Retention is how long events and ended synchronisations are kept; zero is for ever.
	Retention time.Duration
	Log       *slog.Logger
}

// Engine runs synchronisations. Run, GiveUp, Revoke and Sweep are for the job
// engine; all other methods take a transaction and are for the use cases.
type Engine struct{ *core }

// core holds the means that the engine and its runs share.
type core struct {
	db        *store.DB
	vault     *vault.Vault
	catalogue Catalogue
	queue     Queue
	events    event.Log
	audit     *audit.Log
	now       func() time.Time
	clock     *clock.Clock
	retention time.Duration
	log       *slog.Logger
	renewing  *renewing
	// staged counts the bytes that waiting answers take in memory, of all runs.
	staged atomic.Int64
	// joining is the room for comparing accounts with what is stored, in bytes.
	joining *semaphore.Weighted
}

// New makes an Engine.
func New(options Options) *Engine {
	return &Engine{&core{
		db: options.DB, vault: options.Vault, catalogue: options.Catalogue, queue: options.Queue,
		events: options.Events, audit: options.Audit, now: options.Now, clock: options.Clock, retention: options.Retention, log: options.Log,
		renewing: &renewing{channels: map[oxlin.ChannelID]bool{}}, joining: semaphore.NewWeighted(joiningBytes),
	}}
}
