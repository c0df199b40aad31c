package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivershared/uniquestates"
	"github.com/riverqueue/river/rivertype"

	"github.com/oxlin/oxlin/internal/store"
)

// Working reports whether a process works the jobs of a database on PostgreSQL: it gives a sign of
// life. An SQLite database is locked by the process that serves it (store.Claim).
func Working(ctx context.Context, db *store.DB) (bool, error) {
	if db.Dialect() == store.SQLite {
		return false, nil
	}
	var nodes int
	err := db.Postgres().QueryRow(ctx, "SELECT count(*) FROM nodes WHERE beat_at >= extract(epoch FROM clock_timestamp() - $1::float8 * interval '1 second') * 1000000",
		(deadAfter * beatInterval).Seconds()).Scan(&nodes)
	if err != nil {
		return false, fmt.Errorf("look for nodes: %w", err)
	}
	return nodes > 0, nil
}

// transferred is how many jobs Transfer reads at once.
const transferred = 500

// Transfer replaces the jobs of a database by those of another one that have not ended, in their
// order, and returns their number. Nobody works on either. A job that was running waits again, as
// after the death of its process.
func Transfer(ctx context.Context, from, to *store.DB) (int, error) {
	source := executor(from)
	target, err := executor(to).Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("copy jobs: %w", err)
	}
	defer func() { _ = target.Rollback(ctx) }() // it fails after the commit
	err = target.Exec(ctx, "DELETE FROM river_job")
	if err != nil {
		return 0, fmt.Errorf("copy jobs: %w", err)
	}
	for after := int64(0); ; {
		jobs, err := waiting(ctx, source, after)
		if err != nil {
			return 0, fmt.Errorf("copy jobs: %w", err)
		}
		if len(jobs) == 0 {
			break
		}
		after = jobs[len(jobs)-1].ID
		for _, job := range jobs {
			err = insert(ctx, target, to.Dialect(), job)
			if err != nil {
				return 0, fmt.Errorf("copy jobs: %w", err)
			}
		}
	}
	err = target.Commit(ctx)
	if err != nil {
		return 0, fmt.Errorf("copy jobs: %w", err)
	}
	count, err := sameJobs(ctx, source, executor(to))
	if err != nil {
		return 0, fmt.Errorf("compare jobs: %w", err)
	}
	return count, nil
}

func executor(db *store.DB) riverdriver.Executor {
	if db.Dialect() == store.SQLite {
		return riversqlite.New(db.SQLite()).GetExecutor()
	}
	return riverpgxv5.New(db.Postgres()).GetExecutor()
}

// waiting returns the next jobs that have not ended, in the order of their ids.
func waiting(ctx context.Context, of riverdriver.Executor, after int64) ([]*rivertype.JobRow, error) {
	return of.JobList(ctx, &riverdriver.JobListParams{
		Max: transferred, OrderByClause: "id", WhereClause: "id > @after AND finalized_at IS NULL",
		NamedArgs: map[string]any{"after": after},
	})
}

// insert inserts a job that waits again.
func insert(ctx context.Context, into riverdriver.Executor, dialect store.Dialect, job *rivertype.JobRow) error {
	var failures [][]byte
	for _, failure := range job.Errors {
		text, err := json.Marshal(failure)
		if err != nil {
			return err
		}
		failures = append(failures, text)
	}
	inserted, err := into.JobInsertFull(ctx, &riverdriver.JobInsertFullParams{
		Attempt: job.Attempt, AttemptedAt: job.AttemptedAt, AttemptedBy: job.AttemptedBy, CreatedAt: &job.CreatedAt,
		EncodedArgs: job.EncodedArgs, Errors: failures, Kind: job.Kind, MaxAttempts: job.MaxAttempts, Metadata: job.Metadata,
		Priority: job.Priority, Queue: job.Queue, ScheduledAt: &job.ScheduledAt, State: stateAgain(job.State), Tags: job.Tags,
		UniqueStates: uniquestates.UniqueStatesToBitmask(job.UniqueStates),
	})
	if err != nil || job.UniqueKey == nil {
		return err
	}
	// River's driver of PostgreSQL would take the key for a text.
	query := "UPDATE river_job SET unique_key = $1 WHERE id = $2"
	if dialect == store.SQLite {
		query = "UPDATE river_job SET unique_key = ?1 WHERE id = ?2"
	}
	return into.Exec(ctx, query, job.UniqueKey, inserted.ID)
}

func stateAgain(state rivertype.JobState) rivertype.JobState {
	if state == rivertype.JobStateRunning {
		return rivertype.JobStateAvailable
	}
	return state
}

// sameJobs compares the jobs of two databases in their order, and returns their number.
func sameJobs(ctx context.Context, source, target riverdriver.Executor) (count int, err error) {
	var after, afterCopy int64
	for {
		ours, err := waiting(ctx, source, after)
		if err != nil {
			return count, err
		}
		copied, err := waiting(ctx, target, afterCopy)
		if err != nil {
			return count, err
		}
		for i, job := range ours {
			if i >= len(copied) || !sameJob(job, copied[i]) {
				return count, fmt.Errorf("the copy of job %d differs", job.ID)
			}
		}
		if len(copied) > len(ours) {
			return count, errors.New("the copy has more jobs")
		}
		if len(ours) == 0 {
			return count, nil
		}
		count += len(ours)
		after, afterCopy = ours[len(ours)-1].ID, copied[len(copied)-1].ID
	}
}

// sameJob reports whether a job is the copy of another one. SQLite rounds
// moments to milliseconds, and PostgreSQL orders the members of JSON anew.
func sameJob(job, copied *rivertype.JobRow) bool {
	same := func(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Millisecond }
	return sameJSON(job.EncodedArgs, copied.EncodedArgs) && sameJSON(job.Metadata, copied.Metadata) &&
		job.Kind == copied.Kind && job.Queue == copied.Queue && job.Priority == copied.Priority &&
		job.Attempt == copied.Attempt && job.MaxAttempts == copied.MaxAttempts && len(job.Errors) == len(copied.Errors) &&
		stateAgain(job.State) == copied.State && slices.Equal(job.Tags, copied.Tags) &&
		same(job.CreatedAt, copied.CreatedAt) && same(job.ScheduledAt, copied.ScheduledAt) &&
		bytes.Equal(job.UniqueKey, copied.UniqueKey) && slices.Equal(job.UniqueStates, copied.UniqueStates)
}

func sameJSON(a, b []byte) bool {
	var first, second any
	return json.Unmarshal(a, &first) == nil && json.Unmarshal(b, &second) == nil && reflect.DeepEqual(first, second)
}
