package synchro

import (
	"cmp"
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// adopting is the part of a run that takes over accounts which files have made.
type adopting struct{ run *run }

// adopt returns the account to read in the place of one that was never read: the one of the same
// IBAN that files have made in a connection that no channel reads, if there is one. It
// moves to the run's connection, gets the other one's address in the channel, and keeps its id;
// the other one, which has no rows, is deleted.
func (a adopting) adopt(ctx context.Context, account oxlin.Account) (oxlin.Account, error) {
	r := a.run
	if !isUnread(r, account) || r.sync.Progress.Balanced || r.sync.Progress.Page > 0 {
		return account, nil
	}
	_, found, err := importedElsewhere(ctx, r.db.Read(), account)
	if err != nil || !found {
		return account, err
	}
	var moved oxlin.Account
	err = r.write(ctx, func(tx *store.Tx) error {
		shown, err := tx.Read().Account(ctx, account.ID)
		if err != nil {
			return err
		}
		known, found, err := importedElsewhere(ctx, tx.Read(), shown)
		if err != nil {
			return err
		}
		moved = shown
		if !found || !isUnread(r, shown) {
			return nil
		}
		left := known.ConnectionID
		moved.ID, moved.CreatedAt, moved.Name = known.ID, known.CreatedAt, cmp.Or(known.Name, shown.Name)
		moved.Balance, moved.BalanceAt, moved.BalanceExpected, moved.Balances = known.Balance, known.BalanceAt, known.BalanceExpected, known.Balances
		address, err := store.AddressOf(ctx, tx.Read(), shown.ID, r.channel.ID)
		if err != nil {
			return err
		}
		err = tx.DeleteAccount(ctx, shown.ID)
		if err != nil {
			return err
		}
		err = store.MoveAccount(ctx, tx, known.ID, r.connection.ID)
		if err != nil {
			return err
		}
		err = store.SetAddress(ctx, tx, known.ID, r.channel.ID, address)
		if err != nil {
			return err
		}
		err = tx.UpdateAccount(ctx, moved)
		if err != nil {
			return err
		}
		renamed := func(ids []oxlin.AccountID) []oxlin.AccountID {
			ids = slices.Clone(ids)
			for i, id := range ids {
				if id == shown.ID {
					ids[i] = known.ID
				}
			}
			return ids
		}
		r.sync.Progress.Pending, r.sync.Progress.Unnamed = renamed(r.sync.Progress.Pending), renamed(r.sync.Progress.Unnamed)
		r.sync.Progress.Unlisted = renamed(r.sync.Progress.Unlisted)
		_, err = r.events.Record(ctx, tx, r.now(), left, oxlin.EventConnectionUpdated, "", oxlin.EventPayload{})
		if err != nil {
			return err
		}
		return r.update(ctx, tx)
	})
	return moved, err
}

// isUnread reports whether the run's channel has added an account and nobody has read it yet.
func isUnread(r *run, account oxlin.Account) bool {
	return account.LastChannelDefinition == r.channel.DefinitionID && account.CoveredUntil.IsZero() && account.Coverage == (oxlin.Coverage{}) && account.Balance == nil
}

// importedElsewhere finds the account of the same IBAN that files have made in another connection
// of the user, which no channel has ever read. One whose rows an older version has stored waits for its
// derivation.
func importedElsewhere(ctx context.Context, reader store.Reader, shown oxlin.Account) (account oxlin.Account, found bool, err error) {
	connections, err := reader.Connections(ctx, shown.UserID)
	if err != nil {
		return account, false, err
	}
	for _, connection := range connections {
		if connection.ID == shown.ConnectionID || len(connection.Channels) > 0 {
			continue
		}
		number, _, err := reader.Derivation(ctx, connection.ID)
		if err != nil {
			return account, false, err
		}
		accounts, err := reader.AccountsOfConnection(ctx, connection.ID)
		if err != nil {
			return account, false, err
		}
		at := slices.IndexFunc(accounts, func(a oxlin.Account) bool {
			return a.IBAN != "" && shown.IBAN != "" && a.LastChannelDefinition == "" && a.Synchronised() && reconcile.SameAccount(reconcile.KnownOf(a), reconcile.KnownOf(shown))
		})
		if at >= 0 && number >= derivation {
			return accounts[at], true, nil
		}
	}
	return account, false, nil
}
