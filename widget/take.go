package widget

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/connect"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
	"github.com/oxlin/oxlin/widget/page"
)

// maxForm is how large a posted form may be: OpenPGP messages are some kilobytes.
const maxForm = 256 << 10

// messageHead begins an armored OpenPGP message (RFC 9580 §6.2).
const messageHead = "-----BEGIN PGP MESSAGE-----"

// take takes what the user posts. What no longer fits where the flow is changes
// nothing: it came from a page that is out of date, and the answer is the page that
// is not.
func (w *Widget) take(x *exchange) error {
	x.request.Body = http.MaxBytesReader(x, x.request.Body, maxForm)
	err := x.request.ParseForm()
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return oxlin.Errorf(oxlin.CodePayloadTooLarge, "The form is too large.")
		}
		return oxlin.Errorf(oxlin.CodeInvalidRequest, "The form cannot be read.")
	}
	found, err := w.situation(x.ctx, x.session, x.flow)
	if err != nil {
		return err
	}
	at, _ := found.next()
	drawn, err := w.act(x, found, at)
	if errors.Is(err, errMoved) || oxlin.IsNotFound(err) {
		err = nil // another request was quicker, or what the form is about is gone
	}
	if err != nil || drawn {
		return err
	}
	x.redirect(x.self())
	return nil
}

// act does what a form asks for at a step. drawn says that the answer is written:
// the page again, with what is wrong in the form, or the way to the bank.
func (w *Widget) act(x *exchange, s situation, at step) (drawn bool, err error) {
	form, f := x.request.PostForm, x.flow
	action := form.Get("action")
	switch {
	case at == stepDone:
		return false, nil
	case action == "cancel":
		return false, w.cancel(x, s, at)
	case at == stepTerms && action == "accept_terms":
		return w.acceptTerms(x, s)
	case action == "other_bank" && f.mayChangeBank(at):
		return false, w.forgetBank(x)
	case at == stepBanks && form.Get("provider_id") != "":
		return w.chooseBank(x, s, oxlin.ProviderID(form.Get("provider_id")))
	case at == stepChannels:
		id := oxlin.ChannelDefinitionID(form.Get("channel_definition_id"))
		if !slices.ContainsFunc(s.remaining(""), func(d oxlin.ChannelDefinition) bool { return d.ID == id }) {
			return false, nil
		}
		return false, w.update(x, func() { f.Definition = id })
	case at == stepNotice && action == "authorize":
		return w.authorize(x, s)
	case at == stepNotice && action == "no_current_account" && s.mayHaveNoCurrentAccount():
		return false, w.goOn(x, s, false)
	case at == stepLogin:
		return w.login(x, s)
	case at == stepChallenge:
		return w.answer(x, s)
	case at == stepConsent && action == "consent" && x.about(s):
		return false, w.consent(x, s)
	case at == stepAccounts && action == "choose" && x.about(s):
		return w.shareAccounts(x, s)
	case at == stepOffer && action == "add_channel":
		return false, w.goOn(x, s, true)
	case at == stepOffer && action == "finish":
		_, end := s.success()
		return false, w.end(x.ctx, x.session, f, end)
	case at == stepProfessional && (action == "validate" || action == "refuse"):
		return false, w.validate(x, s, action == "validate")
	case at == stepFailed && action == "retry":
		return false, w.retry(x, s)
	case at == stepFailed && action == "leave":
		return false, w.giveUp(x, s)
	}
	return false, nil
}

// shown is in the address to which a page's forms go that ask for a consent: what the
// page is about.
func (f *flow) shown() string { return string(f.Definition) + "." + strconv.FormatInt(f.Attempt, 10) }

// about says that a form is about what is at hand. A consent counts for what its page
// has shown, and for nothing that came since.
func (x *exchange) about(s situation) bool {
	return x.request.URL.Query().Get("shown") == s.flow.shown()
}

// update changes a flow and stores it.
func (w *Widget) update(x *exchange, change func()) error {
	change()
	return w.DB.Write(x.ctx, func(tx *store.Tx) error { return w.save(x.ctx, tx, x.flow) })
}

func (w *Widget) acceptTerms(x *exchange, s situation) (bool, error) {
	if x.request.PostForm.Get("terms") != "accepted" {
		view := w.view(x, s, stepTerms, ending{}).(page.Terms)
		view.Missing = true
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepTerms, ending{}, view)
	}
	return false, w.DB.WriteFor(x.ctx, x.session.UserID, func(tx *store.Tx) error {
		user, err := tx.User(x.ctx, x.session.UserID)
		if err != nil {
			return err
		}
		user.TermsVersion, user.TermsAcceptedAt = oxlin.TermsVersion, w.Now()
		return tx.UpdateUser(x.ctx, user)
	})
}

func (w *Widget) chooseBank(x *exchange, s situation, id oxlin.ProviderID) (bool, error) {
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

// forgetBank goes back to the list of banks. Who is still at the bank that was
// chosen before comes back too late.
func (w *Widget) forgetBank(x *exchange) error {
	f := x.flow
	f.Provider, f.Definition, f.Problem, f.Finished = "", "", "", nil
	return w.DB.Write(x.ctx, func(tx *store.Tx) error {
		err := tx.DropAuthorizationsOfFlow(x.ctx, f.ID)
		if err != nil {
			return err
		}
		return w.save(x.ctx, tx, f)
	})
}

// goOn leaves the channel at hand and goes on with the next one of the flow.
func (w *Widget) goOn(x *exchange, s situation, made bool) error {
	f := x.flow
	f.finish(made)
	if list := s.remaining(""); len(list) > 0 {
		f.Definition = list[0].ID
	}
	return w.update(x, func() {})
}

// authorize sends the user to their bank.
func (w *Widget) authorize(x *exchange, s situation) (bool, error) {
	f := x.flow
	address, err := w.Service.Authorizations.Begin(x.ctx, x.session.caller(), connect.AuthorizeRequest{
		ProviderID: f.Provider, DefinitionID: f.Definition, ConnectionID: f.ConnectionID,
		ConsentPerAccount: f.asked.SelectAccounts, AutoSync: f.asked.AutoSync, FlowID: f.ID,
	})
	var shown *oxlin.Error
	if errors.As(err, &shown) && shown.Code != oxlin.CodeInternal {
		return false, w.update(x, func() { f.Problem = string(shown.Code) })
	}
	if err != nil {
		return false, err
	}
	if f.Problem != "" {
		err := w.update(x, func() { f.Problem = "" })
		if err != nil && !errors.Is(err, errMoved) {
			return false, err
		}
	}
	frame := w.frame(x, f, stepNotice, ending{})
	frame.Messages = nil
	w.render(x, http.StatusOK, frame, page.Leaving{Bank: w.bank(s.provider), Target: address})
	return true, nil
}

// login takes the credentials of an EMBEDDED channel.
func (w *Widget) login(x *exchange, s situation) (bool, error) {
	form, f := x.request.PostForm, x.flow
	if form.Get("attempt") != strconv.FormatInt(f.Attempt, 10) {
		return false, nil // this page was sent before
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
			ConsentPerAccount: f.asked.SelectAccounts, AutoSync: f.asked.AutoSync,
		})
	} else {
		err = w.Service.Credentials.Replace(x.ctx, caller, f.ConnectionID, f.Definition, typed)
	}
	return w.refused(x, s, stepLogin, view, view.Fields, err)
}

// refused shows a form again whose values were refused: beside the field, where it
// is known which, else above all.
func (w *Widget) refused(x *exchange, s situation, at step, view page.View, fields []page.Field, err error) (bool, error) {
	var shown *oxlin.Error
	if err == nil || !errors.As(err, &shown) || shown.Code == oxlin.CodeInternal || shown.Code == oxlin.CodeNotFound {
		return false, err
	}
	if shown.Code == oxlin.CodeConflict {
		return false, nil // it was answered, or is over
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

// typed reads the values of a form by the ids of its fields, and says in the fields
// what is wrong with them. What has to be encrypted and came in clear, because the
// page had no script, is encrypted now: nothing in clear goes further than this.
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

// answer takes the answers to what the bank asks.
func (w *Widget) answer(x *exchange, s situation) (bool, error) {
	form, f := x.request.PostForm, x.flow
	if form.Get("question") != questionMark(s) {
		return false, nil
	}
	view := w.challengeView(x, s, w.bank(s.provider))
	if view.OK != "" && form.Get(string(view.OK)) == "false" {
		return false, w.cancel(x, s, stepChallenge)
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

// consent takes the consent to all accounts.
func (w *Widget) consent(x *exchange, s situation) error {
	f := x.flow
	text := f.asked.consentText()
	if f.asked.SkipConsent {
		text = connect.TextOfClient // the client has asked by itself
	}
	err := w.Service.Consents.GiveToAll(x.ctx, x.session.caller(), f.ConnectionID, f.Definition, text)
	if err != nil {
		return err
	}
	return w.update(x, func() { f.Consented = true })
}

// shareAccounts takes the choice of accounts. Those that are not chosen wait for
// another day, told to nobody; what was shared and is no longer chosen is deleted.
func (w *Widget) shareAccounts(x *exchange, s situation) (bool, error) {
	f := x.flow
	chosen := x.request.PostForm["account"]
	decision := connect.Decision{
		Text: f.asked.consentText(), Attempt: connect.WidgetAttempt{FlowID: f.ID, Attempt: f.Attempt}, DefinitionID: f.Definition,
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
			view.Accounts[i].Chosen = false // as the form was sent: a tick is the user's own
		}
		return true, w.draw(x, http.StatusUnprocessableEntity, s, stepAccounts, ending{}, view)
	}
	err := w.Service.Consents.Decide(x.ctx, x.session.caller(), f.ConnectionID, decision)
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeInvalidRequest {
		return false, nil // an account has gone since it was shown
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

// reread reads a flow again after something that has changed it, as the end of its
// connection does.
func (w *Widget) reread(x *exchange) error {
	f, err := w.flow(x.ctx, x.flow.ID)
	if err != nil {
		return err
	}
	x.flow = f
	return nil
}

func (w *Widget) validate(x *exchange, s situation, wanted bool) error {
	if wanted {
		return w.Service.Consents.Validate(x.ctx, x.session.caller(), x.flow.Bound, true) // what became of them is looked up
	}
	_, end := s.success()
	end.Result = "refused"
	return w.undo(x, end)
}

// undo destroys what the user does not want, and ends the flow. The end is noted
// before: whoever looks meanwhile sees it, and takes over if we do not come so far.
func (w *Widget) undo(x *exchange, e ending) error {
	err := w.update(x, func() { x.flow.Undoing = &e })
	if err != nil {
		return err
	}
	return w.goOnUndoing(x)
}

// goOnUndoing may be done twice.
func (w *Widget) goOnUndoing(x *exchange) error {
	f, caller := x.flow, x.session.caller()
	var err error
	switch {
	case f.Entry == professional:
		err = w.Service.Consents.Validate(x.ctx, caller, f.Bound, false)
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
	return w.end(x.ctx, x.session, x.flow, *x.flow.Undoing)
}

// mayRepeat says that trying again with what the user gave before may help.
func (s situation) mayRepeat() bool {
	switch s.work.Channel.Status {
	case oxlin.ChannelFailed, oxlin.ChannelChallengeRequired, oxlin.ChannelChallengeTimedOut,
		oxlin.ChannelChallengeFailed, oxlin.ChannelChallengeCancelled:
		return true
	}
	return false
}

// mayRetry says that there is something to try again here. Who came to choose accounts of
// a bank that has shown none yet is not asked for a new access.
func (s situation) mayRetry() bool {
	return s.mayRepeat() || s.flow.Entry != manageAccounts || s.flow.Consented
}

// retry tries a channel again that failed: with what the user gave before, where
// that may help, else they are asked again.
func (w *Widget) retry(x *exchange, s situation) error {
	f := x.flow
	id := s.work.Channel.DefinitionID
	if s.mayRepeat() {
		read := f.Consented || f.Watched && len(s.work.Accounts) > 0 // else they are listed first
		return w.Service.Connections.Restart(x.ctx, x.session.caller(), f.ConnectionID, id, read)
	}
	return w.update(x, func() {
		f.Definition, f.Left = id, f.Attempt
		f.Watched, f.Consented, f.Problem = false, false, ""
	})
}

// giveUp ends a flow whose channel failed.
func (w *Widget) giveUp(x *exchange, s situation) error {
	f := x.flow
	if f.Made {
		_, end := s.success() // another channel is connected all the same
		return w.end(x.ctx, x.session, f, end)
	}
	_, end := s.failure(outcome(s.work.Channel.Status), "The channel is "+string(s.work.Channel.Status)+".")
	return w.end(x.ctx, x.session, f, end)
}

// cancel ends a flow as the user wishes. What they gave and did not consent to is
// destroyed; what is connected stays.
func (w *Widget) cancel(x *exchange, s situation, at step) error {
	f := x.flow
	caller := x.session.caller()
	cancelled := ending{Status: "cancelled", Result: "cancelled", ConnectionID: f.connection()}
	given := s.entered() || f.Attempt > 0 && f.Entered == f.Definition // also where they went back since
	if s.work == nil || !given || at == stepTerms {
		if f.Made {
			_, cancelled = s.success()
		}
		return w.end(x.ctx, x.session, f, cancelled)
	}
	status := s.work.Channel.Status
	switch {
	case f.Watched && at == stepChallenge:
		for _, challenge := range s.work.Question.Challenges {
			if challenge.Type != oxlin.CredentialOKCancel {
				continue // a question without that button waits until its time is over
			}
			input := connect.UserInput{Answers: map[oxlin.CredentialID]string{challenge.ID: "false"}}
			err := w.Service.Credentials.Answer(x.ctx, caller, f.ConnectionID, s.work.Channel.DefinitionID, input)
			if err != nil && oxlin.AsError(err).Code != oxlin.CodeConflict {
				return err
			}
		}
	case f.Watched:
	case f.Consented:
		// The consent is given and the work goes on: the user only does not wait for it.
		_, cancelled = s.success()
	case f.Entry == addConnection || status == oxlin.ChannelRunning || s.work.Channel.AwaitsConsent:
		if f.Made {
			_, cancelled = s.success()
		} else if f.Entry == addConnection {
			cancelled.ConnectionID = 0 // it was never there
		}
		return w.undo(x, cancelled)
	}
	return w.end(x.ctx, x.session, f, cancelled)
}
