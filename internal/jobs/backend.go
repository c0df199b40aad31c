package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/oxlin/oxlin/internal/store"
)

// riverBackend is River with a driver D, whose transactions are T.
type riverBackend[D riverdriver.Driver[T], T any] struct {
	db     *store.DB
	driver D
	client *river.Client[T]
	// native returns the driver's transaction inside the store's. River must be called
	// with it: SQLite has one writing connection, and a call outside of the open
	// transaction would wait for it forever.
	native func(*store.Tx) T
}

func newBackend[D riverdriver.Driver[T], T any](driver D, config *river.Config, gate *gate, db *store.DB, native func(*store.Tx) T) (backend, error) {
	client, err := river.NewClient(gatedDriver[T]{driver, gate}, config)
	if err != nil {
		return nil, fmt.Errorf("make the job engine: %w", err)
	}
	return &riverBackend[D, T]{db, driver, client, native}, nil
}

// migrationLock is the number of the advisory lock under which River's tables
// change on PostgreSQL; River itself takes none.
const migrationLock = 0x0a11_4170

func (b *riverBackend[D, T]) migrate(ctx context.Context) error {
	migrator, err := rivermigrate.New(b.driver, nil)
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	err = b.migrateUp(ctx, migrator)
	if err != nil {
		return err
	}
	// River leaves the tables of a newer version as they are, and works on them.
	const newest = "SELECT max(version) FROM river_migration"
	var applied int
	if b.db.Dialect() == store.SQLite {
		err = b.db.SQLite().QueryRowContext(ctx, newest).Scan(&applied)
	} else {
		err = b.db.Postgres().QueryRow(ctx, newest).Scan(&applied)
	}
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	if known := migrator.AllVersions(); applied > known[len(known)-1].Version {
		return store.ErrNewer
	}
	return nil
}

func (b *riverBackend[D, T]) migrateUp(ctx context.Context, migrator *rivermigrate.Migrator[T]) error {
	if b.db.Dialect() == store.SQLite {
		// One transaction for all, taken for writing from the start: other
		// processes wait for it and then find nothing to do.
		return b.db.Write(ctx, func(tx *store.Tx) error {
			//lint:ignore SA1019 what cannot be in one transaction are PostgreSQL's enums
			_, err := migrator.MigrateTx(ctx, b.native(tx), rivermigrate.DirectionUp, nil)
			if err != nil {
				return fmt.Errorf("migrate jobs: %w", err)
			}
			return nil
		})
	}
	conn, err := b.db.Postgres().Acquire(ctx)
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

func (b *riverBackend[D, T]) start(ctx context.Context) error {
	err := b.rescue(ctx)
	if err != nil {
		return fmt.Errorf("rescue jobs: %w", err)
	}
	err = b.client.Start(ctx)
	if err != nil {
		return fmt.Errorf("start the job engine: %w", err)
	}
	return nil
}

// rescue frees the jobs of a process that died. One process works on SQLite, because it
// locks the database, so every job that is running when it starts is dead.
func (b *riverBackend[D, T]) rescue(ctx context.Context) error {
	if b.db.Dialect() != store.SQLite {
		return nil
	}
	return b.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.SQLite().ExecContext(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running'")
		if err != nil {
			return err
		}
		// The predecessor led, and would do so for some seconds more.
		_, err = tx.SQLite().ExecContext(ctx, "DELETE FROM river_leader")
		return err
	})
}

func (b *riverBackend[D, T]) holds(ctx context.Context, tx *store.Tx, id int64, attempt int) (bool, error) {
	var held int
	var err error
	if b.db.Dialect() == store.SQLite {
		err = tx.SQLite().QueryRowContext(ctx, "SELECT count(*) FROM river_job WHERE id = ?1 AND attempt = ?2 AND state = 'running'", id, attempt).Scan(&held)
	} else {
		err = tx.Postgres().QueryRow(ctx, `WITH held AS (SELECT 1 FROM river_job WHERE id = $1 AND attempt = $2 AND state = 'running' FOR SHARE)
			SELECT count(*) FROM held`, id, attempt).Scan(&held)
	}
	return held == 1, err
}

func (b *riverBackend[D, T]) withJob(ctx context.Context, ids []int64) (found []int64, err error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	if b.db.Dialect() == store.Postgres {
		rows, err := b.db.Postgres().Query(ctx, `SELECT DISTINCT (args->>'synchronisation')::bigint FROM river_job
			WHERE kind = $1 AND state IN ('available', 'pending', 'retryable', 'running', 'scheduled')
				AND (args->>'synchronisation')::bigint = ANY ($2)`, runKind, ids)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			err = rows.Scan(&id)
			if err != nil {
				return nil, err
			}
			found = append(found, id)
		}
		return found, rows.Err()
	}
	rows, err := b.db.SQLite().QueryContext(ctx, `SELECT DISTINCT json_extract(args, '$.synchronisation') FROM river_job
		WHERE kind = ?1 AND state IN ('available', 'pending', 'retryable', 'running', 'scheduled')
			AND json_extract(args, '$.synchronisation') IN (SELECT value FROM json_each(?2))`, runKind, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		err = rows.Scan(&id)
		if err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	return found, rows.Err()
}

// bringNear makes jobs due that a wrong clock has scheduled for later than their rules allow. A run
// that comes early looks at its appointment itself: a question waits for its end again. The
// longest pause of the other jobs is an hour.
func (b *riverBackend[D, T]) bringNear(ctx context.Context) error {
	const late = "UPDATE river_job SET scheduled_at = %[1]s WHERE state IN ('retryable', 'scheduled') AND (scheduled_at > %[2]s OR kind = '" +
		runKind + "' AND scheduled_at > %[3]s)"
	if b.db.Dialect() == store.SQLite {
		return b.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.SQLite().ExecContext(ctx, fmt.Sprintf(late,
				"datetime('now', 'subsec')", "datetime('now', '+1 hour', '+1 minute')", "datetime('now', '+1 minute')"))
			return err
		})
	}
	_, err := b.db.Postgres().Exec(ctx, fmt.Sprintf(late, "now()", "now() + interval '61 minutes'", "now() + interval '1 minute'"))
	return err
}

// dropNotifications removes those that were made before a moment and were not tried often enough
// to end by themselves, because the client's server has failed for all of them.
func (b *riverBackend[D, T]) dropNotifications(ctx context.Context, before time.Time) error {
	const waiting = "DELETE FROM river_job WHERE kind IN ('notify', 'webhook') AND state IN ('available', 'retryable', 'scheduled') AND created_at < "
	if b.db.Dialect() == store.SQLite {
		return b.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.SQLite().ExecContext(ctx, waiting+"datetime(?1, 'unixepoch')", before.Unix())
			return err
		})
	}
	_, err := b.db.Postgres().Exec(ctx, waiting+"$1", before)
	return err
}

func (b *riverBackend[D, T]) stop(ctx context.Context) error    { return b.client.Stop(ctx) }
func (b *riverBackend[D, T]) stopNow(ctx context.Context) error { return b.client.StopAndCancel(ctx) }
