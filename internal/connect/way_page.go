package connect

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// Ways are the use cases of the page that a user sees on the way to a bank's access: a question
// before the redirect, or the wait for an approval. The address of the page has a code, which
// only the browser that was sent there knows.
type Ways struct{ a *Authorizations }

// WayPage holds the content of the page of a way.
type WayPage struct {
	ProviderID oxlin.ProviderID
	Client     oxlin.Client
	FlowID     oxlin.FlowID
	// Key names the journey in the cookie of the browser.
	Key string
	// Waits is set while the page only waits; Asks while it asks the Challenges.
	Waits, Asks bool
	Challenges  []oxlin.Challenge
	// Until is the end of the time to answer or to approve.
	Until time.Time
	// Result is where the browser goes now, if its Status is not empty.
	Result CallbackResult
}

// Visitor is who sees the page.
type Visitor struct {
	// Browser is the value of the cookie of the browser; zero without one.
	Browser oxlin.Secret
	PSU     *oxlin.PSU
	// Continue is that of a Callback.
	Continue func(context.Context, CallbackResult) (address string, err error)
}

// KeyOf returns the name of the journey to whose page a code belongs.
func (p *Ways) KeyOf(code oxlin.Secret) (string, error) {
	hash, err := ways{p.a}.stateOf(code)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(hash[:8]), nil
}

// Show returns the page with a code. If it is time, it asks the connector first. An unknown code
// is CodeAuthorizationExpired.
func (p *Ways) Show(ctx context.Context, code oxlin.Secret, visitor Visitor) (WayPage, error) {
	hash, err := ways{p.a}.stateOf(code)
	if err != nil {
		return WayPage{}, err
	}
	return p.show(ctx, hash, visitor, true)
}

func (p *Ways) show(ctx context.Context, hash []byte, visitor Visitor, ticks bool) (WayPage, error) {
	begun, err := p.a.db.Read().Authorization(ctx, hash)
	if oxlin.IsNotFound(err) {
		return WayPage{}, oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
	}
	if err != nil {
		return WayPage{}, err
	}
	shown := WayPage{ProviderID: begun.ProviderID, FlowID: begun.FlowID, Key: hex.EncodeToString(hash[:8]), Until: begun.ExpiresAt}
	shown.Client, err = p.a.db.Read().Client(ctx, begun.ClientID)
	if err != nil {
		return WayPage{}, err
	}
	if begun.Outcome == "" && len(begun.ClaimedBy) == 0 && over(p.a.core, begun.ExpiresAt) {
		begun, err = p.expire(ctx, begun)
		if err != nil {
			return WayPage{}, err
		}
	}
	if begun.Outcome != "" {
		shown.Result, err = p.result(ctx, begun, visitor)
		return shown, err
	}
	w, err := ways{p.a}.load(ctx, begun)
	if err != nil {
		return WayPage{}, err
	}
	shown.Challenges = w.shown.Challenges
	switch w.shown.Kind {
	case showsQuestion, showsCredentials:
		shown.Asks = true
	case showsWait:
		shown.Waits = true
		if ticks && !p.a.now().Before(w.dueAt) {
			_, err := p.advance(ctx, hash, bank.Input{Event: bank.Ticked, PSU: visitor.PSU}, answerHash("tick"), visitor)
			if err != nil {
				return shown, err
			}
			return p.show(ctx, hash, visitor, false)
		}
	default:
		shown.Result, err = ways{p.a}.onward(resultOf(begun), w)
	}
	return shown, err
}

// result is how a way that is over ends for a visitor, or where it went on.
func (p *Ways) result(ctx context.Context, begun store.Authorization, visitor Visitor) (CallbackResult, error) {
	key := "way " + string(begun.StateHash) + visitor.Browser.Reveal()
	return p.a.flights.join(ctx, key, func(ctx context.Context, f *flight) (CallbackResult, error) {
		bound, err := p.a.isBound(ctx, f, begun, visitor.Browser)
		if err != nil {
			return CallbackResult{}, err
		}
		result, err := p.a.finished(ctx, f, begun, Callback{Browser: visitor.Browser, PSU: visitor.PSU}, bound)
		if result.Status != StatusOnward {
			result.Bound = bound
		}
		return continued(ctx, f, result, err, visitor)
	})
}

// continued finds the address at which a widget's flow continues.
func continued(ctx context.Context, f *flight, result CallbackResult, err error, visitor Visitor) (CallbackResult, error) {
	if err != nil || result.FlowID == 0 || visitor.Continue == nil || !result.Question.IsZero() || result.Status == StatusOnward {
		return result, err
	}
	err = f.persist(ctx, func(ctx context.Context) (err error) {
		result.Continued, err = visitor.Continue(ctx, result)
		return err
	})
	return result, err
}

// Answer continues a way with the answers to its question, and returns the page that follows.
// Answers to a question that has been answered change nothing. The caller has checked them
// against the challenges.
func (p *Ways) Answer(ctx context.Context, code oxlin.Secret, answers map[oxlin.CredentialID]string, visitor Visitor) (WayPage, error) {
	hash, err := ways{p.a}.stateOf(code)
	if err != nil {
		return WayPage{}, err
	}
	text, err := json.Marshal(answers) // maps are sorted
	if err != nil {
		return WayPage{}, err
	}
	// The answers may be guessed, so that their hash is a keyed one.
	answer, err := p.a.vault.MAC([]byte("answers\x00" + string(hash) + string(text)))
	if err != nil {
		return WayPage{}, err
	}
	input := bank.Input{Event: bank.Answered, PSU: visitor.PSU, Answers: make(map[oxlin.CredentialID]oxlin.Secret)}
	for id, value := range answers {
		input.Answers[id] = oxlin.NewSecret(value)
	}
	_, err = p.advance(ctx, hash, input, answer, visitor)
	if err != nil && oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
		return WayPage{}, err
	}
	return p.show(ctx, hash, visitor, false)
}

// Cancel ends a way because the user does not want it.
func (p *Ways) Cancel(ctx context.Context, code oxlin.Secret, visitor Visitor) (WayPage, error) {
	hash, err := ways{p.a}.stateOf(code)
	if err != nil {
		return WayPage{}, err
	}
	err = p.end(ctx, hash, func(result *CallbackResult) { result.Status, result.Result = "cancelled", "cancelled" })
	if err != nil {
		return WayPage{}, err
	}
	return p.show(ctx, hash, visitor, false)
}

// expire ends a way whose time is over.
func (p *Ways) expire(ctx context.Context, begun store.Authorization) (store.Authorization, error) {
	err := p.end(ctx, begun.StateHash, func(result *CallbackResult) {
		result.Status, result.Result, result.ErrorDescription = "error", "expired", "The time for the login at the bank is over."
	})
	if err != nil {
		return begun, err
	}
	return p.a.db.Read().Authorization(ctx, begun.StateHash)
}

// end gives an authorization its outcome, unless it has one or its step is being taken. What was
// begun at the bank is deleted there.
func (p *Ways) end(ctx context.Context, hash []byte, decide func(*CallbackResult)) error {
	return p.a.db.Write(ctx, func(tx *store.Tx) error {
		begun, err := tx.Read().Authorization(ctx, hash)
		if err != nil || begun.Outcome != "" || len(begun.ClaimedBy) > 0 && !over(p.a.core, begun.ExpiresAt) {
			return err
		}
		result := resultOf(begun)
		decide(&result)
		return p.a.finishIn(ctx, tx, nil, begun, result)
	})
}

// advance takes the step that follows an input.
func (p *Ways) advance(ctx context.Context, hash []byte, input bank.Input, answer []byte, visitor Visitor) (CallbackResult, error) {
	key := "advance " + string(hash) + string(answer) + visitor.Browser.Reveal()
	return p.a.flights.join(ctx, key, func(ctx context.Context, f *flight) (CallbackResult, error) {
		begun, err := p.a.claim(ctx, f, hash, answer)
		if err != nil || begun.Outcome != "" {
			return resultOf(begun), err
		}
		bound, err := p.a.isBound(ctx, f, begun, visitor.Browser)
		if err != nil {
			return resultOf(begun), err
		}
		result, err := p.a.redeem(ctx, f, begun, input, bound)
		result.Bound = bound
		return continued(ctx, f, result, err, visitor)
	})
}

// TickDue asks the connectors again whose ways wait, and whose time has come. Two nodes may call
// it at once.
func (p *Ways) TickDue(ctx context.Context) {
	due, err := store.BankStepsOf(p.a.db.Read()).Due(ctx, p.a.now(), mostTicks)
	if err != nil {
		p.a.log.WarnContext(ctx, "the ways that wait cannot be listed", "error", err)
		return
	}
	for _, hash := range due {
		err := p.tick(ctx, hash)
		if err != nil && oxlin.AsError(err).Code != oxlin.CodeAuthorizationExpired {
			p.a.log.WarnContext(ctx, "a way that waits was not continued", "error", err)
		}
	}
}

// tick continues a way without a visitor: it is the browser's as long as each step was.
func (p *Ways) tick(ctx context.Context, hash []byte) error {
	_, err := p.a.flights.join(ctx, "advance "+string(hash), func(ctx context.Context, f *flight) (CallbackResult, error) {
		begun, err := p.a.claim(ctx, f, hash, answerHash("tick"))
		if err != nil || begun.Outcome != "" {
			return resultOf(begun), err
		}
		w, err := ways{p.a}.load(ctx, begun)
		if err != nil {
			return resultOf(begun), err
		}
		if p.a.now().Before(w.dueAt) { // another node was faster
			return ways{p.a}.release(ctx, f, w)
		}
		return p.a.redeem(ctx, f, begun, bank.Input{Event: bank.Ticked}, true)
	})
	return err
}

// EndLate ends the ways whose time is over, and has the banks delete what those have begun that
// were deleted. Two nodes may call it at once.
func (p *Ways) EndLate(ctx context.Context) error {
	if !p.a.believed() {
		return nil
	}
	ended, err := store.BankStepsOf(p.a.db.Read()).Ended(ctx, p.a.now(), mostEnded)
	if err != nil {
		return err
	}
	ctx = audit.As(ctx, audit.Platform, "")
	for _, row := range ended {
		begun, err := p.a.db.Read().Authorization(ctx, row.StateHash)
		if err == nil && begun.Outcome == "" {
			_, err = p.expire(ctx, begun)
		} else if err == nil || oxlin.IsNotFound(err) {
			err = p.a.db.Write(ctx, func(tx *store.Tx) error { return ways{p.a}.discard(ctx, tx, row) })
		}
		if err != nil { // one way must not keep the others waiting
			p.a.log.ErrorContext(ctx, "a way that is over was not ended", "provider", row.ProviderID, "error", err)
		}
	}
	return nil
}

// ReadsFragments reports whether a bank of the catalogue may answer in the fragment of an
// address, which only a page with a script can read.
func (p *Ways) ReadsFragments() bool {
	return slices.ContainsFunc(p.a.catalogue.Providers(), func(provider oxlin.Provider) bool {
		return slices.ContainsFunc(provider.ChannelDefinitions, func(d oxlin.ChannelDefinition) bool {
			return d.Mode == oxlin.ModeRedirect && d.Interactive
		})
	})
}

// WantsFragment reports whether the way with a state waits for a fragment.
func (p *Ways) WantsFragment(ctx context.Context, state string) bool {
	begun, err := p.a.db.Read().Authorization(ctx, hashState(state))
	if err != nil || begun.Outcome != "" {
		return false
	}
	w, err := ways{p.a}.load(ctx, begun)
	return err == nil && w.shown.Fragment
}
