package main

import (
	"github.com/oxlin/oxlin/internal/portal"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// sandboxClients are the clients that auth creates in a sandbox.
var sandboxClients = []portal.Client{
	{ID: "sandbox-licensed", Secret: "sandbox-licensed-secret", Description: "has a PSD2 agreement of its own: it may do everything, and its users accept no terms of ours."},
	{ID: "sandbox", Secret: "sandbox-secret", Description: "has none: its users accept our terms in the widget, which also does for it what needs an agreement."},
}

// newPortal makes the pages that teach the platform, from what the API says of itself.
func (s *server) newPortal(document []byte) *portal.Portal {
	options := portal.Options{
		PublicURL: s.publicURL, Document: document, TrustProxy: s.flags.TrustProxy, Now: s.now, Log: s.log.With("part", "portal"),
		Sentence: func(language, code string) string { return page.Texts.Get(language, "error."+code, nil) },
	}
	if s.flags.Sandbox {
		options.Clients = sandboxClients
	}
	return portal.New(options)
}
