package synchro

import (
	"context"

	"github.com/oxlin/oxlin"
)

// Connection finds a connection of the caller's user. Like every list of
// channels, it has one for each definition of the provider: those never used are EMPTY.
func (s *Service) Connection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID) (oxlin.Connection, error) {
	panic("being written")
}

// Connections lists the connections of the caller's user by id.
func (s *Service) Connections(ctx context.Context, caller oxlin.Caller) ([]oxlin.Connection, error) {
	panic("being written")
}

// ConnectionChange is what a client may change of a connection; nil leaves it.
type ConnectionChange struct {
	Name     *string
	AutoSync *bool
}

// ChangeConnection changes a connection's name or its daily synchronisation.
func (s *Service) ChangeConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, change ConnectionChange) error {
	panic("being written")
}

// DeleteConnection removes a connection with all its data and hands the access
// back to the bank.
func (s *Service) DeleteConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID) error {
	panic("being written")
}

// DeleteUser removes the caller's user with everything that is theirs.
func (s *Service) DeleteUser(ctx context.Context, caller oxlin.Caller) error {
	panic("being written")
}

// Synchronize starts a synchronisation of a connection's channels (contract §11,
// "Attended or not"). One already running is no error and starts no second; a
// used-up quota is CodeQuotaExhausted with RetryAfter.
func (s *Service) Synchronize(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, kind oxlin.SyncKind) error {
	panic("being written")
}

// SynchronizeAll does that for all connections of the user, and gives those that
// will be synchronised.
func (s *Service) SynchronizeAll(ctx context.Context, caller oxlin.Caller, kind oxlin.SyncKind) ([]oxlin.ConnectionID, error) {
	panic("being written")
}

// Consent takes the user's decision about accounts of a connection: true is
// synchronised, false is deleted; accounts not named keep their state.
func (s *Service) Consent(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, decisions []oxlin.AccountConsent) error {
	panic("being written")
}
