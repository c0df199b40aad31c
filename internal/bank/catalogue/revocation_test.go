package catalogue_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

// authority signs certificates of banks, and their state.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// signs returns a certificate of an authority, of a bank that must bring word about its
// revocation if must is set, or without a parent of an authority.
func signs(t *testing.T, parent *authority, must bool, changes ...func(*x509.Certificate)) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "bank"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if must {
		features, err := asn1.Marshal([]int{5})
		if err != nil {
			t.Fatal(err)
		}
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: features}}
	}
	for _, change := range changes {
		change(template)
	}
	signer := authority{template, key}
	if parent != nil {
		signer = *parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.certificate, key.Public(), signer.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{made, key}
}

func TestABankWhoseCertificateWasRevokedIsRefused(t *testing.T) {
	root := signs(t, nil, false)
	other := signs(t, nil, false)
	now := time.Now()
	word := func(from authority, status int, until time.Time) []byte {
		t.Helper()
		text, err := ocsp.CreateResponse(from.certificate, from.certificate, ocsp.Response{
			Status: status, SerialNumber: big.NewInt(7), ThisUpdate: now.Add(-2 * time.Hour), NextUpdate: until,
			RevokedAt: now.Add(-time.Hour), IssuerHash: crypto.SHA1,
		}, from.key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	later := now.Add(time.Hour)
	for name, c := range map[string]struct {
		must   bool
		staple []byte
		want   string
	}{
		"no word":                                 {false, nil, ""},
		"good":                                    {false, word(root, ocsp.Good, later), ""},
		"revoked":                                 {false, word(root, ocsp.Revoked, later), "was revoked"},
		"revoked, an old word":                    {false, word(root, ocsp.Revoked, now.Add(-time.Minute)), "was revoked"},
		"the word of another authority":           {false, word(other, ocsp.Revoked, later), ""},
		"promised and good":                       {true, word(root, ocsp.Good, later), ""},
		"promised and absent":                     {true, nil, "brings none"},
		"promised and old":                        {true, word(root, ocsp.Good, now.Add(-time.Minute)), "brings none"},
		"promised and unknown to the authority":   {true, word(root, ocsp.Unknown, later), "brings none"},
		"promised, the word of another authority": {true, word(other, ocsp.Good, later), "brings none"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"accounts":[{"resourceId":"1"}]}`)
			}))
			leaf := signs(t, &root, c.must)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{{
				Certificate: [][]byte{leaf.certificate.Raw}, PrivateKey: leaf.key, OCSPStaple: c.staple,
			}}}
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.StartTLS()
			defer server.Close()
			roots := filepath.Join(t.TempDir(), "roots.pem")
			err := os.WriteFile(roots, pemOf(root.certificate), 0o600)
			if err != nil {
				t.Fatal(err)
			}
			loaded := load(t, catalogue.Options{
				Certificates: catalogue.Certificates{RootsFile: roots}, Variables: map[string]string{"organization": "x"},
				Extra: fstest.MapFS{"own.json": {Data: []byte(strings.ReplaceAll(own, "https://api.own.example", server.URL))}},
			})
			connector, err := loaded.Connector("7", "701")
			if err != nil {
				t.Fatal(err)
			}
			_, err = connector.Accounts(t.Context(), call("token"), "")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || bank.AsFailure(err).Kind != bank.Unavailable || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}
