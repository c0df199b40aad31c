package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// A deletion removes an account's transactions with the account, as long as they are few. Beyond
// that it marks the account, and the user if it is theirs: nothing shows them from then on, and
// Erase removes them in pieces, so that nobody waits long for the writer. Names, numbers and
// balances go with the mark. Whatever a crash leaves is found by its mark.

const (
	// erasedAtOnce bounds the transactions that a deletion removes in the caller's transaction.
	erasedAtOnce = 500
	// erasedByStatement is how many of them one statement of Erase removes.
	erasedByStatement = 100
)

// tablesOfUser are the tables whose rows name their user, in the order of their deletion, without
// accounts and transactions.
var tablesOfUser = []string{
	"widget_sessions", "authorizations", "consents", "file_consents", "connections", "events", "queues", "oauth_tokens", "keys",
	"unattended_accesses", "user_sessions", "user_passkeys", "import_answers", "audit_keys",
}

// DeleteUser removes a user and all their data.
func (tx *Tx) DeleteUser(ctx context.Context, id oxlin.UserID) error {
	err := deleteUser(ctx, tx, id)
	if err == nil {
		err = changeGrants(ctx, tx.executor, grantChange{user: id})
	}
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

func deleteUser(ctx context.Context, tx *Tx, id oxlin.UserID) error {
	tx.deletesData = true
	accounts, err := tx.q.ListAccountIDsOfUser(ctx, id)
	if err != nil {
		return err
	}
	err = deleteAccounts(ctx, tx, accounts)
	if err != nil {
		return err
	}
	hidden, err := tx.q.ListDeletingAccountsOfUser(ctx, id)
	if err != nil {
		return err
	}
	if len(hidden) == 0 {
		return tx.q.DeleteUser(ctx, id)
	}
	tx.hides = true
	for _, table := range tablesOfUser {
		_, err := tx.raw.ExecContext(ctx, "DELETE FROM "+table+" WHERE user_id = ?1", id)
		if err != nil {
			return err
		}
	}
	return tx.q.MarkUserDeleting(ctx, id)
}

// DeleteConnection removes a connection with its channels, accounts and transactions.
func (tx *Tx) DeleteConnection(ctx context.Context, id oxlin.ConnectionID) error {
	tx.deletesData = true
	accounts, err := tx.q.ListAccountIDsOfConnection(ctx, id)
	if err == nil {
		err = deleteAccounts(ctx, tx, accounts)
	}
	if err == nil {
		err = tx.q.DeleteConnection(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("delete connection: %w", err)
	}
	return nil
}

// DeleteAccount removes an account with its transactions.
func (tx *Tx) DeleteAccount(ctx context.Context, id oxlin.AccountID) error {
	tx.deletesData = true
	err := deleteAccounts(ctx, tx, []oxlin.AccountID{id})
	if err != nil {
		return fmt.Errorf("delete account: %w", err)
	}
	return nil
}

// deleteAccounts removes accounts, or marks those with too many transactions.
func deleteAccounts(ctx context.Context, tx *Tx, ids []oxlin.AccountID) error {
	for _, id := range ids {
		most := erasedAtOnce - tx.erased
		n, err := tx.q.DropTransactions(ctx, query.DropTransactionsParams{AccountID: id, Most: int64(most)})
		if err != nil {
			return err
		}
		tx.erased += int(n)
		if int(n) < most {
			err = tx.q.DeleteAccount(ctx, id)
		} else {
			tx.hides = true
			err = hideAccount(ctx, tx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hideAccount marks an account, and removes what it has beside its transactions.
func hideAccount(ctx context.Context, tx *Tx, id oxlin.AccountID) error {
	err := tx.q.DropAddresses(ctx, id)
	if err != nil {
		return err
	}
	return tx.q.MarkAccountDeleting(ctx, id)
}

// Erase removes what deletions have hidden, in pieces, until nothing of it is left or ctx is
// done. Any number of processes may call it.
func (db *DB) Erase(ctx context.Context) error {
	found := false
	for left := true; left; {
		err := db.Write(Long(ctx), func(tx *Tx) error {
			var piece bool
			var err error
			piece, left, err = erase(ctx, tx)
			found = found || piece
			tx.deletesData = found && !left
			return err
		})
		if err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	return nil
}

// erase removes a piece of what is hidden. It reports whether there was something, and whether
// more may be left.
func erase(ctx context.Context, tx *Tx) (found, left bool, err error) {
	for !found || !Spent(tx) {
		id, err := tx.q.FindDeletingAccount(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			users, err := tx.q.DropDeletingUsers(ctx, erasedByStatement)
			return found || users > 0, users == erasedByStatement, err
		}
		if err != nil {
			return found, true, err
		}
		found = true
		n, err := tx.q.DropTransactions(ctx, query.DropTransactionsParams{AccountID: id, Most: erasedByStatement})
		if err == nil && n < erasedByStatement {
			err = tx.q.DeleteAccount(ctx, id)
		}
		if err != nil {
			return found, true, err
		}
	}
	return found, true, nil
}
