// Package hosts refuses requests for host names that are not the platform's.
//
// A page of another site can let its own name point to this machine (DNS rebinding): the
// browser then takes the platform for that site and shows the page its answers. The Host
// header still has the name of the site.
//
// It must never trust a name because it resolves to this machine. Start reading at Guard.
package hosts

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// Guard refuses other names than its own and those of loopback addresses.
type Guard struct {
	// Frame surrounds the refusals.
	Frame web.Frame
	// Names are host names as Name returns them.
	Names []string
	// Open reports whether a request is served under any name, because it proves by a
	// secret of its own that no other site's page has sent it. It may be nil.
	Open func(*http.Request) bool
}

// Require returns next behind the guard.
func (g Guard) Require(next http.Handler) http.Handler {
	refusal := g.Frame.Handler(http.HandlerFunc(refuse))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := Name(r.Host)
		if Loopback(name) || slices.Contains(g.Names, name) || g.Open != nil && g.Open(r) {
			next.ServeHTTP(w, r)
			return
		}
		refusal.ServeHTTP(w, r)
	})
}

// Name returns the host name or address in a Host header: in small letters, without the
// port and the dot at the end.
func Name(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// Loopback reports whether a name stands for this machine in every network (RFC 6761
// §6.3): nobody can make it point elsewhere, or let it belong to their site.
func Loopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Unmap().IsLoopback()
}

func refuse(w http.ResponseWriter, r *http.Request) {
	entry := oxlin.Catalogue[oxlin.CodeHostRefused]
	web.LineOf(r.Context()).Code = oxlin.CodeHostRefused
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(entry.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{ // fails only if the client has gone
		"error": string(oxlin.CodeHostRefused), "error_description": string(oxlin.CodeHostRefused), "message": entry.Message,
	})
}
