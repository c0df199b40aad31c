package auth_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web/https"
)

// certified is a world with an address that asks for certificates.
type certified struct {
	*world
	plain     string // where HTTP is spoken, as behind a proxy
	authority *platformtest.Authority
}

// newCertified adds the address. Proxies are the peers whose Client-Cert is believed.
func newCertified(t *testing.T, db *store.DB, proxies ...netip.Prefix) *certified {
	t.Helper()
	return newWorld(t, db).certified(t, proxies...)
}

func (w *world) certified(t *testing.T, proxies ...netip.Prefix) *certified {
	t.Helper()
	c := &certified{world: w}
	c.authority = platformtest.NewAuthority(t, c.Clock.Now())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "https://" + listener.Addr().String()
	mux := http.NewServeMux()
	c.Server = c.NewAuth(address, func(o *auth.Options) {
		o.Log, o.Certificates = c.Log.Logger(), auth.ClientCertificates{URL: address, Authorities: authorities(t, c.authority)}
	})
	c.Register(mux)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	cert, key := platformtest.CertificatePEM(t, c.authority.Issue(nil))
	for file, text := range map[string][]byte{certFile: cert, keyFile: key} {
		err := os.WriteFile(file, text, 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := https.LoadCertificate(certFile, keyFile, platformtest.Quiet)
	if err != nil {
		t.Fatal(err)
	}
	handler := https.Certificates{Proxies: proxies}.Handler(mux)
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = server.Serve(certificate.ListenForClients(listener)) }()
	t.Cleanup(func() { _ = server.Close() })
	c.plain, c.URL = platformtest.Serve(t, handler), address
	c.connect(nil)
	return c
}

// connect lets the world's requests come with a certificate, or with nil without one.
func (c *certified) connect(certificate *tls.Certificate) {
	config := &tls.Config{RootCAs: c.authority.Pool(), Time: c.Clock.Now}
	if certificate != nil {
		// Whatever the server accepts: a browser would choose by the authorities that it names.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	c.http.CloseIdleConnections()
	c.http.Transport = &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
}

// newClient creates a client that authenticates so.
func (c *certified) newClient(t *testing.T, by oxlin.ClientAuthentication, public bool) (oxlin.Client, oxlin.Secret) {
	t.Helper()
	client, secret, err := c.Clients.Create(t.Context(), directory.NewClient{Name: "Certified", Public: public, RedirectURIs: []string{callback}})
	if err == nil {
		err = c.Clients.SetAuthentication(t.Context(), client.ID, by)
	}
	if err == nil {
		_, err = c.Users.Create(t.Context(), client, email, secretOf(password))
	}
	if err != nil {
		t.Fatal(err)
	}
	client.Authentication = by
	return client, secret
}

// own asks for the client's own token.
func (c *certified) own(t *testing.T, id oxlin.ClientID, pairs ...string) answer {
	t.Helper()
	return c.post(t, "/token", withClient(id, append([]string{"grant_type", "client_credentials"}, pairs...)...))
}

// withClient writes parameters with a client's id, and no secret.
func withClient(id oxlin.ClientID, pairs ...string) string {
	values := url.Values{"client_id": {string(id)}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

func thumbprint(certificate tls.Certificate) string {
	sum := sha256.Sum256(certificate.Leaf.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func byTLS(subject oxlin.CertificateSubject) oxlin.ClientAuthentication {
	return oxlin.ClientAuthentication{Method: oxlin.AuthByTLS, Subject: subject}
}

func TestAClientAuthenticatesByTheCertificateOfAnAuthority(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	c := newCertified(t, db)
	named, _ := c.newClient(t, byTLS(oxlin.CertificateSubject{DN: "CN=app,O=Example,C=FR"}), false)
	byDNS, _ := c.newClient(t, byTLS(oxlin.CertificateSubject{DNS: "app.example"}), false)
	app := func(change func(*x509.Certificate)) func(*x509.Certificate) {
		return func(t *x509.Certificate) {
			t.Subject = pkix.Name{CommonName: "app", Organization: []string{"Example"}, Country: []string{"FR"}}
			t.DNSNames = []string{"app.example"}
			if change != nil {
				change(t)
			}
		}
	}
	stranger := platformtest.NewAuthority(t, c.Clock.Now())
	between := c.authority.Below()
	torn := between.Issue(app(nil))
	torn.Certificate = torn.Certificate[:1]
	dates := func(from, to time.Duration) func(*x509.Certificate) {
		return app(func(t *x509.Certificate) { t.NotBefore, t.NotAfter = c.Clock.Now().Add(from), c.Clock.Now().Add(to) })
	}
	for _, row := range []struct {
		fact        string
		certificate tls.Certificate
		want        bool
	}{
		{"its certificate", c.authority.Issue(app(nil)), true},
		{"of an authority below", between.Issue(app(nil)), true},
		{"without a usage", c.authority.Issue(app(func(t *x509.Certificate) { t.ExtKeyUsage = nil })), true},
		{"of an authority below that nobody shows", torn, false},
		{"of another authority", stranger.Issue(app(nil)), false},
		{"of nobody", platformtest.SelfSigned(t, c.Clock.Now(), app(nil)), false},
		{"expired", c.authority.Issue(dates(-time.Hour, -time.Minute)), false},
		{"not valid yet", c.authority.Issue(dates(time.Minute, time.Hour)), false},
		{"for servers", c.authority.Issue(app(func(t *x509.Certificate) { t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), false},
		{"about another", c.authority.Issue(func(t *x509.Certificate) {
			t.Subject, t.DNSNames = pkix.Name{CommonName: "other"}, []string{"other.example", "*.example"}
		}), false},
	} {
		c.connect(&row.certificate)
		for _, client := range []oxlin.Client{named, byDNS} {
			a := c.own(t, client.ID)
			if row.want && a.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", row.fact, a.StatusCode, a.text)
			}
			if !row.want {
				a.refusedWith(t, row.fact, http.StatusUnauthorized, "invalid_client")
			}
		}
	}

	c.connect(nil)
	c.own(t, named.ID).refusedWith(t, "no certificate", http.StatusUnauthorized, "invalid_client")
	certificate := c.authority.Issue(app(nil))
	c.connect(&certificate)
	c.own(t, named.ID, "client_secret", "x").refusedWith(t, "a secret too", http.StatusBadRequest, "invalid_request")
	c.post(t, "/token", withClient(named.ID, "grant_type", "client_credentials"), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(string(named.ID)+":x"))).
		refusedWith(t, "a secret in the header too", http.StatusBadRequest, "invalid_request")
	_, key := jwkWith(t, certificate)
	c.assert(t, "/token", signed(t, jose.ES256, key, c.claims(named.ID))).refusedWith(t, "an assertion too", http.StatusBadRequest, "invalid_request")
	c.own(t, "sandbox").refusedWith(t, "a client with a secret, by certificate", http.StatusUnauthorized, "invalid_client")
	if a := c.post(t, "/token", form("grant_type", "client_credentials")); a.StatusCode != http.StatusOK {
		t.Errorf("a client with a secret whose connection has a certificate: %d %s", a.StatusCode, a.text)
	}
	for _, path := range []string{"/introspect", "/revoke"} {
		if a := c.post(t, path, withClient(named.ID, "token", "x")); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text)
		}
	}

	blind := c.NewAuth(c.URL, nil) // which knows no authority
	_, err := blind.AuthenticateClient(https.WithClientCertificate(t.Context(), []*x509.Certificate{certificate.Leaf}), named.ID, oxlin.Secret{})
	if oxlin.AsError(err).Code != oxlin.CodeInvalidClient || !strings.Contains(err.Error(), "knows no authority") { // and asks none of the machine's
		t.Errorf("a server without authorities: %v", err)
	}
}

// jwkWith returns the public key of a certificate with it, and the private one.
func jwkWith(t *testing.T, certificate tls.Certificate) (public jose.JSONWebKey, private any) {
	t.Helper()
	return jose.JSONWebKey{Key: certificate.Leaf.PublicKey, Certificates: []*x509.Certificate{certificate.Leaf}}, certificate.PrivateKey
}

func TestAClientAuthenticatesByACertificateOfItsOwn(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	c := newCertified(t, db)
	mine, other := platformtest.SelfSigned(t, c.Clock.Now(), nil), platformtest.SelfSigned(t, c.Clock.Now(), nil)
	old := platformtest.SelfSigned(t, c.Clock.Now(), func(t *x509.Certificate) {
		t.NotBefore, t.NotAfter = c.Clock.Now().Add(-time.Hour), c.Clock.Now().Add(-time.Minute)
	})
	first, _ := jwkWith(t, mine)
	second, _ := jwkWith(t, old)
	client, _ := c.newClient(t, oxlin.ClientAuthentication{Method: oxlin.AuthBySelfSignedTLS, Keys: setOf(t, first, second)}, false)
	for _, row := range []struct {
		fact        string
		certificate *tls.Certificate
		want        int
	}{
		{"its certificate", &mine, http.StatusOK},
		{"another", &other, http.StatusUnauthorized},
		{"one that has expired", &old, http.StatusUnauthorized},
		{"none", nil, http.StatusUnauthorized},
	} {
		c.connect(row.certificate)
		if a := c.own(t, client.ID); a.StatusCode != row.want {
			t.Errorf("%s: %d %s", row.fact, a.StatusCode, a.text)
		}
	}
}

func TestTokensAreBoundToACertificate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCertified(t, db)
		app := func(t *x509.Certificate) { t.Subject = pkix.Name{CommonName: "app"} }
		mine, renewed := c.authority.Issue(app), c.authority.Issue(app)
		client, _ := c.newClient(t, byTLS(oxlin.CertificateSubject{DN: "CN=app"}), false)
		c.connect(&mine)
		signedIn := c.post(t, "/token", withClient(client.ID, "grant_type", "password", "username", email, "password", password, "scope", "openid"))
		token := signedIn.field("access_token")
		userinfo := func() answer { return c.get(t, "/userinfo", "Authorization", "Bearer "+token) }
		if a := userinfo(); a.StatusCode != http.StatusOK {
			t.Fatalf("with the certificate: %d %s", a.StatusCode, a.text)
		}
		seen := c.post(t, "/introspect", withClient(client.ID, "token", token))
		if cnf, _ := seen.json["cnf"].(map[string]any); cnf["x5t#S256"] != thumbprint(mine) {
			t.Errorf("introspection: %s", seen.text)
		}
		if seen := c.post(t, "/introspect", withClient(client.ID, "token", signedIn.field("refresh_token"))); seen.json["cnf"] != nil || seen.json["active"] != true {
			t.Errorf("the refresh token of a client with a certificate: %s", seen.text)
		}
		for fact, certificate := range map[string]*tls.Certificate{"no certificate": nil, "another of the client's": &renewed} {
			c.connect(certificate)
			a := userinfo()
			a.refusedWith(t, fact, http.StatusUnauthorized, "invalid_token")
			if !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s: %q", fact, a.Header.Get("WWW-Authenticate"))
			}
		}
		c.connect(&renewed)
		again := c.post(t, "/token", withClient(client.ID, "grant_type", "refresh_token", "refresh_token", signedIn.field("refresh_token")))
		token = again.field("access_token")
		if a := userinfo(); a.StatusCode != http.StatusOK {
			t.Errorf("after a refresh with the client's new certificate: %d %s", a.StatusCode, a.text)
		}
		c.connect(&mine)
		userinfo().refusedWith(t, "the certificate before", http.StatusUnauthorized, "invalid_token")

		withSecret, secret := c.newClient(t, oxlin.ClientAuthentication{BoundTokens: true}, false)
		own := func() answer { return c.own(t, withSecret.ID, "client_secret", secret.Reveal()) }
		bound, err := db.Read().Token(t.Context(), store.AccessToken, vault.HashToken(secretOf(own().field("access_token"))), c.Clock.Now())
		if err != nil || bound.Certificate != thumbprint(mine) {
			t.Errorf("a client with a secret that wants bound tokens: %q, %v", bound.Certificate, err)
		}
		c.connect(nil)
		own().refusedWith(t, "bound tokens without a certificate", http.StatusBadRequest, "invalid_request")
	})
}

func TestRefreshTokensOfPublicClientsAreBoundToACertificate(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	c := newCertified(t, db)
	mine, other := platformtest.SelfSigned(t, c.Clock.Now(), nil), platformtest.SelfSigned(t, c.Clock.Now(), nil)
	client, _ := c.newClient(t, oxlin.ClientAuthentication{BoundTokens: true}, true)
	c.connect(&mine)
	b, verifier := newBrowser(t, c.world), oauth2.GenerateVerifier()
	page := b.open(t, signinPath("client_id", string(client.ID), "code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256"))
	code := redirect(t, b.submit(t, page, "username", email, "password", password)).Get("code")
	a := c.post(t, "/token", withClient(client.ID, "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier))
	if a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	refresh := func() answer {
		return c.post(t, "/token", withClient(client.ID, "grant_type", "refresh_token", "refresh_token", a.field("refresh_token")))
	}
	c.connect(&other)
	refresh().refusedWith(t, "another certificate", http.StatusBadRequest, "invalid_grant")
	c.connect(nil)
	refresh().refusedWith(t, "no certificate", http.StatusBadRequest, "invalid_request")
	c.connect(&mine)
	if a := refresh(); a.StatusCode != http.StatusOK {
		t.Errorf("its certificate, after those attempts: %d %s", a.StatusCode, a.text)
	}
	if _, err := c.VerifyRefresh(t.Context(), client.ID, secretOf(a.field("refresh_token"))); oxlin.AsError(err).Code != oxlin.CodeInvalidToken {
		t.Errorf("a widget session without the certificate: %v", err)
	}
}

// A proxy in front speaks TLS with the client, and passes its certificate on (RFC 9440).
func TestOnlyAProxyOfOursNamesACertificate(t *testing.T) {
	t.Parallel()
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for _, row := range []struct {
		fact    string
		proxies []netip.Prefix
		want    bool
	}{
		{"an untrusted peer", nil, false},
		{"another network is trusted", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, false},
		{"a trusted peer", []netip.Prefix{loopback}, true},
	} {
		db, _ := storetest.SQLite(t)
		c := newCertified(t, db, row.proxies...)
		mine := c.authority.Below().Issue(nil)
		client, _ := c.newClient(t, byTLS(oxlin.CertificateSubject{DN: "CN=app"}), false)
		field := func(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }
		try := func(headers ...string) int {
			return c.post(t, "/token", withClient(client.ID, "grant_type", "client_credentials"), headers...).StatusCode
		}
		c.URL = c.plain
		want := http.StatusUnauthorized
		if row.want {
			want = http.StatusOK
		}
		if got := try("Client-Cert", field(mine.Certificate[0]), "Client-Cert-Chain", field(mine.Certificate[1])); got != want {
			t.Errorf("%s: HTTP %d; want %d", row.fact, got, want)
		}
		for fact, headers := range map[string][]string{
			"no header": nil, "no chain": {"Client-Cert", field(mine.Certificate[0])},
			"no byte sequence": {"Client-Cert", base64.StdEncoding.EncodeToString(mine.Certificate[0])},
			"no certificate":   {"Client-Cert", ":eA==:"},
			"a broken chain":   {"Client-Cert", field(mine.Certificate[0]), "Client-Cert-Chain", field(mine.Certificate[1]) + ",x"},
		} {
			if got := try(headers...); got != http.StatusUnauthorized {
				t.Errorf("%s, %s: HTTP %d", row.fact, fact, got)
			}
		}
	}
}

func TestDiscoveryNamesTheAddressForCertificates(t *testing.T) {
	t.Parallel()
	db, _ := storetest.SQLite(t)
	c := newCertified(t, db)
	var document struct {
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
		Bound   bool              `json:"tls_client_certificate_bound_access_tokens"`
		Methods []string          `json:"token_endpoint_auth_methods_supported"`
	}
	for _, row := range []struct {
		fact    string
		options auth.ClientCertificates
		want    string
	}{
		{"no address", auth.ClientCertificates{}, "client_secret_basic client_secret_post private_key_jwt none"},
		{"no authority", auth.ClientCertificates{URL: "https://mtls.test"}, "client_secret_basic client_secret_post private_key_jwt self_signed_tls_client_auth none"},
		{
			"both", auth.ClientCertificates{URL: "https://mtls.test", Authorities: authorities(t, c.authority)},
			"client_secret_basic client_secret_post private_key_jwt tls_client_auth self_signed_tls_client_auth none",
		},
	} {
		document.Aliases, document.Bound = nil, false
		mux := http.NewServeMux()
		c.NewAuth(c.URL, func(o *auth.Options) { o.Certificates = row.options }).Register(mux)
		c.URL = platformtest.Serve(t, mux)
		err := json.Unmarshal([]byte(c.get(t, "/.well-known/oauth-authorization-server").text), &document)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(document.Methods, " "); got != row.want {
			t.Errorf("%s: the methods %s", row.fact, got)
		}
		offered := row.options.URL != ""
		if document.Bound != offered || (document.Aliases["token_endpoint"] == "https://mtls.test/token") != offered || (len(document.Aliases) == 4) != offered {
			t.Errorf("%s: %+v", row.fact, document)
		}
	}
}

// authorities returns an authority as the operator's file names it.
func authorities(t *testing.T, authority *platformtest.Authority) *https.Authorities {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authorities.pem")
	err := os.WriteFile(file, authority.PEM(), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := https.LoadAuthorities(file, "", platformtest.Quiet)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}
