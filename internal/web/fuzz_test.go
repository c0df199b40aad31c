package web_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/hosts"
)

// Whatever stands in the headers that a proxy or a stranger writes, the client has the
// address of one machine or none, and no text of theirs becomes a part of it.
func FuzzClientAddress(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "203.0.113.7:1234", "[2001:db8::1%eth0]:443", "::ffff:10.0.0.1", "a, b", ",", "unknown", "10.0.0.1, 203.0.113.7:99999"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, trusted bool) {
		r := &http.Request{RemoteAddr: text, Header: http.Header{"X-Forwarded-For": {text}}}
		address := web.ClientAddress(r, trusted)
		if address == "" {
			return
		}
		ip, err := netip.ParseAddr(address)
		if err != nil || ip.Zone() != "" || ip.Is4In6() {
			t.Fatalf("%q is the address %q: %v", text, address, err)
		}
		network := web.Network(ip)
		_, err = netip.ParseAddr(network)
		_, errNetwork := netip.ParsePrefix(network)
		if err != nil && errNetwork != nil {
			t.Errorf("%q is counted as %q", text, network)
		}
	})
}

// A name of this machine stays one however it is written, and no other becomes one.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "LOCALHOST.:80", "[::1]:8080", "a.localhost", "127.0.0.1.example", "localhost.example:1", "[", ":", "[::1", "::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name := hosts.Name(host)
		if hosts.Loopback(name) && hosts.Loopback(hosts.Name("x"+name+".example")) {
			t.Errorf("%q makes a name of everybody this machine's", host)
		}
	})
}
