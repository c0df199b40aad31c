package widget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/asset"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// Options are the widget's dependencies and settings.
type Options struct {
	DB      *store.DB
	Auth    Auth
	Users   *directory.Users
	Service *connect.Service
	// Events records the steps of flows.
	Events event.Log
	Audit  *audit.Log
	Vault  *vault.Vault
	// PublicURL is the widget's public address, without a trailing slash.
	PublicURL string
	// Logos has a file <provider id>.png for each bank with a logo; it may be nil.
	Logos fs.FS
	// TrustProxy trusts X-Forwarded-For. Set it only behind a proxy that sets the header.
	TrustProxy bool
	Now        func() time.Time
	Rand       io.Reader
	Log        *slog.Logger
}

// Widget serves the pages.
type Widget struct {
	options Options
	done    chan struct{}
}

// New returns a widget.
func New(options Options) *Widget {
	return &Widget{options: options, done: make(chan struct{})}
}

// Close ends all streams of progress, which otherwise last as long as their browsers.
func (w *Widget) Close() { close(w.done) }

// Register mounts the pages, with and without the version (contract §6.2).
func (w *Widget) Register(mux *http.ServeMux) {
	asset.Register(mux, w.framing())
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(w.handler(w.refuseForeign))
	// Only pages that no session opens are compressed: the size of a compressed page may betray
	// the session in its addresses (BREACH).
	for _, prefix := range []string{"", "/v2.1"} {
		modern := prefix != ""
		page := withoutOrigin(foreign.Handler(w.handler(func(x *exchange) error { return w.serve(x, modern) })))
		mux.Handle(prefix+"/widget/{entry}", page)
		mux.Handle("GET "+prefix+"/widget/{entry}/{part}", w.handler(w.servePart))
		mux.Handle("GET "+prefix+callbackPath, w.handler(w.serveCallback))
		mux.Handle("POST "+prefix+callbackPath, withoutOrigin(foreign.Handler(w.handler(questions{w}.serveAnswer))))
		mux.Handle("GET "+prefix+successPath, w.handler(w.serveSuccess))
	}
	mux.Handle("GET /terms.html", gzhttp.GzipHandler(w.handler(w.serveTerms)))
	mux.Handle("GET /widget/theme.css", w.handler(w.serveTheme))
	mux.Handle("GET /widget/logos/{file}", w.handler(w.serveLogo))
}

// withoutOrigin removes an Origin of "null". Browsers send it with the widget's own forms
// because of the referrer policy. Without Sec-Fetch-Site (old browsers, plain HTTP) such
// a form would be rejected as one of another site. Another site cannot know the session
// in the address, unless it is its own: see isOwnForm.
func withoutOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "null" && r.Header.Get("Sec-Fetch-Site") == "" {
			r.Header.Del("Origin")
			r = r.WithContext(context.WithValue(r.Context(), unknownOrigin{}, true))
		}
		next.ServeHTTP(response, r)
	})
}

// unknownOrigin is the context's key for a form that any site may have sent.
type unknownOrigin struct{}

// isOwnForm reports whether a posted form was certainly sent by a page of ours: an attacker
// can make an old browser post a form with the attacker's own session.
func (x *exchange) isOwnForm() bool { return x.ctx.Value(unknownOrigin{}) == nil }

// Missing renders a page for an unknown address.
func (w *Widget) Missing() http.Handler {
	return w.handler(func(*exchange) error { return oxlin.NotFound("page") })
}

// refuseForeign rejects a form of another site.
func (w *Widget) refuseForeign(x *exchange) error {
	w.render(x, http.StatusForbidden, page.Frame{Language: w.language(x)}, page.Unusable{Reason: string(oxlin.CodeInvalidRequest), RequestID: x.line.RequestID})
	return nil
}

// exchange is a request with its response, session and flow. Its methods handle its form
// and draw its page.
type exchange struct {
	http.ResponseWriter
	widget  *Widget
	request *http.Request
	ctx     context.Context
	session session
	flow    *flow
	line    *web.Line
}

// Unwrap returns the inner writer for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// framing returns the frame of all handlers of the widget.
func (w *Widget) framing() web.Frame {
	return web.Frame{Room: "widget", Log: w.options.Log, Now: w.options.Now, TrustProxy: w.options.TrustProxy}
}

// handler calls serve and renders a page for its error or panic. The log line contains
// only ids, because addresses contain the session.
func (w *Widget) handler(serve func(*exchange) error) http.Handler {
	return w.framing().Handler(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: response, widget: w, request: r, ctx: r.Context(), line: web.LineOf(r.Context())}
		header := response.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", policy(nil))
		err := store.Told(web.Recovered(func() error { return serve(x) }))
		if err != nil {
			x.line.Fail("", err)
		}
		if err != nil && !x.line.Answered() {
			w.refuse(x, err)
		}
		x.describe()
	}))
}

// describe adds to the log line the entry point, the client, the user and the flow.
func (x *exchange) describe() {
	x.line.Add(slog.String("entry", x.request.PathValue("entry")))
	if x.session.UserID != 0 {
		x.line.Add(slog.String("client", string(x.session.ClientID)), slog.String("user", x.session.UserID.String()))
	}
	if x.flow != nil && x.flow.ID != 0 {
		x.line.Add(slog.String("flow", x.flow.ID.String()))
	}
}

// refuse renders a page for an error outside of a flow.
func (w *Widget) refuse(x *exchange, err error) {
	shown := oxlin.AsError(err)
	entry, known := oxlin.Catalogue[shown.Code]
	if !known {
		entry = oxlin.Catalogue[oxlin.CodeInternal]
	}
	web.SetRetryAfter(x.Header(), shown.RetryAfter)
	view := page.Unusable{Reason: string(shown.Code), RequestID: x.line.RequestID}
	if shown.Field != "" {
		view.Detail = shown.Message // it names a parameter without its value
	}
	w.render(x, entry.Status, w.outside(x), view)
}

// outside returns the frame of a page without a flow, in the style of the session or the
// address.
func (w *Widget) outside(x *exchange) page.Frame {
	client := x.session.client
	asked, err := parse(merged(x.session.parameters(), x.request.URL.Query()))
	if err != nil && asked.Theme.Check() != nil {
		asked.Theme = oxlin.Theme{}
	}
	if client.ID != "" && !client.Licensed {
		asked.Theme, asked.HideLogo = oxlin.Theme{}, false
	}
	return page.Frame{Language: w.language(x), Client: client.Name, HideLogo: asked.HideLogo, Theme: themeAddress(client, asked.Theme)}
}

// head answers HEAD, which programs send to preview an address. GET would have side
// effects.
func (x *exchange) head() error {
	x.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.WriteHeader(http.StatusOK)
	return nil
}

// render writes a page.
func (w *Widget) render(x *exchange, status int, frame page.Frame, view page.View) {
	var text bytes.Buffer
	err := page.Render(x.ctx, &text, frame, view)
	if err != nil {
		x.line.Fail("", errors.Join(x.line.Err, err))
		http.Error(x, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	x.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.Header().Set("Content-Language", frame.Language)
	x.WriteHeader(status)
	_, _ = text.WriteTo(x) // fails only if the browser has disconnected
}

// language returns the language of a page (contract §6.3).
func (w *Widget) language(x *exchange) string {
	query := x.request.URL.Query()
	flowsOwn := ""
	if x.flow != nil {
		flowsOwn = x.flow.Language
	}
	return page.Texts.Match(query.Get("locale"), query.Get("lng"), flowsOwn, x.request.Header.Get("Accept-Language"))
}

// redirect redirects the browser to an address of the widget or the client.
func (x *exchange) redirect(address string) {
	x.Header().Set("Location", ascii(address))
	x.WriteHeader(http.StatusSeeOther)
}

// ascii encodes an address for a header (RFC 9110 §10.2.2, RFC 3986 §2.1), because
// clients' addresses may contain any character.
func ascii(address string) string {
	var text strings.Builder
	for _, b := range []byte(address) {
		if b <= ' ' || b >= 0x7f {
			fmt.Fprintf(&text, "%%%02X", b)
		} else {
			text.WriteByte(b)
		}
	}
	return text.String()
}

// self returns the address of a flow.
func (x *exchange) self() string {
	query := url.Values{"session_id": {x.session.id}, "flow": {x.flow.ID.String()}}
	return x.request.URL.Path + "?" + query.Encode()
}

// part returns the address of a part of a flow's page, for its script.
func (x *exchange) part(name string) string {
	path, query, _ := strings.Cut(x.self(), "?")
	return strings.TrimSuffix(path, "/") + "/" + name + "?" + query
}

// servePart serves the requests of a page's script.
func (w *Widget) servePart(x *exchange) error {
	if x.request.Method == http.MethodHead {
		return x.head()
	}
	switch x.request.PathValue("part") {
	case "key":
		return w.serveKey(x)
	case "events":
		return w.serveEvents(x)
	}
	return oxlin.Errorf(oxlin.CodeNotFound, "A page has no such part.")
}
