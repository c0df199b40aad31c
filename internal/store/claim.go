package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// ErrServed is the error of Claim for an SQLite database that another process serves.
var ErrServed = errors.New("another process serves this database")

// Claim marks an SQLite database as served by this process, by a lock on a file beside
// it, and returns the function that gives it back. The lock ends with the process, however
// it ends. It keeps nobody from opening the database. PostgreSQL, which several processes
// may serve, is never claimed.
func Claim(address string) (release func() error, err error) {
	path, lite := strings.CutPrefix(address, "sqlite:")
	if !lite {
		return func() error { return nil }, nil
	}
	path, err = resolved(path)
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	if !held {
		return nil, fmt.Errorf("%w: %s", ErrServed, path)
	}
	// The file stays: a process that waits for a removed file would lock another one.
	return lock.Unlock, nil
}

// resolved follows links, so that a database has one lock under all of its names. The
// file may not exist yet.
func resolved(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(folder, filepath.Base(path)), err
}
