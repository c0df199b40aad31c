package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web/passkey"
)

// accounts are the pages about an operator's own account.
type accounts struct{ console *Console }

// accountPage shows operators their own account.
type accountPage struct {
	Operator store.Operator
	// Codes is the number of recovery codes that are left.
	Codes int64
	// Others is the number of other sessions.
	Others int64
	// Done confirms a change.
	Done    bool
	Problem *oxlin.Error
	// Passkeys are those of the operator, and Ask is the question for another one.
	Passkeys []store.Passkey
	Ask      passkey.Ask
}

func (a accounts) account(w http.ResponseWriter, r *http.Request) error {
	return a.showAccount(w, r, http.StatusOK, nil)
}

func (a accounts) showAccount(w http.ResponseWriter, r *http.Request, status int, wrong *oxlin.Error) error {
	session := sessionOf(r)
	page := accountPage{Operator: session.Operator, Done: r.Form.Has("done"), Problem: wrong}
	var err error
	page.Codes, err = a.console.options.Operators.CountCodes(r.Context(), session.Operator)
	if err != nil {
		return err
	}
	page.Others, err = a.console.options.Operators.Others(r.Context(), session)
	if err != nil {
		return err
	}
	err = a.offerPasskeys(r, &page)
	if err != nil {
		return err
	}
	a.console.render(w, r, status, "Your account", accountDetails(page))
	return nil
}

const accountDone = "/console/account?done"

func (a accounts) changePassword(w http.ResponseWriter, r *http.Request) error {
	current, password := oxlin.NewSecret(r.PostFormValue("current")), oxlin.NewSecret(r.PostFormValue("password"))
	err := a.console.options.Operators.SetPassword(r.Context(), sessionOf(r), current, password)
	if shown, ok := asInvalid(err); ok {
		return a.showAccount(w, r, http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return err
	}
	a.console.log(r).Info("an operator has changed their password")
	return redirect(w, accountDone)
}

func (a accounts) showEnrolment(w http.ResponseWriter, r *http.Request) error {
	return a.askEnrolment(w, r, http.StatusOK, "")
}

func (a accounts) askEnrolment(w http.ResponseWriter, r *http.Request, status int, wrong string) error {
	session := sessionOf(r)
	enrolment, err := a.console.options.Operators.Enrol(r.Context(), session)
	if err != nil {
		return err
	}
	a.console.render(w, r, status, factorTitle,
		enrolForm("/console/account/factor", enrolment.Key(), enrolment.URI(a.console.options.Platform, session.Operator.Name), wrong))
	return nil
}

// enrol replaces the second factor.
func (a accounts) enrol(w http.ResponseWriter, r *http.Request) error {
	codes, err := a.console.options.Operators.FinishEnrolment(r.Context(), sessionOf(r), r.PostFormValue("code"))
	if oxlin.IsNotFound(err) {
		return a.askEnrolment(w, r, http.StatusUnprocessableEntity, "Wrong code. Wait for the next one.")
	}
	if err != nil {
		return err
	}
	a.console.log(r).Info("second factor set up in the console")
	a.console.render(w, r, http.StatusOK, "Recovery codes", recoveryList(codes))
	return nil
}

func (a accounts) renewCodes(w http.ResponseWriter, r *http.Request) error {
	codes, err := a.console.options.Operators.NewCodes(r.Context(), sessionOf(r))
	if err != nil {
		return err
	}
	a.console.log(r).Info("recovery codes made in the console")
	a.console.render(w, r, http.StatusOK, "Recovery codes", recoveryList(codes))
	return nil
}

func (a accounts) endSessions(w http.ResponseWriter, r *http.Request) error {
	err := a.console.options.Operators.SignOutOthers(r.Context(), sessionOf(r))
	if err != nil {
		return err
	}
	return redirect(w, accountDone)
}

// replayMark identifies the last code that an operator is told about.
func replayMark(replays store.Replays) string { return strconv.FormatInt(replays.At.UnixMicro(), 10) }

// dismissReplays ends the notice about codes that were given again, unless there are more by now.
func (a accounts) dismissReplays(w http.ResponseWriter, r *http.Request) error {
	last, err := strconv.ParseInt(r.PostFormValue("last"), 10, 64)
	if err == nil {
		err = a.console.options.Operators.DismissReplays(r.Context(), sessionOf(r), time.UnixMicro(last))
		if err != nil {
			return err
		}
	}
	return redirect(w, "/console")
}

const confirmTitle = "Your password again"

// backTo returns the page of the console to which a confirmation leads.
func backTo(r *http.Request) string {
	back := r.Form.Get("back")
	if !strings.HasPrefix(back, "/console/") || strings.ContainsAny(back, "?#\\") || strings.Contains(back, "//") {
		return "/console"
	}
	return back
}

// showConfirm asks for the password before an operator sees or changes a secret.
func (a accounts) showConfirm(w http.ResponseWriter, r *http.Request) error {
	session, ok, err := a.complete(w, r)
	if !ok {
		return err
	}
	ask, err := a.console.askPasskey(r)
	if err != nil {
		return err
	}
	a.console.render(w, r, http.StatusOK, confirmTitle, confirmForm(backTo(r), session.Operator.TOTPKey != nil, "", ask))
	return nil
}

// complete returns the complete session of a request, or redirects.
func (a accounts) complete(w http.ResponseWriter, r *http.Request) (session store.OperatorSession, ok bool, err error) {
	session, err = a.console.find(r)
	switch {
	case oxlin.IsNotFound(err):
		return session, false, redirect(w, "/console/login")
	case err != nil:
		return session, false, err
	case due(session) != "":
		return session, false, redirect(w, due(session))
	}
	return session, true, nil
}

const firstPasswordTitle = "Choose your password"

// showFirst asks for the password that takes the place of a first one.
func (a accounts) showFirst(w http.ResponseWriter, r *http.Request) error {
	_, ok, err := a.first(w, r)
	if !ok {
		return err
	}
	a.console.render(w, r, http.StatusOK, firstPasswordTitle, firstPasswordForm(nil))
	return nil
}

// first returns the session of an operator with a first password, or redirects.
func (a accounts) first(w http.ResponseWriter, r *http.Request) (session store.OperatorSession, ok bool, err error) {
	session, err = a.console.find(r)
	switch {
	case oxlin.IsNotFound(err):
		return session, false, redirect(w, "/console/login")
	case err != nil:
		return session, false, err
	case due(session) != firstPasswordPage:
		return session, false, redirect(w, "/console")
	}
	return session, true, nil
}

func (a accounts) chooseFirst(w http.ResponseWriter, r *http.Request) error {
	session, ok, err := a.first(w, r)
	if !ok {
		return err
	}
	current, password := oxlin.NewSecret(r.PostFormValue("current")), oxlin.NewSecret(r.PostFormValue("password"))
	err = a.console.options.Operators.SetPassword(r.Context(), session, current, password)
	if shown, ok := asInvalid(err); ok {
		a.console.render(w, r, http.StatusUnprocessableEntity, firstPasswordTitle, firstPasswordForm(shown))
		return nil
	}
	if retryAfter(err) {
		return a.console.tooMany(w, r, err, firstPasswordTitle, firstPasswordForm(oxlin.AsError(oxlin.Invalid("current", "Too many attempts. Wait, then try again."))))
	}
	if err != nil {
		return err
	}
	a.console.log(r).Info("an operator has chosen a password in the place of the first one")
	return redirect(w, "/console")
}

func (a accounts) confirm(w http.ResponseWriter, r *http.Request) error {
	session, ok, err := a.complete(w, r)
	if !ok {
		return err
	}
	operators, password := a.console.options.Operators, oxlin.NewSecret(r.PostFormValue("password"))
	if answer := r.PostFormValue("passkey"); answer != "" {
		err = operators.ConfirmByPasskey(r.Context(), session, party(r), password, answer)
	} else {
		err = operators.Confirm(r.Context(), session, password, r.PostFormValue("code"))
	}
	if err == nil {
		return redirect(w, backTo(r))
	}
	ask, failed := a.console.askPasskey(r)
	if failed != nil {
		return failed
	}
	again := func(wrong string) templ.Component {
		return confirmForm(backTo(r), session.Operator.TOTPKey != nil, wrong, ask)
	}
	switch {
	case retryAfter(err):
		return a.console.tooMany(w, r, err, confirmTitle, again("Too many attempts. Wait, then try again."))
	case oxlin.IsNotFound(err):
		wrong := a.console.refusedFactor(r, err, "wrong_confirmation", "Wrong password or code. Each code counts once.")
		a.console.render(w, r, http.StatusUnprocessableEntity, confirmTitle, again(wrong))
		return nil
	}
	return err
}
