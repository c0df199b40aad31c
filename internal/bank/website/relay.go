package website

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// A relay makes a request of a page in the browser's place: with the session's
// cookies, certificate and limits, on the bank's host only.

// skippedTypes are the types of resources that hold no data.
var skippedTypes = []network.ResourceType{network.ResourceTypeImage, network.ResourceTypeMedia, network.ResourceTypeFont}

// ours are headers that we write ourselves, and those about the encoding of the body
// between the bank and us.
var ours = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Cookie", "Host", "Set-Cookie", "Transfer-Encoding", "User-Agent",
}

// relay makes a request on behalf of the browser and returns the answer to it. The end
// of the browser is noticed elsewhere.
func (d *renderer) relay(asked *fetch.EventRequestPaused) {
	main := asked.FrameID == d.main && asked.ResourceType == network.ResourceTypeDocument
	answer, err := d.fetchResource(asked, main)
	if err != nil {
		if main {
			d.end(nil, err)
		}
		_ = chromedp.Do(d.tab, command(fetch.FailRequest, fetch.FailRequestParams{
			RequestID: asked.RequestID, ErrorReason: network.ErrorReasonBlockedByClient,
		}))
		return
	}
	_ = chromedp.Do(d.tab, command(fetch.FulfillRequest, answer))
}

// fetchResource fetches the resource that the browser requested. The status of the main page is
// classified like that of every page; scripts handle the statuses of their own
// requests.
func (d *renderer) fetchResource(asked *fetch.EventRequestPaused, main bool) (fetch.FulfillRequestParams, error) {
	none := fetch.FulfillRequestParams{}
	if slices.Contains(skippedTypes, asked.ResourceType) {
		return none, errors.New("a resource without data")
	}
	request, err := d.prepare(asked)
	if err != nil {
		return none, err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return none, psd2.Unreachable(err)
	}
	defer response.Body.Close()
	moved := response.StatusCode >= 300 && response.StatusCode < 400 && response.Header.Get("Location") != ""
	if main && !moved {
		err := classify(response, d.session.jar.now())
		if err != nil {
			return none, err
		}
	}
	err = d.keep(response, main)
	if err != nil {
		return none, err
	}
	body, err := psd2.ReadBody(response, maxPage)
	if err != nil {
		return none, err
	}
	if main {
		err := refusePartial(response, body)
		if err != nil {
			return none, err
		}
	}
	answer := fetch.FulfillRequestParams{RequestID: asked.RequestID, ResponseCode: int64(response.StatusCode), Body: body}
	for name, values := range response.Header {
		for _, value := range values {
			if !slices.Contains(ours, name) {
				answer.ResponseHeaders = append(answer.ResponseHeaders, &fetch.HeaderEntry{Name: name, Value: value})
			}
		}
	}
	return answer, nil
}

// prepare returns the request that we make on behalf of the browser.
func (d *renderer) prepare(asked *fetch.EventRequestPaused) (*http.Request, error) {
	target, err := d.session.target(asked.Request.URL)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	for _, part := range asked.Request.PostDataEntries {
		body.Write(part.Bytes)
	}
	request, err := http.NewRequestWithContext(d.tab, asked.Request.Method, target.String(), &body)
	if err != nil {
		return nil, nonsense("a link that is not an address")
	}
	for name, value := range asked.Request.Headers {
		text, ok := value.(string)
		if ok && !slices.Contains(ours, http.CanonicalHeaderKey(name)) {
			request.Header.Set(name, text)
		}
	}
	request.Header.Set("User-Agent", agent)
	if request.Method != http.MethodGet && request.Method != http.MethodHead && request.Header.Get("Origin") == "" {
		request.Header.Set("Origin", originOf(target)) // the browser adds it after we have taken the request
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return nil, lost()
	}
	err = d.session.count()
	if err != nil {
		d.end(nil, err) // a script could not handle this failure
		return nil, err
	}
	err = d.takeBack()
	if err != nil {
		return nil, err
	}
	d.session.jar.add(request)
	return request, nil
}

// keep stores the cookies of an answer before the page's scripts see it.
func (d *renderer) keep(response *http.Response, main bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return lost()
	}
	if main {
		d.status = response.StatusCode
	}
	d.session.jar.SetCookies(response.Request.URL, cookiesOf(response))
	return d.share()
}

// cookieKey identifies a cookie of a site.
type cookieKey struct{ name, path string }

// share copies the session's cookies to the browser, for its scripts; we add the
// cookies to requests ourselves. In the browser they do not expire, because the session
// expires them.
func (d *renderer) share() error {
	living := map[cookieKey]bool{}
	for _, c := range d.session.jar.cookies {
		key := cookieKey{c.Name, c.Path}
		if d.session.jar.expired(c) || c.Secure && d.session.base.Scheme != "https" {
			continue
		}
		living[key] = true
		value, known := d.shared[key]
		if known && value == c.Value {
			continue
		}
		err := chromedp.Do(d.tab, command(network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: d.session.base.String(), Path: c.Path, Secure: &c.Secure, HTTPOnly: &c.Hidden,
		}))
		switch {
		case d.tab.Err() != nil:
			return lost()
		case err == nil: // otherwise the browser's rules forbid the cookie, and its scripts run without it
			d.shared[key] = c.Value
		}
	}
	for key := range d.shared {
		if living[key] {
			continue
		}
		err := chromedp.Do(d.tab, command(network.DeleteCookies, network.DeleteCookiesParams{
			Name: key.name, Path: key.path, Domain: d.session.base.Hostname(),
		}))
		if err != nil {
			return lost()
		}
		delete(d.shared, key)
	}
	return nil
}

// takeBack copies the changes that scripts made to the cookies into the session.
func (d *renderer) takeBack() error {
	has, err := chromedp.CallBrowser(d.tab, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: chromedp.FromContext(d.tab).BrowserContextID,
	})
	if err != nil {
		return lost()
	}
	seen := map[cookieKey]string{}
	for _, c := range has.Cookies {
		key := cookieKey{c.Name, c.Path}
		seen[key] = c.Value
		value, known := d.shared[key]
		if known && value == c.Value {
			continue
		}
		set := &http.Cookie{Name: c.Name, Value: c.Value, Path: c.Path, Secure: c.Secure, HttpOnly: c.HTTPOnly}
		if !c.Session {
			set.Expires = time.Unix(int64(c.Expires), 0)
		}
		d.session.jar.SetCookies(d.session.base, []*http.Cookie{set})
	}
	for key := range d.shared {
		_, still := seen[key]
		if !still {
			d.session.jar.drop(key.name, key.path)
		}
	}
	d.shared = seen
	return nil
}
