package widget

import (
	"cmp"
	"net/url"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
)

// The bank of the tables has both channels; "shut" has no available channel.
var (
	redirect = oxlin.ChannelDefinition{ID: "R", Mode: oxlin.ModeRedirect}
	embedded = oxlin.ChannelDefinition{ID: "E", Mode: oxlin.ModeEmbedded}
	both     = oxlin.Provider{ID: "both", ChannelDefinitions: []oxlin.ChannelDefinition{embedded, redirect}}
	typing   = oxlin.Provider{ID: "typing", ChannelDefinitions: []oxlin.ChannelDefinition{embedded}}
	twice    = oxlin.Provider{ID: "twice", ChannelDefinitions: []oxlin.ChannelDefinition{{ID: "D", Mode: oxlin.ModeRedirect, Unavailable: true}, redirect, {ID: "R2", Mode: oxlin.ModeRedirect}, embedded}}
	shut     = oxlin.Provider{ID: "shut", ChannelDefinitions: []oxlin.ChannelDefinition{{ID: "E", Mode: oxlin.ModeEmbedded, Unavailable: true}}}
)

// changing is a way to change a snapshot.
type changing func(*snapshot)

// snapshotOf returns the snapshot of a flow of add_connection at the bank with both
// channels, whose user has accepted the terms, with changes.
func snapshotOf(changes ...changing) snapshot {
	s := snapshot{flow: &flow{state: state{Entry: addConnection, Provider: both.ID}}, provider: both}
	s.session.user.TermsVersion = oxlin.TermsVersion
	s.flow.requested, _ = parse(nil)
	for _, change := range changes {
		change(&s)
	}
	return s
}

func entering(e entry) changing { return func(s *snapshot) { s.flow.Entry = e } }
func provider(p oxlin.Provider) changing {
	return func(s *snapshot) { s.provider, s.flow.Provider = p, p.ID }
}
func using(id oxlin.ChannelDefinitionID) changing {
	return func(s *snapshot) { s.flow.Definition = id }
}
func modern(s *snapshot)    { s.flow.V21 = true }
func consented(s *snapshot) { s.flow.Consented = true }
func made(s *snapshot)      { s.flow.Connected = true }
func watched(s *snapshot)   { s.flow.FollowOnly = true }
func gone(s *snapshot)      { s.connectionDeleted, s.flow.RequestedConnection = true, 7 }
func finished(ids ...oxlin.ChannelDefinitionID) changing {
	return func(s *snapshot) { s.flow.FinishedChannels = ids }
}

// asking sets a parameter of the address.
func asking(name, value string) changing {
	return func(s *snapshot) {
		values, err := url.ParseQuery(s.flow.Parameters)
		if err != nil {
			panic(err)
		}
		values.Set(name, value)
		s.flow.Parameters = values.Encode()
		s.flow.requested, err = parse(values)
		if err != nil {
			panic(err)
		}
	}
}

// working sets a connection whose current channel has access and a status.
func working(status oxlin.ChannelStatus, changes ...func(*connect.ChannelProgress)) changing {
	return func(s *snapshot) {
		s.flow.ConnectionID, s.flow.Entered, s.flow.Attempt = 7, s.flow.Definition, 1
		definition := s.definition()
		w := connect.ChannelProgress{Channel: oxlin.Channel{DefinitionID: definition.ID, Mode: definition.Mode, Status: status}}
		for _, change := range changes {
			change(&w)
		}
		w.Connection = oxlin.Connection{ID: 7, ConsentPerAccount: w.Connection.ConsentPerAccount, Channels: []oxlin.Channel{w.Channel}}
		s.work = &w
	}
}

func asksConsent(w *connect.ChannelProgress)    { w.Channel.AwaitsConsent = true }
func askedElsewhere(w *connect.ChannelProgress) { w.Channel.AskedIn = 99 }
func aPendingAccount(w *connect.ChannelProgress) {
	w.Accounts = []oxlin.Account{{ID: 1, Status: oxlin.AccountPendingConsent, LastChannelDefinition: w.Channel.DefinitionID}}
}
func perAccount(w *connect.ChannelProgress)     { w.Connection.ConsentPerAccount = true }
func asksQuestion(w *connect.ChannelProgress)   { w.Question = &connect.Question{} }
func enteredTheBank(w *connect.ChannelProgress) { w.Sync.Progress.Entered = true }
func reading(w *connect.ChannelProgress)        { w.Sync.Kind = oxlin.SyncAll }
func wentBack(s *snapshot)                      { s.flow.LeftAttempt = s.flow.Attempt }
func enteredOther(s *snapshot)                  { s.flow.Entered = "R" }
func newToTerms(s *snapshot)                    { s.session.user.TermsVersion = "" }
func oldTerms(s *snapshot)                      { s.session.user.TermsVersion = "2020-01" }
func ownAgreement(s *snapshot)                  { s.session.client.Licensed = true }
func hasAnAccount(w *connect.ChannelProgress)   { w.Accounts = []oxlin.Account{{ID: 1}} }
func aSuspendedAccount(s *snapshot)             { s.suspended = []oxlin.Account{{ID: 1}} }
func asked(s *snapshot)                         { s.flow.ReviewedAccounts = []oxlin.AccountID{1} }
func validated(s *snapshot)                     { s.someValidated = true }
func undoing(s *snapshot)                       { s.flow.PendingEnd = &ending{Status: "cancelled", Result: "cancelled"} }
func endedCancelled(s *snapshot)                { s.flow.Ended = &ending{Status: "cancelled", Result: "cancelled"} }

func TestWhatComesNext(t *testing.T) {
	const running, never, success = oxlin.ChannelRunning, oxlin.ChannelNever, oxlin.ChannelSuccess
	at := func(changes ...changing) []changing { return changes }
	for _, row := range []struct {
		fact     string
		snapshot []changing
		step     step
		// end is the status and the result of an ended flow.
		end string
	}{
		// An ended flow stays ended.
		{"an ended flow stays ended", at(endedCancelled), stepDone, "cancelled cancelled"},
		{"whatever is asked of the user since", at(endedCancelled, newToTerms), stepDone, "cancelled cancelled"},

		{"and one whose end is noted, and not yet done", at(undoing, gone), stepDone, "cancelled cancelled"},

		// Terms (contract §11).
		{"terms come first", at(newToTerms), stepTerms, ""},
		{"before a list of banks", at(newToTerms, provider(oxlin.Provider{})), stepTerms, ""},
		{"in the middle of a renewal", at(newToTerms, entering(editCredentials), using("E"), working(running)), stepTerms, ""},
		{"before professional accounts", at(newToTerms, entering(professional), aSuspendedAccount), stepTerms, ""},
		{"an older version does not count", at(oldTerms), stepTerms, ""},
		{"a client with its own agreement needs none", at(newToTerms, ownAgreement, provider(oxlin.Provider{})), stepBanks, ""},
		{"the entry terms shows them", at(newToTerms, entering(terms)), stepTerms, ""},
		{"and ends when they are accepted", at(entering(terms)), stepDone, "success validated"},
		{"or when there are none to accept", at(newToTerms, ownAgreement, entering(terms)), stepDone, "success validated"},

		// Which bank, which channel.
		{"no bank: the list", at(provider(oxlin.Provider{})), stepBanks, ""},
		{"no channel at hand: the user chooses", at(), stepChannels, ""},
		{"REDIRECT begins with the notice", at(using("R")), stepNotice, ""},
		{"EMBEDDED begins with the credentials", at(using("E")), stepLogin, ""},
		{"a bank without an open channel", at(provider(shut)), stepDone, "error provider_unavailable"},
		{"a channel that the bank chosen does not have", at(provider(typing), asking("channel_definition_id", "R")), stepDone, "error invalid_channel_definition"},
		{"a channel that has not the accounts asked for", at(asking("channel_definition_id", "R"), asking("expected_account_types", "OTHER")), stepDone, "error invalid_request"},
		{"nothing is left, and something was made", at(finished("R", "E"), made), stepDone, "success created"},
		{"nothing is left, and nothing was made", at(finished("R", "E")), stepDone, "error provider_unavailable"},

		// Access.
		{"a connection that was not entered in this flow", at(entering(editCredentials), using("E"), working(oxlin.ChannelAuthFailed), enteredOther), stepLogin, ""},
		{"an attempt that the user went back from", at(using("E"), working(oxlin.ChannelTooManyAttempts), wentBack), stepLogin, ""},
		{"at REDIRECT, too", at(using("R"), working(oxlin.ChannelTokenExpired), wentBack), stepNotice, ""},
		{"we are at work", at(using("E"), working(running)), stepLoading, ""},
		{"the bank asks", at(using("E"), working(running, asksQuestion)), stepChallenge, ""},

		// Consent, in every flow.
		{"the accounts are listed: consent", at(using("R"), working(never, asksConsent)), stepConsent, ""},
		{"at a renewal, too", at(entering(editCredentials), using("R"), working(success, asksConsent)), stepConsent, ""},
		{"not captive: consent all the same", at(using("R"), asking("wait_sync_end", "false"), working(never, asksConsent)), stepConsent, ""},
		{"select_accounts: account by account", at(using("R"), asking("select_accounts", "true"), working(never, asksConsent)), stepAccounts, ""},
		{"a connection with consent per account", at(entering(editCredentials), using("R"), working(success, asksConsent, perAccount)), stepAccounts, ""},

		// A consent that another flow asks for is asked for there alone (contract §12.5).
		{"another flow has logged in since", at(using("E"), working(never, asksConsent, askedElsewhere)), stepLogin, ""},
		{"at a renewal, too", at(entering(editCredentials), using("R"), working(success, asksConsent, askedElsewhere)), stepNotice, ""},
		{"after the consent in this flow", at(using("E"), consented, working(success, asksConsent, askedElsewhere)), stepDone, "success created"},
		{"user_input while another flow asks", at(entering(userInput), using("E"), watched, working(never, asksConsent, askedElsewhere)), stepDone, "success updated"},
		{"manage_accounts while another flow asks", at(entering(manageAccounts), using("R"), watched, working(never, asksConsent, askedElsewhere, aPendingAccount)), stepDone, "success updated"},
		{"manage_accounts while the client asks", at(entering(manageAccounts), using("R"), watched, working(never, asksConsent, aPendingAccount)), stepAccounts, ""},

		// Captive or not.
		{"captive: until everything is read", at(using("R"), consented, working(running, reading)), stepLoading, ""},
		{"not captive: until the consent", at(using("R"), asking("wait_sync_end", "false"), consented, working(running, reading)), stepDone, "success created"},
		{"not captive: not before the consent", at(using("R"), asking("wait_sync_end", "false"), working(running)), stepLoading, ""},
		{"not captive: a question is answered", at(using("R"), asking("wait_sync_end", "false"), consented, working(running, asksQuestion)), stepChallenge, ""},
		{"everything is read", at(using("R"), consented, working(success)), stepDone, "success created"},
		{"a renewal ends as updated", at(entering(editCredentials), using("R"), consented, working(success)), stepDone, "success updated"},

		// A second channel (contract §6.3, §9 row 14).
		{"multiple_channels: the other one", at(using("R"), asking("multiple_channels", "true"), consented, working(success)), stepOffer, ""},
		{"multiple_channels, when both are done", at(using("E"), finished("R"), asking("multiple_channels", "true"), consented, working(success)), stepDone, "success created"},
		{"multiple_channels, not captive", at(using("R"), asking("multiple_channels", "true"), asking("wait_sync_end", "false"), consented, working(running)), stepOffer, ""},
		{"multiple_channels at a bank with one", at(provider(typing), using("E"), asking("multiple_channels", "true"), consented, working(success)), stepDone, "success created"},
		{"ALL: the other one", at(using("R"), asking("expected_account_types", "ALL"), consented, working(success)), stepOffer, ""},
		{"ALL at a renewal", at(entering(editCredentials), using("R"), asking("expected_account_types", "ALL"), consented, working(success)), stepOffer, ""},
		{"ALL at a bank with one", at(provider(typing), using("E"), asking("expected_account_types", "ALL"), consented, working(success)), stepDone, "success created"},
		{"PAYMENT: only one", at(modern, using("R"), asking("expected_account_types", "PAYMENT"), consented, working(success)), stepDone, "success created"},
		{"OTHER: only one", at(modern, using("E"), asking("expected_account_types", "OTHER"), consented, working(success)), stepDone, "success created"},
		{"nothing asked, older address: only one", at(using("R"), consented, working(success)), stepDone, "success created"},
		{"nothing asked, newer address: the other is proposed", at(modern, using("R"), consented, working(success)), stepOffer, ""},
		{"but not at a renewal", at(modern, entering(editCredentials), using("R"), consented, working(success)), stepDone, "success updated"},
		{"nor where the user has chosen the channel", at(modern, using("R"), asking("select_channel", "true"), consented, working(success)), stepDone, "success created"},
		{"a forced channel is the only one", at(modern, using("R"), asking("channel_definition_id", "R"), asking("multiple_channels", "true"), consented, working(success)), stepDone, "success created"},

		// Failures.
		{"a wrong password is typed again", at(using("E"), working(oxlin.ChannelAuthFailed)), stepLogin, ""},
		{"REDIRECT has none to type", at(using("R"), working(oxlin.ChannelAuthFailed)), stepFailed, ""},
		{"too many attempts", at(using("E"), working(oxlin.ChannelTooManyAttempts)), stepFailed, ""},
		{"a password to change at the bank", at(using("E"), working(oxlin.ChannelPasswordChangeRequired)), stepFailed, ""},
		{"something to do at the bank", at(using("E"), working(oxlin.ChannelUserActionRequired)), stepFailed, ""},
		{"wrong codes", at(using("E"), working(oxlin.ChannelChallengeFailed)), stepFailed, ""},
		{"no answer", at(using("E"), working(oxlin.ChannelChallengeTimedOut)), stepFailed, ""},
		{"a bank that is down", at(using("R"), working(oxlin.ChannelFailed)), stepFailed, ""},
		{"after the consent, too", at(using("R"), consented, working(oxlin.ChannelFailed)), stepFailed, ""},
		{"the consent is lost", at(using("R"), consented, working(oxlin.ChannelTokenExpired)), stepFailed, ""},
		{"the connection is deleted meanwhile", at(using("R"), gone), stepDone, "error connection_deleted"},

		// user_input follows a channel without new access.
		{"user_input: the question", at(entering(userInput), using("E"), watched, working(running, asksQuestion)), stepChallenge, ""},
		{"user_input: at work", at(entering(userInput), using("E"), watched, working(running)), stepLoading, ""},
		{"user_input: all is read", at(entering(userInput), using("E"), watched, working(success)), stepDone, "success updated"},
		{"user_input, not captive: the login is over", at(entering(userInput), using("E"), watched, asking("wait_sync_end", "false"), working(running, enteredTheBank)), stepDone, "success updated"},
		{"user_input, not captive: it is not", at(entering(userInput), using("E"), watched, asking("wait_sync_end", "false"), working(running)), stepLoading, ""},
		{"user_input: a wrong password is not typed there", at(entering(userInput), using("E"), watched, working(oxlin.ChannelAuthFailed)), stepFailed, ""},
		{"user_input proposes no other channel", at(entering(userInput), modern, using("R"), watched, asking("multiple_channels", "true"), working(success)), stepDone, "success updated"},
		{"user_input: a consent that is still to be given", at(entering(userInput), using("E"), watched, working(never, asksConsent)), stepConsent, ""},

		// manage_accounts.
		{"manage_accounts: the accounts", at(entering(manageAccounts), using("R"), watched, working(success, hasAnAccount)), stepAccounts, ""},
		{"manage_accounts: the bank has none", at(entering(manageAccounts), using("R"), watched, working(success)), stepDone, "success updated"},
		{"manage_accounts: nor will a consent bring any", at(entering(manageAccounts), using("R"), watched, working(never, asksConsent)), stepDone, "success updated"},
		{"manage_accounts: none was ever listed", at(entering(manageAccounts), using("R"), watched, working(oxlin.ChannelFailed)), stepFailed, ""},
		{"manage_accounts: none is known yet", at(entering(manageAccounts), using("R"), watched, working(running)), stepLoading, ""},
		{"manage_accounts: none is known, and the bank asks", at(entering(manageAccounts), using("R"), watched, working(running, asksQuestion)), stepChallenge, ""},
		{"manage_accounts: some are known", at(entering(manageAccounts), using("R"), watched, working(running, hasAnAccount)), stepAccounts, ""},
		{"manage_accounts: they are read", at(entering(manageAccounts), using("R"), watched, consented, working(running)), stepLoading, ""},
		{"manage_accounts, not captive", at(entering(manageAccounts), using("R"), watched, consented, asking("wait_sync_end", "false"), working(running)), stepDone, "success updated"},
		{"manage_accounts: all is read", at(entering(manageAccounts), using("R"), watched, consented, working(success)), stepDone, "success updated"},
		{"manage_accounts: none chosen of those that wait", at(entering(manageAccounts), using("R"), watched, consented, working(never, asksConsent, perAccount)), stepDone, "success updated"},
		{"manage_accounts: none left, and the connection with them", at(entering(manageAccounts), gone), stepDone, "success updated"},

		// professional-account.
		{"professional accounts wait", at(entering(professional), aSuspendedAccount), stepProfessional, ""},
		{"none waits", at(entering(professional)), stepDone, "success updated"},
		{"they wait no more", at(entering(professional), asked, validated), stepDone, "success validated"},
		{"they are gone", at(entering(professional), asked), stepDone, "success refused"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			s := snapshotOf(row.snapshot...)
			before := *s.flow
			got, end := s.next()
			if got != row.step {
				t.Fatalf("the step is %s, want %s", got, row.step)
			}
			if told := end.Status + " " + end.Result; told != cmp.Or(row.end, " ") {
				t.Errorf("the end is %q, want %q", told, row.end)
			}
			if s.flow.Version != before.Version || s.flow.Ended != before.Ended || s.flow.Definition != before.Definition || s.flow.LastEvent != before.LastEvent {
				t.Errorf("next has changed the flow: %+v", s.flow.state)
			}
		})
	}
}

// If the user has no choice, the flow uses this channel; "" if the user chooses.
func TestWhichChannelAFlowTakes(t *testing.T) {
	renewal := func(statuses map[oxlin.ChannelDefinitionID]oxlin.ChannelStatus) changing {
		return func(s *snapshot) {
			s.flow.Entry, s.work = editCredentials, &connect.ChannelProgress{}
			for _, definition := range s.provider.ChannelDefinitions {
				s.work.Connection.Channels = append(s.work.Connection.Channels, oxlin.Channel{
					DefinitionID: definition.ID, Mode: definition.Mode, Status: cmp.Or(statuses[definition.ID], oxlin.ChannelEmpty),
				})
			}
		}
	}
	type statuses = map[oxlin.ChannelDefinitionID]oxlin.ChannelStatus
	for _, row := range []struct {
		fact     string
		snapshot []changing
		want     oxlin.ChannelDefinitionID
	}{
		{"REDIRECT first, whatever the catalogue's order", nil, "R"},
		{"EMBEDDED where there is no other", []changing{provider(typing)}, "E"},
		{"none that is closed", []changing{provider(shut)}, ""},
		{"the forced one", []changing{asking("channel_definition_id", "E")}, "E"},
		{"the forced one before select_channel", []changing{asking("channel_definition_id", "E"), asking("select_channel", "true")}, "E"},
		{"select_channel", []changing{asking("select_channel", "true")}, ""},
		{"select_channel at a bank with one", []changing{provider(typing), asking("select_channel", "true")}, "E"},
		{"multiple_channels begins with REDIRECT", []changing{asking("multiple_channels", "true")}, "R"},
		{"PAYMENT", []changing{asking("expected_account_types", "PAYMENT")}, "R"},
		{"PAYMENT falls back to EMBEDDED", []changing{provider(typing), asking("expected_account_types", "PAYMENT")}, "E"},
		{"OTHER", []changing{asking("expected_account_types", "OTHER")}, "E"},
		{"ALL begins with REDIRECT", []changing{asking("expected_account_types", "ALL")}, "R"},
		{"ALL begins with EMBEDDED where there is no other", []changing{provider(typing), asking("expected_account_types", "ALL")}, "E"},
		{"expected_account_types in small letters", []changing{asking("expected_account_types", "other")}, "E"},
		{"not one that this flow is done with", []changing{finished("R")}, "E"},
		{"of two interfaces the first that is there", []changing{provider(twice)}, "R"},
		{"not a second interface to the same accounts", []changing{provider(twice), finished("R")}, "E"},
		{"a renewal: the one that waits for the user", []changing{renewal(statuses{"R": oxlin.ChannelSuccess, "E": oxlin.ChannelAuthFailed})}, "E"},
		{"a renewal of the consent", []changing{renewal(statuses{"R": oxlin.ChannelTokenExpired, "E": oxlin.ChannelSuccess})}, "R"},
		{"a renewal: both wait", []changing{renewal(statuses{"R": oxlin.ChannelTokenExpired, "E": oxlin.ChannelAuthFailed})}, ""},
		{"a renewal: none waits", []changing{renewal(statuses{"R": oxlin.ChannelSuccess})}, ""},
		{"a renewal for certain accounts", []changing{renewal(statuses{"R": oxlin.ChannelSuccess}), asking("expected_account_types", "OTHER")}, "E"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			got, ok := snapshotOf(row.snapshot...).automaticChannel()
			if got != row.want || ok != (row.want != "") {
				t.Errorf("the channel is %q (%t), want %q", got, ok, row.want)
			}
		})
	}
}
