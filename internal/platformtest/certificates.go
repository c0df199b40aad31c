package platformtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority issues certificates.
type Authority struct {
	t           testing.TB
	now         time.Time
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	chain       [][]byte // from this authority up to the one below the root
}

// NewAuthority returns an authority with a certificate that it has signed itself, valid around now.
func NewAuthority(t testing.TB, now time.Time) *Authority {
	t.Helper()
	a := &Authority{t: t, now: now}
	a.certificate, a.key = a.sign(nil, authorityTemplate("Root"))
	return a
}

// Below returns an authority whose certificate this one has signed.
func (a *Authority) Below() *Authority {
	a.t.Helper()
	below := &Authority{t: a.t, now: a.now}
	below.certificate, below.key = a.sign(a, authorityTemplate("Intermediate"))
	below.chain = append([][]byte{below.certificate.Raw}, a.chain...)
	return below
}

func authorityTemplate(name string) x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId: []byte(name),
	}
}

// Issue returns a certificate for clients and for servers at 127.0.0.1, which change may change,
// with its chain.
func (a *Authority) Issue(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	leaf, key := a.sign(a, leafTemplate(change))
	return tls.Certificate{Certificate: append([][]byte{leaf.Raw}, a.chain...), PrivateKey: key, Leaf: leaf}
}

// SelfSigned returns such a certificate of nobody's.
func SelfSigned(t testing.TB, now time.Time, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	leaf, key := (&Authority{t: t, now: now}).sign(nil, leafTemplate(change))
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

func leafTemplate(change func(*x509.Certificate)) x509.Certificate {
	template := x509.Certificate{
		Subject: pkix.Name{CommonName: "app"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(&template)
	}
	return template
}

// sign signs a template with a new key; nil signs with that key itself. Without dates, it is
// valid for a day before and after now.
func (a *Authority) sign(by *Authority, template x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = a.now.AddDate(0, 0, -1), a.now.AddDate(0, 0, 1)
	}
	parent, signer := &template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificate, key
}

// Pool returns the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Revoke returns the authority's list of revoked certificates, which lasts until a moment.
func (a *Authority) Revoke(until time.Time, revoked ...*x509.Certificate) []byte {
	a.t.Helper()
	template := x509.RevocationList{Number: big.NewInt(1), ThisUpdate: until.AddDate(0, 0, -2), NextUpdate: until}
	for _, certificate := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: certificate.SerialNumber, RevocationTime: a.now.Add(-time.Hour),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &template, a.certificate, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// PEM returns the authority's certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// CertificatePEM returns a certificate and its key.
func CertificatePEM(t testing.TB, certificate tls.Certificate) (cert, key []byte) {
	t.Helper()
	for _, der := range certificate.Certificate {
		cert = append(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	private, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}
