package bank

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
)

// Continuer is a connector with a way in: what a user does, at the bank or here, until the
// platform has access. Continue takes one step of it. A step has any of four forms, in any
// order and number, as the bank's interface demands:
//
//   - OAuth alone is Address, Access.
//   - A consent made beforehand and approved in an app is Wait, Wait, …, Access.
//   - A consent that follows the token is Address, Address, Wait, Access.
//   - A login with credentials is Question, Question, …, Access, or Access at once.
//
// The connector keeps nothing between two steps: what it needs is in the State of a step,
// which the platform seals, stores, and gives back with the next input, in any process.
//
// Continue fails with a *Failure, which ends the way; it is ChallengeCancelled if the user
// refused at the bank. The platform then calls Discard with the last state, if the connector
// is a Discarder.
type Continuer interface {
	Continue(ctx context.Context, input Input) (Step, error)
}

// Discarder is a connector whose way in makes something at the bank before there is access,
// such as a consent that waits for approval.
type Discarder interface {
	// Discard deletes at the bank what a state says was begun and not finished. A job calls
	// it when the way has failed, was cancelled, or took too long. To discard what the bank
	// has deleted already, or never made, is no error.
	Discard(ctx context.Context, state oxlin.Secret) error
}

// Refresher is a connector that can renew an access without the user.
type Refresher interface {
	// Refresh renews the access. The bank may invalidate the old one, so the caller
	// stores the result before using it.
	Refresh(ctx context.Context, access Access) (Access, error)
}

// Event names the kind of an Input.
type Event string

const (
	// Begun begins the way: State is empty.
	Begun Event = "begun"
	// Answered brings the Answers to a Question.
	Answered Event = "answered"
	// Returned brings the Return from an Address.
	Returned Event = "returned"
	// Ticked comes when the time of a Wait has passed.
	Ticked Event = "ticked"
)

// Input is the beginning of a way, or what has happened since its last step.
type Input struct {
	Event   Event
	Journey Journey
	// State is that of the last step, or the last one that Keep got.
	State oxlin.Secret
	// PSU is the user while they are present, else nil. Without them the connector sends
	// nothing to their phone: it fails with ChallengeNeeded. At a tick of a Wait the user
	// is present, because the approval is theirs.
	PSU *oxlin.PSU
	// Answers are the answers of Answered, by the ids of the question's challenges.
	Answers map[oxlin.CredentialID]oxlin.Secret
	// Return is the whole return of Returned.
	Return Return
	// Store is where Keep stores a state; a test may leave it out.
	Store func(ctx context.Context, state oxlin.Secret) error
	// Record is where Submit records what is sent; a test may leave it out.
	Record func(ctx context.Context, secrets Secrets) error
}

// Secrets names the kind of values of which a bank counts wrong ones.
type Secrets string

const (
	// StoredSecrets are Journey.Credentials.
	StoredSecrets Secrets = "stored"
	// GivenSecrets are Answers, which the user has just given.
	GivenSecrets Secrets = "given"
)

// Submit records that secrets are about to be sent. A connector calls it before the first
// request of a step that has some. If Submit fails, the connector sends nothing and returns the
// error: the platform sends a password once by itself, and asks the user where it does not know
// what became of it.
func (i Input) Submit(ctx context.Context, secrets Secrets) error {
	if i.Record == nil {
		return nil
	}
	return i.Record(ctx, secrets)
}

// Keep stores a state before the step is over. A connector calls it before each request
// that makes something at the bank, with what is needed to find and to delete that (such as
// the request's own id), and again with the bank's id before the next request: after a crash
// Discard gets the state that was kept last. If Keep fails, the connector sends nothing
// and returns the error.
func (i Input) Keep(ctx context.Context, state oxlin.Secret) error {
	if i.Store == nil {
		return nil
	}
	return i.Store(ctx, state)
}

// Journey holds what is the same in all steps of one way, except for RedirectState.
type Journey struct {
	// RedirectURI is the address to which the bank returns the user. The platform gives one
	// for the whole way. A bank that takes any address gets it with the parameter
	// state=RedirectState in its query.
	RedirectURI string
	// RedirectState is the parameter state of an Address that this call returns (RFC 6749
	// §4.1.1). Each call has its own: a connector that lets a bank return twice takes that
	// of the call that returns the Address. At Returned, the platform has already checked
	// the state that came back.
	RedirectState string
	// Verifier is the PKCE verifier (RFC 7636); the connector derives the challenge
	// from it, and may derive a nonce.
	Verifier oxlin.Secret
	// Language is the user's, as BCP 47 has it; empty if unknown.
	Language string
	// Once is set if the access is for one reading only; else it is to last as long as the
	// bank allows.
	Once bool
	// Accounts are those that a consent has to name if it names any: at a renewal those that the
	// user lets us read. Empty where nobody knows yet.
	Accounts []Identity
	// Access is the access to renew, or the session of an earlier login by which the bank
	// recognises our device; zero without one. An EMBEDDED channel begins its way at each
	// synchronisation: a connector returns Access again while it is good.
	Access Access
	// Credentials are the answers to the fixed questions of the channel definition, by
	// their ids: login and password of an EMBEDDED channel, branch or customer number of a
	// REDIRECT one (contract §12.17). They are not encrypted.
	Credentials map[oxlin.CredentialID]oxlin.Secret
}

// Identity is by what an account is recognised for ever, at its bank and by its holder. Each
// member that is set is one identity by itself, Number with Scheme and Currency with IBAN.
type Identity struct {
	IBAN string `json:"iban,omitempty"`
	// Currency belongs to IBAN: one IBAN may have accounts in several.
	Currency string `json:"currency,omitempty"`
	// Number is an account number that is no IBAN, and Scheme its kind as the standard
	// names it, such as UK.OBIE.SortCodeAccountNumber, if it is known.
	Number string `json:"number,omitempty"`
	Scheme string `json:"scheme,omitempty"`
	// MaskedNumber is the masked number of a card.
	MaskedNumber string `json:"masked_number,omitempty"`
}

// Return is the address with which a bank returned a user, without the part that the platform
// gave it.
type Return struct {
	// Query are the parameters of its query. Some banks send no code.
	Query url.Values
	// Fragment are those behind the number sign, where the Address wants them.
	Fragment url.Values
}

// Get returns a parameter of the fragment, else of the query; empty without one.
func (r Return) Get(name string) string {
	if r.Fragment.Has(name) {
		return r.Fragment.Get(name)
	}
	return r.Query.Get(name)
}

// ErrNoCode is the cause of a failure where a return has neither a code nor an error, and
// one of them is needed.
var ErrNoCode = errors.New("the bank sent neither a code nor an error")

// Step is one of Address, Question, Wait and Access.
type Step interface{ step() }

func (Address) step()  {}
func (Question) step() {}
func (Wait) step()     {}
func (Access) step()   {}

// Address is where the user's browser goes next. The next input is Returned.
type Address struct {
	URL   string
	State oxlin.Secret
	// Fragment is set if the bank answers in the fragment, which only a page with a script
	// can read. An answer in the query is taken all the same.
	Fragment bool
}

// Question is a question of the bank, or of its connector, to the user (contract §4.10). The
// next input is Answered. A picture is a challenge of type INFO_MSG whose parameter image
// is a data: URL (contract §12.17).
type Question struct {
	Challenges []oxlin.Challenge
	// State continues the way with the answers.
	State oxlin.Secret
	// Timeout is how long the user has to answer; zero means the platform's default.
	Timeout time.Duration
}

// Wait waits for something that happens without us, such as an approval in the bank's app.
// The next input is Ticked.
type Wait struct {
	// After is the time until the next tick; zero means two seconds.
	After time.Duration
	// Until is when the bank gives up; zero means that the platform decides. Then the
	// way ends with ChallengeTimedOut.
	Until time.Time
	// Show are messages for the user meanwhile, such as the bank's sentence or a code to
	// compare. They need no answer.
	Show  []oxlin.Challenge
	State oxlin.Secret
}
