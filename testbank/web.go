package testbank

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// visit is one session on one of the bank's web sites, with its current step. Visits
// outlive a restart, because a customer may be looking for their telephone.
type visit struct {
	Site     string    `json:"Site"`
	Step     step      `json:"Step"`
	Token    string    `json:"Token"`    // against forms of other sites
	Login    string    `json:"Login"`    // the input of the first page of a site with two
	Customer string    `json:"Customer"` // key of the customer, set once the password is right
	Wrong    int       `json:"Wrong"`    // wrong SMS codes or answers so far
	Sent     time.Time `json:"Sent"`     // the SMS
	Seen     time.Time `json:"Seen"`     // the last page
	Pages    int       `json:"Pages"`    // pages with data so far
}

// step is the next step of a visit's customer.
type step string

const (
	stepLogin  step = ""
	stepOffer  step = "offer" // decides whether the SMS may be sent
	stepCode   step = "code"
	stepTerms  step = "terms"
	stepInside step = "inside"
)

const (
	visitLife  = 10 * time.Minute // without a page
	codeTime   = 2 * time.Minute
	deviceLife = 90 * 24 * time.Hour
	// maxWrongPasswords bounds the wrong passwords of a login with a scenario.
	maxWrongPasswords = 3
	lockTime          = time.Hour
)

// device is a browser that has passed a strong authentication.
type device struct {
	Site     string    `json:"Site"`
	Customer string    `json:"Customer"`
	Expires  time.Time `json:"Expires"`
}

// attempts counts the wrong passwords of a login with a scenario.
type attempts struct {
	Wrong int       `json:"Wrong"`
	Since time.Time `json:"Since"`
}

// openVisit opens a visit and returns its secret id; the id is empty if there are too
// many visits.
func (b *Bank) openVisit(site string) (string, visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.state.Visits) >= maxSessions {
		b.forgetVisits()
		if len(b.state.Visits) >= maxSessions {
			return "", visit{}
		}
	}
	id := b.secret()
	v := visit{Site: site, Token: b.secret(), Seen: b.now()}
	b.state.Visits[sealed(id)] = &v
	b.changed()
	return id, v
}

// findVisit returns a copy of an open visit, and prolongs it.
func (b *Bank) findVisit(site, id string) (visit, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := sealed(id)
	v, ok := b.state.Visits[key]
	if !ok || v.Site != site {
		return visit{}, false
	}
	if b.now().Sub(v.Seen) > visitLife {
		delete(b.state.Visits, key)
		return visit{}, false
	}
	v.Seen = b.now()
	b.changed()
	return *v, true
}

// moveVisit changes a visit and stores it at once.
func (b *Bank) moveVisit(id string, change func(*visit)) visit {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.state.Visits[sealed(id)]
	if !ok {
		return visit{}
	}
	change(v)
	b.save()
	return *v
}

func (b *Bank) endVisit(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.state.Visits, sealed(id))
	b.changed()
}

// forgetVisits drops expired visits and devices. The caller holds b.mu.
func (b *Bank) forgetVisits() {
	now := b.now()
	for key, v := range b.state.Visits {
		if now.Sub(v.Seen) > visitLife {
			delete(b.state.Visits, key)
		}
	}
	for key, d := range b.state.Devices {
		if now.After(d.Expires) {
			delete(b.state.Devices, key)
		}
	}
	for key, a := range b.state.Attempts {
		if now.Sub(a.Since) > lockTime {
			delete(b.state.Attempts, key)
		}
	}
}

// Errors of a login at a web site, besides errBadLogin.
var (
	errLocked       = errors.New("accès bloqué après trop d'essais")
	errPasswordOver = errors.New("le mot de passe doit être changé")
)

// enter checks a login at a web site and moves the visit on: inside, to the SMS for an
// unknown device, or to new terms.
func (b *Bank) enter(ctx context.Context, id, site, login, password, location, deviceToken string) (visit, error) {
	login, location = strings.TrimSpace(login), strings.TrimSpace(location)
	attempt := customerKey(login, location)
	b.mu.Lock()
	tried := b.state.Attempts[attempt]
	locked := tried.Wrong >= maxWrongPasswords && b.now().Sub(tried.Since) <= lockTime
	b.mu.Unlock()
	if locked {
		return visit{}, errLocked
	}
	c, err := b.login(ctx, login, password, location)
	if err != nil {
		if errors.Is(err, errBadLogin) {
			b.countWrong(login, attempt)
		}
		return visit{}, err
	}
	b.mu.Lock()
	set, today := b.scenariosOf(c), b.today()
	delete(b.state.Attempts, attempt)
	b.mu.Unlock()
	if _, on := set.active("locked", today); on {
		b.spend(login, "locked")
		return visit{}, errLocked
	}
	if _, on := set.active("password_change", today); on {
		b.spend(login, "password_change")
		return visit{}, errPasswordOver
	}
	b.noteSync(c.key()) // every login counts
	return b.moveVisit(id, func(v *visit) {
		v.Customer = c.key()
		v.Step = b.afterSMS(c, set)
		if b.asksSMS(site, c, set, deviceToken) {
			v.Step = stepOffer
		}
	}), nil
}

// countWrong counts a wrong password of a login with a scenario. Everybody shares dev,
// which is never locked.
func (b *Bank) countWrong(login, attempt string) {
	if _, names := splitLogin(login); len(names) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	tried := b.state.Attempts[attempt]
	if b.now().Sub(tried.Since) > lockTime {
		tried = attempts{}
	}
	if len(b.state.Attempts) >= maxSessions {
		b.forgetVisits()
	}
	b.state.Attempts[attempt] = attempts{Wrong: tried.Wrong + 1, Since: b.now()}
	b.changed()
}

// asksSMS reports whether the device needs a strong authentication. The caller holds
// b.mu.
func (b *Bank) asksSMS(site string, c customer, set scenarios, token string) bool {
	if _, on := set.active("sms_wrong", b.today()); on {
		return true
	}
	known, ok := b.state.Devices[sealed(token)]
	if !ok || known.Site != site || known.Customer != c.key() {
		return true
	}
	until := known.Expires
	if s, on := set.active("sms", b.today()); on {
		minutes, err := strconv.Atoi(s.Param)
		if err != nil {
			return true
		}
		until = until.Add(time.Duration(minutes)*time.Minute - deviceLife)
	}
	return b.now().After(until)
}

// afterSMS returns the step of a visit after the strong authentication. The caller
// holds b.mu.
func (b *Bank) afterSMS(c customer, set scenarios) step {
	if _, on := set.active("action_required", b.today()); on && !c.Accepted {
		return stepTerms
	}
	return stepInside
}

// sendSMS records that the customer asked for the code. The simulated bank sends
// nothing.
func (b *Bank) sendSMS(id string) {
	b.moveVisit(id, func(v *visit) { v.Step, v.Sent = stepCode, b.now() })
}

// smsAnswer is the result of an SMS code.
type smsAnswer int

const (
	codeRight smsAnswer = iota
	codeWrong
	codeLate  // expired; it may be sent again
	codeSpent // wrong too often: the visit ends
)

// checkCode compares an SMS code. The right one makes the device known; token is then
// its secret.
func (b *Bank) checkCode(id string, c customer, given string) (answer smsAnswer, token string, left int) {
	given = strings.ReplaceAll(strings.TrimSpace(given), " ", "")
	_, names := splitLogin(c.Login)
	b.mu.Lock()
	set := b.scenariosOf(c)
	_, never := set.active("sms_wrong", b.today())
	b.mu.Unlock()
	right := subtle.ConstantTimeCompare([]byte(given), []byte(c.code())) == 1 && !never
	b.moveVisit(id, func(v *visit) {
		switch {
		case b.now().Sub(v.Sent) > codeTime:
			answer, v.Step = codeLate, stepOffer
		case right:
			token = b.recognise(v, c, set)
		default:
			answer, left = codeWrong, maxWrongCodes-1
			if len(names) == 0 {
				return // dev has unlimited attempts
			}
			v.Wrong++
			left = maxWrongCodes - v.Wrong
			if left <= 0 {
				answer = codeSpent
			}
		}
	})
	if answer == codeSpent {
		b.endVisit(id)
	}
	return answer, token, left
}

// recognise makes the device known, moves the visit on and returns the device's token.
// The caller holds b.mu.
func (b *Bank) recognise(v *visit, c customer, set scenarios) (token string) {
	token = b.secret()
	b.state.Devices[sealed(token)] = &device{Site: v.Site, Customer: c.key(), Expires: b.now().Add(deviceLife)}
	v.Step = b.afterSMS(c, set)
	return token
}

// acceptTerms records that the customer accepted the new terms.
func (b *Bank) acceptTerms(id string) {
	b.moveVisit(id, func(v *visit) {
		v.Step = stepInside
		b.noteCustomer(v.Customer, func(c *customer) { c.Accepted = true })
	})
}

// noteCustomer replaces a customer by a changed copy. The caller holds b.mu.
func (b *Bank) noteCustomer(key string, change func(*customer)) {
	if c, ok := b.state.Customers[key]; ok {
		next := *c
		change(&next)
		b.state.Customers[key] = &next
	}
}

// visitor returns the customer of a visit; the zero customer before the login.
func (b *Bank) visitor(v visit) (customer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.state.Customers[v.Customer]
	if !ok {
		return customer{}, false
	}
	return *c, true
}

// errVisitOver reports that the session ended early.
var errVisitOver = &failure{status: http.StatusForbidden, message: "Votre session a expiré"}

// pageOfData counts a page with data, applies the scenarios' trouble, and returns the
// customer's book.
func (b *Bank) pageOfData(ctx context.Context, id string, c customer) (*book, *failure) {
	const usualPages = 6
	b.mu.Lock()
	set, today := b.scenariosOf(c), b.today()
	held := newBook(c, set, today)
	held.cache = b.ledgers
	v := b.state.Visits[sealed(id)]
	if v == nil {
		b.mu.Unlock()
		return nil, errVisitOver
	}
	v.Pages++
	if s, on := set.active("session_timeout", today); on && c.TimedOut != today {
		most, err := strconv.Atoi(s.Param)
		if err != nil {
			most = usualPages
		}
		if v.Pages > most {
			b.noteCustomer(c.key(), func(c *customer) { c.TimedOut = today })
			delete(b.state.Visits, sealed(id))
			b.save()
			b.mu.Unlock()
			return nil, errVisitOver
		}
	}
	b.mu.Unlock()
	return held, b.trouble(ctx, c.Login, set, today)
}

// shownAccounts returns all accounts of known kinds, in the file's order.
func (b *book) shownAccounts() []*Account {
	var list []*Account
	for _, a := range b.accounts {
		switch a.Kind {
		case Checkings, CreditCard, Savings, Loans:
			list = append(list, a)
		}
	}
	return list
}

// nextInstalment returns a loan's state on a day: the file's state, moved on by the
// months since then.
func (l *Loan) nextInstalment(anchor, today Day) (next Day, left int) {
	if l.Next.IsZero() {
		return 0, l.Left
	}
	first := l.Next.On(anchor)
	next, left = first, l.Left
	for n := 1; next < today && left > 0; n++ {
		next, left = first.addMonths(n, first.dayOfMonth()), left-1
	}
	return next, left
}

// maskedPhone shows the first two digits of a number and its last.
func maskedPhone(number string) string {
	r := []rune(number)
	if len(r) < 4 {
		return number
	}
	return string(r[:2]) + "******" + string(r[len(r)-1:])
}

// render writes a page of a site with the headers of its pages.
func render(w http.ResponseWriter, status int, contentType string, page templ.Component) error {
	var buf bytes.Buffer
	if err := page.Render(context.Background(), &buf); err != nil {
		http.Error(w, "erreur interne", http.StatusInternalServerError)
		return err
	}
	webHeaders(w, contentType)
	w.WriteHeader(status)
	w.Write(buf.Bytes())
	return nil
}

// Content security policies of the pages: forms only, or forms and the page's script.
const (
	pagePolicy     = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	scriptedPolicy = pagePolicy + "; script-src 'self'; connect-src 'self'"
)

// webHeaders sets the headers of every page; a policy that the page has set stays.
func webHeaders(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", pagePolicy)
	}
}
