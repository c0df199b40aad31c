package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOnlyHTTPSIsServed asks for a token as a client behind our proxy would, by HTTP
// and by HTTPS, and over the platform's own TLS.
func TestOnlyHTTPSIsServed(t *testing.T) {
	t.Parallel()
	grant := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}, "scope": {"users_create"},
	}.Encode()
	flags := []string{"serve", "--sandbox", "--listen", "127.0.0.1:0", "--testbank-listen", "127.0.0.1:0"}

	proxied := run(t, "proxied", append(flags, "--data", t.TempDir(), "--trust-proxy")...).where(t, "platform")
	for scheme, want := range map[string]int{"http": http.StatusForbidden, "https": http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxied+"/token", strings.NewReader(grant))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("X-Forwarded-Proto", scheme)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body := read(t, response)
		refused := strings.Contains(body, `"error":"https_required"`)
		strict := response.Header.Get("Strict-Transport-Security") != ""
		if response.StatusCode != want || refused == (want == http.StatusOK) || strict != (want == http.StatusOK) {
			t.Errorf("a client that came by %s: %d %s, %v", scheme, response.StatusCode, body, response.Header)
		}
	}

	cert, key := certificate(t, "127.0.0.1")
	secure := run(t, "secure", append(flags, "--data", t.TempDir(), "--tls-cert", cert, "--tls-key", key)...).where(t, "platform")
	pool := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatalf("the certificate cannot be read: %v", err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	response, err := client.Post(secure+"/token", "application/x-www-form-urlencoded", strings.NewReader(grant))
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, response); response.StatusCode != http.StatusOK || response.Header.Get("Strict-Transport-Security") == "" || response.ProtoMajor != 2 {
		t.Errorf("over TLS: %s %d %s, %v", response.Proto, response.StatusCode, body, response.Header)
	}
	address := strings.TrimPrefix(secure, "https://")
	for _, row := range []struct {
		fact  string
		offer *tls.Config
		taken bool
	}{
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS 1.2 without HTTP/2", &tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, true},
		{"TLS 1.2 with CBC only", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
		}}, false},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
	} {
		row.offer.RootCAs = pool
		connection, err := tls.Dial("tcp", address, row.offer)
		if (err == nil) != row.taken {
			t.Errorf("%s: %v", row.fact, err)
		}
		if err == nil {
			connection.Close()
		}
	}
}

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// certificate makes one for an address, in two files.
func certificate(t *testing.T, address string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "oxlin"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(address)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
