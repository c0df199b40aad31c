package synchro

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// withRenewal calls the bank. If the bank refuses an access token before its announced
// end, as banks do after a restart or without an announcement, it renews the access and
// repeats the call. A renewed access that has read nothing yet is not renewed once more.
// The repeated call is not counted as another access: the refused one has read nothing.
func withRenewal[T any](ctx context.Context, r *run, call func(context.Context, bank.Call) (T, error)) (T, error) {
	answer, err := bounded(ctx, r, call)
	if err == nil {
		r.sync.Progress.Renewed = false
		return answer, nil
	}
	refresher, ok := r.connector.(bank.Refresher)
	if !ok || !r.mayRenew(bank.AsFailure(err)) {
		return answer, err
	}
	r.log.InfoContext(ctx, "the bank refuses an access before its time", "sync", r.sync.ID, "error", err)
	r.sync.Progress.Renewed = true
	err = r.renew(ctx, refresher)
	if err != nil {
		// Nothing was renewed: if the bank is only unavailable, the next job tries again.
		r.sync.Progress.Renewed = false
		return answer, renewalError{err}
	}
	err = r.repeatCall(ctx)
	if err != nil {
		return answer, renewalError{err}
	}
	answer, err = bounded(ctx, r, call)
	if err == nil {
		r.sync.Progress.Renewed = false
	}
	return answer, err
}

// bounded calls the bank within the time of a call.
func bounded[T any](ctx context.Context, r *run, call func(context.Context, bank.Call) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, r.callTime())
	defer cancel()
	return call(ctx, r.call)
}

// renewIfDue renews an access whose token ends soon. Whatever the time, the call that
// follows belongs to the same job: a token that lives a minute is used before the next
// job finds it due again.
func (r *run) renewIfDue(ctx context.Context) error {
	refresher, ok := r.connector.(bank.Refresher)
	access := r.call.Access
	if !ok || !access.Due(r.now()) || access.RefreshToken.IsZero() && r.now().Before(access.TokenUntil) {
		return nil // a token that cannot be renewed serves to its end
	}
	err := r.renew(ctx, refresher)
	if err != nil {
		return renewalError{err}
	}
	return nil
}

// renewalError is a failure of the renewal itself. It concerns the whole channel,
// whichever account the call was about.
type renewalError struct{ error }

func (e renewalError) Unwrap() error { return e.error }

// mayRenew reports whether a new access token may help against a failure.
func (r *run) mayRenew(failure *bank.Failure) bool {
	access := r.call.Access
	switch {
	case failure.Kind != bank.AccessLost, r.sync.Progress.Renewed, access.RefreshToken.IsZero():
		return false
	case r.sync.Progress.Listed && mayBeOneAccount(failure):
		// The bank accepted the token for the list of accounts.
		return false
	}
	return !r.consentOver(access.ConsentUntil)
}

// mayBeOneAccount reports whether a refusal may concern the requested account alone:
// banks refuse one account with the same answer by which they end a consent.
func mayBeOneAccount(failure *bank.Failure) bool {
	return failure.Kind == bank.AccessLost && failure.Status == http.StatusForbidden
}

// renewer is the part of a run that renews its access: it claims the renewal, sends it, and keeps
// its outcome.
type renewer struct{ run *run }

// renew replaces an access that is due or that the bank refuses. If another job has renewed it
// before, renew takes the access which that job stored, because the bank may accept a refresh
// token only once. While another job renews it, this one ends: the next one looks again.
func (r *run) renew(ctx context.Context, refresher bank.Refresher) error {
	n := renewer{r}
	if !r.renewing.begin(r.channel.ID) {
		return n.waitForRenewal(ctx)
	}
	defer r.renewing.end(r.channel.ID)
	for {
		err := n.claimRenewal(ctx)
		switch {
		case errors.Is(err, errRenewed):
			return nil
		case errors.Is(err, errClaimed):
			return n.waitForRenewal(ctx)
		case err != nil:
			return err
		}
		err = n.refresh(ctx, refresher)
		if !errors.Is(err, errRenewed) {
			return err
		}
		// Another access is stored: the next claim takes it.
	}
}

var (
	// errRenewed is returned if another access than that of the run is stored.
	errRenewed = errors.New("another job has renewed the access")
	// errClaimed is returned while another job renews the access.
	errClaimed = errors.New("another job renews the access")
)

const (
	// renewalPause is how long a job waits that finds a renewal of another one under way.
	renewalPause = 2 * time.Second
	// longestRenewal is the age from which a claim does not count, whoever holds it. It is
	// longer than the slowest bank's call and the wait for a database.
	longestRenewal = 15 * time.Minute
	// keepingTime is how long a renewed access waits for a database that is away.
	keepingTime = 2 * time.Minute
)

// claimRenewal claims the renewal of the run's access by a row, before anything is sent. If
// this process freezes after that, the others wait for it: a refresh token that was sent
// twice may end the consent. If the stored access is another one, claimRenewal takes it and
// returns errRenewed. A run that has ended must not use its successor's refresh token.
func (n renewer) claimRenewal(ctx context.Context) error {
	r := n.run
	var taken bank.Access
	err := r.write(ctx, func(tx *store.Tx) error {
		err := r.lasts(ctx, tx)
		if err != nil {
			return err
		}
		taken, err = r.engine.accessIn(ctx, tx.Read(), r.channel.ID)
		if err != nil {
			return err
		}
		if taken.Token != r.call.Access.Token {
			return errRenewed
		}
		under, err := n.renewalElsewhere(ctx, tx.Read())
		if err != nil {
			return err
		}
		if under {
			return errClaimed
		}
		return store.RenewalsOf(tx).Claim(ctx, r.channel.ID, store.Renewal{Node: r.queue.Node(), ClaimedAt: r.now()})
	})
	if errors.Is(err, errRenewed) {
		r.call.Access = taken
	}
	return err
}

// awaitRenewal ends the job while another one renews the access. What that one gets is to be
// used from then on.
func (n renewer) awaitRenewal(ctx context.Context) error {
	r := n.run
	under, err := n.renewalElsewhere(ctx, r.db.Read())
	if err != nil || !under && !r.renewing.has(r.channel.ID) {
		return err
	}
	return n.waitForRenewal(ctx)
}

// renewalElsewhere reports whether another process renews the channel's access. A claim of
// this process of which it knows nothing is one whose end could not be stored.
func (n renewer) renewalElsewhere(ctx context.Context, reader store.Reader) (bool, error) {
	r := n.run
	claim, err := reader.Renewal(ctx, r.channel.ID)
	switch {
	case oxlin.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case claim.Node == r.queue.Node():
		return false, nil
	case r.now().Sub(claim.ClaimedAt) > longestRenewal:
		return false, nil
	}
	gone, err := r.queue.Gone(ctx, claim.Node)
	return !gone, err
}

// waitForRenewal ends the job. The next one looks again.
func (n renewer) waitForRenewal(ctx context.Context) error {
	r := n.run
	r.log.InfoContext(ctx, "another job renews the access", "sync", r.sync.ID)
	r.sync.Progress.Renewed = false
	err := r.write(ctx, func(tx *store.Tx) error { return r.handOver(ctx, tx, r.now().Add(renewalPause)) })
	if err != nil {
		return err
	}
	return errHandedOver
}

// refresh renews the access at the bank, which this job has claimed. It stores the new access
// before anything uses it: the bank may have voided the old one. Neither the end of the job
// nor that of its node's signs of life ends a renewal that was sent.
func (n renewer) refresh(ctx context.Context, refresher bank.Refresher) error {
	r := n.run
	sent := r.call.Access
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.callTime())
	defer cancel()
	var access bank.Access
	var err error
	collected(limited, r, renewsAccess, 0, func(ctx context.Context) error {
		access, err = refresher.Refresh(ctx, sent)
		return err
	})
	if err != nil {
		keepErr := n.keep(ctx, func(ctx context.Context, tx *store.Tx) error {
			return store.RenewalsOf(tx).End(ctx, r.channel.ID, r.queue.Node())
		})
		return errors.Join(n.unlessRenewed(ctx, err), keepErr)
	}
	var guard error
	err = n.keep(ctx, func(ctx context.Context, tx *store.Tx) error {
		stored, err := r.engine.accessIn(ctx, tx.Read(), r.channel.ID)
		if err != nil {
			return err
		}
		if stored.Token != sent.Token || stored.RefreshToken != sent.RefreshToken {
			return errRenewed // by a new consent: it is the one to use
		}
		err = r.engine.SaveAccess(ctx, tx, r.channel.ID, access)
		if err != nil {
			return err
		}
		guard = r.queue.Guard(ctx, tx)
		if guard == nil {
			guard = r.fence(ctx, tx)
		}
		if errors.Is(guard, store.ErrSuperseded) || errors.Is(guard, ErrTakenOver) {
			return nil // the access is good whoever uses it
		}
		return guard
	})
	if err == nil {
		err = guard
	}
	if err == nil {
		r.call.Access = access
	}
	return err
}

// unlessRenewed returns errRenewed in place of a bank's refusal if another access is stored.
func (n renewer) unlessRenewed(ctx context.Context, refusal error) error {
	r := n.run
	if bank.AsFailure(refusal).Kind != bank.AccessLost {
		return refusal
	}
	stored, err := r.engine.Access(ctx, r.channel.ID)
	if err == nil && stored.Token != r.call.Access.Token {
		return errRenewed
	}
	return errors.Join(refusal, err)
}

// keep runs a transaction about the outcome of a renewal, whether or not the job still runs.
// While the database or the keeper of the master key is away, the outcome is in memory only.
func (n renewer) keep(ctx context.Context, change func(ctx context.Context, tx *store.Tx) error) error {
	r := n.run
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepingTime)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := r.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error { return change(ctx, tx) })
		if !store.Unreachable(err) && !errors.Is(err, vault.ErrAway) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// renewing holds the channels whose access this process renews at this moment.
type renewing struct {
	mutex    sync.Mutex
	channels map[oxlin.ChannelID]bool
}

// begin reports whether no other job of this process renews the channel's access.
func (r *renewing) begin(id oxlin.ChannelID) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.channels[id] {
		return false
	}
	r.channels[id] = true
	return true
}

func (r *renewing) end(id oxlin.ChannelID) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.channels, id)
}

func (r *renewing) has(id oxlin.ChannelID) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.channels[id]
}
