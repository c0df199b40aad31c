package synchro

import (
	"context"
	"net/http"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
)

// inquire puts a question to the bank. Banks end access tokens before their time, at
// a restart or a rotation: before the user is troubled, the access is renewed, once a
// synchronisation, and the question repeated. That is not counted as another access:
// a question that was refused has read nothing.
func inquire[T any](ctx context.Context, e *Engine, r *run, question func(bank.Call) (T, error)) (T, error) {
	answer, err := question(r.call)
	authorizer, ok := r.connector.(bank.Authorizer)
	if err == nil || !ok || !e.endedEarly(r, bank.AsFailure(err)) {
		return answer, err
	}
	e.log.InfoContext(ctx, "the bank refuses an access before its time", "sync", r.sync.ID, "error", err)
	err = e.renew(ctx, r, authorizer)
	if err != nil {
		return answer, renewalError{err}
	}
	err = e.askMore(ctx, r, "")
	if err != nil {
		return answer, renewalError{err}
	}
	return question(r.call)
}

// renewalError is what went wrong between a refused question and its repetition: it
// concerns the whole channel, whichever account the question was about.
type renewalError struct{ error }

func (e renewalError) Unwrap() error { return e.error }

// endedEarly says whether a failure may be healed by a new access token.
func (e *Engine) endedEarly(r *run, failure *bank.Failure) bool {
	access := r.call.Access
	switch {
	case failure.Kind != bank.AccessLost, r.sync.Progress.Renewed, access.RefreshToken.IsZero():
		return false
	case r.sync.Progress.Listed && ofOneAccount(failure):
		// The token was good enough for the list.
		return false
	}
	return access.ConsentUntil.IsZero() || e.now().Before(access.ConsentUntil)
}

// ofOneAccount says whether a refusal may mean the account that was asked for alone:
// banks refuse one account with the words by which they end a consent.
func ofOneAccount(failure *bank.Failure) bool {
	return failure.Kind == bank.AccessLost && failure.Status == http.StatusForbidden
}

// renew gets a new access in place of one that the bank refuses. A run that was
// believed dead may have a second job, which was quicker: then the access that it
// stored is used, since the bank may take a refresh token only once.
func (e *Engine) renew(ctx context.Context, r *run, authorizer bank.Authorizer) error {
	renewed, err := e.renewedMeanwhile(ctx, r)
	if err != nil || renewed {
		return err
	}
	r.sync.Progress.Renewed = true
	access, err := e.refresh(ctx, r, authorizer, r.call.Access)
	if err == nil {
		r.call.Access = access
		return nil
	}
	// Nothing was renewed: where the bank is only down, the next job tries again.
	r.sync.Progress.Renewed = false
	if bank.AsFailure(err).Kind != bank.AccessLost {
		return err
	}
	renewed, lookErr := e.renewedMeanwhile(ctx, r)
	if lookErr != nil || renewed {
		return lookErr
	}
	return err
}

// renewedMeanwhile takes the access that another job of this run has renewed, if one
// has. A run that has ended must not use up its successor's refresh token.
func (e *Engine) renewedMeanwhile(ctx context.Context, r *run) (bool, error) {
	sync, err := e.db.Read().Synchronisation(ctx, r.sync.ID)
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
	r.call.Access, err = e.access(ctx, r.channel.ID)
	return true, err
}
