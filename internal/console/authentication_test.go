package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
)

const publicKeys = "{\r\n \"keys\": [{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]\r\n}"

func TestAClientIsGivenAnotherWayToAuthenticate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seed(t)
		const path, action = "/console/clients/budget", "/console/clients/budget/authentication"
		stored := func() oxlin.ClientAuthentication {
			t.Helper()
			client, err := w.DB.Read().Client(t.Context(), "budget")
			if err != nil {
				t.Fatal(err)
			}
			return client.Authentication
		}
		old := w.get(t, path)
		for _, row := range []struct {
			fact   string
			fields []string
			want   func(oxlin.ClientAuthentication) bool
		}{
			{"keys", []string{"token_endpoint_auth_method", "private_key_jwt", "jwks", publicKeys}, func(by oxlin.ClientAuthentication) bool {
				return by.Method == oxlin.AuthByPrivateKey && strings.HasPrefix(string(by.Keys), `{"keys":[{"kty"`)
			}},
			{"a subject", []string{"token_endpoint_auth_method", "tls_client_auth", "jwks", "", "tls_client_auth_subject_dn", " CN=app,O=Example "}, func(by oxlin.ClientAuthentication) bool {
				return by.Method == oxlin.AuthByTLS && by.Subject.DN == "CN=app,O=Example" && by.Keys == nil
			}},
			{"an address of certificates", []string{
				"token_endpoint_auth_method", "self_signed_tls_client_auth", "tls_client_auth_subject_dn", "", "jwks_uri", "https://app.example/jwks",
			}, func(by oxlin.ClientAuthentication) bool {
				return by.Method == oxlin.AuthBySelfSignedTLS && by.KeysURI == "https://app.example/jwks"
			}},
		} {
			page := w.get(t, path)
			for _, time := range []string{"once", "twice"} {
				if p := w.submit(t, page, action, row.fields...); p.Header.Get("Location") != path+"?saved" {
					t.Errorf("%s, %s: %d %s", row.fact, time, p.StatusCode, p.text)
				}
			}
			if by := stored(); !row.want(by) || w.accepts(t, "budget", "secret-of-budget") {
				t.Errorf("%s: %+v, or the secret still works", row.fact, by)
			}
			if p := w.get(t, "/console/clients"); !strings.Contains(p.text, string(stored().Method)) {
				t.Errorf("%s: the list of clients does not show the way", row.fact)
			}
			if p := w.submit(t, w.get(t, path), action); p.Header.Get("Location") != path+"?saved" || !row.want(stored()) {
				t.Errorf("%s: the form that is drawn changes it: %d %+v", row.fact, p.StatusCode, stored())
			}
		}
		if p := w.get(t, path); p.section("Secret").Find("button").Length() != 0 {
			t.Error("a secret that is refused can be rotated")
		}
		before := stored()
		if p := w.submit(t, old, action, "token_endpoint_auth_method", "private_key_jwt", "jwks", publicKeys); p.StatusCode != http.StatusConflict || stored().Method != before.Method {
			t.Errorf("a form of before: %d %+v", p.StatusCode, stored())
		}
		for field, fields := range map[string][]string{
			"jwks":                       {"token_endpoint_auth_method", "private_key_jwt", "jwks", "{}", "jwks_uri", ""},
			"jwks_uri":                   {"token_endpoint_auth_method", "private_key_jwt", "jwks_uri", "http://app.example/jwks"},
			"tls_client_auth_subject_dn": {"token_endpoint_auth_method", "tls_client_auth", "jwks_uri", ""},
			"token_endpoint_auth_method": {"token_endpoint_auth_method", "client_secret_jwt"},
		} {
			p := w.submit(t, w.get(t, path), action, fields...)
			if p.StatusCode != http.StatusUnprocessableEntity || p.section("Authentication").Find("p.bad + [name="+field+"]").Length() != 1 || stored().Method != before.Method {
				t.Errorf("%s: %d %s", field, p.StatusCode, p.section("Authentication").Text())
			}
		}
		w.submit(t, w.get(t, path), action, "token_endpoint_auth_method", "", "jwks_uri", "", "bound_tokens", "yes")
		if by := stored(); !by.BoundTokens || by.Method != oxlin.AuthBySecret || !w.accepts(t, "budget", "secret-of-budget") {
			t.Errorf("by its secret again: %+v", by)
		}
		recorded := 0
		lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if line.Action == audit.ClientChanged && line.Details["changed"] == "authentication" {
				recorded++
			}
		}
		if recorded != 4 {
			t.Errorf("%d entries of the audit log; want 4", recorded)
		}
	})
}
