package oxlin

import "time"

// Channel is a connection's use of one channel definition (contract §4.6). Events store
// it as JSON.
type Channel struct {
	ID           ChannelID           `json:"ID"`
	ConnectionID ConnectionID        `json:"ConnectionID"`
	DefinitionID ChannelDefinitionID `json:"DefinitionID"`
	Mode         Mode                `json:"Mode"`
	Status       ChannelStatus       `json:"Status"`
	// Credentials are those of an EMBEDDED channel, masked.
	Credentials []Credential `json:"Credentials"`
	// AwaitsConsent is set while the accounts are listed and the user has not yet
	// decided which of them may be read.
	AwaitsConsent bool `json:"AwaitsConsent"`
	// AskedIn is the flow of the widget whose page asks for the consent to the channel's
	// accounts, from the login on; zero if no page asks. Meanwhile nothing but the list of
	// accounts is read, and accounts without a consent are hidden. Events do not store it.
	AskedIn FlowID `json:"-"`
	// ConsentUntil is the end of a REDIRECT channel's consent.
	ConsentUntil time.Time `json:"ConsentUntil"`
	// LastSuccessAt and LastEndAt are when a synchronisation last succeeded and
	// last ended in whatever way.
	LastSuccessAt time.Time `json:"LastSuccessAt"`
	LastEndAt     time.Time `json:"LastEndAt"`
	// NextSyncAt is when the daily synchronisation is due; zero for none.
	NextSyncAt time.Time `json:"NextSyncAt"`
	// RemainingRefreshes is how many synchronisations without the user the bank still
	// allows today; nil if it has no limit or nobody has asked. It is not stored.
	RemainingRefreshes *int `json:"-"`
	// Failures counts the technical failures since the last success; the pause
	// before the next attempt grows with it.
	Failures int `json:"Failures"`
	// EndlessListAt is when the bank's list of accounts was last followed so far that its
	// pages have no end; zero if the last list came to its end. Events do not store it.
	EndlessListAt time.Time `json:"-"`
	// UnattendedPerDay is how often a day the bank allows its access to be used without the user,
	// if that is less than the bank's data say; else 0. It changes with the access.
	UnattendedPerDay int `json:"-"`
}

// NextRefreshAt is when the platform next synchronises the channel by itself; zero if it
// does not. The appointment at the end of the consent does not count.
func (c Channel) NextRefreshAt() time.Time {
	if c.NextSyncAt.Equal(c.ConsentUntil) {
		return time.Time{}
	}
	return c.NextSyncAt
}

// ChannelStatus is the result of a channel's last synchronisation; it determines who
// acts next (contract §5.2).
type ChannelStatus string

const (
	// ChannelEmpty was never used or was emptied; the user may add it.
	ChannelEmpty ChannelStatus = "EMPTY"
	// ChannelNever can be used and has no data yet; we act, or the user consents.
	ChannelNever ChannelStatus = "NEVER"
	// ChannelRunning is being synchronised; wait, or answer a challenge.
	ChannelRunning ChannelStatus = "RUNNING"
	// ChannelSuccess is in order; nobody has to act.
	ChannelSuccess ChannelStatus = "SUCCESS"
	// ChannelAuthFailed was refused by the bank; the user updates the credentials.
	ChannelAuthFailed ChannelStatus = "AUTH_FAILED"
	// ChannelTooManyAttempts is locked by the bank; the user updates the credentials.
	ChannelTooManyAttempts ChannelStatus = "TOO_MANY_ATTEMPTS"
	// ChannelPasswordChangeRequired needs a new password at the bank; the user acts there, then here.
	ChannelPasswordChangeRequired ChannelStatus = "PASSWORD_CHANGE_REQUIRED"
	// ChannelTokenExpired has lost the bank's consent; the user renews it.
	ChannelTokenExpired ChannelStatus = "TOKEN_EXPIRED"
	// ChannelChallengeRequired was asked a challenge while the user was away; the user synchronises.
	ChannelChallengeRequired ChannelStatus = "CHALLENGE_REQUIRED"
	// ChannelChallengeTimedOut had no answer in time; the user synchronises again.
	ChannelChallengeTimedOut ChannelStatus = "CHALLENGE_TIMED_OUT"
	// ChannelChallengeFailed had only wrong answers; the user synchronises again.
	ChannelChallengeFailed ChannelStatus = "CHALLENGE_FAILED"
	// ChannelChallengeCancelled was cancelled by the user, who may synchronise again.
	ChannelChallengeCancelled ChannelStatus = "CHALLENGE_CANCELLED"
	// ChannelUserActionRequired waits for something on the bank's own site; the user acts there.
	ChannelUserActionRequired ChannelStatus = "USER_ACTION_REQUIRED"
	// ChannelFailed met a technical failure of the bank or of ours; we try again
	// by ourselves. The name is ours (contract §5.2).
	ChannelFailed ChannelStatus = "FAILED"
)

// NeedsUser reports whether only the user can resolve the status. A synchronisation
// without them would fail, and the bank might lock their access.
func (s ChannelStatus) NeedsUser() bool {
	switch s {
	case ChannelEmpty, ChannelNever, ChannelRunning, ChannelSuccess, ChannelFailed:
		return false
	}
	return true
}
