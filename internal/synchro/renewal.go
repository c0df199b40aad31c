package synchro

import (
	"context"
	"net/http"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// withRenewal calls the bank. If the bank refuses an access token before its end, as
// banks do after a restart or a key rotation, it renews the access and repeats the
// call, once a synchronisation. The repeated call is not counted as another access:
// the refused one has read nothing.
func withRenewal[T any](ctx context.Context, r *run, call func(bank.Call) (T, error)) (T, error) {
	answer, err := call(r.call)
	authorizer, ok := r.connector.(bank.Authorizer)
	if err == nil || !ok || !r.mayRenew(bank.AsFailure(err)) {
		return answer, err
	}
	r.log.InfoContext(ctx, "the bank refuses an access before its time", "sync", r.sync.ID, "error", err)
	err = r.renew(ctx, authorizer)
	if err != nil {
		return answer, renewalError{err}
	}
	err = r.beforeFollowUp(ctx, "")
	if err != nil {
		return answer, renewalError{err}
	}
	return call(r.call)
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
	return access.ConsentUntil.IsZero() || r.now().Before(access.ConsentUntil)
}

// mayBeOneAccount reports whether a refusal may concern the requested account alone:
// banks refuse one account with the same answer by which they end a consent.
func mayBeOneAccount(failure *bank.Failure) bool {
	return failure.Kind == bank.AccessLost && failure.Status == http.StatusForbidden
}

// renew replaces an access that the bank refuses. If a second job of the same run has
// renewed it before, renew takes the access which that job stored, because the bank
// may accept a refresh token only once.
func (r *run) renew(ctx context.Context, authorizer bank.Authorizer) error {
	renewed, err := r.takeRenewed(ctx)
	if err != nil || renewed {
		return err
	}
	r.sync.Progress.Renewed = true
	access, err := r.refresh(ctx, authorizer, r.call.Access)
	if err == nil {
		r.call.Access = access
		return nil
	}
	// Nothing was renewed: if the bank is only unavailable, the next job tries again.
	r.sync.Progress.Renewed = false
	if bank.AsFailure(err).Kind != bank.AccessLost {
		return err
	}
	renewed, takeErr := r.takeRenewed(ctx)
	if takeErr != nil || renewed {
		return takeErr
	}
	return err
}

// takeRenewed takes the access that another job of this run has renewed, and reports
// whether there is one. A run that has ended must not use its successor's refresh
// token.
func (r *run) takeRenewed(ctx context.Context) (bool, error) {
	sync, err := r.db.Read().Synchronisation(ctx, r.sync.ID)
	if err != nil {
		return false, err
	}
	if sync.State == oxlin.SyncEnded {
		return false, store.ErrSuperseded
	}
	if !sync.Progress.Renewed {
		return false, nil
	}
	r.sync.Progress.Renewed = true
	r.call.Access, err = r.engine.access(ctx, r.channel.ID)
	return true, err
}

// refresh renews the access at the bank. It stores the new access before anything
// uses it: the bank may have voided the old one.
func (r *run) refresh(ctx context.Context, authorizer bank.Authorizer, access bank.Access) (bank.Access, error) {
	access, err := authorizer.Refresh(ctx, access)
	if err != nil {
		return access, err
	}
	return access, r.write(ctx, func(tx *store.Tx) error {
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		return r.engine.SaveAccess(ctx, tx, r.channel.ID, access)
	})
}
