package website

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/oxlin/oxlin/bank"
)

// nonsense is the failure of a page that is not what the recipe expects.
func nonsense(format string, args ...any) *bank.Failure {
	return &bank.Failure{Kind: bank.Nonsense, Err: fmt.Errorf(format, args...)}
}

// sessionOver is the failure of a page that sends us back to the login.
func sessionOver() *bank.Failure {
	return &bank.Failure{Kind: bank.AccessLost, Err: errors.New("the site wants a new login")}
}

// unreachable wraps an error of the network without the address, which may name
// an account.
func unreachable(err error) *bank.Failure {
	var inAddress *url.Error
	if errors.As(err, &inAddress) {
		err = inAddress.Err
	}
	var failure *bank.Failure
	if errors.As(err, &failure) {
		return failure
	}
	return &bank.Failure{Kind: bank.Unavailable, Err: err}
}

// longestRetry bounds what a site may ask for.
const longestRetry = 24 * time.Hour

// judge says what a status means that no recipe needs to look at; nil for a page
// that has to be read.
func judge(response *http.Response) error {
	failure := &bank.Failure{Status: response.StatusCode}
	switch {
	case response.StatusCode == http.StatusTooManyRequests:
		failure.Kind = bank.RateLimited
	case response.StatusCode >= 500, response.StatusCode == http.StatusRequestTimeout:
		failure.Kind = bank.Unavailable
	case response.StatusCode == http.StatusNotFound, response.StatusCode == http.StatusGone:
		failure.Kind = bank.Nonsense
	case response.StatusCode >= 300 && response.StatusCode < 400:
		// Redirects are followed; one that cannot be leads to a maintenance page.
		failure.Kind = bank.Unavailable
	default:
		return nil
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err == nil && failure.Transient() {
		failure.RetryAfter = min(max(0, time.Duration(min(seconds, 1e6))*time.Second), longestRetry)
	}
	return failure
}

// sign is something on a page that says what is in the way.
type sign struct {
	selector string
	means    bank.FailureKind
}

// failed finds the first sign on a page.
func (p *page) failed(signs []sign) error {
	for _, s := range signs {
		if p.has(s.selector) {
			return &bank.Failure{Kind: s.means, Status: p.status, BankCode: s.selector}
		}
	}
	return nil
}
