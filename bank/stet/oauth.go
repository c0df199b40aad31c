package stet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// The package writes its own OAuth2 requests: banks check the order of the
// form's fields and want X-Request-ID, and 201 is a success to some.

// AuthorizeURL is the bank's login page (RFC 6749 §4.1.1, RFC 7636 §4.3).
func (c *Connector) AuthorizeURL(request bank.Authorization) (string, error) {
	u, err := url.Parse(c.config.OAuth.AuthorizeURL)
	if err != nil {
		return "", fmt.Errorf("stet: authorize_url: %w", err)
	}
	query := u.Query()
	query.Set("response_type", "code")
	query.Set("client_id", c.config.OAuth.ClientID)
	query.Set("redirect_uri", request.RedirectURI)
	query.Set("scope", c.config.OAuth.Scopes)
	query.Set("state", request.State)
	if c.config.OAuth.PKCE {
		sum := sha256.Sum256([]byte(request.Verifier.Reveal()))
		query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		query.Set("code_challenge_method", "S256")
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Exchange turns the code into access (RFC 6749 §4.1.3). The consent begins now,
// and ends whatever is refreshed.
func (c *Connector) Exchange(ctx context.Context, code string, request bank.Authorization) (bank.Access, error) {
	fields := c.tokenForm("authorization_code", field{"code", code}, field{"redirect_uri", request.RedirectURI})
	if c.config.OAuth.PKCE {
		fields = append(fields, field{"code_verifier", request.Verifier.Reveal()})
	}
	access, err := c.token(ctx, opExchange, fields)
	if err != nil {
		return bank.Access{}, err
	}
	access.ConsentUntil = c.now().UTC().AddDate(0, 0, c.config.ConsentDays)
	return access, nil
}

// Refresh renews the access token (RFC 6749 §6). A bank that returns no new
// refresh token lets us keep the old one.
func (c *Connector) Refresh(ctx context.Context, access bank.Access) (bank.Access, error) {
	if access.RefreshToken.IsZero() {
		return bank.Access{}, &bank.Failure{Kind: bank.AccessLost, Err: errors.New("there is no refresh token")}
	}
	renewed, err := c.token(ctx, opRefresh,
		c.tokenForm("refresh_token", field{"refresh_token", access.RefreshToken.Reveal()}))
	if err != nil {
		return bank.Access{}, err
	}
	if renewed.RefreshToken.IsZero() {
		renewed.RefreshToken = access.RefreshToken
	}
	renewed.ConsentUntil = access.ConsentUntil
	renewed.Refreshed = true
	return renewed, nil
}

// Revoke hands the tokens back (RFC 7009). A bank that has no such address, or
// does not know the token any more, has nothing of ours.
func (c *Connector) Revoke(ctx context.Context, access bank.Access) error {
	if c.config.OAuth.RevokeURL == "" {
		return nil
	}
	fields := form{{"token", access.Token.Reveal()}, {"token_type_hint", "access_token"}}
	if !access.RefreshToken.IsZero() {
		fields = form{{"token", access.RefreshToken.Reveal()}, {"token_type_hint", "refresh_token"}}
	}
	a, err := c.post(ctx, c.config.OAuth.RevokeURL, fields)
	if err != nil {
		return err
	}
	if a.status == http.StatusBadRequest || a.status == http.StatusNotFound {
		return nil
	}
	return c.read(opRevoke, a, nil)
}

// tokenForm begins the form of the token endpoint.
func (c *Connector) tokenForm(grant string, fields ...field) form {
	begun := form{{"grant_type", grant}}
	if c.config.OAuth.ScopeOnToken {
		begun = append(begun, field{"scope", c.config.OAuth.Scopes})
	}
	return append(begun, fields...)
}

// token asks the token endpoint and reads its answer (RFC 6749 §5.1).
func (c *Connector) token(ctx context.Context, op string, fields form) (bank.Access, error) {
	a, err := c.post(ctx, c.config.OAuth.TokenURL, fields)
	if err != nil {
		return bank.Access{}, err
	}
	var body struct {
		AccessToken  text `json:"access_token"`
		RefreshToken text `json:"refresh_token"`
		ExpiresIn    text `json:"expires_in"`
	}
	err = c.read(op, a, &body)
	if err != nil {
		return bank.Access{}, err
	}
	if body.AccessToken == "" {
		failure := nonsense(errors.New("the token endpoint gave no access token"))
		failure.Status = a.status
		return bank.Access{}, failure
	}
	access := bank.Access{
		Token:        oxlin.NewSecret(string(body.AccessToken)),
		RefreshToken: oxlin.NewSecret(string(body.RefreshToken)),
	}
	seconds, err := strconv.Atoi(string(body.ExpiresIn))
	if err == nil && seconds > 0 && seconds < math.MaxInt32 {
		access.TokenUntil = c.now().UTC().Add(time.Duration(seconds) * time.Second)
	}
	return access, nil
}

// post sends a form to the authorization server, with our name on it.
func (c *Connector) post(ctx context.Context, address string, fields form) (answer, error) {
	oauth := c.config.OAuth
	if oauth.ClientAuthentication != "basic" {
		fields = append(fields, field{"client_id", oauth.ClientID})
	}
	if oauth.ClientAuthentication == "form" {
		fields = append(fields, field{"client_secret", oauth.ClientSecret})
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(fields.encode()))
	if err != nil {
		return answer{}, nonsense(fmt.Errorf("request to the authorization server: %w", err))
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	request.Header.Set("Accept", "application/json")
	if oauth.ClientAuthentication == "basic" {
		request.SetBasicAuth(url.QueryEscape(oauth.ClientID), url.QueryEscape(oauth.ClientSecret))
	}
	err = c.stamp(request)
	if err != nil {
		return answer{}, err
	}
	return c.send(request)
}

// form is a form whose fields keep their order.
type form []field

type field struct{ name, value string }

func (f form) encode() string {
	var pairs []string
	for _, field := range f {
		pairs = append(pairs, url.QueryEscape(field.name)+"="+url.QueryEscape(field.value))
	}
	return strings.Join(pairs, "&")
}
