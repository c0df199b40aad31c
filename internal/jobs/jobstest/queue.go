// Package jobstest holds a job queue for tests: it implements synchro.Queue and
// notify.Queue, and keeps the jobs until a test takes them, with whatever clock the
// test has.
//
// It must never run a job by itself, nor serve anything but tests; tests of the
// engine's own promises use the engine. Start reading at Queue.
package jobstest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Run is a job that takes a synchronisation further.
type Run struct {
	ID oxlin.SyncID
	// User owns the connection.
	User      oxlin.UserID
	NotBefore time.Time
}

// Revocation is a job that returns an access to its bank.
type Revocation struct {
	Provider   oxlin.ProviderID
	Definition oxlin.ChannelDefinitionID
	Sealed     []byte
}

// Notification is a job that tells the outside about an event.
type Notification struct {
	User   oxlin.UserID
	Event  oxlin.EventID
	Reader string
}

// Queue keeps jobs in their order. As in the job engine, a synchronisation has one
// job, at the earliest moment asked for. Unlike there, the jobs of a transaction
// that fails stay. The zero value is empty and ready; several goroutines may use it.
type Queue struct {
	mutex         sync.Mutex
	held          map[oxlin.ProviderID]time.Time
	runs          []Run
	revocations   []Revocation
	notifications []Notification
	interrupt     func(ctx context.Context, tx *store.Tx) error
}

// Interrupt lets a function decide at each transaction of a job whether it fails.
func (q *Queue) Interrupt(decide func(ctx context.Context, tx *store.Tx) error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.interrupt = decide
}

// EnqueueRun implements synchro.Queue.
func (q *Queue) EnqueueRun(ctx context.Context, tx *store.Tx, sync oxlin.Synchronisation, notBefore time.Time) error {
	channel, err := tx.Read().Channel(ctx, sync.ChannelID)
	if err != nil {
		return err
	}
	connection, err := tx.Read().Connection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	i := slices.IndexFunc(q.runs, func(run Run) bool { return run.ID == sync.ID })
	switch {
	case i < 0:
		q.runs = append(q.runs, Run{sync.ID, connection.UserID, notBefore})
	case notBefore.Before(q.runs[i].NotBefore):
		q.runs[i].NotBefore = notBefore
	}
	return nil
}

// Guard implements synchro.Queue. No job of a test is taken over, but see Interrupt.
func (q *Queue) Guard(ctx context.Context, tx *store.Tx) error {
	q.mutex.Lock()
	interrupt := q.interrupt
	q.mutex.Unlock()
	if interrupt == nil {
		return nil
	}
	return interrupt(ctx, tx)
}

// Attempt implements synchro.Queue. Each job of a test is tried once.
func (q *Queue) Attempt(context.Context) int { return 1 }

// Node implements synchro.Queue.
func (q *Queue) Node() string { return "test" }

// Gone implements synchro.Queue. Only nodes with that word in their name are gone.
func (q *Queue) Gone(_ context.Context, node string) (bool, error) {
	return strings.Contains(node, "gone"), nil
}

// EnqueueRevoke implements synchro.Queue.
func (q *Queue) EnqueueRevoke(_ context.Context, _ *store.Tx, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.revocations = append(q.revocations, Revocation{provider, definition, sealed})
	return nil
}

// EnqueueNotify implements notify.Queue.
func (q *Queue) EnqueueNotify(_ context.Context, _ *store.Tx, _ oxlin.ClientID, user oxlin.UserID, event oxlin.EventID, reader string) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.notifications = append(q.notifications, Notification{user, event, reader})
	return nil
}

// Lost implements synchro.Queue.
func (q *Queue) Lost(_ context.Context, ids []oxlin.SyncID) ([]oxlin.SyncID, error) {
	waiting := q.Runs()
	return slices.DeleteFunc(slices.Clone(ids), func(id oxlin.SyncID) bool {
		return slices.ContainsFunc(waiting, func(run Run) bool { return run.ID == id })
	}), nil
}

// Hold implements synchro.Queue. It only notes the moment: a test takes jobs when it wants.
func (q *Queue) Hold(provider oxlin.ProviderID, until time.Time) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.held == nil {
		q.held = map[oxlin.ProviderID]time.Time{}
	}
	q.held[provider] = until
}

// Held returns the moment until which a bank was last held; zero if it never was.
func (q *Queue) Held(provider oxlin.ProviderID) time.Time {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.held[provider]
}

// Runs returns the runs that wait.
func (q *Queue) Runs() []Run {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return slices.Clone(q.runs)
}

// TakeRun removes and returns the first run that a test wants now, and reports
// whether there is one.
func (q *Queue) TakeRun(wanted func(Run) bool) (Run, bool) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	i := slices.IndexFunc(q.runs, wanted)
	if i < 0 {
		return Run{}, false
	}
	run := q.runs[i]
	q.runs = slices.Delete(q.runs, i, i+1)
	return run, true
}

// Any wants every run.
func Any(Run) bool { return true }

// TakeRevocations removes and returns all revocations.
func (q *Queue) TakeRevocations() []Revocation {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	taken := q.revocations
	q.revocations = nil
	return taken
}

// TakeNotifications removes and returns all notifications.
func (q *Queue) TakeNotifications() []Notification {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	taken := q.notifications
	q.notifications = nil
	return taken
}
