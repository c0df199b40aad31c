package directory

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// SetAuthentication sets how a client authenticates. A client with keys is refused with its
// secrets, which work again if it gives the keys up. The error is CodeInvalidRequest for an
// invalid field.
func (s *Clients) SetAuthentication(ctx context.Context, id oxlin.ClientID, by oxlin.ClientAuthentication) error {
	err := checkAuthentication(by)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := existing(ctx, tx.Read(), id)
		if err != nil {
			return err
		}
		c.Authentication = by
		return s.save(ctx, tx, c, audit.ClientChanged, "authentication")
	})
}

// mostKeyText bounds the registered keys in bytes, and mostKeys their number.
const (
	mostKeyText = 64 << 10
	mostKeys    = 20
)

func checkAuthentication(by oxlin.ClientAuthentication) error {
	given := len(by.Keys) > 0
	switch {
	case by.Method == oxlin.AuthBySecret && (given || by.KeysURI != ""):
		return oxlin.Invalid("jwks", "Keys are for clients that authenticate by %s.", oxlin.AuthByPrivateKey)
	case by.Method == oxlin.AuthBySecret:
		return nil
	case by.Method != oxlin.AuthByPrivateKey:
		return oxlin.Invalid("token_endpoint_auth_method", "The method is %s, or none for a secret.", oxlin.AuthByPrivateKey)
	case given == (by.KeysURI != ""): // RFC 7591 §2
		return oxlin.Invalid("jwks", "A client has either keys or the address of keys.")
	case given:
		return checkKeys(by.Keys)
	}
	parsed, err := url.Parse(by.KeysURI)
	switch {
	case err != nil || !oxlin.IsText(by.KeysURI) || parsed.Host == "" || parsed.Scheme != "https" && (parsed.Scheme != "http" || !IsLoopback(parsed.Hostname())):
		return oxlin.Invalid("jwks_uri", "%q: the address of keys is an https URL; http is for loopback addresses only.", by.KeysURI)
	case parsed.User != nil:
		return oxlin.Invalid("jwks_uri", "The address of keys has no password: it is shown.")
	}
	return nil
}

// privateMembers are the members of a JSON Web Key that nobody else may know (RFC 7518
// §6.2.2, §6.3.2 and §6.4.1).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

func checkKeys(text json.RawMessage) error {
	var set struct{ Keys []map[string]any }
	err := json.Unmarshal(text, &set)
	if err != nil || len(text) > mostKeyText || len(set.Keys) == 0 || len(set.Keys) > mostKeys {
		return oxlin.Invalid("jwks", "The keys are a JSON Web Key Set of 1 to %d public keys.", mostKeys)
	}
	for _, key := range set.Keys {
		for _, member := range privateMembers {
			if key[member] != nil {
				return oxlin.Invalid("jwks", "The keys hold a private one: register public keys, and replace this one, which others have seen now.")
			}
		}
		if kind := key["kty"]; kind != "RSA" && kind != "EC" && kind != "OKP" {
			return oxlin.Invalid("jwks", "A key is of the kty RSA, EC or OKP.")
		}
	}
	return nil
}
