package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// consentOver reports whether a consent is over. While the clock is in doubt it is not: the bank
// knows.
func (c *core) consentOver(until time.Time) bool {
	return !until.IsZero() && !c.now().Before(until) && c.clock.Believed()
}

// clockWrong is the failure of a reading without the user while another clock contradicts this
// machine's. The days of its rows would be wrong.
func clockWrong(r *run) error {
	if r.sync.PSU != nil || !r.clock.Wrong() {
		return nil
	}
	return &bank.Failure{Kind: bank.Unavailable, BankCode: wrongClock}
}

// wrongClock stands in the place of a bank's code.
const wrongClock = "this machine's clock is wrong"

// unlessClockWrong replaces the loss of an access while another clock contradicts this machine's: banks
// refuse requests with a wrong date as they refuse a consent that is over.
func unlessClockWrong(r *run, failure *bank.Failure) *bank.Failure {
	if failure.Kind != bank.AccessLost || !r.clock.Wrong() {
		return failure
	}
	return &bank.Failure{Kind: bank.Unavailable, BankCode: wrongClock, Status: failure.Status, Err: failure}
}

const (
	// longestAppointment is the longest time until an appointment: the daily slot is at least half
	// a day and at most a day and a half away. The end of a consent may be later.
	longestAppointment = 36 * time.Hour
	// spreadJump is the least jump after which the appointments that it made due are spread.
	spreadJump = 10 * time.Minute
	// spreadStep and spreadTime bound how far from each other they are.
	spreadStep = 10 * time.Second
	spreadTime = time.Hour
)

// PutRight puts the appointments right that a wrong clock has made. Those further in the future
// than their rule allows are made anew. After a jump forward those that it made due are spread:
// banks and the machine get them one after the other. Any node may call it at any time.
func (e *Engine) PutRight(ctx context.Context, ahead time.Duration) error {
	now := e.now()
	err := e.db.Write(ctx, func(tx *store.Tx) error {
		return store.ClockOf(tx).EndFuture(ctx, now, today(now).AddDays(1))
	})
	if err != nil {
		return err
	}
	err = e.bringNear(ctx, now)
	if err != nil || ahead < spreadJump {
		return err
	}
	return e.spread(ctx, now)
}

// bringNear makes the appointments anew that are too far in the future.
func (e *Engine) bringNear(ctx context.Context, now time.Time) error {
	later := now.Add(longestAppointment)
	for after := oxlin.ChannelID(0); ; {
		ids, err := store.AppointmentsOf(e.db.Read()).Later(ctx, later, after, sweepSize)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			after = id
			err := e.changeAppointment(ctx, id, func(connection oxlin.Connection, channel *oxlin.Channel) bool {
				if !channel.NextSyncAt.After(later) || !connection.AutoSync && channel.NextSyncAt.Equal(channel.ConsentUntil) {
					return false
				}
				channel.NextSyncAt = NextAppointment(connection, *channel, now)
				if channel.Failures > 0 {
					channel.NextSyncAt = earlier(channel.NextSyncAt, now.Add(backoff(channel.Failures)))
				}
				return true
			})
			if err != nil && !oxlin.IsNotFound(err) {
				return err
			}
		}
	}
}

// earlier returns the earlier of two moments of which the first may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// changeAppointment changes the appointment of a channel, if change returns true.
func (e *Engine) changeAppointment(ctx context.Context, id oxlin.ChannelID, change func(oxlin.Connection, *oxlin.Channel) bool) error {
	channel, err := e.db.Read().Channel(ctx, id)
	if err != nil {
		return err
	}
	connection, err := e.db.Read().Connection(ctx, channel.ConnectionID)
	if err != nil {
		return err
	}
	return e.db.WriteFor(ctx, connection.UserID, func(tx *store.Tx) error {
		channel, err := tx.Read().Channel(ctx, id)
		if err != nil || !change(connection, &channel) {
			return err
		}
		return tx.UpdateChannel(ctx, channel)
	})
}

// mostSpread bounds the appointments that are spread; workers and the paces of banks spread the rest.
const mostSpread = 20_000

// spread moves the appointments that are due, one after the other, within an hour.
func (e *Engine) spread(ctx context.Context, now time.Time) error {
	due, err := e.db.Read().DueChannels(ctx, now, store.Appointment{}, mostSpread)
	if err != nil || len(due) == 0 {
		return err
	}
	step := min(spreadStep, spreadTime/time.Duration(len(due)))
	for first := 0; first < len(due); first += sweepSize {
		batch := due[first:min(first+sweepSize, len(due))]
		err := e.db.Write(ctx, func(tx *store.Tx) error {
			for i, appointment := range batch {
				err := store.ClockOf(tx).Postpone(ctx, appointment.Channel, now, now.Add(time.Duration(first+i)*step))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
