package ops_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/ops"
)

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	for _, row := range []struct {
		fact       string
		remote     string
		tls, trust bool
		forwarded  []string
		path       string
		refused    bool
		strict     bool
	}{
		{fact: "this machine", remote: "127.0.0.1:5000"},
		{fact: "this machine, IPv6", remote: "[::1]:5000"},
		{fact: "this machine, IPv4 in IPv6", remote: "[::ffff:127.0.0.1]:5000"},
		{fact: "another machine", remote: "192.0.2.7:5000", refused: true},
		{fact: "another machine, by HTTPS", remote: "192.0.2.7:5000", tls: true, strict: true},
		{fact: "another machine that claims a proxy", remote: "192.0.2.7:5000", forwarded: []string{"https"}, refused: true},
		{fact: "our proxy's client came by HTTPS", remote: "127.0.0.1:5000", trust: true, forwarded: []string{"https"}, strict: true},
		{fact: "our proxy's client came by HTTP", remote: "127.0.0.1:5000", trust: true, forwarded: []string{"http"}, refused: true},
		{fact: "the client's claim stands before our proxy's word", remote: "10.0.0.2:5000", trust: true, forwarded: []string{"https, http"}, refused: true},
		{fact: "the same in two headers", remote: "10.0.0.2:5000", trust: true, forwarded: []string{"https", "http"}, refused: true},
		{fact: "our proxy says nothing", remote: "10.0.0.2:5000", trust: true, refused: true},
		{fact: "a probe of this machine beside a proxy", remote: "127.0.0.1:5000", trust: true},
		{fact: "a probe for life", remote: "192.0.2.7:5000", path: "/healthz"},
		{fact: "a probe for readiness", remote: "192.0.2.7:5000", path: "/readyz"},
		{fact: "no address", remote: "", refused: true},
	} {
		t.Run(row.fact, func(t *testing.T) {
			path := row.path
			if path == "" {
				path = "/token"
			}
			r := httptest.NewRequest(http.MethodPost, path, nil)
			r.RemoteAddr = row.remote
			if row.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for _, value := range row.forwarded {
				r.Header.Add("X-Forwarded-Proto", value)
			}
			reached := false
			w := httptest.NewRecorder()
			ops.HTTPS{TrustProxy: row.trust}.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, r)
			if reached == row.refused {
				t.Fatalf("reached the platform: %v", reached)
			}
			if got := w.Header().Get("Strict-Transport-Security") != ""; got != row.strict {
				t.Errorf("Strict-Transport-Security: %v", got)
			}
			if !row.refused {
				return
			}
			var answer map[string]string
			err := json.Unmarshal(w.Body.Bytes(), &answer)
			if err != nil || w.Code != 403 || answer["error"] != string(oxlin.CodeHTTPSRequired) || answer["message"] == "" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

func TestCertificateIsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	var log strings.Builder
	warnings := func() int { return strings.Count(log.String(), "stays as it was") }
	quiet := slog.New(slog.NewTextHandler(&log, nil))
	_, err := ops.LoadCertificate(cert, key, quiet)
	if err == nil {
		t.Fatal("files that are not there were loaded")
	}
	write(t, cert, key, "first.example")
	certificate, err := ops.LoadCertificate(cert, key, quiet)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", certificate.Config())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	shown := func() string {
		t.Helper()
		connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		return connection.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := shown(); got != "first.example" {
		t.Errorf("the certificate of %s", got)
	}
	write(t, cert, key, "second.example.test")
	if got := shown(); got != "second.example.test" {
		t.Errorf("after the change, the certificate of %s", got)
	}
	if warnings() != 0 {
		t.Errorf("warned without a reason: %s", &log)
	}
	for i, damage := range []struct {
		fact string
		do   func() error
	}{
		{"nothing at all", func() error { return errors.Join(os.Remove(cert), os.Remove(key)) }},
		{"half a file", func() error { return os.WriteFile(cert, []byte("half"), 0o600) }},
		{"another half", func() error { return os.WriteFile(cert, []byte("other half"), 0o600) }},
		{"no key", func() error { write(t, cert, key, "unseen.example"); return os.Remove(key) }},
	} {
		err := damage.do()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := shown(); got != "second.example.test" {
				t.Errorf("with %s, the certificate of %s", damage.fact, got)
			}
		}
		if warnings() != i+1 {
			t.Errorf("with %s there are %d warnings: %s", damage.fact, warnings(), &log)
		}
	}
	write(t, cert, key, "third.example")
	if got := shown(); got != "third.example" || warnings() != 4 {
		t.Errorf("mended, the certificate of %s, and %d warnings", got, warnings())
	}
}

func write(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
}
