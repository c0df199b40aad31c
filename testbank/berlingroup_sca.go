package testbank

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// sca is the approval of a consent without the bank's pages: with a password, a method and a
// code, or in the bank's app.
type sca struct {
	ID       string    `json:"ID"`
	Status   string    `json:"Status"`
	Method   string    `json:"Method,omitempty"`
	Wrong    int       `json:"Wrong,omitempty"`
	Approves time.Time `json:"Approves,omitzero"` // when the customer approves in the app, or refuses
}

// The states of an approval, in the words of the Berlin Group.
const (
	authenticated = "psuAuthenticated"
	selected      = "scaMethodSelected"
	started       = "started"
	finalised     = "finalised"
	failed        = "failed"
)

// berlinMethod is a method by which the customer may approve.
type berlinMethod struct {
	Type string `json:"authenticationType"`
	ID   string `json:"authenticationMethodId"`
	Name string `json:"name"`
}

const (
	bySMS = "sms"
	byApp = "app"
)

// appSeconds is how long the customer takes to approve in the app.
const appSeconds = 5

const appMessage = "Ouvrez l'application Linxo Test Bank et comparez le nombre 42. La simulation approuve toute seule."

// methods lists the methods of a customer.
func methods(of customer) []berlinMethod {
	return []berlinMethod{{"SMS_OTP", bySMS, "SMS " + maskedPhone(of.phone())}, {"PUSH_OTP", byApp, "Application Linxo Test Bank"}}
}

// berlinSCA is an answer about an approval.
type berlinSCA struct {
	ConsentStatus string           `json:"consentStatus,omitempty"`
	ConsentID     string           `json:"consentId,omitempty"`
	ID            string           `json:"authorisationId,omitempty"`
	Status        string           `json:"scaStatus,omitempty"`
	Methods       []berlinMethod   `json:"scaMethods,omitempty"`
	Chosen        *berlinMethod    `json:"chosenScaMethod,omitempty"`
	Challenge     *berlinChallenge `json:"challengeData,omitempty"`
	Message       string           `json:"psuMessage,omitempty"`
	Links         links            `json:"_links,omitempty"`
}

type berlinChallenge struct {
	Length int    `json:"otpMaxLength"`
	Format string `json:"otpFormat"`
	More   string `json:"additionalInformation"`
}

// scaOf returns the answer to a step of an approval. The caller holds b.mu.
func (c *berlin) scaOf(held *consent, of customer) berlinSCA {
	s := held.Asked.SCA
	self := berlinPrefix + "/consents/" + held.ID + "/authorisations/" + s.ID
	answer := berlinSCA{ID: s.ID, Status: s.Status, Links: links{"scaStatus": {self}}}
	for _, m := range methods(of) {
		if m.ID == s.Method {
			answer.Chosen = &m
		}
	}
	switch s.Status {
	case authenticated:
		answer.Methods, answer.Links["selectAuthenticationMethod"] = methods(of), link{self}
	case selected:
		answer.Challenge = &berlinChallenge{len(of.code()), "integer", "Aucun SMS ne part : le code de la simulation est 123456, sauf si votre fichier en donne un autre."}
		answer.Links["authoriseTransaction"] = link{self}
	case started:
		answer.Message = appMessage
		c.w.Header().Set("ASPSP-SCA-Approach", "DECOUPLED")
	}
	return answer
}

// newSCA begins the approval of a consent by a customer. The caller holds b.mu.
func (c *berlin) newSCA(held *consent, by customer, status string) {
	held.Customer = by.key()
	held.Asked.SCA = &sca{ID: c.b.secret(), Status: status}
	if status == started {
		c.inApp(held.Asked.SCA, by)
	}
}

// inApp lets the customer approve in the app, after a while. The caller holds b.mu.
func (c *berlin) inApp(s *sca, by customer) {
	wait := appSeconds
	v, _ := c.b.scenariosOf(by).active("decoupled", DayOf(c.now))
	if n, err := strconv.Atoi(v.Param); err == nil && n >= 0 {
		wait = n
	}
	s.Status, s.Method, s.Approves = started, byApp, c.now.Add(time.Duration(wait)*time.Second)
}

// settle ends an approval in the app whose time has come. The caller holds b.mu.
func (c *berlin) settle(held *consent) {
	if held.Asked == nil || held.Asked.SCA == nil {
		return
	}
	s := held.Asked.SCA
	by := c.b.state.Customers[held.Customer]
	if s.Status != started || by == nil || c.now.Before(s.Approves) || held.status(c.now) != received {
		return
	}
	c.decide(held, *by)
}

// decide ends an approval as the customer's scenario wants it. The caller holds b.mu.
func (c *berlin) decide(held *consent, by customer) {
	defer c.b.save()
	if _, refuses := c.b.scenariosOf(by).active("refuse", DayOf(c.now)); refuses {
		held.Asked.SCA.Status, held.Asked.Status = failed, rejected
		return
	}
	held.Asked.SCA.Status = finalised
	c.b.approve(held, by)
}

// waiting returns the stored consent of the path, if it still waits. The caller holds b.mu.
func (c *berlin) waiting() (*consent, *failure) {
	held, ok := c.b.state.Consents[c.path[1]]
	switch {
	case !ok || held.Asked == nil || held.Asked.Login == "":
		return nil, refusal(http.StatusForbidden, "Consentement inconnu")
	case held.status(c.now) != received:
		return nil, &failure{status: http.StatusBadRequest, message: errNotWaiting.Error()}
	}
	return held, nil
}

type scaBody struct {
	PSUData struct {
		Password string `json:"password"`
	} `json:"psuData"`
	Method string `json:"authenticationMethodId"`
	Code   string `json:"scaAuthenticationData"`
}

func (c *berlin) readSCA() (body scaBody, err *failure) {
	data := http.MaxBytesReader(c.w, c.r.Body, 64<<10)
	if json.NewDecoder(data).Decode(&body) != nil {
		return body, refusal(http.StatusBadRequest, "Le corps de la demande est illisible")
	}
	return body, nil
}

var errWrongCredentials = &failure{status: http.StatusUnauthorized, reason: wrongCredentials, message: errBadLogin.Error()}

// startSCA is POST /consents/{id}/authorisations: the password.
func (c *berlin) startSCA() *failure {
	body, err := c.readSCA()
	if err != nil {
		return err
	}
	c.b.mu.Lock()
	held, err := c.waiting()
	login := ""
	if err == nil {
		login = held.Asked.Login
	}
	c.b.mu.Unlock()
	if err != nil {
		return err
	}
	by, wrong := c.b.login(c.r.Context(), login, body.PSUData.Password, "")
	if wrong != nil {
		return errWrongCredentials
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if held, err = c.waiting(); err != nil {
		return err
	}
	c.newSCA(held, by, authenticated)
	c.b.save()
	c.w.Header().Set("ASPSP-SCA-Approach", "EMBEDDED")
	return c.write(http.StatusCreated, c.scaOf(held, by))
}

// onSCA finds the approval of the path, then answers about it under the lock.
func (c *berlin) onSCA(answer func(held *consent, by customer) *failure) func() *failure {
	return func() *failure {
		body, err := scaBody{}, (*failure)(nil)
		if c.r.Method == http.MethodPut {
			if body, err = c.readSCA(); err != nil {
				return err
			}
		}
		c.body = body
		c.b.mu.Lock()
		defer c.b.mu.Unlock()
		held, ok := c.b.state.Consents[c.path[1]]
		if !ok || held.Asked == nil || held.Asked.SCA == nil || held.Asked.SCA.ID != c.path[3] {
			return refusal(http.StatusForbidden, "Autorisation inconnue")
		}
		by, ok := c.b.state.Customers[held.Customer]
		if !ok {
			return refusal(http.StatusForbidden, "Client inconnu")
		}
		c.settle(held)
		return answer(held, *by)
	}
}

// getSCA is GET /consents/{id}/authorisations/{id}.
func (c *berlin) getSCA(held *consent, _ customer) *failure {
	answer := berlinSCA{Status: held.Asked.SCA.Status}
	if answer.Status == started {
		answer.Message = appMessage
	}
	return c.write(http.StatusOK, answer)
}

// putSCA is PUT /consents/{id}/authorisations/{id}: the method, or the code.
func (c *berlin) putSCA(held *consent, by customer) *failure {
	s := held.Asked.SCA
	switch {
	case held.status(c.now) != received:
		return &failure{status: http.StatusBadRequest, message: errNotWaiting.Error()}
	case s.Status == authenticated && c.body.Method == bySMS:
		s.Status, s.Method = selected, bySMS
	case s.Status == authenticated && c.body.Method == byApp:
		c.inApp(s, by)
	case s.Status == selected && c.body.Code != "":
		_, never := c.b.scenariosOf(by).active("sms_wrong", DayOf(c.now))
		if never || subtle.ConstantTimeCompare([]byte(c.body.Code), []byte(by.code())) != 1 {
			if s.Wrong++; s.Wrong == maxWrongCodes {
				s.Status, held.Asked.Status = failed, rejected
			}
			c.b.save()
			return errWrongCredentials
		}
		c.decide(held, by)
	default:
		return refusal(http.StatusBadRequest, "Cette étape n'attend pas ces données")
	}
	c.b.save()
	return c.write(http.StatusOK, c.scaOf(held, by))
}
