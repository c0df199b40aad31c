package jobs

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/oxlin/oxlin/internal/store"
)

const (
	// beatInterval is how often a process notes that it still runs its jobs.
	beatInterval = 5 * time.Second
	// deadAfter is the number of intervals without a beat after which a job counts as
	// dead. It does not depend on how long a job may take, which follows the bank.
	deadAfter = 6
)

// heartbeat tells the other nodes which runs are alive, and frees those of processes that
// died. On SQLite one process works, which frees them when it starts.
type heartbeat struct {
	db       *store.DB
	interval time.Duration
	mutex    sync.Mutex
	running  map[int64]int // attempts by job
	stop     context.CancelFunc
	stopped  chan struct{}
}

func newHeartbeat(db *store.DB, interval time.Duration) *heartbeat {
	return &heartbeat{db: db, interval: interval, running: map[int64]int{}, stop: func() {}}
}

// run does the work of a job and lets the job beat meanwhile.
func (h *heartbeat) run(job *river.Job[runArgs], work func() error) error {
	h.mutex.Lock()
	h.running[job.ID] = job.Attempt
	h.mutex.Unlock()
	defer func() {
		h.mutex.Lock()
		defer h.mutex.Unlock()
		delete(h.running, job.ID)
	}()
	return work()
}

// start beats until end is called.
func (h *heartbeat) start() {
	if h.db.Dialect() == store.SQLite {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.stopped = cancel, make(chan struct{})
	go func() {
		defer close(h.stopped)
		ticker := time.NewTicker(h.interval)
		defer ticker.Stop()
		var last time.Time
		for {
			now := time.Now()
			if h.beat(ctx) == nil {
				// After an outage of the database the other nodes beat first.
				if now.Sub(last) < 3*h.interval {
					_ = h.free(ctx) // the next interval tries again
				}
				last = now
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
}

func (h *heartbeat) end() {
	h.stop()
	if h.stopped != nil {
		<-h.stopped
	}
}

// beat notes the time at the runs of this process. All times are the database's.
func (h *heartbeat) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.interval)
	defer cancel()
	h.mutex.Lock()
	ids := slices.Collect(maps.Keys(h.running))
	attempts := make([]int, len(ids))
	for i, id := range ids {
		attempts[i] = h.running[id]
	}
	h.mutex.Unlock()
	_, err := h.db.Postgres().Exec(ctx, `UPDATE river_job SET attempted_at = now()
		FROM unnest($1::bigint[], $2::bigint[]) AS alive (id, attempt)
		WHERE river_job.id = alive.id AND river_job.attempt = alive.attempt AND state = 'running'`, ids, attempts)
	return err
}

// free makes the runs available that do not beat any more.
func (h *heartbeat) free(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.interval)
	defer cancel()
	_, err := h.db.Postgres().Exec(ctx, `UPDATE river_job SET state = 'available'
		WHERE state = 'running' AND kind = $1 AND attempted_at < now() - $2::float8 * interval '1 second'`,
		runKind, (deadAfter * h.interval).Seconds())
	return err
}
