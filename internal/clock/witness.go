package clock

import (
	"net/http"
)

// Witness returns a transport to banks that hears the time of their answers.
func (c *Clock) Witness(next http.RoundTripper) http.RoundTripper { return witness{c, next} }

type witness struct {
	clock *Clock
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper. An answer with an age comes from a cache, which keeps
// the time at which it was made.
func (w witness) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	if err != nil || response.Header.Get("Age") != "" {
		return response, err
	}
	date, dateErr := http.ParseTime(response.Header.Get("Date"))
	if dateErr == nil {
		w.clock.Heard(date)
	}
	return response, nil
}
