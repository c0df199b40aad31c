package website

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// referrer is the page from which a request leaves, as browsers tell it to the site: sites
// refuse a form that comes from nowhere. All our requests stay on the page's own host, where
// the default policy, strict-origin-when-cross-origin, tells the whole address.
type referrer struct {
	Address string `json:"address,omitempty"`
	Policy  string `json:"policy,omitempty"`
}

// The policies of W3C's Referrer Policy that matter on one host; the others tell the whole
// address there.
const (
	policyNone         = "no-referrer"
	policyOrigin       = "origin"
	policyStrictOrigin = "strict-origin"
)

// policies are all known ones. An unknown word changes nothing.
var policies = []string{
	policyNone, policyOrigin, policyStrictOrigin, "no-referrer-when-downgrade", "same-origin", "origin-when-cross-origin",
	"strict-origin-when-cross-origin", "unsafe-url",
}

// oldPolicies are the words that only an element of a page may have.
var oldPolicies = map[string]string{
	"never": policyNone, "default": "strict-origin-when-cross-origin", "always": "unsafe-url", "origin-when-crossorigin": "origin-when-cross-origin",
}

// maxReferrer is the longest address that browsers tell.
const maxReferrer = 4096

// referrer returns the page as one that requests leave.
func (p *page) referrer() referrer {
	address := *p.address
	address.User, address.Fragment, address.RawFragment = nil, "", ""
	return referrer{Address: address.String(), Policy: p.policy}
}

// policyOf returns the policy of a page: its element's, else its header's.
func policyOf(header http.Header, document *goquery.Selection) string {
	policy := headerPolicy(header)
	for _, meta := range document.Find("meta[name][content]").EachIter() {
		if !strings.EqualFold(meta.AttrOr("name", ""), "referrer") {
			continue
		}
		word := strings.ToLower(strings.TrimSpace(meta.AttrOr("content", "")))
		if old, is := oldPolicies[word]; is {
			word = old
		}
		if slices.Contains(policies, word) {
			policy = word
		}
	}
	return policy
}

// headerPolicy returns the last known policy of a header; empty without one.
func headerPolicy(header http.Header) string {
	words := strings.Split(strings.ToLower(strings.Join(header.Values("Referrer-Policy"), ",")), ",")
	for _, word := range slices.Backward(words) {
		word = strings.TrimSpace(word)
		if slices.Contains(policies, word) {
			return word
		}
	}
	return ""
}

// originOf returns the origin of a site as a header has it.
func originOf(site *url.URL) string { return site.Scheme + "://" + site.Host }

// tell adds the headers about the page that a request leaves.
func (r referrer) tell(request *http.Request) {
	request.Header.Del("Referer")
	request.Header.Del("Origin")
	origin := originOf(request.URL)
	switch {
	case r.Address == "" || r.Policy == policyNone:
	case r.Policy == policyOrigin, r.Policy == policyStrictOrigin, len(r.Address) > maxReferrer:
		request.Header.Set("Referer", origin+"/")
	default:
		request.Header.Set("Referer", r.Address)
	}
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		return
	}
	if r.Policy == policyNone {
		origin = "null"
	}
	request.Header.Set("Origin", origin)
}

// redirected gives a request that follows a redirect the headers that a browser sends: still
// those of the page that the first request left, under the policy that the redirect sets.
func redirected(request, first *http.Request) {
	from := referrer{Address: first.Header.Get("Referer")}
	if request.Response != nil {
		from.Policy = headerPolicy(request.Response.Header)
	}
	if first.Header.Get("Origin") == "null" {
		from.Policy = policyNone
	}
	from.tell(request)
	if request.Method == http.MethodGet {
		request.Header.Del("Content-Type")
	}
}
