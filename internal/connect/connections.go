package connect

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// Connections are the use cases about connections and their synchronisations.
type Connections struct{ *core }

// Get finds a connection of the caller's user, with all channels of its provider.
func (c *Connections) Get(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID) (oxlin.Connection, error) {
	all, err := c.List(ctx, caller) // what it duplicates is another connection
	if err != nil {
		return oxlin.Connection{}, err
	}
	for _, connection := range all {
		if connection.ID == id {
			return connection, nil
		}
	}
	return oxlin.Connection{}, oxlin.NotFound("connection")
}

// List lists the connections of the caller's user by id, each with all channels of its
// provider, their quotas, and the older connection that it duplicates.
func (c *Connections) List(ctx context.Context, caller oxlin.Caller) ([]oxlin.Connection, error) {
	reader := c.db.Read()
	connections, err := reader.Connections(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	accounts, err := reader.AccountsOfUser(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	counts, err := reader.UnattendedAccesses(ctx, caller.UserID, c.engine.Today())
	if err != nil {
		return nil, err
	}
	accountsOf := make(map[oxlin.ConnectionID][]oxlin.Account)
	for _, account := range accounts {
		accountsOf[account.ConnectionID] = append(accountsOf[account.ConnectionID], account)
	}
	for i, connection := range connections {
		connection = c.withQuotas(connection, accountsOf[connection.ID], counts)
		connection.DuplicateOf = duplicateOf(connection, connections[:i], accountsOf)
		connections[i] = c.withAllChannels(connection)
	}
	return connections, nil
}

// withQuotas adds to each used channel what the bank still allows today.
func (c *Connections) withQuotas(connection oxlin.Connection, accounts []oxlin.Account, counts map[string]int) oxlin.Connection {
	connection.Channels = slices.Clone(connection.Channels)
	for i, channel := range connection.Channels {
		if channel.Status == oxlin.ChannelEmpty {
			continue
		}
		quota, err := c.engine.Quota(connection, channel, accounts, counts)
		if err != nil || quota.Limit == 0 {
			continue // the provider has left the catalogue, or sets no limit
		}
		remaining := quota.Remaining()
		connection.Channels[i].RemainingRefreshes = &remaining
	}
	return connection
}

// duplicateOf returns the oldest of the older connections that shows one of the
// connection's accounts; zero for none. At another provider, which may be another brand or interface of
// the bank, the IBAN alone shows that an account is the same. Accounts without a consent do not count.
func duplicateOf(connection oxlin.Connection, older []oxlin.Connection, accountsOf map[oxlin.ConnectionID][]oxlin.Account) oxlin.ConnectionID {
	for _, other := range older {
		if slices.ContainsFunc(accountsOf[connection.ID], func(a oxlin.Account) bool {
			return a.Status != oxlin.AccountPendingConsent && slices.ContainsFunc(accountsOf[other.ID], func(b oxlin.Account) bool {
				return b.Status != oxlin.AccountPendingConsent && (other.ProviderID == connection.ProviderID || a.IBAN != "" && a.IBAN == b.IBAN) &&
					reconcile.SameAccount(reconcile.KnownOf(a), reconcile.KnownOf(b))
			})
		}) {
			return other.ID
		}
	}
	return 0
}

// WithAllChannels returns a connection with all channels of its provider.
func (c *Connections) WithAllChannels(connection oxlin.Connection) oxlin.Connection {
	return c.withAllChannels(connection)
}

func (c *core) withAllChannels(connection oxlin.Connection) oxlin.Connection {
	provider, _ := c.catalogue.Provider(connection.ProviderID)
	return connection.WithAllChannels(provider)
}

// ConnectionChange lists the members of a connection that a client may change; nil
// leaves a member unchanged.
type ConnectionChange struct {
	Name     *string
	AutoSync *bool
}

// Change changes a connection's name or its daily synchronisation.
func (c *Connections) Change(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, change ConnectionChange) error {
	return c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
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
		_, err = c.events.Record(ctx, tx, c.now(), id, oxlin.EventConnectionUpdated, "", oxlin.EventPayload{})
		if err != nil || !rescheduled {
			return err
		}
		return c.reschedule(ctx, tx, connection)
	})
}

// reschedule makes new appointments for the channels that have one.
func (c *Connections) reschedule(ctx context.Context, tx *store.Tx, connection oxlin.Connection) error {
	for _, channel := range connection.Channels {
		if channel.Status != oxlin.ChannelSuccess && channel.Status != oxlin.ChannelFailed {
			continue
		}
		channel.NextSyncAt = synchro.NextAppointment(connection, channel, c.now())
		err := tx.UpdateChannel(ctx, channel)
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete removes a connection with all its data and revokes the access at the bank.
func (c *Connections) Delete(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID) error {
	return c.changeConnection(store.Long(ctx), caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		return c.deleteConnection(ctx, tx, connection)
	})
}

// deleteConnection replaces a connection and its events by one last event.
func (c *core) deleteConnection(ctx context.Context, tx *store.Tx, connection oxlin.Connection) error {
	for _, channel := range connection.Channels {
		err := c.engine.RevokeAccess(ctx, tx, connection, channel)
		if err != nil {
			return err
		}
		err = c.engine.EndConsent(ctx, tx, connection.UserID, channel)
		if err != nil {
			return err
		}
	}
	err := c.audit.Record(ctx, tx, audit.Entry{
		Action: audit.ConnectionDeleted, User: connection.UserID, Connection: connection.ID, Details: audit.Details{audit.Provider: string(connection.ProviderID)},
	})
	if err != nil {
		return err
	}
	err = tx.DropEvents(ctx, connection.UserID, connection.ID)
	if err != nil {
		return err
	}
	// The last event carries no owner and no credentials.
	last := oxlin.Connection{
		ID: connection.ID, UserID: connection.UserID, ProviderID: connection.ProviderID, Name: connection.Name,
		AutoSync: connection.AutoSync, ConsentPerAccount: connection.ConsentPerAccount, CreatedAt: connection.CreatedAt,
	}
	for _, channel := range connection.Channels {
		last.Channels = append(last.Channels, oxlin.Channel{DefinitionID: channel.DefinitionID, Mode: channel.Mode, Status: channel.Status})
	}
	_, err = c.events.Append(ctx, tx, oxlin.Event{UserID: connection.UserID, Type: oxlin.EventConnectionDeleted, At: c.now(), Connection: last})
	if err != nil {
		return err
	}
	return tx.DeleteConnection(ctx, connection.ID)
}
