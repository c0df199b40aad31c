package jobs_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// The tests wait more than they compute: all may run at once.
func TestMain(m *testing.M) {
	err := flag.Set("test.parallel", "32")
	if err != nil {
		panic(err)
	}
	m.Run()
}

// service is a jobs.Service made of functions; what is missing succeeds.
type service struct {
	run    func(ctx context.Context, id oxlin.SyncID) error
	revoke func(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error
	tell   func(user oxlin.UserID, event oxlin.EventID, reader string) error
	giveUp func(id oxlin.SyncID, cause error) error
	// answered is the attempt that stored an answer.
	answered int
	sweep    func() error
}

func (s service) Run(ctx context.Context, id oxlin.SyncID) error {
	if s.run == nil {
		return nil
	}
	return s.run(ctx, id)
}

func (s service) Revoke(_ context.Context, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error {
	if s.revoke == nil {
		return nil
	}
	return s.revoke(provider, definition, sealed)
}

func (s service) Notify(_ context.Context, user oxlin.UserID, event oxlin.EventID, reader string) error {
	if s.tell == nil {
		return nil
	}
	return s.tell(user, event, reader)
}

func (s service) Answered(context.Context, oxlin.SyncID) (int, error) { return s.answered, nil }

func (s service) GiveUp(_ context.Context, id oxlin.SyncID, cause error) error {
	if s.giveUp == nil {
		return nil
	}
	return s.giveUp(id, cause)
}

func (s service) Sweep(context.Context) error {
	if s.sweep == nil {
		return nil
	}
	return s.sweep()
}

// each runs a test on both databases, with River's tables.
func each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Parallel()
		err := engine(t, db, jobs.Options{}).Migrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		test(t, db)
	})
}

func engine(t *testing.T, db *store.DB, options jobs.Options) *jobs.Engine {
	t.Helper()
	options.DB = db
	if options.Now == nil {
		options.Now = time.Now
	}
	options.Log = slog.New(slog.DiscardHandler)
	e, err := jobs.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// start works jobs until the test ends or stops the engine itself.
func start(t *testing.T, e *jobs.Engine, s jobs.Service) {
	t.Helper()
	err := e.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, e) })
}

func stop(t *testing.T, e *jobs.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := e.Stop(ctx)
	if err != nil {
		t.Errorf("stop: %v", err)
	}
}

func enqueue(t *testing.T, db *store.DB, e *jobs.Engine, id oxlin.SyncID, at time.Time) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error { return e.EnqueueRun(t.Context(), tx, oxlin.Synchronisation{ID: id}, at) })
	if err != nil {
		t.Fatal(err)
	}
}

// wait takes what a job sends; a job that never runs fails the test.
func wait[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("the job has not run")
		panic("unreachable")
	}
}

// alter changes the engine's table as nobody but a crash or another node would.
func alter(t *testing.T, db *store.DB, sqlite, postgres string) {
	t.Helper()
	var err error
	if db.Dialect() == store.SQLite {
		_, err = db.SQLite().ExecContext(t.Context(), sqlite)
	} else {
		_, err = db.Postgres().Exec(t.Context(), postgres)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAJobExistsIfItsTransactionCommits(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		var mu sync.Mutex
		var ran []oxlin.SyncID
		done := make(chan oxlin.SyncID, 10)
		rollback := errors.New("roll back")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(e.EnqueueRun(t.Context(), tx, oxlin.Synchronisation{ID: 1}, time.Time{}), rollback)
		})
		if !errors.Is(err, rollback) {
			t.Fatal(err)
		}
		enqueue(t, db, e, 2, time.Time{})
		start(t, e, service{run: func(_ context.Context, id oxlin.SyncID) error {
			mu.Lock()
			ran = append(ran, id)
			mu.Unlock()
			done <- id
			return nil
		}})
		wait(t, done)
		enqueue(t, db, e, 3, time.Now()) // while working
		wait(t, done)
		stop(t, e)
		if !slices.Equal(ran, []oxlin.SyncID{2, 3}) {
			t.Errorf("ran %v; want 2, 3", ran)
		}
	})
}

func TestOneSynchronisationHasOneJob(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var runs, now atomic.Int32
		began, goOn := make(chan bool), make(chan bool)
		s := service{run: func(context.Context, oxlin.SyncID) error {
			if now.Add(1) != 1 {
				t.Error("two jobs of one synchronisation at once")
			}
			runs.Add(1)
			began <- true
			<-goOn
			now.Add(-1)
			return nil
		}}
		first, second := engine(t, db, jobs.Options{}), engine(t, db, jobs.Options{})
		start(t, first, s)
		start(t, second, s)
		// Asked for many times at once, before and while it runs.
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { enqueue(t, db, first, 7, time.Time{}) })
		}
		wait(t, began)
		group.Wait()
		for range 8 {
			group.Go(func() { enqueue(t, db, second, 7, time.Time{}) })
		}
		group.Wait()
		goOn <- true
		stop(t, first)
		stop(t, second)
		if runs.Load() != 1 {
			t.Errorf("ran %d times; want 1", runs.Load())
		}
	})
}

func TestAJobEnqueuesItsSuccessor(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		done := make(chan int32, 10)
		var runs atomic.Int32
		start(t, e, service{run: func(ctx context.Context, id oxlin.SyncID) error {
			n := runs.Add(1)
			defer func() { done <- n }()
			if n == 4 {
				return nil
			}
			// Twice, in transactions of their own: there is still one successor.
			for range 2 {
				err := db.Write(ctx, func(tx *store.Tx) error { return e.EnqueueRun(ctx, tx, oxlin.Synchronisation{ID: id}, time.Time{}) })
				if err != nil {
					t.Error(err)
				}
			}
			if n == 2 {
				return errors.New("too late: the successor is there")
			}
			return nil
		}})
		enqueue(t, db, e, 1, time.Time{})
		seen := []int32{}
		for range 4 {
			seen = append(seen, wait(t, done))
		}
		stop(t, e)
		slices.Sort(seen)
		if !slices.Equal(seen, []int32{1, 2, 3, 4}) || runs.Load() != 4 {
			t.Errorf("runs %v, in all %d; want 4", seen, runs.Load())
		}
	})
}

func TestAJobThatFailsIsTriedAgainAndItsSuccessorForgotten(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		done := make(chan int32, 10)
		var runs atomic.Int32
		start(t, e, service{run: func(ctx context.Context, id oxlin.SyncID) error {
			n := runs.Add(1)
			done <- n
			if n == 2 {
				return nil
			}
			return db.Write(ctx, func(tx *store.Tx) error {
				return errors.Join(e.EnqueueRun(ctx, tx, oxlin.Synchronisation{ID: id}, time.Time{}), errors.New("roll back"))
			})
		}})
		enqueue(t, db, e, 1, time.Time{})
		wait(t, done)
		if n := wait(t, done); n != 2 {
			t.Errorf("run %d; want the second attempt", n)
		}
	})
}

func TestAnEarlierMomentReplacesALater(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		done := make(chan oxlin.SyncID, 10)
		start(t, e, service{run: func(_ context.Context, id oxlin.SyncID) error {
			done <- id
			return nil
		}})
		later := time.Now().Add(time.Hour)
		enqueue(t, db, e, 1, later)
		enqueue(t, db, e, 2, later)
		enqueue(t, db, e, 1, time.Time{})
		enqueue(t, db, e, 1, later) // now it is waiting for nothing
		if id := wait(t, done); id != 1 {
			t.Errorf("ran %v; want 1", id)
		}
		stop(t, e)
		if len(done) != 0 {
			t.Errorf("ran %v, too", <-done)
		}
	})
}

// The answer to a challenge comes while the job that asked it is still running.
func TestAnAnswerIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		asked, answered, done := make(chan bool), make(chan bool), make(chan bool, 1)
		var runs atomic.Int32
		start(t, e, service{run: func(ctx context.Context, id oxlin.SyncID) error {
			if runs.Add(1) == 2 {
				done <- true
				return nil
			}
			timeLimit := time.Now().Add(time.Hour)
			err := db.Write(ctx, func(tx *store.Tx) error { return e.EnqueueRun(ctx, tx, oxlin.Synchronisation{ID: id}, timeLimit) })
			asked <- true
			<-answered
			return err
		}})
		enqueue(t, db, e, 1, time.Time{})
		wait(t, asked)
		enqueue(t, db, e, 1, time.Time{})
		answered <- true
		wait(t, done)
	})
}

func TestAJobThatFailsTooOftenIsGivenUp(t *testing.T) {
	for name, run := range map[string]func(context.Context, oxlin.SyncID) error{
		"error": func(context.Context, oxlin.SyncID) error { return errors.New("broken") },
		"panic": func(context.Context, oxlin.SyncID) error { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *store.DB) {
				e := engine(t, db, jobs.Options{Attempts: 1})
				type given struct {
					id    oxlin.SyncID
					cause error
				}
				up := make(chan given, 10)
				var tries atomic.Int32
				start(t, e, service{run: run, giveUp: func(id oxlin.SyncID, cause error) error {
					if name == "error" && tries.Add(1) == 1 {
						return errors.New("giving up fails, too, the first time")
					}
					up <- given{id, cause}
					return nil
				}})
				enqueue(t, db, e, 3, time.Time{})
				got := wait(t, up)
				if got.id != 3 || got.cause == nil {
					t.Errorf("gave up %v for %v", got.id, got.cause)
				}
				stop(t, e)
				// The synchronisation's next job is not hindered by the old one.
				next := engine(t, db, jobs.Options{})
				done := make(chan bool, 10)
				start(t, next, service{run: func(context.Context, oxlin.SyncID) error { done <- true; return nil }})
				enqueue(t, db, next, 3, time.Time{})
				wait(t, done)
			})
		})
	}
}

// A job is given up after attempts in a row that stored nothing, however many there were.
func TestAJobThatGetsFurtherIsNotGivenUp(t *testing.T) {
	for _, c := range []struct {
		died, answered int
		runs           bool
	}{{4, 0, true}, {5, 0, false}, {5, 1, true}, {9, 4, false}, {9, 5, true}, {9, 9, true}, {5, 40, false}, {95, 95, false}} {
		t.Run(fmt.Sprintf("%d attempts, an answer in %d", c.died, c.answered), func(t *testing.T) {
			each(t, func(t *testing.T, db *store.DB) {
				enqueue(t, db, engine(t, db, jobs.Options{}), 5, time.Time{})
				attempts := fmt.Sprintf("UPDATE river_job SET attempt = %d WHERE kind = 'run'", c.died)
				alter(t, db, attempts, attempts)
				e := engine(t, db, jobs.Options{})
				ran := make(chan bool, 10)
				start(t, e, service{
					answered: c.answered,
					run:      func(context.Context, oxlin.SyncID) error { ran <- true; return nil },
					giveUp:   func(oxlin.SyncID, error) error { ran <- false; return nil },
				})
				if got := wait(t, ran); got != c.runs {
					t.Errorf("it runs: %t, want %t", got, c.runs)
				}
			})
		})
	}
}

func TestAJobWhoseProcessDiedRunsAgain(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		enqueue(t, db, engine(t, db, jobs.Options{}), 5, time.Time{})
		// What a process leaves behind that took the job and was killed.
		alter(t, db,
			`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = datetime('now', '-51 seconds', 'subsec') WHERE kind = 'run'`,
			`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '51 seconds' WHERE kind = 'run'`)
		done := make(chan oxlin.SyncID, 10)
		start(t, engine(t, db, jobs.Options{}), service{run: func(_ context.Context, id oxlin.SyncID) error { done <- id; return nil }})
		if id := wait(t, done); id != 5 {
			t.Errorf("ran %v; want 5", id)
		}
	})
}

// A run may take longer than the time after which a run of a process that died is taken
// over: other nodes see that it is alive.
func TestARunThatIsAliveIsNotTakenOver(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		const beat = 500 * time.Millisecond
		began, end, taken := make(chan bool, 10), make(chan bool), make(chan oxlin.SyncID, 10)
		slow := engine(t, db, jobs.Options{Beat: beat})
		start(t, slow, service{run: func(context.Context, oxlin.SyncID) error {
			began <- true
			<-end
			return nil
		}})
		defer close(end)
		enqueue(t, db, slow, 1, time.Time{})
		wait(t, began)
		if db.Dialect() == store.Postgres {
			start(t, engine(t, db, jobs.Options{Beat: beat}), service{run: func(_ context.Context, id oxlin.SyncID) error {
				taken <- id
				return nil
			}})
		}
		time.Sleep(12 * beat)
		if len(began) > 0 || len(taken) > 0 {
			t.Fatal("the run was taken over")
		}
	})
}

func TestAJobThatWasTakenOverWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		result := make(chan error, 1)
		start(t, e, service{run: func(ctx context.Context, id oxlin.SyncID) error {
			alter(t, db, `UPDATE river_job SET attempt = 2 WHERE kind = 'run'`, `UPDATE river_job SET attempt = 2 WHERE kind = 'run'`)
			err := db.Write(ctx, func(tx *store.Tx) error {
				err := tx.SaveClient(ctx, oxlin.Client{ID: "written"})
				return errors.Join(err, e.EnqueueRun(ctx, tx, oxlin.Synchronisation{ID: id}, time.Time{}))
			})
			result <- err
			return nil
		}})
		enqueue(t, db, e, 1, time.Time{})
		if wait(t, result) == nil {
			t.Error("the transaction has committed")
		}
		_, err := db.Read().Client(t.Context(), "written")
		if !oxlin.IsNotFound(err) {
			t.Errorf("the client: %v; want not found", err)
		}
	})
}

func TestStopWaitsForJobs(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		began, goOn := make(chan bool), make(chan bool)
		var ended atomic.Bool
		start(t, e, service{run: func(ctx context.Context, _ oxlin.SyncID) error {
			began <- true
			<-goOn
			ended.Store(ctx.Err() == nil)
			return nil
		}})
		enqueue(t, db, e, 1, time.Time{})
		wait(t, began)
		stopped := make(chan error)
		go func() { stopped <- e.Stop(context.Background()) }()
		goOn <- true
		err := wait(t, stopped)
		if err != nil || !ended.Load() {
			t.Errorf("stop: %v; the job ended undisturbed: %v", err, ended.Load())
		}
	})
}

func TestStopCancelsJobsThatTakeTooLong(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		// Even a last attempt is not given up because of a stop.
		e := engine(t, db, jobs.Options{Attempts: 1})
		began := make(chan bool)
		start(t, e, service{
			run: func(ctx context.Context, _ oxlin.SyncID) error {
				began <- true
				<-ctx.Done()
				return ctx.Err()
			},
			giveUp: func(oxlin.SyncID, error) error { t.Error("given up"); return nil },
		})
		enqueue(t, db, e, 1, time.Time{})
		wait(t, began)
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		err := e.Stop(impatient)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan bool, 1)
		next := engine(t, db, jobs.Options{Attempts: 1})
		start(t, next, service{run: func(context.Context, oxlin.SyncID) error { done <- true; return nil }})
		wait(t, done)
	})
}

func TestNodesShareTheWork(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		first, second := engine(t, db, jobs.Options{Workers: 1}), engine(t, db, jobs.Options{Workers: 1})
		began, goOn := make(chan oxlin.SyncID), make(chan bool)
		s := service{
			run: func(_ context.Context, id oxlin.SyncID) error {
				began <- id
				<-goOn
				return nil
			},
		}
		start(t, first, s)
		start(t, second, s)
		enqueue(t, db, first, 1, time.Time{})
		enqueue(t, db, first, 2, time.Time{})
		// Both run at once, and each node has but one worker.
		if a, b := wait(t, began), wait(t, began); a == b {
			t.Errorf("%v ran twice", a)
		}
		close(goOn)
	})
}

func TestSweepRunsFromTheStart(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		swept := make(chan bool, 10)
		start(t, engine(t, db, jobs.Options{}), service{sweep: func() error { swept <- true; return nil }})
		wait(t, swept)
	})
}

func TestRevokeGetsWhatWasEnqueued(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		got := make(chan string, 10)
		var tries atomic.Int32
		start(t, e, service{revoke: func(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID, sealed []byte) error {
			if tries.Add(1) == 1 {
				return errors.New("the bank is down")
			}
			got <- string(provider) + " " + string(definition) + " " + string(sealed)
			return nil
		}})
		for range 2 { // two accesses alike are two accesses
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				return e.EnqueueRevoke(t.Context(), tx, "87", "8701", []byte("\x00sealed\xff"))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if revoked := wait(t, got); revoked != "87 8701 \x00sealed\xff" {
				t.Errorf("revoked %q", revoked)
			}
		}
	})
}

func TestNotificationsAreTriedUntilTheySucceed(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{Workers: 1})
		held, let := make(chan bool), make(chan bool)
		told := make(chan oxlin.EventID, 10)
		var deaf atomic.Bool
		deaf.Store(true)
		start(t, e, service{
			run: func(context.Context, oxlin.SyncID) error { held <- true; <-let; return nil },
			tell: func(user oxlin.UserID, event oxlin.EventID, _ string) error {
				if deaf.Swap(false) {
					return errors.New("the answer was 503 Service Unavailable")
				}
				if user == 7 {
					told <- event
				}
				return nil
			},
		})
		enqueue(t, db, e, 1, time.Time{})
		wait(t, held) // synchronisations keep all workers busy: notifications have their own
		for event := range oxlin.EventID(2) {
			err := db.Write(t.Context(), func(tx *store.Tx) error { return e.EnqueueNotify(t.Context(), tx, "client", 7, event+1, "") })
			if err != nil {
				t.Fatal(err)
			}
		}
		if sum := wait(t, told) + wait(t, told); sum != 3 {
			t.Errorf("told of events whose numbers make %d", sum)
		}
		close(let)
	})
}

// scheduled returns the moment for which the only job of a kind waits.
func scheduled(t *testing.T, db *store.DB, kind string) (at time.Time) {
	t.Helper()
	var seconds float64
	var err error
	if db.Dialect() == store.SQLite {
		err = db.SQLite().QueryRowContext(t.Context(), `SELECT unixepoch(scheduled_at, 'subsec') FROM river_job WHERE kind = ?`, kind).Scan(&seconds)
	} else {
		err = db.Postgres().QueryRow(t.Context(), `SELECT extract(epoch FROM scheduled_at)::float8 FROM river_job WHERE kind = $1`, kind).Scan(&seconds)
	}
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000)))
}

func TestMomentsGoByTheClock(t *testing.T) {
	// A clock that stands still makes each moment exact.
	now := time.Now().Truncate(time.Second)
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{Now: func() time.Time { return now }})
		enqueue(t, db, e, 1, now.Add(time.Hour))
		if at := scheduled(t, db, "run"); !at.Equal(now.Add(time.Hour)) {
			t.Errorf("the run waits until %v; want %v", at, now.Add(time.Hour))
		}
	})
}

func TestRetriesGoByTheClock(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	run := func(t *testing.T, db *store.DB, e *jobs.Engine) { enqueue(t, db, e, 1, time.Time{}) }
	tell := func(t *testing.T, db *store.DB, e *jobs.Engine) {
		err := db.Write(t.Context(), func(tx *store.Tx) error { return e.EnqueueNotify(t.Context(), tx, "client", 7, 1, "") })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		kind    string
		enqueue func(t *testing.T, db *store.DB, e *jobs.Engine)
		failed  int // attempts before this one
		want    time.Duration
	}{
		{"run", run, 2, 16 * time.Second},
		{"run", run, 3, 64 * time.Second},
		{"notify", tell, 2, 16 * time.Second},
		{"notify", tell, 5, 1024 * time.Second},
		{"notify", tell, 6, time.Hour},
		{"notify", tell, 28, time.Hour},
	} {
		t.Run(fmt.Sprint(test.kind, test.failed), func(t *testing.T) {
			each(t, func(t *testing.T, db *store.DB) {
				e := engine(t, db, jobs.Options{Now: func() time.Time { return now }})
				test.enqueue(t, db, e)
				alter(t, db, fmt.Sprintf(`UPDATE river_job SET attempt = %d`, test.failed), fmt.Sprintf(`UPDATE river_job SET attempt = %d`, test.failed))
				began := make(chan bool, 10)
				fail := func() error { began <- true; return errors.New("broken") }
				start(t, e, service{
					run:  func(context.Context, oxlin.SyncID) error { return fail() },
					tell: func(oxlin.UserID, oxlin.EventID, string) error { return fail() },
				})
				wait(t, began)
				stop(t, e) // after that the attempt's end is stored
				if at := scheduled(t, db, test.kind); !at.Equal(now.Add(test.want)) {
					t.Errorf("it is tried again in %v; want %v", at.Sub(now), test.want)
				}
			})
		})
	}
}

func TestANotificationHasOneJob(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		for _, reader := range []string{"", "webhook", "webhook", "", "mail"} {
			err := db.Write(t.Context(), func(tx *store.Tx) error { return e.EnqueueNotify(t.Context(), tx, "client", 7, 1, reader) })
			if err != nil {
				t.Fatal(err)
			}
		}
		told := make(chan string, 10)
		start(t, e, service{tell: func(_ oxlin.UserID, _ oxlin.EventID, reader string) error { told <- reader; return nil }})
		readers := []string{wait(t, told), wait(t, told), wait(t, told)}
		stop(t, e)
		slices.Sort(readers)
		if !slices.Equal(readers, []string{"", "mail", "webhook"}) || len(told) > 0 {
			t.Errorf("told %q and %d more; want each reader once", readers, len(told))
		}
	})
}

// A notification waits for a day by the platform's clock, whatever the database's clock shows.
func TestANotificationWaitsForADay(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return engine(t, db, jobs.Options{}).EnqueueNotify(t.Context(), tx, "client", 7, 1, "")
		})
		if err != nil {
			t.Fatal(err)
		}
		alter(t, db, "UPDATE river_job SET state = 'scheduled', scheduled_at = datetime('now', '+10 days'), created_at = datetime('now', '-26 hours')",
			"UPDATE river_job SET state = 'scheduled', scheduled_at = now() + interval '10 days', created_at = now() - interval '26 hours'")
		for _, c := range []struct {
			behind time.Duration
			want   int
		}{{2 * time.Hour, 1}, {0, 0}} {
			e := engine(t, db, jobs.Options{Now: func() time.Time { return time.Now().Add(-c.behind) }})
			swept := make(chan bool, 10)
			start(t, e, service{sweep: func() error { swept <- true; return nil }})
			wait(t, swept)
			stop(t, e)
			var left int
			const count = "SELECT count(*) FROM river_job WHERE kind = 'notify'"
			if db.Dialect() == store.SQLite {
				err = db.SQLite().QueryRowContext(t.Context(), count).Scan(&left)
			} else {
				err = db.Postgres().QueryRow(t.Context(), count).Scan(&left)
			}
			if err != nil || left != c.want {
				t.Errorf("%s behind the database %d wait, want %d; %v", c.behind, left, c.want, err)
			}
		}
	})
}

// Jobs of the kind "webhook" wait in databases of the release before.
func TestAWebhookOfTheReleaseBefore(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{})
		err := db.Write(t.Context(), func(tx *store.Tx) error { return e.EnqueueNotify(t.Context(), tx, "client", 7, 1, "") })
		if err != nil {
			t.Fatal(err)
		}
		alter(t, db, `UPDATE river_job SET kind = 'webhook', args = '{"user":7,"event":1}'`, `UPDATE river_job SET kind = 'webhook', args = '{"user":7,"event":1}'`)
		told := make(chan string, 10)
		start(t, e, service{tell: func(user oxlin.UserID, event oxlin.EventID, reader string) error {
			told <- fmt.Sprint(user, event, reader)
			return nil
		}})
		if got, want := wait(t, told), fmt.Sprint(oxlin.UserID(7), oxlin.EventID(1), "webhook"); got != want {
			t.Errorf("told %q; want %q", got, want)
		}
	})
}

func TestSeveralProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					db, err := store.Open(t.Context(), address, store.Options{Relaxed: true})
					if err != nil {
						t.Error(err)
						return
					}
					defer db.Close()
					err = engine(t, db, jobs.Options{}).Migrate(t.Context())
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		})
	}
}

func TestWhoIsPresentGoesFirst(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		e := engine(t, db, jobs.Options{Workers: 1})
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for id := range oxlin.SyncID(5) {
				err := e.EnqueueRun(t.Context(), tx, oxlin.Synchronisation{ID: id + 1}, time.Time{})
				if err != nil {
					return err
				}
			}
			return e.EnqueueRun(t.Context(), tx, oxlin.Synchronisation{ID: 6, PSU: &oxlin.PSU{}}, time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan oxlin.SyncID, 6)
		start(t, e, service{run: func(_ context.Context, id oxlin.SyncID) error {
			ran <- id
			return nil
		}})
		if first := <-ran; first != 6 {
			t.Errorf("synchronisation %s ran first", first)
		}
	})
}
