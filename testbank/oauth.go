package testbank

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// session is one pass through the authorisation pages. The form carries its id, because
// frames and app-to-app flows do not keep cookies.
type session struct {
	id          string
	client      string
	redirectURI string
	state       string
	scopes      []string
	challenge   string
	consent     string // the id of a consent that waits for this customer; empty makes one
	plain       bool   // the client is returned to without a code
	nonce       string // of a hybrid login, which answers with an ID token, in the fragment
	issuer      string // the bank's name for itself in that token
	refused     string // where a refusal leads; empty means redirectURI
	expires     time.Time

	customer customer // set by the login
	loggedIn bool
	wrong    int // wrong SMS codes so far
}

const (
	sessionLife   = 15 * time.Minute
	maxSessions   = 10_000
	maxWrongCodes = 3
)

// openSession reads an authorisation request. An error without a redirect target is
// shown to the person; with one, it is sent to the client.
func (b *Bank) openSession(q url.Values, origin string) (*session, string, error) {
	if id := q.Get("consent"); id != "" {
		return b.openWaiting(id)
	}
	if signed := q.Get("request"); signed != "" {
		return b.openRequest(q, signed, origin)
	}
	s := &session{client: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), state: q.Get("state")}
	if err := b.checkTarget(s.client, s.redirectURI); err != nil {
		return nil, "", err
	}
	short := q.Get("create") == "true" && q.Get("response_type") == ""
	if !short && q.Get("response_type") != "code" {
		return s, "unsupported_response_type", nil
	}
	for scope := range strings.FieldsSeq(q.Get("scope")) {
		if (scope == scopeAISP || scope == scopeExtended) && !slices.Contains(s.scopes, scope) {
			s.scopes = append(s.scopes, scope)
		}
	}
	if q.Get("scope") == "" {
		// The short form names no scope; it gets both, which the history needs.
		s.scopes = []string{scopeAISP, scopeExtended}
		if !short {
			s.scopes = s.scopes[:1]
		}
	}
	if !slices.Contains(s.scopes, scopeAISP) {
		return s, "invalid_scope", nil
	}
	s.challenge = q.Get("code_challenge")
	if m := q.Get("code_challenge_method"); s.challenge != "" && m != "S256" {
		return s, "invalid_request", nil
	}

	return b.begin(s)
}

// openWaiting opens the session of a consent that waits for its customer.
func (b *Bank) openWaiting(id string) (*session, string, error) {
	b.mu.Lock()
	c, ok := b.state.Consents[id]
	if !ok || c.Asked == nil || c.status(b.now()) != received {
		b.mu.Unlock()
		return nil, "", errNotWaiting
	}
	s := &session{client: c.Client, scopes: c.Scopes, consent: c.ID, plain: true, redirectURI: c.Asked.Return, refused: c.Asked.Refused}
	b.mu.Unlock()
	return b.begin(s)
}

// openRequest opens the session of a request object (OpenID Connect Core §6), whose claims count
// in the place of the query.
func (b *Bank) openRequest(q url.Values, signed, origin string) (*session, string, error) {
	read, err := readJWT(signed, origin, b.opt.Now().Unix())
	if err != nil {
		return nil, "", err
	}
	client := orDefault(read.ClientID, read.Issuer)
	if err := b.checkTarget(client, read.RedirectURI); err != nil {
		return nil, "", err
	}
	s := &session{
		client: client, redirectURI: read.RedirectURI, state: read.State, challenge: read.Challenge, nonce: read.Nonce, issuer: origin,
		consent: read.Claims.IDToken.Intent.Value,
	}
	b.mu.Lock()
	c, ok := b.state.Consents[s.consent]
	waits := ok && c.Asked != nil && c.Client == client && c.status(b.now()) == received
	if waits {
		s.scopes = c.Scopes
	}
	b.mu.Unlock()
	switch {
	case read.Type != "code id_token" || q.Get("response_type") != read.Type || q.Get("client_id") != client:
		return s, "unsupported_response_type", nil
	case read.Nonce == "" || !slices.Contains(strings.Fields(read.Scope), "openid") || !waits:
		return s, "invalid_request", nil
	}
	return b.begin(s)
}

var errNotWaiting = errors.New("cette demande n'attend plus de réponse")

// begin keeps a session while the customer logs in.
func (b *Bank) begin(s *session) (*session, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if len(b.sessions) >= maxSessions {
		for id, old := range b.sessions {
			if now.After(old.expires) {
				delete(b.sessions, id)
			}
		}
		if len(b.sessions) >= maxSessions {
			return nil, "", errors.New("la banque est très occupée, revenez dans un instant")
		}
	}
	s.id, s.expires = b.secret(), now.Add(sessionLife)
	b.sessions[s.id] = s
	return s, "", nil
}

func (b *Bank) findClient(id string) (Client, bool) {
	if len(b.opt.Clients) == 0 {
		return Client{ID: id}, true
	}
	i := slices.IndexFunc(b.opt.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return Client{}, false
	}
	return b.opt.Clients[i], true
}

// checkTarget refuses redirect targets that the client has not registered.
func (b *Bank) checkTarget(client, target string) error {
	c, ok := b.findClient(client)
	if !ok {
		return errors.New("ce client n'est pas connu de la banque")
	}
	u, err := url.Parse(target)
	if err != nil || target == "" || u.Fragment != "" {
		return errors.New("redirect_uri manque ou n'est pas une adresse")
	}
	if len(b.opt.Clients) > 0 {
		if !slices.Contains(c.RedirectURIs, target) {
			return errors.New("cette adresse de retour n'est pas enregistrée pour ce client")
		}
		return nil
	}
	return checkWeb(u)
}

// checkReturn is checkTarget for a client without a name: its addresses may hold a query of
// their own beside what is registered.
func (b *Bank) checkReturn(target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Fragment != "" {
		return errors.New("ce n'est pas une adresse")
	}
	plain := *u
	plain.RawQuery = ""
	known := len(b.opt.Clients) == 0 || slices.ContainsFunc(b.opt.Clients, func(c Client) bool {
		return slices.Contains(c.RedirectURIs, target) || slices.Contains(c.RedirectURIs, plain.String())
	})
	if !known {
		return errors.New("cette adresse de retour n'est pas enregistrée")
	}
	return checkWeb(u)
}

func checkWeb(u *url.URL) error {
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("redirect_uri n'est pas une adresse http ou https")
	}
	return nil
}

// findSession returns a copy of an open session.
func (b *Bank) findSession(id string) (session, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sessions[id]
	if !ok || b.now().After(s.expires) {
		delete(b.sessions, id)
		return session{}, false
	}
	return *s, true
}

// back returns the client's address with the answer in its query.
func (s *session) back(answer url.Values) string {
	u, err := url.Parse(s.redirectURI)
	if err != nil {
		return "/" // impossible: checked when the session opened
	}
	q := u.Query()
	if s.issuer != "" {
		q = url.Values{}
	}
	for k := range answer {
		q.Set(k, answer.Get(k))
	}
	if s.state != "" {
		q.Set("state", s.state)
	}
	if s.issuer != "" {
		return u.String() + "#" + q.Encode()
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func (s *session) backWithError(code, why string) string {
	if s.refused != "" {
		return s.refused
	}
	return s.back(url.Values{"error": {code}, "error_description": {why}})
}

// end closes a session that the customer refuses, and reports whether it was open.
func (b *Bank) end(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.sessions[id]
	delete(b.sessions, id)
	if ok && s.consent != "" {
		if c := b.state.Consents[s.consent]; c != nil && c.Asked.Status == received {
			c.Asked.Status = rejected
			b.save()
		}
	}
	return ok
}

// grant closes a session with a consent and an authorization code. It returns false if
// the session has ended meanwhile.
func (b *Bank) grant(s *session) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.sessions[s.id]; !ok {
		return "", false
	}
	delete(b.sessions, s.id)
	c := &consent{ID: b.secret(), Client: s.client, Scopes: s.scopes}
	if s.consent != "" {
		waiting, ok := b.state.Consents[s.consent]
		if !ok || waiting.status(b.now()) != received {
			return "", false
		}
		c = waiting
	}
	b.approve(c, s.customer)
	b.state.Consents[c.ID] = c
	defer b.save()
	if s.plain {
		return s.redirectURI, true
	}
	word := b.secret()
	b.state.Codes[sealed(word)] = &code{Consent: c.ID, RedirectURI: s.redirectURI, Challenge: s.challenge, Expires: b.now().Add(codeLife)}
	answer := url.Values{"code": {word}}
	if s.issuer != "" {
		now := b.opt.Now() // the client's clock is not moved with the bank's
		token, err := signJWT(map[string]any{
			"iss": s.issuer, "sub": c.ID, "aud": s.client, "iat": now.Unix(), "exp": now.Add(codeLife).Unix(), "nonce": s.nonce,
			"c_hash": halfHash(word), "s_hash": halfHash(s.state), "openbanking_intent_id": c.ID, "acr": "urn:openbanking:psd2:sca",
		})
		if err != nil {
			b.log.Error("ID token not signed", "error", err.Error())
			return "", false
		}
		answer.Set("id_token", token)
	}
	return s.back(answer), true
}

// oauthError is the error answer of RFC 6749, section 5.2.
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func invalidGrant(why string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_grant", why}
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// token is POST /token.
func (b *Bank) token(w http.ResponseWriter, r *http.Request) {
	var answer any
	client, fail := b.authenticate(w, r)
	if fail == nil {
		switch r.PostForm.Get("grant_type") {
		case "authorization_code":
			answer, fail = b.changeCode(client, r.PostForm)
		case "refresh_token":
			answer, fail = b.changeRefresh(client, r.PostForm)
		case "client_credentials":
			answer, fail = b.ownToken(client, r.PostForm)
		default:
			fail = &oauthError{http.StatusBadRequest, "unsupported_grant_type", ""}
		}
	}
	if fail != nil {
		if fail.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="Linxo Test Bank"`)
		}
		answerJSON(w, fail.status, fail)
		return
	}
	answerJSON(w, http.StatusOK, answer)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client may disconnect before the answer
}

// authenticate identifies the client, by HTTP Basic or by form.
func (b *Bank) authenticate(w http.ResponseWriter, r *http.Request) (string, *oauthError) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return "", &oauthError{http.StatusBadRequest, "invalid_request", "the form cannot be read"}
	}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		// RFC 6749 2.3.1: both parts are form-encoded first.
		u, err1 := url.QueryUnescape(user)
		p, err2 := url.QueryUnescape(pass)
		if err1 != nil || err2 != nil || (id != "" && id != u) {
			return "", &oauthError{http.StatusUnauthorized, "invalid_client", ""}
		}
		id, secret = u, p
	}
	if signed := r.PostForm.Get("client_assertion"); signed != "" {
		// private_key_jwt (RFC 7523): the assertion names the client.
		read, err := readJWT(signed, b.origin(r)+"/token", b.opt.Now().Unix())
		if err != nil || read.Issuer != read.Subject || id != "" && id != read.Issuer {
			return "", &oauthError{http.StatusUnauthorized, "invalid_client", "the assertion is not for this bank"}
		}
		id = read.Issuer
	}
	c, ok := b.findClient(id)
	if !ok || (c.Secret != "" && subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1) {
		return "", &oauthError{http.StatusUnauthorized, "invalid_client", ""}
	}
	return id, nil
}

func (b *Bank) changeCode(client string, form url.Values) (any, *oauthError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	c, ok := b.state.Codes[sealed(form.Get("code"))]
	if !ok || c.Used || now.After(c.Expires) {
		return nil, invalidGrant("the code is unknown, used or too old")
	}
	held, ok := b.state.Consents[c.Consent]
	if !ok || held.dead(now) {
		return nil, invalidGrant("the consent is over")
	}
	if held.Client == "" {
		held.Client = client // the short form does not name the client
	}
	if held.Client != client {
		return nil, invalidGrant("the code is another client's")
	}
	if c.RedirectURI != form.Get("redirect_uri") {
		return nil, invalidGrant("redirect_uri differs")
	}
	if c.Challenge != "" {
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		got := base64.RawURLEncoding.EncodeToString(sum[:])
		if subtle.ConstantTimeCompare([]byte(got), []byte(c.Challenge)) != 1 {
			return nil, invalidGrant("code_verifier does not fit")
		}
	}
	c.Used = true
	return b.issue(held, true), nil
}

func (b *Bank) changeRefresh(client string, form url.Values) (any, *oauthError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	t, ok := b.state.Refresh[sealed(form.Get("refresh_token"))]
	if !ok {
		return nil, invalidGrant("the refresh token is unknown")
	}
	held, ok := b.state.Consents[t.Consent]
	if !ok || held.dead(now) || held.Client != client {
		return nil, invalidGrant("the consent is over")
	}
	if c, ok := b.state.Customers[held.Customer]; ok {
		if _, on := b.scenariosOf(*c).active("consent_expired", b.today()); on {
			return nil, invalidGrant("the consent is over")
		}
	}
	if !t.Spent.IsZero() && (b.opt.RefreshGrace == 0 || now.After(t.Spent.Add(b.opt.RefreshGrace))) {
		return nil, invalidGrant("the refresh token has been used")
	}
	if t.Spent.IsZero() {
		t.Spent = now
	}
	return b.issue(held, false), nil
}

// ownToken issues a token of the client's own, which makes consents.
func (b *Bank) ownToken(client string, form url.Values) (any, *oauthError) {
	if client == "" || form.Get("client_assertion") == "" {
		return nil, &oauthError{http.StatusUnauthorized, "invalid_client", "a signed assertion is wanted"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	token := b.secret()
	b.state.Access[sealed(token)] = &accessToken{Client: client, Expires: b.now().Add(accessLife)}
	b.save()
	return tokenAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: int(accessLife.Seconds()), Scope: "accounts"}, nil
}

// issue creates a pair of tokens and stores them before they are sent: losing a token
// in a crash would cost the customer a strong authentication.
func (b *Bank) issue(c *consent, first bool) tokenAnswer {
	now := b.now()
	pair := tokenAnswer{AccessToken: b.secret(), TokenType: "Bearer", ExpiresIn: int(accessLife.Seconds()), RefreshToken: b.secret(), Scope: strings.Join(c.Scopes, " ")}
	b.state.Access[sealed(pair.AccessToken)] = &accessToken{Consent: c.ID, First: first, Expires: now.Add(accessLife)}
	b.state.Refresh[sealed(pair.RefreshToken)] = &refreshToken{Consent: c.ID}
	b.save()
	return pair
}

// revoke is POST /revoke (RFC 7009): either token ends the whole consent. An
// unknown token is no error.
func (b *Bank) revoke(w http.ResponseWriter, r *http.Request) {
	client, fail := b.authenticate(w, r)
	if fail != nil {
		answerJSON(w, fail.status, fail)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := sealed(r.PostForm.Get("token"))
	var id string
	if t, ok := b.state.Access[key]; ok {
		id = t.Consent
	} else if t, ok := b.state.Refresh[key]; ok {
		id = t.Consent
	}
	if c, ok := b.state.Consents[id]; ok && c.Client == client {
		c.Revoked = true
		b.save()
	}
	w.WriteHeader(http.StatusOK)
}
