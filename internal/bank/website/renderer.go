package website

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// rendered opens an address for logged-in customers, and returns the page as its
// scripts render it. ready selects an element that the rendered page has, and also
// every other page that may appear instead, such as a login or an error.
func (s *session) rendered(address, ready string) (*page, error) {
	target, err := s.target(address)
	if err != nil {
		return nil, err
	}
	p, err := s.render(target, ready)
	if err != nil {
		return nil, err
	}
	s.from = p.referrer()
	return s.inside(p)
}

// render runs a browser for one page.
func (s *session) render(target *url.URL, ready string) (*page, error) {
	program, err := findBrowser(s.browser)
	if err != nil {
		return nil, err
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-s.ctx.Done():
		return nil, psd2.Unreachable(s.ctx.Err())
	}
	ctx, cancel := context.WithTimeout(s.ctx, min(renderTimeout, s.client.Timeout))
	defer cancel()
	tab, end, err := startBrowser(ctx, program)
	var p *page
	if err == nil {
		p, err = newRenderer(s, tab).render(target, ready)
		end()
	}
	switch {
	case err == nil:
		return p, nil
	case s.ctx.Err() != nil:
		return nil, psd2.Unreachable(s.ctx.Err())
	case ctx.Err() != nil:
		return nil, &bank.Failure{Kind: bank.Unavailable, BankCode: "page not drawn in time"}
	}
	return nil, err
}

// renderer renders one page. The browser has no network of its own: we relay its
// requests to the bank's host, and refuse the others.
type renderer struct {
	session *session
	tab     context.Context
	client  http.Client
	main    cdp.FrameID
	done    chan outcome

	// mu guards the session and the fields below against concurrent relays.
	mu sync.Mutex
	// over is true once the session continues without the browser.
	over   bool
	status int
	// shared are the cookies of the session as the browser has them.
	shared map[cookieKey]string
}

// outcome is the page, or the failure to render it.
type outcome struct {
	page *page
	err  error
}

func newRenderer(s *session, tab context.Context) *renderer {
	d := &renderer{session: s, tab: tab, client: *s.client, done: make(chan outcome, 1), shared: map[cookieKey]string{}}
	d.main = cdp.FrameID(chromedp.FromContext(tab).Target.TargetID)
	// The browser follows redirects itself, and cookies are shared under the lock.
	d.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	transport, ok := d.client.Transport.(cookieTransport)
	if ok {
		d.client.Transport = transport.next
	}
	return d
}

// watch sends the whole page to us as soon as it is ready.
const watch = `(() => {
	if (window !== window.top) return;
	const look = () => {
		if (document.readyState === "loading" || !document.querySelector(%s)) return;
		watcher.disconnect();
		%s(JSON.stringify({address: location.href, html: document.documentElement.outerHTML}));
	};
	const watcher = new MutationObserver(look);
	watcher.observe(document, {subtree: true, childList: true, attributes: true});
	document.addEventListener("DOMContentLoaded", look);
})()`

const (
	// world is the isolated world of our script, which the page's scripts cannot
	// access.
	world = "watch"
	// readyCall is the function that it calls.
	readyCall = "ready"
)

func (d *renderer) render(target *url.URL, ready string) (*page, error) {
	err := chromedp.Listen(d.tab, d.handleEvent)
	if err != nil {
		return nil, lost()
	}
	err = d.share()
	if err != nil {
		return nil, err
	}
	err = chromedp.Do(d.tab,
		command(fetch.Enable, fetch.EnableParams{}),
		command(network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true}),
		command(runtime.AddBinding, runtime.AddBindingParams{Name: readyCall, ExecutionContextName: world}),
		command(cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{
			Source: fmt.Sprintf(watch, strconv.Quote(ready), readyCall), WorldName: world,
		}),
	)
	if err != nil {
		return nil, lost()
	}
	from := http.Request{Method: http.MethodGet, URL: target, Header: http.Header{}}
	d.session.from.tell(&from)
	opened, err := chromedp.Call(d.tab, cdppage.Navigate, cdppage.NavigateParams{URL: target.String(), Referrer: from.Header.Get("Referer")})
	switch {
	case err != nil:
		d.end(nil, lost())
	case opened.ErrorText != "":
		// It redirects in a loop, or is a download. If we refused it, that failure was
		// reported first.
		d.end(nil, nonsense("the page does not open: %s", opened.ErrorText))
	}
	var got outcome
	select {
	case got = <-d.done:
	case <-d.tab.Done():
		got.err = lost()
	}
	err = d.saveCookies()
	if got.err != nil {
		return nil, got.err
	}
	return got.page, err
}

// command is a command of the browser's protocol, as one step.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// handleEvent handles the events of the tab; it must not block.
func (d *renderer) handleEvent(event any) {
	switch e := event.(type) {
	case *fetch.EventRequestPaused:
		go d.relay(e)
	case *runtime.EventBindingCalled:
		go func() { d.end(d.read(e.Payload)) }()
	case *cdppage.EventJavascriptDialogOpening:
		go chromedp.Do(d.tab, command(cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{}))
	case *inspector.EventTargetCrashed:
		d.end(nil, lost())
	}
}

// end reports an outcome; the first one counts.
func (d *renderer) end(p *page, err error) {
	select {
	case d.done <- outcome{p, err}:
	default:
	}
}

// read parses the page that our script sent.
func (d *renderer) read(payload string) (*page, error) {
	var seen struct{ Address, HTML string }
	err := json.Unmarshal([]byte(payload), &seen)
	if err != nil {
		return nil, nonsense("a page that is not text")
	}
	if len(seen.HTML) > maxPage {
		return nil, nonsense("a page is larger than %d bytes", maxPage)
	}
	address, err := d.session.target(seen.Address)
	if err != nil {
		return nil, err
	}
	document, err := goquery.NewDocumentFromReader(strings.NewReader(seen.HTML))
	if err != nil {
		return nil, nonsense("a page that is not HTML")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return &page{Selection: document.Selection, address: address, status: d.status, policy: policyOf(http.Header{}, document.Selection)}, nil
}

// saveCookies copies the browser's cookies into the session; relays still in progress are
// ignored.
func (d *renderer) saveCookies() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	return d.takeBack()
}

// lost returns the failure of a browser that ended before its page was rendered.
func lost() *bank.Failure { return &bank.Failure{Kind: bank.Unavailable, BankCode: "browser lost"} }
