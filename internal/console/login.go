package console

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
)

const cookieName = "oxlin_console"

// visit holds the session of a request, once it was found.
type visit struct{ session *store.OperatorSession }

type visitKey struct{}

// whoIs returns the operator of a request with a complete session, or nil. An operator with a first
// password is not let in yet.
func whoIs(r *http.Request) *store.Operator {
	at, ok := r.Context().Value(visitKey{}).(*visit)
	if !ok || at.session == nil || due(*at.session) != "" {
		return nil
	}
	return &at.session.Operator
}

// mayChange reports whether the operator of a request may change clients.
func mayChange(r *http.Request) bool { return frame{Operator: whoIs(r)}.may(operator.Admin) }

// sessionOf returns the session that guard has found.
func sessionOf(r *http.Request) store.OperatorSession {
	return *r.Context().Value(visitKey{}).(*visit).session
}

// find finds the session of a request, complete or not. The error is not-found without one.
func (c *Console) find(r *http.Request) (store.OperatorSession, error) {
	token := c.token(r)
	if token.IsZero() {
		return store.OperatorSession{}, oxlin.NotFound("session")
	}
	session, err := c.options.Operators.Session(r.Context(), token)
	if err != nil {
		return session, err
	}
	c.enter(r, session)
	return session, nil
}

// token returns the token of a request's session; zero without one.
func (c *Console) token(r *http.Request) oxlin.Secret {
	return oxlin.NewSecret(web.Cookie(r, cookieName, c.options.Secure))
}

// enter notes whose request it is.
func (c *Console) enter(r *http.Request, session store.OperatorSession) {
	at, ok := r.Context().Value(visitKey{}).(*visit)
	if ok {
		at.session = &session
	}
	web.LineOf(r.Context()).Add(slog.String("operator", session.Operator.Name))
}

const (
	factorPage        = "/console/login/factor"
	firstPasswordPage = "/console/login/password"
)

// due returns the page of the login that a session still waits for; "" if the console is open.
func due(session store.OperatorSession) string {
	switch {
	case !session.Complete:
		return factorPage
	case operator.HasFirstPassword(session.Operator):
		return firstPasswordPage
	}
	return ""
}

// guard lets a request pass to a route if its session is complete, its operator's role
// includes the route's, and the password was entered lately where the route wants that.
func (c *Console) guard(route route) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		session, err := c.find(r)
		switch {
		case oxlin.IsNotFound(err):
			return redirect(w, "/console/login")
		case err != nil:
			return err
		case due(session) != "":
			return redirect(w, due(session))
		case !operator.Role(session.Operator.Role).Includes(route.role):
			c.log(r).Warn("an operator's role does not allow a request to the console", "route", route.pattern)
			c.render(w, r, http.StatusForbidden, "Not allowed", problem("Your role, "+session.Operator.Role+", does not include this. An administrator can do it."))
			return nil
		case route.page != "" && !c.options.Operators.Confirmed(session):
			page := strings.ReplaceAll(route.page, "{id}", url.PathEscape(r.PathValue("id")))
			return redirect(w, "/console/confirm?"+url.Values{"back": {page}}.Encode())
		}
		return route.serve(w, r.WithContext(audit.As(r.Context(), actor(session.Operator), r.FormValue("reason"))))
	}
}

// log returns the log for what an operator does.
func (c *Console) log(r *http.Request) *slog.Logger {
	log := c.options.Log.With("from", web.ClientAddress(r, c.options.TrustProxy))
	at, ok := r.Context().Value(visitKey{}).(*visit)
	if ok && at.session != nil {
		log = log.With("operator", at.session.Operator.Name)
	}
	return log
}

func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, "Log in", loginForm(operator.FirstName, ""))
	return nil
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) error {
	name := r.PostFormValue("name")
	if !r.PostForm.Has("name") {
		name = operator.FirstName // as before operators had names
	}
	token, session, err := c.options.Operators.SignIn(r, name, oxlin.NewSecret(r.PostFormValue("password")))
	if retryAfter(err) {
		return c.tooMany(w, r, err, "Log in", loginForm(name, "Too many attempts. Wait, then try again."))
	}
	if errors.Is(err, operator.ErrEnded) {
		c.log(r).Warn("the first password of an operator has ended")
		c.noteRefusal(r, "first_password_ended")
		c.render(w, r, http.StatusUnprocessableEntity, "Log in", loginForm(name, "This first password has ended. An administrator makes another one: oxlin operator reset."))
		return nil
	}
	if oxlin.IsNotFound(err) {
		c.log(r).Warn("wrong name or password for the console")
		c.noteRefusal(r, "wrong_password")
		c.render(w, r, http.StatusUnprocessableEntity, "Log in", loginForm(name, "Wrong name or password."))
		return nil
	}
	if err != nil {
		return err
	}
	c.enter(r, session)
	c.keep(w, token)
	if !session.Complete {
		return redirect(w, factorPage)
	}
	return c.arrive(w, r, session)
}

// arrive welcomes an operator whose session is complete.
func (c *Console) arrive(w http.ResponseWriter, r *http.Request, session store.OperatorSession) error {
	err := c.remember(w, r, session)
	if err != nil {
		return err
	}
	return redirect(w, "/console")
}

// remember makes the browser known for an operator, so that strangers cannot keep it out.
func (c *Console) remember(w http.ResponseWriter, r *http.Request, session store.OperatorSession) error {
	c.log(r).Info("logged in to the console")
	c.note(r, audit.Entry{Action: audit.OperatorSignedIn})
	known, err := c.options.Operators.Remember(r, session.Operator)
	if err != nil || known == nil {
		return err
	}
	known.HttpOnly, known.SameSite = true, http.SameSiteStrictMode
	web.SetCookie(w, known, "/console/login", c.options.Secure)
	return nil
}

func retryAfter(err error) bool { return err != nil && oxlin.AsError(err).RetryAfter > 0 }

// tooMany answers an attempt that was not looked at.
func (c *Console) tooMany(w http.ResponseWriter, r *http.Request, err error, title string, again templ.Component) error {
	refused := oxlin.AsError(err)
	if refused.Code == oxlin.CodeTooManyRequests {
		c.log(r).Warn("too many attempts to log in to the console")
		c.noteRefusal(r, "too_many_requests")
	}
	web.SetRetryAfter(w.Header(), refused.RetryAfter)
	c.render(w, r, oxlin.Catalogue[refused.Code].Status, title, again)
	return nil
}

const factorTitle = "Second factor"

// pending returns the session that waits for the second factor, or redirects.
func (c *Console) pending(w http.ResponseWriter, r *http.Request) (session store.OperatorSession, ok bool, err error) {
	session, err = c.find(r)
	switch {
	case oxlin.IsNotFound(err):
		return session, false, redirect(w, "/console/login")
	case err != nil:
		return session, false, err
	case session.Complete:
		return session, false, redirect(w, "/console")
	}
	return session, true, nil
}

func (c *Console) showFactor(w http.ResponseWriter, r *http.Request) error {
	_, ok, err := c.pending(w, r)
	if !ok {
		return err
	}
	return c.askFactor(w, r, http.StatusOK, "")
}

// askFactor writes the page that asks for a code. It shows the key of a new second factor if
// there is no second factor yet.
func (c *Console) askFactor(w http.ResponseWriter, r *http.Request, status int, wrong string) error {
	content, err := c.factorContent(w, r, wrong)
	if err != nil {
		return err
	}
	c.render(w, r, status, factorTitle, content)
	return nil
}

func (c *Console) factorContent(w http.ResponseWriter, r *http.Request, wrong string) (templ.Component, error) {
	session := sessionOf(r)
	if session.Operator.TOTPKey != nil {
		ask, err := c.askPasskey(r)
		return factorForm(wrong, ask), err
	}
	enrolment, err := c.options.Operators.Enrol(r.Context(), session)
	if err != nil {
		return nil, err
	}
	return enrolForm("/console/login/factor", enrolment.Key(), enrolment.URI(c.options.Platform, session.Operator.Name), wrong), nil
}

func (c *Console) giveFactor(w http.ResponseWriter, r *http.Request) error {
	_, ok, err := c.pending(w, r)
	if !ok {
		return err
	}
	token, codes, err := c.giveSecond(r)
	if retryAfter(err) {
		content, failed := c.factorContent(w, r, "Too many attempts. Wait, then try again.")
		if failed != nil {
			return failed
		}
		return c.tooMany(w, r, err, factorTitle, content)
	}
	if oxlin.IsNotFound(err) {
		wrong := c.refusedFactor(r, err, "wrong_factor", "Wrong code. Each code counts once: wait for the next one.")
		_, ok, err = c.pending(w, r)
		if !ok {
			return err
		}
		return c.askFactor(w, r, http.StatusUnprocessableEntity, wrong)
	}
	if err != nil {
		return err
	}
	c.keep(w, token)
	if codes == nil {
		return c.arrive(w, r, sessionOf(r))
	}
	c.log(r).Info("second factor set up in the console")
	err = c.remember(w, r, sessionOf(r))
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, "Recovery codes", recoveryList(codes))
	return nil
}

// logout ends the session.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) error {
	session, err := c.find(r)
	if err == nil {
		c.log(r).Info("logged out of the console", "created", session.CreatedAt)
		c.note(r, audit.Entry{Action: audit.OperatorSignedOut})
		err = c.options.Operators.SignOut(r.Context(), c.token(r))
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	c.setCookie(w, "", -1)
	return redirect(w, "/console/login")
}

// setCookie sets the cookie of a session, for some seconds.
func (c *Console) setCookie(w http.ResponseWriter, value string, seconds int) {
	cookie := &http.Cookie{Name: cookieName, Value: value, MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	web.SetCookie(w, cookie, "/console", c.options.Secure)
}

// keep sets the cookie of a session that has begun.
func (c *Console) keep(w http.ResponseWriter, token oxlin.Secret) {
	c.setCookie(w, token.Reveal(), int(operator.SessionLife.Seconds()))
}
