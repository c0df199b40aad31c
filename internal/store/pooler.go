package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Errors of two addresses of which one leads through a pooler of connections.
var (
	// ErrNoPooler: SQLite has no pooler.
	ErrNoPooler = errors.New("the database is SQLite, which has no pooler of connections and no second address")
	// ErrApart: the two addresses do not lead to one database.
	ErrApart = errors.New("the address of the database and the direct one lead to two databases")
)

// CheckAddresses refuses a direct address beside an SQLite database. It connects nowhere.
func CheckAddresses(address, direct string) error {
	switch {
	case direct == "" || isPostgres(address) && isPostgres(direct):
		return nil
	case strings.HasPrefix(address, "sqlite:"):
		return ErrNoPooler
	}
	return errors.New("database: want postgres://HOST/NAME for both addresses") // they may contain a password
}

func isPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// checkSameDatabase returns ErrApart unless both addresses lead to one database and schema. A lock
// that a transaction at the direct address holds is seen at the other one: names and numbers
// of databases are equal in copies too.
func checkSameDatabase(ctx context.Context, direct *pgxpool.Pool, pooled *sql.DB) error {
	key := rand.Int64()
	return pgx.BeginFunc(ctx, direct, func(tx pgx.Tx) error {
		var schema, other sql.NullString
		err := tx.QueryRow(ctx, "SELECT current_schema() FROM pg_advisory_xact_lock($1)", key).Scan(&schema)
		if err != nil {
			return fmt.Errorf("at the direct address: %w", err)
		}
		var free bool
		err = pooled.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1), current_schema()", key).Scan(&free, &other)
		if err != nil {
			return fmt.Errorf("at the address of the database: %w", err)
		}
		if free || schema != other {
			return ErrApart
		}
		return nil
	})
}
