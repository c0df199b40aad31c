package auth

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth/page"
)

// discovery is GET /.well-known/openid-configuration (OpenID Connect Discovery §4)
// and /.well-known/oauth-authorization-server (RFC 8414 §3).
func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	authentication := []string{"client_secret_basic", "client_secret_post", string(oxlin.AuthByPrivateKey)}
	authentication = append(authentication, s.certificates.methods()...)
	public := append(slices.Clone(authentication), "none")
	document := map[string]any{
		"issuer":                 s.issuer,
		"authorization_endpoint": s.issuer + "/signin",
		"token_endpoint":         s.issuer + "/token",
		"jwks_uri":               s.issuer + "/jwks.json",
		"userinfo_endpoint":      s.issuer + "/userinfo",
		"introspection_endpoint": s.issuer + "/introspect",
		"revocation_endpoint":    s.issuer + "/revoke",

		"scopes_supported":                              append(oxlin.UserScopes(), oxlin.ScopeUsersCreate),
		"grant_types_supported":                         []string{grantCode, grantClient, grantPassword, grantRefresh},
		"response_types_supported":                      []string{"code"},
		"response_modes_supported":                      []string{"query"},
		"code_challenge_methods_supported":              []string{"S256"},
		"prompt_values_supported":                       []string{"login", "none"},
		"token_endpoint_auth_methods_supported":         public,
		"introspection_endpoint_auth_methods_supported": authentication,
		"revocation_endpoint_auth_methods_supported":    public,
		// RFC 8414 §2 asks for them where private_key_jwt is.
		"token_endpoint_auth_signing_alg_values_supported":         assertionAlgorithms,
		"introspection_endpoint_auth_signing_alg_values_supported": assertionAlgorithms,
		"revocation_endpoint_auth_signing_alg_values_supported":    assertionAlgorithms,
		"subject_types_supported":                                  []string{"public"},
		"id_token_signing_alg_values_supported":                    []string{"RS256"},
		"claims_supported":                                         []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "email", "given_name", "family_name"},
		"ui_locales_supported":                                     page.Texts.Languages(),
		"authorization_response_iss_parameter_supported":           true, // RFC 9207 §3
		"request_parameter_supported":                              false,
		"request_uri_parameter_supported":                          false,
	}
	s.certificates.describe(document)
	writePublicJSON(w, document)
}

// writePublicJSON writes a public document, which caches may keep for a minute and
// pages of other origins may read.
func writePublicJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_ = json.NewEncoder(w).Encode(body) // the connection is gone when it fails
}
