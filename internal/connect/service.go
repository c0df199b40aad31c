package connect

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

// Catalogue knows the providers and their connectors.
type Catalogue interface {
	synchro.Catalogue
	// Providers lists the common ones first.
	Providers() []oxlin.Provider
}

// Options configure a Service.
type Options struct {
	DB        *store.DB
	Vault     *vault.Vault
	Catalogue Catalogue
	Engine    *synchro.Engine
	// Events is the log in which the use cases record what happens.
	Events event.Log
	Audit  *audit.Log
	// CallbackURL is where banks send users back to us.
	CallbackURL string
	// Attended limits the synchronisations of one connection that users who are present ask
	// for, on each node; zero is no limit.
	Attended pace.Limit
	// Spool is the directory of accesses that are not stored yet; empty for none.
	Spool string
	Now   func() time.Time
	// Believed reports whether Now can be believed: else a return from a bank is not late, and no
	// access is handed back because of the time. Nil means that it always can.
	Believed func() bool
	Rand     io.Reader
	Log      *slog.Logger
}

// Service holds the use cases, by what they are about.
type Service struct {
	Absences       *Absences
	Accounts       *Accounts
	Authorizations *Authorizations
	Connections    *Connections
	Consents       *Consents
	Credentials    *Credentials
	Imports        *Imports
	Keys           *Keys
	Providers      *Providers
	Queues         *Queues
	Transactions   *Transactions
	Ways           *Ways
}

// Close finishes the answers of banks that are being worked on, until ctx ends. An access
// that waits for the database is handed back to its bank.
func (s *Service) Close(ctx context.Context) error { return s.Authorizations.flights.close(ctx) }

// New makes a Service.
func New(options Options) *Service {
	if options.Believed == nil {
		options.Believed = func() bool { return true }
	}
	c := &core{
		db: options.DB, vault: options.Vault, catalogue: options.Catalogue, engine: options.Engine, events: options.Events, audit: options.Audit,
		callbackURL: options.CallbackURL, now: options.Now, believed: options.Believed, random: options.Rand, log: options.Log,
		flights: newFlights(options.Now), startedAt: options.Now(), attended: options.Attended, spool: newSpool(options.Spool, options.Vault),
	}
	authorizations := &Authorizations{c}
	return &Service{
		Absences:       &Absences{c},
		Accounts:       &Accounts{c},
		Authorizations: authorizations,
		Connections:    &Connections{c},
		Consents:       &Consents{c},
		Credentials:    &Credentials{c},
		Imports:        &Imports{core: c, files: newFiles()},
		Keys:           &Keys{c},
		Providers:      newProviders(options.Catalogue),
		Queues:         &Queues{c},
		Transactions:   &Transactions{c},
		Ways:           &Ways{authorizations},
	}
}

// core holds the means that all use cases share, the rules of access.go and the steps
// of channels.go.
type core struct {
	db          *store.DB
	vault       *vault.Vault
	catalogue   Catalogue
	engine      *synchro.Engine
	events      event.Log
	audit       *audit.Log
	callbackURL string
	now         func() time.Time
	believed    func() bool
	random      io.Reader
	log         *slog.Logger
	flights     *flights
	spool       *spool
	startedAt   time.Time
	attended    pace.Limit
	asked       pace.Memory // by connection
}

// over reports whether a time is over. While the clock is in doubt, it is not.
func over(c *core, until time.Time) bool { return !c.now().Before(until) && c.believed() }
