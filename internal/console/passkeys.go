package console

import (
	"errors"
	"net/http"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/web/hosts"
	"github.com/oxlin/oxlin/internal/web/passkey"
)

// party returns the site of a request: passkeys belong to a host name. The names that a request
// may have are checked before the console.
func party(r *http.Request) passkey.Party {
	p := passkey.Party{ID: hosts.Name(r.Host), Origins: []string{"https://" + r.Host}}
	if hosts.Loopback(p.ID) { // browsers take plain HTTP from this machine alone
		p.Origins = append(p.Origins, "http://"+r.Host)
	}
	return p
}

// askPasskey returns the question for a passkey of a request's operator; zero without any.
func (c *Console) askPasskey(r *http.Request) (passkey.Ask, error) {
	return c.options.Operators.AskPasskey(r.Context(), sessionOf(r), party(r))
}

// refusedFactor notes a wrong second factor, and returns what the page says.
func (c *Console) refusedFactor(r *http.Request, err error, code, wrong string) string {
	if errors.Is(err, operator.ErrCounter) {
		c.log(r).Warn("the counter of an operator's passkey went back: it may have been copied")
		c.noteRefusal(r, "passkey_counter")
		return "This passkey may have been copied, and is refused. Use a code, remove the passkey, and tell an administrator."
	}
	if errors.Is(err, operator.ErrReplay) {
		c.log(r).Warn("a code of an operator's second factor was given again: somebody may have seen it")
		c.noteRefusal(r, "factor_reused")
		return wrong
	}
	c.log(r).Warn("wrong second factor or password of an operator", "code", code)
	c.noteRefusal(r, code)
	return wrong
}

// addPasskey registers a passkey.
func (a accounts) addPasskey(w http.ResponseWriter, r *http.Request) error {
	err := a.console.options.Operators.AddPasskey(r.Context(), sessionOf(r), party(r), r.PostFormValue("passkey_name"), r.PostFormValue("passkey"))
	if shown, ok := asInvalid(err); ok {
		return a.showAccount(w, r, http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return err
	}
	a.console.log(r).Info("passkey added in the console")
	return redirect(w, accountDone)
}

// removePasskey removes a passkey; a form that arrives twice changes nothing.
func (a accounts) removePasskey(w http.ResponseWriter, r *http.Request) error {
	err := a.console.options.Operators.RemovePasskey(r.Context(), sessionOf(r), r.PostFormValue("id"))
	if err != nil {
		return err
	}
	a.console.log(r).Info("passkey removed in the console")
	return redirect(w, accountDone)
}

// offerPasskeys completes the page of an operator's account with the passkeys.
func (a accounts) offerPasskeys(r *http.Request, page *accountPage) error {
	var err error
	page.Passkeys, err = a.console.options.Operators.Passkeys(r.Context(), page.Operator)
	if err != nil || page.Operator.TOTPKey == nil {
		return err
	}
	page.Ask, err = a.console.options.Operators.AskNewPasskey(r.Context(), sessionOf(r), party(r))
	return err
}

// giveSecond completes the session of a request by a code or a passkey.
func (c *Console) giveSecond(r *http.Request) (oxlin.Secret, []oxlin.Secret, error) {
	session := sessionOf(r)
	if answer := r.PostFormValue("passkey"); answer != "" {
		token, complete, err := c.options.Operators.FinishByPasskey(r.Context(), session, party(r), answer)
		if err == nil {
			c.enter(r, complete)
		}
		return token, nil, err
	}
	token, complete, codes, err := c.options.Operators.Finish(r.Context(), session, r.PostFormValue("code"))
	if err == nil {
		c.enter(r, complete)
	}
	return token, codes, err
}

// usePasskey returns what the script needs to use a passkey; nothing without one.
func usePasskey(ask passkey.Ask) templ.Attributes { return ask.ToUse() }

// newPasskey returns what the script needs to make a passkey.
func newPasskey(ask passkey.Ask) templ.Attributes { return ask.ToMake() }
