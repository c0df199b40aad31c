package console

//go:generate go tool -modfile=../../tools/go.mod templ generate

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// Options configures the console.
type Options struct {
	DB      *store.DB
	Audit   *audit.Log
	Clients *directory.Clients
	Service *connect.Service
	Vault   *vault.Vault
	// Password is the operator's password.
	Password oxlin.Secret
	// Secure is set if browsers reach the console over HTTPS.
	Secure bool
	// TrustProxy reads an operator's address from X-Forwarded-For. Set it only behind a
	// proxy that writes this header.
	TrustProxy bool
	Now        func() time.Time
	Rand       io.Reader
	Log        *slog.Logger
}

// Console serves the addresses below /console.
type Console struct {
	options     Options
	crossOrigin *http.CrossOriginProtection
	// changing is held while a client is created or changed, so that a form counts
	// once.
	changing sync.Mutex
}

// New returns a console.
func New(options Options) *Console {
	return &Console{options: options, crossOrigin: http.NewCrossOriginProtection()}
}

// Register mounts the pages. All of them except the login require the operator's
// session.
func (c *Console) Register(mux *http.ServeMux) {
	handle := func(pattern string, handler func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, c.handler(handler))
	}
	files.Register(mux, c.framing())
	handle("GET /console/login", c.showLogin)
	handle("POST /console/login", c.login)
	handle("POST /console/logout", c.logout)
	for pattern, handler := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /console":                          c.providers,
		"GET /console/clients":                  c.clients,
		"POST /console/clients":                 c.createClient,
		"GET /console/clients/{id}":             c.client,
		"POST /console/clients/{id}":            c.changeClient,
		"POST /console/clients/{id}/rotate":     c.rotate,
		"POST /console/clients/{id}/disabled":   c.setDisabled,
		"POST /console/clients/{id}/delete":     c.deleteClient,
		"GET /console/users/{id}":               c.user,
		"GET /console/connections/{id}":         c.connection,
		"GET /console/doubts":                   c.doubts,
		"POST /console/accounts/{id}/accept":    c.acceptReading,
		"POST /console/connections/{id}/accept": c.acceptList,
		"GET /console/{$}":                      goHome,
		"/console/":                             notFound,
	} {
		handle(pattern, c.requireLogin(handler))
	}
}

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (c *Console) framing() web.Frame {
	return web.Frame{Room: "console", Log: c.options.Log, Now: c.options.Now, TrustProxy: c.options.TrustProxy, Fail: c.fail}
}

func (c *Console) handler(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return c.framing().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "same-origin")
		header.Set("X-Content-Type-Options", "nosniff")
		err := c.crossOrigin.Check(r)
		if err != nil {
			c.render(w, r, http.StatusForbidden, failed, problem("This form came from another site. Nothing was changed."))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		err = readForm(r)
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			c.fail(w, r, err)
		}
	}))
}

// fail writes the page for an error.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	shown := oxlin.AsError(store.Told(err))
	web.LineOf(r.Context()).Fail(shown.Code, err)
	web.SetRetryAfter(w.Header(), shown.RetryAfter)
	c.render(w, r, oxlin.Catalogue[shown.Code].Status, failed, problem(shown.Message))
}

// readForm reads the query and the form of a request. It refuses text that a database
// cannot store.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return oxlin.Errorf(oxlin.CodePayloadTooLarge, "The form is too large.")
	}
	texts := []string{r.URL.Path}
	for _, values := range r.Form {
		texts = append(texts, values...)
	}
	if err != nil || slices.ContainsFunc(texts, func(s string) bool { return !oxlin.IsText(s) }) {
		return oxlin.Invalid("", "The request cannot be read.")
	}
	return nil
}

func goHome(w http.ResponseWriter, _ *http.Request) error { return redirect(w, "/console") }

func notFound(http.ResponseWriter, *http.Request) error { return oxlin.NotFound("page") }

// frame holds everything on a page except its content.
type frame struct {
	Title string
	// LoggedIn is set if the operator has logged in.
	LoggedIn bool
	Now      time.Time
}

const failed = "That did not work"

// render writes a page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, title string, content templ.Component) {
	var text bytes.Buffer
	err := document(frame{title, c.loggedIn(r), c.options.Now()}, content).Render(r.Context(), &text)
	if err != nil {
		web.LineOf(r.Context()).Fail(oxlin.CodeInternal, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // fails only if the browser has gone
}

// redirect answers a form with a redirect to a page.
func redirect(w http.ResponseWriter, address string) error {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// address returns the address of an item's page.
func address(noun, id string) string { return "/console/" + noun + "/" + url.PathEscape(id) }

// asInvalid returns the error if it is about the operator's input, and reports whether
// it is.
func asInvalid(err error) (*oxlin.Error, bool) {
	var shown *oxlin.Error
	ok := errors.As(err, &shown) && shown.Code == oxlin.CodeInvalidRequest
	return shown, ok
}
