package connect

import (
	"context"
	"errors"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// Consents are the use cases about what a user allows.
type Consents struct{ *core }

// Decision is a user's decision about accounts, one by one.
type Decision struct {
	Accounts []oxlin.AccountConsent
	// Declined are accounts that the user saw and did not choose. They keep waiting for a
	// consent, hidden from the API.
	Declined []oxlin.AccountID
	// Text is the text that the user read, for the evidence.
	Text oxlin.ConsentText
	// Attempt is the widget's attempt on the page of DefinitionID, if any.
	Attempt      WidgetAttempt
	DefinitionID oxlin.ChannelDefinitionID
}

// Decide takes the user's decision about accounts of a connection: true synchronises an
// account, false deletes it; all others keep their state. An attempt of the widget
// counts once.
func (c *Consents) Decide(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, decision Decision) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	err = c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		err := decision.Attempt.count(ctx, tx, id, decision.DefinitionID)
		if err != nil {
			return err
		}
		return c.decide(ctx, tx, caller, connection, decision)
	})
	if errors.Is(err, errCounted) {
		return nil
	}
	return err
}

func (c *Consents) decide(ctx context.Context, tx *store.Tx, caller oxlin.Caller, connection oxlin.Connection, decision Decision) error {
	var allowed []oxlin.AccountID
	var refused []oxlin.Account
	for _, one := range decision.Accounts {
		account, err := tx.Read().Account(ctx, one.AccountID)
		if oxlin.IsNotFound(err) || err == nil && account.ConnectionID != connection.ID {
			return oxlin.Invalid("consents.account_id", "Account %s does not belong to this connection.", one.AccountID)
		}
		if err != nil {
			return err
		}
		if account.Status == oxlin.AccountPendingConsent && !answers(connection, account.LastChannelDefinition, decision.Attempt.FlowID) {
			return oxlin.Invalid("consents.account_id", "Account %s does not belong to this connection.", one.AccountID)
		}
		if !one.Consent {
			refused = append(refused, account)
			continue
		}
		allowed = append(allowed, account.ID)
		if account.Status == oxlin.AccountPendingConsent {
			account.Status, account.Declined = account.Consented(), false
			err := tx.UpdateAccount(ctx, account)
			if err != nil {
				return err
			}
		}
	}
	if len(allowed) == 0 && len(refused) > 0 {
		err := c.recordRefusal(ctx, tx, connection, decision.DefinitionID)
		if err != nil {
			return err
		}
	}
	err := c.decline(ctx, tx, connection, decision.Declined)
	if err != nil {
		return err
	}
	for _, account := range refused {
		err := c.deleteAccount(ctx, tx, account)
		if err != nil {
			return err
		}
	}
	connection, err = tx.Read().Connection(ctx, connection.ID)
	if oxlin.IsNotFound(err) {
		return nil // the last account was refused: its connection is deleted
	}
	if err != nil || len(allowed) == 0 {
		return err
	}
	for _, channel := range connection.Channels {
		if !answers(connection, channel.DefinitionID, decision.Attempt.FlowID) {
			continue
		}
		err := c.engine.KeepConsent(ctx, tx, channel.DefinitionID, oxlin.Consent{
			UserID: caller.UserID, ConnectionID: connection.ID, ChannelID: channel.ID, Accounts: allowed,
			Text: decision.Text, GivenAt: c.now(), ValidUntil: channel.ConsentUntil,
		})
		if err != nil {
			return err
		}
		if !channel.AwaitsConsent {
			continue
		}
		err = c.resume(ctx, tx, connection, channel, caller.PSU)
		if err != nil {
			return err
		}
	}
	connection, err = tx.Read().Connection(ctx, connection.ID)
	if err != nil {
		return err
	}
	return c.synchronizeIfPossible(ctx, tx, connection, caller.PSU)
}

// recordRefusal records that the user has refused the consent to the accounts of a channel.
func (c *Consents) recordRefusal(ctx context.Context, tx *store.Tx, connection oxlin.Connection, definition oxlin.ChannelDefinitionID) error {
	return c.audit.Record(ctx, tx, audit.Entry{
		Action: audit.ConsentRefused, User: connection.UserID, Connection: connection.ID, Details: audit.Details{audit.Channel: string(definition)},
	})
}

// decline hides accounts that wait for a consent.
func (c *Consents) decline(ctx context.Context, tx *store.Tx, connection oxlin.Connection, ids []oxlin.AccountID) error {
	for _, id := range ids {
		account, err := tx.Read().Account(ctx, id)
		if oxlin.IsNotFound(err) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return err
		}
		if account.ConnectionID != connection.ID || account.Status != oxlin.AccountPendingConsent {
			continue
		}
		account.Declined = true
		err = tx.UpdateAccount(ctx, account)
		if err != nil {
			return err
		}
	}
	return nil
}

// answers reports whether a decision is about a channel: while a page asks for the consent
// to its accounts, only that page's flow decides. flow is zero for a client's decision.
func answers(connection oxlin.Connection, definition oxlin.ChannelDefinitionID, flow oxlin.FlowID) bool {
	channel, _ := connection.Channel(definition)
	return channel.AskedIn == 0 || channel.AskedIn == flow
}

// resume starts the SYNC_ALL that waited for a consent, in the bank session in which the
// accounts were listed.
func (c *Consents) resume(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, psu *oxlin.PSU) error {
	channel.AwaitsConsent, channel.AskedIn = false, 0
	quota, err := c.engine.QuotaNow(ctx, tx.Read(), connection, channel, psu)
	if err != nil {
		return err
	}
	if quota.Exhausted() || channel.Status == oxlin.ChannelRunning {
		return tx.UpdateChannel(ctx, channel)
	}
	return c.engine.Start(ctx, tx, channel, oxlin.SyncAll, psu, oxlin.SyncProgress{Entered: channel.Mode == oxlin.ModeEmbedded})
}

// GiveToAll takes the user's consent to all present and future accounts of a channel
// that waits for it, stores the evidence and starts reading. A channel that does not
// wait stays as it is: it has the consent already, or the page of another flow asks. text is
// that of a Decision.
func (c *Consents) GiveToAll(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, flow oxlin.FlowID, text oxlin.ConsentText) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	return c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		if !used {
			return oxlin.NotFound("channel")
		}
		if !channel.AwaitsConsent || !answers(connection, definition, flow) {
			return nil
		}
		accounts, err := tx.Read().AccountsOfConnection(ctx, id)
		if err != nil {
			return err
		}
		for _, account := range accounts {
			if account.Status != oxlin.AccountPendingConsent || account.LastChannelDefinition != definition {
				continue
			}
			account.Status, account.Declined = account.Consented(), false
			err := tx.UpdateAccount(ctx, account)
			if err != nil {
				return err
			}
		}
		err = c.engine.KeepConsent(ctx, tx, definition, oxlin.Consent{
			UserID: caller.UserID, ConnectionID: id, ChannelID: channel.ID, AllAccounts: true,
			Text: text, GivenAt: c.now(), ValidUntil: channel.ConsentUntil,
		})
		if err != nil {
			return err
		}
		return c.resume(ctx, tx, connection, channel, caller.PSU)
	})
}

// Abandon destroys the access that the user gave to a channel without consenting to its
// accounts. A channel that was never read is reset, and its connection is deleted if it
// has no other channel. A channel that was read waits for a renewal. An access that the page
// of another flow asks about stays.
func (c *Consents) Abandon(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, flow oxlin.FlowID) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	return c.changeConnection(store.Long(ctx), caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		if !used || !answers(connection, definition, flow) {
			return nil
		}
		err := c.recordRefusal(ctx, tx, connection, definition)
		if err != nil {
			return err
		}
		err = tx.SetUnsharedOwner(ctx, id, oxlin.Owner{}, false)
		if err != nil {
			return err
		}
		if !channel.LastSuccessAt.IsZero() {
			return c.lockChannel(ctx, tx, connection, channel)
		}
		for _, other := range connection.Channels {
			if other.ID != channel.ID && other.Status != oxlin.ChannelEmpty {
				return c.forgetChannel(ctx, tx, connection, channel)
			}
		}
		return c.deleteConnection(ctx, tx, connection)
	})
}

// Validate takes the user's decision about the professional accounts that wait for it
// (contract §11): they are read from now on, or deleted. A connection of zero means all
// connections of the user.
func (c *Consents) Validate(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, wanted bool) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	return c.db.WriteFor(store.Long(ctx), caller.UserID, func(tx *store.Tx) error {
		connections, err := tx.Read().Connections(ctx, caller.UserID)
		if err != nil {
			return err
		}
		for _, connection := range connections {
			if id != 0 && connection.ID != id {
				continue
			}
			err := c.validate(ctx, tx, caller, connection, wanted)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Consents) validate(ctx context.Context, tx *store.Tx, caller oxlin.Caller, connection oxlin.Connection, wanted bool) error {
	accounts, err := tx.Read().AccountsOfConnection(ctx, connection.ID)
	if err != nil {
		return err
	}
	validated := false
	for _, account := range accounts {
		if account.Status != oxlin.AccountSuspended {
			continue
		}
		if wanted {
			account.Status, validated = oxlin.AccountActive, true
			err = tx.UpdateAccount(ctx, account)
		} else {
			err = c.deleteAccount(ctx, tx, account)
		}
		if err != nil {
			return err
		}
	}
	if !validated {
		return nil
	}
	return c.synchronizeIfPossible(ctx, tx, connection, caller.PSU)
}
