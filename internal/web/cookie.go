package web

import "net/http"

// hostPrefix begins the name of a cookie that browsers take from this host alone, over HTTPS alone,
// for all of its paths (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2): no neighbour in the domain can set it.
const hostPrefix = "__Host-"

// CookieName returns the name of a cookie in browsers that reach the platform over HTTPS, if secure
// is set, or over plain HTTP, as on one machine.
func CookieName(name string, secure bool) string {
	if secure {
		return hostPrefix + name
	}
	return name
}

// SetCookie sets a cookie of this host. Over HTTPS its name begins with the prefix that keeps
// neighbours out, which asks for the path of the whole host: this program alone answers there. Over
// plain HTTP it has a path.
func SetCookie(w http.ResponseWriter, cookie *http.Cookie, path string, secure bool) {
	cookie.Name, cookie.Path, cookie.Secure = CookieName(cookie.Name, secure), path, secure
	if secure {
		cookie.Path = "/"
	}
	http.SetCookie(w, cookie)
}

// Cookie returns the value of a cookie that SetCookie has set, and "" without one.
func Cookie(r *http.Request, name string, secure bool) string {
	cookie, err := r.Cookie(CookieName(name, secure))
	if err != nil {
		return ""
	}
	return cookie.Value
}
