package widget

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// step is the current page of a flow.
type step string

const (
	stepTerms        step = "terms"
	stepBanks        step = "banks"
	stepChannels     step = "channels"
	stepNotice       step = "notice"
	stepLogin        step = "login"
	stepFile         step = "file"
	stepLoading      step = "loading"
	stepChallenge    step = "challenge"
	stepConsent      step = "consent"
	stepAccounts     step = "accounts"
	stepOffer        step = "offer"
	stepProfessional step = "professional"
	stepFailed       step = "failed"
	stepDone         step = "done"
)

// event returns the type of event for a step (contract §11, "Events").
func (s step) event() oxlin.EventType {
	switch s {
	case stepBanks:
		return oxlin.EventWidgetChooseBank
	case stepChannels, stepNotice, stepLogin, stepFile, stepChallenge:
		return oxlin.EventWidgetLogin
	case stepLoading, stepFailed:
		return oxlin.EventWidgetSynchronization
	case stepConsent, stepAccounts, stepOffer:
		return oxlin.EventWidgetConsent
	}
	return oxlin.EventWidgetGlobal
}

// snapshot is the data that determines the current page.
type snapshot struct {
	session session
	flow    *flow
	// provider is the flow's bank; its id is empty before the user has chosen one.
	provider oxlin.Provider
	// work is the progress of the flow's channel; nil without a connection.
	work *connect.ChannelProgress
	// late is set if the synchronisation has run for longAfter.
	late bool
	// connectionDeleted is set if the flow's connection was deleted.
	connectionDeleted bool
	// earlier are the user's connections to the bank, before the flow adds another one.
	earlier []earlierConnection
	// suspended are the accounts that need validation.
	suspended []oxlin.Account
	// someValidated is set if an account that the user was asked about was validated.
	someValidated bool
}

// waiting returns the ids of the suspended accounts.
func (s snapshot) waiting() []oxlin.AccountID {
	var ids []oxlin.AccountID
	for _, account := range s.suspended {
		ids = append(ids, account.ID)
	}
	return ids
}

// next returns the current page. It changes nothing: for stepDone, the caller records the
// ending.
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
		return s.success() // no account was left
	case s.connectionDeleted:
		return s.failure("connection_deleted", "The connection was deleted.")
	case f.Provider == "":
		return stepBanks, ending{}
	case f.File && s.takesFile():
		return stepFile, ending{}
	case f.Entry == manageAccounts && !f.Consented:
		return s.toManage()
	case f.Definition == "":
		return s.nextChannel()
	case !s.hasAccess():
		return s.accessStep(), ending{}
	}
	return s.followChannel()
}

// afterValidation returns the ending once no account is suspended. Another tab or the
// client may have made the decision.
func (s snapshot) afterValidation() (step, ending) {
	at, end := s.success()
	switch {
	case s.someValidated:
	case len(s.flow.ReviewedAccounts) > 0:
		end.Result = "refused"
	default:
		end.Result = "updated" // no decision was needed
	}
	return at, end
}

// toManage returns the selection of accounts, or the page before the first list.
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
		return s.success() // the bank has no accounts
	}
	return stepFailed, ending{}
}

// hasAccess reports whether the user gave access to the current channel and did not go
// back since, nor gave it anew in another flow that now asks for the consent.
func (s snapshot) hasAccess() bool {
	f := s.flow
	given := f.Entered == f.Definition && f.Attempt > f.LeftAttempt && (f.Consented || !s.askedElsewhere(f.Definition))
	return s.work != nil && (f.FollowOnly || given)
}

// askedElsewhere reports whether the page of another flow asks for the consent to a
// channel's accounts. They are shown in that flow alone (contract §12.5).
func (s snapshot) askedElsewhere(id oxlin.ChannelDefinitionID) bool {
	if s.work == nil {
		return false
	}
	channel, _ := s.work.Connection.Channel(id)
	return channel.AskedIn != 0 && channel.AskedIn != s.flow.ID
}

// definition returns the definition of the current channel.
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

// followChannel returns the page for the progress of the current channel.
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
	case w.Channel.AwaitsConsent && (f.Entry == manageAccounts || s.askedElsewhere(w.Channel.DefinitionID)):
		return s.success() // other accounts may stay undecided, and another flow asks for itself
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

// perAccount reports whether the user selects individual accounts.
func (s snapshot) perAccount() bool {
	return s.flow.requested.SelectAccounts || s.work.Connection.ConsentPerAccount
}

// mayStopWaiting reports whether the user need not wait for the end of the
// synchronisation: the login has succeeded, and the user has given the consent.
func (s snapshot) mayStopWaiting() bool {
	if s.flow.requested.WaitSyncEnd {
		return false
	}
	if s.flow.FollowOnly {
		return s.work.Sync.Progress.Entered || s.flow.Entry == manageAccounts
	}
	return s.flow.Consented
}

// afterChannel returns the page after the current channel has succeeded.
func (s snapshot) afterChannel() (step, ending) {
	others := s.remaining(s.flow.Definition)
	if len(others) > 0 && s.usesAllChannels() {
		return stepOffer, ending{}
	}
	return s.success()
}

// nextChannel returns the page of a flow without a current channel.
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

// usesAllChannels reports whether the flow continues with the provider's other channels.
func (s snapshot) usesAllChannels() bool {
	p := s.flow.requested
	if s.flow.FollowOnly || p.DefinitionID != "" {
		return false
	}
	return p.MultipleChannels || p.Expected == "ALL" || s.offersSecondChannel()
}

// offersSecondChannel reports whether the flow offers the other channel without a
// parameter for it, as the newer addresses do (contract §9, row 14).
func (s snapshot) offersSecondChannel() bool {
	p := s.flow.requested
	return s.flow.V21 && s.flow.Entry == addConnection && !p.MultipleChannels && p.Expected == "" && !p.SelectChannel
}

// remaining returns the channels that the flow may still use, REDIRECT first, without
// the current one. A second REDIRECT one would read the same accounts, so one of them is
// enough.
func (s snapshot) remaining(current oxlin.ChannelDefinitionID) []oxlin.ChannelDefinition {
	f := s.flow
	var list []oxlin.ChannelDefinition
	for _, mode := range []oxlin.Mode{oxlin.ModeRedirect, oxlin.ModeEmbedded} {
		for _, definition := range s.provider.ChannelDefinitions {
			if definition.Mode != mode || definition.Unavailable || definition.ID == current || slices.Contains(f.FinishedChannels, definition.ID) {
				continue
			}
			if mode == oxlin.ModeRedirect && s.isRedirect(current, f.FinishedChannels) {
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
			list = list[:1] // REDIRECT if there is one, otherwise EMBEDDED
		}
	}
	return list
}

// isRedirect reports whether the current channel is a REDIRECT one, or one that is finished.
func (s snapshot) isRedirect(current oxlin.ChannelDefinitionID, finished []oxlin.ChannelDefinitionID) bool {
	return slices.ContainsFunc(s.provider.ChannelDefinitions, func(d oxlin.ChannelDefinition) bool {
		return d.Mode == oxlin.ModeRedirect && (d.ID == current || slices.Contains(finished, d.ID))
	})
}

// automaticChannel returns the channel for a flow in which the user has no choice; ok is
// false if the user chooses.
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
		// A single channel that needs the user is chosen; otherwise the user chooses.
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

// outcome returns the result of a flow whose channel failed with a status.
func outcome(status oxlin.ChannelStatus) string { return strings.ToLower(string(status)) }
