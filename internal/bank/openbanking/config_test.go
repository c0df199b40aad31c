package openbanking_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
)

// village is the data of a bank, to which a test adds faults.
const villageFile = `{
	"version": "3.1", "base_url": "https://bank.example",
	"oauth": {"authorize_url": "https://bank.example/a", "token_url": "https://bank.example/t", "client_id": "c", "client_authentication": "tls_client_auth", "scopes": "openid accounts"},
	"login": {"issuer": "https://bank.example", "jwks_url": "https://bank.example/k"},
	"consent_days": 90, "unattended_per_day": 4, "history": {"days": 365}, "ids": "STABLE"
}`

func TestTheFaultsOfABanksData(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     []string
	}{
		{"", "", nil},
		{`"3.1"`, `"2.0"`, []string{`$.version: want one of 3.1, 4.0, not "2.0"`}},
		{`"openid accounts"`, `"openid"`, []string{`$.oauth.scopes: "openid" lacks accounts`}},
		{`"issuer": "https://bank.example", "jwks_url": "https://bank.example/k"`, ``, []string{`$.login.issuer: a value is missing`, `$.login.jwks_url: "" is not a URL`}},
		{`"issuer": "https://bank.example", "jwks_url": "https://bank.example/k"`, `"response_type": "code", "request": {"audience": "x"}`, nil},
		{`"login": {`, `"login": {"response_type": "token", "lacks": ["nonce"], "request": {"algorithm": "HS256", "minutes": -1, "in": ["query"]}, `, []string{
			`$.login.response_type: want one of , code id_token, code, not "token"`, `$.login.lacks[0]: want one of c_hash, s_hash, not "nonce"`,
			`$.login.request.algorithm: want one of , PS256, RS256, ES256, PS384, PS512, not "HS256"`, `$.login.request.minutes: -1 is negative`,
			`$.login.request.in[0]: want one of id_token, userinfo, not "query"`,
		}},
		{`"consent_days"`, `"consent": {"permissions": ["Accounts"], "expiration_days": 90, "history_days": -1, "reconfirm": true, "date_format": "none", "url": "x"}, "consent_days"`, []string{
			`$.consent.history_days: -1 is negative`, `$.consent.reconfirm: a consent that ends cannot be reconfirmed`,
			`$.consent.date_format: "none" is not a form of dates`, `$.consent.permissions[0]: "Accounts" is not a permission`, `$.consent.url: "x" is not a URL`,
		}},
		{`"days": 365`, `"days": 365, "fresh_minutes": 5, "date_format": "someday", "date_zone": "Mars", "date_to": "later"`, []string{
			`$.history.refreshed_days: fresh_minutes needs it`, `$.history.date_format: "someday" is neither the name of a form nor a pattern`,
			`$.history.date_zone.zone: "Mars" is not a time zone`, `$.history.date_to: want one of , never, tomorrow, now, today, yesterday, not "later"`,
		}},
		{`"days": 365`, `"days": 365, "window_days": 60, "date_format": "none", "date_to": "never"`, []string{
			`$.history.date_to: window_days needs it`, `$.history.window_days: a bank without dates has no periods`,
		}},
		{`"consent_days"`, `"zone": "Europe/Londinium", "currency": "pounds", "login_time_header": "a b", "paths": {"offers": "/o", "balances": "b"}, "consent_days"`, []string{
			`$.zone: "Europe/Londinium" is not a time zone`, `$.currency: "pounds" is not a currency`, `$.login_time_header: "a b" is not the name of a header`,
			`$.paths.balances: "b" does not begin with a slash`,
			`$.paths.offers: want one of account, account_parties, account_party, accounts, balances, consent, consents, party, transactions`,
		}},
		{`"consent_days"`, `"owner": "me", "accounts": {"types": {"X": "SHARES"}, "ignore": [{"path": ""}]}, "balances": {"credit_line": "hide", "sign": "both"}, "consent_days"`, []string{
			`$.owner: want one of , none, party, account_party, account_parties, not "me"`,
			`$.accounts.types.X: want one of CHECKINGS, SAVINGS, LOAN, CREDIT_CARD, not "SHARES"`,
			`$.accounts.ignore[0].path: a value is missing`, `$.accounts.ignore[0]: want either equals or contains`,
			`$.balances.sign: want one of , indicator, amount, not "both"`, `$.balances.credit_line: want one of , keep, subtract, skip, not "hide"`,
		}},
		{`"consent_days"`, `"transactions": {"id": "none", "days": "some", "sign": "x", "statuses": {"A": "GONE"}, "no_status": "X", "of_other_accounts": "move"}, "consent_days"`, []string{
			`$.transactions.days: want one of , instant, written, not "some"`, `$.transactions.sign: want one of , indicator, amount, not "x"`,
			`$.transactions.no_status: want one of , BOOKED, PENDING, OTHER, not "X"`, `$.transactions.of_other_accounts: want one of , keep, drop, not "move"`,
			`$.transactions.statuses.A: want one of BOOKED, PENDING, OTHER, ignored, not "GONE"`, `$.transactions.id: ids must be NONE then, not STABLE`,
		}},
	} {
		if !strings.Contains(villageFile, test.from) {
			t.Fatalf("the file has no %s", test.from)
		}
		tree, err := datafile.Parse([]byte(strings.Replace(villageFile, test.from, test.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		report := datafile.Report{HTTPS: true}
		settings := openbanking.Driver().Read(tree, oxlin.ChannelDefinition{}, report.Root())
		var got []string
		for _, fault := range report.Faults() {
			got = append(got, fault.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.to, diff)
		}
		if !settings.Signed {
			t.Errorf("%s: the login needs no key", test.to)
		}
	}
}
