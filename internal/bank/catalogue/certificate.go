package catalogue

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/revocation"
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

// transport presents our certificate to every bank that requests one, and refuses one whose own was
// revoked.
func (id identity) transport(now func() time.Time, authorities *revocation.Authorities) http.RoundTripper {
	if now == nil {
		now = time.Now
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: id.roots,
		VerifyConnection: func(bank tls.ConnectionState) error { return checkRevocation(bank, now(), authorities) },
	}
	if id.client != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*id.client}
	}
	return transport
}

// checkRevocation refuses a bank whose certificate has been revoked. The bank itself may bring the
// word of its authority (RFC 6066 §8), and a certificate that promises that (RFC 7633) is refused
// without it. Else the authority is asked; one that does not answer does not close the way to the
// bank.
func checkRevocation(bank tls.ConnectionState, now time.Time, authorities *revocation.Authorities) error {
	if len(bank.VerifiedChains) == 0 || len(bank.VerifiedChains[0]) < 2 {
		return nil // the authority itself, which is trusted by name
	}
	certificate, authority := bank.VerifiedChains[0][0], bank.VerifiedChains[0][1]
	word, err := revocation.Read(bank.OCSPResponse, certificate, authority, now)
	if err == nil && word.Status == ocsp.Revoked {
		return revokedError(word.RevokedAt)
	}
	if err == nil && revocation.Good(word, now) {
		return nil
	}
	if slices.ContainsFunc(certificate.Extensions, promisesRevocation) {
		return errors.New("the bank's certificate promises word about its revocation, and the bank brings none")
	}
	at, revoked := authorities.Revoked(certificate, authority)
	if revoked {
		return revokedError(at)
	}
	return nil
}

func revokedError(at time.Time) error {
	return fmt.Errorf("the bank's certificate was revoked on %s", at.UTC().Format(time.DateOnly))
}

// promisesRevocation reports whether an extension of a certificate obliges its server to bring
// word about its revocation: the feature 5, status_request.
func promisesRevocation(extension pkix.Extension) bool {
	var features []int
	_, err := asn1.Unmarshal(extension.Value, &features)
	return err == nil && extension.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}) && slices.Contains(features, 5)
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
