package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/portal/asset"
	"github.com/oxlin/oxlin/internal/portal/openapi"
	"github.com/oxlin/oxlin/internal/portal/page"
	"github.com/oxlin/oxlin/internal/portal/postman"
	"github.com/oxlin/oxlin/internal/web"
)

// Options configures the portal.
type Options struct {
	// PublicURL is the platform's address for browsers, without a slash at the end. It
	// is also the address of the API, the authorization server and the widget.
	PublicURL string
	// Document is the OpenAPI document, as the API serves it.
	Document []byte
	// Clients are ready clients whose secrets may be shown. Only a sandbox has some.
	// Without them the quickstart asks the reader for a client.
	Clients []Client
	// Sentence returns the text for end users about an error code of oxlin.Catalogue,
	// in "en" or "fr".
	Sentence func(language, code string) string
	// TrustProxy reads the client's address for the log from X-Forwarded-For.
	TrustProxy bool
	Now        func() time.Time
	Log        *slog.Logger
}

// Client is a ready client of the sandbox.
type Client = page.Client

// Portal serves the pages.
type Portal struct {
	options Options
	// ready reads what follows, at the first request: most processes never show a page.
	ready    func() error
	document *openapi.Document
	guides   []guide
	pages    map[string]func() (document, error)
}

// document is the content of one address.
type document struct {
	contentType string
	content     []byte
	tag         string
}

// New makes the portal.
func New(options Options) *Portal {
	p := &Portal{options: options}
	p.ready = sync.OnceValue(p.read)
	return p
}

// read reads the OpenAPI document and the guides.
func (p *Portal) read() error {
	described, err := openapi.Parse(p.options.Document)
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	guides, err := readGuides()
	if err != nil {
		return fmt.Errorf("portal: %w", err)
	}
	p.document, p.guides = described, guides
	p.pages = map[string]func() (document, error){
		"/":           p.rendered("/", p.home),
		"/quickstart": p.rendered("/quickstart", p.quickstart),
		"/reference":  p.rendered("/reference", func() page.View { return page.Reference{Document: p.document} }),
		"/docs":       p.rendered("/docs", func() page.View { return page.Guides{Guides: p.guideLinks(), Tables: tables} }),
	}
	for _, one := range guides {
		p.pages[one.path()] = p.rendered(one.path(), func() page.View { return p.guide(one) })
	}
	p.pages[downloads+"oxlin.postman_collection.json"] = generated(func() ([]byte, error) { return postman.Collection(p.options.Document) })
	p.pages[downloads+"oxlin.postman_environment.json"] = generated(func() ([]byte, error) { return postman.Environment(p.options.Document, p.environment()) })
	for path, table := range map[string]func() page.Table{eventsPath: events, statusesPath: statuses, errorsPath: p.errors} {
		p.pages[path] = p.rendered(path, func() page.View { return p.table(table()) })
	}
	return nil
}

// rendered returns a function that renders a page at its first call: most processes
// never show most of the pages.
func (p *Portal) rendered(path string, view func() page.View) func() (document, error) {
	return sync.OnceValues(func() (document, error) {
		content, err := page.Render(p.frame(path), view())
		return newDocument("text/html; charset=utf-8", content), err
	})
}

// downloads is the parent address of the files to download.
const downloads = "/downloads/"

// generated returns a function that generates a file at its first call.
func generated(file func() ([]byte, error)) func() (document, error) {
	return sync.OnceValues(func() (document, error) {
		content, err := file()
		return newDocument("application/json", content), err
	})
}

// environment returns the variables of the Postman environment that the portal may
// publish: in a sandbox, a client.
func (p *Portal) environment() map[string]string {
	if len(p.options.Clients) == 0 {
		return nil
	}
	return map[string]string{"client_id": p.options.Clients[0].ID, "client_secret": p.options.Clients[0].Secret}
}

func newDocument(contentType string, content []byte) document {
	sum := sha256.Sum256(content)
	return document{contentType, content, `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func (p *Portal) frame(path string) page.Frame {
	return page.Frame{Path: path, Platform: p.options.PublicURL, Sandbox: len(p.options.Clients) > 0}
}

func (p *Portal) home() page.View { return page.Home{Guides: p.guideLinks()} }

// Register mounts the pages. It leaves all other addresses to other handlers.
func (p *Portal) Register(mux *http.ServeMux) {
	frame := web.Frame{
		Room: "portal", Log: p.options.Log, Now: p.options.Now, TrustProxy: p.options.TrustProxy, Fail: p.fail,
	}
	asset.Register(mux, frame)
	pages := gzhttp.GzipHandler(frame.Handler(http.HandlerFunc(p.serve)))
	unslashed := frame.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.TrimSuffix(r.URL.Path, "/"), http.StatusMovedPermanently)
	}))
	for _, pattern := range []string{"GET /{$}", "GET " + downloads + "{file}"} {
		mux.Handle(pattern, pages)
	}
	for _, pattern := range []string{"GET /quickstart", "GET /reference", "GET /docs", "GET /docs/{name}"} {
		mux.Handle(pattern, pages)
		mux.Handle(pattern+"/{$}", unslashed)
	}
}

func (p *Portal) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", p.policy())
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-cache")
	err := p.ready()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	find, found := p.pages[r.URL.Path]
	if !found {
		p.missing(w, r)
		return
	}
	one, err := find()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	header.Set("Content-Type", one.contentType)
	header.Set("ETag", one.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(one.content))
}

// missing writes the page for an unknown address.
func (p *Portal) missing(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, http.StatusNotFound, page.Missing{Guides: p.guideLinks()})
}

// fail writes the page for a failure of the portal itself.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	line := web.LineOf(r.Context())
	line.Fail(oxlin.CodeInternal, err)
	w.Header().Set("Cache-Control", "no-store")
	p.write(w, r, http.StatusInternalServerError, page.Failed{RequestID: line.RequestID})
}

// write renders a page that has no address of its own.
func (p *Portal) write(w http.ResponseWriter, r *http.Request, status int, view page.View) {
	content, err := page.Render(p.frame(r.URL.Path), view)
	if err != nil {
		web.LineOf(r.Context()).Fail(oxlin.CodeInternal, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(content) // fails only if the browser has gone
}

// policy returns the Content-Security-Policy. It allows the portal's own files, calls
// to the API, and the widget in a frame. The widget is always at the public address,
// even if the page was opened under another one.
func (p *Portal) policy() string {
	frames := "'self'"
	address, err := url.Parse(p.options.PublicURL)
	if err == nil && address.Host != "" && !strings.ContainsAny(address.Host, " ;,'") {
		frames += " " + address.Scheme + "://" + address.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src " + frames +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
