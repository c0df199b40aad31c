package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin/internal/store"
)

// gate stands in front of River's fetch. River knows two queues, and asks for their next
// jobs; the gate sees which groups have jobs that are due, and takes those that the share
// chooses. Jobs that have to wait stay where they are.
type gate struct {
	db    *store.DB
	node  *node
	ready func() bool
	lanes map[string]*lane // by the name of River's queue
	kinds map[string]bool
}

// newGate makes the gate of a process.
func newGate(options Options, n *node) *gate {
	// LISTEN brings most jobs at once; River leaves out notifications that follow each other
	// closely. Without it, looking often is cheap in one's own file.
	interval, notifyInterval := 500*time.Millisecond, time.Second
	if options.DB.Dialect() == store.SQLite {
		interval, notifyInterval = 100*time.Millisecond, 250*time.Millisecond
	}
	g := &gate{db: options.DB, node: n, ready: options.Ready, lanes: map[string]*lane{
		river.QueueDefault: {
			queue: river.QueueDefault, interval: interval,
			share: newShare(options.Now, options.Workers, max(options.Workers/4, 1), 2*options.Workers),
		},
		notifyQueue: {queue: notifyQueue, interval: notifyInterval, share: newShare(options.Now, 1, 0, notifyWorkers)},
	}, kinds: map[string]bool{}}
	for _, kind := range []string{runKind, revokeKind, notifyKind, webhookKind, sweepKind} {
		g.kinds[kind] = true
	}
	return g
}

// lane is one of River's queues.
type lane struct {
	*share
	queue string
	// interval is how often the database is looked at if nothing happens.
	interval time.Duration
	// wanted is set when something has happened: a job has ended or was announced.
	wanted atomic.Bool
	mutex  sync.Mutex
	looked time.Time
}

// due reports whether it is time to look at the database. River asks more often.
func (l *lane) due() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	// Polling needs no injected clock: no moment that is stored depends on it.
	now := time.Now()
	if !l.wanted.Swap(false) && now.Sub(l.looked) < l.interval {
		return false
	}
	l.looked = now
	return true
}

func (l *lane) end(id int64) {
	l.share.end(id)
	l.wanted.Store(true)
}

// wake lets the database be looked at soon.
func (g *gate) wake() {
	for _, l := range g.lanes {
		l.wanted.Store(true)
	}
}

// laneOf returns the lane of a group's queue.
func (g *gate) laneOf(queue string) *lane {
	if isNotifyQueue(queue) {
		return g.lanes[notifyQueue]
	}
	return g.lanes[river.QueueDefault]
}

// fetch takes the next jobs of a lane.
func (g *gate) fetch(ctx context.Context, executor riverdriver.Executor, params riverdriver.JobGetAvailableParams) ([]*rivertype.JobRow, error) {
	l := g.lanes[params.Queue]
	if !g.node.alive() || !g.ready() || !l.due() {
		return nil, nil
	}
	waiting, err := g.waiting(ctx, l)
	if err != nil {
		return nil, err
	}
	plan := l.plan(waiting, params.MaxToLock)
	if len(plan) == 0 {
		return nil, nil
	}
	took, err := g.take(ctx, executor, params, plan)
	var all []*rivertype.JobRow
	for i, planned := range plan {
		var began []int64
		if err == nil {
			all = append(all, took[i]...)
			g.node.hold(took[i])
			for _, job := range took[i] {
				if g.kinds[job.Kind] { // River refuses the others before they reach their worker
					began = append(began, job.ID)
				}
			}
		}
		l.settle(planned, began)
	}
	return all, err
}

// take takes the planned jobs in one transaction: all begin, or none.
func (g *gate) take(ctx context.Context, executor riverdriver.Executor, params riverdriver.JobGetAvailableParams, plan []queued) (took [][]*rivertype.JobRow, err error) {
	if len(plan) > 1 {
		tx, err := executor.Begin(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { _ = tx.Rollback(ctx) }() // it fails after the commit
		took, err = takeEach(ctx, tx, params, plan)
		return took, errors.Join(err, commit(ctx, tx, err))
	}
	return takeEach(ctx, executor, params, plan)
}

func commit(ctx context.Context, tx riverdriver.ExecutorTx, err error) error {
	if err != nil {
		return nil
	}
	return tx.Commit(ctx)
}

func takeEach(ctx context.Context, executor riverdriver.Executor, params riverdriver.JobGetAvailableParams, plan []queued) (took [][]*rivertype.JobRow, err error) {
	for _, planned := range plan {
		params.Queue, params.MaxToLock = planned.group.queue, planned.due
		jobs, err := executor.JobGetAvailable(ctx, &params)
		if err != nil {
			return nil, err
		}
		took = append(took, jobs)
	}
	return took, nil
}

// The groups with available jobs are found by steps over the engine's index, from one queue
// to the next: how many jobs of a group wait costs nothing. Of each group as many jobs are
// counted as there are places.
const (
	waitingSQLite = `WITH RECURSIVE waiting (queue) AS (
			SELECT (SELECT queue FROM river_job WHERE state = 'available' ORDER BY queue LIMIT 1)
			UNION ALL
			SELECT (SELECT queue FROM river_job WHERE state = 'available' AND queue > waiting.queue ORDER BY queue LIMIT 1)
			FROM waiting WHERE waiting.queue IS NOT NULL
		)
		SELECT queue, (SELECT count(*) FROM (
			SELECT 1 FROM river_job WHERE state = 'available' AND priority >= 0 AND river_job.queue = waiting.queue
				AND scheduled_at <= datetime('now', 'subsec') LIMIT CAST(?1 AS BIGINT)
		)) FROM waiting WHERE queue IS NOT NULL`
	waitingPostgres = `WITH RECURSIVE waiting (queue) AS (
			SELECT (SELECT queue FROM river_job WHERE state = 'available' ORDER BY queue LIMIT 1)
			UNION ALL
			SELECT (SELECT queue FROM river_job WHERE state = 'available' AND queue > waiting.queue ORDER BY queue LIMIT 1)
			FROM waiting WHERE waiting.queue IS NOT NULL
		)
		SELECT queue, (SELECT count(*) FROM (
			SELECT 1 FROM river_job WHERE state = 'available' AND river_job.queue = waiting.queue
				AND scheduled_at <= now() LIMIT $1
		) AS due) FROM waiting WHERE queue IS NOT NULL`
)

// waiting returns the groups of a lane that have jobs that are due.
func (g *gate) waiting(ctx context.Context, l *lane) (all []queued, err error) {
	add := func(queue string, due int) {
		if due > 0 && g.laneOf(queue) == l {
			all = append(all, queued{groupOf(queue), due})
		}
	}
	if g.db.Dialect() == store.SQLite {
		rows, err := g.db.SQLite().QueryContext(ctx, waitingSQLite, l.places)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var queue string
			var due int
			err = rows.Scan(&queue, &due)
			if err != nil {
				return nil, err
			}
			add(queue, due)
		}
		return all, rows.Err()
	}
	rows, err := g.db.Postgres().Query(ctx, waitingPostgres, l.places)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var queue string
		var due int
		err = rows.Scan(&queue, &due)
		if err != nil {
			return nil, err
		}
		add(queue, due)
	}
	return all, rows.Err()
}

// gatedDriver is a driver of River whose fetch goes through the gate.
type gatedDriver[T any] struct {
	riverdriver.Driver[T]
	gate *gate
}

func (d gatedDriver[T]) GetExecutor() riverdriver.Executor {
	return gatedExecutor{d.Driver.GetExecutor(), d.gate}
}

func (d gatedDriver[T]) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return gatedListener{d.Driver.GetListener(params), d.gate}
}

type gatedExecutor struct {
	riverdriver.Executor
	gate *gate
}

func (e gatedExecutor) JobGetAvailable(ctx context.Context, params *riverdriver.JobGetAvailableParams) ([]*rivertype.JobRow, error) {
	return e.gate.fetch(ctx, e.Executor, *params)
}

// JobGetStuck finds no job: nodes take up those of each other by their signs of life, and by
// the database's clock. River goes by the clock of one node, which may be wrong.
func (gatedExecutor) JobGetStuck(context.Context, *riverdriver.JobGetStuckParams) ([]*rivertype.JobRow, error) {
	return nil, nil
}

// JobSetStateIfRunningMany stores how attempts ended. River would store the end of an attempt
// as that of a later one that runs on another node; here an attempt that was lost is left out.
func (e gatedExecutor) JobSetStateIfRunningMany(ctx context.Context, params *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	ended, attempts, err := withAttempts(*params)
	if err != nil {
		return nil, err
	}
	tx, err := e.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // it fails after the commit
	if e.gate.db.Dialect() == store.Postgres {
		err = tx.Exec(ctx, "SELECT 1 FROM river_job WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE", ended.ID)
		if err != nil {
			return nil, err
		}
	}
	rows, err := tx.JobGetByIDMany(ctx, &riverdriver.JobGetByIDManyParams{ID: ended.ID, Schema: ended.Schema})
	if err != nil {
		return nil, err
	}
	current := make(map[int64]int, len(rows))
	for _, row := range rows {
		current[row.ID] = row.Attempt
	}
	rows, err = tx.JobSetStateIfRunningMany(ctx, only(ended, func(i int) bool {
		return attempts[i] == 0 || attempts[i] == current[ended.ID[i]]
	}))
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return nil, err
	}
	e.gate.node.release(ended.ID)
	return rows, nil
}

// attemptMember is the member of River's metadata that carries the number of an attempt to
// the end of it. It is not stored.
const attemptMember = "attempt"

// withAttempts takes the numbers of the attempts from the metadata; 0 is unknown.
func withAttempts(params riverdriver.JobSetStateIfRunningManyParams) (riverdriver.JobSetStateIfRunningManyParams, []int, error) {
	attempts := make([]int, len(params.ID))
	params.MetadataDoMerge, params.MetadataUpdates = slices.Clone(params.MetadataDoMerge), slices.Clone(params.MetadataUpdates)
	for i, text := range params.MetadataUpdates {
		if !params.MetadataDoMerge[i] || len(text) == 0 {
			continue
		}
		var members map[string]json.RawMessage
		err := json.Unmarshal(text, &members)
		if err != nil {
			return params, nil, err
		}
		number, ok := members[attemptMember]
		if !ok {
			continue
		}
		err = json.Unmarshal(number, &attempts[i])
		if err != nil {
			return params, nil, err
		}
		delete(members, attemptMember)
		params.MetadataDoMerge[i] = len(members) > 0
		params.MetadataUpdates[i], err = json.Marshal(members)
		if err != nil {
			return params, nil, err
		}
	}
	return params, attempts, nil
}

// only returns the ends that are kept.
func only(p riverdriver.JobSetStateIfRunningManyParams, keep func(i int) bool) *riverdriver.JobSetStateIfRunningManyParams {
	kept := p
	kept.ID, kept.Attempt, kept.ErrData, kept.FinalizedAt = nil, nil, nil, nil
	kept.MetadataDoMerge, kept.MetadataUpdates, kept.ScheduledAt, kept.State = nil, nil, nil, nil
	for i := range p.ID {
		if !keep(i) {
			continue
		}
		kept.ID, kept.Attempt = append(kept.ID, p.ID[i]), append(kept.Attempt, p.Attempt[i])
		kept.ErrData, kept.FinalizedAt = append(kept.ErrData, p.ErrData[i]), append(kept.FinalizedAt, p.FinalizedAt[i])
		kept.MetadataDoMerge = append(kept.MetadataDoMerge, p.MetadataDoMerge[i])
		kept.MetadataUpdates = append(kept.MetadataUpdates, p.MetadataUpdates[i])
		kept.ScheduledAt, kept.State = append(kept.ScheduledAt, p.ScheduledAt[i]), append(kept.State, p.State[i])
	}
	return &kept
}

// gatedListener hears that a job was inserted into the queue of a group, and tells River
// that it is in the lane that River asks for.
type gatedListener struct {
	riverdriver.Listener
	gate *gate
}

func (l gatedListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	heard, err := l.Listener.WaitForNotification(ctx)
	if err != nil || !strings.HasSuffix(heard.Topic, "river_insert") {
		return heard, err
	}
	var inserted struct {
		Queue string `json:"queue"`
	}
	err = json.Unmarshal([]byte(heard.Payload), &inserted)
	if err != nil {
		return heard, nil // River reports what it cannot read
	}
	to := l.gate.laneOf(inserted.Queue)
	to.wanted.Store(true)
	inserted.Queue = to.queue
	payload, err := json.Marshal(inserted)
	return &riverdriver.Notification{Topic: heard.Topic, Payload: string(payload)}, err
}
