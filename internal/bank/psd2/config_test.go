package psd2_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
)

func TestTheFaultsOfABanksData(t *testing.T) {
	tests := []struct {
		from, to string
		want     []string
	}{
		{"", "", nil},
		{`"https://bank.example/harbour/v1"`, `"bank.example"`, []string{`$.base_url: "bank.example" is not a URL`}},
		{`"https://bank.example/token"`, `"ftp://bank.example"`, []string{`$.oauth.token_url: "ftp://bank.example" is not a URL`}},
		{`"https://bank.example/token"`, `"http://bank.example"`, []string{`$.oauth.token_url: "http://bank.example" is not an https URL`}},
		{`"scopes": "accounts"`, `"scopes": "payments"`, []string{`$.oauth.scopes: "payments" lacks accounts`}},
		{`"PSDFR-ACPR-12345"`, `""`, []string{`$.oauth.client_id: a value is missing`}},
		{`"client_authentication": "none"`, `"client_authentication": "basic"`, []string{`$.oauth.client_secret: a value is missing`}},
		{`"client_authentication": "none"`, `"client_authentication": "tls"`, []string{`$.oauth.client_authentication: want one of none, basic, form, private_key_jwt, client_secret_jwt, not "tls"`}},
		{`"rsa-sha256"`, `"hs2019"`, []string{`$.signing.algorithm: want one of rsa-sha256, rsa-sha512, rsa-pss-sha256, rsa-pss-sha512, not "hs2019"`}},
		{`["(request-target)", "call-id"]`, `[]`, []string{`$.signing.headers: want at least one header`}},
		{`"{fingerprint}"`, `""`, []string{`$.signing.key_id: a value is missing`}},
		{`"consent_days": 180`, `"consent_days": 181`, []string{`$.consent_days: want 1 to 180, not 181`}},
		{`"unattended_per_day": 4`, `"unattended_per_day": 0`, []string{`$.unattended_per_day: want at least 1, not 0`}},
		{`"consent_days"`, `"date_zone": "Europe/Lutetia", "consent_days"`, []string{`$.date_zone: "Europe/Lutetia" is not a time zone`}},
		{`"consent_days"`, `"timeout_seconds": -1, "requests_per_minute": -2, "consent_days"`, []string{
			`$.timeout_seconds: -1 is negative`, `$.requests_per_minute: -2 is negative`,
		}},
		{`"STABLE"`, `"SOMETIMES"`, []string{`$.ids: want one of STABLE, LASTING, PER_CONSENT, POSITIONAL, CONSTANT, NONE, not "SOMETIMES"`}},
		{`"STABLE"`, `"STABLE", "account_ids": "STABLE"`, []string{`$.account_ids: want one of , LASTING, PER_CONSENT, not "STABLE"`}},
		{`"days": 360, "window_days": 60`, `"days": 0, "refreshed_days": -1, "window_days": 7`, []string{
			`$.history.days: want at least 1, not 0`, `$.history.refreshed_days: -1 is negative`, `$.history.window_days: want 0 or at least 30, not 7`,
		}},
		{`"consent_days"`, `"answers": [{"status": 200, "on": "payments", "means": "trouble"}], "consent_days"`, []string{
			`$.answers[0].status: want 300 to 599, not 200`, `$.answers[0].on: "payments" is no such operation`, `$.answers[0].means: "trouble" is no such failure`,
		}},
		{`"consent_days"`, `"headers": {"x id": "1", "x-brand": "{client_id}-{uuid}", "x-time": "{now}"}, "codes": {"CLOSED": "access lost", "GONE": "trouble"}, "consent_days"`, []string{
			`$.headers["x id"]: "x id" is not the name of a header`, `$.headers["x-time"]: "{now}" holds a value in braces that does not exist`,
			`$.codes.GONE: "trouble" is no such failure`,
		}},
		{`"consent_days"`, `"answers": [{"status": 403, "on": "refresh", "means": "access lost"}, {"status": 404, "on": "balances", "means": "empty"}], "consent_days"`, nil},
	}
	for _, test := range tests {
		if !strings.Contains(harbourFile, test.from) {
			t.Fatalf("the file has no %s", test.from)
		}
		tree, err := datafile.Parse([]byte(strings.Replace(harbourFile, test.from, test.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		report := datafile.Report{HTTPS: true}
		settings := harbourDriver().Read(tree, oxlin.ChannelDefinition{}, report.Root())
		var got []string
		for _, fault := range report.Faults() {
			got = append(got, fault.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.to, diff)
		}
		if !settings.Signed {
			t.Errorf("%s: the connection needs no signature", test.to)
		}
	}
}
