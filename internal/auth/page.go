package auth

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth/page"
	"github.com/oxlin/oxlin/internal/web"
)

// view is a page of package page.
type view interface {
	Render(ctx context.Context, w io.Writer, language string) error
}

// writeSignin writes the page with its form, and with a problem unless it is empty.
func (s *Server) writeSignin(w http.ResponseWriter, r *http.Request, request codeRequest, status int, email string, problem page.Problem) {
	form, err := s.signForm(w, r, request, r.URL.RawQuery)
	if err != nil {
		s.refuseSignin(w, r, request, err)
		return
	}
	shown := page.Signin{Client: request.client.Name, Scopes: request.scopes, Email: email, Form: form, Own: ownPage(r, request.client), Ask: userPasskeys{s}.ask(form), Problem: problem}
	writePage(w, r, status, shown, request)
}

// writeRefusal shows the user a refusal that cannot be sent to the client.
func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, refused refusal) {
	writePage(w, r, refused.status, page.Refusal{Code: refused.Code, Description: refused.Description}, codeRequest{})
}

func writePage(w http.ResponseWriter, r *http.Request, status int, shown view, request codeRequest) {
	language := pageLanguage(r)
	var text bytes.Buffer
	err := shown.Render(r.Context(), &text, language)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", language)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors "+request.ancestors()+"; style-src "+
		page.StyleSource+"; script-src 'self'; form-action 'self'"+policySource(request.redirectURI))
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // the connection is gone when it fails
}

// ancestors returns the sources of the pages that may frame the page of a request
// (contract §12.9): those on the origins of the client's redirect targets. Of a client that
// may redirect to any address, it is the one that the request names.
func (c codeRequest) ancestors() string {
	switch {
	case c.redirectURI == nil:
		return web.NoAncestors
	case c.client.AnyRedirectURI:
		return web.Ancestors([]string{c.redirectURI.Scheme + "://" + c.redirectURI.Host})
	}
	return web.Ancestors(c.client.Origins())
}

// policyHost matches hosts that cannot break out of a Content-Security-Policy.
var policyHost = regexp.MustCompile(`^[A-Za-z0-9.\-\[\]:]+$`)

// policySource allows the form to end at the client: Chromium applies form-action
// to the redirect that follows a form.
func policySource(target *url.URL) string {
	switch {
	case target == nil:
		return ""
	case target.Host == "":
		return " " + target.Scheme + ":"
	case policyHost.MatchString(target.Host):
		return " " + target.Scheme + "://" + target.Host
	}
	return ""
}

// pageLanguage returns the page's language. The wishes are lng or locale of the URL
// (contract §9, row 8), ui_locales of OpenID Connect, a list with spaces, and then what
// the browser prefers.
func pageLanguage(r *http.Request) string {
	query := r.URL.Query()
	wishes := []string{query.Get("lng"), query.Get("locale")}
	wishes = append(wishes, strings.Fields(query.Get("ui_locales"))...)
	return page.Texts.Match(append(wishes, r.Header.Get("Accept-Language"))...)
}

// ownPage returns the address of the page of a user's own, for the users of a client.
func ownPage(r *http.Request, client oxlin.Client) string {
	query := url.Values{"client_id": {string(client.ID)}, "lng": {pageLanguage(r)}}
	return accountPath + "?" + query.Encode()
}
