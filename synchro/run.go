package synchro

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/pace"
	"github.com/oxlin/oxlin/store"
)

// jobTime is how long one job asks the bank before it hands over to the next. A
// page more may come on top; the job engine gives a job up for dead well after.
const jobTime = 25 * time.Second

// run is one job of a synchronisation: what it found when it began.
type run struct {
	sync       oxlin.Synchronisation
	channel    oxlin.Channel
	connection oxlin.Connection
	connector  bank.Connector
	call       bank.Call
	deadline   time.Time
}

// errHandedOver says that the next job goes on; nothing is wrong.
var errHandedOver = errors.New("the next job goes on")

// Start begins a synchronisation of a channel that has none.
func (e *Engine) Start(ctx context.Context, tx *store.Tx, channel oxlin.Channel, kind oxlin.SyncKind, psu *oxlin.PSU, progress oxlin.SyncProgress) error {
	now := e.now()
	sync := oxlin.Synchronisation{
		ChannelID: channel.ID, Kind: kind, State: oxlin.SyncRunning, PSU: psu, Progress: progress, StartedAt: now,
	}
	var err error
	sync.ID, err = tx.InsertSynchronisation(ctx, sync)
	if err != nil {
		return err
	}
	if channel.Status == oxlin.ChannelEmpty {
		// It was emptied and is added again: so are its accounts (contract §8).
		err := tx.ClearForgottenAccounts(ctx, channel.ConnectionID)
		if err != nil {
			return err
		}
	}
	channel.Status, channel.NextSyncAt = oxlin.ChannelRunning, time.Time{}
	err = tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	err = e.record(ctx, tx, channel, kind.RunningEvent(), oxlin.EventPayload{})
	if err != nil {
		return err
	}
	return e.queue.EnqueueRun(ctx, tx, sync, now)
}

// Run does the next piece of a synchronisation. It may be called twice for one
// piece, and after the synchronisation has ended: whatever it writes carries the
// synchronisation's number, and one that has ended takes no more writes. An
// error is a fault of ours, after which Run may be called again.
func (e *Engine) Run(ctx context.Context, id oxlin.SyncID) error {
	r, err := e.open(ctx, id)
	if oxlin.IsNotFound(err) || err == nil && r.sync.State == oxlin.SyncEnded {
		return nil // deleted, superseded or done
	}
	if err != nil {
		return err
	}
	r.connector, err = e.catalogue.Connector(r.connection.ProviderID, r.channel.DefinitionID)
	if err != nil {
		return fmt.Errorf("connector: %w", err)
	}
	err = e.enter(ctx, r)
	if err == nil {
		switch r.sync.Kind {
		case oxlin.SyncListAccounts:
			err = e.listAccounts(ctx, r)
		case oxlin.SyncAll:
			err = e.syncAll(ctx, r)
		}
	}
	var failure *bank.Failure
	switch {
	case err == nil:
		e.log.InfoContext(ctx, "synchronised", "sync", id, "kind", r.sync.Kind, "user", r.connection.UserID, "connection", r.connection.ID,
			"channel", r.channel.DefinitionID, "attended", r.sync.PSU != nil, "new", r.sync.NewTransactions)
		return nil
	case errors.Is(err, store.ErrSuperseded), errors.Is(err, errHandedOver), oxlin.IsNotFound(err):
		return nil
	case errors.As(err, &failure) && ctx.Err() == nil:
		return ignoreSuperseded(e.fail(ctx, r, failure))
	}
	return err
}

func ignoreSuperseded(err error) error {
	if errors.Is(err, store.ErrSuperseded) || oxlin.IsNotFound(err) {
		return nil
	}
	return err
}

// open reads what a job needs to know; its connector is the caller's to find.
func (e *Engine) open(ctx context.Context, id oxlin.SyncID) (*run, error) {
	reader := e.db.Read()
	r := &run{deadline: e.now().Add(jobTime)}
	var err error
	r.sync, err = reader.Synchronisation(ctx, id)
	if err != nil {
		return nil, err
	}
	r.channel, err = reader.Channel(ctx, r.sync.ChannelID)
	if err != nil {
		return nil, err
	}
	r.connection, err = reader.Connection(ctx, r.channel.ConnectionID)
	return r, err
}

// enter takes out what lets us in by the channel: the access of a REDIRECT
// channel, renewed where it is due, or a session with the user's credentials.
func (e *Engine) enter(ctx context.Context, r *run) error {
	access, err := e.access(ctx, r.channel.ID)
	if err != nil {
		return err
	}
	now := e.now()
	switch connector := r.connector.(type) {
	case bank.LoginConnector:
		access, err = e.login(ctx, r, connector, access)
		if err != nil {
			return err
		}
	case bank.Authorizer:
		if access.Token.IsZero() {
			return &bank.Failure{Kind: bank.AccessLost}
		}
		if !access.ConsentUntil.IsZero() && !now.Before(access.ConsentUntil) {
			return &bank.Failure{Kind: bank.AccessLost, BankCode: "consent over"}
		}
		if access.Due(now) {
			access, err = e.refresh(ctx, r, connector, access)
			if err != nil {
				return err
			}
		}
	}
	r.call = bank.Call{Access: access, PSU: r.sync.PSU}
	return nil
}

// refresh renews the access. It is stored before it is used: the bank may have
// voided the old one.
func (e *Engine) refresh(ctx context.Context, r *run, authorizer bank.Authorizer, access bank.Access) (bank.Access, error) {
	access, err := authorizer.Refresh(ctx, access)
	if err != nil {
		return access, err
	}
	return access, e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		return e.SaveAccess(ctx, tx, r.channel.ID, access)
	})
}

// ask prepares a question to the bank about a resource: it keeps the bank's pace,
// for which the next job may have to go on later, and counts the access.
func (e *Engine) ask(ctx context.Context, r *run, resource string) error {
	err := e.keepPace(ctx, r, true)
	if err != nil {
		return err
	}
	return e.countAccess(ctx, r, resource)
}

// askMore is ask for what completes an answer that is only stored as a whole. It
// slows others down instead of waiting: a job that began again each time it has
// to wait would never come to its end.
func (e *Engine) askMore(ctx context.Context, r *run, resource string) error {
	err := e.keepPace(ctx, r, false)
	if err != nil {
		return err
	}
	return e.countAccess(ctx, r, resource)
}

// countAccess counts an access to a resource where the user is absent, before
// anything is sent. Pages that follow a first one have no resource: they count
// with it.
func (e *Engine) countAccess(ctx context.Context, r *run, resource string) error {
	limit := r.connector.Profile().UnattendedPerDay
	if resource == "" || r.sync.PSU != nil || limit == 0 {
		return nil
	}
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		// A run that was given up must not spend the quota of its successor.
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		used, err := tx.CountUnattended(ctx, r.channel.ID, resource, today(e.now()))
		if err == nil && used > limit {
			return &bank.Failure{Kind: bank.RateLimited, BankCode: "our own count of unattended accesses"}
		}
		return err
	})
}

// paceAhead is how far calls to a bank may run ahead of its pace.
const paceAhead = 6 * time.Second

// keepPace spaces the calls to one bank over all users. A call that has to wait
// hands over to a job at that time; a call that may not wait delays later ones.
func (e *Engine) keepPace(ctx context.Context, r *run, mayWait bool) error {
	perMinute := r.connector.Profile().RequestsPerMinute
	if perMinute == 0 {
		return nil
	}
	limit := pace.Limit{Interval: time.Minute / time.Duration(perMinute), Ahead: paceAhead}
	subject := []byte("bank " + r.connection.ProviderID)
	waits := false
	err := e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		now := e.now()
		if !mayWait {
			return pace.Force(ctx, tx, subject, limit, now)
		}
		wait, err := pace.Take(ctx, tx, subject, limit, now)
		if err != nil {
			return err
		}
		waits = wait > 0
		if waits {
			return e.handOver(ctx, tx, r, now.Add(wait))
		}
		return nil
	})
	if err == nil && waits {
		return errHandedOver
	}
	return err
}

// handOver stores how far the run came and lets the next job go on.
func (e *Engine) handOver(ctx context.Context, tx *store.Tx, r *run, at time.Time) error {
	err := tx.UpdateSynchronisation(ctx, r.sync)
	if err != nil {
		return err
	}
	return e.queue.EnqueueRun(ctx, tx, r.sync, at)
}

// timeUp hands over when the job has lasted long enough.
func (e *Engine) timeUp(ctx context.Context, r *run) error {
	now := e.now()
	if now.Before(r.deadline) {
		return nil
	}
	err := e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error { return e.handOver(ctx, tx, r, now) })
	if err != nil {
		return err
	}
	return errHandedOver
}

// succeed ends a run, and begins the next one where there is one to follow.
func (e *Engine) succeed(ctx context.Context, tx *store.Tx, r *run, follow *oxlin.SyncProgress) error {
	now := e.now()
	r.sync.Outcome = oxlin.ChannelSuccess
	err := end(ctx, tx, r.sync, now)
	if err != nil {
		return err
	}
	channel, err := tx.Channel(ctx, r.channel.ID)
	if err != nil {
		return err
	}
	connection, err := tx.Connection(ctx, r.connection.ID) // auto_sync may have changed meanwhile
	if err != nil {
		return err
	}
	channel.Failures, channel.LastEndAt = 0, now
	payload := oxlin.EventPayload{NewTransactions: r.sync.NewTransactions}
	if r.sync.Kind == oxlin.SyncListAccounts {
		payload.Accounts, err = tx.AccountsOfConnection(ctx, r.connection.ID)
		if err != nil {
			return err
		}
	}
	switch {
	case follow != nil: // stays RUNNING, without a gap (contract §11)
	case channel.AwaitsConsent:
		channel.Status = oxlin.ChannelNever
		if !channel.LastSuccessAt.IsZero() {
			channel.Status = oxlin.ChannelSuccess
		}
		channel.NextSyncAt = NextAppointment(connection, channel, now)
	default:
		channel.Status, channel.LastSuccessAt = oxlin.ChannelSuccess, now
		channel.NextSyncAt = NextAppointment(connection, channel, now)
	}
	err = tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	err = e.record(ctx, tx, channel, r.sync.Kind.SuccessEvent(), payload)
	if err != nil || follow == nil {
		return err
	}
	return e.Start(ctx, tx, channel, oxlin.SyncAll, r.sync.PSU, *follow)
}

// end marks a synchronisation as history, and forgets what only its way needed.
func end(ctx context.Context, tx *store.Tx, sync oxlin.Synchronisation, now time.Time) error {
	sync.State, sync.EndedAt = oxlin.SyncEnded, now
	err := tx.UpdateSynchronisation(ctx, sync)
	if err != nil {
		return err
	}
	err = tx.DeleteQuestion(ctx, sync.ID)
	if err != nil {
		return err
	}
	return tx.DropStagedPages(ctx, sync.ID)
}

// fail answers a bank's failure: a bank that is down is asked again soon, and
// later if that does not help; what needs the user waits for the user; too many
// calls break nothing.
func (e *Engine) fail(ctx context.Context, r *run, failure *bank.Failure) error {
	now := e.now()
	e.log.WarnContext(ctx, "synchronisation met a failure", "sync", r.sync.ID, "kind", r.sync.Kind, "provider", r.connection.ProviderID,
		"connection", r.connection.ID, "channel", r.channel.DefinitionID, "attempt", r.sync.Attempts+1, "error", failure)
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		if _, typed := r.connector.(bank.LoginConnector); typed && failure.Kind == bank.AccessLost {
			// The bank's site forgot the session: the credentials are typed again.
			r.sync.Progress.Entered = false
			failure = &bank.Failure{Kind: bank.Unavailable, BankCode: "session lost", Err: failure}
		}
		if failure.Kind == bank.Unavailable && r.mayAskAgain(failure) {
			r.sync.Attempts++
			return e.handOver(ctx, tx, r, now.Add(max(pause(r.sync.Attempts), min(failure.RetryAfter, time.Minute))))
		}
		return e.endFailed(ctx, tx, r, failure)
	})
}

// mayAskAgain says whether a bank that is down is asked again in this run.
func (r *run) mayAskAgain(failure *bank.Failure) bool {
	most := attempts(r.sync.PSU)
	patient := r.sync.PSU == nil || failure.RetryAfter <= pause(most)
	return patient && r.sync.Attempts+1 < most
}

// endFailed ends a run that failed.
func (e *Engine) endFailed(ctx context.Context, tx *store.Tx, r *run, failure *bank.Failure) error {
	now := e.now()
	r.sync.Outcome, r.sync.Problem = failure.ChannelStatus(), failure.Summary()
	err := end(ctx, tx, r.sync, now)
	if err != nil {
		return err
	}
	channel, err := tx.Channel(ctx, r.channel.ID)
	if err != nil {
		return err
	}
	channel.LastEndAt = now
	connection, err := tx.Connection(ctx, r.connection.ID) // auto_sync may have changed meanwhile
	if err != nil {
		return err
	}
	return e.failed(ctx, tx, connection, channel, r.sync.Kind, failure)
}

// failed leaves a channel in the status of a failure and tells it twice, as the
// contract has it: by the status's name, then as a failed synchronisation.
func (e *Engine) failed(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, kind oxlin.SyncKind, failure *bank.Failure) error {
	now := e.now()
	channel.NextSyncAt = NextAppointment(connection, channel, now)
	broken := true
	switch {
	case failure.Kind == bank.RateLimited && !channel.LastSuccessAt.IsZero():
		// Nothing is broken: what was read stays good, and tomorrow is another day.
		broken = false
		channel.Status = oxlin.ChannelSuccess
	case failure.ChannelStatus().NeedsUser():
		channel.Status = failure.ChannelStatus()
		channel.NextSyncAt = time.Time{}
	default:
		channel.Status = failure.ChannelStatus()
		channel.Failures++
		if connection.AutoSync || channel.LastSuccessAt.IsZero() {
			channel.NextSyncAt = now.Add(max(respite(channel.Failures), failure.RetryAfter))
		}
	}
	err := tx.UpdateChannel(ctx, channel)
	if err != nil {
		return err
	}
	if broken {
		err := e.record(ctx, tx, channel, oxlin.EventType(channel.Status), oxlin.EventPayload{})
		if err != nil {
			return err
		}
	}
	return e.record(ctx, tx, channel, kind.FailedEvent(), oxlin.EventPayload{})
}

// GiveUp ends a synchronisation that met faults of ours too often, so that its
// channel does not run for ever.
func (e *Engine) GiveUp(ctx context.Context, id oxlin.SyncID, cause error) error {
	e.log.ErrorContext(ctx, "synchronisation given up", "sync", id, "error", cause)
	r, err := e.open(ctx, id)
	if err != nil {
		return ignoreSuperseded(err)
	}
	return ignoreSuperseded(e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		return e.endFailed(ctx, tx, r, &bank.Failure{Kind: bank.Nonsense, Err: cause})
	}))
}

// Supersede ends the live synchronisation of a channel, if any, because the channel
// is about to get new access or to lose it.
func (e *Engine) Supersede(ctx context.Context, tx *store.Tx, id oxlin.ChannelID) error {
	running, err := tx.LiveSynchronisation(ctx, id)
	if oxlin.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return end(ctx, tx, running, e.now())
}

// QuotaWait returns how long the bank would refuse another access without the user;
// zero if the channel may be read now.
func (e *Engine) QuotaWait(ctx context.Context, tx *store.Tx, connection oxlin.Connection, channel oxlin.Channel, psu *oxlin.PSU) (time.Duration, error) {
	if psu != nil {
		return 0, nil
	}
	connector, err := e.catalogue.Connector(connection.ProviderID, channel.DefinitionID)
	if err != nil {
		return 0, err
	}
	limit := connector.Profile().UnattendedPerDay
	if limit == 0 {
		return 0, nil
	}
	now := e.now()
	used, err := tx.MostUnattended(ctx, channel.ID, today(now))
	if err != nil || used < limit {
		return 0, err
	}
	return nextMidnight(now).Sub(now), nil
}

// today is the bank's day.
func today(now time.Time) oxlin.Date { return oxlin.DateIn(now, oxlin.Paris) }

// record tells an event of a channel.
func (e *Engine) record(ctx context.Context, tx *store.Tx, channel oxlin.Channel, eventType oxlin.EventType, payload oxlin.EventPayload) error {
	_, err := e.events.Record(ctx, tx, e.now(), channel.ConnectionID, eventType, channel.DefinitionID, payload)
	return err
}
