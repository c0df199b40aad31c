package bank

import (
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
)

// FailureKind classifies a failure by its meaning for the user, not by the bank's code.
type FailureKind string

const (
	// AccessLost: the consent or the token has expired or was revoked; the user renews
	// it.
	AccessLost FailureKind = "access lost"
	// CredentialsRejected: the bank does not accept the credentials.
	CredentialsRejected FailureKind = "credentials rejected"
	// Locked: the bank locked the login after too many attempts.
	Locked FailureKind = "locked"
	// PasswordExpired: the bank demands a new password first.
	PasswordExpired FailureKind = "password expired"
	// ActionAtBank: the bank demands an action of the user on its own pages.
	ActionAtBank FailureKind = "action at the bank"
	// ChallengeNeeded: the bank demands an answer of the user, who is absent.
	ChallengeNeeded FailureKind = "challenge needed"
	// ChallengeRejected: the answers to the bank's questions were wrong too often.
	ChallengeRejected FailureKind = "challenge rejected"
	// ChallengeTimedOut: the user did not answer in time.
	ChallengeTimedOut FailureKind = "challenge timed out"
	// ChallengeCancelled: the user cancelled at the bank's question.
	ChallengeCancelled FailureKind = "challenge cancelled"
	// RateLimited: too many calls; the connection itself works.
	RateLimited FailureKind = "rate limited"
	// Unavailable: the bank is down or slow; try again later.
	Unavailable FailureKind = "unavailable"
	// Nonsense: the answer cannot be parsed or violates the interface; an immediate
	// retry is useless.
	Nonsense FailureKind = "nonsense"
	// Refused: the bank or the user refused the request.
	Refused FailureKind = "refused"
)

// Failure is the error of every method of a connector.
type Failure struct {
	Kind FailureKind
	// RetryAfter is the delay that the bank demands, or zero.
	RetryAfter time.Duration
	// Status and BankCode are the HTTP status and the bank's error code, for the log.
	// Neither holds the user's data.
	Status   int
	BankCode string
	Err      error
}

// Summary describes the failure in a few words, for the operator.
func (f *Failure) Summary() string {
	text := string(f.Kind)
	if f.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", f.Status)
	}
	if f.BankCode != "" {
		text += " " + f.BankCode
	}
	return text
}

func (f *Failure) Error() string {
	text := "bank: " + f.Summary()
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

func (f *Failure) Unwrap() error { return f.Err }

// AsFailure returns the Failure in an error's chain. An error without one is
// Unavailable: the connection to the bank broke.
func AsFailure(err error) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure
	}
	return &Failure{Kind: Unavailable, Err: err}
}

// ChannelStatus returns the status that a failure gives its channel (contract §5.2).
func (f *Failure) ChannelStatus() oxlin.ChannelStatus {
	switch f.Kind {
	case AccessLost:
		return oxlin.ChannelTokenExpired
	case CredentialsRejected:
		return oxlin.ChannelAuthFailed
	case Locked:
		return oxlin.ChannelTooManyAttempts
	case PasswordExpired:
		return oxlin.ChannelPasswordChangeRequired
	case ActionAtBank:
		return oxlin.ChannelUserActionRequired
	case ChallengeNeeded:
		return oxlin.ChannelChallengeRequired
	case ChallengeRejected:
		return oxlin.ChannelChallengeFailed
	case ChallengeTimedOut:
		return oxlin.ChannelChallengeTimedOut
	case ChallengeCancelled:
		return oxlin.ChannelChallengeCancelled
	}
	return oxlin.ChannelFailed
}

// Transient reports whether the same call may succeed later without the user.
func (f *Failure) Transient() bool { return f.Kind == Unavailable || f.Kind == RateLimited }
