// Package https keeps plain HTTP out, and holds certificates that are renewed while
// the process runs.
//
// It must never let a request from another machine through that was sent in clear,
// except to the addresses of Guard.Open. Start reading at Guard.
package https

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// Guard refuses plain HTTP from other machines.
type Guard struct {
	// Frame surrounds the refusals. If it trusts the proxy, X-Forwarded-Proto is believed.
	Frame web.Frame
	// Open lists paths that are served over plain HTTP, for probes that carry no secret.
	Open []string
}

// strict keeps browsers on HTTPS for a year (RFC 6797).
const strict = "max-age=31536000"

// Require returns next behind the guard. A refused request is not read: a client that
// sends credentials in clear has to notice.
func (g Guard) Require(next http.Handler) http.Handler {
	refusal := g.Frame.Handler(http.HandlerFunc(refuse))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.secure(r):
			w.Header().Set("Strict-Transport-Security", strict)
		case g.local(r) || slices.Contains(g.Open, r.URL.Path):
		default:
			refusal.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure reports whether a request came over HTTPS, to this process or to the proxy in
// front of it.
func (g Guard) secure(r *http.Request) bool {
	return r.TLS != nil || g.Frame.TrustProxy && forwardedProto(r) == "https"
}

// local reports whether a request never left this machine. A forwarded request did.
func (g Guard) local(r *http.Request) bool {
	if g.Frame.TrustProxy && forwardedProto(r) != "" {
		return false
	}
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

func forwardedProto(r *http.Request) string {
	return strings.ToLower(web.LastHop(r, "X-Forwarded-Proto"))
}

func refuse(w http.ResponseWriter, r *http.Request) {
	entry := oxlin.Catalogue[oxlin.CodeHTTPSRequired]
	web.LineOf(r.Context()).Code = oxlin.CodeHTTPSRequired
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Connection", "close")
	w.WriteHeader(entry.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{ // fails only if the client has gone
		"error": string(oxlin.CodeHTTPSRequired), "error_description": string(oxlin.CodeHTTPSRequired), "message": entry.Message,
	})
}
