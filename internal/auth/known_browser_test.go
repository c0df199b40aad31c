package auth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// tokenOfForm returns the token of a sign-in page's form.
func tokenOfForm(t *testing.T, page io.Reader) string {
	t.Helper()
	document, err := goquery.NewDocumentFromReader(page)
	if err != nil {
		t.Fatal(err)
	}
	return document.Find("input[name=form]").AttrOr("value", "")
}

// Over HTTPS the cookies have the prefix __Host-. A browser that was known before cookies had it
// stays known.
func TestKnownBrowsersOverHTTPS(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	mux := http.NewServeMux()
	w.NewAuth("https://oxlin.test", nil).Register(mux)
	send := func(method, body string, cookies ...string) *http.Response {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, signinPath("lng", "en"), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, r)
		return answer.Result()
	}
	signin := func(password string, known ...string) *http.Response {
		t.Helper()
		page := send(http.MethodGet, "", known...)
		form := url.Values{"username": {email}, "password": {password}, "form": {tokenOfForm(t, page.Body)}}
		return send(http.MethodPost, form.Encode(), append(known, page.Cookies()[0].Name+"="+page.Cookies()[0].Value)...)
	}
	first := signin(password)
	var value string
	for _, c := range first.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-oxlin_") || c.Path != "/" || c.Domain != "" || !c.Secure || !c.HttpOnly {
			t.Errorf("the cookie is %v", c)
		}
		if c.Name == "__Host-oxlin_device" {
			value = c.Value
		}
	}
	if first.StatusCode != http.StatusSeeOther || value == "" {
		t.Fatalf("the first sign-in: %d, cookies %v", first.StatusCode, first.Cookies())
	}
	for range 100 { // strangers use up what they share
		signin("wrong")
	}
	for known, want := range map[string]int{
		"__Host-oxlin_device=" + value: http.StatusSeeOther, "oxlin_device=" + value: http.StatusSeeOther, "oxlin_device=x": http.StatusTooManyRequests,
	} {
		if got := signin(password, known).StatusCode; got != want {
			t.Errorf("with %.24s: %d, want %d", known, got, want)
		}
	}
}
