package store

import (
	"context"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func account(row query.Account) oxlin.Account {
	identities := row.Identities.V
	if len(identities) == 0 {
		identities = nil // an account without any comes back as it was given
	}
	return oxlin.Account{
		ID: row.ID, UserID: row.UserID, ConnectionID: row.ConnectionID, Name: row.Name, Type: row.Type,
		Status: row.Status, Declined: row.Declined, Usage: row.Usage, Currency: row.Currency, CurrencyWord: row.CurrencyWord, Balance: row.Balance, BalanceAt: row.BalanceAt.Time,
		BalanceExpected: row.BalanceExpected, Balances: row.Balances.V, Coverage: row.Coverage.V,
		IBAN: row.Iban, Number: row.Number, MaskedNumber: row.MaskedNumber, OwnerName: row.OwnerName,
		LastChannelDefinition: row.LastChannelDefinitionID, BankID: row.BankID, Identities: identities, CoveredUntil: row.CoveredUntil,
		Details: row.Details.V, CreatedAt: row.CreatedAt.Time,
	}
}

// identitiesOf are an account's identities as they are stored: a list, even without any.
func identitiesOf(a oxlin.Account) query.JSON[[]oxlin.AccountIdentity] {
	if a.Identities == nil {
		return query.AsJSON([]oxlin.AccountIdentity{})
	}
	return query.AsJSON(a.Identities)
}

// Account returns an account.
func (r Reader) Account(ctx context.Context, id oxlin.AccountID) (oxlin.Account, error) {
	row, err := r.q.FindAccount(ctx, id)
	return found(row, err, "account", account)
}

// AccountsOfUser lists a user's accounts by id, without the declined ones.
func (r Reader) AccountsOfUser(ctx context.Context, id oxlin.UserID) ([]oxlin.Account, error) {
	rows, err := r.q.ListAccountsOfUser(ctx, id)
	return each(rows, err, "account", account)
}

// AccountsOfConnection lists all accounts of a connection by id.
func (r Reader) AccountsOfConnection(ctx context.Context, id oxlin.ConnectionID) ([]oxlin.Account, error) {
	rows, err := r.q.ListAccountsOfConnection(ctx, id)
	return each(rows, err, "account", account)
}

// AccountsInDoubt lists accounts of all users whose coverage has a doubt, by id. It reads
// all accounts until it has found so many.
func (r Reader) AccountsInDoubt(ctx context.Context, most int) ([]oxlin.Account, error) {
	rows, err := r.q.ListAccountsInDoubt(ctx, int64(most))
	return each(rows, err, "account", account)
}

// InsertAccount stores a new account.
func (tx *Tx) InsertAccount(ctx context.Context, a oxlin.Account) (oxlin.AccountID, error) {
	id, err := tx.q.InsertAccount(ctx, query.InsertAccountParams{
		UserID: a.UserID, ConnectionID: a.ConnectionID, Name: a.Name, Type: a.Type, Status: a.Status, Usage: a.Usage,
		Currency: a.Currency, CurrencyWord: a.CurrencyWord, Balance: a.Balance, BalanceAt: query.At(a.BalanceAt), BalanceExpected: a.BalanceExpected,
		Balances: query.AsJSON(a.Balances), Coverage: query.AsJSON(a.Coverage), Iban: a.IBAN, Number: a.Number,
		MaskedNumber: a.MaskedNumber, OwnerName: a.OwnerName, LastChannelDefinitionID: a.LastChannelDefinition,
		BankID: a.BankID, Identities: identitiesOf(a), CoveredUntil: a.CoveredUntil, Details: query.AsJSON(a.Details), CreatedAt: query.At(a.CreatedAt),
	})
	if err != nil {
		return 0, fmt.Errorf("insert account: %w", err)
	}
	return id, nil
}

// UpdateAccount writes all changeable fields of an account.
func (tx *Tx) UpdateAccount(ctx context.Context, a oxlin.Account) error {
	err := tx.q.UpdateAccount(ctx, query.UpdateAccountParams{
		ID: a.ID, Name: a.Name, Type: a.Type, Status: a.Status, Declined: a.Declined, Usage: a.Usage, Currency: a.Currency, CurrencyWord: a.CurrencyWord, Balance: a.Balance,
		BalanceAt: query.At(a.BalanceAt), BalanceExpected: a.BalanceExpected,
		Balances: query.AsJSON(a.Balances), Coverage: query.AsJSON(a.Coverage), Iban: a.IBAN, Number: a.Number, MaskedNumber: a.MaskedNumber,
		OwnerName: a.OwnerName, LastChannelDefinitionID: a.LastChannelDefinition, BankID: a.BankID, Identities: identitiesOf(a),
		CoveredUntil: a.CoveredUntil, Details: query.AsJSON(a.Details),
	})
	if err != nil {
		return fmt.Errorf("update account: %w", err)
	}
	return nil
}

// MoveAccount moves an account, with its transactions, to another connection of its user.
func MoveAccount(ctx context.Context, tx *Tx, id oxlin.AccountID, to oxlin.ConnectionID) error {
	_, err := tx.raw.ExecContext(ctx, "UPDATE accounts SET connection_id = ?1, rows_version = rows_version + 1 WHERE id = ?2", int64(to), int64(id))
	if err != nil {
		return fmt.Errorf("move account: %w", err)
	}
	return nil
}

// ForgetAccount records the identity of an account that was deleted on request.
func (tx *Tx) ForgetAccount(ctx context.Context, id oxlin.ConnectionID, identity []byte) error {
	err := tx.q.ForgetAccount(ctx, query.ForgetAccountParams{ConnectionID: id, Identity: identity})
	if err != nil {
		return fmt.Errorf("forget account: %w", err)
	}
	return nil
}

// ForgottenAccounts lists the identities recorded for a connection.
func (r Reader) ForgottenAccounts(ctx context.Context, id oxlin.ConnectionID) ([][]byte, error) {
	identities, err := r.q.ListForgottenAccounts(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list forgotten accounts: %w", err)
	}
	return identities, nil
}

// DropForgotten deletes one identity recorded for a connection.
func DropForgotten(ctx context.Context, tx *Tx, id oxlin.ConnectionID, identity []byte) error {
	_, err := tx.raw.ExecContext(ctx, "DELETE FROM forgotten_accounts WHERE connection_id = ?1 AND identity = ?2", int64(id), identity)
	if err != nil {
		return fmt.Errorf("drop forgotten account: %w", err)
	}
	return nil
}

// ClearForgottenAccounts deletes the identities recorded for a connection.
func (tx *Tx) ClearForgottenAccounts(ctx context.Context, id oxlin.ConnectionID) error {
	err := tx.q.ClearForgottenAccounts(ctx, id)
	if err != nil {
		return fmt.Errorf("remember accounts: %w", err)
	}
	return nil
}
