package console

//go:generate go tool -modfile=../../tools/go.mod templ generate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/clock"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// Options configures the console.
type Options struct {
	DB        *store.DB
	Audit     *audit.Log
	Clients   *directory.Clients
	Service   *connect.Service
	Vault     *vault.Vault
	Operators *operator.Operators
	// Clock judges Now; nil means that Now is always right.
	Clock *clock.Clock
	// Platform names the platform in authenticator apps.
	Platform string
	// Allow lists the networks from which the console is open; nil allows all.
	Allow []netip.Prefix
	// Secure is set if browsers reach the console over HTTPS.
	Secure bool
	// TrustProxy reads an operator's address from X-Forwarded-For. Set it only behind a
	// proxy that writes this header.
	TrustProxy bool
	// SecretDays is the number of days that the forms propose as the life of a client's secret; 0 for
	// no end.
	SecretDays int
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

// route is one address of the console.
type route struct {
	// pattern is that of http.ServeMux.
	pattern string
	// role is the least role that may use it.
	role operator.Role
	// page is set if the route shows or changes a secret, or takes something away: the operator
	// has entered the password lately. If not, page is where the operator tries again.
	page  string
	serve func(http.ResponseWriter, *http.Request) error
}

// routes lists everything that an operator may do. Each route is for a role and for those
// that include it.
func (c *Console) routes() []route {
	own := accounts{c}
	return []route{
		{"GET /console", operator.Read, "", c.providers},
		{"GET /console/clients", operator.Read, "", c.clients},
		{"GET /console/clients/{id}", operator.Read, "", c.client},
		{"GET /console/account", operator.Read, "", own.account},
		{"POST /console/account/password", operator.Read, "/console/account", own.changePassword},
		{"GET /console/account/factor", operator.Read, "/console/account/factor", own.showEnrolment},
		{"POST /console/account/factor", operator.Read, "/console/account/factor", own.enrol},
		{"POST /console/account/codes", operator.Read, "/console/account", own.renewCodes},
		{"POST /console/account/passkeys", operator.Read, "/console/account", own.addPasskey},
		{"POST /console/account/passkeys/remove", operator.Read, "/console/account", own.removePasskey},
		{"POST /console/account/sessions", operator.Read, "", own.endSessions},
		{"POST /console/account/replays", operator.Read, "", own.dismissReplays},
		{"GET /console/doubts", operator.Support, "", c.doubts},
		{"GET /console/audit", operator.Support, "", c.trail},
		{"POST /console/accounts/{id}/accept", operator.Support, "", c.acceptReading},
		{"POST /console/connections/{id}/accept", operator.Support, "", c.acceptList},
		{"GET /console/users/{id}", operator.Support, "", c.user},
		{"GET /console/connections/{id}", operator.Support, "", c.connection},
		{"POST /console/clients", operator.Admin, "/console/clients", c.createClient},
		{"POST /console/clients/{id}", operator.Admin, "", c.changeClient},
		{"POST /console/clients/{id}/rotate", operator.Admin, "/console/clients/{id}", c.rotate},
		{"POST /console/clients/{id}/authentication", operator.Admin, "/console/clients/{id}", c.authenticateClient},
		{"POST /console/clients/{id}/disabled", operator.Admin, "/console/clients/{id}", c.setDisabled},
		{"POST /console/clients/{id}/delete", operator.Admin, "/console/clients/{id}", c.deleteClient},
		{"GET /console/{$}", operator.Read, "", goHome},
		{"/console/", operator.Read, "", notFound},
	}
}

// Register mounts the pages. All of them but those of the login require a session.
func (c *Console) Register(mux *http.ServeMux) {
	files.Register(mux, c.framing())
	own := accounts{c}
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /console/login":         c.showLogin,
		"POST /console/login":        c.login,
		"GET /console/login/factor":  c.showFactor,
		"POST /console/login/factor": c.giveFactor,
		"GET " + firstPasswordPage:   own.showFirst,
		"POST " + firstPasswordPage:  own.chooseFirst,
		"GET /console/confirm":       own.showConfirm,
		"POST /console/confirm":      own.confirm,
		"POST /console/logout":       c.logout,
	} {
		mux.Handle(pattern, c.handler(serve))
	}
	for _, route := range c.routes() {
		mux.Handle(route.pattern, c.handler(c.guard(route)))
	}
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

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
		if !c.allowed(r) {
			c.log(r).Warn("a request to the console came from a network that is not allowed")
			c.render(w, r, http.StatusForbidden, "Not allowed", problem("The console is not open to your address."))
			return
		}
		err := c.crossOrigin.Check(r)
		if err != nil {
			c.render(w, r, http.StatusForbidden, failed, problem("This form came from another site. Nothing was changed."))
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, &visit{}))
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

// allowed reports whether a request comes from a network for which the console is open.
func (c *Console) allowed(r *http.Request) bool {
	if c.options.Allow == nil {
		return true
	}
	address, err := netip.ParseAddr(web.ClientAddress(r, c.options.TrustProxy))
	return err == nil && slices.ContainsFunc(c.options.Allow, func(network netip.Prefix) bool { return network.Contains(address) })
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
	// Operator is the logged-in operator; nil before the login.
	Operator *store.Operator
	Now      time.Time
	// Doubt tells why the clock is not believed; nil if it is.
	Doubt *clock.Doubt
	// Last is the operator's sign-in before this session. Arrived is set on the first page of the
	// console.
	Last    store.SignIn
	Arrived bool
}

// may reports whether the operator's role includes another.
func (f frame) may(role operator.Role) bool {
	return f.Operator != nil && operator.Role(f.Operator.Role).Includes(role)
}

const failed = "That did not work"

// render writes a page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, title string, content templ.Component) {
	var text bytes.Buffer
	doubt, _ := c.options.Clock.State()
	shown := frame{Title: title, Operator: whoIs(r), Now: c.options.Now(), Doubt: doubt, Arrived: r.URL.Path == "/console"}
	if shown.Operator != nil {
		shown.Last = sessionOf(r).Last
	}
	err := document(shown, content).Render(r.Context(), &text)
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
