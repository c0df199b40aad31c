package store

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// grantChannel is PostgreSQL's channel for changes of grants.
const grantChannel = "oxlin_grants"

// The times of the connection that listens. A process believes what it has kept for grantLease after it
// sent itself a notification that has come back: PostgreSQL delivers in the order of the commits, so
// every change before it has come too.
const (
	grantLease  = 900 * time.Millisecond
	grantPulse  = 250 * time.Millisecond
	grantRepair = 500 * time.Millisecond // the pause before a lost connection is replaced
)

// postgresNews listens for the notifications of other processes. While it cannot hear them,
// nothing is kept.
type postgresNews struct {
	config *pgx.ConnConfig
	grants *grants
	// lease is the instant, in nanoseconds since begun, until which everything was heard.
	lease atomic.Int64
	begun time.Time

	started bool
	stop    context.CancelFunc
}

// since reports whether all changes have been heard. They were applied when they came.
func (n *postgresNews) since(ctx context.Context) ([]grantChange, bool) {
	if !n.started {
		n.started = true
		ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
		go n.listen(ctx)
	}
	return nil, time.Since(n.begun).Nanoseconds() < n.lease.Load()
}

// close ends the connection. It is called with the lock of the grants, which the last
// notification may wait for.
func (n *postgresNews) close() error {
	if n.stop != nil {
		n.stop()
	}
	n.started = true
	return nil
}

// listen hears until ctx ends, on one connection after the other.
func (n *postgresNews) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = n.hear(ctx) // until the next connection, each request reads the database
		n.lease.Store(0)
		select {
		case <-ctx.Done():
		case <-time.After(grantRepair):
		}
	}
}

// hear listens on one connection, until it fails or does not bring a notification back in time.
func (n *postgresNews) hear(ctx context.Context) error {
	opening, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	config := n.config.Copy()
	config.RuntimeParams["application_name"] = grantChannel
	conn, err := pgx.ConnectConfig(opening, config)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	_, err = conn.Exec(opening, "LISTEN "+grantChannel)
	if err != nil {
		return err
	}
	n.grants.changed([]grantChange{everyGrant}) // what was kept before may have changed unheard
	pulse := "pulse " + rand.Text()
	for {
		sent := time.Now()
		err = n.beat(ctx, conn, pulse, sent)
		if err != nil {
			return err
		}
		n.lease.Store(sent.Add(grantLease).Sub(n.begun).Nanoseconds())
		_, err = n.next(ctx, conn, sent.Add(grantPulse))
		for err == nil {
			_, err = n.next(ctx, conn, sent.Add(grantPulse))
		}
		if ctx.Err() != nil || conn.IsClosed() {
			return err
		}
	}
}

// beat sends a notification to this process and waits until it comes back.
func (n *postgresNews) beat(ctx context.Context, conn *pgx.Conn, pulse string, sent time.Time) error {
	sending, cancel := context.WithDeadline(ctx, sent.Add(grantLease))
	defer cancel()
	_, err := conn.Exec(sending, "SELECT pg_notify('"+grantChannel+"', $1)", pulse)
	for text := ""; err == nil && text != pulse; {
		text, err = n.next(ctx, conn, sent.Add(grantLease))
	}
	return err
}

// next waits for a notification until a time, and forgets the grants that it concerns.
func (n *postgresNews) next(ctx context.Context, conn *pgx.Conn, until time.Time) (string, error) {
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	notification, err := conn.WaitForNotification(waiting)
	if err != nil {
		return "", err
	}
	if len(notification.Payload) < 6 || notification.Payload[:6] != "pulse " {
		n.grants.changed([]grantChange{readChange(notification.Payload)})
	}
	return notification.Payload, nil
}
