package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Kind tells a database of the sandbox, with clients whose secrets are public, from one
// with people's accounts.
type Kind string

// The kinds of databases.
const (
	// KindUndecided: no process has served the database.
	KindUndecided Kind = ""
	KindSandbox   Kind = "sandbox"
	KindReal      Kind = "real"
)

// Installation tells to what a database belongs.
type Installation struct {
	Kind Kind
	// KeyCheck is sealed with the master key; empty until the first start.
	KeyCheck []byte
}

func installation(row query.Installation) Installation {
	return Installation{Kind(row.Kind), row.KeyCheck}
}

// Installation returns to what the database belongs.
func (db *DB) Installation(ctx context.Context) (Installation, error) {
	row, err := db.Read().q.FindInstallation(ctx)
	return found(row, err, "installation", installation)
}

// LockInstallation is Installation for a transaction that decides: others wait for it.
func (tx *Tx) LockInstallation(ctx context.Context) (Installation, error) {
	row, err := tx.q.LockInstallation(ctx)
	return found(row, err, "installation", installation)
}

// SaveInstallation stores to what the database belongs.
func (tx *Tx) SaveInstallation(ctx context.Context, i Installation) error {
	err := tx.q.SaveInstallation(ctx, query.SaveInstallationParams{Kind: string(i.Kind), KeyCheck: i.KeyCheck})
	if err != nil {
		return fmt.Errorf("save installation: %w", err)
	}
	return nil
}

// HasUsers reports whether the database has a user.
func (db *DB) HasUsers(ctx context.Context) (bool, error) {
	n, err := db.Read().q.HasUsers(ctx)
	if err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return n > 0, nil
}

// Sealed is a sealed value, and the names under which it was sealed.
type Sealed struct {
	Table, Column, Row string
	Value              []byte
}

// samples finds the newest sealed value of some columns. The names of the rows are those
// of the rooms that seal.
var samples = []struct{ table, column, query string }{
	{"signing_keys", "private_key", "SELECT id, private_key FROM signing_keys ORDER BY created_at DESC LIMIT 1"},
	{"channels", "access", "SELECT CAST(id AS TEXT), access FROM channels WHERE access IS NOT NULL ORDER BY id DESC LIMIT 1"},
	{"keys", "private_key", "SELECT CAST(user_id AS TEXT), private_key FROM keys ORDER BY id DESC LIMIT 1"},
	{"credentials", "value", "SELECT CAST(channel_id AS TEXT) || '/' || id, value FROM credentials ORDER BY channel_id DESC LIMIT 1"},
	{"transactions", "raw", "SELECT CAST(account_id AS TEXT), raw FROM transactions WHERE length(raw) > 0 ORDER BY id DESC LIMIT 1"},
}

// SealedSamples returns some sealed values, the newest of a column each, for a database
// that has no KeyCheck because an older version wrote it.
func (db *DB) SealedSamples(ctx context.Context) ([]Sealed, error) {
	var list []Sealed
	for _, sample := range samples {
		one := Sealed{Table: sample.table, Column: sample.column}
		err := db.Read().raw.QueryRowContext(ctx, sample.query).Scan(&one.Row, &one.Value)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, fmt.Errorf("look for sealed values: %w", err)
		default:
			list = append(list, one)
		}
	}
	return list, nil
}

// DropSandbox removes the clients of the sandbox with their users, all connections to its
// banks, and the operators of the console. The database becomes a real one.
func (tx *Tx) DropSandbox(ctx context.Context, banks []oxlin.ProviderID) error {
	tx.deletesData = true
	state, err := tx.LockInstallation(ctx)
	if err != nil {
		return err
	}
	for _, bank := range banks {
		err = errors.Join(err, tx.q.DropConnectionsOfProvider(ctx, bank))
	}
	if err == nil {
		err = tx.q.DropSandboxUsers(ctx)
	}
	if err == nil {
		err = tx.q.DropSandboxTokens(ctx)
	}
	if err == nil {
		err = tx.q.DropOperators(ctx) // their passwords may be as public
	}
	if err == nil {
		err = tx.q.DropSandboxClients(ctx)
	}
	if err == nil {
		err = changeGrants(ctx, tx.executor, everyGrant)
	}
	if err != nil {
		return fmt.Errorf("drop the sandbox: %w", err)
	}
	state.Kind = KindReal
	return tx.SaveInstallation(ctx, state)
}
