package store

import (
	"context"
	"database/sql"
	"sync"

	"modernc.org/sqlite"
)

const (
	// pagesPerCheckpoint is after how many written pages, of 4 kB, the log is copied.
	pagesPerCheckpoint = 1000
	// mostPages is the length of the log at which SQLite lets the writer itself copy the rest:
	// only then can the log begin anew while others never stop to write.
	mostPages = 4000
)

// checkpoints copy what commits have appended to SQLite's write-ahead log into the file of the
// database. They have a connection of their own, so that no writer waits for the disk on behalf
// of those before it.
type checkpoints struct {
	db      *sql.DB
	written int // by the writer with the turn
	due     chan struct{}
	stop    func()
	ended   sync.WaitGroup
}

// newCheckpoints starts the checkpoints. A passive one waits for no lock.
func newCheckpoints(db *sql.DB) *checkpoints {
	ctx, stop := context.WithCancel(context.Background())
	c := &checkpoints{db: db, due: make(chan struct{}, 1), stop: stop}
	c.ended.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.due:
				// A reader of older pages holds a part back, which the next one copies.
				_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
			}
		}
	})
	return c
}

// committed counts the pages of the last commit on the writing connection.
func (c *checkpoints) committed(writing *sql.DB) {
	conn, err := writing.Conn(context.Background())
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.Raw(func(driver any) error {
		pages, _, err := driver.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true)
		c.written += pages
		return err
	})
	if c.written < pagesPerCheckpoint {
		return
	}
	c.written = 0
	select {
	case c.due <- struct{}{}:
	default: // one is due already
	}
}

func (c *checkpoints) close() error {
	c.stop()
	c.ended.Wait()
	return c.db.Close()
}
