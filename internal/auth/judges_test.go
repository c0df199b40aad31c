package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// The JavaScript client libraries that most programs use check every response
// themselves. What they cannot know is checked by the programs in testdata/clients.
func TestJavaScriptLibraries(t *testing.T) {
	t.Parallel()
	const (
		programs = "testdata/clients"
		back     = "https://client.test/callback" // openid-client takes its query for the response
	)
	libraries := []string{"openid-client", "oauth4webapi", "simple-oauth2"}
	_, err := exec.LookPath("node")
	for _, library := range libraries {
		if err == nil {
			_, err = os.Stat(filepath.Join(programs, "node_modules", library))
		}
	}
	if err != nil {
		omit.Skip(t, len(libraries), "node or the OAuth client libraries are missing (.ci/oauth)")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Clock.Set(time.Now()) // the libraries compare id_tokens with the machine's clock
		public, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "App", RedirectURIs: []string{back}, Public: true})
		if err != nil {
			t.Fatal(err)
		}
		publicUser, err := w.Users.Create(t.Context(), public, email, secretOf(password))
		if err != nil {
			t.Fatal(err)
		}
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key := jose.JSONWebKey{Key: private, KeyID: "the client's"}
		keyed := w.newKeyed(t, oxlin.ClientAuthentication{Keys: setOf(t, key)})
		jwk, err := key.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		issuer := w.URL
		mtls := w.certified(t).variables(t)
		for _, library := range libraries {
			t.Run(library, func(t *testing.T) {
				program := exec.CommandContext(t.Context(), "node", library+".mjs")
				program.Dir = programs
				program.Env = append(os.Environ(), "ISSUER="+issuer, "CLIENT_ID=sandbox", "CLIENT_SECRET=sandbox-secret",
					"PUBLIC_ID="+string(public.ID), "REDIRECT_URI="+back, "EMAIL="+email, "PASSWORD="+password, "SUBJECT="+w.user.String(), "PUBLIC_SUBJECT="+publicUser.String(),
					"KEYED_ID="+string(keyed.id), "KEY="+string(jwk))
				program.Env = append(program.Env, mtls...)
				output, err := program.CombinedOutput()
				if err != nil {
					t.Errorf("%v\n%s", err, bytes.TrimSpace(output))
				}
			})
		}
	})
}

// variables describe to the programs the address that asks for certificates.
func (c *certified) variables(t *testing.T) []string {
	t.Helper()
	client, _ := c.newClient(t, byTLS(oxlin.CertificateSubject{DN: "CN=judge"}), false)
	cert, key := platformtest.CertificatePEM(t, c.authority.Issue(func(t *x509.Certificate) { t.Subject.CommonName = "judge" }))
	otherCert, otherKey := platformtest.CertificatePEM(t, c.authority.Issue(nil))
	return []string{
		"MTLS_ISSUER=" + c.URL, "CERTIFIED_ID=" + string(client.ID), "CA=" + string(c.authority.PEM()), "CERT=" + string(cert),
		"CERT_KEY=" + string(key), "OTHER_CERT=" + string(otherCert), "OTHER_KEY=" + string(otherKey),
	}
}
