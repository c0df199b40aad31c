// Package robot plays a customer of the test bank: it fills the forms of the bank's
// pages, as a browser without JavaScript does, until the bank redirects it to another
// host.
//
// It sees the bank's pages only and must never read or change the bank's state.
// Start reading at LogIn.
package robot

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

// Dev returns the answers of the test bank's default customer, keyed by the names of
// the form fields.
func Dev() map[string]string {
	return map[string]string{"login": "dev", "password": "dev", "code": "123456"}
}

// maxPages exceeds the number of pages of every way through the bank.
const maxPages = 8

// ErrStuck reports a page of the bank that the answers do not get past.
var ErrStuck = errors.New("the bank keeps showing a page")

// LogIn opens an address at the bank, fills each page's form from the answers and
// presses its first button. It returns the first address at another host that the bank
// redirects to, without requesting it.
func LogIn(ctx context.Context, address string, answers map[string]string) (*url.URL, error) {
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

// submission returns the request that a browser sends when the user presses the form's
// first button.
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
