package main

import (
	"bytes"
	"net/http"
	"net/url"

	"github.com/oxlin/oxlin/portal"
	"github.com/oxlin/oxlin/widget/page"
)

// sandboxClients are those that auth makes in a sandbox.
var sandboxClients = []portal.Client{
	{ID: "sandbox-licensed", Secret: "sandbox-licensed-secret", Says: "has a PSD2 agreement of its own: it may do everything, and its users accept no terms of ours."},
	{ID: "sandbox", Secret: "sandbox-secret", Says: "has none: its users accept our terms in the widget, which also does for it what needs an agreement."},
}

// newPortal makes the pages that teach the platform, from what the API says of itself.
func (s *server) newPortal(rest http.Handler) (*portal.Portal, error) {
	answer := described{header: http.Header{}}
	rest.ServeHTTP(&answer, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/v2.1/openapi.yaml"}, Header: http.Header{}})
	options := portal.Options{
		PublicURL: s.publicURL, Document: answer.Bytes(), Log: s.log.With("part", "portal"),
		Sentence: func(language, code string) string { return page.Text(language, "error."+code, nil) },
	}
	if s.flags.Sandbox {
		options.Clients = sandboxClients
	}
	return portal.New(options)
}

// described takes the API's answer down.
type described struct {
	bytes.Buffer
	header http.Header
}

func (d *described) Header() http.Header { return d.header }

func (d *described) WriteHeader(int) {}
