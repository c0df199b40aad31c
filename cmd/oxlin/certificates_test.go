package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/platformtest"
)

// mtlsPlatform is a platform that is served as `oxlin serve` does, with a client that
// authenticates by a certificate.
type mtlsPlatform struct {
	*server
	t         *testing.T
	authority *platformtest.Authority
	client    oxlin.ClientID
}

func newMTLSPlatform(t *testing.T, change func(*serverFlags)) *mtlsPlatform {
	t.Helper()
	p := &mtlsPlatform{t: t, authority: platformtest.NewAuthority(t, time.Now())}
	dir := t.TempDir()
	cert, key := platformtest.CertificatePEM(t, p.authority.Issue(nil))
	file := func(name string, text []byte) existingFile {
		path := filepath.Join(dir, name)
		err := os.WriteFile(path, text, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return existingFile(path)
	}
	flags := serverFlags{
		databaseFlags: databaseFlags{Data: filePath(t.TempDir())}, Listen: "127.0.0.1:0", Roles: []string{"api"},
		TLSCert: file("cert.pem", cert), TLSKey: file("key.pem", key),
		certificateFlags: certificateFlags{MTLSListen: "127.0.0.1:0", ClientCA: file("ca.pem", p.authority.PEM())},
		consoleFlags:     consoleFlags{firstPasswordFlags: firstPasswordFlags{FirstPasswordHours: 24}},
	}
	if change != nil {
		change(&flags)
	}
	var err error
	p.server, err = startServer(t.Context(), flags, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := p.Close()
		if err != nil {
			t.Error(err)
		}
	})
	err = flags.withClients(t.Context(), nil, func(clients *directory.Clients) error {
		client, _, err := clients.Create(t.Context(), directory.NewClient{Name: "App"})
		p.client = client.ID
		return err
	})
	if err == nil {
		err = authenticate{databaseFlags: flags.databaseFlags, ClientID: p.client, SubjectDN: "CN=app"}.Run(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// call sends a request over a connection with a certificate, or without one.
func (p *mtlsPlatform) call(certificate *tls.Certificate, method, address, token string, form url.Values, headers http.Header) (int, map[string]any) {
	p.t.Helper()
	config := &tls.Config{RootCAs: p.authority.Pool()}
	if certificate != nil {
		config.Certificates = []tls.Certificate{*certificate}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if headers != nil {
		r.Header = headers.Clone()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(response.Body).Decode(&answer) // lists and pages are no objects
	return response.StatusCode, answer
}

func (p *mtlsPlatform) own() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {string(p.client)}, "scope": {"connections_manage"}}
}

func TestServeAsksClientsForCertificates(t *testing.T) {
	t.Parallel()
	p := newMTLSPlatform(t, nil)
	app := p.authority.Issue(nil)
	_, document := p.call(nil, http.MethodGet, p.publicURL+"/.well-known/openid-configuration", "", nil, nil)
	aliases, _ := document["mtls_endpoint_aliases"].(map[string]any)
	if aliases["token_endpoint"] != p.mtlsURL+"/token" || p.mtlsURL == p.publicURL {
		t.Fatalf("aliases: %v", aliases)
	}
	status, answer := p.call(&app, http.MethodPost, p.mtlsURL+"/token", "", p.own(), nil)
	token, _ := answer["access_token"].(string)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	other := p.authority.Issue(func(t *x509.Certificate) { t.Subject.CommonName = "other" })
	header := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(app.Certificate[0]) + ":"}}
	for _, row := range []struct {
		fact        string
		certificate *tls.Certificate
		address     string
		header      http.Header
		want        int
	}{
		{"the client", &app, p.mtlsURL, nil, http.StatusOK},
		{"nobody", nil, p.mtlsURL, nil, http.StatusUnauthorized},
		{"another", &other, p.mtlsURL, nil, http.StatusUnauthorized},
		{"the client where nobody is asked", &app, p.publicURL, nil, http.StatusUnauthorized},
		{"a header from an untrusted peer", nil, p.mtlsURL, header, http.StatusUnauthorized},
		{"the same at the public address", nil, p.publicURL, header, http.StatusUnauthorized},
		{"the same beside another's certificate", &other, p.mtlsURL, header, http.StatusUnauthorized},
	} {
		status, answer := p.call(row.certificate, http.MethodPost, row.address+"/token", "", p.own(), row.header)
		if status != row.want || status != http.StatusOK && answer["error"] != "invalid_client" {
			t.Errorf("%s asks for a token: %d %v", row.fact, status, answer)
		}
		status, answer = p.call(row.certificate, http.MethodGet, row.address+"/v2.1/providers", token, nil, row.header)
		if status != row.want || status != http.StatusOK && answer["error"] != "invalid_token" {
			t.Errorf("%s brings the client's token: %d %v", row.fact, status, answer)
		}
	}
}

func TestServeBelievesItsProxyAboutCertificates(t *testing.T) {
	t.Parallel()
	p := newMTLSPlatform(t, func(f *serverFlags) {
		f.TLSCert, f.TLSKey, f.MTLSListen, f.MTLSURL = "", "", "", "https://mtls.example"
		f.ClientCertProxy = prefixList{netip.MustParsePrefix("127.0.0.1/32")}
	})
	app := p.authority.Issue(nil)
	header := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(app.Certificate[0]) + ":"}}
	status, answer := p.call(nil, http.MethodPost, p.publicURL+"/token", "", p.own(), header)
	token, _ := answer["access_token"].(string)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	for want, header := range map[int]http.Header{http.StatusOK: header, http.StatusUnauthorized: nil} {
		status, _ := p.call(nil, http.MethodGet, p.publicURL+"/v2.1/providers", token, nil, header)
		if status != want {
			t.Errorf("HTTP %d; want %d", status, want)
		}
	}
}

func TestFlagsAboutCertificatesFitTogether(t *testing.T) {
	t.Parallel()
	loopback := prefixList{netip.MustParsePrefix("127.0.0.1/32")}
	for _, row := range []struct {
		fact  string
		flags serverFlags
		want  string
	}{
		{"nothing", serverFlags{}, ""},
		{"a listener without a certificate", serverFlags{certificateFlags: certificateFlags{MTLSListen: "127.0.0.1:0"}}, "--mtls-listen needs --tls-cert"},
		{"a listener", serverFlags{TLSCert: "c", TLSKey: "k", certificateFlags: certificateFlags{MTLSListen: "127.0.0.1:0"}}, ""},
		{"an address of nothing", serverFlags{certificateFlags: certificateFlags{MTLSURL: "https://mtls.example"}}, "--mtls-url needs --mtls-listen"},
		{"the address of a proxy", serverFlags{certificateFlags: certificateFlags{MTLSURL: "https://mtls.example/", ClientCertProxy: loopback}}, ""},
		{"a path", serverFlags{certificateFlags: certificateFlags{MTLSURL: "https://mtls.example/x", ClientCertProxy: loopback}}, "without a path"},
		{"plain HTTP", serverFlags{certificateFlags: certificateFlags{MTLSURL: "http://mtls.example", ClientCertProxy: loopback}}, "must be https"},
	} {
		err := (&server{flags: row.flags}).checkCertificates()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.fact, err)
		}
	}
}
