package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/health"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/hosts"
	"github.com/oxlin/oxlin/internal/web/https"
)

// checkExposure refuses a sandbox that other machines can reach, unless the operator wants
// that: its passwords are in the documents.
func (s *server) checkExposure() error {
	if !s.flags.Sandbox || s.flags.SandboxPublic {
		return nil
	}
	addresses := []string{s.flags.Listen}
	if s.flags.ConsoleListen != "" {
		addresses = append(addresses, s.flags.ConsoleListen)
	}
	if s.flags.MTLSListen != "" {
		addresses = append(addresses, s.flags.MTLSListen)
	}
	if s.has("testbank") {
		addresses = append(addresses, s.flags.TestbankListen)
	}
	for _, address := range addresses {
		resolved, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return err
		}
		if !https.Loopback(resolved) {
			return fmt.Errorf("a sandbox that listens at %s is open to other machines, and its passwords are public: listen at 127.0.0.1, or give --sandbox-public", address)
		}
	}
	return nil
}

// ownHosts keeps the pages of other sites out, which may call this machine under their own
// name. address is where users and clients reach the part.
func (s *server) ownHosts(address string, open func(*http.Request) bool) hosts.Guard {
	frame := web.Frame{Room: "hosts", Log: s.log.With("part", "hosts"), Now: s.now, TrustProxy: s.flags.TrustProxy}
	return hosts.Guard{Frame: frame, Names: hostNames(address, s.flags.AllowedHost), Open: open}
}

// hostNames returns the names that belong to an address, and further ones.
func hostNames(address string, further []string) []string {
	var names []string
	parsed, err := url.Parse(address)
	if err == nil {
		names = append(names, hosts.Name(parsed.Host))
	}
	for _, name := range further {
		names = append(names, hosts.Name(name))
	}
	return names
}

// checkAllowedHosts refuses what is no name of a host.
func checkAllowedHosts(names []string) error {
	for _, name := range names {
		parsed, err := url.Parse("http://" + name)
		if err != nil || parsed.Host != name || hosts.Name(name) == "" || strings.ContainsAny(name, "*@") {
			return fmt.Errorf("--allowed-host: %q must be a host name, such as oxlin.internal", name)
		}
	}
	return nil
}

// opensAnywhere reports whether a request to a sandbox is served under any name: a probe,
// or a request to a door that demands a client's secret or a token and is given one. No
// other door counts: the page of another site may add such a header too.
func opensAnywhere(r *http.Request) bool {
	path := r.URL.Path
	switch {
	case slices.Contains(health.Probes, path):
		return true
	case slices.Contains([]string{"/token", "/introspect", "/revoke"}, path), r.Method == http.MethodPost && strings.HasSuffix(path, "/widget_session"):
		return true // their secrets are in the body, and without one they refuse
	case strings.HasPrefix(path, "/v2.1/widget/"), strings.HasPrefix(path, "/v2.1/oauth2/"), path == "/v2.1/success":
		return false // pages of the widget
	case path == "/userinfo", strings.HasPrefix(path, "/v2.1/"), strings.HasPrefix(path, "/v2/"), strings.HasPrefix(path, "/v3/"):
		return r.Header.Get("Authorization") != ""
	}
	return false
}

// bankOpensAnywhere is opensAnywhere for the test bank.
func bankOpensAnywhere(r *http.Request) bool {
	switch path := r.URL.Path; {
	case path == "/healthz", path == "/token", path == "/revoke":
		return true
	case strings.HasPrefix(path, "/stet/"):
		return r.Header.Get("Authorization") != ""
	}
	return false
}
