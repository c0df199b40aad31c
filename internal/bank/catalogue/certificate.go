package catalogue

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Certificates are our eIDAS certificates as PEM files; empty without certificates.
// Each file may also contain the chain.
type Certificates struct {
	// The QWAC identifies us in TLS.
	QWACFile, QWACKeyFile string
	// The QSEAL signs our messages.
	QSEALFile, QSEALKeyFile string
	// RootsFile holds the certificate authorities trusted for banks; empty for the
	// machine's.
	RootsFile string
}

// identity identifies us to the banks.
type identity struct {
	client *tls.Certificate
	roots  *x509.CertPool // nil for the machine's
	seal   psd2.Seal
	// organization is the organizationIdentifier of the QWAC: PSDFR-ACPR-12345.
	organization string
}

func (c Certificates) load() (identity, error) {
	var id identity
	if c.QWACFile != "" {
		pair, err := tls.LoadX509KeyPair(c.QWACFile, c.QWACKeyFile)
		if err != nil {
			return identity{}, fmt.Errorf("QWAC: %w", err)
		}
		id.client, id.organization = &pair, organization(pair.Leaf)
	}
	if c.QSEALFile != "" {
		pair, err := tls.LoadX509KeyPair(c.QSEALFile, c.QSEALKeyFile)
		if err != nil {
			return identity{}, fmt.Errorf("QSEAL: %w", err)
		}
		key, ok := pair.PrivateKey.(crypto.Signer)
		if !ok {
			return identity{}, fmt.Errorf("QSEAL: the key cannot sign")
		}
		id.seal = psd2.Seal{Key: key, Certificate: pair.Leaf}
	}
	if c.RootsFile != "" {
		text, err := os.ReadFile(c.RootsFile)
		if err != nil {
			return identity{}, fmt.Errorf("roots: %w", err)
		}
		id.roots = x509.NewCertPool()
		if !id.roots.AppendCertsFromPEM(text) {
			return identity{}, fmt.Errorf("roots: no certificate in %s", c.RootsFile)
		}
	}
	return id, nil
}

// organizationIdentifier is the attribute of ETSI TS 119 495 in the subject.
var organizationIdentifier = asn1.ObjectIdentifier{2, 5, 4, 97}

func organization(certificate *x509.Certificate) string {
	for _, attribute := range certificate.Subject.Names {
		value, ok := attribute.Value.(string)
		if ok && attribute.Type.Equal(organizationIdentifier) {
			return value
		}
	}
	return ""
}

// transport presents our certificate to every bank that requests one.
func (id identity) transport() http.RoundTripper {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: id.roots}
	if id.client != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*id.client}
	}
	return transport
}

// passingKey is a key without a certificate: one for the process, generated on first
// use, because generating it is slow and most processes never sign.
type passingKey struct{}

var makePassingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Public generates the key; it returns nil if the machine has no randomness.
func (passingKey) Public() crypto.PublicKey {
	key, err := makePassingKey()
	if err != nil {
		return nil
	}
	return key.Public()
}

// Sign signs as rsa.PrivateKey does.
func (passingKey) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	key, err := makePassingKey()
	if err != nil {
		return nil, err
	}
	return key.Sign(random, digest, options)
}
