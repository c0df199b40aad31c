package browser_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// The hosts of the stories over HTTPS. Each is a site of its own for a browser.
const (
	platformHost = "oxlin.test"
	shopHost     = "shop.test"  // an origin of the client's redirect targets
	otherHost    = "other.test" // another one
)

// TestSigninInAFrame tells signin-frame.mjs: the sign-in page in frames of two sites, over
// HTTPS, in a browser that blocks the cookies of third parties.
func TestSigninInAFrame(t *testing.T) {
	mustHave(t, 1)
	ca := newAuthority(t)
	certificate, certFile, keyFile := ca.certificate(t, platformHost, shopHost, otherHost)
	sites := newSites(t, certificate)
	directory := build(t)

	shop := "https://" + shopHost + ":" + sites.port
	data := filepath.Join(directory, "data")
	err := exec.Command(filepath.Join(directory, "oxlin"), "migrate", "--data", data).Run()
	if err != nil {
		t.Fatalf("oxlin migrate: %v", err)
	}
	output, err := exec.Command(filepath.Join(directory, "oxlin"), "client", "create", "Shop", "--data", data, "--redirect-uri", shop+"/back").Output()
	if err != nil {
		t.Fatalf("oxlin client create: %v", err)
	}
	words := strings.Fields(string(output))
	id, secret := words[1], words[3]

	listen, port := freePort(t)
	platform := "https://" + platformHost + ":" + port
	sandbox := serve(t, directory, "--listen", listen, "--public-url", platform, "--tls-cert", certFile, "--tls-key", keyFile)
	client := ca.client()
	post := func(address, token string, body url.Values) map[string]any {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			text, err := json.Marshal(map[string]string{"email": body.Get("email"), "password": body.Get("password")})
			if err != nil {
				t.Fatal(err)
			}
			request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer := map[string]any{}
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode >= 300 {
			t.Fatalf("%s: %s %s %v", address, response.Status, text, err)
		}
		if len(text) > 0 {
			err = json.Unmarshal(text, &answer)
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	const email, password = "jo@example.test", "correct horse battery"
	own := post(platform+"/token", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "scope": {"users_create"}})
	post(platform+"/v2.1/users", own["access_token"].(string), url.Values{"email": {email}, "password": {password}})

	tell(t, "signin-frame.mjs", "OXLIN_PLATFORM="+platform, "OXLIN_SHOP="+shop, "OXLIN_OTHER=https://"+otherHost+":"+sites.port,
		"OXLIN_CLIENT="+id, "OXLIN_EMAIL="+email, "OXLIN_PASSWORD="+password, "OXLIN_KEY_HASH="+ca.keyHash(certificate))
	codes := sites.codes()
	if len(codes) != 1 {
		t.Fatalf("the shop received %d codes", len(codes))
	}
	tokens := post(platform+"/token", "", url.Values{"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {secret}, "code": {codes[0]}, "redirect_uri": {shop + "/back"}})
	if tokens["access_token"] == nil {
		t.Errorf("the code gave %v", tokens)
	}
	sandbox.stop(t)
}

// freePort returns an address on which nobody listens, and its port.
func freePort(t *testing.T) (address, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String(), port
}

// sites are the web sites of shop and other, on one port.
type sites struct {
	port  string
	mutex sync.Mutex
	seen  []string
}

// codes returns the codes with which users came back.
func (s *sites) codes() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.seen
}

var pathName = regexp.MustCompile(`^[a-z]+$`)

// newSites serves three pages on each host: /frame frames the address in src, /forge sends
// a form to the address in to, and /back is where users come back to.
func newSites(t *testing.T, certificate tls.Certificate) *sites {
	t.Helper()
	s := &sites{}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	_, s.port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		content := ""
		switch name := strings.TrimPrefix(r.URL.Path, "/"); name {
		case "frame":
			content = `<iframe title="Sign in" width="500" height="600" src="` + html.EscapeString(query.Get("src")) + `"></iframe>`
		case "forge":
			content = `<form method="post" action="` + html.EscapeString(query.Get("to")) + `"><input name="username" value="jo"><button>Win</button></form>`
		case "back":
			content = "<h1>Back</h1>"
			s.mutex.Lock()
			if code := query.Get("code"); code != "" {
				s.seen = append(s.seen, code)
			}
			s.mutex.Unlock()
		default:
			if !pathName.MatchString(name) {
				name = "a page"
			}
			content = name
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Site</title>%s`, content)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return s
}

// authority is a certificate authority of the test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, cert}
}

// certificate makes a certificate for some hosts, and writes it and its key to files.
func (a authority) certificate(t *testing.T, hosts ...string) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: hosts,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	certFile, keyFile = filepath.Join(directory, "cert.pem"), filepath.Join(directory, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: raw}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

// keyHash names the key of a certificate to Chromium, which trusts it then.
func (a authority) keyHash(pair tls.Certificate) string {
	sum := sha256.Sum256(pair.Leaf.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// client returns an HTTP client that trusts the authority and finds all hosts here.
func (a authority) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}}
}
