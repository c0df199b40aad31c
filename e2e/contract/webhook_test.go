package contract_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// webhooks is an integrator's server that receives webhooks.
type webhooks struct {
	testing.TB
	address string
	told    chan any
}

// webhooks starts the server. The first deliveries get these answers, later ones 204.
func (s *scene) webhooks(answers ...int) *webhooks {
	w := &webhooks{TB: s.TB, told: make(chan any, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		decoder := json.NewDecoder(r.Body)
		decoder.UseNumber()
		var body any
		err := decoder.Decode(&body)
		if err != nil || r.Method != http.MethodPost {
			s.Errorf("webhook by %s: %v", r.Method, err)
		}
		w.told <- body
		status := http.StatusNoContent
		if len(answers) > 0 {
			status, answers = answers[0], answers[1:]
		}
		response.WriteHeader(status)
	}))
	s.Cleanup(server.Close)
	w.address = server.URL + "/hook"
	return w
}

// next waits for the next delivery.
func (w *webhooks) next() value {
	w.Helper()
	select {
	case body := <-w.told:
		return value{w.TB, "webhook", body, true}
	case <-time.After(patience):
		w.Fatal("waited too long for a webhook")
		panic("unreachable")
	}
}
