package connect

import (
	"context"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
)

// Synchronize starts a synchronisation of a connection's channels (contract §11,
// "Attended or not"). It does nothing for a channel that is already running. A
// used-up quota is CodeQuotaExhausted with RetryAfter, and a user who asks again and again is
// CodeTooManyRequests.
func (c *Connections) Synchronize(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, kind oxlin.SyncKind) error {
	return c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		err := c.limitAttended(connection, caller.PSU)
		if err != nil {
			return err
		}
		return c.synchronize(ctx, tx, connection, kind, caller.PSU)
	})
}

// AttendedLimit allows a user five synchronisations of a connection at once, and one in half
// a minute after that.
var AttendedLimit = pace.Burst(5, 30*time.Second)

// limitAttended counts an attended synchronisation. While one of the connection runs, another
// request starts nothing and is not counted.
func (c *core) limitAttended(connection oxlin.Connection, psu *oxlin.PSU) error {
	running := slices.ContainsFunc(connection.Channels, func(channel oxlin.Channel) bool { return channel.Status == oxlin.ChannelRunning })
	if psu == nil || running || c.attended.Interval == 0 {
		return nil
	}
	state, ok := c.asked.Take(connection.ID.String(), c.attended, c.now())
	if ok {
		return nil
	}
	return &oxlin.Error{
		Code: oxlin.CodeTooManyRequests, Message: "This connection was synchronised very often just now; wait a moment.", RetryAfter: state.Wait,
	}
}

// SynchronizeAll synchronises all connections of the user. It returns those that
// run; a connection that cannot be synchronised does not stop the others.
func (c *Connections) SynchronizeAll(ctx context.Context, caller oxlin.Caller, kind oxlin.SyncKind) ([]oxlin.ConnectionID, error) {
	started := []oxlin.ConnectionID{}
	connections, err := c.db.Read().Connections(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	for _, connection := range connections {
		err := c.Synchronize(ctx, caller, connection.ID, kind)
		if err == nil {
			started = append(started, connection.ID)
			continue
		}
		switch oxlin.AsError(err).Code {
		case oxlin.CodeQuotaExhausted, oxlin.CodeTooManyRequests, oxlin.CodeUserActionRequired, oxlin.CodeConflict, oxlin.CodeNotFound:
		default:
			return nil, err
		}
	}
	return started, nil
}

// synchronize starts every channel that can be started. It fails only if no channel
// runs afterwards, with the reason that a client can do something about.
func (c *core) synchronize(ctx context.Context, tx *store.Tx, connection oxlin.Connection, kind oxlin.SyncKind, psu *oxlin.PSU) error {
	running := false
	var refused error
	for _, channel := range connection.Channels {
		if channel.Status == oxlin.ChannelRunning {
			running = true
			continue
		}
		if channel.Status == oxlin.ChannelEmpty {
			continue
		}
		reason, err := c.refusal(ctx, tx, connection, channel, kind, psu)
		if err != nil {
			return err
		}
		if reason != nil {
			refused = reason
			continue
		}
		if kind == oxlin.SyncListAccounts {
			// Listing brings deleted accounts back (contract §5.4).
			err := tx.ClearForgottenAccounts(ctx, connection.ID)
			if err != nil {
				return err
			}
		}
		err = c.engine.StartOrList(ctx, tx, channel, kind, psu)
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

// refusal returns why a channel cannot be synchronised now, or nil.
func (c *core) refusal(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, kind oxlin.SyncKind, psu *oxlin.PSU) (reason *oxlin.Error, err error) {
	switch channel.Status {
	case oxlin.ChannelTokenExpired, oxlin.ChannelAuthFailed, oxlin.ChannelTooManyAttempts, oxlin.ChannelPasswordChangeRequired:
		return oxlin.Errorf(oxlin.CodeUserActionRequired, "Channel %s is %s: the user has to act first.", channel.DefinitionID, channel.Status), nil
	}
	if channel.AwaitsConsent && kind == oxlin.SyncAll {
		return oxlin.Errorf(oxlin.CodeConflict, "Channel %s waits for the user's consent on its accounts.", channel.DefinitionID), nil
	}
	quota, err := c.engine.QuotaNow(ctx, tx.Read(), connection, channel, psu)
	if err != nil || !quota.Exhausted() {
		return nil, err
	}
	exhausted := oxlin.Errorf(oxlin.CodeQuotaExhausted,
		"Channel %s was read %d times today without the user, and the bank allows %d. Its next day begins at %s.",
		channel.DefinitionID, quota.Used, quota.Limit, quota.Reset.Format(time.RFC3339))
	exhausted.RetryAfter = quota.Reset.Sub(c.now())
	return exhausted, nil
}

// synchronizeIfPossible reads what the user's decision has allowed. The decision
// stays valid if nothing can be read at the moment.
func (c *core) synchronizeIfPossible(ctx context.Context, tx *store.Tx, connection oxlin.Connection, psu *oxlin.PSU) error {
	err := c.synchronize(ctx, tx, connection, oxlin.SyncAll, psu)
	if err == nil {
		return nil
	}
	switch oxlin.AsError(err).Code {
	case oxlin.CodeQuotaExhausted, oxlin.CodeUserActionRequired, oxlin.CodeConflict:
		return nil
	}
	return err
}

// Restart starts a channel again with the access or credentials that the user gave
// before. If the user has consented, it reads the accounts; else it lists them for
// the consent that a page asks for, in the flow asks. A running channel is left alone.
func (c *Connections) Restart(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, asks oxlin.FlowID) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	return c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		switch {
		case !used || channel.Status == oxlin.ChannelEmpty:
			return oxlin.NotFound("channel")
		case channel.Status == oxlin.ChannelRunning:
			return nil
		}
		if asks != 0 && !channel.AwaitsConsent {
			channel.AskedIn = asks // who lists anew asks, unless another page has a list to ask about
		}
		return c.engine.Start(ctx, tx, channel, oxlin.SyncAll, present(caller.PSU), oxlin.SyncProgress{})
	})
}

// present returns the PSU of a user who has just submitted something. They can
// answer a challenge even if the client does not name their address.
func present(psu *oxlin.PSU) *oxlin.PSU {
	if psu == nil {
		return &oxlin.PSU{}
	}
	return psu
}
