package website

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html/charset"

	"github.com/oxlin/oxlin/bank"
)

// visit is our walk through the site during one call: a browser without scripts,
// and for a page that needs them, a real one that walks along (drawn). It lives no
// longer than the call, so that it may hold its context.
type visit struct {
	ctx    context.Context
	client *http.Client
	base   *url.URL
	jar    *jar
	notes  map[string]string
	recipe recipe
	pages  int
	// browser is the program that draws pages; empty for what the PATH has.
	browser string
}

// Limits of what a site may make us read: a page, and the pages of one call.
// Two hundred accounts with a page each are within it.
const (
	maxPage  = 8 << 20
	maxPages = 500
)

// agent says who we are: an account-information service identifies itself in each
// session (PSD2 Art. 67(2)(c)).
const agent = "Mozilla/5.0 (compatible; Oxlin; account information service)"

func (c *Connector) visit(ctx context.Context, s session) *visit {
	cookies := &jar{host: c.base.Host, now: c.now, cookies: s.Cookies}
	client := *c.client
	client.Jar = cookies
	notes := map[string]string{}
	maps.Copy(notes, s.Notes)
	return &visit{ctx: ctx, client: &client, base: c.base, jar: cookies, notes: notes, recipe: c.recipe, browser: c.browser}
}

func (v *visit) session() session { return session{Cookies: v.jar.cookies, Notes: v.notes} }

// get opens an address: relative to the site's own, or from a link.
func (v *visit) get(address string) (*page, error) {
	return v.open(http.MethodGet, address, nil)
}

// send submits a form.
func (v *visit) send(f form) (*page, error) {
	if f.Get && len(f.Fields) > 0 {
		return v.open(http.MethodGet, f.Address+"?"+f.Fields.Encode(), nil)
	}
	if f.Get {
		return v.get(f.Address)
	}
	return v.open(http.MethodPost, f.Address, f.Fields)
}

// onwards leaves the pages in between, and says where the login has come to.
func (v *visit) onwards(p *page) (place, error) {
	const most = 5
	for range most {
		where, err := v.recipe.place(v, p)
		if err != nil || where.at != between {
			return where, err
		}
		p, err = v.send(where.next)
		if err != nil {
			return place{}, err
		}
	}
	return place{}, nonsense("a login that leads nowhere")
}

// read opens an address that only a customer who is inside can see.
func (v *visit) read(address string) (*page, error) {
	p, err := v.get(address)
	if err != nil {
		return nil, err
	}
	return v.inside(p)
}

// inside refuses a page that is not shown to a customer who is inside.
func (v *visit) inside(p *page) (*page, error) {
	where, err := v.recipe.place(v, p)
	if err != nil {
		return nil, err
	}
	if where.at != inside {
		return nil, sessionOver()
	}
	return p, nil
}

// target is what an address means on the bank's host, and there is no other.
func (v *visit) target(address string) (*url.URL, error) {
	target, err := v.base.Parse(address)
	if err != nil || !sameHost(target, v.base) {
		return nil, nonsense("a link leads away from the bank")
	}
	return target, nil
}

// count counts what is asked of the bank in one call.
func (v *visit) count() error {
	v.pages++
	if v.pages > maxPages {
		return nonsense("more than %d pages in one call", maxPages)
	}
	return nil
}

func (v *visit) open(method, address string, fields url.Values) (*page, error) {
	target, err := v.target(address)
	if err != nil {
		return nil, err
	}
	err = v.count()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(v.ctx, method, target.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, nonsense("a link is no address")
	}
	request.Header.Set("User-Agent", agent)
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	request.Header.Set("Accept-Language", "fr,en;q=0.5")
	if fields != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := v.client.Do(request)
	if err != nil {
		return nil, unreachable(err)
	}
	defer response.Body.Close()
	return readPage(response)
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// stay refuses redirects away from the bank's host, and more than ten of them.
func stay(request *http.Request, before []*http.Request) error {
	if !sameHost(request.URL, before[0].URL) {
		return &bank.Failure{Kind: bank.Unavailable, BankCode: "redirect to another host"}
	}
	if len(before) > 10 {
		return nonsense("the site redirects in a circle")
	}
	return nil
}

// readPage reads an answer as the page that it should be.
func readPage(response *http.Response) (*page, error) {
	err := judge(response)
	if err != nil {
		return nil, err
	}
	body, err := readBody(response)
	if err != nil {
		return nil, err
	}
	err = whole(response, body)
	if err != nil {
		return nil, err
	}
	text, err := charset.NewReader(bytes.NewReader(body), response.Header.Get("Content-Type"))
	if err != nil {
		return nil, nonsense("a page in an unknown character set")
	}
	document, err := goquery.NewDocumentFromReader(text)
	if err != nil {
		return nil, nonsense("a page that is no HTML")
	}
	return &page{Selection: document.Selection, address: response.Request.URL, status: response.StatusCode}, nil
}

func readBody(response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage+1))
	if err != nil {
		return nil, unreachable(err)
	}
	if len(body) > maxPage {
		return nil, nonsense("a page is larger than %d bytes", maxPage)
	}
	return body, nil
}

// whole refuses half a page: rows would be missing, and nobody would notice.
func whole(response *http.Response, body []byte) error {
	if cutOff(body) {
		return &bank.Failure{Kind: bank.Unavailable, Status: response.StatusCode, BankCode: "page cut off"}
	}
	return nil
}

// cutOff says that a document begins and does not end. A fragment does neither.
func cutOff(body []byte) bool {
	lower := bytes.ToLower(body)
	return bytes.Contains(lower, []byte("<html")) && !bytes.Contains(lower, []byte("</html"))
}
