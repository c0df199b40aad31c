package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The bounds of a common transaction. What its first writer waits for the last one is little
// beside the disk.
const (
	mostMembers = 128
	longestOpen = 10 * time.Millisecond
)

// errUndone is the error of a writer whose common transaction SQLite has undone as a whole,
// because the disk refused another one's statement. Nothing of it remains: it writes again.
var errUndone = errors.New("another writer's failure undid this one")

// writer lets SQLite's only writer commit for several callers at once. A caller that waits while
// one commits goes into the next transaction, so that a commit, which waits for the disk,
// serves all of them. Each caller runs in a savepoint of its own: a failure undoes its own
// writes only. No caller continues before its own writes are on disk.
type writer struct {
	db          *sql.DB
	kept        kept
	checkpoints *checkpoints

	mutex sync.Mutex
	// busy is set while a caller has the turn; queue are those that wait for it.
	busy  bool
	queue []chan struct{}
	// open is the transaction in which the caller with the turn continues.
	open *common
	// locked is when the file was last found locked by another process, with the error. They
	// belong to the caller with the turn.
	locked   time.Time
	isLocked error
}

// common is a transaction of several callers.
type common struct {
	tx      *sql.Tx
	release context.CancelFunc
	begun   time.Time
	members int
	// undone is set if SQLite has rolled the whole transaction back.
	undone bool
	// deletesData is set if a caller deletes data on a user's request.
	deletesData bool
	// done is closed after the commit; err is its failure.
	done chan struct{}
	err  error
}

type longKey struct{}

// Long returns a context whose writes may take longer than some milliseconds: each has its
// transaction for itself, so that no quick one waits for it after having written.
func Long(ctx context.Context) context.Context { return context.WithValue(ctx, longKey{}, true) }

// write runs f in a transaction, and returns when it is on disk.
func (w *writer) write(ctx context.Context, f func(c *common) error) error {
	long := ctx.Value(longKey{}) != nil
	for {
		since := time.Now() // how long a caller waits is the machine's time
		err := w.wait(ctx)
		if err != nil {
			return err
		}
		c, err := w.enter(ctx, long, since)
		if err != nil {
			return err
		}
		err = w.run(ctx, c, long, f)
		if err != nil {
			return err
		}
		<-c.done
		if !errors.Is(c.err, errUndone) {
			return c.err
		}
	}
}

// wait returns when the caller has the turn.
func (w *writer) wait(ctx context.Context) error {
	w.mutex.Lock()
	if !w.busy {
		w.busy = true
		w.mutex.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.queue = append(w.queue, turn)
	w.mutex.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	w.mutex.Lock()
	i := slices.Index(w.queue, turn)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	w.mutex.Unlock()
	if i >= 0 {
		return fmt.Errorf("begin: %w", ctx.Err())
	}
	return nil // the turn has come all the same, and has to be passed on
}

// enter returns the transaction for the caller with the turn: the open one, or a new one. If the
// file was found locked while the caller waited, it has waited as long as the one before it,
// and gets the same error: else each would wait anew, one after the other.
func (w *writer) enter(ctx context.Context, long bool, since time.Time) (*common, error) {
	c := w.open
	w.open = nil
	if c != nil && long {
		w.finish(c)
		c = nil
	}
	if c != nil {
		return c, nil
	}
	if w.locked.After(since) {
		err := w.isLocked
		w.pass(nil)
		return nil, fmt.Errorf("begin: %w", err)
	}
	// The transaction outlives this caller's context, which ends only the wait for it.
	life, release := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, release)
	tx, err := w.db.BeginTx(life, nil)
	if err == nil && !stop() {
		err = errors.Join(ctx.Err(), tx.Rollback())
	}
	if err != nil {
		release()
		if isBusy(err) {
			w.locked, w.isLocked = time.Now(), err
		}
		w.pass(nil)
		return nil, fmt.Errorf("begin: %w", err)
	}
	return &common{tx: tx, release: release, begun: time.Now(), done: make(chan struct{})}, nil
}

// run runs f for the caller with the turn, undoes it if it fails, and passes the turn on,
// also after a panic.
func (w *writer) run(ctx context.Context, c *common, long bool, f func(c *common) error) error {
	kept := false
	defer func() {
		if !kept {
			c.undo()
		}
		w.leave(c, long)
	}()
	err := c.do(c.members > 0, "SAVEPOINT member")
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err = f(c)
	if err != nil {
		return err
	}
	err = ctx.Err()
	if err == nil {
		err = c.do(c.members > 0, "RELEASE member")
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	kept = true
	c.members++
	return nil
}

// do runs a statement about savepoints, if one is needed.
func (c *common) do(needed bool, statement string) error {
	if !needed {
		return nil
	}
	_, err := c.tx.ExecContext(context.Background(), statement)
	return err
}

// undo undoes what the caller with the turn has written. What the first one did is undone
// with the transaction.
func (c *common) undo() {
	err := c.do(c.members > 0, "ROLLBACK TO member")
	if err == nil {
		err = c.do(c.members > 0, "RELEASE member")
	}
	c.undone = err != nil || c.members == 0
}

// leave lets the next caller continue in the transaction, or ends it.
func (w *writer) leave(c *common, long bool) {
	if !long && !c.undone && c.members < mostMembers && time.Since(c.begun) < longestOpen && w.pass(c) {
		return
	}
	w.finish(c)
	w.pass(nil)
}

// pass gives the turn to whoever waits longest. It returns false if nobody waits: then the
// turn is free, unless a transaction is open.
func (w *writer) pass(c *common) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.queue) == 0 {
		w.busy = c != nil
		return false
	}
	w.open = c
	close(w.queue[0])
	w.queue = slices.Delete(w.queue, 0, 1)
	return true
}

// finish ends the transaction, and tells those that have written in it.
func (w *writer) finish(c *common) {
	defer close(c.done)
	defer c.release()
	if c.undone {
		c.err = errUndone
		_ = c.tx.Rollback() // SQLite may have done it
		return
	}
	err := c.tx.Commit()
	if err != nil {
		c.err = fmt.Errorf("commit: %w", err)
		_, _ = w.db.ExecContext(context.Background(), "ROLLBACK") // a refused commit may leave it open
		return
	}
	if c.deletesData {
		w.emptyLog()
	}
	w.kept.prepare(w.db)
	w.checkpoints.committed(w.db)
}

// emptyLog truncates SQLite's write-ahead log, which still contains deleted data. If a
// long read prevents it, the next deletion or the end of the process truncates the log.
func (w *writer) emptyLog() {
	_, _ = w.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
}
