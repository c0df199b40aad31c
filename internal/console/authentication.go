package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/oxlin/oxlin"
)

// authMethod is a way of authentication that the form offers.
type authMethod struct {
	Value oxlin.AuthMethod
	Label string
}

// authMethods are the ways of a client.
func authMethods(c oxlin.Client) []authMethod {
	secret := "By its secret"
	if len(c.Secrets) == 0 {
		secret = "By nothing: a public client"
	}
	return []authMethod{
		{oxlin.AuthBySecret, secret},
		{oxlin.AuthByPrivateKey, "By assertions that its keys sign (private_key_jwt)"},
		{oxlin.AuthByTLS, "By certificates of an authority for its subject (tls_client_auth)"},
		{oxlin.AuthBySelfSignedTLS, "By certificates of its own, in the x5c of its keys (self_signed_tls_client_auth)"},
	}
}

// bySecret reports whether a client authenticates by its secret, if it has one.
func bySecret(c oxlin.Client) bool { return c.Authentication.Method == oxlin.AuthBySecret }

// compacted returns a JSON text as it is stored. An invalid text stays as it is, to be refused.
func compacted(text string) json.RawMessage {
	var short bytes.Buffer
	err := json.Compact(&short, []byte(text))
	if err != nil {
		return json.RawMessage(text)
	}
	return short.Bytes()
}

// authentication returns everything that authenticateClient changes.
func authentication(client oxlin.Client) string {
	by := client.Authentication
	return fmt.Sprintf("authentication %q %q %q %q %t", by.Method, by.Keys, by.KeysURI, by.Subject, by.BoundTokens)
}

// authenticateClient stores how a client authenticates, if that has not changed since the form
// was rendered.
func (c *Console) authenticateClient(w http.ResponseWriter, r *http.Request) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	client, err := c.clientOf(r)
	if err != nil {
		return err
	}
	changed := client
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	changed.Authentication = oxlin.ClientAuthentication{
		Method: oxlin.AuthMethod(field("token_endpoint_auth_method")), KeysURI: field("jwks_uri"), BoundTokens: field("bound_tokens") != "",
		Subject: oxlin.CertificateSubject{
			DN: field("tls_client_auth_subject_dn"), DNS: field("tls_client_auth_san_dns"), URI: field("tls_client_auth_san_uri"),
			IP: field("tls_client_auth_san_ip"), Email: field("tls_client_auth_san_email"),
		},
	}
	if keys := field("jwks"); keys != "" {
		changed.Authentication.Keys = compacted(keys)
	}
	saved := address("clients", string(client.ID)) + "?saved"
	if authentication(changed) == authentication(client) {
		return redirect(w, saved) // a form that arrives twice was stored the first time
	}
	if r.PostFormValue("mark") != c.mark(client.ID, authentication(client)) {
		return c.showClient(w, r, http.StatusConflict, clientPage{
			Client: client, Late: "Nothing was saved: the way of authentication has changed since the page was loaded. The form shows the current one. Make your change again.",
		})
	}
	err = c.options.Clients.SetAuthentication(r.Context(), client.ID, changed.Authentication)
	if shown, ok := asInvalid(err); ok {
		return c.showClient(w, r, http.StatusUnprocessableEntity, clientPage{Client: client, Form: changed, Problem: shown})
	}
	if err != nil {
		return err
	}
	c.log(r).Info("client changed in the console", "client", client.ID, "method", string(changed.Authentication.Method))
	return redirect(w, saved)
}
