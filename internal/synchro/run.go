package synchro

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	// jobTime is how long one job calls the bank before it hands over to the next. A call
	// that begins before may follow.
	jobTime = 25 * time.Second
	// spareTime is the time of a job beside its calls to the bank.
	spareTime = 20 * time.Second
	// callsAtOnce are the calls that belong to one step: a renewal, the call that is
	// refused all the same, another renewal, and the call once more.
	callsAtOnce = 4
)

// callTime is the most that one call to the bank may take.
func (r *run) callTime() time.Duration { return cmp.Or(r.connector.Profile().CallTime, time.Minute) }

// jobLimit is the most that a job may take: its last step ends within it, however slow the
// bank may be.
func (r *run) jobLimit() time.Duration {
	calls := time.Duration(1) // a login or a page
	if _, ok := r.connector.(bank.Refresher); ok {
		calls = callsAtOnce
	}
	return jobTime + calls*r.callTime() + spareTime
}

// run is one job of a synchronisation, with the rows as the job found them.
type run struct {
	*core
	engine     *Engine
	sync       oxlin.Synchronisation
	channel    oxlin.Channel
	connection oxlin.Connection
	connector  bank.Connector
	call       bank.Call
	// begun is the state of a login that has begun and not ended.
	begun    oxlin.Secret
	deadline time.Time
	// consent is the one by which the channel is read, and trail has the requests to
	// the bank since the last transaction.
	consent int64
	trail   []audit.Entry
	// limit is the bank's last refusal of too many calls.
	limit   *bank.Failure
	staging staging
	// ended is set once the run has ended with its last account.
	ended bool
}

// errHandedOver ends a job without a fault: the next job continues.
var errHandedOver = errors.New("the next job continues")

// Start begins a synchronisation of a channel that does not run. While a page of ours asks
// for the consent, it reads nothing but the list of accounts.
func (e *Engine) Start(ctx context.Context, tx *store.Tx, channel oxlin.Channel, kind oxlin.SyncKind, psu *oxlin.PSU, progress oxlin.SyncProgress) error {
	now := e.now()
	if channel.AskedIn != 0 && kind != oxlin.SyncListAccounts {
		kind, progress = oxlin.SyncListAccounts, oxlin.SyncProgress{}
	}
	sync := oxlin.Synchronisation{
		ChannelID: channel.ID, Kind: kind, State: oxlin.SyncRunning, PSU: psu, Progress: progress, StartedAt: now,
		RequestID: audit.OriginOf(ctx).RequestID,
	}
	var err error
	if psu == nil && kind == oxlin.SyncAll {
		sync.Progress.Reserved, err = e.reserve(ctx, tx, channel)
		if err != nil {
			return err
		}
	}
	sync.ID, err = tx.InsertSynchronisation(ctx, sync)
	if err != nil {
		return err
	}
	if channel.Status == oxlin.ChannelEmpty {
		// A channel that was reset is added again with its accounts (contract §8).
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
	event, err := e.events.Record(ctx, tx, now, channel.ConnectionID, kind.RunningEvent(), channel.DefinitionID, oxlin.EventPayload{})
	if err != nil {
		return err
	}
	consent, err := ConsentOf(ctx, tx.Read(), channel)
	if err != nil {
		return err
	}
	entry := about(event.UserID, channel, sync, consent)
	entry.Action = audit.SyncStarted
	err = e.audit.Record(ctx, tx, entry)
	if err != nil {
		return err
	}
	return e.queue.EnqueueRun(ctx, tx, sync, now)
}

// lasts fails with ErrSuperseded or as not found if the run has ended or was deleted meanwhile:
// it must not send what belongs to its successor.
func (r *run) lasts(ctx context.Context, tx *store.Tx) error {
	sync, err := tx.Read().Synchronisation(ctx, r.sync.ID)
	if err == nil && sync.State == oxlin.SyncEnded {
		return store.ErrSuperseded
	}
	return err
}

// Run works on a synchronisation for one job. It may be called twice for the same
// job, and after the synchronisation has ended: each write carries the
// synchronisation's number, and an ended synchronisation refuses writes. An error is
// a fault of ours, after which Run may be called again.
func (e *Engine) Run(ctx context.Context, id oxlin.SyncID) error {
	r, err := e.load(ctx, id)
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
	r.consent, err = ConsentOf(ctx, e.db.Read(), r.channel)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(origin(ctx, r), r.jobLimit())
	defer cancel()
	defer noteTrail(ctx, r)
	defer r.staging.forget(func(stagedAnswer) bool { return true })
	err = r.work(ctx)
	var failure *bank.Failure
	switch {
	case err == nil:
		e.log.InfoContext(ctx, "synchronised", "sync", id, "kind", r.sync.Kind, "user", r.connection.UserID, "connection", r.connection.ID,
			"channel", r.channel.DefinitionID, "attended", r.sync.PSU != nil, "new", r.sync.NewTransactions)
		return nil
	case errors.Is(err, store.ErrSuperseded), errors.Is(err, ErrTakenOver), errors.Is(err, errHandedOver), oxlin.IsNotFound(err):
		return nil
	case errors.As(err, &failure) && ctx.Err() == nil:
		return ignoreSuperseded(r.retryOrFail(ctx, failure))
	}
	return err
}

// work opens the access and continues the synchronisation. Rows of an older version are
// read anew before the bank is asked, because decoding changes what the answers mean.
func (r *run) work(ctx context.Context) error {
	err := r.engine.derive(ctx, r.connection, func() error { return r.handOverIfLate(ctx) })
	if err != nil {
		return err
	}
	err = r.openAccess(ctx)
	if err != nil {
		return err
	}
	if r.sync.Kind == oxlin.SyncListAccounts {
		return lister{r}.listAccounts(ctx)
	}
	return r.syncAll(ctx)
}

func ignoreSuperseded(err error) error {
	if errors.Is(err, store.ErrSuperseded) || oxlin.IsNotFound(err) {
		return nil
	}
	return err
}

// load reads the rows of a run. The run has no connector yet.
func (e *Engine) load(ctx context.Context, id oxlin.SyncID) (*run, error) {
	reader := e.db.Read()
	r := &run{core: e.core, engine: e, deadline: e.now().Add(jobTime)}
	var err error
	r.sync, err = reader.Synchronisation(ctx, id)
	if err != nil {
		return nil, err
	}
	r.channel, err = reader.Channel(ctx, r.sync.ChannelID)
	if err != nil {
		return nil, err
	}
	if e.queue.Attempt(ctx) > 1 {
		// The attempt before may have made what is reserved.
		r.sync.Progress.Reserved = oxlin.ReservedAccesses{}
	}
	r.staging = staging{onDisk: r.sync.Progress.Stages(), disk: r.sync.Progress, savedAt: e.now(), room: &e.staged}
	r.connection, err = reader.Connection(ctx, r.channel.ConnectionID)
	return r, err
}

// openAccess loads the channel's stored access. At a bank with credentials it logs in,
// unless the synchronisation has a session already.
func (r *run) openAccess(ctx context.Context) error {
	err := renewer{r}.awaitRenewal(ctx)
	if err != nil {
		return err
	}
	access, err := r.engine.Access(ctx, r.channel.ID)
	if err != nil {
		return err
	}
	switch r.channel.Mode {
	case oxlin.ModeEmbedded:
		access, err = entrance{r}.login(ctx, access)
		if err != nil {
			return err
		}
	case oxlin.ModeRedirect:
		if access.IsZero() {
			return &bank.Failure{Kind: bank.AccessLost}
		}
		if r.consentOver(access.ConsentUntil) {
			return &bank.Failure{Kind: bank.AccessLost, BankCode: "consent over"}
		}
	}
	r.call = bank.Call{Access: access, PSU: r.sync.PSU}
	return nil
}

// handOver stores the run's progress and enqueues the next job.
func (r *run) handOver(ctx context.Context, tx *store.Tx, at time.Time) error {
	r.sync.Progress.Answered = 0
	err := r.update(ctx, tx)
	if err != nil {
		return err
	}
	return r.queue.EnqueueRun(ctx, tx, r.sync, at)
}

// handOverIfLate hands over if the job has reached its deadline.
func (r *run) handOverIfLate(ctx context.Context) error {
	now := r.now()
	if now.Before(r.deadline) {
		return nil
	}
	err := r.write(ctx, func(tx *store.Tx) error { return r.handOver(ctx, tx, now) })
	if err != nil {
		return err
	}
	return errHandedOver
}

// save stores the run's progress.
func (r *run) save(ctx context.Context) error {
	return r.write(ctx, func(tx *store.Tx) error { return r.update(ctx, tx) })
}

// record records an event of a channel.
func (e *Engine) record(ctx context.Context, tx *store.Tx, channel oxlin.Channel, eventType oxlin.EventType, payload oxlin.EventPayload) error {
	_, err := e.events.Record(ctx, tx, e.now(), channel.ConnectionID, eventType, channel.DefinitionID, payload)
	return err
}
