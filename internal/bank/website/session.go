package website

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// session is a session on the site during one call: a client without scripts, and a
// real browser for pages that need it (rendered). It ends with the call, so it may hold
// the call's context.
type session struct {
	ctx    context.Context
	client *http.Client
	base   *url.URL
	jar    *jar
	notes  map[string]string
	recipe recipe
	pages  int
	// from is the page that the customer sees.
	from referrer
	// typed are the credentials of a login. submit is called before the first form is sent that
	// may hold them, as they are or as the site has them typed; then it is nil.
	typed  credentials
	submit func(ctx context.Context) error
	// proof is that of the credentials by which the session was opened.
	proof string
	// browser is the program that renders pages; empty for the one on the PATH.
	browser string
}

// The maximum size of a page, and the maximum number of pages in one call. They allow
// two hundred accounts with a page each.
const (
	maxPage  = 8 << 20
	maxPages = 500
)

// agent identifies us: an account-information service identifies itself in each
// session (PSD2 Art. 67(2)(c)).
const agent = "Mozilla/5.0 (compatible; Oxlin; account information service)"

func (c *Connector) session(ctx context.Context, saved savedSession) *session {
	cookies := &jar{host: c.base.Host, now: c.now, cookies: saved.Cookies}
	client := *c.client
	client.Transport = cookieTransport{cmp.Or(c.client.Transport, http.DefaultTransport), cookies}
	notes := map[string]string{}
	maps.Copy(notes, saved.Notes)
	return &session{
		ctx: ctx, client: &client, base: c.base, jar: cookies, notes: notes, recipe: c.recipe, browser: c.browser, from: saved.From, proof: saved.Proof,
	}
}

func (s *session) save() savedSession {
	return savedSession{Cookies: s.jar.cookies, Notes: s.notes, From: s.from, Proof: s.proof}
}

// get opens an address: relative to the site's own, or from a link.
func (s *session) get(address string) (*page, error) {
	return s.open(http.MethodGet, address, nil)
}

// send submits a form, and returns the page that follows.
func (s *session) send(f form) (*page, error) {
	if f.From.Address != "" {
		s.from = f.From
	}
	if s.submit != nil && (!f.Get || s.typed.in(f)) {
		err := s.submit(s.ctx)
		if err != nil {
			return nil, err
		}
		s.submit = nil
	}
	if f.Get && len(f.Fields) > 0 {
		return s.open(http.MethodGet, f.Address+"?"+f.Fields.Encode(), nil)
	}
	if f.Get {
		return s.get(f.Address)
	}
	return s.open(http.MethodPost, f.Address, f.Fields)
}

// skipInterstitials leaves the interstitial pages, and returns the place that the
// login has reached.
func (s *session) skipInterstitials(p *page) (place, error) {
	const most = 5
	for range most {
		where, err := s.place(p)
		if err != nil || where.at != interstitial {
			return where, err
		}
		p, err = s.send(where.next)
		if err != nil {
			return place{}, err
		}
	}
	return place{}, nonsense("a login that leads nowhere")
}

// place returns the step of a login to which a page belongs. A page that the recipe does not
// know and that comes with a refusal is one: the site works, and does not want us.
func (s *session) place(p *page) (place, error) {
	where, err := s.recipe.place(s, p)
	if err != nil && p.refused() && bank.AsFailure(err).Kind == bank.Nonsense {
		return place{}, refusal(p.status)
	}
	return where, err
}

// read opens an address for logged-in customers.
func (s *session) read(address string) (*page, error) {
	p, err := s.get(address)
	if err != nil {
		return nil, err
	}
	return s.inside(p)
}

// inside refuses a page that is not for a logged-in customer.
func (s *session) inside(p *page) (*page, error) {
	where, err := s.place(p)
	if err != nil {
		return nil, err
	}
	if where.at != inside {
		return nil, sessionOver()
	}
	return p, nil
}

// target resolves an address on the bank's host, and refuses every other host.
func (s *session) target(address string) (*url.URL, error) {
	target, err := s.base.Parse(address)
	if err != nil || !sameHost(target, s.base) {
		return nil, nonsense("a link leads away from the bank")
	}
	return target, nil
}

// count counts the requests of one call.
func (s *session) count() error {
	s.pages++
	if s.pages > maxPages {
		return nonsense("more than %d pages in one call", maxPages)
	}
	return nil
}

func (s *session) open(method, address string, fields url.Values) (*page, error) {
	target, err := s.target(address)
	if err != nil {
		return nil, err
	}
	err = s.count()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(s.ctx, method, target.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, nonsense("a link that is not an address")
	}
	request.Header.Set("User-Agent", agent)
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	request.Header.Set("Accept-Language", "fr,en;q=0.5")
	if fields != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	s.from.tell(request)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, psd2.Unreachable(err)
	}
	defer response.Body.Close()
	p, err := readPage(response, s.jar.now())
	if err != nil {
		return nil, err
	}
	s.from = p.referrer()
	return p, nil
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
	redirected(request, before[0])
	return nil
}

// readPage parses an answer as an HTML page.
func readPage(response *http.Response, now time.Time) (*page, error) {
	err := classify(response, now)
	if err != nil {
		return nil, err
	}
	body, err := psd2.ReadBody(response, maxPage)
	if err != nil {
		return nil, err
	}
	text, err := decode(body, response.Header.Get("Content-Type"))
	if err != nil {
		return nil, nonsense("a page in an unknown character set")
	}
	err = refusePartial(response, text)
	if err != nil {
		return nil, err
	}
	document, err := goquery.NewDocumentFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, nonsense("a page that is not HTML")
	}
	return &page{
		Selection: document.Selection, address: response.Request.URL, status: response.StatusCode, policy: policyOf(response.Header, document.Selection),
	}, nil
}

// decode returns a page in UTF-8. The set that the page or its header declares counts for
// the lines that are not UTF-8: a frame and its content may come from two programs.
func decode(body []byte, contentType string) ([]byte, error) {
	text, err := io.ReadAll(notation.Unicode(bytes.NewReader(body)))
	if err != nil || utf8.Valid(text) {
		return text, err
	}
	label := notation.DeclaredCharset(contentType)
	if label == "" || isUnicode(label) {
		label = metaCharset(text)
	}
	set := notation.Charset(label)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, line := range lines {
		lines[i] = notation.UTF8(line, set)
	}
	return bytes.Join(lines, nil), nil
}

// isUnicode reports whether a label names UTF-8 or UTF-16. A page that is neither may name
// its true set itself.
func isUnicode(label string) bool { return strings.HasPrefix(strings.ToLower(label), "utf") }

// metaCharset returns the label of the character set that a page declares itself, or "".
// Browsers look for it in as many bytes.
func metaCharset(text []byte) string {
	tokens := html.NewTokenizer(bytes.NewReader(text[:min(len(text), 1024)]))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		tag := tokens.Token()
		if tag.DataAtom != atom.Meta {
			continue
		}
		for _, attribute := range tag.Attr {
			label := attribute.Val
			if attribute.Key == "content" {
				label = notation.DeclaredCharset(label)
			}
			if (attribute.Key == "charset" || attribute.Key == "content") && label != "" {
				return label
			}
		}
	}
}

// refusePartial refuses a truncated page: its missing rows would not be noticed.
func refusePartial(response *http.Response, body []byte) error {
	if cutOff(body) {
		return &bank.Failure{Kind: bank.Unavailable, Status: response.StatusCode, BankCode: "page cut off"}
	}
	return nil
}

// cutOff reports whether a document has a start tag but no end tag. A fragment has
// neither.
func cutOff(body []byte) bool {
	lower := bytes.ToLower(body)
	return bytes.Contains(lower, []byte("<html")) && !bytes.Contains(lower, []byte("</html"))
}
