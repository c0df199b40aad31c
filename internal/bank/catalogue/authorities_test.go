package catalogue_test

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/revocation"
)

// says returns the word of an authority about the certificate 7, signed by itself or by somebody
// else.
func says(t *testing.T, root authority, by *authority, status int, until time.Time) []byte {
	t.Helper()
	template := ocsp.Response{
		Status: status, SerialNumber: big.NewInt(7), ThisUpdate: until.Add(-2 * time.Hour), NextUpdate: until,
		RevokedAt: time.Now().Add(-time.Hour), IssuerHash: crypto.SHA1,
	}
	signer := root
	if by != nil {
		signer, template.Certificate = *by, by.certificate
	}
	text, err := ocsp.CreateResponse(root.certificate, signer.certificate, template, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// journal is a log that several goroutines write.
type journal struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (j *journal) Write(text []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(text)
}

func (j *journal) count(part string) int {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return strings.Count(j.text.String(), part)
}

func TestTheAuthorityOfABanksCertificateIsAsked(t *testing.T) {
	t.Parallel()
	root, other := signs(t, nil, false), signs(t, nil, false)
	inCharge := signs(t, &root, false, func(c *x509.Certificate) {
		c.SerialNumber, c.ExtKeyUsage = big.NewInt(8), []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	})
	another := signs(t, &root, false, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(9) })
	now := time.Now()
	later, past := now.Add(time.Hour), now.Add(-time.Minute)
	for name, c := range map[string]struct {
		word   []byte // nil for 503
		staple []byte
		off    bool // nobody is asked
		public bool // public addresses alone
		asked  int32
		want   string
	}{
		"good":                               {word: says(t, root, nil, ocsp.Good, later), asked: 1},
		"revoked":                            {word: says(t, root, nil, ocsp.Revoked, later), asked: 1, want: "was revoked"},
		"revoked, an old word":               {word: says(t, root, nil, ocsp.Revoked, past), asked: 1, want: "was revoked"},
		"revoked, by whom it put in charge":  {word: says(t, root, &inCharge, ocsp.Revoked, later), asked: 1, want: "was revoked"},
		"revoked, by another of its servers": {word: says(t, root, &another, ocsp.Revoked, later), asked: 1},
		"revoked, by another authority":      {word: says(t, other, nil, ocsp.Revoked, later), asked: 1},
		"unknown":                            {word: says(t, root, nil, ocsp.Unknown, later), asked: 1},
		"good once":                          {word: says(t, root, nil, ocsp.Good, past), asked: 1},
		"no answer":                          {asked: 1},
		"nonsense":                           {word: []byte("<html>"), asked: 1},
		"a word that the bank brings":        {word: says(t, root, nil, ocsp.Revoked, later), staple: says(t, root, nil, ocsp.Good, later)},
		"an old word that the bank brings":   {word: says(t, root, nil, ocsp.Revoked, later), staple: says(t, root, nil, ocsp.Good, past), asked: 1, want: "was revoked"},
		"asking is turned off":               {word: says(t, root, nil, ocsp.Revoked, later), off: true},
		"a responder inside":                 {word: says(t, root, nil, ocsp.Revoked, later), public: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			responder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				question, err := io.ReadAll(r.Body)
				if err == nil {
					_, err = ocsp.ParseRequest(question)
				}
				if err != nil || r.Header.Get("Content-Type") != "application/ocsp-request" {
					t.Errorf("the question: %v", err)
				}
				if c.word == nil {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				_, _ = w.Write(c.word)
			}))
			t.Cleanup(responder.Close)
			leaf := signs(t, &root, false, func(c *x509.Certificate) { c.OCSPServer = []string{"ldap://nowhere", responder.URL} })
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"accounts":[{"resourceId":"1"}]}`)
			}))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{{
				Certificate: [][]byte{leaf.certificate.Raw}, PrivateKey: leaf.key, OCSPStaple: c.staple,
			}}}
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.Config.SetKeepAlivesEnabled(false) // each call is a handshake
			server.StartTLS()
			t.Cleanup(server.Close)
			roots := filepath.Join(t.TempDir(), "roots.pem")
			err := os.WriteFile(roots, pemOf(root.certificate), 0o600)
			if err != nil {
				t.Fatal(err)
			}
			log := &journal{}
			authorities := revocation.New(revocation.Options{Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil)), Local: !c.public})
			if c.off {
				authorities = nil
			}
			loaded := load(t, catalogue.Options{
				Certificates: catalogue.Certificates{RootsFile: roots}, Variables: map[string]string{"organization": "x"}, Authorities: authorities,
				Extra: fstest.MapFS{"own.json": {Data: []byte(strings.ReplaceAll(own, "https://api.own.example", server.URL))}},
			})
			connector, err := loaded.Connector("7", "701")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, err = connector.Accounts(t.Context(), call("token"), "")
				switch {
				case c.want == "" && err != nil:
					t.Error(err)
				case c.want != "" && (err == nil || bank.AsFailure(err).Kind != bank.Unavailable || !strings.Contains(err.Error(), c.want)):
					t.Errorf("%v; want %q", err, c.want)
				}
			}
			if got := asked.Load(); got != c.asked {
				t.Errorf("the authority was asked %d times; want %d", got, c.asked)
			}
			silent := c.want == "" && name != "good" && c.staple == nil && !c.off
			if told := log.count("does not say whether"); told != 1 && silent || told != 0 && !silent {
				t.Errorf("the log tells %d times that the authority is silent", told)
			}
		})
	}
}
