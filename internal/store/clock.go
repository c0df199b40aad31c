package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// BelievedAt returns when the clock of a process was believed last; zero before the first time.
func (db *DB) BelievedAt(ctx context.Context) (time.Time, error) {
	row, err := db.Read().q.FindInstallation(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the time: %w", err)
	}
	return row.BelievedAt.Time, nil
}

// SetBelievedAt stores when the clock of a process was believed.
func (db *DB) SetBelievedAt(ctx context.Context, at time.Time) error {
	return db.WriteSoon(ctx, func(tx *Tx) error {
		err := tx.q.SetBelievedAt(ctx, query.At(at))
		if err != nil {
			return fmt.Errorf("store the time: %w", err)
		}
		return nil
	})
}

// DatabaseTime returns the time of PostgreSQL's machine, and zero for SQLite, which has no clock
// of its own.
func (db *DB) DatabaseTime(ctx context.Context) (time.Time, error) {
	if db.dialect == SQLite {
		return time.Time{}, nil
	}
	var at query.Instant
	err := db.Read().raw.QueryRowContext(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the database for the time: %w", err)
	}
	return at.Time, nil
}

// ClockTx puts rows right that were made while the clock was wrong.
type ClockTx struct{ executor }

// ClockOf returns the writer of those rows in a transaction.
func ClockOf(tx *Tx) ClockTx { return ClockTx{tx.executor} }

// ofTheFuture change the rows that a clock ahead of this one has made; ?1 is now. What was made
// more than half a minute from now was made now, and lasts as long as it would have. What has no
// beginning and ends later than each rule allows ends in an hour.
var ofTheFuture = []string{
	`UPDATE oauth_tokens SET expires_at = expires_at - created_at + ?1, created_at = ?1,
		used_at = CASE WHEN used_at > ?1 THEN ?1 ELSE used_at END WHERE created_at - 30000000 > ?1`,
	"UPDATE oauth_tokens SET used_at = ?1 WHERE used_at - 30000000 > ?1",
	"UPDATE client_assertions SET expires_at = ?1 + 3600000000 WHERE expires_at - 3600000000 > ?1",
	"UPDATE used_challenges SET expires_at = ?1 + 3600000000 WHERE expires_at - 3600000000 > ?1",
	"UPDATE widget_sessions SET expires_at = expires_at - created_at + ?1, created_at = ?1 WHERE created_at - 30000000 > ?1",
	`UPDATE operator_sessions SET expires_at = expires_at - created_at + ?1, created_at = ?1, seen_at = ?1, confirmed_at = ?1
		WHERE created_at - 30000000 > ?1`,
	"UPDATE operator_sessions SET seen_at = ?1 WHERE seen_at - 30000000 > ?1",
	"UPDATE operator_sessions SET confirmed_at = ?1 WHERE confirmed_at - 30000000 > ?1",
	`UPDATE user_sessions SET expires_at = expires_at - created_at + ?1, created_at = ?1, seen_at = ?1, confirmed_at = ?1
		WHERE created_at - 30000000 > ?1`,
	"UPDATE user_sessions SET seen_at = ?1 WHERE seen_at - 30000000 > ?1",
	"UPDATE user_sessions SET confirmed_at = ?1 WHERE confirmed_at - 30000000 > ?1",
	// Programs refuse an OpenPGP key of the future: the next page makes another one.
	"UPDATE keys SET expires_at = ?1 WHERE created_at - 30000000 > ?1 AND expires_at > ?1",
	"UPDATE authorizations SET expires_at = expires_at - created_at + ?1, created_at = ?1 WHERE created_at - 30000000 > ?1",
	"UPDATE authorizations SET claimed_at = ?1 WHERE claimed_at - 30000000 > ?1",
	"UPDATE authorizations SET expires_at = ?1 + 3600000000 WHERE expires_at - 3630000000 > ?1",
	"UPDATE held_accesses SET expires_at = ?1 + 3600000000 WHERE expires_at - 3600000000 > ?1",
	"UPDATE bank_steps SET due_at = ?1 WHERE due_at - 30000000 > ?1",
	"UPDATE questions SET expires_at = ?1 + 3600000000 WHERE expires_at - 3600000000 > ?1",
	"UPDATE renewals SET claimed_at = ?1 WHERE claimed_at - 30000000 > ?1",
	// The longest rate limit is full again after 100 minutes.
	"DELETE FROM paces WHERE arrival_at - 10800000000 > ?1",
	"UPDATE synchronisations SET started_at = ?1 WHERE ended_at = 0 AND started_at - 30000000 > ?1",
}

// EndFuture puts the ends of tokens, sessions, questions and journeys right that a clock ahead of
// this one has set. tomorrow is the first day on which nothing can have been counted yet.
func (tx ClockTx) EndFuture(ctx context.Context, now time.Time, tomorrow oxlin.Date) error {
	for _, statement := range ofTheFuture {
		_, err := tx.raw.ExecContext(ctx, statement, query.At(now))
		if err != nil {
			return fmt.Errorf("put rows of the future right: %w", err)
		}
	}
	// Banks are called every few seconds.
	_, err := tx.raw.ExecContext(ctx, "DELETE FROM paces WHERE arrival_at - 120000000 > ?1 AND substr(subject, 1, 5) = ?2", query.At(now), []byte("bank "))
	if err != nil {
		return fmt.Errorf("put rows of the future right: %w", err)
	}
	_, err = tx.raw.ExecContext(ctx, "DELETE FROM unattended_accesses WHERE day > ?1", tomorrow)
	if err == nil {
		err = changeGrants(ctx, tx.executor, everyGrant)
	}
	if err != nil {
		return fmt.Errorf("put rows of the future right: %w", err)
	}
	return nil
}

// Appointments reads the appointments of channels.
type Appointments struct{ executor }

// AppointmentsOf returns the reader of those rows.
func AppointmentsOf(r Reader) Appointments { return Appointments(r) }

// Later returns channels whose appointment is after a moment, ordered by id, from after one on.
func (r Appointments) Later(ctx context.Context, later time.Time, after oxlin.ChannelID, most int) ([]oxlin.ChannelID, error) {
	ids, err := r.q.ListAppointments(ctx, query.ListAppointmentsParams{Later: query.At(later), After: after, Most: int64(most)})
	if err != nil {
		return nil, fmt.Errorf("list appointments: %w", err)
	}
	return ids, nil
}

// Postpone moves an appointment that is due to a later moment.
func (tx ClockTx) Postpone(ctx context.Context, id oxlin.ChannelID, due, to time.Time) error {
	err := tx.q.PostponeDue(ctx, query.PostponeDueParams{ID: id, Due: query.At(due), At: query.At(to)})
	if err != nil {
		return fmt.Errorf("postpone channel %s: %w", id, err)
	}
	return nil
}
