package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// wire is a proxy between the platform and its bank that records every secret that the
// bank issues.
type wire struct {
	mu      sync.Mutex
	secrets map[string]string
	// newest are the last secrets of each name.
	newest map[string]string
	target *url.URL
}

// tapped runs a test bank behind a wire, and returns the wire's address.
func tapped(t *testing.T) (*wire, string) {
	t.Helper()
	listen := freeAddress(t)
	w := &wire{secrets: map[string]string{}, newest: map[string]string{}, target: &url.URL{Scheme: "http", Host: listen}}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(w.target) },
		ModifyResponse: w.note,
	})
	t.Cleanup(server.Close)
	bank := run(t, "bank", "testbank", "--control", "--allow-private-file-urls", "--listen", listen, "--public-url", server.URL)
	bank.where(t, "test bank")
	return w, server.URL
}

func (w *wire) note(r *http.Response) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, cookie := range r.Cookies() {
		w.keep("cookie "+cookie.Name, cookie.Value)
	}
	location, err := r.Location()
	if err == nil {
		w.keep("authorisation code", location.Query().Get("code"))
	}
	if r.Request.URL.Path != "/token" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var tokens map[string]any
	err = json.Unmarshal(body, &tokens)
	for name, value := range tokens {
		text, ok := value.(string)
		if ok && strings.HasSuffix(name, "token") {
			w.keep(name, text)
		}
	}
	return err
}

// keep records a secret; a value too short to be a secret is ignored.
func (w *wire) keep(name, value string) {
	if len(value) >= 16 {
		w.secrets[value] = "the bank's " + name
		w.newest[name] = value
	}
}

// last is the newest secret of a name.
func (w *wire) last(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest[name]
}

// searches returns a search for each secret recorded so far.
func (w *wire) searches() []search {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []search
	for value, name := range w.secrets {
		all = append(all, searchFor(name, value))
	}
	return all
}
