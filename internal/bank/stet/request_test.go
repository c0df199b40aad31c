package stet_test

import (
	"crypto"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/bank/stet"
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
