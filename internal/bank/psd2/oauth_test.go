package psd2_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// The verifier and its challenge are those of RFC 7636, appendix B.
var journey = bank.Journey{
	RedirectURI: "https://oxlin.test/oauth2/aisp", RedirectState: "a-state",
	Verifier: oxlin.NewSecret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
}

// authorizer makes the authorizer of a bank that behind answers for.
func authorizer(t testing.TB, config psd2.Interface, behind http.Handler) psd2.Authorizer {
	t.Helper()
	return psd2.NewAuthorizer(newClient(t, config, behind))
}

func TestTheAddressOfTheLogin(t *testing.T) {
	connector := authorizer(t, plain(), banktest.NewScript(t))
	address, err := banktest.Leave(t.Context(), connector, journey)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://bank.example/authorize" {
		t.Fatalf("address is %s, %v", address, err)
	}
	want := url.Values{
		"lang": {"fr"}, "response_type": {"code"}, "client_id": {"PSDFR-ACPR-12345"}, "state": {"a-state"},
		"redirect_uri": {"https://oxlin.test/oauth2/aisp"}, "scope": {"accounts history"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestACodeIsExchanged(t *testing.T) {
	tests := []struct {
		name     string
		config   func(*psd2.OAuth)
		wantForm string
		wantAuth string
	}{
		{
			"by a client that its certificate identifies", func(*psd2.OAuth) {},
			"grant_type=authorization_code&code=the+code&redirect_uri=https%3A%2F%2Foxlin.test%2Foauth2%2Faisp&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&client_id=PSDFR-ACPR-12345", "",
		},
		{
			"with the scope, and without PKCE", func(o *psd2.OAuth) { o.ScopeOnToken, o.PKCE = true, false },
			"grant_type=authorization_code&scope=accounts+history&code=the+code&redirect_uri=https%3A%2F%2Foxlin.test%2Foauth2%2Faisp&client_id=PSDFR-ACPR-12345", "",
		},
		{
			"with a secret in the form", func(o *psd2.OAuth) { o.ClientAuthentication, o.ClientSecret, o.PKCE = "form", "s&t", false },
			"grant_type=authorization_code&code=the+code&redirect_uri=https%3A%2F%2Foxlin.test%2Foauth2%2Faisp&client_id=PSDFR-ACPR-12345&client_secret=s%26t", "",
		},
		{
			"in the order of the bank, with another scope and a field of its own", func(o *psd2.OAuth) {
				o.PKCE, o.ScopeOnToken, o.TokenScope = false, true, "accounts"
				o.Fields, o.FieldOrder = map[string]string{"brand": "a&b"}, []string{"client_id", "grant_type"}
			},
			"client_id=PSDFR-ACPR-12345&grant_type=authorization_code&scope=accounts&code=the+code&redirect_uri=https%3A%2F%2Foxlin.test%2Foauth2%2Faisp&brand=a%26b", "",
		},
		{
			"with the bank's names of fields", func(o *psd2.OAuth) {
				o.PKCE, o.Names = false, map[string]string{"code": "authorization_code", "redirect_uri": ""}
			},
			"grant_type=authorization_code&authorization_code=the+code&client_id=PSDFR-ACPR-12345", "",
		},
		{
			"with a secret in the header, and the client id in the form", func(o *psd2.OAuth) {
				o.ClientAuthentication, o.ClientSecret, o.PKCE, o.FormClientID = "client_secret_basic", "s&t", false, "always"
			},
			"grant_type=authorization_code&code=the+code&redirect_uri=https%3A%2F%2Foxlin.test%2Foauth2%2Faisp&client_id=PSDFR-ACPR-12345", "Basic UFNERlItQUNQUi0xMjM0NTpzJTI2dA==",
		},
		{
			"with a secret in the header", func(o *psd2.OAuth) { o.ClientAuthentication, o.ClientSecret, o.PKCE = "basic", "s&t", false },
			"grant_type=authorization_code&code=the+code&redirect_uri=https%3A%2F%2Foxlin.test%2Foauth2%2Faisp", "Basic UFNERlItQUNQUi0xMjM0NTpzJTI2dA==",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := plain()
			test.config(&config.OAuth)
			script := banktest.NewScript(t, banktest.Exchange{
				Ask: "POST /token", Status: http.StatusCreated,
				Body: `{"access_token":"A","refresh_token":"R","token_type":"bearer","expires_in":"3600"}`,
			})
			access, err := authorizer(t, config, script).Exchange(t.Context(), "the code", journey)
			if err != nil {
				t.Fatal(err)
			}
			want := bank.Access{
				Token: oxlin.NewSecret("A"), RefreshToken: oxlin.NewSecret("R"),
				TokenFrom: now, TokenUntil: now.Add(time.Hour), ConsentUntil: now.AddDate(0, 0, 180),
			}
			if access != want {
				t.Errorf("access is %+v, want %+v", access, want)
			}
			if script.Bodies[0] != test.wantForm {
				t.Errorf("form is\n%s, want\n%s", script.Bodies[0], test.wantForm)
			}
			if got := script.Requests[0].Header.Get("Authorization"); got != test.wantAuth {
				t.Errorf("Authorization is %q, want %q", got, test.wantAuth)
			}
		})
	}
}

func TestATokenEndpointThatAnswersNonsense(t *testing.T) {
	for _, body := range []string{``, `{}`, `{"access_token":""}`, `{"access_token":null}`, `ok`, `[]`} {
		connector := authorizer(t, plain(), banktest.NewScript(t, banktest.Exchange{Body: body}))
		_, err := banktest.Redeem(t.Context(), connector, "code", journey)
		wantKind(t, err, bank.Nonsense)
	}
}

func TestATokenWhoseEndIsUnknown(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"A"}`, `{"access_token":"A","expires_in":0}`, `{"access_token":"A","expires_in":"soon"}`,
		`{"access_token":"A","expires_in":-3}`, `{"access_token":"A","expires_in":99999999999999}`,
	} {
		access, err := authorizer(t, plain(), banktest.NewScript(t, banktest.Exchange{Body: body})).Exchange(t.Context(), "code", journey)
		if err != nil || !access.TokenUntil.IsZero() {
			t.Errorf("%s: until %v, %v", body, access.TokenUntil, err)
		}
	}
}

func TestARefreshKeepsTheConsentAndRotatesTheToken(t *testing.T) {
	until := now.AddDate(0, 0, 30)
	old := bank.Access{Token: oxlin.NewSecret("A"), RefreshToken: oxlin.NewSecret("R"), ConsentUntil: until}
	for body, refresh := range map[string]string{
		`{"access_token":"B","refresh_token":"S","expires_in":300}`: "S",
		`{"access_token":"B","expires_in":300}`:                     "R",
		`{"access_token":"B","refresh_token":"","expires_in":300}`:  "R",
	} {
		script := banktest.NewScript(t, banktest.Exchange{Body: body})
		access, err := authorizer(t, plain(), script).Refresh(t.Context(), old)
		want := bank.Access{
			Token: oxlin.NewSecret("B"), RefreshToken: oxlin.NewSecret(refresh),
			TokenFrom: now, TokenUntil: now.Add(5 * time.Minute), ConsentUntil: until, Refreshed: true,
		}
		if err != nil || access != want {
			t.Errorf("%s gives %+v, %v", body, access, err)
		}
		if script.Bodies[0] != "grant_type=refresh_token&refresh_token=R&client_id=PSDFR-ACPR-12345" {
			t.Errorf("form is %s", script.Bodies[0])
		}
	}
}

func TestWithoutARefreshTokenTheBankIsNotAsked(t *testing.T) {
	_, err := authorizer(t, plain(), banktest.NewScript(t)).Refresh(t.Context(), bank.Access{Token: oxlin.NewSecret("A")})
	wantKind(t, err, bank.AccessLost)
}

func TestARefusedRefresh(t *testing.T) {
	access := bank.Access{RefreshToken: oxlin.NewSecret("R")}
	tests := []struct {
		status int
		body   string
		want   bank.FailureKind
	}{
		{400, `{"error":"invalid_grant"}`, bank.AccessLost},
		{401, `{"error":"invalid_client"}`, bank.Refused},
		{403, `{"error":"unauthorized_client"}`, bank.Refused},
		{400, `{"error":"invalid_request"}`, bank.Refused},
		{401, `<html>`, bank.AccessLost},
		{403, ``, bank.AccessLost},
		{400, `[]`, bank.Refused},
		{429, `{"error":"invalid_grant"}`, bank.RateLimited},
		{500, `{"error":"invalid_grant"}`, bank.Unavailable},
	}
	for _, test := range tests {
		script := banktest.NewScript(t, banktest.Exchange{Status: test.status, Body: test.body})
		_, err := authorizer(t, plain(), script).Refresh(t.Context(), access)
		if got := bank.AsFailure(err); got.Kind != test.want || got.Status != test.status {
			t.Errorf("%d %s: %v, want %s", test.status, test.body, err, test.want)
		}
	}
}

func TestARefusedCodeIsNotALostConsent(t *testing.T) {
	connector := authorizer(t, plain(), banktest.NewScript(t, banktest.Exchange{Status: 400, Body: `{"error":"invalid_grant"}`}))
	_, err := banktest.Redeem(t.Context(), connector, "code", journey)
	wantKind(t, err, bank.Refused)
}

func TestRevokingIsDoneOnceItIsDone(t *testing.T) {
	access := bank.Access{Token: oxlin.NewSecret("A"), RefreshToken: oxlin.NewSecret("R")}
	for _, status := range []int{200, 204, 400, 404} {
		script := banktest.NewScript(t, banktest.Exchange{Ask: "POST /revoke", Status: status})
		err := authorizer(t, plain(), script).Revoke(t.Context(), access)
		if err != nil {
			t.Errorf("status %d: %v", status, err)
		}
		if script.Bodies[0] != "token=R&token_type_hint=refresh_token&client_id=PSDFR-ACPR-12345" {
			t.Errorf("form is %s", script.Bodies[0])
		}
	}
	err := authorizer(t, plain(), banktest.NewScript(t, banktest.Exchange{Status: 503})).Revoke(t.Context(), access)
	wantKind(t, err, bank.Unavailable)

	script := banktest.NewScript(t, banktest.Exchange{})
	err = authorizer(t, plain(), script).Revoke(t.Context(), bank.Access{Token: oxlin.NewSecret("A")})
	if err != nil || script.Bodies[0] != "token=A&token_type_hint=access_token&client_id=PSDFR-ACPR-12345" {
		t.Errorf("without a refresh token: %v, form is %s", err, script.Bodies[0])
	}

	config := plain()
	config.OAuth.RevokeURL = ""
	err = authorizer(t, config, banktest.NewScript(t)).Revoke(t.Context(), access)
	if err != nil {
		t.Errorf("at a bank without such an address: %v", err)
	}
}

func TestAnAssertionIdentifiesUs(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("s", 32)
	for _, test := range []struct {
		name      string
		config    func(*psd2.OAuth)
		key       any
		header    string
		audience  string
		hasClient bool
	}{
		{"by our key", func(o *psd2.OAuth) { o.ClientAuthentication = "private_key_jwt" }, key.Public(),
			`{"alg":"PS256","typ":"JWT"}`, "https://bank.example/token", true},
		{"as a bank wants it", func(o *psd2.OAuth) {
			o.ClientAuthentication = "private_key_jwt"
			o.FormClientID = "never"
			o.Assertion = &psd2.Assertion{Algorithm: "RS256", KeyID: "k1", Audience: "https://bank.example"}
		}, key.Public(), `{"alg":"RS256","kid":"k1","typ":"JWT"}`, "https://bank.example", false},
		{"by a secret", func(o *psd2.OAuth) { o.ClientAuthentication, o.ClientSecret = "client_secret_jwt", secret }, []byte(secret),
			`{"alg":"HS256","typ":"JWT"}`, "https://bank.example/token", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := plain()
			test.config(&config.OAuth)
			script := banktest.NewScript(t, banktest.Exchange{Body: `{"access_token":"own"}`})
			client, err := psd2.NewClient(config, dialect, psd2.Deps{
				Transport: banktest.Serve(t, script), Now: func() time.Time { return now }, Seal: psd2.Seal{Key: key},
			})
			if err != nil {
				t.Fatal(err)
			}
			access, err := psd2.NewAuthorizer(client).ClientCredentials(t.Context(), "accounts")
			if err != nil || access.Token.Reveal() != "own" {
				t.Fatalf("%+v, %v", access, err)
			}
			form, err := url.ParseQuery(script.Bodies[0])
			if err != nil || form.Has("client_id") != test.hasClient || form.Get("scope") != "accounts" ||
				form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("form is %v, %v", form, err)
			}
			token, err := jwt.ParseSigned(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.PS256, jose.RS256, jose.HS256})
			if err != nil {
				t.Fatal(err)
			}
			var claims jwt.Claims
			err = token.Claims(test.key, &claims)
			if err != nil || claims.Issuer != config.OAuth.ClientID || claims.Subject != config.OAuth.ClientID || claims.ID == "" ||
				!claims.Audience.Contains(test.audience) || claims.Expiry.Time().Sub(now) != 5*time.Minute {
				t.Errorf("claims are %+v, %v", claims, err)
			}
			header, err := base64.RawURLEncoding.DecodeString(strings.Split(form.Get("client_assertion"), ".")[0])
			if err != nil || string(header) != test.header {
				t.Errorf("header is %s, want %s", header, test.header)
			}
		})
	}
	config := plain()
	config.OAuth.ClientAuthentication = "private_key_jwt"
	_, err = psd2.NewClient(config, dialect, psd2.Deps{})
	if err == nil {
		t.Error("a client without a key is no error")
	}
}
