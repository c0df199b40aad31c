package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// take reserves a place in its own transaction.
func take(t *testing.T, db *store.DB, subject string, limit pace.Limit, now time.Time) (wait time.Duration) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		wait, err = pace.Take(t.Context(), tx.Pace(), []byte(subject), limit, now)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return wait
}

func TestAPlaceIsTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		limit := pace.Burst(3, time.Minute)
		taken := race(t, 8, func() bool { return take(t, db, "a", limit, now) == 0 })
		if taken != 3 {
			t.Errorf("8 events at once took %d places; want 3", taken)
		}
		if wait := take(t, db, "b", limit, now); wait != 0 {
			t.Errorf("another subject waits %v", wait)
		}
	})
}

func TestPaces(t *testing.T) {
	limit := pace.Burst(2, time.Minute)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, step := range []struct {
			name   string
			before func(ctx context.Context, tx *store.Tx) error
			at     time.Duration
			want   time.Duration
		}{
			{name: "first", want: 0},
			{name: "second", want: 0},
			{name: "too early", at: 20 * time.Second, want: 40 * time.Second},
			{name: "refused ones cost nothing", at: time.Minute - time.Microsecond, want: time.Microsecond},
			{name: "a place is back", at: time.Minute, want: 0},
			{name: "a forced one delays the next", at: time.Minute, want: 2 * time.Minute, before: func(ctx context.Context, tx *store.Tx) error {
				return pace.Force(ctx, tx.Pace(), []byte("a"), limit, now.Add(time.Minute))
			}},
			{name: "a sweep keeps what still counts", at: 2 * time.Minute, want: time.Minute, before: func(ctx context.Context, tx *store.Tx) error {
				return pace.Sweep(ctx, tx.Pace(), now.Add(2*time.Minute))
			}},
			{name: "a reset gives all places back", at: 2 * time.Minute, want: 0, before: func(ctx context.Context, tx *store.Tx) error {
				return tx.Pace().Drop(ctx, []byte("a"))
			}},
		} {
			if step.before != nil {
				write(t, db, step.before)
			}
			if wait := take(t, db, "a", limit, now.Add(step.at)); wait != step.want {
				t.Errorf("%s: wait %v; want %v", step.name, wait, step.want)
			}
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return pace.Sweep(ctx, tx.Pace(), now.Add(time.Hour)) })
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			arrival, err := tx.Pace().Lock(ctx, []byte("a"))
			if !arrival.IsZero() {
				t.Errorf("after a sweep an idle subject still has %v", arrival)
			}
			return err
		})
	})
}

// Password attempts still count after an upgrade: the migration moves them to the
// table of all limits.
func TestPasswordAttemptsSurviveTheMigration(t *testing.T) {
	bytes := map[string]string{"SQLite": "BLOB", "PostgreSQL": "BYTEA"}
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.MigrateTo(t.Context(), 9)
			if err != nil {
				t.Fatal(err)
			}
			execute(t, db, `INSERT INTO password_paces (subject, arrival_at) SELECT CAST('a' AS `+bytes[name]+`), 1795255200000000`)
			execute(t, db, `INSERT INTO bank_paces (provider_id, arrival_at) VALUES ('87', 1795255200000000)`)
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				arrival, err := tx.Pace().Lock(ctx, []byte("a"))
				if want := time.UnixMicro(1795255200000000); !arrival.Equal(want) {
					t.Errorf("arrival time %v; want %v", arrival, want)
				}
				return err
			})
		})
	}
}

// execute runs a statement directly on the database.
func execute(t *testing.T, db *store.DB, statement string) {
	t.Helper()
	var err error
	if db.Dialect() == store.SQLite {
		_, err = db.SQLite().ExecContext(t.Context(), statement)
	} else {
		_, err = db.Postgres().Exec(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
}
