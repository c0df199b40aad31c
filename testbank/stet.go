package testbank

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
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

// call is one request to the STET interface, from its checks to its answer.
type call struct {
	b   *Bank
	v   version
	w   http.ResponseWriter
	r   *http.Request
	now time.Time

	consent consent
	first   bool // made with the first access token after the authentication
	client  customer
	book    *book
	path    []string // below the prefix
	query   url.Values
	media   string
}

// stetError is an answer other than a success.
type stetError struct {
	status  int
	message string
	retry   time.Duration
}

func (e *stetError) Error() string { return e.message }

func refusal(status int, format string, args ...any) *stetError {
	return &stetError{status: status, message: fmt.Sprintf(format, args...)}
}

// stet serves one version of the interface.
func (b *Bank) stet(v version) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{b: b, v: v, w: w, r: r, query: r.URL.Query(), media: hal}
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

func (c *call) serve() *stetError {
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
	if err := c.disturb(); err != nil {
		return err
	}
	return answer()
}

// route returns the handler of a path and its method; nil for an unknown path.
func (c *call) route() (answer func() *stetError, method string) {
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

func (c *call) checkHeaders() *stetError {
	id := c.r.Header.Get("X-Request-ID")
	if id == "" || len(id) > 70 {
		return refusal(http.StatusBadRequest, "L'en-tête X-Request-ID est obligatoire (70 caractères au plus)")
	}
	if ip := c.r.Header.Get("PSU-IP-Address"); ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			return refusal(http.StatusBadRequest, "L'en-tête PSU-IP-Address n'est pas une adresse IP")
		}
	}
	if accept := c.r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, "json") && !strings.Contains(accept, "*/*") && !strings.Contains(accept, "application/*") {
		return refusal(http.StatusNotAcceptable, "Seul application/hal+json est servi")
	}
	return nil
}

// checkToken finds the access token's consent and its customer.
func (c *call) checkToken() *stetError {
	b := c.b
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="Linxo Test Bank"`)
		return refusal(http.StatusUnauthorized, "Jeton d'accès absent")
	}
	invalid := refusal(http.StatusUnauthorized, "Jeton d'accès invalide ou expiré")

	b.mu.Lock()
	defer b.mu.Unlock()
	c.now = b.now()
	t, ok := b.state.Access[sealed(strings.TrimSpace(token))]
	if !ok {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return invalid
	}
	held, ok := b.state.Consents[t.Consent]
	if !ok || held.Revoked {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return invalid
	}
	if held.dead(c.now) {
		return errConsentOver
	}
	if c.now.After(t.Expires) {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return invalid
	}
	who, ok := b.state.Customers[held.Customer]
	if !ok {
		return refusal(http.StatusForbidden, "Client inconnu")
	}
	c.consent, c.first, c.client = *held, t.First, *who
	c.book = newBook(c.client, b.scenariosOf(c.client), DayOf(c.now))
	c.book.cache = b.ledgers
	return nil
}

var errConsentOver = refusal(http.StatusForbidden, "Le consentement a expiré, une authentification forte est nécessaire")

// disturb applies the customer's scenarios before any answer.
func (c *call) disturb() *stetError {
	if c.path[0] == "accounts" && len(c.path) == 1 && c.page() == 1 {
		// A synchronisation begins with this call: the first of a day looks for a newer
		// file.
		c.b.refresh(c.r.Context(), c.client.key())
		c.b.noteSync(c.client.key())
		if err := c.checkToken(); err != nil {
			return err
		}
	}
	set, today := c.book.scenarios, c.book.today
	if err := c.b.trouble(c.r.Context(), c.client.Login, set, today); err != nil {
		return err
	}
	if _, on := set.active("consent_expired", today); on {
		c.b.spend(c.client.Login, "consent_expired")
		return errConsentOver
	}
	return nil
}

func (c *call) tooMany() *stetError {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return c.b.tooMany()
}

// count enforces the quota of unattended accesses. Following a next link belongs to the
// access that returned it.
func (c *call) count(account, endpoint string) *stetError {
	if c.r.Header.Get("PSU-IP-Address") != "" || c.page() > 1 {
		return nil
	}
	c.b.mu.Lock()
	ok := c.b.admit(c.consent.Client, c.consent.Customer, account, endpoint)
	c.b.mu.Unlock()
	if !ok {
		return c.tooMany()
	}
	return nil
}

// page returns the requested page, 1 by default.
func (c *call) page() int {
	n, err := strconv.Atoi(c.query.Get("page"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// onAccount finds the account of the path, then answers for it.
func (c *call) onAccount(answer func(*Account) *stetError) func() *stetError {
	return func() *stetError {
		for _, a := range c.book.paymentAccounts() {
			if c.book.resourceID(a) != c.path[1] {
				continue
			}
			if !c.consent.allows(c.path[2], a.UID) {
				return refusal(http.StatusForbidden, "Le consentement ne couvre pas cette ressource")
			}
			if c.book.unwell(a) {
				return &stetError{status: http.StatusServiceUnavailable, message: "Ce compte est momentanément indisponible", retry: 2 * time.Minute}
			}
			return answer(a)
		}
		return refusal(http.StatusNotFound, "Compte inconnu")
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
	size := c.b.opt.PageSize
	last := max(1, (total+size-1)/size)
	at := func(n int) link {
		with := url.Values{}
		for k, v := range q {
			with[k] = v
		}
		if n > 1 {
			with.Set("page", strconv.Itoa(n))
		}
		return c.href(path, with)
	}
	page := c.page()
	l["self"] = at(page)
	if _, on := c.book.scenarios.active("next_loop", c.book.today); on && page >= last {
		l["next"] = l["self"]
	}
	if last == 1 {
		return
	}
	l["first"], l["last"] = at(1), at(last)
	if page > 1 {
		l["prev"] = at(min(page-1, last))
	}
	if page < last {
		l["next"] = at(page + 1)
	}
}

// slice returns the range of total rows that the page holds.
func (c *call) slice(total int) (from, to int) {
	from = min((c.page()-1)*c.b.opt.PageSize, total)
	if from < 0 {
		from = total // an absurd page number
	}
	return from, min(from+c.b.opt.PageSize, total)
}

// reply writes a success, unless the garbage scenario spoils it.
func (c *call) reply(v any) *stetError {
	body, err := plainJSON(v)
	if err != nil {
		c.b.log.Error("answer not written", "error", err.Error())
		return refusal(http.StatusInternalServerError, "Erreur interne")
	}
	media := c.media
	if g, on := c.book.scenarios.active("garbage", c.book.today); on {
		c.b.spend(c.client.Login, "garbage")
		body, media = spoil(body, media, g.Param)
	}
	c.w.Header().Set("Content-Type", media)
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	c.w.Write(body)
	return nil
}

// plainJSON writes the ampersands of links unescaped.
func plainJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return buf.Bytes(), err
}

func (c *call) noContent() *stetError {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// fail writes STET's ErrorModel.
func (c *call) fail(e *stetError) {
	path := c.r.URL.Path
	if len(path) > 140 {
		path = path[:140]
	}
	if c.now.IsZero() {
		c.b.mu.Lock()
		c.now = c.b.now()
		c.b.mu.Unlock()
	}
	body, _ := plainJSON(struct {
		Timestamp string `json:"timestamp"`
		Status    int    `json:"status"`
		Error     string `json:"error"`
		Message   string `json:"message"`
		Path      string `json:"path"`
	}{c.now.In(paris).Format(time.RFC3339), e.status, http.StatusText(e.status), e.message, strings.ToValidUTF8(path, "")})
	if e.retry > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retry.Seconds()))))
	}
	c.w.Header().Set("Content-Type", c.media)
	c.w.WriteHeader(e.status)
	c.w.Write(body)
}

// spoil turns a valid answer into an invalid one.
func spoil(body []byte, media, how string) ([]byte, string) {
	switch how {
	case "truncated":
		return body[:len(body)/2], media
	case "types":
		var v any
		if json.Unmarshal(body, &v) == nil {
			body, _ = json.Marshal(wrongTypes(v))
		}
		return body, media
	}
	return []byte("<!doctype html><html><body><h1>Site en maintenance</h1><p>Revenez plus tard.</p></body></html>"), "text/html; charset=utf-8"
}

// wrongTypes turns lists into strings, and strings into booleans.
func wrongTypes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if k != "_links" {
				v[k] = wrongTypes(v[k])
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = wrongTypes(v[i])
		}
		return v
	case string:
		return true
	case float64:
		return map[string]any{"value": v}
	}
	return v
}
