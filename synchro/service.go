package synchro

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/event"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
)

// Catalogue knows the providers and who speaks to them.
type Catalogue interface {
	// Providers lists the common ones first.
	Providers() []oxlin.Provider
	Provider(oxlin.ProviderID) (oxlin.Provider, bool)
	// Connector fails for a channel definition that nobody speaks to yet.
	Connector(oxlin.ProviderID, oxlin.ChannelDefinitionID) (bank.Connector, error)
}

// Queue takes jobs within a transaction: they exist if it commits. The same job
// may run twice; Run bears that.
type Queue interface {
	// EnqueueRun asks for Service.Run, not before a moment. A synchronisation whose
	// user is present goes before those that nobody waits for.
	EnqueueRun(ctx context.Context, tx *store.Tx, sync oxlin.Synchronisation, notBefore time.Time) error
	// EnqueueRevoke asks for Service.Revoke: to hand access back to the bank.
	EnqueueRevoke(ctx context.Context, tx *store.Tx, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error
}

// Options are what a Service needs.
type Options struct {
	DB        *store.DB
	Vault     *vault.Vault
	Catalogue Catalogue
	Queue     Queue
	// Events is the log in which the service records what happens.
	Events event.Log
	// CallbackURL is where banks send users back to us.
	CallbackURL string
	Now         func() time.Time
	Rand        io.Reader
	Log         *slog.Logger
}

// Service does the use cases and runs synchronisations.
type Service struct{ Options }

// New makes a Service.
func New(options Options) *Service { return &Service{options} }
