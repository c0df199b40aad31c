package store

import (
	"context"
	"time"
)

// MigrateTo migrates up to a version, for tests of the migrations after it.
func (db *DB) MigrateTo(ctx context.Context, version int64) error {
	provider, err := db.migrations()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// Page returns the statement of a page of a user's transactions after some others.
func (f TransactionFilter) Page(dialect Dialect, skip int) (string, []any) {
	return f.page(dialect, 1, nil, skip, 100)
}

// Waiting returns how many callers wait for SQLite's writer.
func (db *DB) Waiting() int {
	if db.writer == nil {
		return 0
	}
	db.writer.mutex.Lock()
	defer db.writer.mutex.Unlock()
	return len(db.writer.queue)
}

// KeptGrants returns how many grants are kept in memory.
func (db *DB) KeptGrants() int {
	db.grants.mutex.Lock()
	defer db.grants.mutex.Unlock()
	return len(db.grants.known)
}

// GrantBefore does what Grant does, and calls change between reading and keeping.
func (db *DB) GrantBefore(ctx context.Context, hash []byte, now time.Time, change func()) error {
	_, epoch, _ := db.grants.find(ctx, grantKey(hash), now)
	found, err := readGrant(ctx, db.Read(), hash, now)
	if err == nil {
		change()
		db.grants.keep(grantKey(hash), found, epoch)
	}
	return err
}

// MostGrants bounds them.
const MostGrants = mostGrants

// WriteAndStop does what Write does, and ends before anything that is hidden is removed.
func (db *DB) WriteAndStop(ctx context.Context, f func(tx *Tx) error) error {
	return db.repeatable(ctx, f)
}

// TablesOfUser are the tables that a deletion empties itself.
var TablesOfUser = tablesOfUser
