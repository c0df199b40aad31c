package console

//go:generate go tool -modfile=../tools/go.mod templ generate

import (
	"bytes"
	"context"
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
	"github.com/oxlin/oxlin/auth"
	"github.com/oxlin/oxlin/connect"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/vault"
	"github.com/oxlin/oxlin/web"
)

// Clients is what the console asks of the authorization server.
type Clients interface {
	CreateClient(ctx context.Context, n auth.NewClient) (oxlin.Client, oxlin.Secret, error)
	ChangeClient(ctx context.Context, changed oxlin.Client) error
	RotateSecret(ctx context.Context, id oxlin.ClientID) (oxlin.Secret, error)
}

// Options are what the console needs.
type Options struct {
	DB      *store.DB
	Clients Clients
	Service *connect.Service
	Vault   *vault.Vault
	// Password lets the operator in.
	Password oxlin.Secret
	// Secure says that browsers reach the console over HTTPS.
	Secure bool
	// TrustProxy believes X-Forwarded-For about where an operator is. Only right behind a
	// proxy that sets it.
	TrustProxy bool
	Now        func() time.Time
	Rand       io.Reader
	Log        *slog.Logger
}

// Console serves /console.
type Console struct {
	Options
	own *http.CrossOriginProtection
	// changing is held while a client is made or changed, so that a form counts once.
	changing sync.Mutex
}

// New makes the console.
func New(options Options) *Console {
	return &Console{Options: options, own: http.NewCrossOriginProtection()}
}

// Register mounts the pages. All but the login ask for the operator's session.
func (c *Console) Register(mux *http.ServeMux) {
	handle := func(pattern string, handler func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, c.handler(handler))
	}
	files.Register(mux, c.framing())
	handle("GET /console/login", c.showLogin)
	handle("POST /console/login", c.login)
	handle("POST /console/logout", c.logout)
	for pattern, handler := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /console":                      c.providers,
		"GET /console/clients":              c.clients,
		"POST /console/clients":             c.createClient,
		"GET /console/clients/{id}":         c.client,
		"POST /console/clients/{id}":        c.changeClient,
		"POST /console/clients/{id}/rotate": c.rotate,
		"GET /console/users/{id}":           c.user,
		"GET /console/connections/{id}":     c.connection,
		"GET /console/{$}":                  goHome,
		"/console/":                         noPage,
	} {
		handle(pattern, c.entered(handler))
	}
}

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (c *Console) framing() web.Frame {
	return web.Frame{Room: "console", Log: c.Log, Now: c.Now, TrustProxy: c.TrustProxy, Fail: c.fail}
}

func (c *Console) handler(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return c.framing().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "same-origin")
		header.Set("X-Content-Type-Options", "nosniff")
		err := c.own.Check(r)
		if err != nil {
			c.render(w, r, http.StatusForbidden, failed, problem("Another site sent this form. Nothing was done."))
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

// fail shows the page for an error.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	shown := oxlin.AsError(err)
	web.LineOf(r.Context()).Fail(shown.Code, err)
	c.render(w, r, oxlin.Catalogue[shown.Code].Status, failed, problem(shown.Message))
}

// readForm reads what the request says. All of it is text that a database can keep.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return oxlin.Errorf(oxlin.CodePayloadTooLarge, "This is too long.")
	}
	said := []string{r.URL.Path}
	for _, values := range r.Form {
		said = append(said, values...)
	}
	if err != nil || slices.ContainsFunc(said, func(s string) bool { return !oxlin.IsText(s) }) {
		return oxlin.Invalid("", "This cannot be read.")
	}
	return nil
}

func goHome(w http.ResponseWriter, _ *http.Request) error { return redirect(w, "/console") }

func noPage(http.ResponseWriter, *http.Request) error { return oxlin.NotFound("page") }

// frame is what is around a page's content.
type frame struct {
	Title string
	// Inside says that the operator has logged in.
	Inside bool
	Now    time.Time
}

const failed = "That did not work"

// render writes a page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, title string, content templ.Component) {
	var text bytes.Buffer
	err := document(frame{title, c.inside(r), c.Now()}, content).Render(r.Context(), &text)
	if err != nil {
		web.LineOf(r.Context()).Fail(oxlin.CodeInternal, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // the browser has gone when it fails
}

// redirect answers a form.
func redirect(w http.ResponseWriter, address string) error {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// address is the page of something.
func address(noun, id string) string { return "/console/" + noun + "/" + url.PathEscape(id) }

// asInvalid says whether an error is about what the operator typed.
func asInvalid(err error) (*oxlin.Error, bool) {
	var shown *oxlin.Error
	ok := errors.As(err, &shown) && shown.Code == oxlin.CodeInvalidRequest
	return shown, ok
}
