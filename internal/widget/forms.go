package widget

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// maxForm bounds a posted form in bytes: OpenPGP messages have some kilobytes.
const maxForm = 256 << 10

// messageHead begins an armored OpenPGP message (RFC 9580 §6.2).
const messageHead = "-----BEGIN PGP MESSAGE-----"

// form handles one posted form. It reports whether it has written the response: the
// same page with the form's errors, or the page that leads to the bank. Otherwise
// the response is a redirect to the flow's address.
type form func(*exchange, snapshot) (answered bool, err error)

// forms has every form of every page by its action, the value of the button that
// sends it. A page whose form has no such button uses the empty action. It is the
// counterpart of snapshot.next, which finds the page.
var forms = map[step]map[string]form{
	stepTerms:    {"accept_terms": (*exchange).acceptTerms},
	stepBanks:    {"": (*exchange).chooseBank},
	stepChannels: {"": (*exchange).chooseChannel, "renew": (*exchange).renewEarlier},
	stepNotice: {
		"authorize":          (*exchange).authorize,
		"no_current_account": (*exchange).skipRedirect,
		"renew":              (*exchange).renewEarlier,
	},
	stepLogin:     {"": (*exchange).login, "renew": (*exchange).renewEarlier},
	stepFile:      {"": (*exchange).refuseEmpty, "no_file": (*exchange).noFile},
	stepChallenge: {"": (*exchange).answer},
	stepConsent:   {"consent": (*exchange).consentToAll},
	stepAccounts:  {"choose": (*exchange).shareAccounts},
	stepOffer: {
		"add_channel": (*exchange).addChannel,
		"finish":      (*exchange).declineOffer,
	},
	stepProfessional: {
		"validate": (*exchange).validate,
		"refuse":   (*exchange).refuseAccounts,
	},
	stepFailed: {
		"retry": (*exchange).retry,
		"leave": (*exchange).giveUp,
	},
}

// frameForms are the forms around the page, which every page but the last may have.
var frameForms = map[string]form{
	"cancel":     (*exchange).cancel,
	"other_bank": (*exchange).forgetBank,
	"have_file":  (*exchange).haveFile,
}

// formOf returns the form that a page handles an action with, nil without one.
func formOf(at step, action string) form {
	if at == stepDone {
		return nil
	}
	if form := frameForms[action]; form != nil {
		return form
	}
	return forms[at][action]
}

// handleForm handles a posted form. A form of another page than the current one is
// stale and is ignored.
func (x *exchange) handleForm() error {
	if bringsFile(x.request) {
		return x.handleFile()
	}
	x.request.Body = http.MaxBytesReader(x, x.request.Body, maxForm)
	err := x.request.ParseForm()
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return oxlin.Errorf(oxlin.CodePayloadTooLarge, "The form is too large.")
		}
		return oxlin.Errorf(oxlin.CodeInvalidRequest, "The form cannot be read.")
	}
	found, err := x.widget.snapshot(x.ctx, x.session, x.flow)
	if err != nil {
		return err
	}
	at, _ := found.next()
	answered := false
	if form := formOf(at, x.request.PostForm.Get("action")); form != nil {
		answered, err = form(x, found)
	}
	if errors.Is(err, errStale) || oxlin.IsNotFound(err) {
		err = nil // another request changed the flow first, or deleted the form's subject
	}
	if err != nil || answered {
		return err
	}
	x.redirect(x.self())
	return nil
}

// shown identifies the subject and the text of a consent page. The address of its form
// contains it.
func (f *flow) shown() string {
	return string(f.Definition) + "." + strconv.FormatInt(f.Attempt, 10) + "." + oxlin.ConsentTextVersion
}

// about reports whether a form belongs to the current channel and attempt. A consent
// applies only to the accounts that its page showed.
func (x *exchange) about(s snapshot) bool {
	return x.request.URL.Query().Get("shown") == s.flow.shown()
}

// update changes and saves the flow.
func (x *exchange) update(change func()) error {
	change()
	return x.widget.options.DB.Write(x.ctx, anew(x.flow, func(tx *store.Tx) error { return x.widget.save(x.ctx, tx, x.flow) }))
}

func (x *exchange) acceptTerms(s snapshot) (bool, error) {
	if x.request.PostForm.Get("terms") != "accepted" {
		view := x.view(s, stepTerms, ending{}).(page.Terms)
		view.Missing = true
		return true, x.draw(http.StatusUnprocessableEntity, s, stepTerms, ending{}, view)
	}
	return false, x.widget.options.Users.AcceptTerms(x.ctx, x.session.UserID)
}

func (x *exchange) chooseBank(s snapshot) (bool, error) {
	id := oxlin.ProviderID(x.request.PostForm.Get("provider_id"))
	if id == "" {
		return false, nil
	}
	provider, known := x.widget.options.Service.Providers.Get(id)
	if !known || provider.Unavailable {
		view := x.view(s, stepBanks, ending{}).(page.Banks)
		view.Unavailable = provider.Name
		return true, x.draw(http.StatusUnprocessableEntity, s, stepBanks, ending{}, view)
	}
	x.flow.Provider = id
	err := x.widget.settle(x.ctx, x.session, x.flow)
	if err != nil {
		return false, err
	}
	return false, x.update(func() {})
}

func (x *exchange) chooseChannel(s snapshot) (bool, error) {
	id := oxlin.ChannelDefinitionID(x.request.PostForm.Get("channel_definition_id"))
	if !slices.ContainsFunc(s.remaining(""), func(d oxlin.ChannelDefinition) bool { return d.ID == id }) {
		return false, nil
	}
	return false, x.update(func() { x.flow.Definition = id })
}

// forgetBank returns to the list of banks. A pending bank callback will be rejected.
func (x *exchange) forgetBank(s snapshot) (bool, error) {
	f := x.flow
	at, _ := s.next()
	if !f.mayChangeBank(at) {
		return false, nil
	}
	f.Provider, f.Definition, f.AccessProblem, f.FinishedChannels, f.File = "", "", "", nil, false
	return false, x.widget.options.DB.Write(x.ctx, anew(f, func(tx *store.Tx) error {
		err := x.widget.options.Service.Authorizations.ForgetFlow(x.ctx, tx, f.ID)
		if err != nil {
			return err
		}
		return x.widget.save(x.ctx, tx, f)
	}))
}

// skipRedirect continues with the EMBEDDED channel, for a user without an account
// that the bank's interface gives access to.
func (x *exchange) skipRedirect(s snapshot) (bool, error) {
	if !s.mayHaveNoCurrentAccount() {
		return false, nil
	}
	return false, x.nextChannel(s, false)
}

// addChannel accepts the offer of the next channel.
func (x *exchange) addChannel(s snapshot) (bool, error) {
	return false, x.nextChannel(s, true)
}

// declineOffer ends the flow without the offered channel.
func (x *exchange) declineOffer(s snapshot) (bool, error) {
	_, end := s.success()
	return false, x.widget.end(x.ctx, x.session, x.flow, end)
}

// nextChannel finishes the current channel and continues with the flow's next one.
func (x *exchange) nextChannel(s snapshot, connected bool) error {
	f := x.flow
	f.finish(connected)
	if list := s.remaining(""); len(list) > 0 {
		f.Definition = list[0].ID
	}
	return x.update(func() {})
}

// authorize begins an authorization and renders the page that leads to the bank.
func (x *exchange) authorize(s snapshot) (bool, error) {
	f := x.flow
	departure, err := x.widget.options.Service.Authorizations.Leave(x.ctx, x.session.caller(), connect.AuthorizeRequest{
		ProviderID: f.Provider, DefinitionID: f.Definition, ConnectionID: f.ConnectionID,
		ConsentPerAccount: f.requested.SelectAccounts, AutoSync: f.requested.AutoSync, FlowID: f.ID, Language: f.Language,
	})
	var shown *oxlin.Error
	if errors.As(err, &shown) && shown.Code != oxlin.CodeInternal {
		return false, x.update(func() { f.AccessProblem = string(shown.Code) })
	}
	if err != nil {
		return false, err
	}
	if f.AccessProblem != "" {
		err := x.update(func() { f.AccessProblem = "" })
		if err != nil && !errors.Is(err, errStale) {
			return false, err
		}
	}
	frame := x.frame(f, stepNotice, ending{})
	frame.Messages = nil
	x.widget.departures().leave(x, departure)
	x.widget.render(x, http.StatusOK, frame, page.Leaving{Bank: x.widget.bank(s.provider), Target: departure.Address})
	return true, nil
}

// login handles the credentials of an EMBEDDED channel.
func (x *exchange) login(s snapshot) (bool, error) {
	form, f := x.request.PostForm, x.flow
	if form.Get("attempt") != strconv.FormatInt(f.Attempt, 10) {
		return false, nil // this attempt was already posted
	}
	view := loginView(x, s, x.widget.bank(s.provider))
	typed, err := x.typed(s.definition().Credentials, view.Fields)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(view.Fields, func(f page.Field) bool { return f.Problem != "" }) {
		view.Problem = ""
		return true, x.draw(http.StatusUnprocessableEntity, s, stepLogin, ending{}, view)
	}
	typed.KeepOthers, typed.Attempt = len(s.kept()) > 0, connect.WidgetAttempt{FlowID: f.ID, Attempt: f.Attempt}
	caller := x.session.caller()
	if f.ConnectionID == 0 {
		_, err = x.widget.options.Service.Credentials.Connect(x.ctx, caller, connect.NewConnection{
			ProviderID: f.Provider, DefinitionID: f.Definition, Credentials: typed,
			ConsentPerAccount: f.requested.SelectAccounts, AutoSync: f.requested.AutoSync,
		})
	} else {
		err = x.widget.options.Service.Credentials.Replace(x.ctx, caller, f.ConnectionID, f.Definition, typed)
	}
	return x.refused(s, stepLogin, view, view.Fields, err)
}

// refused renders a form again with the error of a use case: next to the field if the
// error names one, otherwise above the form.
func (x *exchange) refused(s snapshot, at step, view page.View, fields []page.Field, err error) (bool, error) {
	var shown *oxlin.Error
	if err == nil || !errors.As(err, &shown) || shown.Code == oxlin.CodeInternal || shown.Code == oxlin.CodeNotFound {
		return false, err
	}
	if shown.Code == oxlin.CodeConflict {
		return false, nil // already answered or no longer open
	}
	id, _ := strings.CutPrefix(shown.Field, "credentials.")
	beside := false
	for i := range fields {
		if string(fields[i].ID) == id {
			fields[i].Problem, beside = "form", true
		}
	}
	if login, ok := view.(page.Login); ok && !beside {
		login.Problem = string(shown.Code)
		view = login
	}
	return true, x.draw(http.StatusUnprocessableEntity, s, at, ending{}, view)
}

// typed reads the values of a form by the ids of its fields and sets the problems of
// invalid fields. If the page had no script to encrypt a secret, typed encrypts it: no
// other code handles the secret in clear.
func (x *exchange) typed(definitions []oxlin.CredentialDefinition, fields []page.Field) (connect.CredentialValues, error) {
	form := x.request.PostForm
	typed := connect.CredentialValues{Values: make(map[oxlin.CredentialID]string)}
	key, encrypted := oxlin.ParseID[oxlin.KeyID](form.Get("key_id"))
	typed.KeyID = key
	var public string
	for i, d := range definitions {
		value := form.Get(string(d.ID))
		message := d.Encrypt && encrypted && strings.HasPrefix(value, messageHead)
		switch {
		case value == "" && fields[i].Optional:
			continue
		case value == "":
			fields[i].Problem = "missing"
		case !oxlin.IsText(value), !message && !d.Matches(value):
			fields[i].Problem = "form"
		}
		if !secret(d) {
			fields[i].Value = value
		}
		if d.Encrypt && !message && fields[i].Problem == "" {
			if public == "" {
				usable, err := x.widget.options.Service.Keys.ForPages(x.ctx, x.session.caller())
				if err != nil {
					return typed, err
				}
				typed.KeyID, public = usable.ID, usable.Public
			}
			var err error
			value, err = vault.Encrypt(public, oxlin.NewSecret(value))
			if err != nil {
				return typed, err
			}
		}
		typed.Values[d.ID] = value
	}
	return typed, nil
}

// answer handles the answers to a bank's question.
func (x *exchange) answer(s snapshot) (bool, error) {
	form, f := x.request.PostForm, x.flow
	if form.Get("question") != questionKey(s) {
		return false, nil
	}
	view := x.challengeView(s, x.widget.bank(s.provider))
	if view.OK != "" && form.Get(string(view.OK)) == "false" {
		return x.cancel(s)
	}
	var definitions []oxlin.CredentialDefinition
	for _, challenge := range s.work.Question.Challenges {
		if !challenge.Type.IsMessage() && challenge.Type != oxlin.CredentialOKCancel {
			definitions = append(definitions, challenge.CredentialDefinition)
		}
	}
	typed, err := x.typed(definitions, view.Fields)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(view.Fields, func(f page.Field) bool { return f.Problem != "" }) {
		return true, x.draw(http.StatusUnprocessableEntity, s, stepChallenge, ending{}, view)
	}
	if view.OK != "" {
		typed.Values[view.OK] = "true"
	}
	input := connect.UserInput{Answers: typed.Values, KeyID: typed.KeyID}
	err = x.widget.options.Service.Credentials.Answer(x.ctx, x.session.caller(), f.ConnectionID, s.work.Channel.DefinitionID, input)
	return x.refused(s, stepChallenge, view, view.Fields, err)
}

func (x *exchange) consentToAll(s snapshot) (bool, error) {
	if !x.about(s) {
		return false, nil
	}
	return false, x.consent(s)
}

// consent records the consent to all accounts.
func (x *exchange) consent(s snapshot) error {
	f := x.flow
	text := oxlin.ConsentText{Version: oxlin.ConsentTextOfClient} // the client has asked the user itself
	if !f.requested.SkipConsent {
		text = x.consentText(s, stepConsent)
	}
	err := x.widget.options.Service.Consents.GiveToAll(x.ctx, x.session.caller(), f.ConnectionID, f.Definition, f.ID, text)
	if err != nil {
		return err
	}
	return x.update(func() { f.Consented = true })
}

// consentText returns the text of the consent page that the form was on.
func (x *exchange) consentText(s snapshot, at step) oxlin.ConsentText {
	frame := x.frame(x.flow, at, ending{})
	return oxlin.ConsentText{
		Version: x.flow.requested.consentVersion(), Language: frame.Language, Words: page.Words(frame, x.view(s, at, ending{})),
	}
}

// shareAccounts handles the selection of accounts. New accounts that are not selected
// are declined: they stay hidden and can be selected later. The data of shared accounts
// that are no longer selected is deleted.
func (x *exchange) shareAccounts(s snapshot) (bool, error) {
	if !x.about(s) {
		return false, nil
	}
	f := x.flow
	chosen := x.request.PostForm["account"]
	decision := connect.Decision{
		Text: x.consentText(s, stepAccounts), Attempt: connect.WidgetAttempt{FlowID: f.ID, Attempt: f.Attempt}, DefinitionID: f.Definition,
	}
	some := false
	for _, account := range choosable(s) {
		wanted := slices.Contains(chosen, account.ID.String())
		some = some || wanted
		if !wanted && account.Status == oxlin.AccountPendingConsent {
			decision.Declined = append(decision.Declined, account.ID)
			continue
		}
		decision.Accounts = append(decision.Accounts, oxlin.AccountConsent{AccountID: account.ID, Consent: wanted})
	}
	if f.Entry != manageAccounts && !some {
		view := x.view(s, stepAccounts, ending{}).(page.Accounts)
		view.Problem = "none"
		for i := range view.Accounts {
			view.Accounts[i].Chosen = false // keep the user's selection
		}
		return true, x.draw(http.StatusUnprocessableEntity, s, stepAccounts, ending{}, view)
	}
	err := x.widget.options.Service.Consents.Decide(x.ctx, x.session.caller(), f.ConnectionID, decision)
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidRequest {
		return false, nil // an account was deleted since the page was rendered
	}
	if err != nil {
		return false, err
	}
	err = x.reread()
	if err != nil {
		return false, err
	}
	return false, x.update(func() { x.flow.Consented = true })
}

// reread loads the flow again after a use case that may have changed it, for example
// the deletion of its connection.
func (x *exchange) reread() error {
	f, err := x.widget.flow(x.ctx, x.flow.ID)
	if err != nil {
		return err
	}
	x.flow = f
	return nil
}

// validate unlocks the suspended accounts. The next snapshot finds the outcome.
func (x *exchange) validate(s snapshot) (bool, error) {
	return false, x.widget.options.Service.Consents.Validate(x.ctx, x.session.caller(), x.flow.RequestedConnection, true)
}

// refuseAccounts deletes the suspended accounts.
func (x *exchange) refuseAccounts(s snapshot) (bool, error) {
	_, end := s.success()
	end.Result = "refused"
	return false, x.undo(end)
}

// undo deletes the data that the user rejected and ends the flow. It saves the ending
// first, so that other requests see it. If this request fails, the next one completes
// the deletion.
func (x *exchange) undo(e ending) error {
	err := x.update(func() { x.flow.PendingEnd = &e })
	if err != nil {
		return err
	}
	return x.finishPendingEnd()
}

// finishPendingEnd deletes the rejected data and ends the flow. It is idempotent.
func (x *exchange) finishPendingEnd() error {
	f, caller := x.flow, x.session.caller()
	var err error
	switch {
	case f.Entry == professional:
		err = x.widget.options.Service.Consents.Validate(x.ctx, caller, f.RequestedConnection, false)
	case f.ConnectionID != 0:
		err = x.widget.options.Service.Consents.Abandon(x.ctx, caller, f.ConnectionID, f.Definition, f.ID)
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	err = x.reread()
	if err != nil || x.flow.Ended != nil {
		return err
	}
	return x.widget.end(x.ctx, x.session, x.flow, *x.flow.PendingEnd)
}

// mayRepeat reports whether a new attempt with the stored credentials may succeed.
func (s snapshot) mayRepeat() bool {
	switch s.work.Channel.Status {
	case oxlin.ChannelFailed, oxlin.ChannelChallengeRequired, oxlin.ChannelChallengeTimedOut,
		oxlin.ChannelChallengeFailed, oxlin.ChannelChallengeCancelled:
		return true
	}
	return false
}

// mayRetry reports whether the page offers another attempt. A flow that manages accounts
// never asks for new access before the first list of accounts.
func (s snapshot) mayRetry() bool {
	return s.mayRepeat() || s.flow.Entry != manageAccounts || s.flow.Consented
}

// retry restarts a failed channel: with the stored credentials if they may succeed,
// otherwise with a new login.
func (x *exchange) retry(s snapshot) (bool, error) {
	f := x.flow
	id := s.work.Channel.DefinitionID
	if s.mayRepeat() {
		asks := f.ID // the accounts are listed first
		if f.Consented || f.FollowOnly && len(s.work.Accounts) > 0 {
			asks = 0
		}
		return false, x.widget.options.Service.Connections.Restart(x.ctx, x.session.caller(), f.ConnectionID, id, asks)
	}
	return false, x.update(func() {
		f.Definition, f.LeftAttempt = id, f.Attempt
		f.FollowOnly, f.Consented, f.AccessProblem = false, false, ""
	})
}

// giveUp ends the flow after its channel failed.
func (x *exchange) giveUp(s snapshot) (bool, error) {
	f := x.flow
	if f.Connected {
		_, end := s.success() // another channel was connected
		return false, x.widget.end(x.ctx, x.session, f, end)
	}
	_, end := s.failure(outcome(s.work.Channel.Status), "The channel is "+string(s.work.Channel.Status)+".")
	return false, x.widget.end(x.ctx, x.session, f, end)
}

// cancel ends the flow at the user's request. It destroys access without consent and
// keeps connected channels.
func (x *exchange) cancel(s snapshot) (bool, error) {
	at, _ := s.next()
	f := x.flow
	caller := x.session.caller()
	cancelled := ending{Status: "cancelled", Result: "cancelled", ConnectionID: f.connection()}
	given := s.hasAccess() || f.Attempt > 0 && f.Entered == f.Definition && !s.askedElsewhere(f.Definition) // even if they went back since
	if s.work == nil || !given || at == stepTerms {
		if f.Connected {
			_, cancelled = s.success()
		}
		return false, x.widget.end(x.ctx, x.session, f, cancelled)
	}
	status := s.work.Channel.Status
	switch {
	case f.FollowOnly && at == stepChallenge:
		for _, challenge := range s.work.Question.Challenges {
			if challenge.Type != oxlin.CredentialOKCancel {
				continue // a question without this button stays open until it expires
			}
			input := connect.UserInput{Answers: map[oxlin.CredentialID]string{challenge.ID: "false"}}
			err := x.widget.options.Service.Credentials.Answer(x.ctx, caller, f.ConnectionID, s.work.Channel.DefinitionID, input)
			if err != nil && oxlin.AsError(err).Code != oxlin.CodeConflict {
				return false, err
			}
		}
	case f.FollowOnly:
	case f.Consented:
		// The consent stays valid and the synchronisation continues without the user.
		_, cancelled = s.success()
	case f.Entry == addConnection || status == oxlin.ChannelRunning || s.work.Channel.AwaitsConsent:
		if f.Connected {
			_, cancelled = s.success()
		} else if f.Entry == addConnection {
			cancelled.ConnectionID = 0 // the client never saw it
		}
		return false, x.undo(cancelled)
	}
	return false, x.widget.end(x.ctx, x.session, f, cancelled)
}
