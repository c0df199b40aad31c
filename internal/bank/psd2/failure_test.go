package psd2_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

func TestARefusalIsClassified(t *testing.T) {
	code := func(text string) string { return `{"tppMessages":[{"code":"` + text + `"}]}` }
	tests := []struct {
		status int
		body   string
		want   bank.FailureKind
		code   string
	}{
		{301, ``, bank.Unavailable, ""},
		{400, code("FORMAT_ERROR"), bank.Refused, "FORMAT_ERROR"},
		{401, code("TOKEN_EXPIRED"), bank.AccessLost, "TOKEN_EXPIRED"},
		{403, code("CONSENT_UNKNOWN"), bank.AccessLost, "CONSENT_UNKNOWN"},
		{404, ``, bank.Refused, ""},
		{408, ``, bank.Unavailable, ""},
		{409, ``, bank.Refused, ""},
		{429, code("ACCESS_EXCEEDED"), bank.RateLimited, "ACCESS_EXCEEDED"},
		{500, `<html>Erreur</html>`, bank.Unavailable, ""},
		{503, ``, bank.Unavailable, ""},
		{401, code("FR7610907000301234567890125 de a.b@example.fr bloqué"), bank.AccessLost, "… de … bloqué"},
	}
	for _, test := range tests {
		script := banktest.NewScript(t, banktest.Exchange{Status: test.status, Body: test.body})
		_, err := get(t, newClient(t, plain(), script))
		failure := wantKind(t, err, test.want)
		if failure.Status != test.status || failure.BankCode != test.code {
			t.Errorf("%d %s: status %d and code %q, want %q", test.status, test.body, failure.Status, failure.BankCode, test.code)
		}
		if strings.Contains(err.Error(), "the-token") {
			t.Errorf("%d: the failure holds the token: %v", test.status, err)
		}
	}
}

func TestACodeSaysMoreThanTheStatus(t *testing.T) {
	config := plain()
	config.Codes = map[string]string{"LOCKED_OUT": string(bank.Locked), "NOTHING": "empty", "BUSY": string(bank.RateLimited)}
	config.Answers = []psd2.Answer{{Status: 403, Contains: "LOCKED_OUT", Means: string(bank.ActionAtBank)}}
	for _, test := range []struct {
		status int
		code   string
		want   bank.FailureKind // empty: no failure
	}{
		{400, "LOCKED_OUT", bank.Locked},
		{403, "LOCKED_OUT", bank.ActionAtBank},
		{404, "NOTHING", ""},
		{400, "CONSENT_OVER", bank.AccessLost},
		{500, "BUSY", bank.RateLimited},
		{401, "UNHEARD_OF", bank.AccessLost},
	} {
		script := banktest.NewScript(t, banktest.Exchange{Status: test.status, Body: `{"tppMessages":[{"code":"` + test.code + `"}]}`})
		_, err := get(t, newClient(t, config, script))
		if test.want == "" && err != nil {
			t.Errorf("%d %s: %v, want no failure", test.status, test.code, err)
		}
		if test.want != "" {
			wantKind(t, err, test.want)
		}
	}
}

func TestTheDataOfABankClassifyItsAnswers(t *testing.T) {
	config := plain()
	config.Answers = []psd2.Answer{
		{On: opAccounts, Status: 404, Contains: `"code":"NONE"`, Means: "empty"},
		{On: opTransactions, Status: 400, Contains: "too old", Means: "short history"},
		{Status: 400, Contains: "BLOCKED", Means: string(bank.Locked)},
		{Status: 400, Contains: "BLOCKED", Means: string(bank.Nonsense)},
		{Status: 409, Means: string(bank.Unavailable)},
		{Status: 403, Contains: "dépassée", Means: string(bank.RateLimited)},
	}
	tests := []struct {
		name   string
		op     string
		status int
		body   string
		want   bank.FailureKind // empty: no failure
		short  bool
	}{
		{"empty, however the JSON is spaced", opAccounts, 404, `{ "code" : "NONE" }`, "", false},
		{"another operation", opBalances, 404, `{"code":"NONE"}`, bank.Refused, false},
		{"another status", opAccounts, 400, `{"code":"NONE"}`, bank.Refused, false},
		{"another body", opAccounts, 404, `{"code":"SOME"}`, bank.Refused, false},
		{"a shorter history", opTransactions, 400, `dateFrom too old`, bank.Refused, true},
		{"the first that fits wins", opAccounts, 400, `BLOCKED`, bank.Locked, false},
		{"a limit in UTF-8", opBalances, 403, `{"message":"Limite dépassée"}`, bank.RateLimited, false},
		{"a limit in Windows-1252", opBalances, 403, "{\"message\":\"Limite d\xe9pass\xe9e\"}", bank.RateLimited, false},
		{"any operation and any body", opBalances, 409, ``, bank.Unavailable, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			script := banktest.NewScript(t, banktest.Exchange{
				Status: test.status, Body: test.body, Header: http.Header{"Retry-After": {"60"}},
			})
			err := newClient(t, config, script).Send(t.Context(), call, psd2.Request{Op: test.op}, nil)
			if test.want == "" {
				if err != nil {
					t.Errorf("failure is %v, want none", err)
				}
				return
			}
			failure := wantKind(t, err, test.want)
			if errors.Is(err, psd2.ErrShortHistory) != test.short {
				t.Errorf("failure is %v; that the history is shorter: want %t", err, test.short)
			}
			if want := time.Minute; failure.Transient() && failure.RetryAfter != want || !failure.Transient() && failure.RetryAfter != 0 {
				t.Errorf("retry after %v of %v", failure.RetryAfter, failure)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	tests := map[string]time.Duration{
		"120":                              2 * time.Minute,
		"0":                                0,
		"-5":                               0,
		"86401":                            24 * time.Hour,
		"999999999999":                     24 * time.Hour,
		"99999999999999999999":             0,
		"1.5":                              0,
		"soon":                             0,
		"":                                 0,
		"Sat, 21 Nov 2026 10:30:00 GMT":    30 * time.Minute,
		"Saturday, 21-Nov-26 10:30:00 GMT": 30 * time.Minute,
		"Sat Nov 21 10:30:00 2026":         30 * time.Minute,
		"Sat, 21 Nov 2026 09:30:00 GMT":    0,
		"Sat, 21 Nov 2027 10:00:00 GMT":    24 * time.Hour,
	}
	for header, want := range tests {
		if got := psd2.RetryAfter(http.Header{"Retry-After": {header}}, now); got != want {
			t.Errorf("Retry-After %q is %v, want %v", header, got, want)
		}
	}
}

func TestTransient(t *testing.T) {
	for status, want := range map[int]bank.FailureKind{
		200: "", 302: bank.Unavailable, 400: "", 401: "", 404: "", 408: bank.Unavailable, 429: bank.RateLimited, 500: bank.Unavailable, 599: bank.Unavailable,
	} {
		kind, ok := psd2.Transient(status)
		if kind != want || ok != (want != "") {
			t.Errorf("%d is %q, %t, want %q", status, kind, ok, want)
		}
	}
}

func TestSafeText(t *testing.T) {
	for text, want := range map[string]string{
		"Invalid token":                        "Invalid token",
		"  two \n lines ":                      "two lines",
		"FR7610907000301234567890125 a.b@x.fr": "… …",
		"carte 497010******2222 bloquée":       "carte … bloquée",
		"error 404":                            "error 404",
		"year 2026":                            "year …",
		"":                                     "",
		strings.Repeat("é ", 200):              strings.Repeat("é ", 39) + "é",
	} {
		if got := psd2.SafeText(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	limited := &bank.Failure{Kind: bank.RateLimited}
	for name, test := range map[string]struct {
		err  error
		want bank.FailureKind
	}{
		"a broken connection":    {errors.New("broken pipe"), bank.Unavailable},
		"a failure in the chain": {fmt.Errorf("sending: %w", limited), bank.RateLimited},
	} {
		if got := bank.AsFailure(psd2.Unreachable(test.err)); got.Kind != test.want {
			t.Errorf("%s is %v, want %s", name, got, test.want)
		}
	}
}
