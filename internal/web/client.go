package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress returns the IP address of the client of a request, or "" if it is not
// known. If trustProxy is set, it is the one in X-Forwarded-For.
func ClientAddress(r *http.Request, trustProxy bool) string {
	address := r.RemoteAddr
	if trustProxy {
		last := LastHop(r, "X-Forwarded-For")
		if last != "" {
			address = last
		}
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		withPort, err := netip.ParseAddrPort(address)
		if err != nil {
			return ""
		}
		ip = withPort.Addr()
	}
	return ip.WithZone("").Unmap().String()
}

// LastHop returns the last entry of a forwarding header, which the proxy in front of
// this process added. The client may have made up the entries before it.
func LastHop(r *http.Request, header string) string {
	hops := strings.Split(strings.Join(r.Header.Values(header), ","), ",")
	return strings.TrimSpace(hops[len(hops)-1])
}
