package auth

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	formCookie   = "oxlin_signin"
	formLifetime = time.Hour
)

// signForm returns a value that the page's form must contain, a different one each time. It is
// bound to the browser's cookie and to a text such as the client's request, and lasts an hour.
// Together with sameOrigin it prevents a foreign site from signing a browser in (RFC 6749 §10.12).
func (s *Server) signForm(w http.ResponseWriter, r *http.Request, request codeRequest, bound string) (string, error) {
	browser := ""
	if known := web.Cookie(r, formCookie, s.secure()); len(known) == 43 {
		browser = known // another page may be open in the same browser
	} else {
		secret, err := vault.NewToken(s.random)
		if err != nil {
			return "", err
		}
		browser = secret.Reveal()
	}
	s.setCookie(w, request, &http.Cookie{Name: formCookie, Value: browser, MaxAge: int(formLifetime.Seconds())})
	nonce, err := vault.NewSessionID(s.random)
	if err != nil {
		return "", err
	}
	signed := strconv.FormatInt(s.now().Add(formLifetime).Unix(), 10) + "." + nonce.Reveal()
	mac, err := s.vault.MAC(signedForm(signed, browser, bound))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac), err
}

// setCookie sets a cookie of the page, for the page alone.
func (s *Server) setCookie(w http.ResponseWriter, request codeRequest, cookie *http.Cookie) {
	cookie.HttpOnly, cookie.SameSite = true, http.SameSiteLaxMode
	if s.secure() && request.ancestors() != web.NoAncestors {
		// In a frame of another site, browsers send such cookies only, each to the frames
		// of one site. Browsers ignore SameSite=None without Secure.
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	web.SetCookie(w, cookie, "/signin", s.secure())
}

// secure reports whether browsers reach the page over HTTPS.
func (s *Server) secure() bool { return strings.HasPrefix(s.issuer, "https:") }

// checkForm returns errFormExpired unless signForm signed a form for this browser and text.
func (s *Server) checkForm(r *http.Request, bound string) error {
	browser := web.Cookie(r, formCookie, s.secure())
	if browser == "" {
		return errFormExpired
	}
	value := r.PostForm.Get("form")
	i := strings.LastIndex(value, ".")
	if i < 0 {
		return errFormExpired
	}
	mac, err := base64.RawURLEncoding.DecodeString(value[i+1:])
	if err != nil {
		return errFormExpired
	}
	genuine, err := s.vault.Proves(mac, signedForm(value[:i], browser, bound))
	if err != nil {
		return err
	}
	until, _, _ := strings.Cut(value, ".")
	end, err := strconv.ParseInt(until, 10, 64)
	if !genuine || err != nil || s.now().Unix() >= end {
		return errFormExpired
	}
	return nil
}

func signedForm(signed, browser, bound string) []byte {
	return fmt.Appendf(nil, "sign-in form\x00%s\x00%s\x00%s", signed, browser, bound)
}
