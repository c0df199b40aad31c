package https_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/oxlin/oxlin/internal/revocation"
	"github.com/oxlin/oxlin/internal/web/https"
)

// issuer is an authority with a responder, which says what a test tells it to.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	address     string
	asked       atomic.Int32
	word        atomic.Pointer[[]byte] // nil answers 503
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	a := &issuer{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	a.certificate, a.key = a.issue(t, template)
	responder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.asked.Add(1)
		word := a.word.Load()
		if word == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(*word)
	}))
	t.Cleanup(responder.Close)
	a.address = responder.URL
	return a
}

// issue signs a certificate; the first one is the authority's own.
func (a *issuer) issue(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// write issues a certificate of ours, with its chain.
func (a *issuer) write(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	made, private := a.issue(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "ours"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, OCSPServer: []string{a.address},
	})
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Raw}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})...)
	for file, content := range map[string][]byte{cert: chain, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})} {
		err := os.WriteFile(file, content, 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// says makes the responder say something about a certificate, from an instant for a day.
func (a *issuer) says(t *testing.T, serial int64, status int, from time.Time) []byte {
	t.Helper()
	word, err := ocsp.CreateResponse(a.certificate, a.certificate, ocsp.Response{
		Status: status, SerialNumber: big.NewInt(serial), ThisUpdate: from, NextUpdate: from.Add(24 * time.Hour), RevokedAt: from, IssuerHash: crypto.SHA1,
	}, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.word.Store(&word)
	return word
}

func TestOurCertificateBringsTheWordOfItsAuthority(t *testing.T) {
	t.Parallel()
	a := newIssuer(t)
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	a.write(t, cert, key, 7)
	var log strings.Builder
	certificate, err := https.LoadCertificate(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	authorities := revocation.New(revocation.Options{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Local: true})
	listener, err := tls.Listen("tcp", "127.0.0.1:0", certificate.ServerConfig())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	brings := func(fact string, want []byte, asked int32) {
		t.Helper()
		certificate.Staple(t.Context(), authorities, now)
		connection, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		if got := connection.ConnectionState().OCSPResponse; !bytes.Equal(got, want) {
			t.Errorf("%s: the handshake brings %d bytes; want %d", fact, len(got), len(want))
		}
		if got := a.asked.Load(); got != asked {
			t.Errorf("%s: the authority was asked %d times; want %d", fact, got, asked)
		}
	}
	brings("an authority that is away", nil, 1)
	brings("at once again", nil, 1)
	now = now.Add(5 * time.Minute)
	good := a.says(t, 7, ocsp.Good, now)
	brings("a good word", good, 2)
	now = now.Add(11 * time.Hour)
	brings("before it is renewed", good, 2)
	a.word.Store(nil)
	now = now.Add(2 * time.Hour)
	brings("while the authority is away", good, 3)
	now = now.Add(12 * time.Hour)
	brings("when it is out of date", nil, 4)
	now = now.Add(5 * time.Minute)
	brings("another good word", a.says(t, 7, ocsp.Good, now), 5)
	a.write(t, cert, key, 8)
	renewed := a.says(t, 8, ocsp.Good, now)
	brings("a new certificate", renewed, 6)
	now = now.Add(13 * time.Hour)
	a.says(t, 8, ocsp.Revoked, now)
	brings("a revoked one", nil, 7)
	if !strings.Contains(log.String(), "our certificate was revoked") {
		t.Errorf("the log: %s", &log)
	}
	if n := strings.Count(log.String(), "does not say"); n != 2 { // one for each time that it was away
		t.Errorf("%d warnings that the authority is away: %s", n, &log)
	}
}
