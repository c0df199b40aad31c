package testbank

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reading is one request for a customer's data, on any of the interfaces for aggregators,
// from its checks to its answer. Each interface finds the consent and writes the data in its
// own words.
type reading struct {
	b   *Bank
	w   http.ResponseWriter
	r   *http.Request
	now time.Time

	consent consent
	first   bool // made with the first access after the authentication
	client  customer
	book    *book
	query   url.Values
	media   string

	attended bool // the request names the customer's address
}

func newReading(b *Bank, w http.ResponseWriter, r *http.Request, media, addressHeader string) reading {
	b.mu.Lock()
	defer b.mu.Unlock()
	return reading{b: b, w: w, r: r, now: b.now(), query: r.URL.Query(), media: media, attended: r.Header.Get(addressHeader) != ""}
}

// failure is an answer other than a success.
type failure struct {
	status  int
	reason  reason
	message string
	retry   time.Duration
}

// reason tells apart failures of one status, for interfaces that have a code for each.
type reason string

const (
	consentOver      reason = "consent"
	tooOld           reason = "history"
	wrongCredentials reason = "credentials"
)

func (e *failure) Error() string { return e.message }

func refusal(status int, format string, args ...any) *failure {
	return &failure{status: status, message: fmt.Sprintf(format, args...)}
}

var errConsentOver = &failure{
	status: http.StatusForbidden, reason: consentOver, message: "Le consentement a expiré, une authentification forte est nécessaire",
}

// pick returns the answer to a method on a path. In the names of the answers a star is an id.
func pick(all map[string]func() *failure, method string, path []string) (func() *failure, *failure) {
	shape := slices.Clone(path)
	for i := 1; i < len(shape); i += 2 {
		shape[i] = "*"
	}
	resource := strings.Join(shape, "/")
	if answer, known := all[method+" "+resource]; known {
		return answer, nil
	}
	for _, other := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if all[other+" "+resource] != nil {
			return nil, refusal(http.StatusMethodNotAllowed, "Méthode non autorisée")
		}
	}
	return nil, refusal(http.StatusNotFound, "Ressource inconnue")
}

// bearer returns the token of the request.
func (c *reading) bearer() string {
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// open opens the customer's accounts under a consent. The caller holds b.mu.
func (c *reading) open(held *consent) *failure {
	who, ok := c.b.state.Customers[held.Customer]
	if !ok {
		return refusal(http.StatusForbidden, "Client inconnu")
	}
	c.consent, c.client = *held, *who
	c.book = newBook(c.client, c.b.scenariosOf(c.client), DayOf(c.now))
	c.book.cache = c.b.ledgers
	return nil
}

// checkToken finds the access token's consent and its customer.
func (c *reading) checkToken() *failure {
	b := c.b
	token := c.bearer()
	if token == "" {
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="Linxo Test Bank"`)
		return refusal(http.StatusUnauthorized, "Jeton d'accès absent")
	}
	invalid := refusal(http.StatusUnauthorized, "Jeton d'accès invalide ou expiré")

	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.state.Access[sealed(token)]
	if !ok {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return invalid
	}
	held, ok := b.state.Consents[t.Consent]
	if !ok || held.Revoked {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return invalid
	}
	if held.dead(b.now()) {
		return errConsentOver
	}
	if b.now().After(t.Expires) {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return invalid
	}
	c.first = t.First
	return c.open(held)
}

// disturb applies the customer's scenarios before any answer. A synchronisation begins with
// the list of accounts: the first one of a day looks for a newer file.
func (c *reading) disturb(begins bool) *failure {
	if begins && c.page() == 1 {
		c.b.refresh(c.r.Context(), c.client.key())
		c.b.noteSync(c.client.key())
		c.b.mu.Lock()
		err := c.open(&c.consent)
		c.b.mu.Unlock()
		if err != nil {
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

// count enforces the quota of unattended accesses. Following a next link belongs to the access
// that returned it.
func (c *reading) count(account, endpoint string) *failure {
	if c.attended || c.page() > 1 {
		return nil
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.b.admit(c.consent, account, endpoint) {
		return nil
	}
	return c.b.tooMany()
}

// page returns the requested page, 1 by default.
func (c *reading) page() int {
	n, err := strconv.Atoi(c.query.Get("page"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// account finds an account by its id in addresses.
func (c *reading) account(id string) (*Account, *failure) {
	for _, a := range c.book.paymentAccounts() {
		if c.book.resourceID(a) != id {
			continue
		}
		if c.book.unwell(a) {
			return nil, &failure{status: http.StatusServiceUnavailable, message: "Ce compte est momentanément indisponible", retry: 2 * time.Minute}
		}
		return a, nil
	}
	return nil, refusal(http.StatusNotFound, "Compte inconnu")
}

// checkHistory limits a client to ninety days, except shortly after the strong
// authentication and with the scope for older rows. A window without a first day gets
// ninety days; an older one is refused.
func (c *reading) checkHistory(w *window) *failure {
	oldest := c.book.today - historyDays
	if !w.hasFrom {
		w.from, w.hasFrom = oldest, true
		return nil
	}
	if w.from >= oldest {
		return nil
	}
	why := ""
	switch {
	case !c.consent.has(scopeExtended):
		why = "le scope extended_transaction_history"
	case !c.first || c.now.Sub(c.consent.SCA) > c.b.opt.HistoryWindow:
		why = "une authentification forte récente"
	default:
		return nil
	}
	return &failure{status: http.StatusForbidden, reason: tooOld, message: "L'historique de plus de 90 jours demande " + why}
}

// rowsIn returns the rows of an account in a window.
func (c *reading) rowsIn(a *Account, w window) []row {
	var rows []row
	for _, r := range c.book.rows(a) {
		if w.holds(r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// pages returns the page of the request and the last one of a list of total rows. next is the
// page that follows, 0 after the last: a scenario makes the last page follow itself.
func (c *reading) pages(total int) (page, last, next int) {
	size := c.b.opt.PageSize
	page, last = c.page(), max(1, (total+size-1)/size)
	_, loops := c.book.scenarios.active("next_loop", c.book.today)
	switch {
	case page < last:
		next = page + 1
	case loops:
		next = page
	}
	return page, last, next
}

// slice returns the range of total rows that the page holds.
func (c *reading) slice(total int) (from, to int) {
	from = min((c.page()-1)*c.b.opt.PageSize, total)
	if from < 0 {
		from = total // an absurd page number
	}
	return from, min(from+c.b.opt.PageSize, total)
}

// reply writes a success, unless the garbage scenario spoils it.
func (c *reading) reply(v any) *failure {
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

// pageQuery returns the parameters of a page: those of the list, and its number.
func pageQuery(q url.Values, page int) url.Values {
	with := url.Values{}
	for k, v := range q {
		with[k] = v
	}
	if page > 1 {
		with.Set("page", strconv.Itoa(page))
	}
	return with
}

// checkAddress refuses an address of the customer that cannot be read.
func (c *reading) checkAddress(header string) *failure {
	if ip := c.r.Header.Get(header); ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			return refusal(http.StatusBadRequest, "L'en-tête %s n'est pas une adresse IP", header)
		}
	}
	return nil
}

// answer writes an answer that is not one of data.
func (c *reading) answer(status int, retry time.Duration, body []byte) {
	if retry > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
	c.w.Header().Set("Content-Type", c.media)
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(status)
	c.w.Write(body)
}

func (c *reading) noContent() *failure {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
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
