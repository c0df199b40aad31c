package testbank

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// version is a version of the STET interface. Both show the same accounts.
type version string

const (
	v14 version = "1.4"
	v15 version = "1.5"
)

func (v version) prefix() string { return "/stet/v" + string(v) }

const hal = "application/hal+json; charset=utf-8"

// psuAddress is the header with the customer's address, in STET and at the Berlin Group.
const psuAddress = "PSU-IP-Address"

// call is one request to the STET interface, from its checks to its answer.
type call struct {
	reading
	v    version
	path []string // below the prefix
}

// stet serves one version of the interface.
func (b *Bank) stet(v version) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{reading: newReading(b, w, r, hal, psuAddress), v: v}
		c.path = strings.Split(strings.TrimPrefix(r.URL.Path, v.prefix()+"/"), "/")
		if c.path[0] == "consents" {
			c.media = "application/json; charset=utf-8"
		}
		if id := r.Header.Get("X-Request-ID"); id != "" {
			w.Header().Set("X-Request-ID", id)
		}
		if err := c.serve(); err != nil {
			c.fail(err)
		}
	})
}

func (c *call) serve() *failure {
	answer, method := c.route()
	switch {
	case answer == nil:
		return refusal(http.StatusNotFound, "Ressource inconnue")
	case c.r.Method != method:
		c.w.Header().Set("Allow", method)
		return refusal(http.StatusMethodNotAllowed, "Méthode non autorisée")
	}
	if err := c.checkHeaders(); err != nil {
		return err
	}
	if err := c.checkToken(); err != nil {
		return err
	}
	if err := c.disturb(len(c.path) == 1 && c.path[0] == "accounts"); err != nil {
		return err
	}
	return answer()
}

// route returns the handler of a path and its method; nil for an unknown path.
func (c *call) route() (answer func() *failure, method string) {
	switch len(c.path) {
	case 1:
		switch c.path[0] {
		case "accounts":
			return c.accounts, http.MethodGet
		case "consents":
			return c.putConsents, http.MethodPut
		case "end-user-identity":
			return c.identity, http.MethodGet
		case "trusted-beneficiaries":
			return c.beneficiaries, http.MethodGet
		}
	case 3:
		if c.path[0] != "accounts" {
			return nil, ""
		}
		switch c.path[2] {
		case "balances":
			return c.onAccount(c.balances), http.MethodGet
		case "transactions":
			return c.onAccount(c.transactions), http.MethodGet
		case "owners", "overdrafts":
			if c.v == v14 {
				return nil, ""
			}
			if c.path[2] == "owners" {
				return c.onAccount(c.owners), http.MethodGet
			}
			return c.onAccount(c.overdrafts), http.MethodGet
		}
	}
	return nil, ""
}

func (c *call) checkHeaders() *failure {
	id := c.r.Header.Get("X-Request-ID")
	if id == "" || len(id) > 70 {
		return refusal(http.StatusBadRequest, "L'en-tête X-Request-ID est obligatoire (70 caractères au plus)")
	}
	if err := c.checkAddress(psuAddress); err != nil {
		return err
	}
	if accept := c.r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, "json") && !strings.Contains(accept, "*/*") && !strings.Contains(accept, "application/*") {
		return refusal(http.StatusNotAcceptable, "Seul application/hal+json est servi")
	}
	return nil
}

// onAccount finds the account of the path, then answers for it.
func (c *call) onAccount(answer func(*Account) *failure) func() *failure {
	return func() *failure {
		a, err := c.account(c.path[1])
		switch {
		case err != nil:
			return err
		case !c.consent.allows(c.path[2], a.UID):
			return refusal(http.StatusForbidden, "Le consentement ne couvre pas cette ressource")
		}
		return answer(a)
	}
}

// href writes a link. Version 1.4 allows 140 characters, so its links begin at
// the root; those of 1.5 are absolute.
func (c *call) href(path string, q url.Values) link {
	s := c.v.prefix() + path
	if len(q) > 0 {
		s += "?" + q.Encode()
	}
	if c.v == v15 {
		s = c.b.origin(c.r) + s
	}
	return link{Href: s}
}

type link struct {
	Href string `json:"href"`
}

type links map[string]link

// pageLinks adds first, prev, next and last to a list of total rows.
func (c *call) pageLinks(l links, path string, q url.Values, total int) {
	at := func(n int) link { return c.href(path, pageQuery(q, n)) }
	page, last, next := c.pages(total)
	l["self"] = at(page)
	if next > 0 {
		l["next"] = at(next)
	}
	if last == 1 {
		return
	}
	l["first"], l["last"] = at(1), at(last)
	if page > 1 {
		l["prev"] = at(min(page-1, last))
	}
}

// fail writes STET's ErrorModel.
func (c *call) fail(e *failure) {
	path := c.r.URL.Path
	if len(path) > 140 {
		path = path[:140]
	}
	body, _ := plainJSON(struct {
		Timestamp string `json:"timestamp"`
		Status    int    `json:"status"`
		Error     string `json:"error"`
		Message   string `json:"message"`
		Path      string `json:"path"`
	}{c.now.In(paris).Format(time.RFC3339), e.status, http.StatusText(e.status), e.message, strings.ToValidUTF8(path, "")})
	c.answer(e.status, e.retry, body)
}
