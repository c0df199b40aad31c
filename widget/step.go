package widget

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/connect"
)

// step is what the user has to do, or to wait for, next.
type step string

const (
	stepTerms        step = "terms"
	stepBanks        step = "banks"
	stepChannels     step = "channels"
	stepNotice       step = "notice"
	stepLogin        step = "login"
	stepLoading      step = "loading"
	stepChallenge    step = "challenge"
	stepConsent      step = "consent"
	stepAccounts     step = "accounts"
	stepOffer        step = "offer"
	stepProfessional step = "professional"
	stepFailed       step = "failed"
	stepDone         step = "done"
)

// event is what the integrator is told of a step (contract §11, "Events").
func (s step) event() oxlin.EventType {
	switch s {
	case stepBanks:
		return oxlin.EventWidgetChooseBank
	case stepChannels, stepNotice, stepLogin, stepChallenge:
		return oxlin.EventWidgetLogin
	case stepLoading, stepFailed:
		return oxlin.EventWidgetSynchronization
	case stepConsent, stepAccounts, stepOffer:
		return oxlin.EventWidgetConsent
	}
	return oxlin.EventWidgetGlobal
}

// snapshot is all that decides what comes next.
type snapshot struct {
	session session
	flow    *flow
	// provider is the flow's bank; its id is empty before there is one.
	provider oxlin.Provider
	// work is how far the flow's channel is; nil before the flow has a connection.
	work *connect.ChannelProgress
	// connectionDeleted is set if the flow's connection was deleted.
	connectionDeleted bool
	// suspended are the accounts that wait for their validation.
	suspended []oxlin.Account
	// validated says that an account that the user was asked about waits no more.
	someValidated bool
}

// waiting names the suspended accounts.
func (s snapshot) waiting() []oxlin.AccountID {
	var ids []oxlin.AccountID
	for _, account := range s.suspended {
		ids = append(ids, account.ID)
	}
	return ids
}

// next says what comes next. It decides and changes nothing: where the flow has
// come to its end, the ending is for the caller to note.
func (s snapshot) next() (step, ending) {
	f := s.flow
	switch {
	case f.Ended != nil:
		return stepDone, *f.Ended
	case f.PendingEnd != nil:
		return stepDone, *f.PendingEnd
	case s.session.user.MustAcceptTerms(s.session.client):
		return stepTerms, ending{}
	case f.Entry == terms:
		return s.success()
	case f.Entry == professional:
		if len(s.suspended) > 0 {
			return stepProfessional, ending{}
		}
		return s.afterValidation()
	case s.connectionDeleted && f.Entry == manageAccounts:
		return s.success() // nothing was left to share
	case s.connectionDeleted:
		return s.failure("connection_deleted", "The connection was deleted.")
	case f.Provider == "":
		return stepBanks, ending{}
	case f.Entry == manageAccounts && !f.Consented:
		return s.toManage()
	case f.Definition == "":
		return s.nextChannel()
	case !s.hasAccess():
		return s.accessStep(), ending{}
	}
	return s.followChannel()
}

// afterValidation is the end where no account is suspended any more: another tab or the
// client may have decided about them.
func (s snapshot) afterValidation() (step, ending) {
	at, end := s.success()
	switch {
	case s.someValidated:
	case len(s.flow.ReviewedAccounts) > 0:
		end.Result = "refused"
	default:
		end.Result = "updated" // there was nothing to decide
	}
	return at, end
}

// toManage is the choice of accounts, or the wait for the first of them.
func (s snapshot) toManage() (step, ending) {
	channel := s.work.Channel
	switch {
	case len(choosable(s)) > 0:
		return stepAccounts, ending{}
	case s.work.Question != nil:
		return stepChallenge, ending{}
	case channel.Status == oxlin.ChannelRunning:
		return stepLoading, ending{}
	case channel.Status == oxlin.ChannelSuccess || channel.AwaitsConsent:
		return s.success() // the bank has none
	}
	return stepFailed, ending{}
}

// entered says that the user gave access to the channel at hand, and did not go back.
func (s snapshot) hasAccess() bool {
	f := s.flow
	return s.work != nil && (f.FollowOnly || f.Entered == f.Definition && f.Attempt > f.LeftAttempt)
}

// definition is the channel definition at hand.
func (s snapshot) definition() oxlin.ChannelDefinition {
	definition, _ := s.provider.Definition(s.flow.Definition)
	return definition
}

func (s snapshot) accessStep() step {
	if s.definition().Mode == oxlin.ModeRedirect {
		return stepNotice
	}
	return stepLogin
}

// watch follows the work on the channel at hand.
func (s snapshot) followChannel() (step, ending) {
	f, w := s.flow, s.work
	status := w.Channel.Status
	switch {
	case w.Question != nil:
		return stepChallenge, ending{}
	case status == oxlin.ChannelRunning && s.mayStopWaiting():
		return s.afterChannel()
	case status == oxlin.ChannelRunning:
		return stepLoading, ending{}
	case w.Channel.AwaitsConsent && f.Entry == manageAccounts:
		return s.success() // what was not chosen goes on waiting
	case w.Channel.AwaitsConsent && s.perAccount():
		return stepAccounts, ending{}
	case w.Channel.AwaitsConsent:
		return stepConsent, ending{}
	case status == oxlin.ChannelSuccess:
		return s.afterChannel()
	case status == oxlin.ChannelAuthFailed && s.definition().Mode == oxlin.ModeEmbedded && !f.FollowOnly:
		return stepLogin, ending{}
	}
	return stepFailed, ending{}
}

// perAccount says that the user chooses the accounts one by one.
func (s snapshot) perAccount() bool {
	return s.flow.requested.SelectAccounts || s.work.Connection.ConsentPerAccount
}

// mayStopWaiting says that the user need not wait for the rest: login and challenges have
// succeeded, and the consent is given where there is one to give.
func (s snapshot) mayStopWaiting() bool {
	if s.flow.requested.WaitSyncEnd {
		return false
	}
	if s.flow.FollowOnly {
		return s.work.Sync.Progress.Entered || s.flow.Entry == manageAccounts
	}
	return s.flow.Consented
}

// afterChannel is what comes when the channel at hand is in order.
func (s snapshot) afterChannel() (step, ending) {
	others := s.remaining(s.flow.Definition)
	if len(others) > 0 && s.usesAllChannels() {
		return stepOffer, ending{}
	}
	return s.success()
}

// nextChannel finds out which channel a flow goes on with that has none at hand.
func (s snapshot) nextChannel() (step, ending) {
	if len(s.remaining("")) == 0 {
		if s.flow.Connected {
			return s.success()
		}
		result, description := s.flow.requested.refusal(s.provider)
		if result != "" {
			return s.failure(result, description)
		}
		return s.failure("provider_unavailable", "The bank is not available at the moment.")
	}
	return stepChannels, ending{}
}

// usesAllChannels says that the flow goes on with the provider's other channels.
func (s snapshot) usesAllChannels() bool {
	p := s.flow.requested
	if s.flow.FollowOnly || p.DefinitionID != "" {
		return false
	}
	return p.MultipleChannels || p.Expected == "ALL" || s.offersSecondChannel()
}

// optional says that the other channel is only proposed: the newer addresses do
// that when nothing else was asked for (contract §9, row 14).
func (s snapshot) offersSecondChannel() bool {
	p := s.flow.requested
	return s.flow.V21 && s.flow.Entry == addConnection && !p.MultipleChannels && p.Expected == "" && !p.SelectChannel
}

// remaining are the channels that the flow may still use, REDIRECT first. current
// is one that does not count.
func (s snapshot) remaining(current oxlin.ChannelDefinitionID) []oxlin.ChannelDefinition {
	f := s.flow
	var list []oxlin.ChannelDefinition
	for _, mode := range []oxlin.Mode{oxlin.ModeRedirect, oxlin.ModeEmbedded} {
		for _, definition := range s.provider.ChannelDefinitions {
			if definition.Mode != mode || definition.Unavailable || definition.ID == current || slices.Contains(f.FinishedChannels, definition.ID) {
				continue
			}
			if id := f.requested.DefinitionID; id != "" && id != definition.ID {
				continue
			}
			list = append(list, definition)
		}
	}
	switch f.requested.Expected {
	case "OTHER":
		list = slices.DeleteFunc(list, func(d oxlin.ChannelDefinition) bool { return d.Mode != oxlin.ModeEmbedded })
	case "PAYMENT":
		if len(list) > 0 {
			list = list[:1] // REDIRECT, or EMBEDDED where there is no other
		}
	}
	return list
}

// choose gives the channel that a flow goes on with where the user has no say; ok is
// false where the user chooses.
func (s snapshot) automaticChannel() (id oxlin.ChannelDefinitionID, ok bool) {
	f := s.flow
	list := s.remaining("")
	if len(list) == 0 {
		return "", false
	}
	if len(list) == 1 {
		return list[0].ID, true
	}
	if f.requested.SelectChannel {
		return "", false
	}
	if f.Entry == editCredentials && f.requested.Expected == "" && s.work != nil {
		// What waits for the user comes first; where nothing does, they say what they came for.
		var waiting []oxlin.ChannelDefinitionID
		for _, definition := range list {
			channel, _ := s.work.Connection.Channel(definition.ID)
			if channel.Status.NeedsUser() {
				waiting = append(waiting, definition.ID)
			}
		}
		if len(waiting) != 1 {
			return "", false
		}
		return waiting[0], true
	}
	return list[0].ID, true
}

func (s snapshot) success() (step, ending) {
	end := ending{Status: "success", Result: s.flow.Entry.result()}
	if !s.connectionDeleted {
		end.ConnectionID = s.flow.connection()
	}
	return stepDone, end
}

func (s snapshot) failure(result, description string) (step, ending) {
	return stepDone, ending{Status: "error", Result: result, Description: description, ConnectionID: s.flow.connection()}
}

// outcome is the result of a flow whose channel is in a status that did not heal.
func outcome(status oxlin.ChannelStatus) string { return strings.ToLower(string(status)) }
