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
type form func(*Widget, *exchange, snapshot) (answered bool, err error)

// forms has every form of every page by its action, the value of the button that
// sends it. A page whose form has no such button uses the empty action. It is the
// counterpart of snapshot.next, which finds the page.
var forms = map[step]map[string]form{
	stepTerms:    {"accept_terms": (*Widget).acceptTerms},
	stepBanks:    {"": (*Widget).chooseBank},
	stepChannels: {"": (*Widget).chooseChannel},
	stepNotice: {
		"authorize":          (*Widget).authorize,
		"no_current_account": (*Widget).skipRedirect,
	},
	stepLogin:     {"": (*Widget).login},
	stepChallenge: {"": (*Widget).answer},
	stepConsent:   {"consent": (*Widget).consentToAll},
	stepAccounts:  {"choose": (*Widget).shareAccounts},
	stepOffer: {
		"add_channel": (*Widget).addChannel,
		"finish":      (*Widget).declineOffer,
	},
	stepProfessional: {
		"validate": (*Widget).validate,
		"refuse":   (*Widget).refuseAccounts,
	},
	stepFailed: {
		"retry": (*Widget).retry,
		"leave": (*Widget).giveUp,
	},
}

// frameForms are the forms around the page, which every page but the last may have.
var frameForms = map[string]form{
	"cancel":     (*Widget).cancel,
	"other_bank": (*Widget).forgetBank,
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
func (w *Widget) handleForm(x *exchange) error {
	x.request.Body = http.MaxBytesReader(x, x.request.Body, maxForm)
	err := x.request.ParseForm()
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return oxlin.Errorf(oxlin.CodePayloadTooLarge, "The form is too large.")
		}
		return oxlin.Errorf(oxlin.CodeInvalidRequest, "The form cannot be read.")
	}
	found, err := w.snapshot(x.ctx, x.session, x.flow)
	if err != nil {
		return err
	}
	at, _ := found.next()
	answered := false
	if form := formOf(at, x.request.PostForm.Get("action")); form != nil {
		answered, err = form(w, x, found)
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

// shown identifies the subject of a consent page. The address of its form contains it.
func (f *flow) shown() string { return string(f.Definition) + "." + strconv.FormatInt(f.Attempt, 10) }

// about reports whether a form belongs to the current channel and attempt. A consent
// applies only to the accounts that its page showed.
func (x *exchange) about(s snapshot) bool {
	return x.request.URL.Query().Get("shown") == s.flow.shown()
}

// update changes and saves the flow.
func (w *Widget) update(x *exchange, change func()) error {
	change()
	return w.DB.Write(x.ctx, func(tx *store.Tx) error { return w.save(x.ctx, tx, x.flow) })
}

func (w *Widget) acceptTerms(x *exchange, s snapshot) (bool, error) {
	if x.request.PostForm.Get("terms") != "accepted" {
		view := w.view(x, s, stepTerms, ending{}).(page.Terms)
		view.Missing = true
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepTerms, ending{}, view)
	}
	return false, w.Users.AcceptTerms(x.ctx, x.session.UserID)
}

func (w *Widget) chooseBank(x *exchange, s snapshot) (bool, error) {
	id := oxlin.ProviderID(x.request.PostForm.Get("provider_id"))
	if id == "" {
		return false, nil
	}
	provider, known := w.Service.Providers.Get(id)
	if !known || provider.Unavailable {
		view := w.view(x, s, stepBanks, ending{}).(page.Banks)
		view.Unavailable = provider.Name
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepBanks, ending{}, view)
	}
	x.flow.Provider = id
	err := w.settle(x.ctx, x.session, x.flow)
	if err != nil {
		return false, err
	}
	return false, w.update(x, func() {})
}

func (w *Widget) chooseChannel(x *exchange, s snapshot) (bool, error) {
	id := oxlin.ChannelDefinitionID(x.request.PostForm.Get("channel_definition_id"))
	if !slices.ContainsFunc(s.remaining(""), func(d oxlin.ChannelDefinition) bool { return d.ID == id }) {
		return false, nil
	}
	return false, w.update(x, func() { x.flow.Definition = id })
}

// forgetBank returns to the list of banks. A pending bank callback will be rejected.
func (w *Widget) forgetBank(x *exchange, s snapshot) (bool, error) {
	f := x.flow
	at, _ := s.next()
	if !f.mayChangeBank(at) {
		return false, nil
	}
	f.Provider, f.Definition, f.AccessProblem, f.FinishedChannels = "", "", "", nil
	return false, w.DB.Write(x.ctx, func(tx *store.Tx) error {
		err := tx.DropAuthorizationsOfFlow(x.ctx, f.ID)
		if err != nil {
			return err
		}
		return w.save(x.ctx, tx, f)
	})
}

// skipRedirect continues with the EMBEDDED channel, for a user without an account
// that the bank's interface gives access to.
func (w *Widget) skipRedirect(x *exchange, s snapshot) (bool, error) {
	if !s.mayHaveNoCurrentAccount() {
		return false, nil
	}
	return false, w.nextChannel(x, s, false)
}

// addChannel accepts the offer of the next channel.
func (w *Widget) addChannel(x *exchange, s snapshot) (bool, error) {
	return false, w.nextChannel(x, s, true)
}

// declineOffer ends the flow without the offered channel.
func (w *Widget) declineOffer(x *exchange, s snapshot) (bool, error) {
	_, end := s.success()
	return false, w.end(x.ctx, x.session, x.flow, end)
}

// nextChannel finishes the current channel and continues with the flow's next one.
func (w *Widget) nextChannel(x *exchange, s snapshot, connected bool) error {
	f := x.flow
	f.finish(connected)
	if list := s.remaining(""); len(list) > 0 {
		f.Definition = list[0].ID
	}
	return w.update(x, func() {})
}

// authorize begins an authorization and renders the page that leads to the bank.
func (w *Widget) authorize(x *exchange, s snapshot) (bool, error) {
	f := x.flow
	address, err := w.Service.Authorizations.Begin(x.ctx, x.session.caller(), connect.AuthorizeRequest{
		ProviderID: f.Provider, DefinitionID: f.Definition, ConnectionID: f.ConnectionID,
		ConsentPerAccount: f.requested.SelectAccounts, AutoSync: f.requested.AutoSync, FlowID: f.ID,
	})
	var shown *oxlin.Error
	if errors.As(err, &shown) && shown.Code != oxlin.CodeInternal {
		return false, w.update(x, func() { f.AccessProblem = string(shown.Code) })
	}
	if err != nil {
		return false, err
	}
	if f.AccessProblem != "" {
		err := w.update(x, func() { f.AccessProblem = "" })
		if err != nil && !errors.Is(err, errStale) {
			return false, err
		}
	}
	frame := w.frame(x, f, stepNotice, ending{})
	frame.Messages = nil
	w.render(x, http.StatusOK, frame, page.Leaving{Bank: w.bank(s.provider), Target: address})
	return true, nil
}

// login handles the credentials of an EMBEDDED channel.
func (w *Widget) login(x *exchange, s snapshot) (bool, error) {
	form, f := x.request.PostForm, x.flow
	if form.Get("attempt") != strconv.FormatInt(f.Attempt, 10) {
		return false, nil // this attempt was already posted
	}
	view := loginView(x, s, w.bank(s.provider))
	typed, err := w.typed(x, s.definition().Credentials, view.Fields)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(view.Fields, func(f page.Field) bool { return f.Problem != "" }) {
		view.Problem = ""
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepLogin, ending{}, view)
	}
	typed.KeepOthers, typed.Attempt = len(s.kept()) > 0, connect.WidgetAttempt{FlowID: f.ID, Attempt: f.Attempt}
	caller := x.session.caller()
	if f.ConnectionID == 0 {
		_, err = w.Service.Credentials.Connect(x.ctx, caller, connect.NewConnection{
			ProviderID: f.Provider, DefinitionID: f.Definition, Credentials: typed,
			ConsentPerAccount: f.requested.SelectAccounts, AutoSync: f.requested.AutoSync,
		})
	} else {
		err = w.Service.Credentials.Replace(x.ctx, caller, f.ConnectionID, f.Definition, typed)
	}
	return w.refused(x, s, stepLogin, view, view.Fields, err)
}

// refused renders a form again with the error of a use case: next to the field if the
// error names one, otherwise above the form.
func (w *Widget) refused(x *exchange, s snapshot, at step, view page.View, fields []page.Field, err error) (bool, error) {
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
	return true, w.draw(x, http.StatusUnprocessableEntity, s, at, ending{}, view)
}

// typed reads the values of a form by the ids of its fields and sets the problems of
// invalid fields. If the page had no script to encrypt a secret, typed encrypts it: no
// other code handles the secret in clear.
func (w *Widget) typed(x *exchange, definitions []oxlin.CredentialDefinition, fields []page.Field) (connect.CredentialValues, error) {
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
				usable, err := w.Service.Keys.ForPages(x.ctx, x.session.caller())
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
func (w *Widget) answer(x *exchange, s snapshot) (bool, error) {
	form, f := x.request.PostForm, x.flow
	if form.Get("question") != questionKey(s) {
		return false, nil
	}
	view := w.challengeView(x, s, w.bank(s.provider))
	if view.OK != "" && form.Get(string(view.OK)) == "false" {
		return w.cancel(x, s)
	}
	var definitions []oxlin.CredentialDefinition
	for _, challenge := range s.work.Question.Challenges {
		if !challenge.Type.IsMessage() && challenge.Type != oxlin.CredentialOKCancel {
			definitions = append(definitions, challenge.CredentialDefinition)
		}
	}
	typed, err := w.typed(x, definitions, view.Fields)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(view.Fields, func(f page.Field) bool { return f.Problem != "" }) {
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepChallenge, ending{}, view)
	}
	if view.OK != "" {
		typed.Values[view.OK] = "true"
	}
	input := connect.UserInput{Answers: typed.Values, KeyID: typed.KeyID}
	err = w.Service.Credentials.Answer(x.ctx, x.session.caller(), f.ConnectionID, s.work.Channel.DefinitionID, input)
	return w.refused(x, s, stepChallenge, view, view.Fields, err)
}

func (w *Widget) consentToAll(x *exchange, s snapshot) (bool, error) {
	if !x.about(s) {
		return false, nil
	}
	return false, w.consent(x, s)
}

// consent records the consent to all accounts.
func (w *Widget) consent(x *exchange, s snapshot) error {
	f := x.flow
	text := f.requested.consentText()
	if f.requested.SkipConsent {
		text = connect.TextOfClient // the client has asked the user itself
	}
	err := w.Service.Consents.GiveToAll(x.ctx, x.session.caller(), f.ConnectionID, f.Definition, text)
	if err != nil {
		return err
	}
	return w.update(x, func() { f.Consented = true })
}

// shareAccounts handles the selection of accounts. New accounts that are not selected
// are declined: they stay hidden and can be selected later. The data of shared accounts
// that are no longer selected is deleted.
func (w *Widget) shareAccounts(x *exchange, s snapshot) (bool, error) {
	if !x.about(s) {
		return false, nil
	}
	f := x.flow
	chosen := x.request.PostForm["account"]
	decision := connect.Decision{
		Text: f.requested.consentText(), Attempt: connect.WidgetAttempt{FlowID: f.ID, Attempt: f.Attempt}, DefinitionID: f.Definition,
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
		view := w.view(x, s, stepAccounts, ending{}).(page.Accounts)
		view.Problem = "none"
		for i := range view.Accounts {
			view.Accounts[i].Chosen = false // keep the user's selection
		}
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepAccounts, ending{}, view)
	}
	err := w.Service.Consents.Decide(x.ctx, x.session.caller(), f.ConnectionID, decision)
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidRequest {
		return false, nil // an account was deleted since the page was rendered
	}
	if err != nil {
		return false, err
	}
	err = w.reread(x)
	if err != nil {
		return false, err
	}
	return false, w.update(x, func() { x.flow.Consented = true })
}

// reread loads the flow again after a use case that may have changed it, for example
// the deletion of its connection.
func (w *Widget) reread(x *exchange) error {
	f, err := w.flow(x.ctx, x.flow.ID)
	if err != nil {
		return err
	}
	x.flow = f
	return nil
}

// validate unlocks the suspended accounts. The next snapshot finds the outcome.
func (w *Widget) validate(x *exchange, s snapshot) (bool, error) {
	return false, w.Service.Consents.Validate(x.ctx, x.session.caller(), x.flow.RequestedConnection, true)
}

// refuseAccounts deletes the suspended accounts.
func (w *Widget) refuseAccounts(x *exchange, s snapshot) (bool, error) {
	_, end := s.success()
	end.Result = "refused"
	return false, w.undo(x, end)
}

// undo deletes the data that the user rejected and ends the flow. It saves the ending
// first, so that other requests see it. If this request fails, the next one completes
// the deletion.
func (w *Widget) undo(x *exchange, e ending) error {
	err := w.update(x, func() { x.flow.PendingEnd = &e })
	if err != nil {
		return err
	}
	return w.finishPendingEnd(x)
}

// finishPendingEnd deletes the rejected data and ends the flow. It is idempotent.
func (w *Widget) finishPendingEnd(x *exchange) error {
	f, caller := x.flow, x.session.caller()
	var err error
	switch {
	case f.Entry == professional:
		err = w.Service.Consents.Validate(x.ctx, caller, f.RequestedConnection, false)
	case f.ConnectionID != 0:
		err = w.Service.Consents.Abandon(x.ctx, caller, f.ConnectionID, f.Definition)
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	err = w.reread(x)
	if err != nil || x.flow.Ended != nil {
		return err
	}
	return w.end(x.ctx, x.session, x.flow, *x.flow.PendingEnd)
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
func (w *Widget) retry(x *exchange, s snapshot) (bool, error) {
	f := x.flow
	id := s.work.Channel.DefinitionID
	if s.mayRepeat() {
		read := f.Consented || f.FollowOnly && len(s.work.Accounts) > 0 // otherwise the accounts are listed first
		return false, w.Service.Connections.Restart(x.ctx, x.session.caller(), f.ConnectionID, id, read)
	}
	return false, w.update(x, func() {
		f.Definition, f.LeftAttempt = id, f.Attempt
		f.FollowOnly, f.Consented, f.AccessProblem = false, false, ""
	})
}

// giveUp ends the flow after its channel failed.
func (w *Widget) giveUp(x *exchange, s snapshot) (bool, error) {
	f := x.flow
	if f.Connected {
		_, end := s.success() // another channel was connected
		return false, w.end(x.ctx, x.session, f, end)
	}
	_, end := s.failure(outcome(s.work.Channel.Status), "The channel is "+string(s.work.Channel.Status)+".")
	return false, w.end(x.ctx, x.session, f, end)
}

// cancel ends the flow at the user's request. It destroys access without consent and
// keeps connected channels.
func (w *Widget) cancel(x *exchange, s snapshot) (bool, error) {
	at, _ := s.next()
	f := x.flow
	caller := x.session.caller()
	cancelled := ending{Status: "cancelled", Result: "cancelled", ConnectionID: f.connection()}
	given := s.hasAccess() || f.Attempt > 0 && f.Entered == f.Definition // even if they went back since
	if s.work == nil || !given || at == stepTerms {
		if f.Connected {
			_, cancelled = s.success()
		}
		return false, w.end(x.ctx, x.session, f, cancelled)
	}
	status := s.work.Channel.Status
	switch {
	case f.FollowOnly && at == stepChallenge:
		for _, challenge := range s.work.Question.Challenges {
			if challenge.Type != oxlin.CredentialOKCancel {
				continue // a question without this button stays open until it expires
			}
			input := connect.UserInput{Answers: map[oxlin.CredentialID]string{challenge.ID: "false"}}
			err := w.Service.Credentials.Answer(x.ctx, caller, f.ConnectionID, s.work.Channel.DefinitionID, input)
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
		return false, w.undo(x, cancelled)
	}
	return false, w.end(x.ctx, x.session, f, cancelled)
}
