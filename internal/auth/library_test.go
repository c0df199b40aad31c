package auth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func secretOf(text string) oxlin.Secret { return oxlin.NewSecret(text) }

// discovered holds the members of the discovery document that clients read.
type discovered struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	JWKS          string `json:"jwks_uri"`
	Userinfo      string `json:"userinfo_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
}

func (w *world) discover(t *testing.T) discovered {
	t.Helper()
	var d discovered
	err := json.Unmarshal([]byte(w.get(t, "/.well-known/openid-configuration").text), &d)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *world) keySet(t *testing.T) jose.JSONWebKeySet {
	t.Helper()
	var keys jose.JSONWebKeySet
	err := json.Unmarshal([]byte(w.get(t, "/jwks.json").text), &keys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// verify checks an id_token as a relying party does (OpenID Connect Core §3.1.3.7)
// and gives its claims.
func (w *world) verify(t *testing.T, idToken, audience string) map[string]any {
	t.Helper()
	token, err := jwt.ParseSigned(idToken, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var standard jwt.Claims
	claims := map[string]any{}
	err = token.Claims(w.keySet(t), &standard, &claims)
	if err != nil {
		t.Fatal(err)
	}
	err = standard.Validate(jwt.Expected{Issuer: w.URL, Subject: w.user.String(), AnyAudience: jwt.Audience{audience}, Time: w.Clock.Now()})
	if err != nil {
		t.Error(err)
	}
	if token.Headers[0].Algorithm != "RS256" {
		t.Errorf("signed with %s", token.Headers[0].Algorithm)
	}
	return claims
}

// The client library that most Go programs use, from the discovery document to
// every grant.
func TestClientLibrary(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		d := w.discover(t)
		if d.Issuer != w.URL {
			t.Errorf("issuer %q", d.Issuer)
		}
		styles := map[string]oauth2.AuthStyle{
			"found out": oauth2.AuthStyleAutoDetect, "Basic": oauth2.AuthStyleInHeader, "form": oauth2.AuthStyleInParams,
		}
		for name, style := range styles {
			t.Run(name, func(t *testing.T) {
				config := &oauth2.Config{
					ClientID: "sandbox", ClientSecret: "sandbox-secret", RedirectURL: callback, Scopes: []string{"openid", "profile"},
					Endpoint: oauth2.Endpoint{AuthURL: d.Authorization, TokenURL: d.Token, AuthStyle: style},
				}
				check := func(grant string, token *oauth2.Token, err error) {
					t.Helper()
					if err != nil {
						t.Fatalf("%s: %v", grant, err)
					}
					if !token.Valid() || token.Type() != "Bearer" || token.Extra("expires_in") != 3600.0 || !w.works(t, token.AccessToken) {
						t.Errorf("%s: %+v", grant, token)
					}
				}
				verifier := oauth2.GenerateVerifier()
				address, err := url.Parse(config.AuthCodeURL("state", oauth2.ApprovalForce, oauth2.S256ChallengeOption(verifier)))
				if err != nil {
					t.Fatal(err)
				}
				b := newBrowser(t, w)
				code := redirect(t, b.submit(t, b.open(t, address.RequestURI()), "username", email, "password", password)).Get("code")
				token, err := config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
				check("code", token, err)
				idToken, _ := token.Extra("id_token").(string)
				w.verify(t, idToken, "sandbox")

				token, err = config.PasswordCredentialsToken(t.Context(), email, password)
				check("password", token, err)
				refreshToken := token.RefreshToken
				token, err = config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: refreshToken, Expiry: time.Unix(1, 0)}).Token()
				check("refresh", token, err)
				if token.RefreshToken == refreshToken {
					t.Error("the refresh token was not rotated")
				}

				machine := clientcredentials.Config{ClientID: "sandbox", ClientSecret: "sandbox-secret", TokenURL: d.Token, Scopes: []string{"users_create"}, AuthStyle: style}
				token, err = machine.Token(t.Context())
				check("client credentials", token, err)
				if token.RefreshToken != "" {
					t.Error("a client got a refresh token")
				}
			})
		}
	})
}

func TestIDToken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first := w.signIn(t, "openid")
		w.Clock.Advance(10 * time.Minute)
		for grant, a := range map[string]answer{"password": w.signIn(t, "openid profile"), "refresh": w.refresh(t, first.field("refresh_token"))} {
			claims := w.verify(t, a.field("id_token"), "sandbox")
			signedIn := w.Clock.Now()
			if grant == "refresh" {
				signedIn = signedIn.Add(-10 * time.Minute)
			}
			if claims["email"] != email || claims["auth_time"] != float64(signedIn.Unix()) || claims["exp"] != float64(w.Clock.Now().Add(time.Hour).Unix()) {
				t.Errorf("%s: %v", grant, claims)
			}
		}
	})
}

func TestSigningKeyRotation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		keyOf := func(idToken string) string {
			token, err := jwt.ParseSigned(idToken, []jose.SignatureAlgorithm{jose.RS256})
			if err != nil {
				t.Fatal(err)
			}
			return token.Headers[0].KeyID
		}
		before := w.signIn(t, "openid").field("id_token")
		w.Clock.Advance(30 * time.Minute)
		err := w.RotateSigningKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Minute)
		resting := w.signIn(t, "openid").field("id_token")
		if keyOf(resting) != keyOf(before) || len(w.keySet(t).Keys) != 2 {
			t.Error("the new key is not listed before it signs")
		}
		w.Clock.Advance(5 * time.Minute)
		after := w.signIn(t, "openid").field("id_token")
		if keyOf(after) == keyOf(before) {
			t.Error("the new key does not sign")
		}
		w.verify(t, before, "sandbox")
		w.verify(t, after, "sandbox")
		for _, key := range w.keySet(t).Keys {
			if !key.IsPublic() || key.Use != "sig" || key.Algorithm != "RS256" {
				t.Errorf("listed: %+v", key)
			}
		}
		w.Clock.Advance(25 * time.Hour)
		err = w.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if keys := w.keySet(t).Keys; len(keys) != 1 || keys[0].KeyID != keyOf(after) {
			t.Errorf("after the sweep: %d keys", len(keys))
		}
	})
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			user, err := tx.Read().User(t.Context(), w.user)
			user.Profile = oxlin.Profile{FirstName: "Jo", LastName: "DOE"}
			if err != nil {
				return err
			}
			return tx.UpdateUser(t.Context(), user)
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(token string) answer { return w.get(t, "/userinfo", "Authorization", "Bearer "+token) }
		a := ask(w.signIn(t, "openid").field("access_token"))
		if a.StatusCode != http.StatusOK || a.field("sub") != w.user.String() || a.field("email") != email || a.json["given_name"] != nil {
			t.Errorf("openid: %d %s", a.StatusCode, a.text)
		}
		a = ask(w.signIn(t, "openid profile_edit").field("access_token"))
		if a.field("given_name") != "Jo" || a.field("family_name") != "DOE" {
			t.Errorf("with profile: %d %s", a.StatusCode, a.text)
		}
		if a := ask(w.signIn(t, "profile").field("access_token")); a.StatusCode != 403 || a.field("error") != "insufficient_scope" {
			t.Errorf("without openid: %d %s", a.StatusCode, a.text)
		}
		client := w.post(t, "/token", form("grant_type", "client_credentials", "scope", "profile"))
		if a := ask(client.field("access_token")); a.StatusCode != 403 {
			t.Errorf("a client's token: %d %s", a.StatusCode, a.text)
		}
		for _, bad := range []answer{ask("x"), w.get(t, "/userinfo"), w.get(t, "/userinfo", "Authorization", basic("sandbox", "sandbox-secret"))} {
			if bad.StatusCode != 401 || bad.field("error") != "invalid_token" || bad.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("got %d %s", bad.StatusCode, bad.text)
			}
		}
	})
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		signedIn := w.signIn(t, "profile")
		ask := func(token string, pairs ...string) answer {
			return w.post(t, "/introspect", form(append([]string{"token", token}, pairs...)...))
		}
		a := ask(signedIn.field("access_token"))
		want := map[string]any{
			"active": true, "scope": "profile", "client_id": "sandbox", "sub": w.user.String(), "token_type": "Bearer", "iss": w.URL,
			"iat": float64(w.Clock.Now().Unix()), "exp": float64(w.Clock.Now().Add(time.Hour).Unix()),
		}
		for name, value := range want {
			if a.json[name] != value {
				t.Errorf("%s: %v, want %v", name, a.json[name], value)
			}
		}
		if a := ask(signedIn.field("refresh_token")); a.json["active"] != true || a.json["token_type"] != nil {
			t.Errorf("a refresh token: %s", a.text)
		}
		w.refresh(t, signedIn.field("refresh_token"))
		w.Clock.Advance(time.Minute)
		for name, a := range map[string]answer{
			"unknown":      ask("x"),
			"none":         ask(""),
			"another's":    ask(signedIn.field("access_token"), "client_id", "sandbox-licensed", "client_secret", "sandbox-licensed-secret"),
			"used refresh": ask(signedIn.field("refresh_token")),
		} {
			if a.StatusCode != http.StatusOK || a.text != `{"active":false}`+"\n" {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			}
		}
		if a := ask(signedIn.field("access_token"), "client_secret", "wrong"); a.StatusCode != 401 || a.field("error") != "invalid_client" {
			t.Errorf("a wrong client: %d %s", a.StatusCode, a.text)
		}
	})
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, kind := range []string{"access_token", "refresh_token"} {
			signedIn := w.signIn(t, "")
			foreign := w.post(t, "/revoke", form("token", signedIn.field(kind), "client_id", "sandbox-licensed", "client_secret", "sandbox-licensed-secret"))
			if foreign.StatusCode == http.StatusOK || !w.works(t, signedIn.field("access_token")) {
				t.Errorf("%s of another client: %d %s", kind, foreign.StatusCode, foreign.text)
			}
			a := w.post(t, "/revoke", form("token", signedIn.field(kind), "token_type_hint", kind))
			if a.StatusCode != http.StatusOK || w.works(t, signedIn.field("access_token")) || w.refresh(t, signedIn.field("refresh_token")).StatusCode == http.StatusOK {
				t.Errorf("%s: %d %s", kind, a.StatusCode, a.text)
			}
			if a := w.post(t, "/revoke", form("token", signedIn.field(kind))); a.StatusCode != http.StatusOK {
				t.Errorf("%s again: %d %s", kind, a.StatusCode, a.text)
			}
		}
		if a := w.post(t, "/revoke", form()); a.StatusCode != 400 {
			t.Errorf("no token: %d %s", a.StatusCode, a.text)
		}
	})
}
