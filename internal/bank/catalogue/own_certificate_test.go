package catalogue_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

// pair is a certificate with its key, as texts of PEM.
type pair struct{ certificate, key string }

// newPair makes a certificate for an organisation, that ends on a day.
func newPair(t *testing.T, organisation string, until time.Time, sign any) pair {
	t.Helper()
	var public any
	switch key := sign.(type) {
	case *rsa.PrivateKey:
		public = key.Public()
	case *ecdsa.PrivateKey:
		public = key.Public()
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: until,
		Subject: pkix.Name{CommonName: organisation, ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: organisation}}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, sign)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(sign)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}

// far is a day on which no certificate of the tests has ended.
var far = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// demanding is a bank that ends the handshake of everybody who does not show one certificate.
func demanding(t *testing.T, certificate string, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	block, _ := pem.Decode([]byte(certificate))
	server := httptest.NewUnstartedServer(answer)
	server.TLS = &tls.Config{
		ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if !bytes.Equal(raw[0], block.Bytes) {
				return errors.New("this certificate is not the one that was registered")
			}
			return nil
		},
	}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

const berlinOwn = `{"id":"8","name":"Eight","base_url":"https://eight.example","country_code":"DEU",
	"certificates":{"qwac":"{{eight_qwac}}","qwac_key":"{{eight_qwac_key}}","qseal":"{{eight_qseal}}","qseal_key":"{{eight_qseal_key}}"},
	"channel_definitions":[{"id":"801","mode":"REDIRECT","account_types":["CHECKINGS"],"connector":"berlingroup","config":{
		"base_url":"BANK/v1","consent_days":90,"unattended_per_day":4,"ids":"STABLE","history":{"days":90},
		"signing":{"algorithm":"rsa-sha256","headers":["digest","x-request-id"],"key_id":"k","digest_on_get":true,"certificate":{"form":"der"}}}}]}`

const britishOwn = `{"id":"9","name":"Nine","base_url":"https://nine.example","country_code":"GBR","channel_definitions":[
	{"id":"901","mode":"REDIRECT","account_types":["CHECKINGS"],"connector":"openbanking","config":{
		"version":"4.0","base_url":"BANK/aisp","login":{"issuer":"https://nine.example","jwks_url":"BANK/keys"},
		"oauth":{"authorize_url":"https://nine.example/a","token_url":"BANK/token","client_id":"us","client_authentication":"tls_client_auth","scopes":"openid accounts"},
		"consent_days":90,"unattended_per_day":4,"history":{"days":90},"ids":"STABLE"}}]}`

// Banks of three standards each take one certificate alone: one is named by the file of its bank, one by the
// operator's settings, and the installation's own serves the third.
func TestABankMayWantACertificateOfItsOwn(t *testing.T) {
	seal, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]pair{}
	for _, name := range []string{"installation", "eight", "nine"} {
		pairs[name] = newPair(t, "PSD-"+name, far, ecKey(t))
	}
	sealed := newPair(t, "PSD-seal", far, seal)
	stet := demanding(t, pairs["installation"].certificate, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"accounts":[{"resourceId":"1"}]}`)
	})
	shown := ""
	berlin := demanding(t, pairs["eight"].certificate, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/accounts" {
			shown = r.Header.Get("Tpp-Signature-Certificate")
		}
		_, _ = io.WriteString(w, `{"accounts":[{"resourceId":"1","iban":"DE02120300000000202051","currency":"EUR"}]}`)
	})
	british := demanding(t, pairs["nine"].certificate, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Data":{"Account":[{"AccountId":"1","Currency":"GBP"}]},"Links":{"Self":"x"},"Meta":{}}`)
	})
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var roots string
	for _, server := range []*httptest.Server{stet, berlin, british} {
		roots += string(pemOf(server.Certificate()))
	}
	options := catalogue.Options{
		Certificates: catalogue.Certificates{
			QWACFile: write("qwac.pem", pairs["installation"].certificate), QWACKeyFile: write("qwac-key.pem", pairs["installation"].key), RootsFile: write("roots.pem", roots),
		},
		Extra: fstest.MapFS{
			"seven.json": {Data: []byte(strings.ReplaceAll(own, "https://api.own.example", stet.URL))},
			"eight.json": {Data: []byte(strings.ReplaceAll(berlinOwn, "BANK", berlin.URL))},
			"nine.json":  {Data: []byte(strings.ReplaceAll(britishOwn, "BANK", british.URL))},
		},
		Variables: map[string]string{
			"eight_qwac": pairs["eight"].certificate, "eight_qwac_key": pairs["eight"].key, "eight_qseal": sealed.certificate, "eight_qseal_key": sealed.key,
			"9.qwac": pairs["nine"].certificate, "9.qwac_key": pairs["nine"].key, "9.qseal": sealed.certificate, "9.qseal_key": sealed.key,
		},
	}
	c := load(t, options)
	for _, id := range []oxlin.ProviderID{"7", "8", "9"} {
		connector, err := c.Connector(id, oxlin.ChannelDefinitionID(id+"01"))
		if err != nil {
			t.Fatal(err)
		}
		page, err := connector.Accounts(t.Context(), call("token"), "")
		if err != nil || len(page.Accounts) != 1 {
			t.Errorf("provider %s: %+v, %v", id, page, err)
		}
		contacts, err := c.Check(t.Context(), id)
		if err != nil || len(contacts) == 0 || contacts[0].Err != nil {
			t.Errorf("the check of provider %s: %+v, %v", id, contacts, err)
		}
	}
	block, _ := pem.Decode([]byte(sealed.certificate))
	if shown != base64.StdEncoding.EncodeToString(block.Bytes) {
		t.Errorf("the signature names the certificate %.20s", shown)
	}

	// {{organization}} is the identifier of the bank's own certificate.
	options.Variables["7.qwac"], options.Variables["7.qwac_key"] = pairs["nine"].certificate, pairs["nine"].key
	connector, err := load(t, options).Connector("7", "701")
	if err != nil {
		t.Fatal(err)
	}
	address, err := banktest.Leave(t.Context(), connector, bank.Journey{})
	if err != nil || !strings.Contains(address, "client_id=PSD-nine") {
		t.Errorf("address is %s, %v", address, err)
	}
	_, err = connector.Accounts(context.WithoutCancel(t.Context()), call("token"), "")
	if bank.AsFailure(err).Kind != bank.Unavailable {
		t.Errorf("another bank's certificate is taken: %v", err)
	}
}

// What is wrong with the certificate of a bank is told at the start, by the bank's name and without a letter
// of the key.
func TestTheFaultsOfABanksOwnCertificate(t *testing.T) {
	good, other := newPair(t, "PSD-1", far, ecKey(t)), newPair(t, "PSD-2", far, ecKey(t))
	ended := newPair(t, "PSD-3", time.Date(2021, 3, 4, 0, 0, 0, 0, time.UTC), ecKey(t))
	file := strings.ReplaceAll(berlinOwn, "BANK", "https://eight.example")
	all := func(p pair) map[string]string {
		return map[string]string{"eight_qwac": p.certificate, "eight_qwac_key": p.key, "eight_qseal": good.certificate, "eight_qseal_key": good.key}
	}
	for name, test := range map[string]struct {
		change func(settings map[string]string) string
		want   string
		lacks  bool // the provider is unavailable, and the platform starts
	}{
		"the key of another one": {func(s map[string]string) string { s["eight_qwac_key"] = other.key; return file }, "the QWAC of provider 8 Eight cannot be used: the certificate and the key are no pair", false},
		"no PEM":                 {func(s map[string]string) string { s["eight_qseal"] = "none"; return file }, "the QSEAL of provider 8 Eight cannot be used: the certificate and the key are no pair", false},
		"no key":                 {func(s map[string]string) string { s["8.qwac"] = good.certificate; return file }, "the QWAC of provider 8 Eight cannot be used: its key is missing", false},
		"no certificate":         {func(s map[string]string) string { s["8.qseal_key"] = good.key; return file }, "the QSEAL of provider 8 Eight cannot be used: there is a key, and the certificate is missing", false},
		"a member of another name": {func(s map[string]string) string { s["8.qwca"] = good.certificate; return file },
			`the setting "8.qwca": want 8.qwac, 8.qwac_key, 8.qseal or 8.qseal_key`, false},
		"the key in the file": {func(map[string]string) string {
			return strings.Replace(file, "{{eight_qwac_key}}", strings.ReplaceAll(good.key, "\n", `\n`), 1)
		}, "$.certificates.qwac_key: want the name of a setting, {{name}}, and not the text itself", false},
		"one that has ended": {func(s map[string]string) string {
			s["eight_qwac"], s["eight_qwac_key"] = ended.certificate, ended.key
			return file
		}, "the QWAC of provider 8 Eight ended on 2021-03-04", true},
		"a setting that is left": {func(s map[string]string) string { delete(s, "eight_qseal_key"); return file }, `the setting "eight_qseal_key" is missing`, true},
	} {
		t.Run(name, func(t *testing.T) {
			settings := all(good)
			text := test.change(settings)
			c, err := catalogue.Load(catalogue.Options{Extra: fstest.MapFS{"eight.json": {Data: []byte(text)}}, Variables: settings})
			told := ""
			switch {
			case err != nil && !test.lacks:
				told = err.Error()
			case err == nil && test.lacks:
				provider, _ := c.Provider("8")
				told = strings.Join(provider.Lacks, "; ")
			default:
				t.Fatalf("loading: %v", err)
			}
			if !strings.Contains(told, test.want) {
				t.Errorf("told is %q, want %q", told, test.want)
			}
			for _, secret := range []string{good.key, other.key, ended.key} {
				if strings.Contains(told, strings.Split(secret, "\n")[1]) {
					t.Errorf("a key is told: %q", told)
				}
			}
		})
	}
}
