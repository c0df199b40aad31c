package bank

import (
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
)

// FailureKind is the meaning of a failure for the user, not in the words of the bank.
type FailureKind string

const (
	// AccessLost: the consent or the token is over; the user renews it.
	AccessLost FailureKind = "access lost"
	// CredentialsRejected: the bank does not know the credentials.
	CredentialsRejected FailureKind = "credentials rejected"
	// Locked: too many attempts at the bank.
	Locked FailureKind = "locked"
	// PasswordExpired: the bank wants a new password first.
	PasswordExpired FailureKind = "password expired"
	// ActionAtBank: the user has something to do on the bank's own pages.
	ActionAtBank FailureKind = "action at the bank"
	// ChallengeNeeded: the bank wants to ask the user, who is not there.
	ChallengeNeeded FailureKind = "challenge needed"
	// ChallengeRejected: the answers to the bank's questions were wrong too often.
	ChallengeRejected FailureKind = "challenge rejected"
	// ChallengeTimedOut: the user did not answer in time.
	ChallengeTimedOut FailureKind = "challenge timed out"
	// ChallengeCancelled: the user cancelled at the bank's question.
	ChallengeCancelled FailureKind = "challenge cancelled"
	// RateLimited: too many calls; the connection is not broken.
	RateLimited FailureKind = "rate limited"
	// Unavailable: the bank is down or slow; try again later.
	Unavailable FailureKind = "unavailable"
	// Nonsense: the answer cannot be understood; trying again at once is useless.
	Nonsense FailureKind = "nonsense"
	// Refused: the bank or the user refused what was asked.
	Refused FailureKind = "refused"
)

// Failure is how every method of a connector fails.
type Failure struct {
	Kind FailureKind
	// RetryAfter is the time to wait that the bank asked for, or zero.
	RetryAfter time.Duration
	// Status and BankCode are the bank's own words, for the log: an HTTP status,
	// a code. Neither holds anything of the user.
	Status   int
	BankCode string
	Err      error
}

// Summary is the failure in a few words, for the operator.
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

// AsFailure finds the Failure in a chain. An error without one is Unavailable:
// something between us and the bank broke.
func AsFailure(err error) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure
	}
	return &Failure{Kind: Unavailable, Err: err}
}

// ChannelStatus is the status in which a failure leaves a channel (contract §5.2).
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
