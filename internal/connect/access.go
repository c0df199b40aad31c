package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// The rules of access to connections and accounts (contract §11, "Agreement"). Each use case applies them
// first, whoever its caller is. Scopes belong to a token: the room that accepts the token
// (api, widget) checks them before it makes a Caller.

// requireAuthorizing allows to send a user to a bank. A client without an agreement
// does so for its widget only, and never asks for consent account by account.
func requireAuthorizing(caller oxlin.Caller, request AuthorizeRequest) error {
	if !request.Widget {
		err := caller.RequireAgreementOrWidget()
		if err != nil {
			return err
		}
	}
	if request.ConsentPerAccount {
		return caller.RequireAgreement()
	}
	return nil
}

// ownConnection finds a connection of the caller's user. Another user's connection
// is not found.
func ownConnection(ctx context.Context, r store.Reader, caller oxlin.Caller, id oxlin.ConnectionID) (oxlin.Connection, error) {
	connection, err := r.Connection(ctx, id)
	if err != nil {
		return oxlin.Connection{}, err
	}
	if connection.UserID != caller.UserID {
		return oxlin.Connection{}, oxlin.NotFound("connection")
	}
	return connection, nil
}

// ownAccount finds an account of the caller's user. Another user's account is not
// found, nor is one that its connection hides.
func ownAccount(ctx context.Context, r store.Reader, caller oxlin.Caller, id oxlin.AccountID) (oxlin.Account, error) {
	account, err := r.Account(ctx, id)
	if err != nil {
		return oxlin.Account{}, err
	}
	if account.UserID != caller.UserID {
		return oxlin.Account{}, oxlin.NotFound("account")
	}
	seen, err := listed(ctx, r, []oxlin.Account{account})
	if err != nil {
		return oxlin.Account{}, err
	}
	if len(seen) == 0 {
		return oxlin.Account{}, oxlin.NotFound("account")
	}
	return account, nil
}

// listed returns accounts as callers see them: those that wait for a consent are reduced, or
// left out (contract §12.5).
func listed(ctx context.Context, r store.Reader, accounts []oxlin.Account) ([]oxlin.Account, error) {
	connections := make(map[oxlin.ConnectionID]oxlin.Connection)
	seen := make([]oxlin.Account, 0, len(accounts))
	for _, account := range accounts {
		if account.Status != oxlin.AccountPendingConsent {
			seen = append(seen, account)
			continue
		}
		connection, known := connections[account.ConnectionID]
		if !known {
			var err error
			connection, err = r.Connection(ctx, account.ConnectionID)
			if err != nil {
				return nil, err
			}
			connections[account.ConnectionID] = connection
		}
		account, ok := connection.Listed(account)
		if ok {
			seen = append(seen, account)
		}
	}
	return seen, nil
}

// ownKey finds a key of the caller's user. Another user's key is not found.
func ownKey(ctx context.Context, r store.Reader, caller oxlin.Caller, id oxlin.KeyID) (oxlin.Key, error) {
	key, err := r.Key(ctx, id)
	if err != nil {
		return oxlin.Key{}, err
	}
	if key.UserID != caller.UserID {
		return oxlin.Key{}, oxlin.NotFound("key")
	}
	return key.Key, nil
}

// changeConnection runs a change of a connection of the caller's user in one
// transaction.
func (c *core) changeConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, change func(tx *store.Tx, connection oxlin.Connection) error) error {
	return c.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		connection, err := ownConnection(ctx, tx.Read(), caller, id)
		if err != nil {
			return err
		}
		return change(tx, connection)
	})
}
