package synchro

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	// sweepSize bounds what a sweep reads at once.
	sweepSize = 200
	// sweepers start due channels side by side, so that they share the database's commits.
	sweepers = 8
	// sweepTime bounds how long a sweep starts channels; the next sweep goes on.
	sweepTime = 25 * time.Second
	// forgetTime bounds how long a sweep deletes what is old; the next sweep goes on.
	forgetTime = 10 * time.Second
	// staleAfter is the age from which a synchronisation may have lost its job.
	staleAfter = 10 * time.Minute
	// maxSyncAge is the age at which a synchronisation is given up.
	maxSyncAge = 24 * time.Hour
)

// Sweep starts the due synchronisations, ends the consents that are over, gives lost
// synchronisations a new job, reads the rows of older versions anew and deletes expired
// rows, and those whose retention is over. Any node may call it at any
// time, and several at once. While the clock is in doubt, one synchronisation starts now and
// then, because its bank's answer tells the time, and nothing is deleted or given up.
func (e *Engine) Sweep(ctx context.Context) error {
	now, most, believed := e.now(), math.MaxInt, e.clock.Believed()
	if !believed {
		most = 0
		if e.clock.Probe() {
			most = 1
		}
	}
	err := e.sweepDue(ctx, now, most)
	if err != nil {
		return err
	}
	err = e.reviveLost(ctx)
	if err != nil {
		return err
	}
	err = e.deriveDue(ctx)
	if err != nil || !believed {
		return err
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.DropAuthorizations(ctx, now)
		if err != nil {
			return err
		}
		return tx.DropUnattended(ctx, today(now).AddDays(-keepAccesses))
	})
	if err != nil || e.retention <= 0 {
		return err
	}
	return e.forget(ctx, now.Add(-e.retention))
}

// forget deletes events and synchronisations whose retention is over, and queues that nobody has read as long, a few at once, so that
// other writers wait for none of it. After forgetTime the next sweep goes on, and so it does
// after the first doubt about the clock.
func (e *Engine) forget(ctx context.Context, before time.Time) error {
	for _, some := range []func() (bool, error){
		func() (bool, error) { return event.Forget(ctx, e.db, before) },
		func() (bool, error) { return event.EndQueues(ctx, e.db, before, e.now()) },
		func() (more bool, err error) {
			err = e.db.Write(ctx, func(tx *store.Tx) error {
				n, err := store.OldOf(tx).DropSynchronisations(ctx, before, sweepSize)
				more = n == sweepSize
				return err
			})
			return more, err
		},
	} {
		until := e.now().Add(forgetTime)
		for more := true; more && e.clock.Believed() && e.now().Before(until); {
			var err error
			more, err = some()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepDue starts channels until none is due. One that cannot be started, or that runs already,
// keeps its appointment, so each round begins behind the last one of the round before.
func (e *Engine) sweepDue(ctx context.Context, now time.Time, most int) error {
	var last store.Appointment
	for begun := e.now(); most > 0 && e.now().Sub(begun) < sweepTime; {
		due, err := e.db.Read().DueChannels(ctx, now, last, min(most, sweepSize))
		if err != nil || len(due) == 0 {
			return err
		}
		var group errgroup.Group
		group.SetLimit(sweepers)
		for _, appointment := range due {
			group.Go(func() error {
				err := e.sweepChannel(ctx, appointment.Channel)
				if err != nil && !oxlin.IsNotFound(err) {
					// One channel that cannot be started must not keep the others waiting.
					e.log.ErrorContext(ctx, "a due channel was not started", "channel", appointment.Channel, "error", err)
				}
				return ctx.Err()
			})
		}
		err = group.Wait()
		if err != nil {
			return err
		}
		most, last = most-len(due), due[len(due)-1]
	}
	return nil
}

// reviveLost enqueues a job for synchronisations that may have lost theirs, and gives
// up the oldest ones. A synchronisation that has a job keeps it.
func (e *Engine) reviveLost(ctx context.Context) error {
	now := e.now()
	running, err := e.db.Read().LongRunning(ctx, now.Add(-staleAfter), sweepSize)
	if err != nil {
		return err
	}
	lost, err := e.queue.Lost(ctx, syncIDs(running))
	if err != nil {
		return err
	}
	for _, sync := range running {
		switch {
		case now.Sub(sync.StartedAt) > maxSyncAge && e.clock.Believed():
			err = e.GiveUp(ctx, sync.ID, errors.New("it did not end within a day"))
		case !slices.Contains(lost, sync.ID):
			continue // many may wait for a bank that does not answer
		default:
			err = e.db.Write(ctx, func(tx *store.Tx) error { return e.queue.EnqueueRun(ctx, tx, sync, now) })
		}
		if err != nil {
			e.log.ErrorContext(ctx, "a lost synchronisation was not revived", "sync", sync.ID, "error", err)
		}
	}
	return nil
}

func syncIDs(syncs []oxlin.Synchronisation) []oxlin.SyncID {
	ids := make([]oxlin.SyncID, len(syncs))
	for i, sync := range syncs {
		ids[i] = sync.ID
	}
	return ids
}

func (e *Engine) sweepChannel(ctx context.Context, id oxlin.ChannelID) error {
	reader := e.db.Read()
	channel, err := reader.Channel(ctx, id)
	if err != nil {
		return err
	}
	connection, err := reader.Connection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	return e.db.WriteFor(ctx, connection.UserID, func(tx *store.Tx) error {
		channel, err := tx.Read().Channel(ctx, id)
		if err != nil {
			return err
		}
		if channel.NextSyncAt.IsZero() || channel.NextSyncAt.After(e.now()) || channel.Status == oxlin.ChannelRunning {
			return nil // another node has started it
		}
		return e.startDue(ctx, tx, connection, channel)
	})
}

// startDue does what a channel's appointment was made for.
func (e *Engine) startDue(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel) error {
	now := e.now()
	if e.consentOver(channel.ConsentUntil) {
		return e.failChannel(ctx, tx, connection, channel, oxlin.SyncAll, &bank.Failure{Kind: bank.AccessLost})
	}
	if channel.Status.NeedsUser() || channel.AwaitsConsent {
		channel.NextSyncAt = time.Time{}
		return tx.UpdateChannel(ctx, channel)
	}
	quota, err := e.QuotaNow(ctx, tx.Read(), connection, channel, nil)
	if err != nil {
		return err
	}
	if quota.Exhausted() {
		channel.NextSyncAt = NextAppointment(connection, channel, now)
		return tx.UpdateChannel(ctx, channel)
	}
	return e.StartOrList(ctx, tx, channel, oxlin.SyncAll, nil)
}

// StartOrList starts a synchronisation. If the channel has no account yet, because its
// first synchronisation never got that far, it lists the accounts first.
func (e *Engine) StartOrList(ctx context.Context, tx *store.Tx, channel oxlin.Channel, kind oxlin.SyncKind, psu *oxlin.PSU) error {
	accounts, err := tx.Read().AccountsOfConnection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	hasAccount := slices.ContainsFunc(accounts, func(a oxlin.Account) bool { return a.LastChannelDefinition == channel.DefinitionID })
	if !hasAccount {
		kind = oxlin.SyncListAccounts
	}
	return e.Start(ctx, tx, channel, kind, psu, oxlin.SyncProgress{})
}
