package website

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// nonsense returns the failure of a page that the recipe does not expect.
func nonsense(format string, args ...any) *bank.Failure {
	return psd2.Nonsense(fmt.Errorf(format, args...))
}

// sessionOver returns the failure of a page that demands a new login.
func sessionOver() *bank.Failure {
	return &bank.Failure{Kind: bank.AccessLost, Err: errors.New("the site wants a new login")}
}

// classify returns the failure of a status that no recipe needs to see; nil for a page
// to be read.
func classify(response *http.Response, now time.Time) error {
	failure := &bank.Failure{Status: response.StatusCode}
	kind, transient := psd2.Transient(response.StatusCode)
	switch {
	case transient:
		// Redirects are followed; one that cannot be followed leads to a maintenance page.
		failure.Kind = kind
		failure.RetryAfter = psd2.RetryAfter(response.Header, now)
	case response.StatusCode == http.StatusNotFound, response.StatusCode == http.StatusGone:
		failure.Kind = bank.Nonsense
	default:
		return nil
	}
	return failure
}

// refusal returns the failure of a page with the status of a refusal, which no recipe knows. It
// is no outage: the site answers, and repeating the same changes nothing.
func refusal(status int) *bank.Failure {
	return &bank.Failure{Kind: bank.Refused, Status: status, BankCode: "page refused"}
}

// ofOnePage reports whether a failure may concern one page of the site alone.
func ofOnePage(err error) bool {
	kind := bank.AsFailure(err).Kind
	return kind == bank.Nonsense || kind == bank.Refused
}

// marker is an element of a page that announces a failure.
type marker struct {
	selector string
	means    bank.FailureKind
}

// failed returns the failure of the first marker on a page.
func (p *page) failed(markers []marker) error {
	for _, m := range markers {
		if p.has(m.selector) {
			return &bank.Failure{Kind: m.means, Status: p.status, BankCode: m.selector}
		}
	}
	return nil
}
