package connect

import (
	"context"
	"errors"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// addChannel inserts the channel of a definition that the connection has not used
// yet. The caller starts it in the same transaction: it is RUNNING from its first
// event on (contract §11).
func addChannel(ctx context.Context, tx *store.Tx, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, mode oxlin.Mode) (oxlin.Channel, error) {
	channel := oxlin.Channel{ConnectionID: id, DefinitionID: definition, Mode: mode, Status: oxlin.ChannelRunning}
	var err error
	channel.ID, err = tx.InsertChannel(ctx, channel)
	return channel, err
}

// resetChannel destroys a channel's access and returns it to EMPTY, as if it had
// never been used.
func (c *core) resetChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := c.engine.EndConsent(ctx, tx, connection.UserID, channel)
	if err != nil {
		return err
	}
	err = c.engine.DestroyAccess(ctx, tx, connection, channel)
	if err != nil {
		return err
	}
	channel = oxlin.Channel{
		ID: channel.ID, ConnectionID: channel.ConnectionID, DefinitionID: channel.DefinitionID, Status: oxlin.ChannelEmpty,
	}
	err = tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	return c.record(ctx, tx, channel, oxlin.EventConnectionUpdated)
}

// forgetChannel resets a channel that was never read, and deletes the accounts that
// it alone has listed.
func (c *core) forgetChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := deletePending(ctx, tx, channel, func(oxlin.Account) bool { return true })
	if err != nil {
		return err
	}
	return c.resetChannel(ctx, tx, connection, channel)
}

// deletePending deletes those of a channel's accounts without a consent that a condition
// holds for. The bank's next list brings them back.
func deletePending(ctx context.Context, tx *store.Tx, channel oxlin.Channel, condition func(oxlin.Account) bool) error {
	accounts, err := tx.Read().AccountsOfConnection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if account.Status != oxlin.AccountPendingConsent || account.LastChannelDefinition != channel.DefinitionID || !condition(account) {
			continue
		}
		err := tx.DeleteAccount(ctx, account.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// askIn notes for new access that the page of a flow asks for the consent to what it shows;
// zero if no page asks. What the page before it asked about is forgotten: the login may
// be another one.
func askIn(ctx context.Context, tx *store.Tx, channel *oxlin.Channel, flow oxlin.FlowID) error {
	asked := channel.AskedIn != 0
	channel.AskedIn = flow
	if !asked {
		return nil
	}
	channel.AwaitsConsent = false
	err := tx.SetUnsharedOwner(ctx, channel.ConnectionID, oxlin.Owner{}, false)
	if err != nil {
		return err
	}
	return deletePending(ctx, tx, *channel, func(a oxlin.Account) bool { return !a.Declined })
}

// lockChannel destroys the access of a channel that has data. Its accounts stay, without
// those that a page of ours asked about, and the user may give access again.
func (c *core) lockChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := c.engine.EndConsent(ctx, tx, connection.UserID, channel)
	if err != nil {
		return err
	}
	err = c.engine.DestroyAccess(ctx, tx, connection, channel)
	if err != nil {
		return err
	}
	err = askIn(ctx, tx, &channel, 0)
	if err != nil {
		return err
	}
	channel.AwaitsConsent, channel.NextSyncAt, channel.ConsentUntil = false, time.Time{}, time.Time{}
	channel.Status = oxlin.ChannelTokenExpired
	if channel.Mode == oxlin.ModeEmbedded {
		channel.Status = oxlin.ChannelAuthFailed
	}
	err = tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	return c.record(ctx, tx, channel, oxlin.EventType(channel.Status))
}

// record records an event of a channel.
func (c *core) record(ctx context.Context, tx *store.Tx, channel oxlin.Channel, eventType oxlin.EventType) error {
	_, err := c.events.Record(ctx, tx, c.now(), channel.ConnectionID, eventType, channel.DefinitionID, oxlin.EventPayload{})
	return err
}

// WidgetAttempt identifies what a user submits in a flow of our widget. An attempt
// counts once, and the accounts that it lists wait for the consent that the widget
// asks for. The zero WidgetAttempt belongs to no flow.
type WidgetAttempt struct {
	FlowID  oxlin.FlowID
	Attempt int64
}

// errCounted reports that the same attempt was counted before.
var errCounted = errors.New("this attempt was counted before")

// count counts an attempt, which gives access to a channel. It fails with errCounted
// if the attempt was counted before.
func (a WidgetAttempt) count(ctx context.Context, tx *store.Tx, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) error {
	if a.FlowID == 0 {
		return nil
	}
	counted, err := tx.Widget().EnterFlow(ctx, a.FlowID, a.Attempt, id, definition)
	if err == nil && !counted {
		return errCounted
	}
	return err
}
