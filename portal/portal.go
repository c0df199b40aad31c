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
	"github.com/oxlin/oxlin/portal/asset"
	"github.com/oxlin/oxlin/portal/openapi"
	"github.com/oxlin/oxlin/portal/page"
	"github.com/oxlin/oxlin/portal/postman"
	"github.com/oxlin/oxlin/web"
)

// Options are what the portal shows.
type Options struct {
	// PublicURL is where browsers reach the platform, without a slash at the end. API,
	// authorization server and widget are there as well.
	PublicURL string
	// Document is the OpenAPI document, as the API serves it.
	Document []byte
	// Clients are ready applications whose secrets may be shown. Only a sandbox has some;
	// without any, the quickstart asks for them.
	Clients []Client
	// Sentence is what an end user reads about an error of oxlin.Catalogue, in "en" or "fr".
	Sentence func(language, code string) string
	// TrustProxy believes X-Forwarded-For about the client's address in the log.
	TrustProxy bool
	Now        func() time.Time
	Log        *slog.Logger
}

// Client is a ready application of the sandbox.
type Client = page.Client

// Portal serves the pages.
type Portal struct {
	options  Options
	document *openapi.Document
	guides   []guide
	pages    map[string]func() (document, error)
}

// document is what is served under one address.
type document struct {
	contentType string
	content     []byte
	tag         string
}

// New reads the document and the guides. It fails where one of them cannot be read.
func New(options Options) (*Portal, error) {
	described, err := openapi.Parse(options.Document)
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	guides, err := readGuides()
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	p := &Portal{options: options, document: described, guides: guides}
	p.pages = map[string]func() (document, error){
		"/":           p.drawn("/", p.home),
		"/quickstart": p.drawn("/quickstart", p.quickstart),
		"/reference":  p.drawn("/reference", func() page.View { return page.Reference{Document: p.document} }),
		"/docs":       p.drawn("/docs", func() page.View { return page.Guides{Guides: p.guideLinks(), Tables: tables} }),
	}
	for _, one := range guides {
		p.pages[one.path()] = p.drawn(one.path(), func() page.View { return p.guide(one) })
	}
	p.pages[downloads+"oxlin.postman_collection.json"] = made(func() ([]byte, error) { return postman.Collection(options.Document) })
	p.pages[downloads+"oxlin.postman_environment.json"] = made(func() ([]byte, error) { return postman.Environment(options.Document, p.environment()) })
	for path, table := range map[string]func() page.Table{eventsPath: events, statusesPath: statuses, errorsPath: p.errors} {
		p.pages[path] = p.drawn(path, func() page.View { return p.table(table()) })
	}
	return p, nil
}

// drawn draws a page when somebody first wants it: most pages of most processes are
// never seen.
func (p *Portal) drawn(path string, view func() page.View) func() (document, error) {
	return sync.OnceValues(func() (document, error) {
		content, err := page.Render(p.frame(path), view())
		return newDocument("text/html; charset=utf-8", content), err
	})
}

// downloads is the folder of the files to take along.
const downloads = "/downloads/"

// made is a file that is made when somebody first wants it.
func made(file func() ([]byte, error)) func() (document, error) {
	return sync.OnceValues(func() (document, error) {
		content, err := file()
		return newDocument("application/json", content), err
	})
}

// environment is what the Postman environment may tell: in a sandbox, a client.
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

// Register mounts the pages. All other addresses stay free for others.
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

// missing shows the page for an address that leads nowhere.
func (p *Portal) missing(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, http.StatusNotFound, page.Missing{Guides: p.guideLinks()})
}

// fail shows the page for a failure of the portal itself.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	line := web.LineOf(r.Context())
	line.Fail(oxlin.CodeInternal, err)
	w.Header().Set("Cache-Control", "no-store")
	p.write(w, r, http.StatusInternalServerError, page.Failed{RequestID: line.RequestID})
}

// write draws a page that belongs to no address.
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

// policy is the Content-Security-Policy: our own files, calls to our own API, and the
// widget in a frame, which comes from the public address even where the page was
// opened under another.
func (p *Portal) policy() string {
	frames := "'self'"
	address, err := url.Parse(p.options.PublicURL)
	if err == nil && address.Host != "" && !strings.ContainsAny(address.Host, " ;,'") {
		frames += " " + address.Scheme + "://" + address.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src " + frames +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
