package auth

import (
	"crypto/hmac"
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

// signForm returns a value that the page's form must contain. It is bound to the
// browser's cookie and the client's request, and lasts an hour. Together with
// sameOrigin it prevents a foreign site from signing a browser in (RFC 6749 §10.12).
func (s *Server) signForm(w http.ResponseWriter, r *http.Request, request codeRequest) (string, error) {
	browser := ""
	cookie, err := r.Cookie(formCookie)
	if err == nil && len(cookie.Value) == 43 {
		browser = cookie.Value // another page may be open in the same browser
	} else {
		secret, err := vault.NewToken(s.random)
		if err != nil {
			return "", err
		}
		browser = secret.Reveal()
	}
	s.setCookie(w, request, &http.Cookie{Name: formCookie, Value: browser, MaxAge: int(formLifetime.Seconds())})
	until := strconv.FormatInt(s.now().Add(formLifetime).Unix(), 10)
	return until + "." + s.formMAC(until, browser, r), nil
}

// setCookie sets a cookie of the page, for the page alone.
func (s *Server) setCookie(w http.ResponseWriter, request codeRequest, cookie *http.Cookie) {
	cookie.Path, cookie.HttpOnly, cookie.SameSite = "/signin", true, http.SameSiteLaxMode
	cookie.Secure = strings.HasPrefix(s.issuer, "https:")
	if cookie.Secure && request.ancestors() != web.NoAncestors {
		// In a frame of another site, browsers send such cookies only, each to the frames
		// of one site. Browsers ignore SameSite=None without Secure.
		cookie.SameSite, cookie.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(w, cookie)
}

// checkForm reports whether signForm signed a form for this browser and request.
func (s *Server) checkForm(r *http.Request) bool {
	cookie, err := r.Cookie(formCookie)
	if err != nil {
		return false
	}
	until, mac, _ := strings.Cut(r.PostForm.Get("form"), ".")
	if !hmac.Equal([]byte(mac), []byte(s.formMAC(until, cookie.Value, r))) {
		return false
	}
	end, err := strconv.ParseInt(until, 10, 64)
	return err == nil && s.now().Unix() < end
}

func (s *Server) formMAC(until, browser string, r *http.Request) string {
	mac := s.vault.MAC(fmt.Appendf(nil, "sign-in form\x00%s\x00%s\x00%s", until, browser, r.URL.RawQuery))
	return base64.RawURLEncoding.EncodeToString(mac)
}
