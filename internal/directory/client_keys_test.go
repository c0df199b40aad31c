package directory_test

import (
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestKeysAreCheckedWhenTheyAreRegistered(t *testing.T) {
	t.Parallel()
	const public = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	key, many := public[9:len(public)-2], ""
	for range 21 {
		many += "," + key
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop"})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			fact, method, keys, address, field string
		}{
			{"keys", "private_key_jwt", public, "", ""},
			{"an address", "private_key_jwt", "", "https://client.test/jwks", ""},
			{"an address on this machine", "private_key_jwt", "", "http://127.0.0.1:9/jwks", ""},
			{"a secret again", "", "", "", ""},
			{"both", "private_key_jwt", public, "https://client.test/jwks", "jwks"},
			{"neither", "private_key_jwt", "", "", "jwks"},
			{"keys beside a secret", "", public, "", "jwks"},
			{"an unknown method", "client_secret_jwt", public, "", "token_endpoint_auth_method"},
			{"no keys", "private_key_jwt", `{"keys":[]}`, "", "jwks"},
			{"no set", "private_key_jwt", key, "", "jwks"},
			{"no JSON", "private_key_jwt", "x", "", "jwks"},
			{"too many", "private_key_jwt", `{"keys":[` + strings.TrimPrefix(many, ",") + `]}`, "", "jwks"},
			{"a private key", "private_key_jwt", strings.Replace(public, `"crv"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","crv"`, 1), "", "jwks"},
			{"a shared key", "private_key_jwt", `{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"}]}`, "", "jwks"},
			{"a key of an unknown kind", "private_key_jwt", `{"keys":[{"kty":"AKP"}]}`, "", "jwks"},
			{"plain HTTP", "private_key_jwt", "", "http://client.test/jwks", "jwks_uri"},
			{"a password in the address", "private_key_jwt", "", "https://me:pw@client.test/jwks", "jwks_uri"},
			{"a file", "private_key_jwt", "", "file:///etc/passwd", "jwks_uri"},
		} {
			by := oxlin.ClientAuthentication{Method: oxlin.AuthMethod(row.method), Keys: []byte(row.keys), KeysURI: row.address}
			if row.keys == "" {
				by.Keys = nil
			}
			err := w.Clients.SetAuthentication(t.Context(), c.ID, by)
			stored, readErr := db.Read().Client(t.Context(), c.ID)
			if (err == nil) != (row.field == "") || err != nil && oxlin.AsError(err).Field != row.field || readErr != nil {
				t.Errorf("%s: %v, %v", row.fact, err, readErr)
			}
			if err == nil && (stored.Authentication.Method != by.Method || string(stored.Authentication.Keys) != row.keys || stored.Authentication.KeysURI != row.address) {
				t.Errorf("%s: stored %+v", row.fact, stored.Authentication)
			}
		}
		if err := w.Clients.SetAuthentication(t.Context(), "nobody", oxlin.ClientAuthentication{}); !oxlin.IsNotFound(err) {
			t.Errorf("an unknown client: %v", err)
		}
	})
}

func TestCertificatesAreCheckedWhenTheyAreRegistered(t *testing.T) {
	t.Parallel()
	const (
		bare      = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
		certified = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","x5c":["MIIB"]}]}`
	)
	subject := oxlin.CertificateSubject{DNS: "app.example"}
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	c, _, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		fact  string
		by    oxlin.ClientAuthentication
		field string
	}{
		{"a subject", oxlin.ClientAuthentication{Method: oxlin.AuthByTLS, Subject: subject}, ""},
		{"certificates", oxlin.ClientAuthentication{Method: oxlin.AuthBySelfSignedTLS, Keys: []byte(certified)}, ""},
		{"the address of certificates", oxlin.ClientAuthentication{Method: oxlin.AuthBySelfSignedTLS, KeysURI: "https://client.test/jwks"}, ""},
		{"bound tokens beside a secret", oxlin.ClientAuthentication{BoundTokens: true}, ""},
		{"no subject", oxlin.ClientAuthentication{Method: oxlin.AuthByTLS}, "tls_client_auth_subject_dn"},
		{"two subjects", oxlin.ClientAuthentication{Method: oxlin.AuthByTLS, Subject: oxlin.CertificateSubject{DNS: "app.example", IP: "192.0.2.7"}}, "tls_client_auth_subject_dn"},
		{"keys beside a subject", oxlin.ClientAuthentication{Method: oxlin.AuthByTLS, Subject: subject, Keys: []byte(bare)}, "jwks"},
		{"a subject beside keys", oxlin.ClientAuthentication{Method: oxlin.AuthByPrivateKey, Subject: subject, Keys: []byte(bare)}, "tls_client_auth_subject_dn"},
		{"a subject beside a secret", oxlin.ClientAuthentication{Subject: subject}, "tls_client_auth_subject_dn"},
		{"keys without certificates", oxlin.ClientAuthentication{Method: oxlin.AuthBySelfSignedTLS, Keys: []byte(bare)}, "jwks"},
	} {
		err := w.Clients.SetAuthentication(t.Context(), c.ID, row.by)
		if (err == nil) != (row.field == "") || err != nil && oxlin.AsError(err).Field != row.field {
			t.Errorf("%s: %v", row.fact, err)
		}
	}
}
