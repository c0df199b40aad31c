package console

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	cookieName = "oxlin_console"
	// sessionLife is the duration of a login: a working day.
	sessionLife = 8 * time.Hour
)

// loginLimit allows five tries to an operator who forgot the password, and one a
// minute to an attacker after that. All sources share it: an attacker can keep the
// operator out, but cannot get in.
var loginLimit = pace.Burst(5, time.Minute)

func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, "Log in", loginForm(""))
	return nil
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) error {
	subject := c.options.Vault.MAC([]byte("console login"))
	var wait time.Duration
	err := c.options.DB.Write(r.Context(), func(tx *store.Tx) error {
		var err error
		wait, err = pace.Take(r.Context(), tx.Pace(), subject, loginLimit, c.options.Now())
		return err
	})
	if err != nil {
		return err
	}
	if wait > 0 {
		web.SetRetryAfter(w.Header(), wait)
		c.render(w, r, http.StatusTooManyRequests, "Log in", loginForm("Too many attempts. Wait a minute."))
		return nil
	}
	// Both are hashed with the key first, so that the comparison does not reveal their
	// lengths.
	given, right := c.options.Vault.MAC([]byte(r.PostFormValue("password"))), c.options.Vault.MAC([]byte(c.options.Password.Reveal()))
	if !hmac.Equal(given, right) {
		c.options.Log.WarnContext(r.Context(), "wrong password for the console", "from", web.ClientAddress(r, c.options.TrustProxy))
		c.render(w, r, http.StatusUnprocessableEntity, "Log in", loginForm("Wrong password."))
		return nil
	}
	err = c.options.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.Pace().Drop(r.Context(), subject) })
	if err != nil {
		return err
	}
	c.options.Log.InfoContext(r.Context(), "logged in to the console", "from", web.ClientAddress(r, c.options.TrustProxy))
	until := strconv.FormatInt(c.options.Now().Add(sessionLife).Unix(), 10)
	c.setCookie(w, until+"."+c.sign(until), int(sessionLife.Seconds()))
	return redirect(w, "/console")
}

// logout deletes the cookie. A copy of the cookie stays valid until its eight hours are
// over, because sessions are not stored; see sign.
func (c *Console) logout(w http.ResponseWriter, _ *http.Request) error {
	c.setCookie(w, "", -1)
	return redirect(w, "/console/login")
}

func (c *Console) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/console", MaxAge: age, HttpOnly: true, Secure: c.options.Secure,
		SameSite: http.SameSiteStrictMode,
	})
}

// sign returns the signature of a session that ends at a time, or earlier if the
// password changes. So no node has to store sessions.
func (c *Console) sign(until string) string {
	password := c.options.Vault.MAC([]byte(c.options.Password.Reveal()))
	return base64.RawURLEncoding.EncodeToString(c.options.Vault.MAC(fmt.Appendf(nil, "console session\x00%s\x00%x", until, password)))
}

// loggedIn reports whether a request carries the operator's session.
func (c *Console) loggedIn(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, signature, _ := strings.Cut(cookie.Value, ".")
	if !hmac.Equal([]byte(signature), []byte(c.sign(until))) {
		return false
	}
	end, err := strconv.ParseInt(until, 10, 64)
	return err == nil && c.options.Now().Unix() < end
}

// requireLogin redirects requests without the operator's session to the login.
func (c *Console) requireLogin(serve func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !c.loggedIn(r) {
			return redirect(w, "/console/login")
		}
		return serve(w, r)
	}
}
