package jobs_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// onPostgres runs a test on PostgreSQL alone: one process works on SQLite.
func onPostgres(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() == store.Postgres {
			test(t, db)
		}
	})
}

// mute keeps a node from giving signs of life, as if it had lost its way to the database, and
// returns a function that ends this.
func mute(t *testing.T, db *store.DB, id string) (end func()) {
	t.Helper()
	tx, err := db.Postgres().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // it fails after the first
	_, err = tx.Exec(t.Context(), "SET LOCAL idle_in_transaction_session_timeout = 0")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := tx.Exec(t.Context(), "SELECT 1 FROM nodes WHERE id = $1 FOR UPDATE", id)
	if err != nil || locked.RowsAffected() != 1 {
		t.Fatalf("%d nodes, %v", locked.RowsAffected(), err)
	}
	return func() {
		err := tx.Rollback(context.Background())
		if err != nil {
			t.Error(err)
		}
	}
}

// begun is an attempt of a run that has begun.
type begun struct {
	ctx context.Context
	end chan error
}

// attempts is a service whose runs wait until they are told how to end.
func attempts() (service, <-chan begun) {
	all := make(chan begun, 10)
	return service{run: func(ctx context.Context, _ oxlin.SyncID) error {
		b := begun{ctx, make(chan error)}
		all <- b
		return <-b.end
	}}, all
}

// state returns the state and the attempt of the only run.
func state(t *testing.T, db *store.DB) (state string, attempt int) {
	t.Helper()
	err := db.Postgres().QueryRow(t.Context(), "SELECT state::text, attempt FROM river_job WHERE kind = 'run'").Scan(&state, &attempt)
	if err != nil {
		t.Fatal(err)
	}
	return state, attempt
}

// ended waits until a number of runs is completed.
func ended(t *testing.T, db *store.DB, want int) {
	t.Helper()
	for range 100 {
		var n int
		err := db.Postgres().QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE kind = 'run' AND state = 'completed'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the run is not completed")
}

// A node that gives no sign of life stops its jobs, calls no bank and writes nothing. Another
// node then continues, and what the old attempt says at its end does not count.
func TestASilentNodeStopsBeforeAnotherContinues(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *store.DB) {
		var calls atomic.Int32
		bank := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
		t.Cleanup(bank.Close)
		first, second := engine(t, db, jobs.Options{}), engine(t, db, jobs.Options{})
		call := func(ctx context.Context, e *jobs.Engine) error {
			request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, bank.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := e.Watch(http.DefaultTransport).RoundTrip(request)
			if err == nil {
				response.Body.Close()
			}
			return err
		}
		write := func(ctx context.Context, e *jobs.Engine) error {
			return db.Write(t.Context(), func(tx *store.Tx) error { return e.Guard(ctx, tx) })
		}
		silent, atFirst := attempts()
		start(t, first, silent)
		for id := range oxlin.SyncID(2) {
			enqueue(t, db, first, id+1, time.Time{})
		}
		old, finished := wait(t, atFirst), wait(t, atFirst)
		if err := errors.Join(call(old.ctx, first), write(old.ctx, first)); err != nil {
			t.Fatalf("while it gives signs of life: %v", err)
		}
		// One job of two ends before.
		finished.end <- nil
		ended(t, db, 1)
		alter(t, db, "", "DELETE FROM river_job WHERE state = 'completed'")
		heard, atSecond := attempts()
		start(t, second, heard)
		end := mute(t, db, first.Node())
		next := wait(t, atSecond)
		if old.ctx.Err() == nil {
			t.Error("two nodes worked on one job")
		}
		var noticed float64
		err := db.Postgres().QueryRow(t.Context(), `SELECT extract(epoch FROM attempted_at) - beat_at / 1000000.0 FROM river_job, nodes
			WHERE state = 'running' AND nodes.id = $1`, first.Node()).Scan(&noticed)
		if err != nil || noticed > 10 {
			t.Errorf("the job continued after %.1f seconds, want 10; %v", noticed, err)
		}
		before := calls.Load()
		if call(old.ctx, first) == nil || calls.Load() != before {
			t.Error("the silent node called a bank")
		}
		if write(old.ctx, first) == nil {
			t.Error("the old attempt wrote")
		}
		if err := errors.Join(call(next.ctx, second), write(next.ctx, second)); err != nil {
			t.Errorf("the new attempt: %v", err)
		}
		end()
		old.end <- nil
		time.Sleep(2 * time.Second) // the engine stores ends several times a second
		if state, attempt := state(t, db); state != "running" || attempt != 2 {
			t.Errorf("after the end of the old attempt the job is %s in attempt %d", state, attempt)
		}
		next.end <- nil
		stop(t, second)
		// The first node works again.
		ended(t, db, 1)
		enqueue(t, db, second, 3, time.Time{})
		wait(t, atFirst).end <- nil
		if len(atSecond) > 0 || len(atFirst) > 0 {
			t.Error("a job ran once more")
		}
	})
}

// A leader that dies is followed by another one, and jobs that become due meanwhile run.
func TestJobsThatBecomeDueWithoutALeaderRun(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *store.DB) {
		alter(t, db, "", `INSERT INTO river_leader (elected_at, expires_at, leader_id) VALUES (now() - interval '9 seconds', now() + interval '1 hour', 'dead')`)
		e := engine(t, db, jobs.Options{})
		s, began := attempts()
		swept := make(chan bool, 10)
		s.sweep = func() error { swept <- true; return nil }
		enqueue(t, db, e, 1, time.Now().Add(2*time.Second))
		start(t, e, s)
		wait(t, began).end <- nil
		wait(t, swept)
		var late float64
		err := db.Postgres().QueryRow(t.Context(), "SELECT extract(epoch FROM attempted_at - scheduled_at) FROM river_job WHERE kind = 'run'").Scan(&late)
		if err != nil || late > 5 {
			t.Errorf("the job began %.1f seconds late; %v", late, err)
		}
	})
}

// A node is gone when its process is, and not while it is silent only. The session of a frozen
// process holds its lock.
func TestANodeIsGoneWithItsProcess(t *testing.T) {
	onPostgres(t, func(t *testing.T, db *store.DB) {
		watcher, other := engine(t, db, jobs.Options{}), engine(t, db, jobs.Options{})
		start(t, watcher, service{})
		start(t, other, service{})
		session, err := db.Postgres().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer session.Release()
		const sessionLock = 0x0a11_4171
		_, err = session.Exec(t.Context(), "SELECT pg_advisory_lock($1::int, 7)", sessionLock)
		if err != nil {
			t.Fatal(err)
		}
		for id, c := range map[string]struct {
			silence int // seconds
			session int
			gone    bool
		}{
			"works":                  {0, 7, false},
			"frozen":                 {30, 7, false},
			"frozen for minutes":     {200, 7, true},
			"without its session":    {3, 8, false},
			"killed":                 {9, 8, true},
			"killed, session reused": {9, 9, true},
		} {
			_, err := db.Postgres().Exec(t.Context(), "INSERT INTO nodes VALUES ($1, ((extract(epoch FROM now()) - $2) * 1000000)::bigint, $3)", id, c.silence, c.session)
			if err != nil {
				t.Fatal(err)
			}
			gone, err := watcher.Gone(t.Context(), id)
			if err != nil || gone != c.gone {
				t.Errorf("a node that %s is gone: %v, want %v; %v", id, gone, c.gone, err)
			}
		}
		stop(t, other)
		for id, want := range map[string]bool{"never seen": true, other.Node(): true, watcher.Node(): false} {
			gone, err := watcher.Gone(t.Context(), id)
			if err != nil || gone != want {
				t.Errorf("%s is gone: %v, want %v; %v", id, gone, want, err)
			}
		}
	})
}

// The successor of a process that was killed continues at once, also what was to wait.
func TestARestartOnSQLiteContinuesAtOnce(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	dead := engine(t, db, jobs.Options{})
	err := dead.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, db, dead, 1, time.Time{})
	enqueue(t, db, dead, 2, time.Now().Add(time.Second))
	alter(t, db, `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = datetime('now', 'subsec') WHERE state = 'available'`, "")
	alter(t, db, `INSERT INTO river_leader (elected_at, expires_at, leader_id) VALUES (datetime('now'), datetime('now', '+1 hour'), 'dead')`, "")
	s, began := attempts()
	swept := make(chan bool, 10)
	s.sweep = func() error { swept <- true; return nil }
	start(t, engine(t, db, jobs.Options{}), s)
	for range 2 {
		wait(t, began).end <- nil
	}
	wait(t, swept)
}
