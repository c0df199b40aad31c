package jobs

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/oxlin/oxlin/store"
)

// riverSide is River with a driver D, whose transactions are T.
type riverSide[D riverdriver.Driver[T], T any] struct {
	db     *store.DB
	driver D
	client *river.Client[T]
	// native is the driver's own transaction inside the store's. River may be
	// called only with it: SQLite has one writing connection, and a call beside the
	// open transaction would wait for it for ever.
	native func(*store.Tx) T
}

func newSide[D riverdriver.Driver[T], T any](driver D, config *river.Config, db *store.DB, native func(*store.Tx) T) (side, error) {
	client, err := river.NewClient(driver, config)
	if err != nil {
		return nil, fmt.Errorf("make the job engine: %w", err)
	}
	return &riverSide[D, T]{db, driver, client, native}, nil
}

// migrationLock is the number of the advisory lock under which River's tables
// change on PostgreSQL; River itself takes none.
const migrationLock = 0x0a11_4170

func (s *riverSide[D, T]) migrate(ctx context.Context) error {
	migrator, err := rivermigrate.New(s.driver, nil)
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	if s.db.Dialect() == store.SQLite {
		// One transaction for all, taken for writing from the start: other
		// processes wait for it and then find nothing to do.
		return s.db.Write(ctx, func(tx *store.Tx) error {
			//lint:ignore SA1019 what cannot be in one transaction are PostgreSQL's enums
			_, err := migrator.MigrateTx(ctx, s.native(tx), rivermigrate.DirectionUp, nil)
			if err != nil {
				return fmt.Errorf("migrate jobs: %w", err)
			}
			return nil
		})
	}
	conn, err := s.db.Postgres().Acquire(ctx)
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	defer conn.Release()
	_, err = conn.Exec(ctx, "SELECT pg_advisory_lock($1)", migrationLock)
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	defer func() {
		_, err := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		if err != nil {
			// A connection that may still hold the lock must not go back to the pool.
			_ = conn.Hijack().Close(context.WithoutCancel(ctx))
		}
	}()
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	return nil
}

func (s *riverSide[D, T]) start(ctx context.Context) error {
	err := s.rescue(ctx)
	if err != nil {
		return fmt.Errorf("rescue jobs: %w", err)
	}
	err = s.client.Start(ctx)
	if err != nil {
		return fmt.Errorf("start the job engine: %w", err)
	}
	return nil
}

// rescue frees the jobs that died with a process. One process works on SQLite, so
// whatever still runs when it starts is dead, and nobody need wait for its age to
// tell. If another did run, a job would run twice, which its worker bears.
func (s *riverSide[D, T]) rescue(ctx context.Context) error {
	if s.db.Dialect() != store.SQLite {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.SQLite().ExecContext(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running'")
		return err
	})
}

func (s *riverSide[D, T]) stop(ctx context.Context) error    { return s.client.Stop(ctx) }
func (s *riverSide[D, T]) stopNow(ctx context.Context) error { return s.client.StopAndCancel(ctx) }
