package jobs

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin/internal/store"
)

const (
	// beatInterval is how often a node renews its sign of life.
	beatInterval = time.Second
	// silentAfter is the number of intervals after which a node that could not renew its sign
	// of life stops its jobs: it cannot know whether the others still wait for it.
	silentAfter = 7
	// deadAfter is the number of intervals after which the others take a silent node's jobs.
	deadAfter = 8
	// frozenAfter is the number of intervals after which nobody waits any more for a node
	// whose process exists and gives no sign of life.
	frozenAfter = 120
	// strayAfter is the number of intervals after which a node frees a job of its own of
	// which it knows nothing: it took the job and did not learn of it.
	strayAfter = 60
)

// errSilent ends a job whose node could not renew its sign of life.
var errSilent = errors.New("this node has given no sign of life, and another one may continue the job")

// node is this process among those that work on one database. It renews a sign of life in
// the database, and takes up the jobs of nodes whose sign is too old. If it cannot renew its
// own, it stops its jobs before the others take them.
//
// One process works on an SQLite database, which frees the jobs of its predecessor when it
// starts. It has no sign of life.
type node struct {
	id       string
	db       *store.DB
	interval time.Duration
	log      *slog.Logger
	signs    signs

	mutex sync.Mutex
	// renewed is when the last sign of life that the database has was sent.
	renewed time.Time
	silent  bool
	running map[int64]*attempt
	// held are the jobs that this process has taken and whose end it has not stored yet.
	held map[int64]bool

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// attempt is one execution of a job by this process.
type attempt struct {
	number int
	cancel context.CancelCauseFunc
	lost   bool
	done   chan struct{}
}

// signs are the rows that nodes show each other.
type signs interface {
	// renew stores a sign of life of this node.
	renew(ctx context.Context) error
	// takeUp frees the jobs of dead nodes and the leadership of a dead leader, makes the jobs
	// available that are due, and frees those jobs of this node that are not held. It returns
	// the numbers of the first and of the second.
	takeUp(ctx context.Context, held []int64) (freed, due int64, err error)
	// gone reports whether a node will not come back.
	gone(ctx context.Context, id string) (bool, error)
	// close removes the node.
	close(ctx context.Context) error
}

func newNode(options Options) *node {
	random := make([]byte, 12)
	_, _ = rand.Read(random) // it never fails
	n := &node{
		id: "node-" + hex.EncodeToString(random), db: options.DB, interval: options.Beat, log: options.Log,
		running: map[int64]*attempt{}, held: map[int64]bool{}, stop: func() {},
	}
	if options.DB.Dialect() == store.SQLite {
		n.signs = &onlySigns{db: options.DB, interval: options.Beat}
	} else {
		n.signs = &sharedSigns{id: n.id, db: options.DB, interval: options.Beat, session: int32(binary.BigEndian.Uint32(random) >> 1)}
	}
	return n
}

// start gives the first sign of life, and goes on until end is called. due is called when jobs
// have become available.
func (n *node) start(ctx context.Context, due func()) error {
	err := n.renew(ctx)
	if err != nil {
		return err
	}
	ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.every(ctx, n.interval, func() { _ = n.renew(ctx) }) // the next interval tries again
	n.every(ctx, n.interval/4, func() { n.alive() })
	n.every(ctx, n.interval, func() {
		freed, promoted, err := n.takeUp(ctx)
		if err == nil && freed > 0 {
			n.log.WarnContext(ctx, "the jobs of a node that died continue", "jobs", freed)
		}
		if freed+promoted > 0 {
			due()
		}
	})
	return nil
}

// every calls a function at once and in each interval.
func (n *node) every(ctx context.Context, interval time.Duration, do func()) {
	n.stopped.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for ctx.Err() == nil {
			do()
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	})
}

// end stops the signs of life. The others need not wait for this node.
func (n *node) end() {
	n.stop()
	n.stopped.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 2*n.interval)
	defer cancel()
	_ = n.signs.close(ctx) // without a database the others wait
}

func (n *node) renew(ctx context.Context) error {
	// A slow database is no reason for a new session.
	ctx, cancel := context.WithTimeout(ctx, (silentAfter-2)*n.interval)
	defer cancel()
	// The sign is as old as its sending: the database may have stored it at once.
	sent := time.Now()
	err := n.signs.renew(ctx)
	if err != nil {
		return err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.look() // what was lost meanwhile stays lost
	n.renewed = sent
	if n.silent && n.look() {
		n.silent = false
		n.log.Info("this node gives signs of life again, and works")
	}
	return nil
}

// look reports whether the others still wait for this node. The first look that finds that
// they may not do so stops all jobs. The caller holds the mutex.
func (n *node) look() bool {
	if n.renewed.IsZero() {
		n.renewed = time.Now()
	}
	if since(n.renewed) < silentAfter*n.interval {
		return true
	}
	if !n.silent {
		n.silent = true
		n.log.Error("this node could not give a sign of life: it stops its jobs, and another node may continue them",
			"silent", since(n.renewed).Round(time.Millisecond), "jobs", len(n.running))
	}
	for _, a := range n.running {
		if !a.lost {
			a.lost = true
			a.cancel(errSilent)
		}
	}
	return false
}

// since returns the time since a moment of this process. The monotonic clock stands still
// while a machine is suspended, and the wall clock may be set back: the longer one counts.
func since(moment time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(moment), now.Round(0).Sub(moment.Round(0)))
}

// alive reports whether this node may work.
func (n *node) alive() bool {
	if n.db.Dialect() == store.SQLite {
		return true
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.look()
}

// mayCall reports whether an attempt may call a bank.
func (n *node) mayCall(a *attempt) bool {
	alive := n.alive()
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return alive && !a.lost
}

// attemptKey is the context's key for the attempt that runs.
type attemptKey struct{}

// begin begins an attempt. If an earlier attempt of the same job has not returned yet in this
// process, begin waits for it. The error is errSilent if this node may not work.
func (n *node) begin(ctx context.Context, job *rivertype.JobRow) (context.Context, *attempt, error) {
	for {
		if !n.alive() {
			return ctx, nil, errSilent
		}
		n.mutex.Lock()
		earlier := n.running[job.ID]
		if earlier == nil {
			a := &attempt{number: job.Attempt, done: make(chan struct{})}
			ctx, a.cancel = context.WithCancelCause(context.WithValue(ctx, attemptKey{}, a))
			n.running[job.ID] = a
			n.mutex.Unlock()
			return ctx, a, nil
		}
		n.mutex.Unlock()
		select {
		case <-earlier.done:
		case <-ctx.Done():
			return ctx, nil, ctx.Err()
		}
	}
}

// finish ends an attempt, and reports whether it was lost to another node.
func (n *node) finish(job *rivertype.JobRow, a *attempt) (lost bool) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.running, job.ID)
	close(a.done)
	a.cancel(nil)
	return a.lost
}

// hold notes jobs that this process has taken.
func (n *node) hold(jobs []*rivertype.JobRow) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, job := range jobs {
		n.held[job.ID] = true
	}
}

// release notes jobs whose end is stored.
func (n *node) release(ids []int64) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, id := range ids {
		if n.running[id] == nil { // else the job has been taken again
			delete(n.held, id)
		}
	}
}

func (n *node) takeUp(ctx context.Context) (freed, due int64, err error) {
	if !n.alive() {
		return 0, 0, errSilent
	}
	n.mutex.Lock()
	held := make([]int64, 0, len(n.held))
	for id := range n.held {
		held = append(held, id)
	}
	n.mutex.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*n.interval)
	defer cancel()
	return n.signs.takeUp(ctx, held)
}
