package testbank

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// berlinPrefix is the path of the interface of the Berlin Group (NextGenPSD2 1.3).
const berlinPrefix = "/berlingroup/v1"

// berlin is one request to the interface of the Berlin Group, from its checks to its answer.
type berlin struct {
	reading
	path []string // below the prefix
	body scaBody  // of a step of an approval
}

// berlinGroup serves the interface of the Berlin Group. A Consent-ID takes the place of a
// token; a real bank would know the client by its certificate.
func (b *Bank) berlinGroup(w http.ResponseWriter, r *http.Request) {
	c := &berlin{reading: newReading(b, w, r, "application/json; charset=utf-8", psuAddress)}
	c.path = strings.Split(strings.TrimPrefix(r.URL.Path, berlinPrefix+"/"), "/")
	if id := r.Header.Get("X-Request-ID"); id != "" {
		w.Header().Set("X-Request-ID", id)
	}
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

// answers are the resources of the interface.
func (c *berlin) answers() map[string]func() *failure {
	return map[string]func() *failure{
		"POST consents":                    c.postConsent,
		"GET consents/*":                   c.getConsent,
		"GET consents/*/status":            c.getStatus,
		"DELETE consents/*":                c.deleteConsent,
		"POST consents/*/authorisations":   c.startSCA,
		"GET consents/*/authorisations/*":  c.onSCA(c.getSCA),
		"PUT consents/*/authorisations/*":  c.onSCA(c.putSCA),
		"GET accounts":                     c.listing("accounts", Checkings),
		"GET accounts/*":                   c.onAccount(Checkings, c.details),
		"GET accounts/*/balances":          c.onAccount(Checkings, c.balances),
		"GET accounts/*/transactions":      c.onAccount(Checkings, c.transactions),
		"GET card-accounts":                c.listing("cardAccounts", CreditCard),
		"GET card-accounts/*":              c.onAccount(CreditCard, c.details),
		"GET card-accounts/*/balances":     c.onAccount(CreditCard, c.balances),
		"GET card-accounts/*/transactions": c.onAccount(CreditCard, c.transactions),
	}
}

var requestID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (c *berlin) serve() *failure {
	answer, err := pick(c.answers(), c.r.Method, c.path)
	if err != nil {
		return err
	}
	if !requestID.MatchString(c.r.Header.Get("X-Request-ID")) {
		return refusal(http.StatusBadRequest, "L'en-tête X-Request-ID est obligatoire (un UUID)")
	}
	if err := c.checkAddress(psuAddress); err != nil {
		return err
	}
	return answer()
}

// berlinCodes are the codes of the standard for the failures of a status.
var berlinCodes = map[int]string{
	http.StatusBadRequest: "FORMAT_ERROR", http.StatusUnauthorized: "CONSENT_INVALID", http.StatusForbidden: "CONSENT_UNKNOWN",
	http.StatusNotFound: "RESOURCE_UNKNOWN", http.StatusMethodNotAllowed: "SERVICE_INVALID", http.StatusTooManyRequests: "ACCESS_EXCEEDED",
	http.StatusInternalServerError: "INTERNAL_SERVER_ERROR", http.StatusServiceUnavailable: "SERVICE_UNAVAILABLE",
}

// fail writes the standard's tppMessages.
func (c *berlin) fail(e *failure) {
	status, code := e.status, berlinCodes[e.status]
	switch e.reason {
	case consentOver:
		status, code = http.StatusUnauthorized, "CONSENT_EXPIRED"
	case tooOld:
		status, code = http.StatusBadRequest, "PERIOD_INVALID"
	case wrongCredentials:
		code = "PSU_CREDENTIALS_INVALID"
	}
	type message struct {
		Category string `json:"category"`
		Code     string `json:"code"`
		Text     string `json:"text"`
	}
	body, _ := plainJSON(map[string][]message{"tppMessages": {{"ERROR", code, e.message}}})
	c.answer(status, e.retry, body)
}

// write answers a request that is not one for data.
func (c *berlin) write(status int, v any) *failure {
	body, err := plainJSON(v)
	if err != nil {
		return refusal(http.StatusInternalServerError, "Erreur interne")
	}
	c.answer(status, 0, body)
	return nil
}

// postConsent is POST /consents: it makes a consent, which waits for the customer.
func (c *berlin) postConsent() *failure {
	var body struct {
		Access     map[string]json.RawMessage `json:"access"`
		Recurring  *bool                      `json:"recurringIndicator"`
		ValidUntil string                     `json:"validUntil"`
		Frequency  int                        `json:"frequencyPerDay"`
		Combined   *bool                      `json:"combinedServiceIndicator"`
	}
	data := http.MaxBytesReader(c.w, c.r.Body, 64<<10)
	if json.NewDecoder(data).Decode(&body) != nil || body.Recurring == nil || body.Combined == nil || body.Frequency < 1 {
		return refusal(http.StatusBadRequest, "Le corps de la demande est illisible ou incomplet")
	}
	until, err := time.Parse(time.DateOnly, body.ValidUntil)
	if err != nil || DayOf(until) < DayOf(c.now) {
		return refusal(http.StatusBadRequest, "validUntil n'est pas une date à venir")
	}
	if string(body.Access["allPsd2"]) != `"allAccounts"` {
		return refusal(http.StatusBadRequest, "Cette banque connaît l'accès allPsd2 à allAccounts seulement")
	}
	last := min(DayOf(until), DayOf(c.now.Add(c.b.opt.ConsentLife)))
	if !*body.Recurring {
		last = DayOf(c.now)
	}
	request := asked{
		Until: last, Once: !*body.Recurring, Return: c.r.Header.Get("TPP-Redirect-URI"), Refused: c.r.Header.Get("TPP-Nok-Redirect-URI"),
	}
	request.Login = strings.TrimSpace(c.r.Header.Get("PSU-ID"))
	if request.Login != "" {
		return c.askNamed(request, body.Frequency)
	}
	for _, target := range []string{request.Return, orDefault(request.Refused, request.Return)} {
		if err := c.b.checkReturn(target); err != nil {
			return refusal(http.StatusBadRequest, "TPP-Redirect-URI : %s", err)
		}
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	made := c.b.ask("", request)
	made.Frequency = min(body.Frequency, unattendedQuota)
	return c.made(made, "REDIRECT", berlinSCA{Links: links{"scaRedirect": {c.b.origin(c.r) + "/authorize?consent=" + made.ID}}})
}

// askNamed makes a consent for a customer whom the client names: it is approved with a
// password and a method, or in the app where the login has that scenario.
func (c *berlin) askNamed(request asked, frequency int) *failure {
	_, names := splitLogin(request.Login)
	inApp := slices.ContainsFunc(names, func(s string) bool { name, _, _ := parseScenario(s); return name == "decoupled" })
	var by customer
	if inApp {
		// The customer shows the password to the app alone.
		known, err := c.b.login(c.r.Context(), request.Login, c.b.standard.Password, "")
		if err != nil {
			return errWrongCredentials
		}
		by = known
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	made := c.b.ask("", request)
	made.Frequency = min(frequency, unattendedQuota)
	if !inApp {
		start := link{berlinPrefix + "/consents/" + made.ID + "/authorisations"}
		return c.made(made, "EMBEDDED", berlinSCA{Links: links{"startAuthorisationWithPsuAuthentication": start}})
	}
	c.newSCA(made, by, started)
	c.b.save()
	return c.made(made, "DECOUPLED", c.scaOf(made, by))
}

// made answers that a consent waits. The caller holds b.mu.
func (c *berlin) made(held *consent, approach string, answer berlinSCA) *failure {
	self := berlinPrefix + "/consents/" + held.ID
	c.w.Header().Set("ASPSP-SCA-Approach", approach)
	c.w.Header().Set("Location", self)
	answer.ConsentStatus, answer.ConsentID, answer.ID = received, held.ID, ""
	answer.Links["self"], answer.Links["status"] = link{self}, link{self + "/status"}
	return c.write(http.StatusCreated, answer)
}

// find returns the consent with an id.
func (c *berlin) find(id string) (consent, *failure) {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	held, ok := c.b.state.Consents[id]
	if !ok || held.Asked == nil {
		return consent{}, refusal(http.StatusForbidden, "Consentement inconnu")
	}
	c.settle(held)
	copied := *held
	asked := *held.Asked
	if asked.SCA != nil {
		approval := *asked.SCA
		asked.SCA = &approval
	}
	copied.Asked = &asked
	return copied, nil
}

// getConsent is GET /consents/{id}.
func (c *berlin) getConsent() *failure {
	held, err := c.find(c.path[1])
	if err != nil {
		return err
	}
	last := DayOf(c.now)
	if !held.SCA.IsZero() {
		last = DayOf(held.SCA)
	}
	return c.write(http.StatusOK, struct {
		Access     map[string]string `json:"access"`
		Recurring  bool              `json:"recurringIndicator"`
		ValidUntil string            `json:"validUntil"`
		Frequency  int               `json:"frequencyPerDay"`
		LastAction string            `json:"lastActionDate"`
		Status     string            `json:"consentStatus"`
	}{map[string]string{"allPsd2": "allAccounts"}, !held.Asked.Once, held.Asked.Until.String(), held.Frequency, last.String(), held.status(c.now)})
}

// getStatus is GET /consents/{id}/status.
func (c *berlin) getStatus() *failure {
	held, err := c.find(c.path[1])
	if err != nil {
		return err
	}
	answer := map[string]string{"consentStatus": held.status(c.now)}
	if s := held.Asked.SCA; s != nil && s.Status == started {
		answer["psuMessage"] = appMessage
	}
	return c.write(http.StatusOK, answer)
}

// deleteConsent is DELETE /consents/{id}.
func (c *berlin) deleteConsent() *failure {
	if _, err := c.find(c.path[1]); err != nil {
		return err
	}
	c.b.mu.Lock()
	if held := c.b.state.Consents[c.path[1]]; held != nil {
		held.Revoked = true
		c.b.save()
	}
	c.b.mu.Unlock()
	return c.noContent()
}

// checkConsent finds the consent of a request for data, and opens the customer's accounts.
func (c *berlin) checkConsent(begins bool) *failure {
	id := c.r.Header.Get("Consent-ID")
	if id == "" {
		return refusal(http.StatusBadRequest, "L'en-tête Consent-ID est obligatoire")
	}
	held, err := c.find(id)
	if err != nil {
		return err
	}
	switch held.status(c.now) {
	case valid:
	case expired:
		return errConsentOver
	default:
		return refusal(http.StatusUnauthorized, "Le consentement n'est pas valable")
	}
	c.first = true // there are no later tokens
	c.b.mu.Lock()
	err = c.open(&held)
	c.b.mu.Unlock()
	if err != nil {
		return err
	}
	return c.disturb(begins)
}

// href writes a link, below the host.
func (c *berlin) href(path string, q url.Values) link {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return link{berlinPrefix + path}
}
