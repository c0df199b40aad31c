package testbank

import (
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// The first web site: a French bank with tables, numbered pages and an address
// for everything. It has two skins: the Linxo Test Bank's (provider 87), and that
// of the Demo Bank (provider 182), which asks for an identifier and no more.

//go:embed site
var siteFiles embed.FS

// site is one skin of the first web site.
type site struct {
	b      *Bank
	prefix string
	Name   string
	Skin   string
	// Alone is true if the site asks for an identifier and nothing else.
	Alone bool
	// Known is the only valid identifier if Alone is true; it opens the default
	// customer.
	Known string
}

func (b *Bank) sites() []*site {
	return []*site{
		{b: b, prefix: "/site", Name: "Linxo Test Bank", Skin: "verte"},
		{b: b, prefix: "/site182", Name: "Demo Bank", Skin: "bleue", Alone: true, Known: "demo"},
	}
}

func (s *site) mount(mux *http.ServeMux) {
	open := func(pattern string, answer func(*siteCall)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+s.prefix+path, func(w http.ResponseWriter, r *http.Request) {
			answer(&siteCall{site: s, w: w, r: r})
		})
	}
	// guarded pages are shown at one step of a visit only.
	guarded := func(pattern string, at step, answer func(*siteCall)) {
		open(pattern, func(c *siteCall) {
			if c.arrive(at) {
				answer(c)
			}
		})
	}
	data := func(pattern string, answer func(*siteCall)) {
		guarded(pattern, stepInside, func(c *siteCall) {
			if c.openBook() {
				answer(c)
			}
		})
	}
	for _, front := range []string{"", "/{$}"} {
		mux.Handle("GET "+s.prefix+front, http.RedirectHandler(s.prefix+"/connexion", http.StatusSeeOther))
	}
	for file, contentType := range map[string]string{"site.css": "text/css; charset=utf-8", "fiche.js": "text/javascript; charset=utf-8"} {
		mux.HandleFunc("GET "+s.prefix+"/"+file, func(w http.ResponseWriter, _ *http.Request) {
			text, _ := siteFiles.ReadFile("site/" + file)
			webHeaders(w, contentType)
			w.Write(text)
		})
	}
	open("GET /connexion", (*siteCall).loginPage)
	open("POST /connexion", (*siteCall).login)
	open("GET /deconnexion", (*siteCall).leave)
	guarded("GET /securite", stepOffer, func(c *siteCall) { c.show(siteSMS) })
	guarded("POST /securite", stepOffer, (*siteCall).offerAnswer)
	guarded("GET /securite/code", stepCode, func(c *siteCall) { c.show(siteCode) })
	guarded("POST /securite/code", stepCode, (*siteCall).code)
	guarded("GET /questions", stepQuestions, func(c *siteCall) { c.show(siteQuestions) })
	guarded("POST /questions", stepQuestions, (*siteCall).answers)
	guarded("GET /conditions", stepTerms, func(c *siteCall) { c.show(siteTerms) })
	guarded("POST /conditions", stepTerms, (*siteCall).accept)
	data("GET /comptes", (*siteCall).accounts)
	data("GET /comptes/{n}", (*siteCall).account)
	data("GET /comptes/{n}/fiche.json", (*siteCall).facts)
	data("GET /comptes/{n}/operations", (*siteCall).operations)
	data("GET /profil", (*siteCall).profile)
}

// siteCall is one request to the site.
type siteCall struct {
	*site
	w        http.ResponseWriter
	r        *http.Request
	id       string
	visit    visit
	customer customer
	book     *book
}

// siteView holds the data that every page may show.
type siteView struct {
	Site     *site
	Prefix   string
	Token    string
	Inside   bool
	Error    string
	Login    string
	FileURL  string
	Phone    string
	Left     int
	Seconds  int
	Customer string
}

// address returns the address of a page of the site.
func (v siteView) address(path string) templ.SafeURL { return templ.SafeURL(v.Prefix + path) }

// account returns the address of an account's page.
func (v siteView) account(a accountView, path string) templ.SafeURL {
	return v.address("/comptes/" + strconv.Itoa(a.N) + path)
}

const (
	siteSession = "session"
	siteDevice  = "appareil"
)

func (c *siteCall) cookie(name, value string, seconds int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: name, Value: value, Path: c.prefix, MaxAge: seconds, HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
}

func (c *siteCall) cookieValue(name string) string {
	got, err := c.r.Cookie(name)
	if err != nil {
		return ""
	}
	return got.Value
}

// arrive finds the visit, checks a form's token, and redirects a customer who requests
// another step's page. It answers the request itself before it returns false.
func (c *siteCall) arrive(at step) bool {
	c.id = c.cookieValue(siteSession)
	var ok bool
	if c.visit, ok = c.b.findVisit(c.prefix, c.id); ok && c.visit.Customer != "" {
		c.customer, ok = c.b.visitor(c.visit)
	}
	if !ok {
		c.goTo("/connexion?expiree=1")
		return false
	}
	if c.visit.Step != at {
		c.goTo(places[c.visit.Step])
		return false
	}
	return c.r.Method != http.MethodPost || c.checkForm()
}

// places maps the steps of a visit to their pages.
var places = map[step]string{
	stepLogin: "/connexion", stepOffer: "/securite", stepCode: "/securite/code",
	stepQuestions: "/questions", stepTerms: "/conditions", stepInside: "/comptes",
}

func (c *siteCall) checkForm() bool {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 64<<10)
	if err := c.r.ParseForm(); err != nil || c.r.PostForm.Get("jeton") != c.visit.Token {
		c.say(http.StatusForbidden, "formulaire-perime", "Ce formulaire n'est plus valable", "Reprenez depuis la page de connexion.")
		return false
	}
	return true
}

func (c *siteCall) goTo(path string) {
	http.Redirect(c.w, c.r, c.prefix+path, http.StatusSeeOther)
}

// sitePart is the content of a page, which depends on nothing else than its view.
type sitePart func(siteView) templ.Component

func (c *siteCall) show(page sitePart) { c.showWith(http.StatusOK, page, siteView{}) }

func (c *siteCall) showWith(status int, page sitePart, v siteView) {
	v.Site, v.Prefix, v.Token, v.Inside = c.site, c.prefix, c.visit.Token, c.visit.Step == stepInside
	v.Seconds = int(codeTime.Seconds())
	if c.customer.file != nil {
		v.Phone, v.Customer = c.customer.phone(), c.customer.ownerName()
	}
	if err := render(c.w, status, "text/html; charset=utf-8", page(v)); err != nil {
		c.b.log.Error("page not written", "path", c.r.URL.Path, "error", err.Error())
	}
}

// message is a page with a text only.
type message struct{ ID, Title, Text string }

func (c *siteCall) say(status int, id, title, text string) {
	c.showWith(status, func(v siteView) templ.Component { return siteMessage(v, message{id, title, text}) }, siteView{})
}

// loginPage is GET /connexion: it opens a visit.
func (c *siteCall) loginPage() {
	id, v := c.b.openVisit(c.prefix)
	if id == "" {
		c.say(http.StatusServiceUnavailable, "indisponible", "Site très fréquenté", "Revenez dans un instant.")
		return
	}
	c.visit = v
	c.cookie(siteSession, id, 0)
	view := siteView{}
	if c.r.URL.Query().Get("expiree") != "" {
		view.Error = "Votre session a expiré, reconnectez-vous."
	}
	c.showWith(http.StatusOK, siteLogin, view)
}

func (c *siteCall) login() {
	if !c.arrive(stepLogin) {
		return
	}
	login, password, location := strings.TrimSpace(c.r.PostForm.Get("identifiant")), c.r.PostForm.Get("motdepasse"), c.r.PostForm.Get("fichier")
	bankLogin := login
	if c.Alone {
		bankLogin, password, location = c.b.standard.Login+strings.TrimPrefix(login, c.Known), c.b.standard.Password, ""
		if base, _ := splitLogin(login); base != c.Known {
			bankLogin = ""
		}
	}
	_, err := c.b.enter(c.r.Context(), c.id, c.prefix, bankLogin, password, location, c.cookieValue(siteDevice))
	switch {
	case errors.Is(err, errLocked):
		c.say(http.StatusForbidden, "acces-bloque", "Accès bloqué", "Trop d'essais infructueux : votre accès est bloqué. Contactez votre conseiller.")
	case errors.Is(err, errPasswordOver):
		c.say(http.StatusOK, "mot-de-passe-expire", "Mot de passe à changer", "Votre mot de passe a plus d'un an. Choisissez-en un nouveau dans votre agence.")
	case err != nil:
		var unread *fetchError
		if errors.As(err, &unread) && unread.Err != nil {
			c.b.log.Warn("test-bank file not read", "error", unread.cause())
		}
		c.showWith(http.StatusUnprocessableEntity, siteLogin, siteView{Error: "Connexion impossible : " + err.Error() + ".", Login: login, FileURL: location})
	default:
		c.goTo(places[c.b.preferQuestions(c.id).Step])
	}
}

func (c *siteCall) leave() {
	c.b.endVisit(c.cookieValue(siteSession))
	c.cookie(siteSession, "", -1)
	c.goTo("/connexion")
}

// offerAnswer is POST /securite: may the SMS be sent?
func (c *siteCall) offerAnswer() {
	if c.r.PostForm.Get("choix") != "envoyer" {
		c.leave()
		return
	}
	c.b.sendSMS(c.id)
	c.goTo(places[stepCode])
}

// code is POST /securite/code.
func (c *siteCall) code() {
	if c.r.PostForm.Get("choix") != "valider" {
		c.leave()
		return
	}
	answer, token, left := c.b.checkCode(c.id, c.customer, c.r.PostForm.Get("code"))
	switch answer {
	case codeRight:
		c.cookie(siteDevice, token, int(deviceLife.Seconds()))
		c.goTo(places[stepInside])
	case codeWrong:
		c.showWith(http.StatusUnprocessableEntity, siteCode, siteView{Left: left})
	case codeLate:
		c.showWith(http.StatusUnprocessableEntity, siteSMS, siteView{Error: "Ce code n'est plus valable."})
	case codeSpent:
		c.visit = visit{}
		c.say(http.StatusForbidden, "echec-authentification", "Authentification refusée", "Trop de codes erronés. Reconnectez-vous pour recommencer.")
	}
}

func (c *siteCall) accept() {
	if c.r.PostForm.Get("accord") == "" {
		c.showWith(http.StatusUnprocessableEntity, siteTerms, siteView{Error: "Cochez la case pour continuer."})
		return
	}
	c.b.acceptTerms(c.id)
	c.goTo(places[stepInside])
}

// openBook returns the data for a page, or answers with the obstacle: an ended session,
// a scenario.
func (c *siteCall) openBook() bool {
	held, trouble := c.b.pageOfData(c.r.Context(), c.id, c.customer)
	if trouble != nil {
		if trouble == errVisitOver {
			c.goTo("/connexion?expiree=1")
			return false
		}
		if trouble.retry > 0 {
			c.w.Header().Set("Retry-After", strconv.Itoa(int(trouble.retry.Seconds())))
		}
		c.say(trouble.status, "indisponible", "Service indisponible", trouble.message+".")
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
	c.say(http.StatusOK, "bienvenue", "Bienvenue", "Découvrez notre nouvelle offre d'assurance.")
	return false
}

// cutting drops the second half of a page.
type cutting struct{ http.ResponseWriter }

func (w *cutting) Write(p []byte) (int, error) {
	_, err := w.ResponseWriter.Write(p[:len(p)/2])
	return len(p), err
}

// accountView is an account on any page. N is its place in the list, the only
// identifier that the site shows.
type accountView struct {
	*Account
	N       int
	Balance Amount
	Today   Day
}

// MaskedDots returns a card's number in the masked form of this site.
func (a accountView) MaskedDots() string { return strings.ReplaceAll(a.masked(), "X", "•") }

// Name returns the account's name, or a default one.
func (a accountView) Name() string { return a.displayName() }

// Due returns the displayed balance: for a loan, the remaining debt.
func (a accountView) Due() string {
	if a.Kind == Loans {
		return frenchMoney(-a.Balance, a.Currency)
	}
	return frenchMoney(a.Balance, a.Currency)
}

// accountGroup holds the accounts under one heading of the list.
type accountGroup struct {
	ID, Title string
	Accounts  []accountView
}

func (c *siteCall) view(n int, a *Account) accountView {
	balance, _ := c.book.balance(a, c.book.rows(a))
	return accountView{a, n, balance, c.book.today}
}

// accounts is GET /comptes.
func (c *siteCall) accounts() {
	groups := []accountGroup{
		{ID: "comptes-courants", Title: "Comptes courants"}, {ID: "cartes", Title: "Cartes"},
		{ID: "epargne", Title: "Épargne"}, {ID: "credits", Title: "Crédits"},
	}
	kinds := map[Kind]int{Checkings: 0, CreditCard: 1, Savings: 2, Loans: 3}
	for i, a := range c.book.shownAccounts() {
		group := &groups[kinds[a.Kind]]
		group.Accounts = append(group.Accounts, c.view(i+1, a))
	}
	c.show(func(v siteView) templ.Component { return siteAccounts(v, groups) })
}

// chosen returns the account of the address. It answers the request itself before it
// returns false.
func (c *siteCall) chosen() (accountView, bool) {
	n, err := strconv.Atoi(c.r.PathValue("n"))
	list := c.book.shownAccounts()
	if err != nil || n < 1 || n > len(list) {
		c.say(http.StatusNotFound, "introuvable", "Page introuvable", "Ce compte n'existe pas.")
		return accountView{}, false
	}
	return c.view(n, list[n-1]), true
}

// detail is a line of an account's page.
type detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// account is GET /comptes/{n}: the details of one account.
func (c *siteCall) account() {
	a, ok := c.chosen()
	if !ok {
		return
	}
	if _, on := c.book.scenarios.active("script", c.book.today); on && a.Savings != nil {
		c.w.Header().Set("Content-Security-Policy", scriptedPolicy)
		c.show(func(v siteView) templ.Component { return siteScripted(v, a) })
		return
	}
	c.show(func(v siteView) templ.Component { return siteAccount(v, a, c.details(a)) })
}

// facts is GET /comptes/{n}/fiche.json: the data of a page that a script draws.
func (c *siteCall) facts() {
	a, ok := c.chosen()
	if !ok {
		return
	}
	webHeaders(c.w, "application/json")
	if err := json.NewEncoder(c.w).Encode(c.details(a)); err != nil {
		c.b.log.Error("facts not written", "error", err.Error())
	}
}

// details are the lines of an account's page.
func (c *siteCall) details(a accountView) []detail {
	var lines []detail
	tell := func(name, value string) {
		if value != "" {
			lines = append(lines, detail{name, value})
		}
	}
	day := func(name string, d Date) {
		if !d.IsZero() {
			tell(name, d.On(c.book.anchor).French())
		}
	}
	tell("Titulaire", orDefault(a.Owner, c.customer.ownerName()))
	usage := "Particulier"
	if a.Usage == "ORGA" {
		usage = "Professionnel"
	}
	tell("Usage", usage)
	tell("IBAN", inFours(a.IBAN))
	tell("Produit", a.Product)
	switch {
	case a.Card != nil && a.Card.Deferred:
		next := c.book.outstanding(a.Account, c.book.rows(a.Account))[0]
		tell("Type de débit", "Débit différé")
		tell("Prochain prélèvement", next.on.French())
		tell("Montant du prochain prélèvement", frenchMoney(next.amount, a.Currency))
	case a.Card != nil:
		tell("Type de débit", "Débit immédiat")
	case a.Loan != nil:
		next, left := a.Loan.nextInstalment(c.book.anchor, c.book.today)
		tell("Montant emprunté", frenchMoney(a.Loan.Amount, a.Currency))
		tell("Capital restant dû", frenchMoney(a.Balance.abs(), a.Currency))
		tell("Taux", frenchRate(a.Loan.Rate))
		day("Date de début", a.Loan.Start)
		day("Date de fin", a.Loan.End)
		tell("Mensualité", frenchMoney(a.Loan.Instalment, a.Currency))
		if next > 0 {
			tell("Prochaine échéance", next.French())
		}
		tell("Échéances restantes", strconv.Itoa(left))
	case a.Savings != nil:
		tell("Livret", a.Savings.Product)
		tell("Taux", frenchRate(a.Savings.Rate))
		tell("Plafond", frenchMoney(a.Savings.Ceiling, a.Currency))
	}
	if a.Card != nil {
		if linked := c.book.byUID(a.Card.Linked); linked != nil {
			tell("Compte de prélèvement", linked.Number)
		}
	}
	return lines
}

// shortLabel is the length of a label in a list, in characters.
const shortLabel = 32

// operation is a row of a statement.
type operation struct {
	Day      Day
	Pending  bool
	Label    string // cut
	Full     []string
	Amount   Amount
	Currency string
	Value    Day // only if it differs from the date
}

// operationsPage is one page of a statement. Next is the number of the next one, zero on
// the last.
type operationsPage struct {
	Account          accountView
	Operations       []operation
	Page, Next, Last int
}

// operations is GET /comptes/{n}/operations?page=: newest first, pending rows on top.
func (c *siteCall) operations() {
	a, ok := c.chosen()
	if !ok {
		return
	}
	if c.book.unwell(a.Account) {
		c.w.Header().Set("Retry-After", "120")
		c.say(http.StatusServiceUnavailable, "indisponible", "Service indisponible", "Les opérations de ce compte sont momentanément indisponibles.")
		return
	}
	page := 1
	if n, err := strconv.Atoi(c.r.URL.Query().Get("page")); err == nil && n > 1 {
		page = n
	}
	rows := c.book.rows(a.Account)
	size := c.b.opt.PageSize
	last := max(1, (len(rows)+size-1)/size)
	page = min(page, last)
	next := page + 1
	if page == last {
		next = 0
		if _, on := c.book.scenarios.active("next_loop", c.book.today); on {
			next = page
		}
	}
	var list []operation
	for _, r := range rows[(page-1)*size : min(page*size, len(rows))] {
		o := operation{Day: r.booked, Pending: r.pending, Amount: r.amount, Currency: a.Currency}
		if r.pending {
			o.Day = r.made
		}
		if !r.pending && r.value != r.booked {
			o.Value = r.value
		}
		label := strings.ToUpper(r.label)
		o.Label = cut(label, shortLabel)
		if o.Label != label {
			o.Label += "…"
		}
		if o.Label != label || len(r.lines) > 0 {
			o.Full = append([]string{label}, r.lines...)
		}
		list = append(list, o)
	}
	c.show(func(v siteView) templ.Component { return siteOperations(v, operationsPage{a, list, page, next, last}) })
}

// profile is GET /profil.
func (c *siteCall) profile() {
	o := c.customer.file.Owner
	lines := []detail{{"Nom", c.customer.ownerName()}}
	if !o.BirthDate.IsZero() {
		lines = append(lines, detail{"Date de naissance", frenchDay(o.BirthDate.On(c.book.anchor))})
	}
	for _, l := range []detail{{"Lieu de naissance", o.BirthPlace}, {"Adresse", o.Address}, {"Téléphone", maskedPhone(o.Phone)}} {
		if l.Value != "" {
			lines = append(lines, l)
		}
	}
	c.show(func(v siteView) templ.Component { return siteProfile(v, lines) })
}
