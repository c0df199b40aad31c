package https_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/web/https"
)

func TestCertificateIsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	var log strings.Builder
	warnings := func() int { return strings.Count(log.String(), "stays as it was") }
	quiet := slog.New(slog.NewTextHandler(&log, nil))
	_, err := https.LoadCertificate(cert, key, quiet)
	if err == nil {
		t.Fatal("files that are not there were loaded")
	}
	write(t, cert, key, "first.example")
	certificate, err := https.LoadCertificate(cert, key, quiet)
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
