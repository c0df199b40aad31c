package synchro

import (
	"context"
	"errors"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// TextOfClient stands in the evidence of a consent in place of our text's version,
// where the client has asked its user by itself.
const TextOfClient = "client"

// requireConsenting is for taking the user's consent, which only a client with its
// own agreement does itself.
func requireConsenting(caller oxlin.Caller) error {
	err := caller.Require(oxlin.ScopeConnectionsManage, oxlin.ScopeAccountsManage)
	if err != nil {
		return err
	}
	return caller.RequireAgreementOrWidget()
}

// Decision is what a user says about accounts, one by one.
type Decision struct {
	Accounts []oxlin.AccountConsent
	// Declined are accounts that wait for a consent and that the user, who saw them,
	// did not choose. They go on waiting, and nobody else is told of them.
	Declined []oxlin.AccountID
	// Text names what the user read, for the evidence: oxlin.ConsentTextVersion,
	// TextOfClient or the like.
	Text string
	// Passage is where in our widget they said it, on the page of DefinitionID.
	Passage      Passage
	DefinitionID oxlin.ChannelDefinitionID
}

// Consent takes the user's decision about accounts of a connection: true is
// synchronised, false is deleted; accounts not named keep their state. One attempt
// of the widget counts once.
func (s *Service) Consent(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, decision Decision) error {
	err := requireConsenting(caller)
	if err != nil {
		return err
	}
	err = s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		err := decision.Passage.enter(ctx, tx, id, decision.DefinitionID)
		if err != nil {
			return err
		}
		return s.decide(ctx, tx, caller, connection, decision)
	})
	if errors.Is(err, errCounted) {
		return nil
	}
	return err
}

func (s *Service) decide(ctx context.Context, tx *store.Tx, caller oxlin.Caller, connection oxlin.Connection, decision Decision) error {
	var allowed []oxlin.AccountID
	var refused []oxlin.Account
	for _, one := range decision.Accounts {
		account, err := tx.Account(ctx, one.AccountID)
		if oxlin.IsNotFound(err) || err == nil && account.ConnectionID != connection.ID {
			return oxlin.Invalid("consents.account_id", "Account %s does not belong to this connection.", one.AccountID)
		}
		if err != nil {
			return err
		}
		if !one.Consent {
			refused = append(refused, account)
			continue
		}
		allowed = append(allowed, account.ID)
		if account.Status == oxlin.AccountPendingConsent {
			account.Status, account.Declined = consented(account), false
			err := tx.UpdateAccount(ctx, account)
			if err != nil {
				return err
			}
		}
	}
	err := s.decline(ctx, tx, connection, decision.Declined)
	if err != nil {
		return err
	}
	for _, account := range refused {
		err := s.deleteAccount(ctx, tx, account)
		if err != nil {
			return err
		}
	}
	connection, err = tx.Connection(ctx, connection.ID)
	if oxlin.IsNotFound(err) {
		return nil // the last account was refused, and with it went everything
	}
	if err != nil || len(allowed) == 0 {
		return err
	}
	for _, channel := range connection.Channels {
		err := tx.InsertConsent(ctx, oxlin.Consent{
			UserID: caller.UserID, ConnectionID: connection.ID, ChannelID: channel.ID, Accounts: allowed,
			TextVersion: decision.Text, GivenAt: s.Now(), ValidUntil: channel.ConsentUntil,
		})
		if err != nil {
			return err
		}
		if !channel.AwaitsConsent {
			continue
		}
		err = s.goOn(ctx, tx, connection, channel, caller.PSU)
		if err != nil {
			return err
		}
	}
	connection, err = tx.Connection(ctx, connection.ID)
	if err != nil {
		return err
	}
	return s.synchronizeIfPossible(ctx, tx, connection, caller.PSU)
}

// decline hides accounts that wait for a consent.
func (s *Service) decline(ctx context.Context, tx *store.Tx, connection oxlin.Connection, ids []oxlin.AccountID) error {
	for _, id := range ids {
		account, err := tx.Account(ctx, id)
		if oxlin.IsNotFound(err) {
			continue // it has gone since it was shown
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

// consented is the status of an account that the user has just consented to: a
// professional one waits for its validation (contract §11).
func consented(account oxlin.Account) oxlin.AccountStatus {
	if account.Usage == oxlin.UsageProfessional {
		return oxlin.AccountSuspended
	}
	return oxlin.AccountActive
}

// goOn starts the reading that waited for a consent, in the session in which the
// accounts were listed.
func (s *Service) goOn(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, psu *oxlin.PSU) error {
	channel.AwaitsConsent = false
	exhausted, err := s.quotaExhausted(ctx, tx, connection, channel, psu)
	if err != nil {
		return err
	}
	if exhausted || channel.Status == oxlin.ChannelRunning {
		return tx.UpdateChannel(ctx, channel)
	}
	return s.start(ctx, tx, channel, oxlin.SyncAll, psu, oxlin.SyncProgress{Entered: channel.Mode == oxlin.ModeEmbedded})
}

// ConsentToAll takes the user's consent to all present and future accounts of a
// channel that waits for it, keeps the evidence and starts reading. A channel that
// does not wait is left alone: the consent came before. text is that of a Decision.
func (s *Service) ConsentToAll(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, text string) error {
	err := requireConsenting(caller)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		if !used {
			return oxlin.NotFound("channel")
		}
		if !channel.AwaitsConsent {
			return nil
		}
		accounts, err := tx.AccountsOfConnection(ctx, id)
		if err != nil {
			return err
		}
		for _, account := range accounts {
			if account.Status != oxlin.AccountPendingConsent || account.LastChannelDefinition != definition {
				continue
			}
			account.Status, account.Declined = consented(account), false
			err := tx.UpdateAccount(ctx, account)
			if err != nil {
				return err
			}
		}
		err = tx.InsertConsent(ctx, oxlin.Consent{
			UserID: caller.UserID, ConnectionID: id, ChannelID: channel.ID, AllAccounts: true,
			TextVersion: text, GivenAt: s.Now(), ValidUntil: channel.ConsentUntil,
		})
		if err != nil {
			return err
		}
		return s.goOn(ctx, tx, connection, channel, caller.PSU)
	})
}

// Abandon undoes the access to a channel that the user gave and then does not
// consent to. A channel that was never read is as if it had not been, and so is its
// connection if it has no other; one that was read waits for a renewal.
func (s *Service) Abandon(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) error {
	err := requireConsenting(caller)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		if !used {
			return nil
		}
		if !channel.LastSuccessAt.IsZero() {
			return s.lockChannel(ctx, tx, connection, channel)
		}
		for _, other := range connection.Channels {
			if other.ID != channel.ID && other.Status != oxlin.ChannelEmpty {
				return s.forgetChannel(ctx, tx, connection, channel)
			}
		}
		return s.deleteConnection(ctx, tx, connection)
	})
}

// forgetChannel empties a channel, with the accounts that only it has shown.
func (s *Service) forgetChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	accounts, err := tx.AccountsOfConnection(ctx, connection.ID)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if account.Status != oxlin.AccountPendingConsent || account.LastChannelDefinition != channel.DefinitionID {
			continue
		}
		err := tx.DeleteAccount(ctx, account.ID)
		if err != nil {
			return err
		}
	}
	return s.emptyChannel(ctx, tx, connection, channel)
}

// lockChannel destroys what lets us in by a channel that has data: its accounts
// stay, and the user may give access again.
func (s *Service) lockChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := s.destroyAccess(ctx, tx, connection, channel)
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
	return s.record(ctx, tx, channel, oxlin.EventType(channel.Status), oxlin.EventPayload{})
}

// Validate takes the user's word about the professional accounts that wait for it
// (contract §11): they are read from now on, or deleted. A connection of zero means
// all of the user's.
func (s *Service) Validate(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, wanted bool) error {
	err := requireConsenting(caller)
	if err != nil {
		return err
	}
	return s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		connections, err := tx.Connections(ctx, caller.UserID)
		if err != nil {
			return err
		}
		for _, connection := range connections {
			if id != 0 && connection.ID != id {
				continue
			}
			err := s.validate(ctx, tx, caller, connection, wanted)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) validate(ctx context.Context, tx *store.Tx, caller oxlin.Caller, connection oxlin.Connection, wanted bool) error {
	accounts, err := tx.AccountsOfConnection(ctx, connection.ID)
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
			err = s.deleteAccount(ctx, tx, account)
		}
		if err != nil {
			return err
		}
	}
	if !validated {
		return nil
	}
	return s.synchronizeIfPossible(ctx, tx, connection, caller.PSU)
}

// synchronizeIfPossible reads what a decision of the user has opened. The decision
// stands even if nothing can be read at the moment.
func (s *Service) synchronizeIfPossible(ctx context.Context, tx *store.Tx, connection oxlin.Connection, psu *oxlin.PSU) error {
	err := s.synchronize(ctx, tx, connection, oxlin.SyncAll, psu)
	if err == nil {
		return nil
	}
	switch oxlin.AsError(err).Code {
	case oxlin.CodeQuotaExhausted, oxlin.CodeUserActionRequired, oxlin.CodeConflict:
		return nil
	}
	return err
}
