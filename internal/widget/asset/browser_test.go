package asset_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/asset"
)

// insecureHost is a name of 127.0.0.1 that the browser does not trust, so that its pages
// have no WebCrypto.
const insecureHost = "insecure.test"

// browser is one Chromium for all tests. It starts with the first tab.
var browser context.Context

func TestMain(m *testing.M) {
	var end func()
	browser, end = aBrowser()
	code := m.Run()
	end()
	os.Exit(code)
}

func aBrowser() (browser context.Context, end func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("host-resolver-rules", "MAP "+insecureHost+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		program, err := exec.LookPath(name)
		if err == nil {
			options = append(options, chromedp.ExecPath(program))
			break
		}
	}
	allocator, killed := chromedp.NewExecAllocator(context.Background(), options...)
	browser, closed := chromedp.NewContext(allocator)
	return browser, func() {
		closed()
		killed()
	}
}

// tab is a browser tab that a test controls.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func newTab(t *testing.T) tab {
	t.Helper()
	err := chromedp.Do(browser)
	if errors.Is(err, exec.ErrNotFound) {
		omit.Skip(t, 1, "Chromium is not installed (.ci/chromium)")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, closed := chromedp.NewContext(browser)
	t.Cleanup(closed)
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // on a busy machine
	t.Cleanup(cancel)
	return tab{t, ctx}
}

func (tab tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	err := chromedp.Do(tab.ctx, actions...)
	if err != nil {
		tab.t.Fatal(err)
	}
}

// open goes to an address.
func (tab tab) open(address string) {
	tab.t.Helper()
	tab.do(chromedp.Navigate(address))
}

// waitFor waits until an element exists, on this page or a following one.
func (tab tab) waitFor(selector string) {
	tab.t.Helper()
	tab.do(chromedp.WaitReady(chromedp.CSS(selector)))
}

// until waits until an expression is true on this page.
func (tab tab) until(expression string) {
	tab.t.Helper()
	tab.do(chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(10*time.Millisecond)))
}

// run runs a script on the page without waiting for its result.
func (tab tab) run(script string) {
	tab.t.Helper()
	tab.do(chromedp.Evaluate[chromedp.Void]("{" + script + "}"))
}

// value returns the value of an expression, or of its promise, on the page.
func value[T any](tab tab, expression string) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// post is a received form.
type post struct {
	path string
	body string
	form url.Values
}

// site serves pages with the attributes of the widget's pages and its content security
// policy.
type site struct {
	t       *testing.T
	mux     *http.ServeMux
	address string
	posts   chan post
	// slow, if set, delays the response to a form until it is closed.
	slow chan struct{}

	mu     sync.Mutex
	visits map[string]int
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, mux: http.NewServeMux(), posts: make(chan post, 10), visits: map[string]int{}}
	asset.Register(s.mux, web.Frame{Room: "widget", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	s.mux.HandleFunc("GET /clock.js", s.script(clock))
	s.mux.HandleFunc("GET /hasty.js", s.script(hasty))
	s.mux.HandleFunc("POST /", s.receive)
	server := httptest.NewServer(s.mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // of event streams
	s.address = server.URL
	return s
}

// insecure returns the site's address under the untrusted name.
func (s *site) insecure() string {
	return strings.Replace(s.address, "127.0.0.1", insecureHost, 1)
}

func (s *site) script(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, text)
	}
}

// clock is a script that runs first and replaces the clock: only pass(seconds) advances it.
const clock = `
let now = 0;
const ticks = [];
Date.now = () => now;
window.setInterval = (tick) => ticks.push(tick);
window.clearInterval = (timer) => { delete ticks[timer - 1]; };
function pass(seconds) {
	for (let i = 0; i < seconds; i++) {
		now += 1000;
		ticks.forEach((tick) => tick());
	}
}`

// hasty is a script that runs first and shortens delays from seconds to hundredths.
const hasty = `
const patient = window.setTimeout;
window.setTimeout = (work, after) => patient(work, after / 100);`

// page serves a page at a path; before are scripts that run first. A second visit gets
// an element #again.
func (s *site) page(path, body string, before ...string) {
	var scripts strings.Builder
	for _, name := range append(before, asset.Path("widget.js")) {
		fmt.Fprintf(&scripts, `<script src="%s" defer></script>`, name)
	}
	if !strings.HasPrefix(body, "<body") {
		body = "<body>" + body
	}
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		s.visits[path]++
		again := ""
		if s.visits[path] > 1 {
			again = "<p id=again></p>"
		}
		s.mu.Unlock()
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'")
		fmt.Fprintf(w, "<!DOCTYPE html><html lang=en><head><title>%s</title>%s</head>%s%s</body></html>", path, scripts.String(), body, again)
	})
}

// visited returns the number of requests for a page.
func (s *site) visited(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visits[path]
}

// receive handles a form. At /stay, the browser stays on its page.
func (s *site) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		s.t.Error(err)
	}
	s.posts <- post{r.URL.Path, string(body), form}
	if s.slow != nil {
		wait(r, s.slow)
	}
	if r.URL.Path == "/stay" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, `<!DOCTYPE html><title>arrived</title><main id=arrived></main>`)
}

// wait waits for a channel to close, or for the browser to leave.
func wait(r *http.Request, until <-chan struct{}) {
	select {
	case <-until:
	case <-r.Context().Done():
	}
}

// posted returns the next received form.
func (s *site) posted(tab tab) post {
	s.t.Helper()
	select {
	case p := <-s.posts:
		return p
	case <-tab.ctx.Done():
		s.t.Fatal("no form came in")
		return post{}
	}
}

// nothingElse fails the test if another form was received.
func (s *site) nothingElse() {
	s.t.Helper()
	select {
	case p := <-s.posts:
		s.t.Errorf("another form came in: %v", p.form)
	default:
	}
}

// attribute writes a value in double quotes.
func attribute(value string) string { return `"` + html.EscapeString(value) + `"` }
