package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"log"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/a-h/templ"
)

//go:generate go tool -modfile=../../tools/go.mod templ generate

//go:embed frame.js
var frameScript []byte

// site is the application's web site. It keeps its users in memory; a real one uses a
// database.
type site struct {
	address string
	oxlin   oxlin
	mu      sync.Mutex
	// visitors maps a browser's cookie to its visitor.
	visitors map[string]*visitor
	// journeys maps the state of a journey to the visitor who began it.
	journeys map[string]journey
}

// visitor is a person with a browser.
type visitor struct {
	mu sync.Mutex
	// user is the visitor's user at Oxlin, created on first use.
	user user
	// frame is the address of the widget while it is shown in a frame.
	frame string
	// confirmed are the connections that this browser has come back with. Others are not shown:
	// see returned.
	confirmed map[string]bool
}

// journey is a way to the bank without the widget.
type journey struct {
	by   *visitor
	user user
}

const cookie = "visitor"

func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.page(s.home))
	mux.Handle("POST /connect", s.page(s.connectByRedirect))
	mux.Handle("POST /frame", s.page(s.connectInFrame))
	mux.Handle("GET /frame", s.page(s.frame))
	mux.Handle("GET /from-bank", s.page(s.frame))
	mux.Handle("GET /back", s.page(s.back))
	mux.Handle("POST /direct", s.page(s.connectDirectly))
	mux.Handle("GET /returned", s.page(s.returned))
	mux.Handle("GET /accounts", s.page(s.accounts))
	mux.HandleFunc("GET /frame.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write(frameScript)
	})
	// Forms of other sites must not act for the visitors.
	return http.NewCrossOriginProtection().Handler(mux)
}

// page serves one visitor's requests one after the other.
func (s *site) page(answer func(http.ResponseWriter, *http.Request, *visitor) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visitor(w, r)
		v.mu.Lock()
		defer v.mu.Unlock()
		err := answer(w, r, v)
		if err != nil {
			log.Print(err)
			http.Error(w, "Something went wrong. Please try again.", http.StatusBadGateway)
		}
	})
}

// visitor returns the visitor of a browser's cookie, or sets a new one.
func (s *site) visitor(w http.ResponseWriter, r *http.Request) *visitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, err := r.Cookie(cookie)
	if err == nil && s.visitors[known.Value] != nil {
		return s.visitors[known.Value]
	}
	id := rand.Text()
	s.visitors[id] = &visitor{confirmed: map[string]bool{}}
	// Lax, because the cookie must be sent when a bank or the widget redirects the
	// browser here.
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return s.visitors[id]
}

func (s *site) home(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	return show(w, r, homePage())
}

// connectByRedirect sends the browser to the widget, which returns it to redirect_url.
func (s *site) connectByRedirect(w http.ResponseWriter, r *http.Request, v *visitor) error {
	widget, err := s.widget(r, v, url.Values{"redirect_url": {s.address + "/back"}})
	if err != nil {
		return err
	}
	http.Redirect(w, r, widget, http.StatusSeeOther)
	return nil
}

// connectInFrame shows the widget in a frame. It sets no redirect_url, which would open
// inside the frame; frame.js receives the result instead.
func (s *site) connectInFrame(w http.ResponseWriter, r *http.Request, v *visitor) error {
	widget, err := s.widget(r, v, url.Values{"aspsp_callback_uri": {s.address + "/from-bank"}})
	if err != nil {
		return err
	}
	v.frame = widget
	http.Redirect(w, r, "/frame", http.StatusSeeOther)
	return nil
}

// frame is the page with the frame. The bank's tab returns to it too
// (aspsp_callback_uri): the widget's address continues the same session.
func (s *site) frame(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if v.frame == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return show(w, r, framePage(v.frame, s.oxlin.platform))
}

// back shows the result of the widget, which binds the return from the bank by itself.
func (s *site) back(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.finish(w, r, v)
}

// connectDirectly sends the browser to the bank without the widget. The state belongs to the
// visitor, whom the browser's cookie names.
func (s *site) connectDirectly(w http.ResponseWriter, r *http.Request, v *visitor) error {
	t, err := s.signIn(r, v)
	if err != nil {
		return err
	}
	state := rand.Text()
	bank, err := s.oxlin.authorizeURL(r.Context(), t, s.address+"/returned", state)
	var refused *refusal
	if errors.As(err, &refused) && refused.Code == mustAcceptTerms {
		links, err := s.oxlin.widget(r.Context(), t)
		if err != nil {
			return err
		}
		http.Redirect(w, r, links.Terms+"&"+url.Values{"redirect_url": {s.address + "/"}}.Encode(), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.journeys[state] = journey{v, v.user} // a real application forgets it after an hour
	s.mu.Unlock()
	http.Redirect(w, r, bank, http.StatusSeeOther)
	return nil
}

// returned takes the user back from the bank. A person who was lured to open the bank's address
// of somebody else comes here in another browser: their accounts must not stay with the other.
func (s *site) returned(w http.ResponseWriter, r *http.Request, v *visitor) error {
	s.mu.Lock()
	begun, known := s.journeys[r.FormValue("state")]
	s.mu.Unlock()
	if known && begun.by == v {
		return s.finish(w, r, v)
	}
	if id := r.FormValue("connection_id"); known && id != "" {
		t, err := s.oxlin.tokens(r.Context(), begun.user)
		if err != nil {
			return err
		}
		err = s.oxlin.deleteConnection(r.Context(), t, id)
		var refused *refusal
		if errors.As(err, &refused) && refused.status == http.StatusNotFound {
			err = nil // the page is loaded again
		}
		if err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	return show(w, r, refusedPage())
}

// finish shows the result of a return that belongs to this browser. What the address says is a
// hint: the API knows whether the connection is the visitor's.
func (s *site) finish(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := r.FormValue("connection_id")
	if r.FormValue("status") != "success" || id == "" {
		return show(w, r, notConnectedPage(r.FormValue("status") == "cancelled"))
	}
	t, err := s.signIn(r, v)
	if err != nil {
		return err
	}
	err = s.oxlin.findConnection(r.Context(), t, id)
	var refused *refusal
	if errors.As(err, &refused) {
		return show(w, r, notConnectedPage(false))
	}
	if err != nil {
		return err
	}
	v.confirmed[id] = true
	http.Redirect(w, r, "/accounts", http.StatusSeeOther)
	return nil
}

// accounts shows the visitor's accounts of confirmed connections as the API returns them.
func (s *site) accounts(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if v.user.email == "" {
		return show(w, r, accountsPage(nil))
	}
	t, err := s.oxlin.tokens(r.Context(), v.user)
	if err != nil {
		return err
	}
	list, err := s.oxlin.accounts(r.Context(), t)
	var refused *refusal
	if errors.As(err, &refused) && refused.Code == mustAcceptTerms {
		err = nil
	}
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(a account) bool { return !v.confirmed[a.Connection] })
	return show(w, r, accountsPage(list))
}

// widget opens a widget session for a visitor and returns its address with the given
// parameters. The link has a query already, so they are appended.
func (s *site) widget(r *http.Request, v *visitor, parameters url.Values) (string, error) {
	t, err := s.signIn(r, v)
	if err != nil {
		return "", err
	}
	links, err := s.oxlin.widget(r.Context(), t)
	if err != nil {
		return "", err
	}
	return links.AddConnection + "&" + parameters.Encode(), nil
}

// signIn returns tokens for a visitor's user at Oxlin, whom it creates on first use.
func (s *site) signIn(r *http.Request, v *visitor) (tokens, error) {
	if v.user.email == "" {
		// RFC 2606 reserves the domain, so that nobody owns it.
		made := user{email: rand.Text() + "@integrator.example", password: rand.Text()}
		err := s.oxlin.createUser(r.Context(), made)
		if err != nil {
			return tokens{}, err
		}
		v.user = made
	}
	return s.oxlin.tokens(r.Context(), v.user)
}

func show(w http.ResponseWriter, r *http.Request, page templ.Component) error {
	var text bytes.Buffer
	err := page.Render(r.Context(), &text)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = text.WriteTo(w)
	return err
}
