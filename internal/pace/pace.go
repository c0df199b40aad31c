// Package pace limits how often something may happen: calls to a bank, guesses of a
// password. It is the platform's one rate limiter.
//
// A limit is a bucket of places. It starts full; each event takes a place out, and
// one place comes back every Interval until the bucket is full again. An event that
// finds no place is refused and learns how long to wait.
//
// The generic cell rate algorithm (GCRA) stores such a bucket as a single instant,
// the arrival time: the moment at which the bucket will be full. Each event moves
// that moment by one Interval. An event finds a place as long as the moment is at
// most Ahead in the future. No timer refills the bucket, and a row that lies in the
// past equals no row.
//
// The arithmetic is pure: the arrival time and the clock come in, the next arrival
// time goes out. Rows keeps arrival times in the database, so that a limit holds on
// all nodes together; Memory keeps them in one process, where a row for each event would
// cost more than the event. Doors are the limits of all that speaks HTTP.
//
// It must never read a clock, nor know what it limits. Quotas that count by the
// calendar day and counts within an hour are not rate limits and belong to their
// callers. Start reading at Limit.
package pace

import (
	"context"
	"time"
)

// Limit is how often something may happen.
type Limit struct {
	// Interval is the time in which one place comes back.
	Interval time.Duration
	// Ahead is how far the arrival time may lie in the future when an event comes:
	// the room for bursts. With zero each event waits for the one before.
	Ahead time.Duration
}

// Burst returns the limit of a bucket that holds a number of places.
func Burst(places int, interval time.Duration) Limit {
	return Limit{Interval: interval, Ahead: time.Duration(places-1) * interval}
}

// Take returns the arrival time after one more event. If the event comes too early
// it returns the time to wait instead, and the arrival time as it was. A zero
// arrival is that of a full bucket.
func (l Limit) Take(arrival, now time.Time) (next time.Time, wait time.Duration) {
	next = l.Force(arrival, now)
	wait = next.Sub(now) - l.Interval - l.Ahead
	if wait > 0 {
		return arrival, wait
	}
	return next, 0
}

// Force returns the arrival time after an event that cannot wait. Later events wait
// for its place as well.
func (l Limit) Force(arrival, now time.Time) time.Time {
	if arrival.Before(now) {
		arrival = now
	}
	return arrival.Add(l.Interval)
}

// Rows keeps an arrival time for each subject, in the transaction of the caller.
// *store.Tx implements it.
type Rows interface {
	// Lock returns a subject's arrival time, zero if the subject is new. The row
	// stays locked until the transaction ends, so that no two events take the same
	// place.
	Lock(ctx context.Context, subject []byte) (time.Time, error)
	// Set stores a subject's arrival time.
	Set(ctx context.Context, subject []byte, arrival time.Time) error
	// DropIdle removes the subjects whose bucket is full.
	DropIdle(ctx context.Context, now time.Time) error
}

// Sweep removes the rows of all limits, whoever uses them, that equal no row. Once in a few
// minutes is often enough, on any node.
func Sweep(ctx context.Context, rows Rows, now time.Time) error {
	return rows.DropIdle(ctx, now)
}

// Take takes a place for a subject, or returns how long to wait for one. The caller
// chooses a subject that no other limit uses; a subject that would tell about a
// person is hashed.
func Take(ctx context.Context, rows Rows, subject []byte, limit Limit, now time.Time) (wait time.Duration, err error) {
	arrival, err := rows.Lock(ctx, subject)
	if err != nil {
		return 0, err
	}
	next, wait := limit.Take(arrival, now)
	if wait > 0 {
		return wait, nil
	}
	return 0, rows.Set(ctx, subject, next)
}

// Force takes a place for a subject even if none is left.
func Force(ctx context.Context, rows Rows, subject []byte, limit Limit, now time.Time) error {
	arrival, err := rows.Lock(ctx, subject)
	if err != nil {
		return err
	}
	return rows.Set(ctx, subject, limit.Force(arrival, now))
}

// GiveBack returns a place that was taken for an event that does not count after all.
func GiveBack(ctx context.Context, rows Rows, subject []byte, limit Limit, now time.Time) error {
	arrival, err := rows.Lock(ctx, subject)
	if err != nil || !arrival.After(now) {
		return err
	}
	return rows.Set(ctx, subject, arrival.Add(-limit.Interval))
}
