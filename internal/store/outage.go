package store

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/oxlin/oxlin"
)

// ErrGone is the error of a write to an SQLite file that has been moved, deleted or
// replaced: what a process writes to it would be lost.
var ErrGone = errors.New("the database's file has been moved or deleted")

// retryOutage is the time after which callers try again during an outage.
const retryOutage = 5 * time.Second

// Told returns an error as callers may see it (contract §12.12): CodeUnavailable with
// RetryAfter while the database is unreachable, else err itself.
func Told(err error) error {
	var known *oxlin.Error
	if errors.As(err, &known) || !Unreachable(err) {
		return err
	}
	away := oxlin.DefaultError(oxlin.CodeUnavailable)
	away.RetryAfter, away.Err = retryOutage, err
	return away
}

// Check returns nil if the database serves. After a write that failed during an outage it
// tries another one, because reading says nothing about a full disk.
func (db *DB) Check(ctx context.Context) error {
	err := errors.Join(db.present(), db.Ping(ctx))
	if err != nil || !db.failing.Load() {
		return err
	}
	// A value that stays the same would not be written.
	return db.Write(ctx, func(tx *Tx) error { return tx.q.TryWriting(ctx) })
}

// Failing reports whether the last write has failed because of an outage.
func (db *DB) Failing() bool { return db.failing.Load() }

// present reports by ErrGone that the path of an SQLite file leads elsewhere.
func (db *DB) present() error {
	if db.file == nil {
		return nil
	}
	now, err := os.Stat(db.path)
	if err != nil || !os.SameFile(now, db.file) {
		return ErrGone
	}
	return nil
}

// Write runs f in one transaction and commits it, unless f fails. SQLite has a single
// writer, which commits for all callers that wait at once: f must not call Write again, must
// not wait for other systems, and is quick, unless ctx is Long. If the database rolls the
// transaction back because of another one, f runs again: whatever f changes outside of the
// transaction, it sets anew. What f deletes and is too much for one transaction is hidden by it,
// and removed before Write returns, or by the next Erase.
func (db *DB) Write(ctx context.Context, f func(tx *Tx) error) error {
	hides := false
	err := db.present()
	if err == nil {
		err = db.repeatable(ctx, func(tx *Tx) error {
			err := f(tx)
			hides = tx.hides
			return err
		})
	}
	db.noteOutage(err)
	if err == nil && hides {
		_ = db.Erase(ctx) // the deletion itself is on disk
	}
	return err
}

// noteOutage keeps whether the last write has failed because of an outage.
func (db *DB) noteOutage(err error) {
	if err == nil || Unreachable(err) {
		db.failing.Store(err != nil)
	}
}
