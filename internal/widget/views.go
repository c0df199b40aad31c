package widget

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// view returns the view of a step.
func (x *exchange) view(s snapshot, at step, end ending) page.View {
	f := s.flow
	bank := x.widget.bank(s.provider)
	switch at {
	case stepTerms:
		return page.Terms{Version: oxlin.TermsVersion, Text: "/terms.html?lng=" + x.widget.language(x)}
	case stepBanks:
		return x.widget.banks(x, f)
	case stepChannels:
		return page.Channels{Bank: bank, Choices: channelChoices(s), Earlier: earlierViews(s)}
	case stepNotice:
		return page.Notice{
			Bank: bank, Problem: f.AccessProblem, Renewal: s.work != nil, NoCurrentAccount: s.mayHaveNoCurrentAccount(),
			NewTab: f.InFrame, Progress: x.events(s, at), Earlier: earlierViews(s),
		}
	case stepLogin:
		return loginView(x, s, bank)
	case stepFile:
		return fileView(s, bank)
	case stepLoading:
		return page.Loading{Bank: bank, Progress: progress(s), Events: x.events(s, at), Late: s.late, Consented: f.Consented}
	case stepChallenge:
		return x.challengeView(s, bank)
	case stepConsent:
		return page.Consent{
			Bank: bank, Accounts: shared(s), Agreement: x.agreement(s, s.work.Channel), Renewal: !s.work.Channel.LastSuccessAt.IsZero(),
			Header: f.requested.TermsHeader, Body: f.requested.TermsBody,
		}
	case stepAccounts:
		return x.accountsView(s, bank)
	case stepOffer:
		offered := s.remaining(f.Definition)[0]
		seconds := 0
		if s.offersSecondChannel() {
			seconds = offerSeconds
		}
		return page.Offer{Bank: bank, AccountTypes: newKinds(offered, s.definition()), Seconds: seconds}
	case stepProfessional:
		return page.Professional{Accounts: lines(s.suspended, nil)}
	case stepFailed:
		return page.Failed{Bank: bank, Reason: string(s.work.Channel.Status), Retry: s.mayRetry()}
	}
	return x.doneView(s, end)
}

// offerSeconds is the time after which an offer is declined automatically.
const offerSeconds = 15

// newKinds returns the account types that only the offered channel has, or all of its
// types without such a type.
func newKinds(offered, connected oxlin.ChannelDefinition) []oxlin.AccountType {
	kinds := slices.DeleteFunc(slices.Clone(offered.AccountTypes), func(kind oxlin.AccountType) bool {
		return slices.Contains(connected.AccountTypes, kind)
	})
	if len(kinds) == 0 {
		return offered.AccountTypes
	}
	return kinds
}

func (w *Widget) bank(p oxlin.Provider) page.Bank {
	return page.Bank{ID: p.ID, Name: p.Name, Branch: p.BranchName, Logo: w.logo(p.ID)}
}

// events returns the address of the stream of progress.
func (x *exchange) events(s snapshot, at step) string {
	return x.part("events") + "&at=" + url.QueryEscape(reloadKey(s, at))
}

// reloadKey returns a value that changes when the page must be reloaded.
func reloadKey(s snapshot, at step) string {
	switch at {
	case stepChallenge:
		return string(at) + questionKey(s)
	case stepConsent, stepAccounts:
		return string(at) + s.flow.shown()
	case stepNotice:
		return string(at) + s.flow.AccessProblem
	case stepLoading:
		if s.late {
			return string(at) + "late"
		}
	}
	return string(at)
}

// questionKey identifies a question of a bank.
func questionKey(s snapshot) string {
	return strconv.FormatInt(s.work.Question.ExpiresAt.UnixMicro(), 10)
}

func channelChoices(s snapshot) []page.ChannelChoice {
	var choices []page.ChannelChoice
	for _, definition := range s.remaining("") {
		choice := page.ChannelChoice{ID: definition.ID, Mode: definition.Mode, AccountTypes: definition.AccountTypes}
		if s.work != nil {
			channel, used := s.work.Connection.Channel(definition.ID)
			choice.Used = used && channel.Status != oxlin.ChannelEmpty
			choice.Status, choice.Until = channel.Status, channel.ConsentUntil
		}
		choices = append(choices, choice)
	}
	return choices
}

// mayHaveNoCurrentAccount reports whether the user may continue with EMBEDDED. The client
// can exclude it by requiring the channel (contract §11, "REDIRECT notice").
func (s snapshot) mayHaveNoCurrentAccount() bool {
	if s.flow.requested.DefinitionID != "" {
		return false
	}
	return slices.ContainsFunc(s.remaining(s.flow.Definition), func(d oxlin.ChannelDefinition) bool { return d.Mode == oxlin.ModeEmbedded })
}

func loginView(x *exchange, s snapshot, bank page.Bank) page.Login {
	f := s.flow
	view := page.Login{Bank: bank, Problem: f.AccessProblem, Hint: s.definition().Hint, Attempt: strconv.FormatInt(f.Attempt, 10), Earlier: earlierViews(s)}
	// Without stored credentials, the user has ended the access, so there is no problem.
	if s.work != nil && len(s.work.Channel.Credentials) > 0 && s.work.Channel.Status.NeedsUser() && view.Problem == "" {
		view.Problem = string(s.work.Channel.Status)
	}
	kept := s.kept()
	view.Update = len(kept) > 0 && f.Entry != addConnection
	for _, definition := range s.definition().Credentials {
		field := fieldOf(definition)
		i := slices.IndexFunc(kept, func(c oxlin.Credential) bool { return c.ID == definition.ID })
		if i >= 0 && !secret(definition) {
			field.Masked, field.Optional = kept[i].Masked, true
		}
		if definition.Encrypt {
			view.Key = x.part("key")
		}
		view.Fields = append(view.Fields, field)
	}
	return view
}

// kept returns the stored credentials that remain if the user leaves their field empty.
// It returns none for a login that has never succeeded or was just refused, because users
// cannot check hidden values.
func (s snapshot) kept() []oxlin.Credential {
	if s.work == nil || s.work.Channel.LastSuccessAt.IsZero() {
		return nil
	}
	if s.work.Channel.Status == oxlin.ChannelAuthFailed && s.flow.Entered == s.flow.Definition {
		return nil
	}
	return s.work.Channel.Credentials
}

// secret reports whether a credential must be entered each time, to authenticate the
// user.
func secret(d oxlin.CredentialDefinition) bool {
	return d.Encrypt || d.Type == oxlin.CredentialPassword || d.Type == oxlin.CredentialNumericPassword
}

func fieldOf(d oxlin.CredentialDefinition) page.Field {
	return page.Field{ID: d.ID, Label: d.Label, Type: d.Type, Encrypt: d.Encrypt, Optional: !d.Encrypt && d.Matches("")}
}

func (x *exchange) challengeView(s snapshot, bank page.Bank) page.Challenge {
	left := s.work.Question.ExpiresAt.Sub(x.widget.options.Now())
	definition, _ := s.provider.Definition(s.work.Channel.DefinitionID)
	view := page.Challenge{Bank: bank, Hint: definition.Hint, Seconds: max(1, int(left/time.Second)), Question: questionKey(s)}
	for _, challenge := range s.work.Question.Challenges {
		label := x.labelOf(challenge)
		switch {
		case challenge.Type == oxlin.CredentialTimeout: // shown as the countdown
		case challenge.Type.IsMessage():
			view.Notes = append(view.Notes, x.noteOf(challenge))
		case challenge.Type == oxlin.CredentialOKCancel:
			view.OK, view.Label = challenge.ID, label
		default:
			field := fieldOf(challenge.CredentialDefinition)
			field.Label = label
			view.Fields = append(view.Fields, field)
			if challenge.Encrypt {
				view.Key = x.part("key")
			}
		}
	}
	return view
}

// progress returns the progress of a synchronisation from its row.
func progress(s snapshot) page.Progress {
	if s.work == nil || s.work.Sync.Kind != oxlin.SyncAll {
		p := page.Progress{Step: "login"}
		if s.work != nil && (s.work.Sync.Progress.Entered || s.work.Channel.Mode == oxlin.ModeRedirect) {
			p.Step = "accounts"
		}
		return p
	}
	p := page.Progress{Step: "transactions", Transactions: s.work.Sync.NewTransactions}
	if !s.work.Sync.Progress.Listed {
		return p
	}
	for _, account := range s.work.Accounts {
		if account.Synchronised() && account.LastChannelDefinition == s.work.Channel.DefinitionID {
			p.Total++
		}
	}
	p.Done = max(0, p.Total-len(s.work.Sync.Progress.Pending))
	return p
}

// shared returns the accounts of a channel that a consent covers.
func shared(s snapshot) []page.AccountLine {
	accounts := slices.DeleteFunc(slices.Clone(s.work.Accounts), func(a oxlin.Account) bool {
		return a.LastChannelDefinition != s.work.Channel.DefinitionID || a.Status == oxlin.AccountClosed
	})
	return lines(accounts, func(oxlin.Account) bool { return true })
}

func lines(accounts []oxlin.Account, chosen func(oxlin.Account) bool) []page.AccountLine {
	var list []page.AccountLine
	for _, a := range accounts {
		line := page.AccountLine{
			ID: a.ID, Name: connect.AccountName(a), Number: masked(cmp.Or(a.IBAN, a.Number, a.MaskedNumber)),
			Type: a.Type, Usage: a.Usage,
		}
		if chosen != nil {
			line.Chosen = chosen(a)
		}
		list = append(list, line)
	}
	return list
}

// masked hides all but the last characters of a number.
func masked(number string) string {
	if len(number) <= 4 {
		return number
	}
	return "•••• " + number[len(number)-4:]
}

// agreement returns what a consent to the accounts of a channel covers.
func (x *exchange) agreement(s snapshot, channel oxlin.Channel) page.Agreement {
	return page.Agreement{
		Mode: channel.Mode, Until: channel.ConsentUntil, Data: x.widget.options.Service.Providers.Reads(s.provider.ID, channel.DefinitionID),
	}
}

func (x *exchange) accountsView(s snapshot, bank page.Bank) page.Accounts {
	f := s.flow
	view := page.Accounts{Bank: bank, Manage: f.Entry == manageAccounts, Header: f.requested.TermsHeader, Body: f.requested.TermsBody}
	list := choosable(s)
	for _, channel := range s.work.Connection.Channels {
		if slices.ContainsFunc(list, func(a oxlin.Account) bool { return a.LastChannelDefinition == channel.DefinitionID }) {
			view.Agreements = append(view.Agreements, x.agreement(s, channel))
		}
	}
	view.Shared = slices.ContainsFunc(list, func(a oxlin.Account) bool { return a.Status != oxlin.AccountPendingConsent })
	view.Accounts = lines(list, func(a oxlin.Account) bool {
		return !a.Declined && (!view.Manage || a.Status != oxlin.AccountPendingConsent)
	})
	return view
}

// choosable returns the accounts that the user may select: all open accounts of the bank
// that need no validation, and that no other flow asks about.
func choosable(s snapshot) []oxlin.Account {
	return slices.DeleteFunc(slices.Clone(s.work.Accounts), func(a oxlin.Account) bool {
		other := s.flow.Entry != manageAccounts && a.LastChannelDefinition != s.work.Channel.DefinitionID
		asked := a.Status == oxlin.AccountPendingConsent && s.askedElsewhere(a.LastChannelDefinition)
		return other || asked || a.Status == oxlin.AccountSuspended || a.Status == oxlin.AccountClosed
	})
}

// congratsSeconds is the delay of the last redirect on the newer addresses. The older
// ones redirect immediately.
const congratsSeconds = 3

func (x *exchange) doneView(s snapshot, end ending) page.Done {
	f := s.flow
	view := page.Done{Status: end.Status, Result: end.Result, Target: x.widget.target(x, f, end), File: f.File && end.Status == "success"}
	if f.V21 && end.Status == "success" {
		view.Seconds = congratsSeconds
	}
	if f.requested.CongratsDelay >= 0 && end.Status == "success" {
		view.Seconds = f.requested.CongratsDelay
	}
	return view
}
