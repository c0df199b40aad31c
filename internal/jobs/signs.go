package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

// sharedSigns are the rows of nodes in PostgreSQL. All times are the database's.
type sharedSigns struct {
	id       string
	db       *store.DB
	interval time.Duration
	// conn serves the signs of life alone, so that no other work delays them. Its session
	// holds the lock of that number: as long as the process exists, so does the lock, also
	// while the process is frozen.
	conn    *store.Session
	session int32
	locked  bool
}

// sessionLock is the first number of the advisory locks that nodes hold.
const sessionLock = 0x0a11_4171

const (
	renewSign = `INSERT INTO nodes (id, beat_at, session) VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $2)
		ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, session = excluded.session`
	// freeDead frees the jobs of nodes without a sign of life for some seconds. A node that has
	// just begun may have taken jobs since.
	freeDead = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_at < now() - $1::float8 * interval '1 second'
		AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = attempted_by[cardinality(attempted_by)]
			AND beat_at >= extract(epoch FROM clock_timestamp() - $1::float8 * interval '1 second') * 1000000)`
	freeStray = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_by[cardinality(attempted_by)] = $1
		AND attempted_at < now() - $2::float8 * interval '1 second' AND NOT id = ANY ($3::bigint[])`
	// freeLeader ends the leadership of such a node, and calls the next election.
	freeLeader = `WITH ended AS (
			DELETE FROM river_leader WHERE elected_at < now() - $1::float8 * interval '1 second'
				AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = leader_id
					AND beat_at >= extract(epoch FROM clock_timestamp() - $1::float8 * interval '1 second') * 1000000)
			RETURNING leader_id
		)
		SELECT pg_notify(current_schema() || '.river_leadership', json_build_object('leader_id', leader_id, 'action', 'resigned')::text) FROM ended`
	// promoteShared does at each node what the leader does every few seconds, so that a job
	// that is due does not wait for the next leader.
	promoteShared = `UPDATE river_job SET state = 'available' WHERE id IN (
			SELECT id FROM river_job WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= now()
			ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)`
	dropNodes = `DELETE FROM nodes WHERE beat_at < extract(epoch FROM clock_timestamp() - interval '1 day') * 1000000`
	isGone    = `SELECT NOT EXISTS (SELECT 1 FROM nodes WHERE id = $1 AND (
			beat_at >= extract(epoch FROM clock_timestamp() - $2::float8 * interval '1 second') * 1000000
			OR beat_at >= extract(epoch FROM clock_timestamp() - $3::float8 * interval '1 second') * 1000000 AND EXISTS (
				SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $4 AND objid::bigint = session AND granted
					AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))))`
)

func (s *sharedSigns) renew(ctx context.Context) error {
	if s.conn != nil && s.conn.Closed() {
		s.conn = nil
	}
	if s.conn == nil {
		conn, err := s.db.Session(ctx)
		if err != nil {
			return err
		}
		s.conn, s.locked = conn, false
	}
	if !s.locked {
		// After a new connection the session before may hold the lock for a while.
		var err error
		s.locked, err = s.conn.TryLock(ctx, sessionLock, s.session)
		if err != nil {
			return err
		}
	}
	return s.conn.Exec(ctx, renewSign, s.id, s.session)
}

func (s *sharedSigns) takeUp(ctx context.Context, held []int64) (freed, due int64, err error) {
	pool, dead := s.db.Postgres(), (deadAfter * s.interval).Seconds()
	for _, step := range []struct {
		into      *int64
		statement string
		args      []any
	}{
		{&freed, freeDead, []any{dead}},
		{&due, promoteShared, nil},
		{&due, freeStray, []any{s.id, (strayAfter * s.interval).Seconds(), held}},
		{nil, freeLeader, []any{dead}},
		{nil, dropNodes, nil},
	} {
		done, err := pool.Exec(ctx, step.statement, step.args...)
		if err != nil {
			return freed, due, err
		}
		if step.into != nil {
			*step.into += done.RowsAffected()
		}
	}
	return freed, due, nil
}

func (s *sharedSigns) gone(ctx context.Context, id string) (gone bool, err error) {
	err = s.db.Postgres().QueryRow(ctx, isGone, id, (deadAfter * s.interval).Seconds(), (frozenAfter * s.interval).Seconds(), sessionLock).Scan(&gone)
	return gone, err
}

func (s *sharedSigns) close(ctx context.Context) error {
	_, err := s.db.Postgres().Exec(ctx, "DELETE FROM nodes WHERE id = $1", s.id)
	if s.conn != nil {
		err = errors.Join(err, s.conn.Close(ctx))
	}
	return err
}

// onlySigns are those of the only process that works on an SQLite database. All others are
// gone.
type onlySigns struct {
	db       *store.DB
	interval time.Duration
}

const (
	waitsOnly = `SELECT EXISTS (SELECT 1 FROM river_job WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= datetime('now', 'subsec'))
		OR EXISTS (SELECT 1 FROM river_job WHERE state = 'running' AND attempted_at < datetime('now', ?1, 'subsec')
			AND id NOT IN (SELECT value FROM json_each(?2)))`
	promoteOnly = `UPDATE river_job SET state = 'available' WHERE state IN ('retryable', 'scheduled') AND scheduled_at <= datetime('now', 'subsec')`
	strayOnly   = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_at < datetime('now', ?1, 'subsec')
		AND id NOT IN (SELECT value FROM json_each(?2))`
)

func (*onlySigns) renew(context.Context) error { return nil }

func (s *onlySigns) takeUp(ctx context.Context, held []int64) (freed, due int64, err error) {
	list, err := json.Marshal(held)
	if err != nil {
		return 0, 0, err
	}
	age := fmt.Sprintf("-%.0f seconds", (strayAfter * s.interval).Seconds())
	var waits bool
	err = s.db.SQLite().QueryRowContext(ctx, waitsOnly, age, string(list)).Scan(&waits)
	if err != nil || !waits {
		return 0, 0, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		promoted, err := tx.SQLite().ExecContext(ctx, promoteOnly)
		if err != nil {
			return err
		}
		due, err = promoted.RowsAffected()
		if err != nil {
			return err
		}
		_, err = tx.SQLite().ExecContext(ctx, strayOnly, age, string(list))
		return err
	})
	return 0, due, err
}

func (*onlySigns) gone(context.Context, string) (bool, error) { return true, nil }

func (*onlySigns) close(context.Context) error { return nil }
