package store

import "context"

// MigrateTo migrates up to a version, for tests of the migrations after it.
func (db *DB) MigrateTo(ctx context.Context, version int64) error {
	provider, err := db.migrations()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
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
