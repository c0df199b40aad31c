package https_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/web/https"
)

func newCertificate(t testing.TB) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// seen returns what the rooms see of a request from a peer.
func seen(t testing.TB, r *http.Request, trusted string) (chain []*x509.Certificate, left http.Header) {
	t.Helper()
	var proxies []netip.Prefix
	if trusted != "" {
		proxies = append(proxies, netip.MustParsePrefix(trusted))
	}
	https.Certificates{Proxies: proxies}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		chain, left = https.ClientCertificate(r.Context()), r.Header
	})).ServeHTTP(httptest.NewRecorder(), r)
	return chain, left
}

func TestWhoseCertificateIsBelieved(t *testing.T) {
	t.Parallel()
	mine, forwarded, above := newCertificate(t), newCertificate(t), newCertificate(t)
	field := func(c *x509.Certificate) string { return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":" }
	leaf, chained := http.Header{"Client-Cert": {field(forwarded)}}, http.Header{"Client-Cert": {field(forwarded)}, "Client-Cert-Chain": {field(above), field(above)}}
	for _, row := range []struct {
		fact, peer, trusted string
		tls                 bool
		header              http.Header
		want                *x509.Certificate
		length              int
	}{
		{"nothing", "192.0.2.7:1", "", false, nil, nil, 0},
		{"a connection of its own", "192.0.2.7:1", "", true, nil, mine, 1},
		{"a header of anybody", "192.0.2.7:1", "", false, leaf, nil, 0},
		{"a header beside a connection of its own", "192.0.2.7:1", "", true, leaf, mine, 1},
		{"a header of another peer than the proxy", "192.0.2.7:1", "192.0.2.8/32", false, leaf, nil, 0},
		{"a header of the proxy", "192.0.2.8:1", "192.0.2.8/32", false, leaf, forwarded, 1},
		{"a chain of the proxy", "192.0.2.8:1", "192.0.2.8/32", false, chained, forwarded, 3},
		{"the proxy's own certificate", "192.0.2.8:1", "192.0.2.8/32", true, nil, nil, 0},
		{"the client's behind the proxy's own", "192.0.2.8:1", "192.0.2.8/32", true, leaf, forwarded, 1},
		{"the proxy over IPv6", "[::ffff:192.0.2.8]:1", "192.0.2.8/32", false, leaf, forwarded, 1},
		{"two certificates", "192.0.2.8:1", "192.0.2.8/32", false, http.Header{"Client-Cert": {field(forwarded), field(mine)}}, nil, 0},
		{"two certificates in one", "192.0.2.8:1", "192.0.2.8/32", false, http.Header{"Client-Cert": {field(forwarded) + ", " + field(mine)}}, nil, 0},
		{"an empty one", "192.0.2.8:1", "192.0.2.8/32", false, http.Header{"Client-Cert": {""}}, nil, 0},
		{"an endless chain", "192.0.2.8:1", "192.0.2.8/32", false, http.Header{
			"Client-Cert": {field(forwarded)}, "Client-Cert-Chain": {strings.Repeat(field(above)+",", 9) + field(above)},
		}, nil, 0},
		{"a chain without a certificate", "192.0.2.8:1", "192.0.2.8/32", false, http.Header{"Client-Cert-Chain": {field(above)}}, nil, 0},
		{"no address", "", "192.0.2.8/32", false, leaf, nil, 0},
	} {
		r := httptest.NewRequest(http.MethodPost, "/token", nil)
		r.RemoteAddr, r.Header = row.peer, row.header.Clone()
		if r.Header == nil {
			r.Header = http.Header{}
		}
		if row.tls {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{mine}}
		}
		chain, left := seen(t, r, row.trusted)
		if len(chain) != row.length || row.length > 0 && !chain[0].Equal(row.want) {
			t.Errorf("%s: %d certificates", row.fact, len(chain))
		}
		if left.Get("Client-Cert") != "" || left.Get("Client-Cert-Chain") != "" {
			t.Errorf("%s: a room reads the header itself", row.fact)
		}
	}
}

func FuzzClientCert(f *testing.F) {
	field := ":" + base64.StdEncoding.EncodeToString(newCertificate(f).Raw) + ":"
	f.Add(field, field)
	f.Add(":eA==:", ",")
	f.Add("::", "")
	f.Fuzz(func(t *testing.T, leaf, chain string) {
		r := httptest.NewRequest(http.MethodPost, "/token", nil)
		r.Header.Set("Client-Cert", leaf)
		r.Header.Set("Client-Cert-Chain", chain)
		found, _ := seen(t, r, "0.0.0.0/0")
		if len(found) > 9 {
			t.Errorf("a chain of %d", len(found))
		}
		for _, certificate := range found {
			if encoded := base64.StdEncoding.EncodeToString(certificate.Raw); !strings.Contains(leaf+","+chain, encoded) {
				t.Error("a certificate that nobody sent")
			}
		}
	})
}
