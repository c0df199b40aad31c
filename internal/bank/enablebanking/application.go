package enablebanking

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// The names in the JWT of an application.
const (
	issuer   = "enablebanking.com"
	audience = "api.enablebanking.com"
)

// tokenLife is how long a JWT is valid: enough for a clock that is a little wrong, and less
// than the 24 hours that are allowed. It is used for half of its life.
const tokenLife = time.Hour

// keys are those that were read, by their texts: an installation has one, and a thousand banks
// that name it.
var keys sync.Map

// readKey reads the private key of an application: PKCS #8, as browsers export it, or PKCS
// #1. The error quotes nothing of it.
func readKey(text string) (*rsa.PrivateKey, error) {
	known, ok := keys.Load(text)
	if ok {
		return known.(*rsa.PrivateKey), nil
	}
	key, err := parseKey(text)
	if err == nil {
		keys.Store(text, key)
	}
	return key, err
}

func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the text is not a PEM file")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the PEM file holds no private key that can be read without a password")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("want an RSA key, not %T", parsed)
	}
	return key, nil
}

// client sends the requests of one application.
type client struct {
	*psd2.Client
	application string
	// last is the JWT that was signed last. Any process signs another one that is as good.
	last *atomic.Pointer[token]
}

// token is a JWT and its beginning.
type token struct {
	from   time.Time
	signed oxlin.Secret
}

// newClient returns the client of an application. Seal is replaced: the application has a
// key of its own.
func newClient(a Application, api psd2.Interface, deps psd2.Deps) (client, error) {
	key, err := readKey(a.Key)
	if err != nil {
		return client{}, fmt.Errorf("key: %w", err)
	}
	deps.Seal = psd2.Seal{Key: key}
	made, err := psd2.NewClient(api, dialect, deps)
	return client{made, a.ID, &atomic.Pointer[token]{}}, err
}

// own returns a call as the application itself. The user's presence is in the headers of a
// request alone, see headersOf.
func (c client) own() (bank.Call, error) {
	now := c.Now().UTC()
	last := c.last.Load()
	if last != nil && !now.Before(last.from) && now.Sub(last.from) < tokenLife/2 {
		return bank.Call{Access: bank.Access{Token: last.signed}}, nil
	}
	signed, err := c.SignJWT("RS256", c.application, nil, map[string]any{
		"iss": issuer, "aud": audience, "iat": jwt.NewNumericDate(now), "exp": jwt.NewNumericDate(now.Add(tokenLife)),
	})
	if err != nil {
		return bank.Call{}, err
	}
	last = &token{now, oxlin.NewSecret(signed)}
	c.last.Store(last)
	return bank.Call{Access: bank.Access{Token: last.signed}}, nil
}

// send sends a request as the application.
func (c client) send(ctx context.Context, request psd2.Request, into any) error {
	call, err := c.own()
	if err != nil {
		return err
	}
	return c.Send(ctx, call, request, into)
}
