package testbank

import (
	"bytes"
	"context"
	"crypto/subtle"
	_ "embed"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

//go:generate go tool -modfile=../tools/go.mod templ generate

//go:embed pages/testbank.css
var bankStyle []byte

func styleSheet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(bankStyle)
}

// view holds the data that a page shows.
type view struct {
	Title    string
	Error    string
	Session  string
	Client   string
	Login    string
	FileURL  string
	Owner    string
	Until    string
	Extended bool
	Accounts []string
	File     string
}

func (b *Bank) show(w http.ResponseWriter, status int, page func(view) templ.Component, v view) {
	var buf bytes.Buffer
	if err := page(v).Render(context.Background(), &buf); err != nil {
		b.log.Error("page not written", "title", v.Title, "error", err.Error())
		http.Error(w, "erreur interne", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	// Frameable on purpose; no form-action, which would break the way back to
	// the client in Chromium.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'")
	w.WriteHeader(status)
	w.Write(buf.Bytes())
}

func (b *Bank) home(w http.ResponseWriter, _ *http.Request) {
	b.show(w, http.StatusOK, homePage, view{Title: "Linxo Test Bank", File: defaultFilePath})
}

// authorizePage is GET /authorize: the login form.
func (b *Bank) authorizePage(w http.ResponseWriter, r *http.Request) {
	s, code, err := b.openSession(r.URL.Query(), b.origin(r))
	if err != nil {
		b.show(w, http.StatusBadRequest, errorPage, view{Title: "Demande refusée", Error: err.Error()})
		return
	}
	if code != "" {
		http.Redirect(w, r, s.backWithError(code, "the request is not understood"), http.StatusSeeOther)
		return
	}
	b.show(w, http.StatusOK, loginPage, view{Title: "Connexion", Session: s.id, Client: s.client})
}

// form reads a posted form and finds its session. It answers the request itself before
// it returns false.
func (b *Bank) form(w http.ResponseWriter, r *http.Request) (session, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		b.show(w, http.StatusBadRequest, errorPage, view{Title: "Formulaire illisible", Error: "le formulaire n'a pas pu être lu"})
		return session{}, false
	}
	s, ok := b.findSession(r.PostForm.Get("session"))
	if !ok {
		b.gone(w)
	}
	return s, ok
}

func (b *Bank) gone(w http.ResponseWriter) {
	b.show(w, http.StatusGone, errorPage, view{Title: "Session terminée", Error: "cette session est terminée ; reprenez depuis l'application qui vous a envoyé ici"})
}

// authorizeLogin is POST /authorize: login, password, file_url. They end the login, unless a
// scenario or the file wants a code besides.
func (b *Bank) authorizeLogin(w http.ResponseWriter, r *http.Request) {
	s, ok := b.form(w, r)
	if !ok {
		return
	}
	login, location := strings.TrimSpace(r.PostForm.Get("login")), strings.TrimSpace(r.PostForm.Get("file_url"))
	c, err := b.login(r.Context(), login, r.PostForm.Get("password"), location)
	if err != nil {
		var unread *fetchError
		if errors.As(err, &unread) && unread.Err != nil {
			b.log.Warn("test-bank file not read", "error", unread.cause())
		}
		b.show(w, http.StatusUnprocessableEntity, loginPage, view{Title: "Connexion", Session: s.id, Client: s.client, Login: login, FileURL: location, Error: err.Error()})
		return
	}
	s.customer, s.loggedIn = c, true
	b.mu.Lock()
	open := b.sessions[s.id]
	if open != nil {
		open.customer, open.loggedIn = c, true
	}
	set := b.scenariosOf(c)
	_, refuse := set.active("refuse", b.today())
	asked := c.file.Challenge || set.wantsCode(b.today())
	b.mu.Unlock()
	switch {
	case refuse && b.end(s.id):
		http.Redirect(w, r, s.backWithError("access_denied", "the customer refused"), http.StatusSeeOther)
	case asked:
		http.Redirect(w, r, "/authorize/sca?session="+url.QueryEscape(s.id), http.StatusSeeOther)
	default:
		b.agree(w, r, s)
	}
}

// agree ends the login with the customer's consent.
func (b *Bank) agree(w http.ResponseWriter, r *http.Request, s session) {
	target, ok := b.grant(&s)
	if !ok {
		b.gone(w)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// scaPage is GET /authorize/sca: the requested access, and the SMS code.
func (b *Bank) scaPage(w http.ResponseWriter, r *http.Request) {
	s, ok := b.findSession(r.URL.Query().Get("session"))
	if !ok || !s.loggedIn {
		b.gone(w)
		return
	}
	b.showSCA(w, http.StatusOK, s, "")
}

func (b *Bank) showSCA(w http.ResponseWriter, status int, s session, problem string) {
	b.mu.Lock()
	book := newBook(s.customer, b.scenariosOf(s.customer), b.today())
	until := DayOf(b.now().Add(b.opt.ConsentLife))
	b.mu.Unlock()
	v := view{Title: "Confirmation", Session: s.id, Client: s.client, Owner: s.customer.ownerName(), Until: until.French(), Error: problem}
	for _, a := range book.paymentAccounts() {
		v.Accounts = append(v.Accounts, a.title())
	}
	for _, scope := range s.scopes {
		v.Extended = v.Extended || scope == scopeExtended
	}
	b.show(w, status, scaPage, v)
}

// title returns an account's name and the end of its number.
func (a *Account) title() string {
	name, number := a.displayName(), a.Number
	if a.Card != nil && a.Card.Masked != "" {
		number = a.Card.Masked
	}
	if len(number) > 4 {
		number = number[len(number)-4:]
	}
	if number == "" {
		return name
	}
	return name + " •••• " + number
}

// scaAnswer is POST /authorize/sca: the code, or the refusal.
func (b *Bank) scaAnswer(w http.ResponseWriter, r *http.Request) {
	s, ok := b.form(w, r)
	if !ok {
		return
	}
	if !s.loggedIn {
		b.gone(w)
		return
	}
	if r.PostForm.Get("action") == "refuse" {
		b.refuse(w, r, s)
		return
	}
	given := strings.ReplaceAll(strings.TrimSpace(r.PostForm.Get("code")), " ", "")
	b.mu.Lock()
	_, never := b.scenariosOf(s.customer).active("sms_wrong", b.today())
	b.mu.Unlock()
	if never || subtle.ConstantTimeCompare([]byte(given), []byte(s.customer.code())) != 1 {
		b.wrongCode(w, r, s, never)
		return
	}
	b.agree(w, r, s)
}

// wrongCode lets the customer try again. Wrong codes are counted only for a login with
// scenarios, because everybody shares dev, and where no code is ever right.
func (b *Bank) wrongCode(w http.ResponseWriter, r *http.Request, s session, never bool) {
	b.mu.Lock()
	if open := b.sessions[s.id]; open != nil {
		open.wrong++
		s.wrong = open.wrong
	}
	b.mu.Unlock()
	if _, names := splitLogin(s.customer.Login); (never || len(names) > 0) && s.wrong >= maxWrongCodes {
		b.refuse(w, r, s)
		return
	}
	b.showSCA(w, http.StatusUnprocessableEntity, s, "ce code n'est pas le bon")
}

// cancel is GET /authorize/cancel: the customer leaves the login page.
func (b *Bank) cancel(w http.ResponseWriter, r *http.Request) {
	s, ok := b.findSession(r.URL.Query().Get("session"))
	if !ok {
		b.gone(w)
		return
	}
	b.refuse(w, r, s)
}

func (b *Bank) refuse(w http.ResponseWriter, r *http.Request, s session) {
	if !b.end(s.id) {
		b.gone(w)
		return
	}
	http.Redirect(w, r, s.backWithError("access_denied", "the customer refused"), http.StatusSeeOther)
}
