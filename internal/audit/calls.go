package audit

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Calls collects the requests to a bank that belong to one step.
type Calls struct {
	mutex sync.Mutex
	list  []call
}

type call struct {
	at time.Time
	// ours is the id that we gave the request, and theirs the one that the bank gave.
	ours, theirs string
	status       int
}

type callsKey struct{}

// Collect returns a context whose requests to banks are collected. See Watch.
func Collect(ctx context.Context) (context.Context, *Calls) {
	calls := &Calls{}
	return context.WithValue(ctx, callsKey{}, calls), calls
}

// answerIDs are the headers in which banks name the id of an answer. The first one that is
// there counts; most banks repeat our id.
var answerIDs = []string{"X-Request-Id", "X-Correlation-Id", "Correlation-Id", "X-Fapi-Interaction-Id", "Request-Id", "X-Trace-Id"}

// Watch returns a transport to banks that collects its requests.
func Watch(next http.RoundTripper, now func() time.Time) http.RoundTripper {
	return watched{next, now}
}

type watched struct {
	next http.RoundTripper
	now  func() time.Time
}

func (w watched) RoundTrip(request *http.Request) (*http.Response, error) {
	calls, ok := request.Context().Value(callsKey{}).(*Calls)
	if !ok {
		return w.next.RoundTrip(request)
	}
	one := call{at: w.now(), ours: request.Header.Get("X-Request-Id")}
	response, err := w.next.RoundTrip(request)
	if err == nil {
		one.status = response.StatusCode
		i := slices.IndexFunc(answerIDs, func(name string) bool { return response.Header.Get(name) != "" })
		if i >= 0 {
			one.theirs = response.Header.Get(answerIDs[i])
		}
	}
	calls.mutex.Lock()
	defer calls.mutex.Unlock()
	calls.list = append(calls.list, one)
	return response, err
}

// Entries returns an entry for each request with an id, and one for all others together: a
// page of a bank's site is many of them. about holds what they have in common, and err is
// how the step ended.
func (c *Calls) Entries(about Entry, err error) []Entry {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	about.Action = BankAccess
	var entries []Entry
	var rest []call
	for i, one := range c.list {
		if one.ours == "" {
			rest = append(rest, one)
			continue
		}
		e := about
		e.At, e.Outcome, e.Details = one.at, one.outcome(), about.Details.with(Details{
			BankRequest: one.ours, BankAnswer: one.theirs, Status: one.shownStatus(),
		})
		if i == len(c.list)-1 && err != nil && e.Outcome == Done {
			e.Outcome = Failed // the answer came and was of no use
		}
		entries = append(entries, e)
	}
	if len(rest) > 0 {
		last := rest[len(rest)-1]
		e := about
		e.At, e.Outcome, e.Details = rest[0].at, Done, about.Details.with(Details{
			Count: strconv.Itoa(len(rest)), Status: last.shownStatus(),
		})
		if err != nil {
			e.Outcome = Failed
		}
		entries = append(entries, e)
	}
	return entries
}

func (c call) outcome() Outcome {
	switch {
	case c.status == http.StatusUnauthorized || c.status == http.StatusForbidden || c.status == http.StatusTooManyRequests:
		return Refused
	case c.status >= 200 && c.status <= 399:
		return Done
	}
	return Failed
}

// shownStatus is empty for a request without an answer.
func (c call) shownStatus() string {
	if c.status == 0 {
		return ""
	}
	return strconv.Itoa(c.status)
}

// with returns the details with others.
func (d Details) with(others Details) Details {
	all := Details{}
	for _, one := range []Details{d, others} {
		for name, value := range one {
			all[name] = value
		}
	}
	return all
}
