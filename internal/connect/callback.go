package connect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

const (
	// exchangeTime bounds the exchange of a code. It is longer than the timeout of requests
	// to a bank.
	exchangeTime = 33 * time.Second
	// abandonedAfter is the age at which a claim without an outcome is a crashed node's.
	// It is longer than exchangeTime, and shorter than waitTime: the request that comes back
	// after a crash takes the claim over.
	abandonedAfter = 36 * time.Second
	// holdEvery is how often the node that works on a claim writes it again, and silentFor
	// for how long another node sees it unchanged until the first one has crashed. Clocks of
	// two nodes are not compared.
	holdEvery = time.Second
	silentFor = 4 * time.Second
	// watchGap is how far two looks at a claim may be apart: the database may have been away
	// between them.
	watchGap = 3 * time.Second
	// claimLife is how long a claimed authorization stays without an outcome.
	claimLife = flightTime + 5*time.Minute
	// repeatTime is how long a callback is answered again (contract §12.10).
	repeatTime = 10 * time.Minute
)

// Callback is the return of a user from a bank.
type Callback struct {
	// State is the parameter by which the authorization is found.
	State string
	// Query and Fragment are the whole of what the bank sent.
	Query, Fragment url.Values
	// Browser is the value of the cookie that the browser got when it left; zero without one.
	Browser oxlin.Secret
	// PSU is the user whose browser it is.
	PSU *oxlin.PSU
	// Continue, where given, returns the address at which a widget's flow continues, after
	// it has recorded the result there. It may be called again after an error of the
	// database, and after the request has ended.
	Continue func(context.Context, CallbackResult) (address string, err error)
}

func (c Callback) back() bank.Return { return bank.Return{Query: c.Query, Fragment: c.Fragment} }

// returnHash identifies what the bank sent with the state.
func returnHash(back bank.Return) []byte {
	code, refusal := back.Get("code"), back.Get("error")
	if code == "" && refusal == "" {
		return answerHash("return", back.Query.Encode(), back.Fragment.Encode())
	}
	return answerHash(code, refusal) // what a bank adds may differ when the callback is repeated
}

func answerHash(parts ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sum[:]
}

// CallbackResult is where a user goes after the callback: the contract's query
// parameters are added to URI (contract §6.4, §11).
type CallbackResult struct {
	// URI is empty if the client gave none: then we show our own page.
	URI          string
	ConnectionID oxlin.ConnectionID
	QueueID      oxlin.QueueID
	// Status is success, error or cancelled; Result refines it.
	Status           string
	Result           string
	ErrorDescription string
	// FlowID is the flow of our widget that continues; zero for none.
	FlowID oxlin.FlowID
	// Continued is the address of Callback.Continue.
	Continued string
	// ClientState is the state that the client gets back in mode A.
	ClientState string
	// Key names the authorization.
	Key string
	// Bound is set if the browser is the one that left, or if any browser may return.
	Bound bool
	// Repeated is set if the callback was answered before.
	Repeated bool
	// Question is the secret of the question that the browser has to answer first. Then the
	// access is attached to nothing.
	Question oxlin.Secret
	// Unconfirmed is the reason for which the access went back after a question: ReturnRefused
	// or ReturnUnanswered.
	Unconfirmed string
	// Address is where the browser goes next on its way in: the bank's page or, with Page set,
	// a page of ours. Then Status is StatusOnward.
	Address string
	Page    bool
	// next is the hash of the state of the authorization that goes on.
	next string
	// failure is the cause of Status error, for mode B.
	failure error
}

// StatusOnward is the status of a return after which the way in goes on.
const StatusOnward = "onward"

// outcome is the part of a CallbackResult that is stored with an authorization.
type outcome struct {
	Status           string             `json:"status"`
	Result           string             `json:"result"`
	ErrorDescription string             `json:"error_description,omitempty"`
	ConnectionID     oxlin.ConnectionID `json:"connection_id,omitempty"`
	Unconfirmed      string             `json:"unconfirmed,omitempty"`
	// Next is the hash of the state of the authorization that goes on (StatusOnward).
	Next string `json:"next,omitempty"`
}

// errClaimed means that another node is finishing the authorization.
var errClaimed = errors.New("another request is finishing the authorization")

// Finish handles a user's return from the bank (mode A): it makes or renews the
// connection and starts its synchronisation. An unknown, used or expired state is
// CodeAuthorizationExpired; the result reports every other failure. In another browser than
// the one that left, the result has a Question instead (confirm.go).
//
// The same callback gets the same result for repeatTime (contract §12.10). CodeUnavailable means that the work goes on in the background while
// the database is away: the caller repeats the callback.
func (a *Authorizations) Finish(ctx context.Context, callback Callback) (CallbackResult, error) {
	hash := hashState(callback.State)
	// What a browser gets depends on its cookie, so browsers share no flight.
	key := "callback " + string(hash) + string(returnHash(callback.back())) + string(vault.HashToken(callback.Browser))
	return a.flights.join(ctx, key, func(ctx context.Context, f *flight) (CallbackResult, error) {
		result, err := a.finish(ctx, f, hash, callback)
		if err != nil || result.FlowID == 0 || callback.Continue == nil || !result.Question.IsZero() || result.Status == StatusOnward {
			return result, err
		}
		err = f.persist(ctx, func(ctx context.Context) (err error) {
			result.Continued, err = callback.Continue(ctx, result)
			return err
		})
		return result, err
	})
}

func (a *Authorizations) finish(ctx context.Context, f *flight, hash []byte, callback Callback) (CallbackResult, error) {
	begun, err := a.claim(ctx, f, hash, returnHash(callback.back()))
	if err != nil {
		return CallbackResult{}, err
	}
	bound, err := a.isBound(ctx, f, begun, callback.Browser)
	if err != nil {
		return CallbackResult{}, err
	}
	result, err := a.finishClaimed(ctx, f, begun, callback, bound)
	result.Bound = bound
	switch {
	case err != nil || bound:
	case result.Repeated:
		a.audit.Note(ctx, elsewhere(begun, elsewhereRepeated))
	case result.Status != statusHeld: // that entry belongs to the transaction
		a.audit.Note(ctx, elsewhere(begun, result.Status))
	}
	return result, err
}

func (a *Authorizations) finishClaimed(ctx context.Context, f *flight, begun store.Authorization, callback Callback, bound bool) (CallbackResult, error) {
	if begun.Outcome != "" {
		return a.finished(ctx, f, begun, callback, bound)
	}
	return a.redeem(ctx, f, begun, bank.Input{Event: bank.Returned, Return: callback.back(), PSU: callback.PSU}, bound)
}

// finished is the result of a callback that has been answered before. If its access is held,
// the browser that left gets it without a question.
func (a *Authorizations) finished(ctx context.Context, f *flight, begun store.Authorization, callback Callback, bound bool) (CallbackResult, error) {
	result, err := repeated(begun)
	if err == nil && result.Status == StatusOnward {
		return ways{a}.follow(ctx, f, result, callback)
	}
	result.Repeated = true
	if err != nil || result.Status != statusHeld {
		return result, err
	}
	if !bound {
		result.Question, err = a.questionOf(begun)
		return result, err
	}
	err = f.persist(ctx, func(ctx context.Context) error {
		held, err := store.HeldAccessesOf(a.db.Read()).ByState(ctx, begun.StateHash)
		if oxlin.IsNotFound(err) {
			return oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
		}
		if err != nil {
			return err
		}
		against := ""
		if over(a.core, held.ExpiresAt) {
			against = ReturnUnanswered
		}
		result, err = a.decide(ctx, held, begun, callback.PSU, against, nil)
		return err
	})
	return result, err
}

// resultOf is the result of an authorization, without its status.
func resultOf(begun store.Authorization) CallbackResult {
	return CallbackResult{
		URI: begun.ReturnURI, ConnectionID: begun.ConnectionID, QueueID: begun.QueueID, FlowID: begun.FlowID, ClientState: begun.ClientState,
		Key: hex.EncodeToString(begun.StateHash[:8]),
	}
}

// repeated is the result of an authorization that is finished.
func repeated(begun store.Authorization) (CallbackResult, error) {
	var stored outcome
	err := json.Unmarshal([]byte(begun.Outcome), &stored)
	if err != nil {
		return CallbackResult{}, fmt.Errorf("outcome of an authorization: %w", err)
	}
	result := resultOf(begun)
	result.Status, result.Result, result.ErrorDescription = stored.Status, stored.Result, stored.ErrorDescription
	result.ConnectionID, result.Unconfirmed, result.next = stored.ConnectionID, stored.Unconfirmed, stored.Next
	return result, nil
}

// failed is the result of a return that gives no access. The bank's own words are shown where
// it sent them with the user.
func (r CallbackResult) failed(back bank.Return, err error) CallbackResult {
	shown := oxlin.AsError(err)
	r.Status, r.Result, r.ErrorDescription, r.failure = "error", "bank_error", shown.Message, err
	told := strings.TrimSpace(back.Get("error") + " " + back.Get("error_description"))
	switch {
	case told != "":
		r.ErrorDescription = told
	case errors.Is(err, bank.ErrNoCode):
		r.ErrorDescription = "The bank sent neither a code nor an error."
	}
	var failure *bank.Failure
	if errors.As(err, &failure) {
		switch failure.Kind {
		case bank.ChallengeCancelled:
			r.Status, r.Result = "cancelled", "cancelled"
		case bank.ChallengeTimedOut:
			r.Result = "expired"
		}
	}
	return r
}

// claim reserves an authorization for this flight, so that its code is exchanged once. An
// authorization that is finished is returned with its Outcome, if the bank's answer is the
// same. While another node finishes it, claim waits.
func (a *Authorizations) claim(ctx context.Context, f *flight, hash, answer []byte) (begun store.Authorization, err error) {
	by := make([]byte, 16)
	_, err = io.ReadFull(a.random, by)
	if err != nil {
		return begun, err
	}
	var watched watch
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err = f.persist(ctx, func(ctx context.Context) error {
			return a.db.Write(ctx, func(tx *store.Tx) (err error) {
				begun, f.takesOver, err = a.claimIn(ctx, tx, hash, answer, by, watched)
				return err
			})
		})
		watched = watched.sees(begun.ClaimedAt, a.now())
		if !errors.Is(err, errClaimed) {
			break
		}
		select {
		case <-ctx.Done():
			return begun, unavailable(err)
		case <-f.closing:
			return begun, unavailable(err)
		case <-time.After(pause):
		}
	}
	if oxlin.IsNotFound(err) {
		err = oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	}
	return begun, err
}

// watch holds the observations of another node's claim.
type watch struct{ claimedAt, since, last time.Time }

// sees returns the watch after another look.
func (w watch) sees(claimedAt, now time.Time) watch {
	if !claimedAt.Equal(w.claimedAt) || w.since.IsZero() || now.Sub(w.last) > watchGap {
		return watch{claimedAt: claimedAt, since: now, last: now}
	}
	w.last = now
	return w
}

// isSilent reports whether nobody has written the claim for so long that its node has crashed.
func (w watch) isSilent(claimedAt, now time.Time) bool {
	return !w.since.IsZero() && claimedAt.Equal(w.claimedAt) && now.Sub(w.last) <= watchGap && now.Sub(w.since) >= silentFor
}

// claimIn reports whether it takes over the claim of a crashed node.
func (a *Authorizations) claimIn(ctx context.Context, tx *store.Tx, hash, answer, by []byte, watched watch) (_ store.Authorization, takesOver bool, _ error) {
	now := a.now()
	begun, err := tx.Read().Authorization(ctx, hash)
	if err != nil {
		return begun, false, err
	}
	other := len(begun.Answer) > 0 && !bytes.Equal(begun.Answer, answer)
	if over(a.core, begun.ExpiresAt) || other {
		return begun, false, oxlin.NotFound("authorisation")
	}
	if begun.Outcome != "" || bytes.Equal(begun.ClaimedBy, by) {
		return begun, false, nil
	}
	claim := begun
	claim.ClaimedBy, claim.ClaimedAt, claim.Answer, claim.ExpiresAt = by, now, answer, now.Add(claimLife)
	abandoned := a.abandonedBefore(now)
	if watched.isSilent(begun.ClaimedAt, now) {
		abandoned = begun.ClaimedAt
	}
	claimed, err := tx.ClaimAuthorization(ctx, claim, abandoned)
	if err == nil && !claimed {
		return begun, false, errClaimed
	}
	return claim, len(begun.ClaimedBy) > 0, err
}

// abandonedBefore returns the instant before which a claim without an outcome is a crashed
// node's. SQLite belongs to one node: there, every claim before its start is.
func (a *Authorizations) abandonedBefore(now time.Time) time.Time {
	before := now.Add(-abandonedAfter)
	if start := a.startedAt.Add(-time.Microsecond); a.db.SQLite() != nil && before.Before(start) {
		return start // a claim of the instant of the start is this process's own
	}
	return before
}

// hold writes a claim again and again until the returned function is called, so that other
// nodes see that this one works on it.
func (a *Authorizations) hold(ctx context.Context, claim store.Authorization) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(holdEvery)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			// What fails now is tried again with the next tick.
			_, _ = try(ctx, func(ctx context.Context) error {
				return a.db.Write(ctx, func(tx *store.Tx) error {
					now, err := tx.Read().Authorization(ctx, claim.StateHash)
					if err != nil || now.Outcome != "" || !bytes.Equal(now.ClaimedBy, claim.ClaimedBy) {
						return err
					}
					now.ClaimedAt = a.now()
					_, err = tx.ClaimAuthorization(ctx, now, now.ClaimedAt)
					return err
				})
			})
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// redeem continues a way in. If it leads to the access, redeem stores that with the connection
// and starts listing the accounts; if the browser is not the one that left, it holds the
// access. An access that cannot be stored is handed back to the bank. If the way goes on, the
// result leads to its next step.
func (a *Authorizations) redeem(ctx context.Context, f *flight, begun store.Authorization, input bank.Input, bound bool) (CallbackResult, error) {
	result, back, psu := resultOf(begun), input.Return, input.PSU
	release := a.hold(ctx, begun)
	defer release()
	ctx = audit.As(ctx, audit.User, "")
	done, _ := a.spool.work(begun.StateHash)
	defer done()
	taken, err := a.take(ctx, f, begun, input, bound)
	access, bound := taken.access, taken.bound
	defer func() {
		for _, entry := range f.trail { // nothing was stored
			a.audit.Note(ctx, entry)
		}
	}()
	if err == nil && taken.step != nil {
		release() // the claim ends with the step
		result, err = ways{a}.goOn(ctx, f, begun, taken)
	} else if err == nil {
		if bound {
			result, err = a.keepAccess(ctx, f, begun, access, psu)
		} else {
			result, err = a.holdAccess(ctx, f, begun, access)
		}
		if err != nil {
			a.discard(ctx, begun, access)
		}
	}
	if err == nil {
		a.forget(ctx, begun)
		return result, nil
	}
	a.log.WarnContext(ctx, "the bank's callback failed", "provider", begun.ProviderID, "user", begun.UserID, "error", err)
	shown := oxlin.AsError(err)
	if shown.Code == oxlin.CodeUnavailable {
		return result, err
	}
	if input.Event == bank.Ticked && bank.AsFailure(err).Transient() && isFailure(err) {
		release()
		return ways{a}.tickLater(ctx, f, begun)
	}
	if f.takesOver && shown.Code == oxlin.CodeBankRefused && back.Get("error") == "" {
		// The crashed node may have spent the code: the user begins again. A repeat learns
		// so at once, and does not wait for a claim that nobody works on.
		a.expire(ctx, f, begun)
		return result, oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	}
	if begun.FlowID != 0 && oxlin.IsNotFound(err) {
		return result, oxlin.DefaultError(oxlin.CodeAuthorizationExpired) // the user has left the bank's page behind
	}
	result = resultOf(begun).failed(back, err)
	saveErr := a.saveOutcome(ctx, f, begun, result)
	if saveErr != nil {
		a.log.WarnContext(ctx, "the outcome of an authorization was not stored", "user", begun.UserID, "error", saveErr)
	}
	return result, nil
}

// keepAccess stores the access of a claimed authorization, and its outcome with it. While
// the database is away, the access is in memory and in its file.
func (a *Authorizations) keepAccess(ctx context.Context, f *flight, begun store.Authorization, access bank.Access, psu *oxlin.PSU) (CallbackResult, error) {
	var result CallbackResult
	var stored bool
	err := f.persist(ctx, func(ctx context.Context) error {
		stored = false
		return a.db.WriteFor(ctx, begun.UserID, func(tx *store.Tx) error {
			now, err := tx.Read().Authorization(ctx, begun.StateHash)
			if err != nil {
				return err // the flow or the connection has ended meanwhile
			}
			if now.Outcome != "" {
				result, err = repeated(now)
				if err == nil && !bytes.Equal(now.ClaimedBy, begun.ClaimedBy) && result.Status == "success" {
					err = errClaimed
				}
				if err != nil || result.Status == "success" {
					return err // the commit of an earlier attempt succeeded
				}
			}
			result, err = a.attach(ctx, tx, begun, access, psu)
			if err != nil {
				return err
			}
			stored = true
			return a.finishIn(ctx, tx, f.trail, begun, result)
		})
	})
	if err == nil && stored {
		f.trail = nil
	}
	return result, err
}

// saveOutcome stores the outcome of a claimed authorization.
func (a *Authorizations) saveOutcome(ctx context.Context, f *flight, begun store.Authorization, result CallbackResult) error {
	stored := false
	err := f.persist(ctx, func(ctx context.Context) error {
		stored = false
		return a.db.Write(ctx, func(tx *store.Tx) error {
			now, err := tx.Read().Authorization(ctx, begun.StateHash)
			if oxlin.IsNotFound(err) || err == nil && now.Outcome != "" {
				return nil
			}
			if err != nil {
				return err
			}
			stored = true
			return a.finishIn(ctx, tx, f.trail, begun, result)
		})
	})
	if err == nil && stored {
		f.trail = nil
	}
	return err
}

// expire ends a claimed authorization whose code nobody can use any more.
func (a *Authorizations) expire(ctx context.Context, f *flight, begun store.Authorization) {
	err := f.persist(ctx, func(ctx context.Context) error {
		return a.db.Write(ctx, func(tx *store.Tx) error {
			now, err := tx.Read().Authorization(ctx, begun.StateHash)
			if oxlin.IsNotFound(err) || err == nil && now.Outcome != "" {
				return nil
			}
			if err != nil {
				return err
			}
			begun.ExpiresAt = a.now()
			return tx.FinishAuthorization(ctx, begun)
		})
	})
	if err != nil {
		a.log.WarnContext(ctx, "an authorization was not ended", "user", begun.UserID, "error", err)
	}
}

// finishIn stores the outcome of an authorization, and records it with the requests to the
// bank.
func (a *Authorizations) finishIn(ctx context.Context, tx *store.Tx, trail []audit.Entry, begun store.Authorization, result CallbackResult) error {
	entry := audit.Entry{
		Action: audit.BankReturned, Actor: audit.User, User: begun.UserID, Client: begun.ClientID, Connection: result.ConnectionID,
		Details: audit.Details{
			audit.Provider: string(begun.ProviderID), audit.Channel: string(begun.DefinitionID), audit.Status: result.Result, audit.Flow: flowName(begun.FlowID),
		},
	}
	switch result.Status {
	case "cancelled":
		entry.Outcome = audit.Refused
	case "error":
		entry.Outcome = audit.Failed
	}
	trail = slices.Clone(trail)
	for i := range trail {
		trail[i].Connection = result.ConnectionID
	}
	err := a.audit.Record(ctx, tx, append(trail, entry)...)
	if err != nil {
		return err
	}
	return a.finishUntil(ctx, tx, begun, result, a.now().Add(repeatTime))
}

// finishUntil stores the outcome of an authorization, and keeps it until an instant.
func (a *Authorizations) finishUntil(ctx context.Context, tx *store.Tx, begun store.Authorization, result CallbackResult, until time.Time) error {
	err := ways{a}.close(ctx, tx, begun, result.Status)
	if err != nil {
		return err
	}
	text, err := json.Marshal(outcome{
		Status: result.Status, Result: result.Result, ErrorDescription: result.ErrorDescription, ConnectionID: result.ConnectionID,
		Unconfirmed: result.Unconfirmed, Next: result.next,
	})
	if err != nil {
		return err
	}
	begun.Outcome, begun.ExpiresAt = string(text), until
	return tx.FinishAuthorization(ctx, begun)
}

// handBack revokes an access that could not be stored: by a job, and by a call from here if
// the database is still away. It reports whether the bank or a job has it.
func (a *Authorizations) handBack(ctx context.Context, begun store.Authorization, access bank.Access) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handBackTime)
	defer cancel()
	_, err := try(ctx, func(ctx context.Context) error {
		return a.db.Write(ctx, func(tx *store.Tx) error {
			return synchro.RevokeUnstored(ctx, a.engine, tx, begun.UserID, begun.ProviderID, begun.DefinitionID, access)
		})
	})
	if err != nil {
		err = a.revokeNow(ctx, begun, access)
	}
	if err != nil {
		a.log.ErrorContext(ctx, "an access that was not stored was not handed back", "provider", begun.ProviderID, "user", begun.UserID, "error", err)
	}
	return err == nil
}

// handBackTime bounds handBack. The process may be waiting for it to stop.
const handBackTime = 15 * time.Second

// errMayBeShared keeps a renewed access until the database is back: only there is the consent of the stored one,
// which may be the same.
var errMayBeShared = errors.New("the consent may be that of a stored access")

// revokeNow calls a bank that can revoke access.
func (a *Authorizations) revokeNow(ctx context.Context, begun store.Authorization, access bank.Access) error {
	connector, err := a.catalogue.Connector(begun.ProviderID, begun.DefinitionID)
	if err != nil {
		return err
	}
	revoker, ok := connector.(bank.Revoker)
	if !ok {
		return nil
	}
	_, shares := connector.(bank.Sharer)
	if shares && begun.ConnectionID != 0 {
		return errMayBeShared
	}
	for pause := 500 * time.Millisecond; ; pause *= 2 {
		err = revoker.Revoke(ctx, access)
		if err == nil || !bank.AsFailure(err).Transient() {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// bankRefused is a bank's failure as a client sees it, without the bank's words.
func bankRefused(err error) error {
	failure := bank.AsFailure(err)
	code := oxlin.CodeBankRefused
	switch failure.Kind {
	case bank.Unavailable, bank.RateLimited:
		code = oxlin.CodeProviderUnavailable
	case bank.Nonsense:
		code = oxlin.CodeBankError
	}
	refused := oxlin.DefaultError(code)
	refused.RetryAfter, refused.Err = failure.RetryAfter, err
	return refused
}

// storeAccess makes or renews the connection of an authorization, stores the new
// access with its channel and starts listing the accounts.
func (a *Authorizations) storeAccess(ctx context.Context, tx *store.Tx, begun store.Authorization, access bank.Access, psu *oxlin.PSU) (oxlin.ConnectionID, error) {
	flow, err := flowOf(ctx, tx, begun)
	if err != nil {
		return 0, err
	}
	if flow.ConnectionID != 0 {
		// Two authorizations in one flow make one connection.
		begun.ConnectionID = flow.ConnectionID
	}
	id, channel, err := a.channelOf(ctx, tx, begun)
	if err != nil {
		return 0, err
	}
	err = synchro.RevokeReplaced(ctx, a.engine, tx, begun.ProviderID, channel, access)
	if err != nil {
		return 0, err
	}
	err = a.engine.SaveAccess(ctx, tx, channel.ID, access)
	if err != nil {
		return 0, err
	}
	channel.ConsentUntil, channel.Failures = access.ConsentUntil, 0
	err = a.engine.Supersede(ctx, tx, channel.ID)
	if err != nil {
		return 0, err
	}
	if flow.ID != 0 {
		_, err := tx.Widget().EnterFlow(ctx, flow.ID, flow.Attempt, id, begun.DefinitionID)
		if err != nil {
			return 0, err
		}
	}
	err = askIn(ctx, tx, &channel, flow.ID)
	if err != nil {
		return 0, err
	}
	return id, a.engine.Start(ctx, tx, channel, oxlin.SyncListAccounts, psu, oxlin.SyncProgress{})
}

// flowOf finds the widget flow of an authorization; it is zero for an authorization outside the widget.
func flowOf(ctx context.Context, tx *store.Tx, begun store.Authorization) (store.WidgetFlow, error) {
	if begun.FlowID == 0 {
		return store.WidgetFlow{}, nil
	}
	return tx.Read().WidgetFlow(ctx, begun.FlowID)
}

// channelOf finds the channel that an authorization is for, and inserts it, with its
// connection, where it is missing.
func (a *Authorizations) channelOf(ctx context.Context, tx *store.Tx, begun store.Authorization) (oxlin.ConnectionID, oxlin.Channel, error) {
	now := a.now()
	id := begun.ConnectionID
	if id == 0 {
		provider, _ := a.catalogue.Provider(begun.ProviderID)
		var err error
		id, err = tx.InsertConnection(ctx, oxlin.Connection{
			UserID: begun.UserID, ProviderID: begun.ProviderID, Name: provider.Name, AutoSync: begun.AutoSync,
			ConsentPerAccount: begun.ConsentPerAccount, CreatedAt: now,
		})
		if err != nil {
			return 0, oxlin.Channel{}, err
		}
	}
	connection, err := tx.Read().Connection(ctx, id)
	if err != nil {
		return 0, oxlin.Channel{}, err
	}
	channel, used := connection.Channel(begun.DefinitionID)
	if !used {
		channel, err = addChannel(ctx, tx, id, begun.DefinitionID, oxlin.ModeRedirect)
		if err != nil {
			return 0, oxlin.Channel{}, err
		}
	}
	if begun.ConnectionID == 0 {
		_, err = a.events.Record(ctx, tx, now, id, oxlin.EventConnectionCreated, "", oxlin.EventPayload{})
	}
	return id, channel, err
}
