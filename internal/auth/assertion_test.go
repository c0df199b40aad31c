package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// keyed is a client that authenticates by keys.
type keyed struct {
	id     oxlin.ClientID
	secret oxlin.Secret // refused
}

// newKeyed creates a client with keys.
func (w *world) newKeyed(t *testing.T, by oxlin.ClientAuthentication) keyed {
	t.Helper()
	c, secret, err := w.Clients.Create(t.Context(), directory.NewClient{Name: "Keyed"})
	if err == nil {
		by.Method = oxlin.AuthByPrivateKey
		err = w.Clients.SetAuthentication(t.Context(), c.ID, by)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyed{c.ID, secret}
}

// setOf writes the public keys as a set.
func setOf(t *testing.T, keys ...jose.JSONWebKey) json.RawMessage {
	t.Helper()
	set := jose.JSONWebKeySet{}
	for _, key := range keys {
		set.Keys = append(set.Keys, key.Public())
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signed writes a JWT.
func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims returns those of a good assertion.
func (w *world) claims(id oxlin.ClientID) map[string]any {
	now := w.Clock.Now()
	return map[string]any{
		"iss": id, "sub": id, "aud": w.URL, "jti": rand.Text(), "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(),
	}
}

// assert sends an assertion to an endpoint.
func (w *world) assert(t *testing.T, path, assertion string, pairs ...string) answer {
	t.Helper()
	values := url.Values{
		"client_assertion": {assertion}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"grant_type": {"client_credentials"}, "token": {"x"},
	}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return w.post(t, path, values.Encode())
}

func TestAClientAuthenticatesByItsKeys(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	weakKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := func(id string, private any) jose.JSONWebKey { return jose.JSONWebKey{Key: private, KeyID: id} }
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		encryption := key("enc", p256)
		encryption.Use = "enc"
		c := w.newKeyed(t, oxlin.ClientAuthentication{Keys: setOf(t, key("rsa", rsaKey), key("weak", weakKey), key("ec", p256), key("ed", ed), encryption)})
		good := func() map[string]any { return w.claims(c.id) }
		with := func(name string, value any) map[string]any {
			claims := good()
			claims[name] = value
			if value == nil {
				delete(claims, name)
			}
			return claims
		}
		now := w.Clock.Now()
		hmac := signed(t, jose.HS256, []byte(strings.Repeat("k", 32)), good())
		none := "eyJhbGciOiJub25lIn0." + strings.Split(hmac, ".")[1] + "."
		tampered := func() string {
			parts := strings.Split(signed(t, jose.ES256, key("ec", p256), good()), ".")
			parts[1] = strings.Split(signed(t, jose.ES256, key("ec", p256), good()), ".")[1]
			return strings.Join(parts, ".")
		}
		_, strange, _ := ed25519.GenerateKey(rand.Reader)
		for _, row := range []struct {
			cited, fact, assertion string
			want                   bool
		}{
			{"RFC 7518 §3.1", "RS256", signed(t, jose.RS256, key("rsa", rsaKey), good()), true},
			{"RFC 7518 §3.1", "PS256", signed(t, jose.PS256, key("rsa", rsaKey), good()), true},
			{"RFC 7518 §3.1", "ES256", signed(t, jose.ES256, key("ec", p256), good()), true},
			{"RFC 8037 §3.1", "EdDSA", signed(t, jose.EdDSA, key("ed", ed), good()), true},
			{"RFC 7515 §4.1.4", "without a kid", signed(t, jose.ES256, p256, good()), true},
			{"RFC 7523 §3", "for the token endpoint", signed(t, jose.ES256, p256, with("aud", w.URL+"/token")), true},
			{"RFC 7523 §3", "for several, this server among them", signed(t, jose.ES256, p256, with("aud", []string{"https://other.test", w.URL})), true},
			{"RFC 7523 §3", "without iat", signed(t, jose.ES256, p256, with("iat", nil)), true},
			{"RFC 7523 §3", "of a clock that is 20 seconds ahead", signed(t, jose.ES256, p256, with("iat", now.Add(20*time.Second).Unix())), true},
			{"RFC 8725 §3.1", "HS256", hmac, false},
			{"RFC 8725 §3.1", "none", none, false},
			{"RFC 8725 §3.1", "RS384", signed(t, jose.RS384, key("rsa", rsaKey), good()), false},
			{"RFC 7518 §3.3", "a short key", signed(t, jose.RS256, key("weak", weakKey), good()), false},
			{"RFC 7523 §3", "another's key", signed(t, jose.EdDSA, key("ed", strange), good()), false},
			{"RFC 7523 §3", "another's key without a kid", signed(t, jose.EdDSA, strange, good()), false},
			{"RFC 7515 §4.1.4", "an unknown kid", signed(t, jose.ES256, key("none", p256), good()), false},
			{"RFC 7517 §4.2", "a key for encryption", signed(t, jose.ES256, key("enc", p256), good()), false},
			{"RFC 7523 §3", "other claims than were signed", tampered(), false},
			{"RFC 7523 §3", "another issuer", signed(t, jose.ES256, p256, with("iss", "sandbox")), false},
			{"RFC 7523 §3", "another subject", signed(t, jose.ES256, p256, with("sub", "sandbox")), false},
			{"RFC 7523 §3", "for another server", signed(t, jose.ES256, p256, with("aud", "https://other.test")), false},
			{"RFC 7523 §3", "for nobody", signed(t, jose.ES256, p256, with("aud", nil)), false},
			{"RFC 7523 §3", "expired", signed(t, jose.ES256, p256, with("exp", now.Add(-time.Minute).Unix())), false},
			{"RFC 7523 §3", "without an end", signed(t, jose.ES256, p256, with("exp", nil)), false},
			{"RFC 7523 §3", "for an hour", signed(t, jose.ES256, p256, with("exp", now.Add(time.Hour).Unix())), false},
			{"RFC 7523 §3", "not valid yet", signed(t, jose.ES256, p256, with("nbf", now.Add(5*time.Minute).Unix())), false},
			{"RFC 7523 §3", "issued in the future", signed(t, jose.ES256, p256, with("iat", now.Add(5*time.Minute).Unix())), false},
			{"RFC 7523 §3", "without a jti", signed(t, jose.ES256, p256, with("jti", nil)), false},
			{"RFC 7523 §3", "with an endless jti", signed(t, jose.ES256, p256, with("jti", strings.Repeat("x", 300))), false},
			{"RFC 7523 §3", "no JWT", "x.y.z", false},
		} {
			a := w.assert(t, "/token", row.assertion)
			if row.want && a.StatusCode != http.StatusOK || !row.want && (a.StatusCode != http.StatusUnauthorized || a.field("error") != "invalid_client") {
				t.Errorf("%s (%s): %d %s", row.fact, row.cited, a.StatusCode, a.text)
			}
			if again := w.assert(t, "/token", row.assertion); again.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s, again (RFC 7523 §3): %d %s", row.fact, again.StatusCode, again.text)
			}
		}

		fresh := func() string { return signed(t, jose.ES256, p256, good()) }
		if a := w.assert(t, "/introspect", fresh()); a.StatusCode != http.StatusOK || a.json["active"] != false {
			t.Errorf("introspection: %d %s", a.StatusCode, a.text)
		}
		if a := w.assert(t, "/revoke", fresh()); a.StatusCode != http.StatusOK {
			t.Errorf("revocation: %d %s", a.StatusCode, a.text)
		}
		for fact, pairs := range map[string][]string{
			"with the secret too": {"client_secret", c.secret.Reveal()}, // RFC 6749 §2.3
		} {
			w.assert(t, "/token", fresh(), pairs...).refusedWith(t, fact, http.StatusBadRequest, "invalid_request")
		}
		w.assert(t, "/token", fresh(), "client_id", "sandbox").refusedWith(t, "another client_id (RFC 7521 §4.2)", http.StatusUnauthorized, "invalid_client")
		w.assert(t, "/token", fresh(), "client_assertion_type", "jwt").refusedWith(t, "another type (RFC 7521 §4.2)", http.StatusUnauthorized, "invalid_client")
		w.post(t, "/token", form("grant_type", "client_credentials", "client_id", string(c.id), "client_secret", c.secret.Reveal())).
			refusedWith(t, "the secret of a client with keys", http.StatusUnauthorized, "invalid_client")
		w.post(t, "/token", form("grant_type", "client_credentials", "client_id", string(c.id), "client_secret", "")).
			refusedWith(t, "no proof of a client with keys", http.StatusUnauthorized, "invalid_client")
		sandbox := w.claims("sandbox")
		w.assert(t, "/token", signed(t, jose.ES256, p256, sandbox)).refusedWith(t, "an assertion of a client without keys", http.StatusUnauthorized, "invalid_client")
		if _, err := w.AuthenticateClient(t.Context(), c.id, oxlin.NewSecret(fresh())); err != nil {
			t.Errorf("a door with one field for both: %v", err)
		}
		if _, err := w.AuthenticateClient(t.Context(), c.id, c.secret); oxlin.AsError(err).Code != oxlin.CodeInvalidClient {
			t.Errorf("such a door, the secret: %v", err)
		}
		if _, err := w.Clients.RotateSecret(t.Context(), c.id, directory.Rotation{}); oxlin.AsError(err).Code != oxlin.CodeConflict {
			t.Errorf("a new secret of a client with keys: %v", err)
		}

		// An assertion is remembered until it has expired, and then forgotten.
		last := fresh()
		w.assert(t, "/token", last)
		w.Clock.Advance(80 * time.Second)
		err := w.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a := w.assert(t, "/token", last); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("within the tolerance of clocks it works again: %d", a.StatusCode)
		}

		err = w.Clients.SetAuthentication(t.Context(), c.id, oxlin.ClientAuthentication{})
		if err != nil {
			t.Fatal(err)
		}
		if a := w.post(t, "/token", form("grant_type", "client_credentials", "client_id", string(c.id), "client_secret", c.secret.Reveal())); a.StatusCode != http.StatusOK {
			t.Errorf("a client that has given its keys up: %d %s", a.StatusCode, a.text)
		}
		w.assert(t, "/token", fresh()).refusedWith(t, "keys that were given up", http.StatusUnauthorized, "invalid_client")
	})
}

func TestKeysAreReadAtTheirAddress(t *testing.T) {
	t.Parallel()
	first, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one, two := jose.JSONWebKey{Key: first, KeyID: "1"}, jose.JSONWebKey{Key: second, KeyID: "2"}
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	w.Mux = http.NewServeMux()
	server := w.NewAuth(w.URL, func(o *auth.Options) { o.LocalKeys = true })
	outward := w.NewAuth(w.URL, nil)
	var reads atomic.Int32
	var answer atomic.Value
	answer.Store(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write(setOf(t, one)) }))
	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		reads.Add(1)
		answer.Load().(http.HandlerFunc)(rw, r)
	}))
	t.Cleanup(host.Close)
	c := w.newKeyed(t, oxlin.ClientAuthentication{KeysURI: host.URL + "/jwks"})
	try := func(s *auth.Server, key jose.JSONWebKey) bool {
		t.Helper()
		_, err := s.AuthenticateClient(context.WithoutCancel(t.Context()), c.id, oxlin.NewSecret(signed(t, jose.ES256, key, w.claims(c.id))))
		if err != nil && oxlin.AsError(err).Code != oxlin.CodeInvalidClient {
			t.Fatal(err)
		}
		return err == nil
	}
	want := func(fact string, ok, wantOK bool, wantReads int32) {
		t.Helper()
		if got := reads.Swap(0); ok != wantOK || got != wantReads {
			t.Errorf("%s: %t after %d readings, want %t after %d", fact, ok, got, wantOK, wantReads)
		}
	}
	serve := func(f http.HandlerFunc) { answer.Store(f) }

	want("a server that must not reach this machine", try(outward, one), false, 0)
	want("the first time", try(server, one), true, 1)
	want("again", try(server, one), true, 0)
	want("an unknown kid at once", try(server, two), false, 0)
	w.Clock.Advance(time.Minute)
	serve(func(rw http.ResponseWriter, _ *http.Request) { rw.Write(setOf(t, two)) })
	want("a new kid", try(server, two), true, 1)
	want("the key that was replaced", try(server, one), false, 0)
	for fact, f := range map[string]http.HandlerFunc{
		"an error":   func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) },
		"a redirect": func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/elsewhere", http.StatusFound) },
		"no set":     func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte(`<html>`)) },
		"too much":   func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte(strings.Repeat(" ", 1<<17))) },
		"an end in the middle": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "1000")
			rw.Write([]byte(`{"keys":[`))
		},
	} {
		serve(f)
		w.Clock.Advance(time.Minute)
		want(fact+", keys of a minute ago", try(server, two), true, 0)
		w.Clock.Advance(5 * time.Minute)
		want(fact+", old keys", try(server, two), false, 1)
		want(fact+", at once again", try(server, two), false, 0)
		serve(func(rw http.ResponseWriter, _ *http.Request) { rw.Write(setOf(t, two)) })
		w.Clock.Advance(31 * time.Second)
		want(fact+" is over", try(server, two), true, 1)
	}
}
