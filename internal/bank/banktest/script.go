package banktest

import (
	"io"
	"net/http"
	"sync"
	"testing"
)

// Exchange is one request that a script expects, and the answer to it.
type Exchange struct {
	// Ask is method and target: "GET /v1/accounts?page=2". Empty matches all.
	Ask string
	// Status is 200 by default.
	Status int
	Header http.Header
	Body   string
}

// Script is a bank that answers from a script, one exchange after the other. An
// unexpected request, or a missing one, is a test error.
type Script struct {
	t         testing.TB
	mu        sync.Mutex
	exchanges []Exchange
	// Requests are the requests received; their bodies are in Bodies.
	Requests []*http.Request
	Bodies   []string
}

// NewScript returns the bank; every exchange must have happened by the end of the test.
func NewScript(t testing.TB, exchanges ...Exchange) *Script {
	s := &Script{t: t, exchanges: exchanges}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, left := range s.exchanges {
			t.Errorf("the bank was never asked: %s", left.Ask)
		}
	})
	return s
}

func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	s.Requests = append(s.Requests, r)
	s.Bodies = append(s.Bodies, string(body))
	asked := r.Method + " " + r.URL.RequestURI()
	if len(s.exchanges) == 0 {
		s.t.Errorf("the bank was asked once more: %s", asked)
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	next := s.exchanges[0]
	s.exchanges = s.exchanges[1:]
	if next.Ask != "" && next.Ask != asked {
		s.t.Errorf("the bank was asked\n%s, want\n%s", asked, next.Ask)
	}
	for name, values := range next.Header {
		w.Header()[name] = values
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/hal+json; charset=utf-8")
	}
	if next.Status != 0 {
		w.WriteHeader(next.Status)
	}
	_, err = io.WriteString(w, next.Body)
	if err != nil {
		s.t.Errorf("answering %s: %v", asked, err)
	}
}
