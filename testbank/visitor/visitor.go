// Package visitor plays a customer of the test bank in front of a browser: it
// fills the forms of the bank's pages, as any no-JavaScript browser would, until
// the bank sends it away.
//
// It knows the bank by its pages alone, and must never reach into its state.
// Start reading at Visit.
package visitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// Dev are the answers of the test bank's default customer, by the names of the
// form fields.
func Dev() map[string]string {
	return map[string]string{"login": "dev", "password": "dev", "code": "123456"}
}

// maxPages is more than any journey through the bank has.
const maxPages = 8

// ErrStuck says that the bank shows a page that the answers do not lead away from.
var ErrStuck = errors.New("the bank keeps showing a page")

// Visit opens an address at the bank, fills each page's form from the answers and
// presses its first button. It gives the address that the bank redirects to
// outside of itself, without going there.
func Visit(ctx context.Context, address string, answers map[string]string) (*url.URL, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	start, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	var away *url.URL
	browser := &http.Client{
		Jar: jar,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if r.URL.Host != start.Host {
				away = r.URL
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	shown := ""
	for range maxPages {
		response, err := browser.Do(request)
		if err != nil {
			return nil, err
		}
		if away != nil {
			return away, response.Body.Close()
		}
		page, err := goquery.NewDocumentFromReader(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return nil, err
		}
		title := strings.TrimSpace(page.Find("h1").Text())
		if complaint := strings.TrimSpace(page.Find("[role=alert]").Text()); complaint != "" {
			return nil, fmt.Errorf("%w: %s: %s", ErrStuck, title, complaint)
		}
		shown = title
		request, err = submission(ctx, response.Request.URL, page.Find("form").First(), answers)
		if err != nil {
			return nil, fmt.Errorf("page %q: %w", title, err)
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrStuck, shown)
}

// submission is what a browser sends when the form's first button is pressed.
func submission(ctx context.Context, page *url.URL, form *goquery.Selection, answers map[string]string) (*http.Request, error) {
	if form.Length() == 0 {
		return nil, fmt.Errorf("%w: it has no form", ErrStuck)
	}
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		name := input.AttrOr("name", "")
		value, given := answers[name]
		if !given {
			value = input.AttrOr("value", "")
		}
		values.Set(name, value)
	})
	button := form.Find("[type=submit]").First()
	if name := button.AttrOr("name", ""); name != "" {
		values.Set(name, button.AttrOr("value", ""))
	}
	target, err := page.Parse(form.AttrOr("action", ""))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request, nil
}
