package openbanking

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Login describes how a user is sent to the bank, and comes back.
type Login struct {
	// ResponseType is "code id_token", the default, where the bank answers in the fragment,
	// or "code".
	ResponseType string `json:"response_type,omitempty"`
	// Issuer is the name of the authorization server, and Keys the address of its keys
	// (JWKS). An ID token is verified by them.
	Issuer string `json:"issuer,omitempty"`
	Keys   string `json:"jwks_url,omitempty"`
	// Lacks are the claims of an ID token that the bank does not send: "c_hash", "s_hash".
	Lacks []string `json:"lacks,omitempty"`
	// Request describes the request object.
	Request Request `json:"request,omitzero"`
	// Parameters are further ones of the address, such as {"prompt": "login"}; an empty value
	// removes one. A value may hold {consent_id}.
	Parameters map[string]string `json:"parameters,omitempty"`
	// RedirectOnRefresh sends the redirect address when a token is renewed.
	RedirectOnRefresh bool `json:"redirect_on_refresh,omitempty"`
}

// Request describes the request object (OpenID Connect Core §6): the parameters of the
// login, signed by us, with the id of the consent.
type Request struct {
	// Algorithm is PS256 by default, and KeyID the id under which the bank knows our key.
	Algorithm string `json:"algorithm,omitempty"`
	KeyID     string `json:"key_id,omitempty"`
	// Audience is the issuer by default.
	Audience string `json:"audience,omitempty"`
	// Minutes is how long it is valid; 5 by default.
	Minutes int `json:"minutes,omitempty"`
	// In are the parts of the claims that hold the id of the consent, "id_token" and
	// "userinfo"; both by default.
	In []string `json:"in,omitempty"`
	// ACR are the levels of authentication of which the bank is to choose one; by default
	// urn:openbanking:psd2:sca. ["none"] asks for none.
	ACR []string `json:"acr,omitempty"`
	// MaxAge is the age in seconds of the user's last login at the bank that suffices; 0 does
	// not limit it.
	MaxAge int `json:"max_age,omitempty"`
	// A text in a claim of JWT.Claims may hold {consent_id}.
	psd2.JWT
}

const (
	codeAlone = "code"
	hybrid    = "code id_token"
)

func (l Login) responseType() string { return cmp.Or(l.ResponseType, hybrid) }

func (l Login) check(at datafile.Node) {
	psd2.CheckOneOf(at.Member("response_type"), l.ResponseType, "", hybrid, codeAlone)
	at.Member("issuer").Check(l.Issuer != "" || l.responseType() == codeAlone && l.Request.Audience != "", "a value is missing")
	if l.responseType() == hybrid || l.Keys != "" {
		at.Member("jwks_url").CheckAddress(l.Keys)
	}
	for i, name := range l.Lacks {
		psd2.CheckOneOf(at.Member("lacks").Item(i), name, "c_hash", "s_hash")
	}
	psd2.CheckJWTAlgorithm(at.Member("request").Member("algorithm"), l.Request.Algorithm)
	at.Member("request").Member("minutes").Check(l.Request.Minutes >= 0, "%d is negative", l.Request.Minutes)
	for i, part := range l.Request.In {
		psd2.CheckOneOf(at.Member("request").Member("in").Item(i), part, "id_token", "userinfo")
	}
}

// way is the state of a way in.
type way struct {
	// Begun is set before the bank is asked for a consent, and Consent is its id.
	Begun   time.Time `json:"begun"`
	Consent string    `json:"consent,omitempty"`
	// Until is when the bank ends the consent; zero if it does not say.
	Until time.Time `json:"until,omitzero"`
	// Earlier is set if the consent is that of the access that is renewed.
	Earlier bool `json:"earlier,omitempty"`
	// State is the parameter of that name, which the hash in an ID token repeats.
	State string `json:"state,omitempty"`
	// Reconfirms is set while the consent of before lasts, and nothing else is begun.
	Reconfirms bool `json:"reconfirms,omitempty"`
}

func (w way) encode() oxlin.Secret { return encodeState(w) }

// accessState is the part of an access beside its token.
type accessState struct {
	Consent string `json:"consent"`
	// Redirect is the address to which the bank returned the user.
	Redirect string `json:"redirect,omitempty"`
	// Login is when the user logged in at the bank.
	Login time.Time `json:"login,omitzero"`
}

func encodeState(state any) oxlin.Secret {
	text, err := json.Marshal(state)
	if err != nil {
		panic(err) // texts and times marshal
	}
	return oxlin.NewSecret(string(text))
}

// decodeState reads a state that encodeState wrote. The error quotes nothing of it.
func decodeState(state oxlin.Secret, into any) error {
	err := json.Unmarshal([]byte(state.Reveal()), into)
	if err != nil {
		return psd2.Nonsense(errors.New("the state is not one of ours"))
	}
	return nil
}

// Continue makes a consent at the bank, sends the user there, and exchanges the code with
// which they return.
func (c *Connector) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	switch input.Event {
	case bank.Begun:
		return c.begin(ctx, input)
	case bank.Returned:
		return c.returned(ctx, input)
	case bank.Ticked:
		return reconfirmed(ctx, c, input)
	}
	return nil, psd2.Unexpected(input.Event)
}

// begin asks for a consent, or waits for a moment where the one of before lasts: a way in
// cannot begin with its end.
func (c *Connector) begin(ctx context.Context, input bank.Input) (bank.Step, error) {
	if c.config.Consent.Reconfirm {
		_, ok, err := c.reconfirm(ctx, input.Journey)
		if err != nil {
			return nil, err
		}
		if ok {
			return bank.Wait{State: way{Begun: c.api.Now().UTC(), Reconfirms: true}.encode()}, nil
		}
	}
	return leave(ctx, c, input)
}

// reconfirmed ends a way whose consent of before still lasts; else the user goes to the bank.
func reconfirmed(ctx context.Context, c *Connector, input bank.Input) (bank.Step, error) {
	var w way
	err := decodeState(input.State, &w)
	if err != nil {
		return nil, err
	}
	if !w.Reconfirms {
		return nil, psd2.Unexpected(input.Event)
	}
	access, ok, err := c.reconfirm(ctx, input.Journey)
	if err != nil || ok {
		return access, err
	}
	return leave(ctx, c, input)
}

// leave makes a consent, if the one of before does not last, and sends the user to the bank.
func leave(ctx context.Context, c *Connector, input bank.Input) (bank.Step, error) {
	w := way{Begun: c.api.Now().UTC(), State: input.Journey.RedirectState}
	earlier, err := earlierConsent(ctx, c, input.Journey)
	if err != nil {
		return nil, err
	}
	if earlier != "" {
		w.Consent, w.Earlier = earlier, true
	} else {
		err = input.Keep(ctx, w.encode())
		if err != nil {
			return nil, err
		}
		consent, err := c.makeConsent(ctx, input.PSU)
		if err != nil {
			return nil, err
		}
		w.Consent, w.Until = string(consent.ID), consent.until(c)
	}
	err = input.Keep(ctx, w.encode())
	if err != nil {
		return nil, err
	}
	address, err := c.loginAddress(input.Journey, w.Consent)
	if err != nil {
		return nil, err
	}
	return bank.Address{URL: address, State: w.encode(), Fragment: c.config.Login.responseType() == hybrid}, nil
}

// loginAddress returns the address of the bank's login, with the request object.
func (c *Connector) loginAddress(journey bank.Journey, consent string) (string, error) {
	login := c.config.Login
	extra := url.Values{"response_type": {login.responseType()}, "nonce": {nonceOf(journey)}}
	claims := map[string]any{
		"iss": c.config.OAuth.ClientID, "client_id": c.config.OAuth.ClientID, "aud": cmp.Or(login.Request.Audience, login.Issuer),
		"redirect_uri": journey.RedirectURI, "scope": c.config.OAuth.Scopes, "state": journey.RedirectState,
	}
	for name := range extra {
		claims[name] = extra.Get(name)
	}
	if c.config.OAuth.PKCE {
		claims["code_challenge"], claims["code_challenge_method"] = challengeOf(journey), "S256"
	}
	id, err := c.api.NewID()
	if err != nil {
		return "", err
	}
	claims["jti"] = id
	maps.Copy(claims, login.Request.claims(c.api.Now(), consent))
	own := login.Request.JWT
	own.Claims, _ = withConsent(own.Claims, consent).(map[string]any)
	claims = own.With(claims)
	signed, err := c.api.SignJWT(login.Request.Algorithm, login.Request.KeyID, login.Request.Header, claims)
	if err != nil {
		return "", err
	}
	extra.Set("request", signed)
	for name, value := range login.Parameters {
		extra.Set(name, strings.ReplaceAll(value, consentID, consent))
	}
	address, err := c.AuthorizeURL(journey, extra)
	if err != nil {
		return "", psd2.Nonsense(err)
	}
	return address, nil
}

// claims returns the claims of a request object that do not repeat a parameter.
func (r Request) claims(now time.Time, consent string) map[string]any {
	const usual = 5 // minutes
	intent := map[string]any{"value": consent, "essential": true}
	parts := map[string]any{}
	for _, part := range []string{"id_token", "userinfo"} {
		if len(r.In) == 0 || slices.Contains(r.In, part) {
			parts[part] = map[string]any{"openbanking_intent_id": intent}
		}
	}
	if idToken, ok := parts["id_token"].(map[string]any); ok && !slices.Equal(r.ACR, []string{none}) {
		levels := r.ACR
		if len(levels) == 0 {
			levels = []string{"urn:openbanking:psd2:sca"}
		}
		idToken["acr"] = map[string]any{"essential": true, "values": levels}
	}
	claims := map[string]any{
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Duration(cmp.Or(r.Minutes, usual)) * time.Minute).Unix(), "claims": parts,
	}
	if r.MaxAge > 0 {
		claims["max_age"] = r.MaxAge
	}
	return claims
}

// consentID stands for the id of the consent in the data of a bank.
const consentID = "{consent_id}"

// withConsent returns a value of the bank's data with the id of the consent in its texts.
func withConsent(value any, consent string) any {
	switch value := value.(type) {
	case string:
		return strings.ReplaceAll(value, consentID, consent)
	case []any:
		filled := make([]any, len(value))
		for i, one := range value {
			filled[i] = withConsent(one, consent)
		}
		return filled
	case map[string]any:
		filled := make(map[string]any, len(value))
		for name, one := range value {
			filled[name] = withConsent(one, consent)
		}
		return filled
	}
	return value
}

// nonceOf derives the nonce of a way from its verifier, so that it is never stored.
func nonceOf(journey bank.Journey) string {
	sum := sha256.Sum256([]byte("nonce " + journey.Verifier.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// challengeOf returns the PKCE challenge (RFC 7636 §4.2).
func challengeOf(journey bank.Journey) string {
	sum := sha256.Sum256([]byte(journey.Verifier.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// returned exchanges the code of a return.
func (c *Connector) returned(ctx context.Context, input bank.Input) (bank.Step, error) {
	var w way
	err := decodeState(input.State, &w)
	if err != nil {
		return nil, err
	}
	code, err := c.Code(input.Return)
	if err != nil {
		return nil, err
	}
	if c.config.Login.responseType() == hybrid {
		want := expected{nonce: nonceOf(input.Journey), code: code, state: w.State, consent: w.Consent}
		err := c.verify(ctx, input.Return.Get("id_token"), want)
		if err != nil {
			return nil, err
		}
	}
	access, err := c.Exchange(ctx, code, input.Journey)
	if err != nil {
		return nil, err
	}
	// An end before the consent began is a filler.
	if w.Until.After(c.api.Now()) && w.Until.Before(access.ConsentUntil) {
		access.ConsentUntil = w.Until
	}
	if access.RefreshToken.IsZero() && !access.TokenUntil.IsZero() && access.TokenUntil.Before(access.ConsentUntil) {
		access.ConsentUntil = access.TokenUntil // nothing renews the token
	}
	state := accessState{Consent: w.Consent, Login: c.api.Now().UTC()}
	if c.config.Login.RedirectOnRefresh {
		state.Redirect = input.Journey.RedirectURI
	}
	access.State = encodeState(state)
	return access, nil
}

// Refresh renews the access token. Some banks have no refresh token: their first token lasts
// as long as the consent.
func (c *Connector) Refresh(ctx context.Context, access bank.Access) (bank.Access, error) {
	var state accessState
	if !access.State.IsZero() {
		err := decodeState(access.State, &state)
		if err != nil {
			return bank.Access{}, err
		}
	}
	return c.RefreshTo(ctx, access, state.Redirect)
}

// callHeaders returns the headers of the standard that depend on the access.
func (c *Connector) callHeaders(call bank.Call) map[string]string {
	name := c.config.LoginTimeHeader
	if name == "" || call.Access.State.IsZero() {
		return nil
	}
	var state accessState
	err := decodeState(call.Access.State, &state)
	if err != nil || state.Login.IsZero() {
		return nil
	}
	return map[string]string{name: state.Login.UTC().Format("Mon, 02 Jan 2006 15:04:05") + " GMT"}
}

// isHeader reports whether a text can be the name of a header.
func isHeader(name string) bool {
	return name == "" || !strings.ContainsAny(name, " \t\r\n:")
}
