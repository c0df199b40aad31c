package synchro

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// NewAccount is an account that a client keeps by hand.
type NewAccount struct {
	Name     string
	Type     oxlin.AccountType
	Usage    oxlin.Usage
	Currency string
	Balance  oxlin.Amount
	IBAN     string
	Number   string
}

// CreateAccount makes a MANUAL account.
func (s *Service) CreateAccount(ctx context.Context, caller oxlin.Caller, account NewAccount) (oxlin.AccountID, error) {
	err := caller.Require(oxlin.ScopeAccountsManage)
	if err != nil {
		return 0, err
	}
	now := s.Now()
	var id oxlin.AccountID
	err = s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		var err error
		id, err = tx.InsertAccount(ctx, oxlin.Account{
			UserID: caller.UserID, Name: account.Name, Type: account.Type, Status: oxlin.AccountManual, Usage: account.Usage,
			Currency: account.Currency, Balance: account.Balance, BalanceAt: now, IBAN: account.IBAN, Number: account.Number,
			CreatedAt: now,
		})
		return err
	})
	return id, err
}

// ownAccount finds an account of the caller's user; another user's does not exist, nor
// does one that the user declined.
func ownAccount(ctx context.Context, r store.Reader, caller oxlin.Caller, id oxlin.AccountID) (oxlin.Account, error) {
	account, err := r.Account(ctx, id)
	if err != nil {
		return oxlin.Account{}, err
	}
	if account.UserID != caller.UserID || account.Declined {
		return oxlin.Account{}, oxlin.NotFound("account")
	}
	return account, nil
}

// AccountChange is what a client may change of an account; nil leaves it.
type AccountChange struct {
	Name   *string
	Status *oxlin.AccountStatus
	Usage  *oxlin.Usage
}

// ChangeAccount changes an account. CLOSED archives it; ACTIVE takes it back and
// schedules a synchronisation (contract §3.8, §11).
func (s *Service) ChangeAccount(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID, change AccountChange) error {
	err := caller.Require(oxlin.ScopeAccountsManage)
	if err != nil {
		return err
	}
	return s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		account, err := ownAccount(ctx, tx.Reader, caller, id)
		if err != nil {
			return err
		}
		if change.Name != nil {
			account.Name = *change.Name
		}
		if change.Usage != nil {
			account.Usage = *change.Usage
		}
		reopened := false
		if change.Status != nil && *change.Status != account.Status {
			reopened, err = setStatus(&account, *change.Status)
			if err != nil {
				return err
			}
		}
		err = tx.UpdateAccount(ctx, account)
		if err != nil || !reopened {
			return err
		}
		return s.scheduleNow(ctx, tx, account.ConnectionID)
	})
}

// setStatus archives an account or takes it back; reopened says that it is to be
// synchronised again.
func setStatus(account *oxlin.Account, status oxlin.AccountStatus) (reopened bool, err error) {
	switch {
	case status == oxlin.AccountClosed && account.Status != oxlin.AccountPendingConsent && account.Status != oxlin.AccountSuspended:
		account.Status = oxlin.AccountClosed
		return false, nil
	case status == oxlin.AccountActive && account.Status == oxlin.AccountClosed && account.ConnectionID == 0:
		account.Status = oxlin.AccountManual
		return false, nil
	case status == oxlin.AccountActive && account.Status == oxlin.AccountClosed:
		account.Status = oxlin.AccountActive
		return true, nil
	}
	return false, oxlin.Invalid("status", "An account that is %s cannot be set %s.", account.Status, status)
}

// scheduleNow makes a connection due: the next sweep synchronises it.
func (s *Service) scheduleNow(ctx context.Context, tx *store.Tx, id oxlin.ConnectionID) error {
	connection, err := tx.Connection(ctx, id)
	if err != nil {
		return err
	}
	for _, channel := range connection.Channels {
		if channel.Status != oxlin.ChannelSuccess && channel.Status != oxlin.ChannelFailed {
			continue
		}
		channel.NextSyncAt = s.Now()
		err := tx.UpdateChannel(ctx, channel)
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteAccount removes an account and its data for good; later synchronisations
// leave it alone until the user lists the accounts again (contract §8).
func (s *Service) DeleteAccount(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID) error {
	err := caller.Require(oxlin.ScopeAccountsManage)
	if err != nil {
		return err
	}
	return s.DB.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		account, err := ownAccount(ctx, tx.Reader, caller, id)
		if err != nil {
			return err
		}
		return s.deleteAccount(ctx, tx, account)
	})
}

// deleteAccount removes an account; with the last account of a channel goes the
// channel, with the last channel the connection (contract §8).
func (s *Service) deleteAccount(ctx context.Context, tx *store.Tx, account oxlin.Account) error {
	err := tx.DeleteAccount(ctx, account.ID)
	if err != nil || account.ConnectionID == 0 {
		return err
	}
	for _, identity := range s.identities(account.IBAN, account.MaskedNumber, account.BankID, account.Currency, account.Type) {
		err := tx.ForgetAccount(ctx, account.ConnectionID, identity)
		if err != nil {
			return err
		}
	}
	remaining, err := tx.AccountsOfConnection(ctx, account.ConnectionID)
	if err != nil {
		return err
	}
	remaining = slices.DeleteFunc(remaining, func(a oxlin.Account) bool { return a.Declined })
	for _, other := range remaining {
		if other.LastChannelDefinition == account.LastChannelDefinition {
			return nil
		}
	}
	connection, err := tx.Connection(ctx, account.ConnectionID)
	if err != nil {
		return err
	}
	if len(remaining) == 0 {
		return s.deleteConnection(ctx, tx, connection)
	}
	channel, used := connection.Channel(account.LastChannelDefinition)
	if !used {
		return nil
	}
	return s.emptyChannel(ctx, tx, connection, channel)
}

// destroyAccess destroys what lets us in by a channel.
func (s *Service) destroyAccess(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := s.handBack(ctx, tx, connection, channel)
	if err != nil {
		return err
	}
	err = s.supersede(ctx, tx, channel.ID, s.Now())
	if err != nil {
		return err
	}
	err = tx.SetAccess(ctx, channel.ID, nil)
	if err != nil {
		return err
	}
	return tx.DeleteCredentials(ctx, channel.ID)
}

// emptyChannel makes a channel one that was never used.
func (s *Service) emptyChannel(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	err := s.destroyAccess(ctx, tx, connection, channel)
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
	return s.record(ctx, tx, channel, oxlin.EventConnectionUpdated, oxlin.EventPayload{})
}

// identities are keyed hashes of all that an account may be recognised by, so that
// a deleted account is left alone and its numbers are not kept. The hashes are stored,
// so the words that they begin with never change.
func (s *Service) identities(iban, masked, bankID, currency string, kind oxlin.AccountType) [][]byte {
	var identities [][]byte
	for _, parts := range [][]string{{"iban", iban, currency}, {"masked", masked, string(kind)}, {"bank", bankID, string(kind)}} {
		if parts[1] != "" {
			identities = append(identities, s.Vault.MAC([]byte(strings.Join(parts, "\x00"))))
		}
	}
	return identities
}

// forgotten says whether one of an account's identities was noted as deleted.
func forgotten(noted, identities [][]byte) bool {
	for _, identity := range identities {
		for _, known := range noted {
			if bytes.Equal(known, identity) {
				return true
			}
		}
	}
	return false
}
