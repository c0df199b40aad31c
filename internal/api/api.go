package api

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/logo"
)

// prefix is the version in front of every path of the API.
const prefix = "/v2.1"

// older is the prefix of the version before, whose clients find the same here.
const older = "/v2"

// Options configure the API.
type Options struct {
	Auth    Auth
	Users   *directory.Users
	Service *connect.Service
	// Widget makes widget sessions; nil where there is no widget.
	Widget Widget
	// TrustProxy believes X-Forwarded-For about the client's address in the log.
	TrustProxy bool
	Now        func() time.Time
	Log        *slog.Logger
	// PublicURL is where clients reach the API, without the version. The served
	// document names it; empty leaves the address relative.
	PublicURL string
	// Logos are the operator's pictures of banks, for /logos/{id}.svg; it may be nil.
	Logos fs.FS
}

// compressed are the types of answers that are compressed for clients that ask for it.
var compressed = []string{"application/json", "application/yaml", "application/x-yaml", "text/csv"}

// API serves /v2.1/..., and makes widget sessions without the version as well.
type API struct {
	options  Options
	server   *oas.Server
	handler  http.Handler
	document document
	third    document
	walks    *walks
}

// New makes the API.
func New(options Options) (*API, error) {
	a := &API{
		options: options, document: newDocument(options.PublicURL), third: served(thirdDocument, third, options.PublicURL), walks: newWalks(options.Now),
	}
	var err error
	a.server, err = oas.NewServer(a, a,
		oas.WithErrorHandler(func(_ context.Context, w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }),
		oas.WithNotFound(a.notFound),
		oas.WithMethodNotAllowed(a.methodNotAllowed),
	)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	frame := web.Frame{Room: "api", Log: a.options.Log, Now: a.options.Now, TrustProxy: a.options.TrustProxy, Fail: a.fail}
	small, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.ContentTypes(compressed))
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	a.handler = small(frame.Handler(http.HandlerFunc(a.serve)))
	return a, nil
}

// Register mounts the API beside others on one listener.
func (a *API) Register(mux *http.ServeMux) {
	mux.Handle(prefix+"/", a)
	mux.Handle(older+"/", a)
	mux.Handle(third+"/", a)
	// The pages of the widget lie beside these.
	for _, path := range sessionPaths {
		mux.Handle("POST "+path, a)
		mux.Handle("POST "+prefix+path, a)
	}
	logo.Pictures{Files: a.options.Logos, Name: func(id oxlin.ProviderID) (string, bool) {
		p, known := a.options.Service.Providers.Get(id)
		return p.Name, known
	}}.Register(mux, web.Frame{Room: "logos", Log: a.options.Log, Now: a.options.Now, TrustProxy: a.options.TrustProxy})
}

// ServeHTTP answers one request inside the frame.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	x := &exchange{request: r, line: web.LineOf(r.Context())}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	// Answers are about people's money: no cache keeps them.
	w.Header().Set("Cache-Control", "no-store")
	// An answer that a browser opens is a file, and no page of ours.
	w.Header().Set("Content-Disposition", `attachment; filename="api.json"`)
	defer x.describe() // also if the handler panics
	a.route(w, r)
}

// route decides what a request is for. HEAD is served as GET; net/http leaves the body
// out.
func (a *API) route(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // a filter that cannot be read would be left out, and more would be answered than was asked for
		a.fail(w, r, oxlin.Errorf(oxlin.CodeInvalidRequest, "The query of the address cannot be read: semicolons and percent signs in it have to be encoded."))
		return
	}
	if !oxlin.IsText(r.URL.Path) || !oxlin.IsText(textOf(query)) {
		a.fail(w, r, oxlin.Errorf(oxlin.CodeInvalidRequest, "The address has to be UTF-8, without the character zero."))
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, third+"/"); ok {
		a.serveThird(w, r, "/"+strings.TrimSuffix(path, "/"))
		return
	}
	path, versioned := cutVersion(r.URL.Path)
	switch {
	case slices.Contains(sessionPaths, path):
		// The size of a compressed answer may betray the secret in it (BREACH).
		w.Header().Set(gzhttp.HeaderNoCompression, "1")
		a.serveOperation(w, r, sessionPath)
	case !versioned:
		a.notFound(w, r)
	case path == "/openapi.yaml" || path == "/openapi.json":
		a.serveDocument(w, r, a.document, path)
	default:
		a.serveOperation(w, r, path)
	}
}

// serveOperation does what the document says about a path.
func (a *API) serveOperation(w http.ResponseWriter, r *http.Request, path string) {
	r = tolerate(r, path)
	if body := exchangeOf(r.Context()).file; body != nil {
		body.control = http.NewResponseController(w)
	}
	if operation, ok := a.server.FindPath(r.Method, r.URL); ok {
		exchangeOf(r.Context()).operation = operation.OperationID()
	}
	a.server.ServeHTTP(w, r)
}

// cutVersion takes the version off a path, and a slash off its end. Documents of the
// hosted service double the version in places, and so do clients (contract §3.6).
func cutVersion(path string) (rest string, versioned bool) {
	for range 2 {
		cut, ok := strings.CutPrefix(path, prefix+"/")
		if !ok {
			cut, ok = strings.CutPrefix(path, older+"/")
		}
		if !ok {
			break
		}
		path, versioned = "/"+cut, true
	}
	return strings.TrimSuffix(path, "/"), versioned
}

func textOf(query url.Values) string {
	var text strings.Builder
	for name, values := range query {
		text.WriteString(name)
		for _, value := range values {
			text.WriteString(value)
		}
	}
	return text.String()
}
