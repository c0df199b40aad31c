package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// The errors of a database that is filled from another one.
var (
	// ErrUnfinished: a copy into the database was begun and did not finish.
	ErrUnfinished = errors.New("a copy into this database was not finished")
	// ErrNotEmpty: the database has tables, and no copy was begun there.
	ErrNotEmpty = errors.New("the database is not empty")
)

// unfinishedTable exists while a database is filled. It has a row once the tables are empty.
const unfinishedTable = "unfinished_copy"

// filled returns ErrUnfinished while the database is filled by another process or was left so.
func (db *DB) filled(ctx context.Context) error {
	unfinished, err := db.hasTable(ctx, unfinishedTable)
	if err == nil && unfinished && !db.filling {
		err = ErrUnfinished
	}
	return err
}

// BeginFilling prepares an empty database for the rows of another one, or one in which that was
// begun before. It makes the tables and removes what the migrations have put into them; tables
// are named with parents first.
func (db *DB) BeginFilling(ctx context.Context, tables []string) error {
	begun, err := db.hasTable(ctx, unfinishedTable)
	if err != nil {
		return err
	}
	if !begun {
		err = db.CheckSchema(ctx)
		if !errors.Is(err, ErrEmpty) {
			return errors.Join(ErrNotEmpty, err)
		}
		_, err = db.write.ExecContext(ctx, "CREATE TABLE "+unfinishedTable+" (emptied INTEGER NOT NULL)")
		if err != nil {
			return err
		}
	}
	err = db.Migrate(ctx)
	if err != nil {
		return err
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it fails after the commit
	var emptied int
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM "+unfinishedTable).Scan(&emptied)
	if err != nil || emptied > 0 {
		return err
	}
	for _, table := range slices.Backward(tables) {
		_, err = tx.ExecContext(ctx, "DELETE FROM "+table)
		if err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO "+unfinishedTable+" VALUES (1)")
	if err != nil {
		return err
	}
	return tx.Commit()
}

// EndFilling lets the database be served.
func (db *DB) EndFilling(ctx context.Context) error {
	_, err := db.write.ExecContext(ctx, "DROP TABLE "+unfinishedTable)
	return err
}
