package widget

import (
	"net/http"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/web"
)

// departures are the cookies of browsers that leave for a bank, one for each journey. A page
// that leaves is always the answer to a top-level request: from a frame, its form opens
// another tab. So the browser keeps the cookie, and sends it when the bank redirects it back.
type departures struct {
	// secure is set if browsers reach the widget by HTTPS alone.
	secure bool
}

func (w *Widget) departures() departures {
	return departures{secure: strings.HasPrefix(w.options.PublicURL, "https:")}
}

const (
	// departureCookie begins the name of a cookie; the key of the journey follows.
	departureCookie = "oxlin_return_"
	// mostDepartures bounds the cookies of one browser.
	mostDepartures = 20
)

// name returns the name of a journey's cookie.
func (d departures) name(key string) string {
	return web.CookieName(departureCookie+key, d.secure)
}

// set sets the cookie of a journey. Lax, because the bank's site redirects here.
func (d departures) set(x *exchange, key string, value oxlin.Secret, life time.Duration) {
	d.send(x, d.name(key), value.Reveal(), int(life.Seconds()))
}

func (d departures) send(x *exchange, name, value string, seconds int) {
	http.SetCookie(x, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: d.secure,
	})
}

// leave sets the cookie of a user's way to the bank, unless another site may have sent the
// user there. Browsers send the oldest cookie first (RFC 6265 §5.4): those beyond
// mostDepartures end.
func (d departures) leave(x *exchange, departure connect.Departure) {
	if !x.isOwnForm() {
		return
	}
	var kept []string
	for _, cookie := range x.request.Cookies() {
		if strings.HasPrefix(cookie.Name, d.name("")) {
			kept = append(kept, cookie.Name)
		}
	}
	for len(kept) >= mostDepartures {
		d.send(x, kept[0], "", -1)
		kept = kept[1:]
	}
	d.set(x, departure.Key, departure.Browser, departure.Life+connect.RepeatTime)
}

// of returns the value of the cookie of the journey with a state; zero without one.
func (d departures) of(r *http.Request, state string) oxlin.Secret {
	return d.value(r, connect.ReturnKey(state))
}

// value returns the value of the cookie of a journey; zero without one.
func (d departures) value(r *http.Request, key string) oxlin.Secret {
	cookie, err := r.Cookie(d.name(key))
	if err != nil {
		return oxlin.Secret{}
	}
	return oxlin.NewSecret(cookie.Value)
}
