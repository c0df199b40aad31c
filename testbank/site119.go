package testbank

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// The second web site (provider 119), in everything unlike the first: an
// identifier on one page, a memorable answer and a password on the next; a
// device is known by a token in the form; pages in English and in ISO 8859-1;
// debits and credits in words; statements by day, which go on with a cursor.

//go:embed site119/look.css
var style119 []byte

const (
	site119 = "/site119"
	// suffix119 extends identifiers and passwords to the length that this site
	// requires: dev-0119 with the password dev-0119, and dev as the memorable answer.
	suffix119 = "-0119"
	cookie119 = "SID119"
	latin     = "text/html; charset=iso-8859-1"
)

func (b *Bank) mount119(mux *http.ServeMux) {
	handle := func(method, path string, answer func(*call119)) {
		mux.HandleFunc(method+" "+site119+path, func(w http.ResponseWriter, r *http.Request) {
			answer(&call119{b: b, w: w, r: r})
		})
	}
	at := func(step step, answer func(*call119)) func(*call119) {
		return func(c *call119) {
			if c.admit(step) {
				answer(c)
			}
		}
	}
	data := func(answer func(*call119)) func(*call119) {
		return at(stepInside, func(c *call119) {
			if c.openBook() {
				answer(c)
			}
		})
	}
	mux.HandleFunc("GET "+site119+"/look.css", func(w http.ResponseWriter, _ *http.Request) {
		webHeaders(w, "text/css; charset=utf-8")
		w.Write(style119)
	})
	mux.Handle("GET "+site119, http.RedirectHandler(site119+"/", http.StatusSeeOther))
	handle("GET", "/{$}", (*call119).start)
	handle("POST", "/logon", at(stepLogin, (*call119).logon))
	handle("POST", "/verify", at(stepLogin, (*call119).verify))
	handle("POST", "/text-me", at(stepOffer, (*call119).textMe))
	handle("POST", "/passcode", at(stepCode, (*call119).passcode))
	handle("GET", "/overview", data((*call119).overview))
	handle("GET", "/product", data((*call119).product))
	handle("GET", "/activity", data((*call119).activity))
	handle("GET", "/profile", data((*call119).profile))
}

// call119 is one request to the second site.
type call119 struct {
	b        *Bank
	w        http.ResponseWriter
	r        *http.Request
	id       string
	visit    visit
	customer customer
	book     *book
}

type view119 struct {
	Token, User, Phone, Error, Trust string
	Left                             int
	Minutes                          int
}

// show writes a page that shows a view.
func (c *call119) show(status int, page func(view119) templ.Component, v view119) {
	v.Token, v.Minutes = c.visit.Token, int(codeTime.Minutes())
	if c.customer.file != nil {
		v.Phone = c.customer.phone()
	}
	c.write(status, page(v))
}

func (c *call119) write(status int, page templ.Component) {
	if err := render(latinWriter{c.w}, status, latin, page); err != nil {
		c.b.log.Error("page not written", "path", c.r.URL.Path, "error", err.Error())
	}
}

// latinWriter writes pages in ISO 8859-1; other characters become HTML entities.
type latinWriter struct{ http.ResponseWriter }

func (w latinWriter) Write(page []byte) (int, error) {
	var text []byte
	for _, r := range string(page) {
		if r <= 0xff {
			text = append(text, byte(r))
		} else {
			text = fmt.Appendf(text, "&#%d;", r)
		}
	}
	_, err := w.ResponseWriter.Write(text)
	return len(page), err
}

// notice is a page that explains an obstacle.
type notice struct{ Kind, Text string }

func (c *call119) notice(status int, kind, text string) {
	c.write(status, notice119(notice{kind, text}))
}

// admit finds the visit at a step, and checks a form's token.
func (c *call119) admit(at step) bool {
	cookie, err := c.r.Cookie(cookie119)
	ok := err == nil
	if ok {
		c.id = cookie.Value
		c.visit, ok = c.b.findVisit(site119, c.id)
	}
	if ok && c.visit.Customer != "" {
		c.customer, ok = c.b.visitor(c.visit)
	}
	if ok && c.r.Method == http.MethodPost {
		c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 64<<10)
		ok = c.r.ParseForm() == nil && c.r.PostForm.Get("_token") == c.visit.Token
	}
	if !ok || c.visit.Step == stepLogin && at != stepLogin {
		c.visit = visit{}
		c.notice(http.StatusUnauthorized, "signed-off", "You have been signed off. Please log on again.")
		return false
	}
	if c.visit.Step != at {
		c.proceed()
		return false
	}
	return true
}

// proceed shows the next step of the visit.
func (c *call119) proceed() {
	switch c.visit.Step {
	case stepOffer:
		c.show(http.StatusOK, textMe119, view119{})
	case stepCode:
		c.show(http.StatusOK, passcode119, view119{})
	case stepTerms:
		c.notice(http.StatusOK, "new-terms", "We have updated our terms. Please accept them at a branch or in the app.")
	case stepInside:
		http.Redirect(c.w, c.r, site119+"/overview", http.StatusSeeOther)
	default:
		http.Redirect(c.w, c.r, site119+"/", http.StatusSeeOther)
	}
}

func (c *call119) start() {
	id, v := c.b.openVisit(site119)
	if id == "" {
		c.notice(http.StatusServiceUnavailable, "busy", "We are very busy at the moment.")
		return
	}
	c.visit = v
	http.SetCookie(c.w, &http.Cookie{Name: cookie119, Value: id, Path: site119, HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteStrictMode})
	c.show(http.StatusOK, logon119, view119{})
}

// logon is the first page. It does not reveal whether the identifier exists.
func (c *call119) logon() {
	user := strings.TrimSpace(c.r.PostForm.Get("userid"))
	c.visit = c.b.moveVisit(c.id, func(v *visit) { v.Login = cut(user, 200) })
	c.show(http.StatusOK, verify119, view119{User: user})
}

// verify is the second page. A full stop in the identifier stands for the plus sign
// that begins a scenario's name.
func (c *call119) verify() {
	login, known := strings.CutSuffix(c.visit.Login, suffix119)
	password, long := strings.CutSuffix(c.r.PostForm.Get("secret"), suffix119)
	if !known {
		login = ""
	}
	if !long || password != c.r.PostForm.Get("answer") {
		password = ""
	}
	v, err := c.b.enter(c.r.Context(), c.id, site119, strings.ReplaceAll(login, ".", "+"), password, "", c.r.PostForm.Get("trust"))
	switch {
	case errors.Is(err, errLocked):
		c.notice(http.StatusForbidden, "suspended", "Your online access is suspended after too many attempts.")
	case errors.Is(err, errPasswordOver):
		c.notice(http.StatusOK, "new-password", "It is time to choose a new password.")
	case err != nil:
		c.show(http.StatusOK, logon119, view119{Error: "We don't recognise these details."})
	default:
		c.visit = v
		c.customer, _ = c.b.visitor(v)
		c.proceed()
	}
}

func (c *call119) textMe() {
	c.b.sendSMS(c.id)
	c.visit.Step = stepCode
	c.proceed()
}

// passcode checks the code. The right code creates a token by which the site recognises
// the device next time; the token is part of a page, not a cookie.
func (c *call119) passcode() {
	answer, token, left := c.b.checkCode(c.id, c.customer, c.r.PostForm.Get("passcode"))
	switch answer {
	case codeRight:
		c.show(http.StatusOK, trusted119, view119{Trust: token})
	case codeWrong:
		c.show(http.StatusOK, passcode119, view119{Left: left})
	case codeLate:
		c.show(http.StatusOK, textMe119, view119{Error: "That passcode has expired."})
	case codeSpent:
		c.visit = visit{}
		c.notice(http.StatusForbidden, "not-verified", "We could not verify that it is you.")
	}
}

func (c *call119) openBook() bool {
	held, trouble := c.b.pageOfData(c.r.Context(), c.id, c.customer)
	switch {
	case trouble == errVisitOver:
		c.notice(http.StatusUnauthorized, "signed-off", "You have been signed off. Please log on again.")
		return false
	case trouble != nil:
		if trouble.retry > 0 {
			c.w.Header().Set("Retry-After", strconv.Itoa(int(trouble.retry.Seconds())))
		}
		c.notice(trouble.status, "busy", "This service is not available at the moment.")
		return false
	}
	c.book = held
	s, on := held.scenarios.active("garbage", held.today)
	if !on {
		return true
	}
	c.b.spend(c.customer.Login, "garbage")
	if s.Param == "truncated" {
		c.w = &cutting{ResponseWriter: c.w}
		return true
	}
	c.notice(http.StatusOK, "offer", "Have you thought about insurance?")
	return false
}

// product119 is an account on any page, identified by its number in the list only.
type product119 struct {
	Ref                       int
	Kind, Name, Number, Money string
}

func (c *call119) describe(ref int, a *Account) product119 {
	kinds := map[Kind]string{Checkings: "current", CreditCard: "card", Savings: "savings", Loans: "loan"}
	balance, _ := c.book.balance(a, c.book.rows(a))
	p := product119{Ref: ref, Kind: kinds[a.Kind], Name: a.displayName(), Number: a.Number, Money: a.Currency + " " + englishSum(balance)}
	if a.Kind == CreditCard {
		p.Number = strings.ReplaceAll(a.masked(), "X", "*")
	}
	return p
}

func (c *call119) overview() {
	var list []product119
	for i, a := range c.book.shownAccounts() {
		list = append(list, c.describe(i+1, a))
	}
	c.write(http.StatusOK, overview119(c.customer.ownerName(), list))
}

// chosen returns the account that ref names. It answers the request itself before it
// returns nil.
func (c *call119) chosen() (*Account, int) {
	ref, err := strconv.Atoi(c.r.URL.Query().Get("ref"))
	list := c.book.shownAccounts()
	if err != nil || ref < 1 || ref > len(list) {
		c.notice(http.StatusNotFound, "lost", "We cannot find that product.")
		return nil, 0
	}
	return list[ref-1], ref
}

// product is an account's page, with the first part of its activity.
func (c *call119) product() {
	a, ref := c.chosen()
	if a == nil {
		return
	}
	var terms []detail
	tell := func(name, value string) {
		if value != "" {
			terms = append(terms, detail{name, value})
		}
	}
	on := func(name string, d Date) {
		if !d.IsZero() {
			tell(name, d.On(c.book.anchor).String())
		}
	}
	tell("Held by", orDefault(a.Owner, c.customer.ownerName()))
	tell("IBAN", a.IBAN)
	if s := a.Savings; s != nil {
		tell("Scheme", s.Product)
		tell("Interest rate", s.Rate+"% a year")
		tell("Maximum balance", englishSum(s.Ceiling))
	}
	if l := a.Loan; l != nil {
		next, left := l.nextInstalment(c.book.anchor, c.book.today)
		balance, _ := c.book.balance(a, c.book.rows(a))
		tell("Borrowed", englishNumber(l.Amount))
		tell("Outstanding", englishNumber(balance.abs()))
		tell("Interest rate", l.Rate+"% a year")
		on("First day", l.Start)
		on("Last day", l.End)
		tell("Instalment", englishNumber(l.Instalment))
		if next > 0 {
			tell("Next instalment", next.String())
		}
		tell("Instalments left", strconv.Itoa(left))
	}
	if a.Card != nil && a.Card.Deferred {
		due := c.book.outstanding(a, c.book.rows(a))[0]
		tell("Settled", "monthly")
		tell("Next settlement", due.on.String())
		tell("Settlement amount", englishSum(due.amount))
	}
	c.write(http.StatusOK, accountPage119(c.describe(ref, a), terms, c.part(a, ref, 0)))
}

// activity119 is a part of a statement, by day.
type activity119 struct {
	Days []day119
	// Unwell is true if the activity cannot be shown today.
	Unwell bool
	// More is the address of the next part; empty at the end.
	More string
}

type day119 struct {
	Title   string
	Pending bool
	Rows    []row119
}

type row119 struct {
	// Pos is the row's place within its day, counted from the top.
	Pos   string
	Label string
	Lines []string
	Sum   string
}

func (c *call119) part(a *Account, ref, from int) activity119 {
	if c.book.unwell(a) {
		return activity119{Unwell: true}
	}
	rows := c.book.rows(a)
	from = min(max(from, 0), len(rows))
	to := min(from+c.b.opt.PageSize, len(rows))
	var part activity119
	number := 0
	for i, r := range rows[:to] {
		day := r.booked
		if r.pending {
			day = r.made
		}
		number++
		if i == 0 || rows[i-1].booked != r.booked || rows[i-1].pending {
			number = 1
		}
		if i < from {
			continue
		}
		title := englishDay(day)
		if last := len(part.Days) - 1; last < 0 || part.Days[last].Title != title || part.Days[last].Pending != r.pending {
			part.Days = append(part.Days, day119{Title: title, Pending: r.pending})
		}
		shown := row119{Label: strings.ToUpper(r.label), Lines: r.lines, Sum: englishSum(r.amount)}
		if !r.pending {
			shown.Pos = fmt.Sprintf("%s-%d", day, number)
		}
		held := &part.Days[len(part.Days)-1]
		held.Rows = append(held.Rows, shown)
	}
	_, loop := c.book.scenarios.active("next_loop", c.book.today)
	switch {
	case to < len(rows):
		part.More = more119(ref, to)
	case loop:
		part.More = more119(ref, from)
	}
	return part
}

// more119 returns the address of the part of a statement that begins at a row.
func more119(ref, row int) string {
	return fmt.Sprintf("%s/activity?ref=%d&after=%s", site119, ref, base64.RawURLEncoding.EncodeToString([]byte("row "+strconv.Itoa(row))))
}

// activity is the next part of a statement, without a page around it.
func (c *call119) activity() {
	a, ref := c.chosen()
	if a == nil {
		return
	}
	cursor, err := base64.RawURLEncoding.DecodeString(c.r.URL.Query().Get("after"))
	from, bad := strconv.Atoi(strings.TrimPrefix(string(cursor), "row "))
	if err != nil || bad != nil {
		c.notice(http.StatusNotFound, "lost", "We cannot find that part.")
		return
	}
	c.write(http.StatusOK, statement119(c.describe(ref, a), c.part(a, ref, from)))
}

func (c *call119) profile() {
	o := c.customer.file.Owner
	terms := []detail{{"Name", c.customer.ownerName()}}
	if !o.BirthDate.IsZero() {
		terms = append(terms, detail{"Date of birth", englishDay(o.BirthDate.On(c.book.anchor))})
	}
	if o.Phone != "" {
		terms = append(terms, detail{"Telephone", maskedPhone(o.Phone)})
	}
	c.write(http.StatusOK, profile119(terms))
}

// englishSum writes 1,234.56 CR.
func englishSum(a Amount) string {
	if a < 0 {
		return englishNumber(a.abs()) + " DR"
	}
	return englishNumber(a) + " CR"
}

func englishNumber(a Amount) string {
	whole, frac, _ := strings.Cut(a.String(), ".")
	return thousands(whole, ",") + "." + frac
}

func englishDay(d Day) string {
	y, m, n := d.date()
	return fmt.Sprintf("%d %s %d", n, m.String()[:3], y)
}
