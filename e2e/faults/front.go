package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
)

// front is the public address of the nodes. It sends a request to a node that listens, as a
// load balancer does, and looks at each answer.
type front struct {
	server *httptest.Server
	nodes  atomic.Pointer[[]*node]
	turn   atomic.Uint64
	result *result
	// bankFails is set if the bank gives reason for an error of its own.
	bankFails bool
}

func newFront(result *result, bankFails bool) *front {
	f := &front{result: result, bankFails: bankFails}
	f.nodes.Store(&[]*node{})
	f.server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.Host = r.In.Host
		},
		Transport: f, ModifyResponse: f.look, ErrorLog: silent,
		// An answer that is lost stays lost: the caller sees its connection end.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	f.server.Config.ErrorLog = silent
	return f
}

// RoundTrip implements http.RoundTripper.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
	}
	nodes, first := *f.nodes.Load(), f.turn.Add(1)
	var failed error
	for i := range nodes {
		once := r.Clone(r.Context())
		once.URL.Host = nodes[(int(first)+i)%len(nodes)].address
		once.Body = io.NopCloser(bytes.NewReader(body))
		answer, err := inner.RoundTrip(once)
		var broken *net.OpError
		if err == nil || !errors.As(err, &broken) || broken.Op != "dial" {
			return answer, err
		}
		failed = err
	}
	return nil, failed
}

// inner is the transport to the nodes.
var inner = &http.Transport{MaxIdleConnsPerHost: 16}

// look holds an answer to the promise that a failure of the platform is a 503 that names when
// to come back.
func (f *front) look(r *http.Response) error {
	if r.StatusCode < http.StatusInternalServerError {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var said struct {
		Code string `json:"error"`
	}
	_ = json.Unmarshal(body, &said)
	page := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
	f.result.count(strings.TrimSpace("answers " + r.Status[:3] + " " + said.Code))
	switch {
	case r.StatusCode == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != "" && (said.Code == "unavailable" || page):
	case f.bankFails && (said.Code == "provider_unavailable" || said.Code == "bank_error"):
	default:
		f.result.violate(everyJourney, "%s %s: %s, Retry-After %q: %.300s", r.Request.Method, r.Request.URL.Path, r.Status, r.Header.Get("Retry-After"), body)
	}
	return nil
}
