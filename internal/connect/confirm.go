package connect

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

// An attacker begins an authorization and gets somebody else to open the bank's address. So
// a return counts at once only in the browser that left. In another one the access is held,
// sealed and attached to nothing, until whoever is there answers a question. The secret in
// the question's address is known to the browser that the bank has sent back alone.

// confirmTime is how long an access is held for an answer.
const confirmTime = 10 * time.Minute

// statusHeld is the status of an authorization whose access is held.
const statusHeld = "held"

// The reasons for which a held access goes back to its bank.
const (
	// ReturnRefused means that the answer was no.
	ReturnRefused = "not_confirmed"
	// ReturnUnanswered means that there was no answer in time.
	ReturnUnanswered = "not_answered"
)

// Departure is a user's way to the bank.
type Departure struct {
	// Address is the bank's login.
	Address string
	// Key names the journey in its cookie, and Browser is the value of the cookie; it is zero
	// outside of the widget, where a page of the client leaves for the bank.
	Key     string
	Browser oxlin.Secret
	// Life is how long the user may take.
	Life time.Duration
}

// ReturnKey returns the name of a journey by the state that the bank gives back.
func ReturnKey(state string) string { return hex.EncodeToString(hashState(state)[:8]) }

// RepeatTime is how long a callback is answered again after its first answer.
const RepeatTime = repeatTime

// Tell records in a widget's flow how its return ended, in the transaction that ends it.
type Tell func(ctx context.Context, tx *store.Tx, result CallbackResult) error

// ReturnQuestion is the question to whoever came back in another browser than the one that left.
type ReturnQuestion struct {
	ProviderID oxlin.ProviderID
	Client     oxlin.Client
	// BegunAt and Device are those of the browser that left; Device is empty if unknown.
	BegunAt time.Time
	Device  string
	// Until is the end of the time to answer.
	Until time.Time
	// Result is how it ended; its Status is empty while the question is open.
	Result CallbackResult
}

// isBound reports whether a callback belongs to the browser that left. Where a client sends
// its users to the bank, the client knows its browsers, unless it wants the question.
func (a *Authorizations) isBound(ctx context.Context, f *flight, begun store.Authorization, browser oxlin.Secret) (bound bool, err error) {
	if begun.FlowID != 0 {
		// A release before the cookie began it: for an hour after an upgrade, no longer.
		before := len(begun.Browser) == 0
		return before || subtle.ConstantTimeCompare(vault.HashToken(browser), begun.Browser) == 1, nil
	}
	err = f.persist(ctx, func(ctx context.Context) error {
		client, err := a.db.Read().Client(ctx, begun.ClientID)
		bound = !client.ConfirmReturn
		return err
	})
	return bound, err
}

// The kinds of BankReturnedElsewhere beside the statuses of a result: the access is held, the
// answer is yes, or the callback has been answered before.
const (
	elsewhereHeld      = statusHeld
	elsewhereConfirmed = "confirmed"
	elsewhereRepeated  = "repeated"
)

// elsewhere is the entry of the audit log about a return in another browser than the one that
// left, or about the end of its question.
func elsewhere(begun store.Authorization, kind string) audit.Entry {
	entry := audit.Entry{
		Action: audit.BankReturnedElsewhere, Actor: audit.Stranger, Client: begun.ClientID, User: begun.UserID, Connection: begun.ConnectionID,
		Details: audit.Details{audit.Kind: kind, audit.Provider: string(begun.ProviderID), audit.Channel: string(begun.DefinitionID)},
	}
	if begun.FlowID != 0 {
		entry.Details[audit.Flow] = begun.FlowID.String()
	}
	switch kind {
	case elsewhereHeld, ReturnRefused:
		entry.Outcome = audit.Refused
	case ReturnUnanswered:
		entry.Outcome, entry.Actor = audit.Refused, audit.Platform
	}
	return entry
}

// questionOf returns the secret in the address of a question. It follows from the callback, so
// that a callback that is repeated leads to the same question.
func (a *Authorizations) questionOf(begun store.Authorization) (oxlin.Secret, error) {
	mac, err := a.vault.MAC([]byte("question of a return\x00" + string(begun.StateHash) + "\x00" + string(begun.Answer)))
	return oxlin.NewSecret(base64.RawURLEncoding.EncodeToString(mac)), err
}

// holdAccess stores an access that came back in another browser, attached to nothing.
func (a *Authorizations) holdAccess(ctx context.Context, f *flight, begun store.Authorization, access bank.Access) (CallbackResult, error) {
	var question oxlin.Secret
	var sealed []byte
	err := f.persist(ctx, func(context.Context) (err error) {
		question, err = a.questionOf(begun)
		if err == nil {
			sealed, err = a.vault.SealSecret(access.Encode(), heldPlace(begun.StateHash))
		}
		return err
	})
	if err != nil {
		return CallbackResult{}, err
	}
	result := resultOf(begun)
	result.Status = statusHeld
	stored := false
	err = f.persist(ctx, func(ctx context.Context) error {
		stored = false
		return a.db.WriteFor(ctx, begun.UserID, func(tx *store.Tx) error {
			now, err := tx.Read().Authorization(ctx, begun.StateHash)
			if err != nil {
				return err // the flow or the connection has ended meanwhile
			}
			if now.Outcome != "" && bytes.Equal(now.ClaimedBy, begun.ClaimedBy) {
				return nil // the commit of an earlier attempt succeeded
			}
			if now.Outcome != "" {
				return errClaimed
			}
			until := a.now().Add(confirmTime)
			err = store.HeldIn(tx).Insert(ctx, store.HeldAccess{
				QuestionHash: vault.HashToken(question), StateHash: begun.StateHash, ProviderID: begun.ProviderID,
				DefinitionID: begun.DefinitionID, Access: sealed, ExpiresAt: until,
			})
			if err != nil {
				return err
			}
			err = a.audit.Record(ctx, tx, append(slices.Clone(f.trail), elsewhere(begun, elsewhereHeld))...)
			if err != nil {
				return err
			}
			stored = true
			return a.finishUntil(ctx, tx, begun, result, until.Add(repeatTime))
		})
	})
	if err == nil && stored {
		f.trail = nil
	}
	result.Question = question
	return result, err
}

// Ask returns the question with a secret. An unknown one is CodeAuthorizationExpired. tell is
// called if the time to answer is over.
func (a *Authorizations) Ask(ctx context.Context, secret oxlin.Secret, tell Tell) (ReturnQuestion, error) {
	return a.question(ctx, secret, func(held store.HeldAccess, begun store.Authorization) (CallbackResult, error) {
		if !over(a.core, held.ExpiresAt) {
			return CallbackResult{}, nil
		}
		return a.decide(ctx, held, begun, nil, ReturnUnanswered, tell)
	})
}

// Answer answers a question. A yes attaches the access, a no gives it back to the bank. Later
// answers change nothing: the result is that of the first.
func (a *Authorizations) Answer(ctx context.Context, secret oxlin.Secret, yes bool, psu *oxlin.PSU, tell Tell) (ReturnQuestion, error) {
	return a.question(ctx, secret, func(held store.HeldAccess, begun store.Authorization) (CallbackResult, error) {
		against := ""
		switch {
		case over(a.core, held.ExpiresAt):
			against = ReturnUnanswered
		case !yes:
			against = ReturnRefused
		}
		return a.decide(ctx, held, begun, psu, against, tell)
	})
}

// question finds a question, and calls open if it is not answered.
func (a *Authorizations) question(ctx context.Context, secret oxlin.Secret, open func(store.HeldAccess, store.Authorization) (CallbackResult, error)) (ReturnQuestion, error) {
	reader := a.db.Read()
	over := oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	held, err := store.HeldAccessesOf(reader).ByQuestion(ctx, vault.HashToken(secret))
	if oxlin.IsNotFound(err) {
		return ReturnQuestion{}, over
	}
	if err != nil {
		return ReturnQuestion{}, err
	}
	begun, err := reader.Authorization(ctx, held.StateHash)
	if oxlin.IsNotFound(err) {
		err = a.abandon(ctx, held)
		if err != nil {
			return ReturnQuestion{}, err
		}
		return ReturnQuestion{}, over
	}
	if err != nil {
		return ReturnQuestion{}, err
	}
	client, err := reader.Client(ctx, begun.ClientID)
	if err != nil {
		return ReturnQuestion{}, err
	}
	asked := ReturnQuestion{
		ProviderID: begun.ProviderID, Client: client, BegunAt: begun.CreatedAt, Device: begun.Device, Until: held.ExpiresAt,
	}
	if held.Answered {
		asked.Result, err = repeated(begun)
	} else {
		asked.Result, err = open(held, begun)
	}
	return asked, err
}

// decide ends a question: it attaches the access, or gives it back for a reason against it.
func (a *Authorizations) decide(ctx context.Context, held store.HeldAccess, begun store.Authorization, psu *oxlin.PSU, against string, tell Tell) (CallbackResult, error) {
	access, err := a.openHeld(held)
	if err != nil {
		return CallbackResult{}, err
	}
	var result CallbackResult
	err = a.db.WriteFor(ctx, begun.UserID, func(tx *store.Tx) error {
		now, err := tx.Read().Authorization(ctx, begun.StateHash)
		if err != nil {
			return err
		}
		first, err := store.HeldIn(tx).Answer(ctx, held.QuestionHash, a.now().Add(repeatTime))
		if err != nil {
			return err
		}
		if !first {
			result, err = repeated(now)
			return err
		}
		result = resultOf(begun)
		if against == "" {
			result, err = a.attach(ctx, tx, begun, access, psu)
		} else {
			result.unconfirmed(against)
			err = synchro.RevokeUnstored(ctx, a.engine, tx, begun.UserID, begun.ProviderID, begun.DefinitionID, access)
		}
		if err != nil {
			return err
		}
		err = a.finishIn(ctx, tx, nil, begun, result)
		if err != nil {
			return err
		}
		err = a.audit.Record(ctx, tx, elsewhere(begun, cmp.Or(against, elsewhereConfirmed)))
		if err != nil || tell == nil || begun.FlowID == 0 {
			return err
		}
		return tell(ctx, tx, result)
	})
	if oxlin.IsNotFound(err) { // the flow, the connection to renew or the user is deleted
		err = a.abandon(ctx, held)
		if err == nil {
			err = oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
		}
	}
	return result, err
}

// unconfirmed makes the result one of an access that went back to its bank.
func (r *CallbackResult) unconfirmed(against string) {
	r.Unconfirmed = against
	r.Status, r.Result = "cancelled", "cancelled"
	if against == ReturnUnanswered {
		r.Status, r.Result = "error", "expired"
		r.ErrorDescription = "Nobody confirmed the return from the bank within ten minutes."
	}
}

// attach stores the access of an authorization with its connection, which it makes or renews.
func (a *Authorizations) attach(ctx context.Context, tx *store.Tx, begun store.Authorization, access bank.Access, psu *oxlin.PSU) (CallbackResult, error) {
	result := resultOf(begun)
	result.Status, result.Result = "success", "created"
	if begun.ConnectionID != 0 {
		result.Result = "updated"
	}
	var err error
	result.ConnectionID, err = a.storeAccess(ctx, tx, begun, access, psu)
	return result, err
}

func (a *Authorizations) openHeld(held store.HeldAccess) (bank.Access, error) {
	secret, err := a.vault.OpenSecret(held.Access, heldPlace(held.StateHash))
	if err != nil {
		return bank.Access{}, err
	}
	return bank.DecodeAccess(secret)
}

// abandon gives a held access back whose authorization is deleted.
func (a *Authorizations) abandon(ctx context.Context, held store.HeldAccess) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		now, err := store.HeldAccessesOf(tx.Read()).ByQuestion(ctx, held.QuestionHash)
		if oxlin.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return a.giveBack(ctx, tx, now)
	})
}

// giveBack deletes a held access, and revokes it if nobody has answered.
func (a *Authorizations) giveBack(ctx context.Context, tx *store.Tx, held store.HeldAccess) error {
	dropped, err := store.HeldIn(tx).Drop(ctx, held.QuestionHash)
	if err != nil || !dropped || held.Answered {
		return err
	}
	access, err := a.openHeld(held)
	if err != nil {
		return err
	}
	begun, err := tx.Read().Authorization(ctx, held.StateHash)
	if oxlin.IsNotFound(err) {
		return a.engine.RevokeUnsaved(ctx, tx, held.ProviderID, held.DefinitionID, access)
	}
	if err != nil {
		return err
	}
	return synchro.RevokeUnstored(ctx, a.engine, tx, begun.UserID, held.ProviderID, held.DefinitionID, access)
}

// mostEnded bounds the questions that one sweep ends.
const mostEnded = 200

// EndUnanswered gives the accesses back for which nobody has answered in time, or whose
// authorization is deleted. Two nodes may call it at once.
func (a *Authorizations) EndUnanswered(ctx context.Context, tell Tell) error {
	ended, err := store.HeldAccessesOf(a.db.Read()).Ended(ctx, a.now(), mostEnded)
	if err != nil {
		return err
	}
	for _, held := range ended {
		begun, err := a.db.Read().Authorization(ctx, held.StateHash)
		switch {
		case err == nil && !held.Answered:
			_, err = a.decide(ctx, held, begun, nil, ReturnUnanswered, tell)
		case err == nil || oxlin.IsNotFound(err):
			err = a.abandon(ctx, held)
		}
		if err != nil && oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
			// One access must not keep the others waiting.
			a.log.ErrorContext(ctx, "a held access was not handed back", "provider", held.ProviderID, "error", err)
		}
	}
	return nil
}

// ForgetFlow rejects the callbacks that a widget's flow waits for, and gives the accesses back
// that are held for it.
func (a *Authorizations) ForgetFlow(ctx context.Context, tx *store.Tx, id oxlin.FlowID) error {
	waiting, err := store.HeldAccessesOf(tx.Read()).OfFlow(ctx, id)
	if err != nil {
		return err
	}
	err = tx.DropAuthorizationsOfFlow(ctx, id)
	if err != nil {
		return err
	}
	for _, held := range waiting {
		err := a.giveBack(ctx, tx, held)
		if err != nil {
			return err
		}
	}
	return nil
}
