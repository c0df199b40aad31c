package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

const (
	// keysReadAgain is how long a node relies on the keys it read.
	keysReadAgain = time.Minute
	// keyRest is how long a new key is listed before it signs, so that all nodes and
	// clients know it by then.
	keyRest = 5 * time.Minute
	// keyAfterlife is how long a key is listed after another signs: longer than
	// any id_token lives.
	keyAfterlife = 24 * time.Hour
)

// signingKeys are the private keys as this node last read them, the newest first.
type signingKeys struct {
	sync.Mutex
	keys   []signingKey
	readAt time.Time
}

type signingKey struct {
	jose.JSONWebKey
	createdAt time.Time
}

// signingKeys returns the keys. The first call makes the first key, because making
// one at the start would delay it.
func (s *Server) signingKeys(ctx context.Context) ([]signingKey, error) {
	s.keys.Lock()
	defer s.keys.Unlock()
	if len(s.keys.keys) > 0 && s.now().Sub(s.keys.readAt) < keysReadAgain {
		return s.keys.keys, nil
	}
	keys, err := s.readSigningKeys(ctx)
	if err == nil && len(keys) == 0 {
		err = s.RotateSigningKey(ctx)
		if err == nil {
			keys, err = s.readSigningKeys(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	s.keys.keys, s.keys.readAt = keys, s.now()
	return keys, nil
}

func (s *Server) readSigningKeys(ctx context.Context) ([]signingKey, error) {
	stored, err := s.db.Read().SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	var keys []signingKey
	for _, k := range stored {
		text, err := s.vault.Open(k.PrivateKey, placeOfKey(k.ID))
		if err != nil {
			return nil, err
		}
		private, err := x509.ParsePKCS8PrivateKey(text)
		clear(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, signingKey{
			jose.JSONWebKey{Key: private, KeyID: k.ID, Algorithm: string(jose.RS256), Use: "sig"}, k.CreatedAt,
		})
	}
	return keys, nil
}

// The names under which a signing key is sealed are stored with it: they never change.
const keyTable, keyColumn = "signing_keys", "private_key"

func placeOfKey(id string) vault.Place {
	return vault.Place{Table: keyTable, Column: keyColumn, Row: id}
}

// RotateSigningKey makes a new key for id_tokens. It is listed at once, signs after
// some minutes, and Sweep removes the previous key a day later.
func (s *Server) RotateSigningKey(ctx context.Context) error {
	private, err := rsa.GenerateKey(s.random, 2048)
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	thumbprint, err := (&jose.JSONWebKey{Key: private}).Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(thumbprint)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	sealed, err := s.vault.Seal(text, placeOfKey(id))
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.Auth().InsertSigningKey(ctx, store.SigningKey{ID: id, PrivateKey: sealed, CreatedAt: s.now()})
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Action: audit.KeyRotated, Actor: audit.Platform, Details: audit.Details{audit.Key: "signing"}})
	})
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	return nil
}

// sign returns a JWT signed by the newest key that all nodes and clients know.
func (s *Server) sign(ctx context.Context, claims map[string]any) (string, error) {
	keys, err := s.signingKeys(ctx)
	if err != nil {
		return "", err
	}
	key := keys[len(keys)-1]
	for _, candidate := range keys {
		if s.now().Sub(candidate.createdAt) >= keyRest {
			key = candidate
			break
		}
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: key.JSONWebKey}, (&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// dropSigningKeys removes the keys that were replaced long enough ago.
func (s *Server) dropSigningKeys(ctx context.Context, tx *store.Tx) error {
	keys, err := tx.Read().SigningKeys(ctx)
	if err != nil {
		return err
	}
	var dropped error
	for i, k := range keys {
		if i > 0 && s.now().Sub(keys[i-1].CreatedAt) > keyRest+keyAfterlife {
			dropped = errors.Join(dropped, tx.Auth().DropSigningKey(ctx, k.ID))
		}
	}
	return dropped
}

// jwks is GET /jwks.json (RFC 7517 §5): every key with which an id_token may have
// been signed.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	keys, err := s.signingKeys(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range keys {
		set.Keys = append(set.Keys, key.Public())
	}
	writePublicJSON(w, set)
}
