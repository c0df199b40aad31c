package console_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestTheConsoleIsOpenToItsNetworks(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	w.options.TrustProxy = true
	for _, row := range []struct {
		allow   string
		address string
		open    bool
	}{
		{"", "203.0.113.9", true},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.1", false},
		{"192.0.2.0/24 2001:db8::/32", "2001:db8:1::1", true},
		{"192.0.2.0/24 2001:db8::/32", "2001:db9::1", false},
		{"192.0.2.0/24", "::ffff:192.0.2.7", true},
		{"192.0.2.0/24", "no address", false},
		{"192.0.2.0/24", "192.0.2.1, 203.0.113.9", false},
		{"127.0.0.0/8", "", true},
	} {
		w.options.Allow = nil
		for _, network := range strings.Fields(row.allow) {
			w.options.Allow = append(w.options.Allow, netip.MustParsePrefix(network))
		}
		w.url = serve(t, w.options)
		for _, request := range []string{"GET /console", "GET /console/login", "POST /console/login", "GET /console/nothing", "POST /console/logout"} {
			method, path, _ := strings.Cut(request, " ")
			if path == "/console/logout" && row.open {
				continue
			}
			body := ""
			if method == http.MethodPost {
				body = "password=" + password
			}
			p := w.send(t, method, path, body, "X-Forwarded-For", row.address)
			if open := p.StatusCode != http.StatusForbidden; open != row.open {
				t.Errorf("%s from %q with %q: %d", request, row.address, row.allow, p.StatusCode)
			}
			if !row.open && len(p.Cookies()) > 0 {
				t.Errorf("%s from %q with %q sets a cookie", request, row.address, row.allow)
			}
		}
	}
}
