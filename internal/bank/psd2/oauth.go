package psd2

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Authorizer calls the bank's authorization server (RFC 6749). A connector that embeds
// it is a bank.Continuer, whose way in is the login at the bank and back, a bank.Refresher
// and a bank.Revoker. A connector with another way in has its own Continue, and takes
// AuthorizeURL and Exchange as parts of it.
//
// It builds its requests without a library: banks check the order of the form's fields
// and demand a request id, and some answer a success with 201.
type Authorizer struct{ client *Client }

var (
	_ bank.Continuer = Authorizer{}
	_ bank.Refresher = Authorizer{}
	_ bank.Revoker   = Authorizer{}
)

// NewAuthorizer returns the authorizer of a client's bank.
func NewAuthorizer(client *Client) Authorizer { return Authorizer{client} }

// Continue sends the user to the bank's login, and exchanges the code with which they return.
// It makes no request before, and needs no state.
func (a Authorizer) Continue(ctx context.Context, input bank.Input) (bank.Step, error) {
	switch input.Event {
	case bank.Begun:
		address, err := a.AuthorizeURL(input.Journey, nil)
		if err != nil {
			return nil, Nonsense(err)
		}
		return bank.Address{URL: address}, nil
	case bank.Returned:
		code, err := a.Code(input.Return)
		if err != nil {
			return nil, err
		}
		access, err := a.Exchange(ctx, code, input.Journey)
		if err != nil {
			return nil, err
		}
		return access, nil
	}
	return nil, Unexpected(input.Event)
}

// Code returns the authorization code of a return. It fails with the bank's error (RFC 6749
// §4.1.2.1), or if there is neither.
func Code(back bank.Return) (string, error) {
	code, refusal := back.Get("code"), back.Get("error")
	switch {
	case refusal == "access_denied":
		return "", &bank.Failure{Kind: bank.ChallengeCancelled, BankCode: refusal}
	case refusal != "":
		return "", &bank.Failure{Kind: bank.Refused, BankCode: refusal}
	case code == "":
		return "", &bank.Failure{Kind: bank.Nonsense, Err: bank.ErrNoCode}
	}
	return code, nil
}

// Code is the function of that name, for a bank that has words of its own for a login that failed.
func (a Authorizer) Code(back bank.Return) (string, error) {
	for _, name := range []string{"error", "error_description"} {
		word := back.Get(name)
		for known, kind := range a.client.config.OAuth.Errors {
			if word != "" && strings.EqualFold(known, word) {
				return "", &bank.Failure{Kind: kind, BankCode: SafeText(word)}
			}
		}
	}
	return Code(back)
}

// Unexpected is the failure of a step that does not continue the one before.
func Unexpected(event bank.Event) error {
	return Nonsense(fmt.Errorf("the way in does not continue with %q", event))
}

// AuthorizeURL returns the address of the bank's login page (RFC 6749 §4.1.1, RFC
// 7636 §4.3). The extra parameters replace those of the standard; an empty one removes it.
func (a Authorizer) AuthorizeURL(journey bank.Journey, extra url.Values) (string, error) {
	oauth := a.client.config.OAuth
	u, err := url.Parse(oauth.AuthorizeURL)
	if err != nil {
		return "", fmt.Errorf("authorize_url: %w", err)
	}
	query := u.Query()
	query.Set("response_type", "code")
	query.Set("client_id", oauth.ClientID)
	query.Set("redirect_uri", journey.RedirectURI)
	query.Set("scope", oauth.Scopes)
	query.Set("state", journey.RedirectState)
	if oauth.PKCE {
		sum := sha256.Sum256([]byte(journey.Verifier.Reveal()))
		query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		query.Set("code_challenge_method", "S256")
	}
	id, err := a.client.NewID()
	if err != nil {
		return "", err
	}
	for name, value := range oauth.Parameters {
		query[name] = []string{strings.ReplaceAll(value, "{uuid}", id)}
		if value == "" {
			query.Del(name)
		}
	}
	for name, values := range extra {
		query[name] = values
		if strings.Join(values, "") == "" {
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Exchange exchanges the code for access (RFC 6749 §4.1.3). The consent begins now, and
// a later refresh does not extend it.
func (a Authorizer) Exchange(ctx context.Context, code string, journey bank.Journey) (bank.Access, error) {
	fields := a.tokenForm("authorization_code", field{"code", code}, field{"redirect_uri", journey.RedirectURI})
	if a.client.config.OAuth.PKCE {
		fields = append(fields, field{"code_verifier", journey.Verifier.Reveal()})
	}
	access, err := a.token(ctx, OpExchange, fields)
	if err != nil {
		return bank.Access{}, err
	}
	access.ConsentUntil = a.client.now().UTC().AddDate(0, 0, a.client.config.ConsentDays)
	return access, nil
}

// ClientCredentials returns an access of our own, without a user (RFC 6749 §4.4).
func (a Authorizer) ClientCredentials(ctx context.Context, scope string) (bank.Access, error) {
	return a.token(ctx, OpClientCredentials, form{{"grant_type", "client_credentials"}, {"scope", scope}})
}

// Refresh renews the access token (RFC 6749 §6). If the bank returns no new refresh
// token, the old one stays in use.
func (a Authorizer) Refresh(ctx context.Context, access bank.Access) (bank.Access, error) {
	return a.RefreshTo(ctx, access, "")
}

// RefreshTo is Refresh at a bank that wants the redirect address of the login once more; an
// empty one is not sent.
func (a Authorizer) RefreshTo(ctx context.Context, access bank.Access, redirectURI string) (bank.Access, error) {
	if access.RefreshToken.IsZero() {
		return bank.Access{}, &bank.Failure{Kind: bank.AccessLost, Err: errors.New("there is no refresh token")}
	}
	fields := a.tokenForm("refresh_token", field{"refresh_token", access.RefreshToken.Reveal()})
	if redirectURI != "" {
		fields = append(fields, field{"redirect_uri", redirectURI})
	}
	renewed, err := a.token(ctx, OpRefresh, fields)
	if err != nil {
		return bank.Access{}, err
	}
	if renewed.RefreshToken.IsZero() {
		renewed.RefreshToken = access.RefreshToken
	}
	renewed.ConsentUntil, renewed.UnattendedPerDay, renewed.State = access.ConsentUntil, access.UnattendedPerDay, access.State
	renewed.Refreshed = true
	return renewed, nil
}

// Revoke revokes the tokens (RFC 7009). If the bank has no revocation endpoint or no
// longer knows the token, or the access has no token, Revoke does nothing.
func (a Authorizer) Revoke(ctx context.Context, access bank.Access) error {
	address := a.client.config.OAuth.RevokeURL
	if address == "" || access.Token.IsZero() && access.RefreshToken.IsZero() {
		return nil
	}
	fields := form{{"token", access.Token.Reveal()}, {"token_type_hint", "access_token"}}
	if !access.RefreshToken.IsZero() {
		fields = form{{"token", access.RefreshToken.Reveal()}, {"token_type_hint", "refresh_token"}}
	}
	reply, err := a.postForm(ctx, OpRevoke, address, fields, true)
	if err != nil {
		return err
	}
	if reply.status == http.StatusBadRequest || reply.status == http.StatusNotFound {
		return nil
	}
	return a.client.read(OpRevoke, reply, nil)
}

// tokenForm returns the fields for the token endpoint, in the order that banks expect.
func (a Authorizer) tokenForm(grant string, fields ...field) form {
	begun := form{{"grant_type", grant}}
	if a.client.config.OAuth.ScopeOnToken {
		begun = append(begun, field{"scope", cmp.Or(a.client.config.OAuth.TokenScope, a.client.config.OAuth.Scopes)})
	}
	return append(begun, fields...)
}

// token calls the token endpoint and reads its answer (RFC 6749 §5.1).
func (a Authorizer) token(ctx context.Context, op string, fields form) (bank.Access, error) {
	reply, err := a.postForm(ctx, op, a.client.config.OAuth.TokenURL, fields, true)
	if err != nil {
		return bank.Access{}, err
	}
	return a.readToken(op, reply)
}

// readToken reads the answer of the token endpoint.
func (a Authorizer) readToken(op string, reply answer) (bank.Access, error) {
	var body struct {
		AccessToken  Text `json:"access_token"`
		RefreshToken Text `json:"refresh_token"`
		ExpiresIn    Text `json:"expires_in"`
	}
	err := a.client.read(op, reply, &body)
	if err != nil {
		return bank.Access{}, err
	}
	if body.AccessToken == "" {
		failure := Nonsense(errors.New("the token endpoint gave no access token"))
		failure.Status = reply.status
		return bank.Access{}, failure
	}
	access := bank.Access{
		Token:        oxlin.NewSecret(string(body.AccessToken)),
		RefreshToken: oxlin.NewSecret(string(body.RefreshToken)),
	}
	seconds, err := strconv.Atoi(string(body.ExpiresIn))
	if err == nil && seconds > 0 && seconds < math.MaxInt32 {
		access.TokenFrom = a.client.now().UTC()
		access.TokenUntil = access.TokenFrom.Add(time.Duration(seconds) * time.Second)
	}
	return access, nil
}

// postForm sends a form to the authorization server. With authenticate, the form gets the fields
// of our client authentication, and those of the bank's data.
func (a Authorizer) postForm(ctx context.Context, op, address string, fields form, authenticate bool) (answer, error) {
	oauth := a.client.config.OAuth
	own := oauth.On[op]
	var err error
	if authenticate {
		fields, err = a.client.identified(op, fields)
	}
	if err != nil {
		return answer{}, err
	}
	address = cmp.Or(own.URL, address)
	content, contentType := fields.encode(), "application/x-www-form-urlencoded;charset=UTF-8"
	if oauth.Body == "json" && len(fields) > 0 {
		content, contentType = fields.json(), "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(content))
	if err != nil {
		return answer{}, Nonsense(fmt.Errorf("request to the authorization server: %w", err))
	}
	request.Header.Set("Content-Type", cmp.Or(oauth.ContentType, contentType))
	request.Header.Set("Accept", cmp.Or(oauth.Accept, "application/json"))
	if oauth.method() == methodBasic {
		escape := url.QueryEscape
		if oauth.UnescapedSecret {
			escape = func(text string) string { return text }
		}
		request.SetBasicAuth(escape(oauth.ClientID), escape(oauth.ClientSecret))
	}
	err = a.client.stamp(request, withHeaders(a.client.config.Headers, oauth.Headers, own.Headers))
	if err != nil {
		return answer{}, err
	}
	if a.client.signer != nil && a.client.config.Signing.signsToken(op) {
		err = a.client.signer.Sign(op, request, []byte(content))
		if err != nil {
			return answer{}, Nonsense(err)
		}
	}
	return a.client.do(request)
}

// identified returns a form with the fields that identify us, and those of the bank's data, for all
// requests and for this one.
func (c *Client) identified(op string, fields form) (form, error) {
	oauth := c.config.OAuth
	if oauth.FormClientID == "always" || oauth.FormClientID == "" && oauth.method() != methodBasic {
		fields = append(fields, field{"client_id", oauth.ClientID})
	}
	switch oauth.method() {
	case methodForm:
		fields = append(fields, field{"client_secret", oauth.ClientSecret})
	case methodKeyJWT, methodSecretJWT:
		identity, err := c.assertion()
		if err != nil {
			return nil, err
		}
		fields = append(fields, identity...)
	}
	for _, name := range slices.Sorted(maps.Keys(oauth.Fields)) {
		fields = append(fields, field{name, oauth.Fields[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(oauth.On[op].Fields)) {
		fields = fields.with(name, oauth.On[op].Fields[name])
	}
	for i, one := range fields {
		own, known := oauth.Names[one.name]
		if known {
			fields[i].name = own
		}
	}
	fields = slices.DeleteFunc(fields, func(one field) bool { return one.name == "" })
	slices.SortStableFunc(fields, func(a, b field) int { return oauth.rank(a.name) - oauth.rank(b.name) })
	return fields, nil
}

// rank orders the fields of a form: those that the bank wants first, then the others.
func (o OAuth) rank(name string) int {
	at := slices.Index(o.FieldOrder, name)
	if at < 0 {
		return len(o.FieldOrder)
	}
	return at
}

// form is a form with ordered fields.
type form []field

type field struct{ name, value string }

// with returns a form whose field of a name has another value; without one it has the field at its
// end. An empty value leaves the field out.
func (f form) with(name, value string) form {
	at := slices.IndexFunc(f, func(one field) bool { return one.name == name })
	switch {
	case value == "":
		return slices.DeleteFunc(f, func(one field) bool { return one.name == name })
	case at < 0:
		return append(f, field{name, value})
	}
	f[at].value = value
	return f
}

func (f form) encode() string {
	var pairs []string
	for _, field := range f {
		pairs = append(pairs, url.QueryEscape(field.name)+"="+url.QueryEscape(field.value))
	}
	return strings.Join(pairs, "&")
}

// json returns the fields as an object, in their order.
func (f form) json() string {
	var members []string
	for _, field := range f {
		members = append(members, string(quoted([]byte(field.name)))+":"+string(quoted([]byte(field.value))))
	}
	return "{" + strings.Join(members, ",") + "}"
}
