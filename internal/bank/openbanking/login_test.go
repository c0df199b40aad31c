package openbanking_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	difference "github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// The keys of the tests: ours, the bank's, and a stranger's. Generating one is slow.
var ours, banks, strangers = sync.OnceValue(generate), sync.OnceValue(generate), sync.OnceValue(generate)

func generate() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newKey(testing.TB) *rsa.PrivateKey { return ours() }

// bankKeyID is the id of the bank's key.
const bankKeyID = "bank-1"

// writeKeys writes the bank's keys, one of them of an unknown form.
func writeKeys(t testing.TB, w http.ResponseWriter) {
	t.Helper()
	key, err := json.Marshal(jose.JSONWebKey{Key: banks().Public(), KeyID: bankKeyID, Use: "sig", Algorithm: "PS256"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(`{"keys":[{"kty":"future","kid":"0"},` + string(key) + `]}`))
	if err != nil {
		t.Error(err)
	}
}

// half returns the hash of a code or a state in an ID token.
func half(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// idToken returns the claims of a right ID token.
func idToken(issuer, client, nonce, code, state string, now time.Time) map[string]any {
	return map[string]any{
		"iss": issuer, "aud": client, "sub": "a-user", "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"c_hash": half(code), "s_hash": half(state),
	}
}

// signToken signs an ID token as the bank does.
func signToken(t testing.TB, claims map[string]any) string {
	t.Helper()
	return signWith(t, jose.PS256, banks(), bankKeyID, claims)
}

func signWith(t testing.TB, algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// desk is a bank's authorization server and its consents.
type desk struct {
	t testing.TB
	// consent is the answer to POST, status is that of a stored consent, and refusal answers
	// DELETE if it is not 0.
	consent, status string
	// token is the answer of the token endpoint, if not the usual one.
	token    string
	refusal  int
	requests []string
	bodies   []string
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host == "keys.example" {
		writeKeys(d.t, w)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	d.requests = append(d.requests, r.Method+" "+r.URL.Path)
	d.bodies = append(d.bodies, string(body))
	answer := d.consent
	switch {
	case r.URL.Path == "/token":
		answer = cmp.Or(d.token, `{"access_token":"a-token","refresh_token":"a-refresh-token","expires_in":300}`)
	case r.Method == http.MethodDelete && d.refusal != 0:
		w.WriteHeader(d.refusal)
		answer = `{}`
		if d.refusal == http.StatusBadRequest {
			answer = `{"Errors":[{"ErrorCode":"UK.OBIE.Resource.NotFound"}]}`
		}
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method == http.MethodGet:
		answer = `{"Data":{"ConsentId":"c/1","Status":"` + d.status + `"}}`
	}
	_, err = w.Write([]byte(answer))
	if err != nil {
		d.t.Error(err)
	}
}

var journey = bank.Journey{
	RedirectURI: "https://oxlin.test/oauth2/aisp", RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier"),
}

// begin takes the first step into a bank, and returns the address and the state that were
// kept on the way.
func begin(t *testing.T, connector *openbanking.Connector, journey bank.Journey) (bank.Address, *url.URL, []string) {
	t.Helper()
	var kept []string
	step, err := connector.Continue(t.Context(), bank.Input{
		Event: bank.Begun, Journey: journey,
		Store: func(_ context.Context, state oxlin.Secret) error {
			kept = append(kept, state.Reveal())
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, ok := step.(bank.Address)
	if !ok {
		t.Fatalf("the way begins with a %T", step)
	}
	u, err := url.Parse(address.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address, u, kept
}

func TestTheRequestOfALogin(t *testing.T) {
	own := plain()
	own.Login = openbanking.Login{
		ResponseType: "code", Issuer: "https://bank.example",
		Request: openbanking.Request{
			Algorithm: "RS256", KeyID: "k1", Audience: "https://aud.example", Minutes: 10, In: []string{"id_token"}, ACR: []string{"none"}, MaxAge: 600,
			JWT: psd2.JWT{Claims: map[string]any{"prompt": "login"}},
		},
		Parameters: map[string]string{"prompt": "login", "scope": ""},
	}
	const intent = `"openbanking_intent_id":{"essential":true,"value":"c/1"}`
	for _, test := range []struct {
		name     string
		config   openbanking.Config
		header   string
		query    map[string]string
		claims   string
		fragment bool
	}{
		{"by the standard", plain(), `{"alg":"PS256","typ":"JWT"}`,
			map[string]string{"response_type": "code id_token", "scope": "openid accounts", "lang": "en"},
			`{"aud":"https://bank.example","claims":{"id_token":{"acr":{"essential":true,"values":["urn:openbanking:psd2:sca"]},` + intent + `},"userinfo":{` + intent + `}},
			"client_id":"a-client","exp":1781998500,"iat":1781998200,"iss":"a-client","nbf":1781998200,"redirect_uri":"https://oxlin.test/oauth2/aisp",
			"response_type":"code id_token","scope":"openid accounts","state":"a-state"}`, true},
		{"by the bank's data", own, `{"alg":"RS256","kid":"k1","typ":"JWT"}`,
			map[string]string{"response_type": "code", "scope": "", "prompt": "login"},
			`{"aud":"https://aud.example","claims":{"id_token":{` + intent + `}},"client_id":"a-client","exp":1781998800,"iat":1781998200,"iss":"a-client","max_age":600,
			"nbf":1781998200,"prompt":"login","redirect_uri":"https://oxlin.test/oauth2/aisp","response_type":"code","scope":"openid accounts","state":"a-state"}`, false},
	} {
		d := &desk{t: t, consent: `{"Data":{"ConsentId":"c/1","Status":"AwaitingAuthorisation"}}`}
		address, u, kept := begin(t, connect(t, test.config, d), journey)
		query := u.Query()
		for name, want := range test.query {
			if query.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, query.Get(name), want)
			}
		}
		if query.Get("client_id") != "a-client" || query.Get("state") != "a-state" || address.Fragment != test.fragment || query.Get("nonce") == "" {
			t.Errorf("%s: address is %+v", test.name, address)
		}
		token, err := jwt.ParseSigned(query.Get("request"), []jose.SignatureAlgorithm{jose.PS256, jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		err = token.Claims(ours().Public(), &got)
		if err != nil || got["nonce"] != query.Get("nonce") || got["jti"] == "" {
			t.Fatalf("%s: %v, %v", test.name, got, err)
		}
		delete(got, "nonce")
		delete(got, "jti")
		var want map[string]any
		err = json.Unmarshal([]byte(test.claims), &want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		head, err := base64.RawURLEncoding.DecodeString(strings.Split(query.Get("request"), ".")[0])
		if err != nil || string(head) != test.header {
			t.Errorf("%s: header is %s, want %s", test.name, head, test.header)
		}
		if len(kept) != 2 || strings.Contains(kept[0], "c/1") || !strings.Contains(kept[1], "c/1") {
			t.Errorf("%s: kept are %q", test.name, kept)
		}
	}
}

func TestTheConsentThatIsAskedFor(t *testing.T) {
	own := plain()
	own.Owner = "party"
	own.Consent = openbanking.Consent{ExpirationDays: 89, HistoryDays: 700, FutureDays: 89, DateFormat: "millis", Scope: "openid accounts", URL: "https://bank.example/consents/account-access-consents"}
	for _, test := range []struct {
		config      openbanking.Config
		path, scope string
		want        string
	}{
		{plain(), "/open-banking/v3.1/aisp/account-access-consents", "accounts",
			`{"Data":{"Permissions":["ReadAccountsDetail","ReadBalances","ReadTransactionsCredits","ReadTransactionsDebits","ReadTransactionsDetail"]},"Risk":{}}`},
		{own, "/consents/account-access-consents", "openid+accounts",
			`{"Data":{"Permissions":["ReadAccountsDetail","ReadBalances","ReadTransactionsCredits","ReadTransactionsDebits","ReadTransactionsDetail","ReadPartyPSU"],` +
				`"ExpirationDateTime":"2026-09-17T23:00:00.000Z","TransactionFromDateTime":"2024-07-20T23:00:00.000Z","TransactionToDateTime":"2026-09-17T23:00:00.000Z"},"Risk":{}}`},
	} {
		d := &desk{t: t, consent: `{"Data":{"AccountRequestId":"c/1"}}`}
		begin(t, connect(t, test.config, d), journey)
		if len(d.requests) != 2 || d.requests[1] != "POST "+test.path || d.bodies[1] != test.want {
			t.Errorf("requests are %v %s, want %s", d.requests, d.bodies, test.want)
		}
		if want := "grant_type=client_credentials&scope=" + test.scope + "&client_id=a-client"; d.bodies[0] != want {
			t.Errorf("our own token is asked for by %s, want %s", d.bodies[0], want)
		}
	}
	for _, answer := range []string{`{"Data":{"ConsentId":"c/1","Status":"Rejected"}}`, `{"Data":{"Status":"AWAU"}}`, `{}`} {
		connector := connect(t, plain(), &desk{t: t, consent: answer})
		_, err := connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey})
		if err == nil {
			t.Errorf("%s is no failure", answer)
		}
	}
}

// back returns with a code and an ID token that change has spoilt.
func back(t *testing.T, config openbanking.Config, change func(map[string]any), sign func(map[string]any) string) (bank.Step, error) {
	t.Helper()
	connector := connect(t, config, &desk{t: t, consent: `{"Data":{"ConsentId":"c/1","ExpirationDateTime":"2026-08-01T00:00:00+01:00"}}`})
	address, u, _ := begin(t, connector, journey)
	claims := idToken("https://bank.example", "a-client", u.Query().Get("nonce"), "a-code", "a-state", summer)
	change(claims)
	return connector.Continue(t.Context(), bank.Input{
		Event: bank.Returned, Journey: bank.Journey{RedirectURI: journey.RedirectURI, Verifier: journey.Verifier}, State: address.State,
		Return: bank.Return{Fragment: url.Values{"code": {"a-code"}, "id_token": {sign(claims)}}},
	})
}

func TestOnlyARightIDTokenOpensTheBank(t *testing.T) {
	lacking := plain()
	lacking.Login.Lacks = []string{"s_hash"}
	rightly := func(claims map[string]any) string { return signToken(t, claims) }
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	without := func(name string) func(map[string]any) {
		return func(claims map[string]any) { delete(claims, name) }
	}
	nothing := func(map[string]any) {}
	for _, test := range []struct {
		name   string
		config openbanking.Config
		change func(map[string]any)
		sign   func(map[string]any) string
		ok     bool
	}{
		{"right", plain(), nothing, rightly, true},
		{"for us among others", plain(), set("aud", []string{"another", "a-client"}), rightly, true},
		{"about our consent", plain(), set("openbanking_intent_id", "c/1"), rightly, true},
		{"without s_hash where the bank lacks it", lacking, without("s_hash"), rightly, true},
		{"without the id of the key", plain(), nothing, func(c map[string]any) string { return signWith(t, jose.PS256, banks(), "", c) }, true},
		{"RS256", plain(), nothing, func(c map[string]any) string { return signWith(t, jose.RS256, banks(), "", c) }, false}, // the key is for PS256
		{"another nonce", plain(), set("nonce", "x"), rightly, false},
		{"no nonce", plain(), without("nonce"), rightly, false},
		{"another code", plain(), set("c_hash", half("x")), rightly, false},
		{"no c_hash", plain(), without("c_hash"), rightly, false},
		{"another state", plain(), set("s_hash", half("x")), rightly, false},
		{"no s_hash", plain(), without("s_hash"), rightly, false},
		{"another issuer", plain(), set("iss", "https://bank.example.org"), rightly, false},
		{"another client", plain(), set("aud", "another"), rightly, false},
		{"for us, and made for another", plain(), func(c map[string]any) { c["aud"], c["azp"] = []string{"another", "a-client"}, "another" }, rightly, false},
		{"another consent", plain(), set("openbanking_intent_id", "c/2"), rightly, false},
		{"too old", plain(), set("exp", summer.Add(-time.Hour).Unix()), rightly, false},
		{"without an end", plain(), without("exp"), rightly, false},
		{"from the future", plain(), set("iat", summer.Add(time.Hour).Unix()), rightly, false},
		{"by a stranger", plain(), nothing, func(c map[string]any) string { return signWith(t, jose.PS256, strangers(), bankKeyID, c) }, false},
		{"with another key's id", plain(), nothing, func(c map[string]any) string { return signWith(t, jose.PS256, banks(), "x", c) }, false},
		{"by a secret", plain(), nothing, func(c map[string]any) string {
			return signWith(t, jose.HS256, []byte(strings.Repeat("x", 32)), bankKeyID, c)
		}, false},
		{"no token", plain(), nothing, func(map[string]any) string { return "" }, false},
		{"not signed", plain(), nothing, func(c map[string]any) string {
			return "eyJhbGciOiJub25lIn0." + strings.Split(signToken(t, c), ".")[1] + "."
		}, false},
	} {
		step, err := back(t, test.config, test.change, test.sign)
		access, _ := step.(bank.Access)
		if (err == nil) != test.ok || access.Token.IsZero() == test.ok {
			t.Errorf("%s: %v, want ok %v", test.name, err, test.ok)
		}
		if test.ok && access.ConsentUntil.Format(time.DateOnly) != "2026-07-31" {
			t.Errorf("%s: the consent ends %v", test.name, access.ConsentUntil)
		}
	}
}

func TestATokenThatNothingRenewsEndsTheConsent(t *testing.T) {
	config := plain()
	config.Login = openbanking.Login{ResponseType: "code", Issuer: "https://bank.example"}
	for token, want := range map[string]time.Time{
		`{"access_token":"a","expires_in":86400}`:                     summer.AddDate(0, 0, 1),
		`{"access_token":"a","expires_in":8640000}`:                   summer.AddDate(0, 0, 90),
		`{"access_token":"a"}`:                                        summer.AddDate(0, 0, 90),
		`{"access_token":"a","expires_in":86400,"refresh_token":"r"}`: summer.AddDate(0, 0, 90),
	} {
		connector := connect(t, config, &desk{t: t, consent: `{"Data":{"ConsentId":"c/1"}}`, token: token})
		address, _, _ := begin(t, connector, journey)
		step, err := connector.Continue(t.Context(), bank.Input{
			Event: bank.Returned, Journey: journey, State: address.State, Return: bank.Return{Query: url.Values{"code": {"a-code"}}},
		})
		access, _ := step.(bank.Access)
		if err != nil || !access.ConsentUntil.Equal(want) {
			t.Errorf("%s: the consent ends %v, %v, want %v", token, access.ConsentUntil, err, want)
		}
	}
}

func TestABankThatAnswersInTheQuery(t *testing.T) {
	config := plain()
	config.Login = openbanking.Login{ResponseType: "code", Issuer: "https://bank.example"}
	connector := connect(t, config, &desk{t: t, consent: `{"Data":{"ConsentId":"c/1"}}`})
	address, _, _ := begin(t, connector, journey)
	for _, test := range []struct {
		query url.Values
		kind  bank.FailureKind
	}{
		{url.Values{"code": {"a-code"}}, ""},
		{url.Values{"error": {"access_denied"}}, bank.ChallengeCancelled},
		{url.Values{"error": {"server_error"}}, bank.Refused},
		{url.Values{}, bank.Nonsense},
	} {
		step, err := connector.Continue(t.Context(), bank.Input{Event: bank.Returned, Journey: journey, State: address.State, Return: bank.Return{Query: test.query}})
		if access, _ := step.(bank.Access); test.kind == "" && (err != nil || access.ConsentUntil.IsZero()) {
			t.Errorf("%v: %+v, %v", test.query, step, err)
		}
		if test.kind != "" && (err == nil || bank.AsFailure(err).Kind != test.kind) {
			t.Errorf("%v: %v, want %s", test.query, err, test.kind)
		}
	}
	_, err := connector.Continue(t.Context(), bank.Input{Event: bank.Ticked, Journey: journey})
	if err == nil {
		t.Error("a tick is no failure")
	}
}

func TestAConsentIsReconfirmedWithoutTheBank(t *testing.T) {
	config := plain()
	config.Consent.Reconfirm = true
	given := bank.Access{
		Token: oxlin.NewSecret("old"), RefreshToken: oxlin.NewSecret("refresh"), State: oxlin.NewSecret(`{"consent":"c/1"}`), ConsentUntil: summer,
	}
	spent := given
	spent.RefreshToken, spent.TokenUntil = oxlin.Secret{}, summer
	for _, test := range []struct {
		name   string
		access bank.Access
		status string
		want   bool
	}{
		{"it lasts", given, "Authorised", true},
		{"it lasts, in 4.0", given, "AUTH", true},
		{"the user has revoked it", given, "Revoked", false},
		{"its token ends", spent, "Authorised", false},
		{"the first login", bank.Access{}, "Authorised", false},
	} {
		connector := connect(t, config, &desk{t: t, consent: `{"Data":{"ConsentId":"c/2"}}`, status: test.status})
		renewed := journey
		renewed.Access = test.access
		step, err := connector.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: renewed})
		if wait, waits := step.(bank.Wait); waits {
			step, err = connector.Continue(t.Context(), bank.Input{Event: bank.Ticked, State: wait.State, Journey: renewed})
		}
		access, confirmed := step.(bank.Access)
		if err != nil || confirmed != test.want {
			t.Errorf("%s: %T, %v", test.name, step, err)
		}
		if confirmed && (!access.Same(test.access) || !access.ConsentUntil.Equal(summer.AddDate(0, 0, 90))) {
			t.Errorf("%s: access is %+v", test.name, access)
		}
	}
}

func TestWhatWasBegunIsDeleted(t *testing.T) {
	undeletable := plain()
	undeletable.Consent.Undeletable = true
	for _, test := range []struct {
		name    string
		config  openbanking.Config
		refusal int
		state   string
		want    string
		kind    bank.FailureKind
	}{
		{"a consent", plain(), 0, `{"consent":"c/1"}`, "DELETE /open-banking/v3.1/aisp/account-access-consents/c/1", ""},
		{"one that the bank has no more", plain(), 400, `{"consent":"c/1"}`, "DELETE /open-banking/v3.1/aisp/account-access-consents/c/1", ""},
		{"one that the bank keeps", plain(), 429, `{"consent":"c/1"}`, "DELETE /open-banking/v3.1/aisp/account-access-consents/c/1", bank.RateLimited},
		{"nothing was made", plain(), 0, `{"begun":"2026-06-20T00:00:00Z"}`, "", ""},
		{"the bank cannot", undeletable, 0, `{"consent":"c/1"}`, "", ""},
		{"a foreign state", plain(), 0, `[]`, "", bank.Nonsense},
	} {
		d := &desk{t: t, refusal: test.refusal}
		err := connect(t, test.config, d).Discard(t.Context(), oxlin.NewSecret(test.state))
		got := ""
		if len(d.requests) > 0 {
			got = d.requests[len(d.requests)-1]
		}
		if got != test.want || (err != nil) != (test.kind != "") || err != nil && bank.AsFailure(err).Kind != test.kind {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

func TestTheTimeOfTheLoginIsTold(t *testing.T) {
	config := plain()
	config.LoginTimeHeader = "x-fapi-auth-date"
	connector, script := answers(t, config, list("Account"), list("Account"))
	for _, state := range []string{`{"consent":"1","login":"2026-06-01T10:00:00Z"}`, ""} {
		_, err := connector.Accounts(t.Context(), bank.Call{Access: bank.Access{State: oxlin.NewSecret(state)}}, "")
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"Mon, 01 Jun 2026 10:00:00 GMT", ""} {
		if got := script.Requests[i].Header.Get("x-fapi-auth-date"); got != want {
			t.Errorf("request %d: %q, want %q", i, got, want)
		}
	}
}

func TestThereIsNoWayInWithoutAKey(t *testing.T) {
	_, err := openbanking.New(plain(), psd2.Deps{})
	if err == nil || !strings.Contains(err.Error(), "no key to sign with") {
		t.Errorf("%v", err)
	}
}
