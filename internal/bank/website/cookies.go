package website

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
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
// library's jar cannot, and uses the given clock.
type jar struct {
	host    string
	now     func() time.Time
	cookies []cookie
}

// maxCookies limits the cookies of a site.
const maxCookies = 100

// cookieTransport sends a session's cookies and stores those that come, as browsers do: the
// standard library drops cookies whose names or values break the standard's grammar, and changes
// others.
type cookieTransport struct {
	next http.RoundTripper
	jar  *jar
}

func (t cookieTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	t.jar.add(request)
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	t.jar.SetCookies(request.URL, cookiesOf(response))
	return response, nil
}

// add gives a request the cookies for its address, and no others.
func (j *jar) add(request *http.Request) {
	var pairs []string
	for _, c := range j.Cookies(request.URL) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	request.Header.Del("Cookie")
	if len(pairs) > 0 {
		request.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
}

// cookiesOf returns the cookies that an answer sets, with any names and values (RFC 6265 §5.2).
func cookiesOf(response *http.Response) []*http.Cookie {
	var all []*http.Cookie
	for _, line := range response.Header.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, ok := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		c, err := http.ParseSetCookie("x=;" + shortDay.ReplaceAllString(attributes, "${1}0$2"))
		if !ok || name == "" || err != nil || strings.ContainsFunc(name+value, unicode.IsControl) {
			continue
		}
		c.Name, c.Value = name, value
		all = append(all, c)
	}
	return all
}

// shortDay is the day of an Expires with one digit, which browsers read.
var shortDay = regexp.MustCompile(`(?i)(expires=[a-z]{3,9}, )(\d[- ])`)

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
