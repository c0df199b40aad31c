package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// own finds a connection of the caller's user; another user's does not exist.
func (s *Service) own(ctx context.Context, r store.Reader, caller oxlin.Caller, id oxlin.ConnectionID) (oxlin.Connection, error) {
	connection, err := r.Connection(ctx, id)
	if err != nil {
		return oxlin.Connection{}, err
	}
	if connection.UserID != caller.UserID {
		return oxlin.Connection{}, oxlin.NotFound("connection")
	}
	return connection, nil
}

// change does something to a connection of the caller's user, in one transaction.
func (s *Service) change(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, do func(tx *store.Tx, connection oxlin.Connection) error) error {
	return s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		connection, err := s.own(ctx, tx.Reader, caller, id)
		if err != nil {
			return err
		}
		return do(tx, connection)
	})
}

// Connection finds a connection of the caller's user. Like every list of
// channels, it has one for each definition of the provider: those never used are EMPTY.
func (s *Service) Connection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID) (oxlin.Connection, error) {
	err := requireReading(caller)
	if err != nil {
		return oxlin.Connection{}, err
	}
	connection, err := s.own(ctx, s.DB.Read(), caller, id)
	return s.Complete(connection), err
}

// Connections lists the connections of the caller's user by id.
func (s *Service) Connections(ctx context.Context, caller oxlin.Caller) ([]oxlin.Connection, error) {
	err := requireReading(caller)
	if err != nil {
		return nil, err
	}
	connections, err := s.DB.Read().Connections(ctx, caller.UserID)
	for i, connection := range connections {
		connections[i] = s.Complete(connection)
	}
	return connections, err
}

func requireReading(caller oxlin.Caller) error {
	return caller.Require(oxlin.ScopeConnectionsManage, oxlin.ScopeTransactionsRead, oxlin.ScopeAccountsRead)
}

// Complete returns a connection with all channels of its provider.
func (s *Service) Complete(connection oxlin.Connection) oxlin.Connection {
	provider, _ := s.Catalogue.Provider(connection.ProviderID)
	return connection.WithAllChannels(provider)
}

// requireManaging is for what only a client with its own agreement does itself.
func requireManaging(caller oxlin.Caller) error {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return err
	}
	return caller.RequireAgreementOrWidget()
}

// ConnectionChange is what a client may change of a connection; nil leaves it.
type ConnectionChange struct {
	Name     *string
	AutoSync *bool
}

// ChangeConnection changes a connection's name or its daily synchronisation.
func (s *Service) ChangeConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, change ConnectionChange) error {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		if change.Name != nil {
			connection.Name = *change.Name
		}
		rescheduled := change.AutoSync != nil && *change.AutoSync != connection.AutoSync
		if rescheduled {
			connection.AutoSync = *change.AutoSync
		}
		err := tx.UpdateConnection(ctx, connection)
		if err != nil {
			return err
		}
		_, err = s.Events.Record(ctx, tx, s.Now(), id, oxlin.EventConnectionUpdated, "", oxlin.EventPayload{})
		if err != nil || !rescheduled {
			return err
		}
		for _, channel := range connection.Channels {
			if channel.Status == oxlin.ChannelSuccess || channel.Status == oxlin.ChannelFailed {
				channel.NextSyncAt = next(connection, channel, s.Now())
				err := tx.UpdateChannel(ctx, channel)
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// DeleteConnection removes a connection with all its data and hands the access
// back to the bank.
func (s *Service) DeleteConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID) error {
	err := caller.Require(oxlin.ScopeConnectionsManage)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		return s.deleteConnection(ctx, tx, connection)
	})
}

// deleteConnection leaves one event, which tells no more than that there was one.
func (s *Service) deleteConnection(ctx context.Context, tx *store.Tx, connection oxlin.Connection) error {
	for _, channel := range connection.Channels {
		err := s.handBack(ctx, tx, connection, channel)
		if err != nil {
			return err
		}
	}
	err := tx.DropEvents(ctx, connection.UserID, connection.ID)
	if err != nil {
		return err
	}
	// What is told of it is no more than what it was: nobody's name, no credential.
	last := oxlin.Connection{
		ID: connection.ID, UserID: connection.UserID, ProviderID: connection.ProviderID, Name: connection.Name,
		AutoSync: connection.AutoSync, ConsentPerAccount: connection.ConsentPerAccount, CreatedAt: connection.CreatedAt,
	}
	for _, channel := range connection.Channels {
		last.Channels = append(last.Channels, oxlin.Channel{DefinitionID: channel.DefinitionID, Mode: channel.Mode, Status: channel.Status})
	}
	_, err = s.Events.Append(ctx, tx, oxlin.Event{UserID: connection.UserID, Type: oxlin.EventConnectionDeleted, At: s.Now(), Connection: last})
	if err != nil {
		return err
	}
	return tx.DeleteConnection(ctx, connection.ID)
}

// handBack asks for the revocation of a channel's access at the bank; the access
// itself is destroyed by the caller's transaction.
func (s *Service) handBack(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	sealed, err := tx.Access(ctx, channel.ID)
	if err != nil || len(sealed) == 0 {
		return err
	}
	access, err := s.Vault.OpenSecret(sealed, accessPlace(channel.ID))
	if err != nil {
		return err
	}
	// The row goes away, so the access is sealed anew for its way through the jobs.
	sealed, err = s.Vault.SealSecret(access, revocationPlace(connection.ProviderID))
	if err != nil {
		return err
	}
	return s.Queue.EnqueueRevoke(ctx, tx, connection.ProviderID, channel.DefinitionID, sealed)
}

// DeleteUser removes the caller's user with everything that is theirs.
func (s *Service) DeleteUser(ctx context.Context, caller oxlin.Caller) error {
	err := caller.Require(oxlin.ScopeProfileEdit)
	if err != nil {
		return err
	}
	return s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		connections, err := tx.Connections(ctx, caller.UserID)
		if err != nil {
			return err
		}
		for _, connection := range connections {
			for _, channel := range connection.Channels {
				err := s.handBack(ctx, tx, connection, channel)
				if err != nil {
					return err
				}
			}
		}
		return tx.DeleteUser(ctx, caller.UserID)
	})
}

// Synchronize starts a synchronisation of a connection's channels (contract §11,
// "Attended or not"). One already running is no error and starts no second; a
// used-up quota is CodeQuotaExhausted with RetryAfter.
func (s *Service) Synchronize(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, kind oxlin.SyncKind) error {
	err := caller.Require(oxlin.ScopeConnectionsSync)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		return s.synchronize(ctx, tx, connection, kind, caller.PSU)
	})
}

// SynchronizeAll does that for all connections of the user, and gives those that
// will be synchronised.
func (s *Service) SynchronizeAll(ctx context.Context, caller oxlin.Caller, kind oxlin.SyncKind) ([]oxlin.ConnectionID, error) {
	err := caller.Require(oxlin.ScopeConnectionsSync)
	if err != nil {
		return nil, err
	}
	started := []oxlin.ConnectionID{}
	connections, err := s.DB.Read().Connections(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	for _, connection := range connections {
		err := s.Synchronize(ctx, caller, connection.ID, kind)
		if err == nil {
			started = append(started, connection.ID)
			continue
		}
		// What one connection cannot do is no reason to leave out the others.
		switch oxlin.AsError(err).Code {
		case oxlin.CodeQuotaExhausted, oxlin.CodeUserActionRequired, oxlin.CodeConflict, oxlin.CodeNotFound:
		default:
			return nil, err
		}
	}
	return started, nil
}

// synchronize starts what can be started. It fails only if nothing runs
// afterwards, with the reason that a client can do something about.
func (s *Service) synchronize(ctx context.Context, tx *store.Tx, connection oxlin.Connection, kind oxlin.SyncKind, psu *oxlin.PSU) error {
	var running bool
	var refused error
	for _, channel := range connection.Channels {
		switch channel.Status {
		case oxlin.ChannelRunning:
			running = true
			continue
		case oxlin.ChannelEmpty:
			continue
		case oxlin.ChannelTokenExpired, oxlin.ChannelAuthFailed, oxlin.ChannelTooManyAttempts, oxlin.ChannelPasswordChangeRequired:
			refused = oxlin.Errorf(oxlin.CodeUserActionRequired, "Channel %s is %s: the user has to act first.", channel.DefinitionID, channel.Status)
			continue
		}
		if channel.AwaitsConsent && kind == oxlin.SyncAll {
			refused = oxlin.Errorf(oxlin.CodeConflict, "Channel %s waits for the user's consent on its accounts.", channel.DefinitionID)
			continue
		}
		exhausted, err := s.quotaExhausted(ctx, tx, connection, channel, psu)
		if err != nil {
			return err
		}
		if exhausted {
			now := s.Now()
			refused = &oxlin.Error{
				Code: oxlin.CodeQuotaExhausted, Message: oxlin.Catalogue[oxlin.CodeQuotaExhausted].Message,
				RetryAfter: nextMidnight(now).Sub(now),
			}
			continue
		}
		if kind == oxlin.SyncListAccounts {
			// The user asks for the accounts: deleted ones come back (contract §5.4).
			err := tx.RememberAccounts(ctx, connection.ID)
			if err != nil {
				return err
			}
		}
		err = s.startOrList(ctx, tx, channel, kind, psu)
		if err != nil {
			return err
		}
		running = true
	}
	switch {
	case running:
		return nil
	case refused != nil:
		return refused
	}
	return oxlin.Errorf(oxlin.CodeConflict, "The connection has no channel that could be synchronised.")
}

// quotaExhausted says that the bank would refuse another access without the user today.
func (s *Service) quotaExhausted(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, psu *oxlin.PSU) (bool, error) {
	if psu != nil {
		return false, nil
	}
	connector, err := s.Catalogue.Connector(connection.ProviderID, channel.DefinitionID)
	if err != nil {
		return false, err
	}
	limit := connector.Profile().UnattendedPerDay
	if limit == 0 {
		return false, nil
	}
	used, err := tx.MostUnattended(ctx, channel.ID, today(s.Now()))
	return used >= limit, err
}

// today is the bank's day.
func today(now time.Time) oxlin.Date { return oxlin.DateIn(now, oxlin.Paris) }

// record tells an event of a channel.
func (s *Service) record(ctx context.Context, tx *store.Tx, channel oxlin.Channel, eventType oxlin.EventType, payload oxlin.EventPayload) error {
	_, err := s.Events.Record(ctx, tx, s.Now(), channel.ConnectionID, eventType, channel.DefinitionID, payload)
	return err
}
