package oxlin

import "encoding/json"

// AuthMethod is a way in which a client proves who it is.
type AuthMethod string

// The ways. The empty one is by secret, or by nothing for a public client.
const (
	AuthBySecret AuthMethod = ""
	// AuthByPrivateKey is by a signed assertion (RFC 7523, OpenID Connect Core §9).
	AuthByPrivateKey AuthMethod = "private_key_jwt"
)

// ClientAuthentication is how a client authenticates. The names are those of RFC 7591 §2.
type ClientAuthentication struct {
	Method AuthMethod `json:"token_endpoint_auth_method,omitempty"`
	// Keys is a JSON Web Key Set of public keys, and KeysURI the address of one. A client
	// with AuthByPrivateKey has one of them.
	Keys    json.RawMessage `json:"jwks,omitempty"`
	KeysURI string          `json:"jwks_uri,omitempty"`
}
