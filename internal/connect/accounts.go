package connect

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// Accounts are the use cases about accounts.
type Accounts struct{ *core }

// List lists the accounts of the caller's user.
func (a *Accounts) List(ctx context.Context, caller oxlin.Caller) ([]oxlin.Account, error) {
	reader := a.db.Read()
	accounts, err := reader.AccountsOfUser(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	return listed(ctx, reader, accounts)
}

// Get finds an account of the caller's user.
func (a *Accounts) Get(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID) (oxlin.Account, error) {
	reader := a.db.Read()
	account, err := ownAccount(ctx, reader, caller, id)
	if err != nil {
		return oxlin.Account{}, err
	}
	seen, err := listed(ctx, reader, []oxlin.Account{account})
	if err != nil {
		return oxlin.Account{}, err
	}
	if len(seen) == 0 {
		return oxlin.Account{}, oxlin.NotFound("account")
	}
	return seen[0], nil
}

// NewAccount is an account that a client keeps by hand.
type NewAccount struct {
	Name     string
	Type     oxlin.AccountType
	Usage    oxlin.Usage
	Currency string
	// Balance is nil if the client does not know it.
	Balance *oxlin.Amount
	IBAN    string
	Number  string
}

// mostManual bounds the MANUAL accounts of a user.
const mostManual = 500

// Create makes a MANUAL account. One too many is CodeConflict.
func (a *Accounts) Create(ctx context.Context, caller oxlin.Caller, account NewAccount) (oxlin.AccountID, error) {
	now := a.now()
	var id oxlin.AccountID
	err := a.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		manual := oxlin.Account{
			UserID: caller.UserID, Name: account.Name, Type: account.Type, Status: oxlin.AccountManual, Usage: account.Usage,
			Currency: account.Currency, Balance: account.Balance, IBAN: account.IBAN, Number: account.Number, CreatedAt: now,
		}
		if manual.Balance != nil {
			manual.BalanceAt = now
		}
		count, err := store.CountsOf(tx.Read()).ManualAccounts(ctx, caller.UserID)
		if err != nil {
			return err
		}
		if count >= mostManual {
			return oxlin.Errorf(oxlin.CodeConflict, "The user has %d manual accounts already; delete one first.", count)
		}
		id, err = tx.InsertAccount(ctx, manual)
		return err
	})
	return id, err
}

// AccountChange lists the members of an account that a client may change; nil leaves a
// member unchanged.
type AccountChange struct {
	Name   *string
	Status *oxlin.AccountStatus
	Usage  *oxlin.Usage
}

// Change changes an account. CLOSED archives it; ACTIVE takes it back and
// schedules a synchronisation (contract §3.8, §11).
func (a *Accounts) Change(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID, change AccountChange) error {
	return a.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		account, err := ownAccount(ctx, tx.Read(), caller, id)
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
		return a.scheduleNow(ctx, tx, account.ConnectionID)
	})
}

// setStatus archives an account or takes it back. reopened reports that it has to be
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
func (a *Accounts) scheduleNow(ctx context.Context, tx *store.Tx, id oxlin.ConnectionID) error {
	connection, err := tx.Read().Connection(ctx, id)
	if err != nil {
		return err
	}
	for _, channel := range connection.Channels {
		if channel.Status != oxlin.ChannelSuccess && channel.Status != oxlin.ChannelFailed {
			continue
		}
		channel.NextSyncAt = a.now()
		err := tx.UpdateChannel(ctx, channel)
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete removes an account and its data. Later synchronisations skip the account
// until the user lists the accounts again (contract §8).
func (a *Accounts) Delete(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID) error {
	return a.db.WriteFor(store.Long(ctx), caller.UserID, func(tx *store.Tx) error {
		account, err := ownAccount(ctx, tx.Read(), caller, id)
		if err != nil {
			return err
		}
		return a.deleteAccount(ctx, tx, account)
	})
}

// deleteAccount removes an account. The last account of a channel takes the channel
// with it, and the last channel its connection (contract §8).
func (c *core) deleteAccount(ctx context.Context, tx *store.Tx, account oxlin.Account) error {
	err := tx.DeleteAccount(ctx, account.ID)
	if err != nil {
		return err
	}
	err = c.audit.Record(ctx, tx, audit.Entry{
		Action: audit.AccountDeleted, User: account.UserID, Connection: account.ConnectionID, Account: account.ID,
	})
	if err != nil || account.ConnectionID == 0 {
		return err
	}
	err = c.engine.ForgetAccount(ctx, tx, account)
	if err != nil {
		return err
	}
	remaining, err := tx.Read().AccountsOfConnection(ctx, account.ConnectionID)
	if err != nil {
		return err
	}
	remaining = slices.DeleteFunc(remaining, func(a oxlin.Account) bool { return a.Declined })
	for _, other := range remaining {
		if other.LastChannelDefinition == account.LastChannelDefinition {
			return nil
		}
	}
	connection, err := tx.Read().Connection(ctx, account.ConnectionID)
	if err != nil {
		return err
	}
	if len(remaining) == 0 {
		return c.deleteConnection(ctx, tx, connection)
	}
	channel, used := connection.Channel(account.LastChannelDefinition)
	if !used {
		return nil
	}
	return c.resetChannel(ctx, tx, connection, channel)
}
