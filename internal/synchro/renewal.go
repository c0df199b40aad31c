package synchro

import (
	"context"
	"net/http"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
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
	authorizer, ok := r.connector.(bank.Authorizer)
	if !ok || !r.mayRenew(bank.AsFailure(err)) {
		return answer, err
	}
	r.log.InfoContext(ctx, "the bank refuses an access before its time", "sync", r.sync.ID, "error", err)
	r.sync.Progress.Renewed = true
	err = r.renew(ctx, authorizer)
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
	authorizer, ok := r.connector.(bank.Authorizer)
	access := r.call.Access
	if !ok || !access.Due(r.now()) || access.RefreshToken.IsZero() && r.now().Before(access.TokenUntil) {
		return nil // a token that cannot be renewed serves to its end
	}
	err := r.renew(ctx, authorizer)
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
	return access.ConsentUntil.IsZero() || r.now().Before(access.ConsentUntil)
}

// mayBeOneAccount reports whether a refusal may concern the requested account alone:
// banks refuse one account with the same answer by which they end a consent.
func mayBeOneAccount(failure *bank.Failure) bool {
	return failure.Kind == bank.AccessLost && failure.Status == http.StatusForbidden
}

// renew replaces an access that is due or that the bank refuses. If a second job of the
// same run has renewed it before, renew takes the access which that job stored, because
// the bank may accept a refresh token only once.
func (r *run) renew(ctx context.Context, authorizer bank.Authorizer) error {
	renewed, err := r.takeRenewed(ctx)
	if err != nil || renewed {
		return err
	}
	access, err := r.refresh(ctx, authorizer, r.call.Access)
	if err == nil {
		r.call.Access = access
		return nil
	}
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
	stored, err := r.engine.access(ctx, r.channel.ID)
	if err != nil || stored.Token == r.call.Access.Token {
		return false, err
	}
	r.call.Access = stored
	return true, nil
}

// refresh renews the access at the bank. It stores the new access before anything
// uses it: the bank may have voided the old one.
func (r *run) refresh(ctx context.Context, authorizer bank.Authorizer, access bank.Access) (bank.Access, error) {
	limited, cancel := context.WithTimeout(ctx, r.callTime())
	defer cancel()
	access, err := authorizer.Refresh(limited, access)
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
