package auth

import (
	"errors"
	"net/http"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth/page"
	"github.com/oxlin/oxlin/internal/web"
)

// userProof is the outcome of a password or a passkey that was right, at a page of this room.
type userProof struct {
	user oxlin.User
	// device makes the browser known; nil if too many devices became known lately.
	device *http.Cookie
	// by is byPasskey, or empty for a password.
	by string
}

// errFormExpired is the error for a form that signForm has not signed for this browser and
// request, or too long ago.
var errFormExpired = errors.New("the form is not of this browser and request, or too old")

// userProofs checks how the users of a client prove who they are, at a page of this room.
type userProofs struct {
	server *Server
	client oxlin.ClientID
	// door is for the audit log.
	door string
	// bound is the text to which signForm has bound the form.
	bound string
}

// password checks the e-mail and the password of a form. The error is errFormExpired, or one of
// passwords.check.
func (p userProofs) password(r *http.Request) (userProof, error) {
	s := p.server
	user, try, err := s.passwords.tries(r, p.client, r.PostForm.Get("username"))
	if err == nil {
		expired := s.checkForm(r, p.bound)
		if expired != nil {
			return userProof{}, expired
		}
		err = s.passwords.checkUnless(r.Context(), try, user, oxlin.NewSecret(r.PostForm.Get("password")), userPasskeys{s}.alone)
	}
	noteRefusal(r.Context(), s.audit, p.door, p.client, user, err)
	if err != nil {
		return userProof{}, err
	}
	device, err := s.passwords.devices.Remember(r.Context(), r, deviceAccount(user))
	return userProof{user, device, ""}, err
}

// form checks the passkey of a form, or its password.
func (p userProofs) form(r *http.Request) (userProof, error) {
	if r.PostForm.Get("passkey") != "" {
		return p.passkey(r)
	}
	return p.password(r)
}

// shown is how a page tells an error of a form: beside the form, with a status.
type shown struct {
	problem page.Problem
	status  int
}

// show returns how a page tells an error, and sets the headers for it. It is not ok for an error
// that no form has caused.
func show(w http.ResponseWriter, err error) (how shown, ok bool) {
	refused := asRefusal(err)
	switch {
	case errors.Is(err, errFormExpired):
		return shown{page.FormExpired, http.StatusForbidden}, true
	case errors.Is(err, errPasskey):
		return shown{page.PasskeyRefused, http.StatusBadRequest}, true
	case oxlin.IsNotFound(err):
		return shown{page.WrongPassword, http.StatusBadRequest}, true
	case refused.retryAfter > 0: // too many attempts, or too many people at once
		web.SetRetryAfter(w.Header(), refused.retryAfter)
		return shown{page.TooManyAttempts, refused.status}, true
	}
	return shown{}, false
}
