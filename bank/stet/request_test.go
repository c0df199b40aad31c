package stet_test

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-fed/httpsig"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/bank/banktest"
	"github.com/oxlin/oxlin/bank/psd2"
	"github.com/oxlin/oxlin/bank/stet"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestARequestSaysWhoWeAreAndWhetherTheUserIsThere(t *testing.T) {
	script := banktest.NewScript(t, banktest.Exchange{}, banktest.Exchange{})
	connector := connect(t, plain(), script)
	attended := call
	attended.PSU = &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Fire\nfox: evil"}
	for _, c := range []bank.Call{attended, call} {
		_, err := connector.Accounts(t.Context(), c, "")
		if err != nil {
			t.Fatal(err)
		}
	}
	there, gone := script.Requests[0].Header, script.Requests[1].Header
	for name, want := range map[string]string{
		"Authorization":  "Bearer the-token",
		"Accept":         "application/hal+json; charset=utf-8",
		"Date":           "Sat, 21 Nov 2026 10:00:00 GMT",
		"Digest":         "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"PSU-IP-Address": "192.0.2.7",
		"PSU-User-Agent": "Fire fox: evil",
		"Cookie":         "",
	} {
		if there.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, there.Get(name), want)
		}
	}
	if !uuid4.MatchString(there.Get("X-Request-ID")) || there.Get("X-Request-ID") == gone.Get("X-Request-ID") {
		t.Errorf("X-Request-ID is %q, then %q", there.Get("X-Request-ID"), gone.Get("X-Request-ID"))
	}
	for name := range gone {
		if strings.HasPrefix(strings.ToUpper(name), "PSU-") {
			t.Errorf("%s is sent without a user", name)
		}
	}
}

func TestWhatABankAcceptsIsItsOwnMatter(t *testing.T) {
	config := plain()
	config.Accept = "application/json"
	script := banktest.NewScript(t, banktest.Exchange{})
	_, err := connect(t, config, script).Accounts(t.Context(), call, "")
	if err != nil || script.Requests[0].Header.Get("Accept") != "application/json" {
		t.Errorf("Accept is %q, %v", script.Requests[0].Header.Get("Accept"), err)
	}
}

func TestTheDateHeaderInTheBanksZone(t *testing.T) {
	config := plain()
	config.DateZone = "Europe/Paris"
	script := banktest.NewScript(t, banktest.Exchange{})
	_, err := connect(t, config, script).Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := script.Requests[0].Header.Get("Date"); got != "Sat, 21 Nov 2026 11:00:00 CET" {
		t.Errorf("Date is %q", got)
	}
}

// TestASignatureIsVerifiedByAnother checks with a library that we did not write.
func TestASignatureIsVerifiedByAnother(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string][]string{
		"as the standard has it":  {"(request-target)", "date", "digest", "x-request-id"},
		"in another order":        {"x-request-id", "digest", "(request-target)", "host", "date"},
		"with the content type":   {"(request-target)", "accept", "authorization", "content-type", "x-request-id", "digest"},
		"the date alone":          {"date"},
		"with the user's address": {"(request-target)", "digest", "psu-ip-address"},
	}
	for name, headers := range orders {
		for _, spaced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, spaced %v", name, spaced), func(t *testing.T) {
				config := plain()
				config.ConsentModel = "mixed"
				config.Signing.Headers, config.Signing.Spaced, config.Signing.KeyID = headers, spaced, "{client_id}"
				bank := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					// The library looks for Host among the headers, and wants no spaces.
					r.Header.Set("Host", r.Host)
					r.Header.Set("Signature", strings.ReplaceAll(r.Header.Get("Signature"), `", `, `",`))
					verifier, err := httpsig.NewVerifier(r)
					if err != nil {
						t.Error(err)
						return
					}
					if verifier.KeyId() != "PSDFR-ACPR-12345" {
						t.Errorf("keyId is %q", verifier.KeyId())
					}
					err = verifier.Verify(key.Public(), httpsig.RSA_SHA256)
					if err != nil {
						t.Errorf("%s %s: %v\n%s", r.Method, r.URL, err, r.Header.Get("Signature"))
					}
					signature := r.Header.Get("Signature")
					if want := `headers="` + strings.Join(headers, " ") + `"`; !strings.Contains(signature, want) {
						t.Errorf("%s lacks %s", signature, want)
					}
					if !strings.Contains(signature, `algorithm="rsa-sha256"`) {
						t.Errorf("%s lacks the algorithm that banks want", signature)
					}
				})
				attended := call
				attended.PSU = &oxlin.PSU{IP: "192.0.2.7"}
				connector := connect(t, config, bank)
				_, err := connector.Accounts(t.Context(), attended, "")
				if err != nil {
					t.Error(err)
				}
				err = connector.ForwardConsent(t.Context(), attended, nil)
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestABodyIsDigested(t *testing.T) {
	config := plain()
	config.ConsentModel = "mixed"
	config.Signing.DigestOnGet = false
	script := banktest.NewScript(t, banktest.Exchange{Status: http.StatusCreated}, banktest.Exchange{})
	connector := connect(t, config, script)
	err := connector.ForwardConsent(t.Context(), call, []bank.AccountRef{{BankID: "1", IBAN: "FR7610907000301234567890125"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = connector.Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(script.Bodies[0]))
	if got := script.Requests[0].Header.Get("Digest"); got != "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("Digest of %s is %q", script.Bodies[0], got)
	}
	if got := script.Requests[1].Header.Get("Digest"); got != "" {
		t.Errorf("Digest of a GET is %q where the bank wants none", got)
	}
}

func TestTheKeyIDNamesTheCertificate(t *testing.T) {
	script := banktest.NewScript(t, banktest.Exchange{})
	_, err := connect(t, plain(), script).Accounts(t.Context(), call, "")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^keyId="https://oxlin.test/PSDFR-ACPR-12345/[0-9a-f]{64}.pem",`)
	if got := script.Requests[0].Header.Get("Signature"); !want.MatchString(got) {
		t.Errorf("Signature is %s", got)
	}
}

func TestAConnectorIsNotMadeFromBadData(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	spoil := map[string]func(*stet.Config){
		"version":               func(c *stet.Config) { c.Version = "2.0" },
		"base_url":              func(c *stet.Config) { c.BaseURL = "bank.example" },
		"token_url":             func(c *stet.Config) { c.OAuth.TokenURL = "ftp://bank.example" },
		"aisp":                  func(c *stet.Config) { c.OAuth.Scopes = "pisp" },
		"client_secret":         func(c *stet.Config) { c.OAuth.ClientAuthentication = "basic" },
		"algorithm":             func(c *stet.Config) { c.Signing.Algorithm = "hs2019" },
		"date_format":           func(c *stet.Config) { c.History.DateFormat = "RFC 850" },
		"window_days":           func(c *stet.Config) { c.History.WindowDays = 7 },
		"consent_days":          func(c *stet.Config) { c.ConsentDays = 181 },
		"id_field":              func(c *stet.Config) { c.IDField = "id" },
		"no such failure":       func(c *stet.Config) { c.Answers = []psd2.Answer{{Status: 400, Means: "trouble"}} },
		"no such operation":     func(c *stet.Config) { c.Answers = []psd2.Answer{{On: "payments", Status: 400, Means: "empty"}} },
		"date_zone":             func(c *stet.Config) { c.DateZone = "Europe/Lutetia" },
		"client_authentication": func(c *stet.Config) { c.OAuth.ClientAuthentication = "tls" },
	}
	for want, with := range spoil {
		config := plain()
		with(&config)
		_, err := stet.New(config, psd2.Deps{Seal: psd2.Seal{Key: key}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one about %s", err, want)
		}
	}
	_, err = stet.New(plain(), psd2.Deps{})
	if err == nil {
		t.Error("a connector that must sign is made without a key")
	}
	_, err = stet.New(plain(), psd2.Deps{Seal: psd2.Seal{Key: notRSA{}}})
	if err == nil {
		t.Error("a connector that must sign by RSA is made with another key")
	}
}

type notRSA struct{ crypto.Signer }

func (notRSA) Public() crypto.PublicKey { return nil }

func TestAFailureOfTheBankIsTyped(t *testing.T) {
	tests := []struct {
		status int
		body   string
		want   bank.FailureKind
		code   string
	}{
		{301, ``, bank.Unavailable, ""},
		{400, `{"status":400,"error":"Bad Request","message":"Format de date"}`, bank.Refused, "Format de date"},
		{401, `{"errorMessage":"Invalid token"}`, bank.AccessLost, "Invalid token"},
		{401, ``, bank.AccessLost, ""},
		{403, `{"message":"No consent for TPP"}`, bank.AccessLost, "No consent for TPP"},
		{404, `{"error":"Not Found"}`, bank.Refused, "Not Found"},
		{405, ``, bank.Refused, ""},
		{406, ``, bank.Refused, ""},
		{408, ``, bank.Unavailable, ""},
		{429, ``, bank.RateLimited, ""},
		{500, `<html>Erreur</html>`, bank.Unavailable, ""},
		{503, `{"message":"maintenance"}`, bank.Unavailable, "maintenance"},
		{200, `<html>maintenance</html>`, bank.Nonsense, ""},
		{200, `{"accounts":"none"}`, bank.Nonsense, ""},
		{200, `{"accounts":[1]}`, bank.Nonsense, ""},
		{200, `{"accounts":[{"resourceId":true}]}`, bank.Nonsense, ""},
		{200, `{"accounts":[{"resourceId":{"id":"1"}}]}`, bank.Nonsense, ""},
		{200, `[]`, bank.Nonsense, ""},
		{200, `{"accounts":[`, bank.Nonsense, ""},
		{200, `{"accounts":[]} {}`, bank.Nonsense, ""},
		{200, "\xff\xfe", bank.Nonsense, ""},
		{401, `{"message":"FR7610907000301234567890125 de a.b@example.fr bloqué"}`, bank.AccessLost, "… de … bloqué"},
		{401, `{"message":"FR76 1090 7000 3012 carte 497010******2222"}`, bank.AccessLost, "FR76 … … … carte …"},
		{401, `{"message":"` + strings.Repeat("é ", 200) + `"}`, bank.AccessLost, strings.Repeat("é ", 39) + "é"},
		{401, `{"message":["a list"]}`, bank.AccessLost, ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status, " ", test.body[:min(40, len(test.body))]), func(t *testing.T) {
			script := banktest.NewScript(t, banktest.Exchange{
				Status: test.status, Body: test.body, Header: http.Header{"Location": {"https://elsewhere.example/"}},
			})
			_, err := connect(t, plain(), script).Accounts(t.Context(), call, "")
			failure := wantKind(t, err, test.want)
			if failure.Status != 0 && failure.Status != test.status || failure.BankCode != test.code {
				t.Errorf("failure has status %d and code %q, want %q", failure.Status, failure.BankCode, test.code)
			}
			if strings.Contains(err.Error(), "the-token") || strings.Contains(err.Error(), "a.b@example.fr") {
				t.Errorf("the failure tells secrets: %v", err)
			}
		})
	}
}

func TestWhatWeAreAskedToWait(t *testing.T) {
	tests := map[string]time.Duration{
		"120":                           2 * time.Minute,
		"Sat, 21 Nov 2026 10:30:00 GMT": 30 * time.Minute,
		"Sat, 21 Nov 2026 09:30:00 GMT": 0,
		"-5":                            0,
		"soon":                          0,
		"":                              0,
		"999999999999":                  24 * time.Hour,
	}
	for header, want := range tests {
		script := banktest.NewScript(t, banktest.Exchange{Status: 429, Header: http.Header{"Retry-After": {header}}})
		_, err := connect(t, plain(), script).Accounts(t.Context(), call, "")
		if got := wantKind(t, err, bank.RateLimited).RetryAfter; got != want {
			t.Errorf("Retry-After %q is %v, want %v", header, got, want)
		}
	}
}

func TestNothingAndAnEmptyBodyAreNoFailure(t *testing.T) {
	for _, nothing := range []banktest.Exchange{
		{Status: 204}, {Status: 200}, {Body: "  \n"}, {Body: "null"}, {Body: "{}"}, {Body: `{"httpMessage":"Success"}`},
		{Body: `{"accounts":null,"transactions":null,"_links":null}`},
	} {
		connector := connect(t, plain(), banktest.NewScript(t, nothing, nothing))
		accounts, err := connector.Accounts(t.Context(), call, "")
		if err != nil || len(accounts.Accounts) != 0 || accounts.Next != "" {
			t.Errorf("%+v: accounts are %+v, %v", nothing, accounts, err)
		}
		rows, err := transactions(t, connector, account)
		if err != nil || len(rows) != 0 {
			t.Errorf("%+v: transactions are %+v, %v", nothing, rows, err)
		}
	}
}

func TestABankThatIsNotThereIsUnavailable(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	config := plain()
	config.BaseURL = closed.URL
	connector, err := stet.New(config, psd2.Deps{Seal: psd2.Seal{Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = connector.Balance(t.Context(), call, bank.AccountRef{BankID: "secret-account"})
	failure := wantKind(t, err, bank.Unavailable)
	if strings.Contains(failure.Error(), "secret-account") {
		t.Errorf("the failure tells the account: %v", failure)
	}
}

// broken is a transport that fails in a certain way.
type broken func(*http.Request) (*http.Response, error)

func (b broken) RoundTrip(r *http.Request) (*http.Response, error) { return b(r) }

func TestASlowBankIsGivenUp(t *testing.T) {
	key, err := sealKey()
	if err != nil {
		t.Fatal(err)
	}
	config := plain()
	config.TimeoutSeconds = 7
	var deadline time.Time
	connector, err := stet.New(config, psd2.Deps{Seal: psd2.Seal{Key: key}, Transport: broken(func(r *http.Request) (*http.Response, error) {
		deadline, _ = r.Context().Deadline()
		return nil, errors.New("given up")
	})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = connector.Accounts(t.Context(), call, "")
	wantKind(t, err, bank.Unavailable)
	if left := time.Until(deadline); left > 7*time.Second || left < time.Second {
		t.Errorf("the call ends in %v", left)
	}
}

func TestAnAnswerWithoutAnEndIsRefused(t *testing.T) {
	flood := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		spaces := []byte(strings.Repeat(" ", 1<<20))
		for range 64 {
			_, err := w.Write(spaces)
			if err != nil {
				return
			}
		}
	})
	_, err := connect(t, plain(), flood).Accounts(t.Context(), call, "")
	wantKind(t, err, bank.Nonsense)
}

func TestCookiesAreNotKept(t *testing.T) {
	script := banktest.NewScript(t, banktest.Exchange{Header: http.Header{"Set-Cookie": {"track=me"}}}, banktest.Exchange{})
	connector := connect(t, plain(), script)
	for range 2 {
		_, err := connector.Accounts(t.Context(), call, "")
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := script.Requests[1].Header.Get("Cookie"); got != "" {
		t.Errorf("cookie %q comes back", got)
	}
}
