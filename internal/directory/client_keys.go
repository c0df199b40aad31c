package directory

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// SetAuthentication sets how a client authenticates. A client with keys or certificates is
// refused with its secrets, which work again if it gives them up. The error is
// CodeInvalidRequest for an invalid field.
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
	hasKeys, hasSubject := len(by.Keys) > 0 || by.KeysURI != "", by.Subject != oxlin.CertificateSubject{}
	switch by.Method {
	case oxlin.AuthBySecret:
		if hasKeys {
			return oxlin.Invalid("jwks", "Keys are for clients that authenticate by %s or %s.", oxlin.AuthByPrivateKey, oxlin.AuthBySelfSignedTLS)
		}
	case oxlin.AuthByPrivateKey, oxlin.AuthBySelfSignedTLS:
		err := checkKeySource(by)
		if err != nil {
			return err
		}
	case oxlin.AuthByTLS:
		if hasKeys {
			return oxlin.Invalid("jwks", "A client that authenticates by %s has a subject, and no keys.", oxlin.AuthByTLS)
		}
		return by.Subject.Check()
	default:
		return oxlin.Invalid("token_endpoint_auth_method", "The method is %s, %s or %s, or empty for a secret.",
			oxlin.AuthByPrivateKey, oxlin.AuthByTLS, oxlin.AuthBySelfSignedTLS)
	}
	if hasSubject {
		return oxlin.Invalid("tls_client_auth_subject_dn", "A subject is for clients that authenticate by %s.", oxlin.AuthByTLS)
	}
	return nil
}

// checkKeySource checks the keys of a client, or their address.
func checkKeySource(by oxlin.ClientAuthentication) error {
	if (len(by.Keys) > 0) == (by.KeysURI != "") { // RFC 7591 §2
		return oxlin.Invalid("jwks", "A client has either keys or the address of keys.")
	}
	if len(by.Keys) > 0 {
		return checkKeys(by.Keys, by.Method == oxlin.AuthBySelfSignedTLS)
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

// checkKeys checks a set of keys. With certified, each has a certificate.
func checkKeys(text json.RawMessage, certified bool) error {
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
		if certificates, ok := key["x5c"].([]any); certified && (!ok || len(certificates) == 0) {
			return oxlin.Invalid("jwks", "Each key of a client that authenticates by %s has its certificate in x5c.", oxlin.AuthBySelfSignedTLS)
		}
	}
	return nil
}
