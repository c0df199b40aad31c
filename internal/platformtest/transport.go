package platformtest

import (
	"net/http"
	"slices"
	"sync"
)

// Transport records the requests to the bank. Several goroutines may use it; the zero
// value is ready.
type Transport struct {
	mutex sync.Mutex
	calls []string
	hook  func(*http.Request) *http.Response
}

// Hook calls a function before each later request. If it returns a response, the bank does
// not receive the request. Hook(nil) ends it.
func (t *Transport) Hook(hook func(*http.Request) *http.Response) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.hook = hook
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mutex.Lock()
	t.calls = append(t.calls, r.Method+" "+r.URL.Path)
	hook := t.hook
	t.mutex.Unlock()
	if hook != nil {
		if response := hook(r); response != nil {
			response.Request = r
			return response, nil
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// List returns the requests so far, such as "POST /site/securite".
func (t *Transport) List() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.calls)
}

// Len returns the number of requests so far.
func (t *Transport) Len() int { return len(t.List()) }

// Count returns how often one request was sent.
func (t *Transport) Count(call string) int {
	n := 0
	for _, c := range t.List() {
		if c == call {
			n++
		}
	}
	return n
}
