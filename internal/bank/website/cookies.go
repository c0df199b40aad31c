package website

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// cookie is a cookie of the site (RFC 6265). It has no domain: a session has one host,
// and sends cookies to no other.
type cookie struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Path   string `json:"path"`
	Secure bool   `json:"secure,omitempty"`
	// Hidden cookies are not for a page's scripts (HttpOnly).
	Hidden bool `json:"hidden,omitempty"`
	// Until is zero for a cookie that ends with the session.
	Until time.Time `json:"until,omitzero"`
}

// jar stores one site's cookies in a form that can be saved, which the standard
// library's jar cannot, and uses the given clock. It implements http.CookieJar.
type jar struct {
	host    string
	now     func() time.Time
	cookies []cookie
}

// maxCookies limits the cookies of a site.
const maxCookies = 100

// SetCookies stores the cookies of the bank's host, and deletes those that it expires.
func (j *jar) SetCookies(u *url.URL, set []*http.Cookie) {
	if u.Host != j.host {
		return
	}
	for _, c := range set {
		kept := cookie{Name: c.Name, Value: c.Value, Path: c.Path, Secure: c.Secure, Hidden: c.HttpOnly}
		if !strings.HasPrefix(kept.Path, "/") {
			kept.Path = u.Path[:strings.LastIndex(u.Path, "/")+1]
		}
		ended := false
		switch {
		case c.MaxAge > 0:
			kept.Until = j.now().Add(time.Duration(c.MaxAge) * time.Second).UTC()
		case c.MaxAge < 0:
			ended = true
		case !c.Expires.IsZero():
			kept.Until = c.Expires.UTC()
			ended = !j.now().Before(c.Expires)
		}
		j.drop(kept.Name, kept.Path)
		if !ended && len(j.cookies) < maxCookies {
			j.cookies = append(j.cookies, kept)
		}
	}
}

func (j *jar) drop(name, below string) {
	var rest []cookie
	for _, c := range j.cookies {
		if c.Name != name || c.Path != below {
			rest = append(rest, c)
		}
	}
	j.cookies = rest
}

// Cookies returns the cookies for an address.
func (j *jar) Cookies(u *url.URL) []*http.Cookie {
	if u.Host != j.host {
		return nil
	}
	var sent []*http.Cookie
	for _, c := range j.cookies {
		if j.expired(c) || c.Secure && u.Scheme != "https" || !under(u.Path, c.Path) {
			continue
		}
		sent = append(sent, &http.Cookie{Name: c.Name, Value: c.Value})
	}
	return sent
}

func (j *jar) expired(c cookie) bool { return !c.Until.IsZero() && !j.now().Before(c.Until) }

// under implements the path match of RFC 6265 §5.1.4.
func under(address, cookiePath string) bool {
	rest, ok := strings.CutPrefix(address, cookiePath)
	return ok && (rest == "" || strings.HasSuffix(cookiePath, "/") || rest[0] == '/')
}

// devices returns the cookies by which the bank recognises a device; their names match one
// of the patterns, as path.Match reads them. They outlive the session, whether or not they
// have an end, and no other cookie does: many sites give the cookie of a session an end.
func devices(all []cookie, patterns []string) []cookie {
	var kept []cookie
	for _, c := range all {
		if slices.ContainsFunc(patterns, func(pattern string) bool {
			fits, err := path.Match(pattern, c.Name)
			return err == nil && fits
		}) {
			kept = append(kept, c)
		}
	}
	return kept
}
