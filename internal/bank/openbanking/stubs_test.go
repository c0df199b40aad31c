package openbanking_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/openbanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// recorded is a bank that is replaced by its recordings.
type recorded struct {
	*openbanking.Connector
	player *banktest.Player
}

// fixedID makes every request id the one of a recording.
type fixedID []byte

func (id fixedID) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = id[i%len(id)]
	}
	return len(p), nil
}

func requestID(t *testing.T, text string) fixedID {
	t.Helper()
	var id []byte
	_, err := fmt.Sscanf(strings.ReplaceAll(text, "-", ""), "%x", &id)
	if err != nil || len(id) != 16 {
		t.Fatalf("%q is not an id: %v", text, err)
	}
	return id
}

// keysAddress is the address of the banks' keys.
const keysAddress = "https://keys.example/jwks"

// replay returns the connector that the catalogue makes for a bank, with a player of
// recorded stubs behind it. The player checks the headers, and the standard checks the
// rest.
func replay(t *testing.T, bank file, folders ...string) recorded {
	t.Helper()
	var paths []string
	for _, folder := range folders {
		paths = append(paths, banktest.Shared(t, 1, "bank-stubs", "openbanking", folder))
	}
	player := banktest.NewPlayer(t, paths...)
	standard := banktest.NewStandard(t, "4.0")
	standard.PlainDates = true
	played := standard.Check(bank.path, player)
	connector, err := bank.settings(t).Connect(psd2.Deps{
		Transport: banktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "keys.example" {
				writeKeys(t, w)
				return
			}
			played.ServeHTTP(w, r)
		})),
		Seal: psd2.Seal{Key: newKey(t)}, Now: func() time.Time { return recordedDay }, Rand: requestID(t, bank.id),
	})
	if err != nil {
		t.Fatal(err)
	}
	return recorded{connector.(*openbanking.Connector), player}
}

// recordedDay is after the days of all recordings.
var recordedDay = time.Date(2021, 2, 20, 10, 0, 0, 0, time.UTC)

// everything writes all that a bank tells about a customer, in the form of the files of
// testdata: what it cannot read or refuses too.
func (r recorded) everything(t *testing.T, token string) string {
	t.Helper()
	ctx := context.Background()
	call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret(token)}}
	var text bytes.Buffer
	for cursor := ""; ; {
		page, err := r.Accounts(ctx, call, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, account := range page.Accounts {
			fmt.Fprintf(&text, "%s\n", strings.Join(slices.DeleteFunc([]string{
				"account", account.BankID, string(account.Type), account.Currency, named("iban", account.IBAN),
				named("number", account.Number), named("card", account.MaskedNumber), named("name", account.Name),
				named("holder", account.OwnerName),
			}, func(word string) bool { return word == "" }), " "))
			// The recordings of an account that the bank refuses alone have no balances.
			if r.writeRows(ctx, &text, call, account.Ref()) {
				r.writeBalances(ctx, &text, call, account.Ref())
			}
		}
		for _, unread := range page.Unreadable {
			fmt.Fprintf(&text, "unreadable account: %s\n", unread.Reason)
		}
		if page.OwnerLink != "" {
			owner, err := r.Owner(ctx, call, page)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "owner %s\n", owner.Name)
		}
		if page.Next == "" {
			return text.String()
		}
		cursor = page.Next
	}
}

func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

func (r recorded) writeBalances(ctx context.Context, text *bytes.Buffer, call bank.Call, account bank.AccountRef) {
	told, err := r.Balances(ctx, call, account, "")
	if err != nil {
		fmt.Fprintf(text, "  balances refused: %s\n", bank.AsFailure(err).Summary())
	}
	for _, balance := range told.All {
		shown := "balance"
		if told.Shown != nil && balance == *told.Shown {
			shown = "shown"
		}
		words := []string{" ", shown, balance.Amount.String(), balance.Currency, balance.Date.String(), string(balance.Type)}
		fmt.Fprintln(text, strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " "))
	}
	for _, unread := range told.Unreadable {
		fmt.Fprintf(text, "  unreadable balance: %s\n", unread.Reason)
	}
}

func (r recorded) writeRows(ctx context.Context, text *bytes.Buffer, call bank.Call, account bank.AccountRef) (read bool) {
	for cursor := ""; ; {
		page, err := r.Transactions(ctx, call, account, oxlin.Date{}, cursor)
		if err != nil {
			fmt.Fprintf(text, "  transactions refused: %s\n", bank.AsFailure(err).Summary())
			return false
		}
		for _, row := range page.Transactions {
			words := []string{
				" ", row.Date().String(), string(row.Status), row.Amount.String(), row.Currency, strings.Join(row.Remittance, " | "),
				named("with", row.Counterparty), named("mcc", row.MerchantCategory), named("id", row.BankID),
				named("code", strings.Trim(row.Code.Domain+"/"+row.Code.Family+"/"+row.Code.SubFamily+" "+row.Code.Proprietary, "/ ")),
			}
			if row.BalanceAfter != nil {
				words = append(words, named("after", row.BalanceAfter.String()))
			}
			fmt.Fprintln(text, strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " "))
		}
		for _, unread := range page.Unreadable {
			fmt.Fprintf(text, "  unreadable row of %s: %s\n", unread.Day, unread.Reason)
		}
		if page.Broken != "" {
			fmt.Fprintf(text, "  broken: %s\n", page.Broken)
		}
		if page.Next == "" {
			return true
		}
		cursor = page.Next
	}
}

// wantTruth compares what a bank tells with the truth in a file, which was written by hand
// from the recordings.
func wantTruth(t *testing.T, file, got string) {
	t.Helper()
	truth, err := os.ReadFile(filepath.Join("testdata", "truth", file))
	if err != nil {
		t.Fatal(err)
	}
	if found := diff.Diff(strings.Split(string(truth), "\n"), strings.Split(got, "\n")); found != "" {
		t.Errorf("%s (-want +got):\n%s", file, found)
	}
}

// unasked matches the recordings of what Oxlin does not read: registrations, which are made by
// hand, standing orders and direct debits, and one bank's pots.
var unasked = regexp.MustCompile(`(?i)direct-?debits|standing-?orders|^pots|^register`)

// wantAllPlayed reports recordings that nothing asked for, but those of another test.
func (r recorded) wantAllPlayed(t *testing.T, other string) {
	t.Helper()
	if t.Failed() {
		return
	}
	elsewhere := regexp.MustCompile(other)
	left := slices.DeleteFunc(r.player.Unplayed(), func(file string) bool {
		return unasked.MatchString(file) || other != "" && elsewhere.MatchString(file)
	})
	if len(left) > 0 {
		t.Errorf("recorded, but never asked for: %v", left)
	}
}

// file is a bank of the production catalogue.
type file struct {
	name string
	// door is the branch of a bank with several.
	door string
	// replacements change addresses that differ from the recorded ones, and the data for
	// recordings that lack a resource.
	replacements []string
	// path is the recorded path of the interface, and id that of the requests.
	path, id string
}

// The stubs were recorded with these settings of an operator, and without the real paths.
var (
	variables = map[string]string{
		"barclays_client_id": "someClientId", "barclays_financial_id": "0017440000hdQV5CCT", "barclays_jwks_url": keysAddress,
		"danske_client_id": "2892ebea7ea9befa778897b5454fea56fb564fba4ebf65e4ba6546789fae98a9", "danske_financial_id": "0015800000jf7AeAAI",
		"danske_jwks_url": keysAddress,
		"hsbc_client_id":  "a-client", "hsbc_financial_id": "00162010018e22KCTR", "hsbc_jwks_url": keysAddress,
		"hsbc_token_url":   "https://api.ob.hsbc.co.uk/token",
		"lloyds_client_id": "a4f99159-cb97-4667-b82e-553e8ad8a632", "lloyds_financial_id": "1238972887jdsIWNND", "lloyds_jwks_url": keysAddress,
		"lloyds_issuer": "https://lloyds.example", "monzo_client_id": "someClientId-2", "monzo_jwks_url": keysAddress,
		"openbanking_key_id": "signing-key-header-id",
	}
	withoutOwner = []string{`"owner": "account_parties"`, `"owner": "none"`}

	barclays = file{
		name: "barclays.json", door: "BarclaysPersonal", path: "/v3.1/aisp", id: "d0a9b85f-9715-4d16-a33d-4323ceab5254",
		replacements: []string{"telesto.api.barclays/open-banking", "telesto.api.barclays", "/as/token.oauth2", "/token.oauth2"},
	}
	danske = file{name: "danske-bank-uk.json", path: "/open-banking/v3.1/aisp", id: "551c6cce-fc16-49b9-8b16-ab66fea5eb35"}
	hsbc   = file{
		name: "hsbc-uk.json", path: "/v3.1/aisp", id: "d10f24f4-032a-4843-bfc9-22b599c7ae2d",
		replacements: []string{"api.ob.hsbc.co.uk/obie/open-banking", "api.ob.hsbc.co.uk"},
	}
	lloyds = file{
		name: "lloyds.json", path: "/v3.1/aisp", id: "c554a9ef-47c1-4b4e-a77f-2ad770d69748",
		replacements: []string{"/prod01/lbg/lyds/open-banking", "", "/prod01/lbg/lyds/mtls-token-api/v1.1/token", "/token"},
	}
	monzo = file{
		name: "monzo.json", path: "/v3.1/aisp", id: "93bac548-d2de-4546-b106-880a5018460d",
		replacements: []string{"openbanking.monzo.com/open-banking", "openbanking.monzo.com", "/oauth2/token", "/token"},
	}
)

// but returns a bank with other data, and with an id for another recording; an empty id keeps it.
func (f file) but(id string, replacements ...string) file {
	f.id = cmp.Or(id, f.id)
	f.replacements = slices.Concat(f.replacements, replacements)
	return f
}

// settings reads the data of a bank as the catalogue does.
func (f file) settings(t *testing.T) psd2.Settings {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "catalogue", "data", "production", f.name))
	if err != nil {
		t.Fatal(err)
	}
	var provider struct {
		Channels []struct {
			Config any `json:"config"`
		} `json:"channel_definitions"`
	}
	err = json.Unmarshal([]byte(strings.NewReplacer(f.replacements...).Replace(string(text))), &provider)
	if err != nil {
		t.Fatal(err)
	}
	report := datafile.Report{HTTPS: true}
	filled := datafile.Fill(provider.Channels[0].Config, report.Root(), func(name string) (string, bool) {
		if name == "door" {
			return f.door, true
		}
		value, ok := variables[name]
		return value, ok
	})
	settings := openbanking.Driver().Read(filled, oxlin.ChannelDefinition{}, report.Root())
	err = report.Err()
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

func TestBanksAsRecorded(t *testing.T) {
	for _, test := range []struct {
		name     string
		bank     file
		token    string
		folder   string
		unplayed string
	}{
		{"barclays", barclays, "accessToken", "barclays/happy-flow", "grant|consent|parties[234]"},
		{"barclays-blocked", barclays, "accessToken", "barclays/filtering-blocked-account", ""},
		{"barclays-optional", barclays, "accessToken", "barclays/error-on-optional-endpoints", ""},
		{"barclays-missing", barclays.but("", withoutOwner...), "accessToken", "barclays/missing-data", ""},
		{"danske", danske, "AccessToken", "danske/happyflow/fetch-data", "account-requests"},
		{"hsbc", hsbc, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/happy-flow/common", "grant|consent|(savings|card)-account-parties"},
		{"hsbc-corpo", hsbc, "rNs2kF3cpk1gD2WjWBmWbrO1vN1", "hsbc/happy-flow/hsbc-corpo", "(savings|card)-account-parties"},
		{"hsbc-ineligible", hsbc.but("", withoutOwner...), "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/hsbc", ""},
		{"hsbc-missing", hsbc, "1mH7BsLRbRcGprPlzOUbdaMYiWP", "hsbc/missing-data", ""},
		{"lloyds", lloyds, "accessToken", "lloyds/happy-flow", "token|grant|consent"},
		{"lloyds-names", lloyds, "accessToken", "lloyds/account-with-name", ""},
		{"lloyds-optional", lloyds, "accessToken", "lloyds/optional-endpoints-500", ""},
		{"lloyds-missing", lloyds, "accessToken", "lloyds/missing-data", "consent|halifax"},
		{"halifax", lloyds.but("00000000-8cea-412d-b6ed-04aeb924eace"), "accessToken", "lloyds/missing-data", "^account"},
		{"monzo", monzo, "Az90SAOJklae", "monzo/happy-flow", "token|consent"},
		{"monzo-missing", monzo, "Az90SAOJklae", "monzo/missing-data", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := replay(t, test.bank, test.folder)
			wantTruth(t, test.name+".txt", r.everything(t, test.token))
			r.wantAllPlayed(t, test.unplayed)
		})
	}
}

func TestThePartiesOfAnAccountAsRecorded(t *testing.T) {
	for _, test := range []struct {
		bank                   file
		token, folder, account string
		want                   string
	}{
		{barclays, "accessToken", "barclays/happy-flow", "20000000000001449160", "MR User Name2"},
		{barclays, "accessToken", "barclays/happy-flow", "10000000000000947108", ""}, // 400
		{barclays, "accessToken", "barclays/happy-flow", "10000000000001801829", ""}, // 400
		{barclays, "accessToken", "barclays/error-on-optional-endpoints", "10000000000001449160", ""},
		{hsbc, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/happy-flow/common", "73rl9txy4z65hh3e0gg3rr5laqdbmtuohtvn", ""}, // no party
		{hsbc, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/happy-flow/common", "l8zlqg6kt9moi1f5pu5jfh43p68s3c1l3ca6", ""}, // 403
		{hsbc, "rNs2kF3cpk1gD2WjWBmWbrO1vN1", "hsbc/happy-flow/hsbc-corpo", "l8zlqg6kt9moi1f5pu5jfh43p68s3c1l3ca6", ""},
	} {
		r := replay(t, test.bank, test.folder)
		call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret(test.token)}}
		owner, err := r.Owner(t.Context(), call, bank.AccountsPage{OwnerLink: "/accounts/" + test.account + "/parties"})
		if err != nil || owner.Name != test.want {
			t.Errorf("%s of %s: %q, %v, want %q", test.account, test.folder, owner.Name, err, test.want)
		}
	}
}

func TestRefusalsAsRecorded(t *testing.T) {
	of := func(status string) string { return status + "00000-8cea-412d-b6ed-04aeb924eace" }
	for _, test := range []struct {
		bank          file
		token, folder string
		kind          bank.FailureKind
		status        int
		code          string
	}{
		{barclays.but("d0a9b85f-9715-4d16-a33d-4323ceab5255"), "accessToken", "barclays/accounts-400", bank.Refused, 400, "UK.OBIE.BadRequest"},
		{barclays, "accessToken", "barclays/accounts-400", bank.AccessLost, 400, "UK.OBIE.Resource.InvalidConsentStatus"},
		{barclays, "accessToken", "barclays/accounts-401", bank.AccessLost, 401, "UK.OBIE.Field.Invalid"},
		{barclays, "accessToken", "barclays/accounts-403", bank.AccessLost, 403, "UK.OBIE.Field.Invalid"},
		{barclays, "accessToken", "barclays/accounts-504", bank.Unavailable, 504, ""},
		{danske, "AccessToken", "danske/accounts-400", bank.Refused, 400, "Bad request"},
		{danske, "AccessToken", "danske/accounts-401", bank.AccessLost, 401, "Unauthorized"},
		{danske, "AccessToken", "danske/accounts-403", bank.AccessLost, 403, "Forbidden"},
		{danske, "AccessToken", "danske/accounts-500", bank.Unavailable, 500, "Failed to retrieve account information"},
		{hsbc, "t4Hz2WZdmSjA7AMSdBwXlUFPpKL", "hsbc/accounts-400", bank.Refused, 400, "UK.OBIE.Field.Invalid"},
		{hsbc, "oHHhI7OXkVNSqRuCuwoi63DBbdl", "hsbc/accounts-401", bank.AccessLost, 401, "UK.OBIE.Field.Invalid"},
		{hsbc, "Zm7n1jlnv3XaDzElTXO3D3Dimeg", "hsbc/accounts-403", bank.AccessLost, 403, "UK.OBIE.Field.Invalid"},
		{hsbc, "VRnKXR6gUjzWazlPdhUVHZGv2C3", "hsbc/accounts-500", bank.Unavailable, 500, "UK.OBIE.UnexpectedError"},
		{lloyds.but(of("400")), "accessToken", "lloyds/accounts-400", bank.Refused, 400, ""},
		{lloyds.but(of("401")), "accessToken", "lloyds/accounts-401", bank.AccessLost, 401, ""},
		{lloyds.but(of("403")), "accessToken", "lloyds/accounts-403", bank.AccessLost, 403, ""},
		{lloyds.but(of("504")), "accessToken", "lloyds/accounts-504", bank.Unavailable, 504, ""},
		{monzo, "Az90SAOJklae", "monzo/accounts-400-client-mismatch", bank.Refused, 400, "bad_request.client_mismatch"},
	} {
		r := replay(t, test.bank, test.folder)
		_, err := r.Accounts(t.Context(), bank.Call{Access: bank.Access{Token: oxlin.NewSecret(test.token)}}, "")
		wantFailure(t, test.folder, err, test.kind, test.status, test.code)
	}
}

func wantFailure(t *testing.T, name string, err error, kind bank.FailureKind, status int, code string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no failure", name)
		return
	}
	failure := bank.AsFailure(err)
	if failure.Kind != kind || failure.Status != status || failure.BankCode != code {
		t.Errorf("%s: %v with status %d and code %q, want %s, %d and %q", name, failure, failure.Status, failure.BankCode, kind, status, code)
	}
}

// login takes the way into a recorded bank, which answers with a code and an ID token of ours.
func (r recorded) login(t *testing.T, issuer, client, redirect, code string) (bank.Access, error) {
	t.Helper()
	journey := bank.Journey{RedirectURI: redirect, RedirectState: "a-state", Verifier: oxlin.NewSecret("a-verifier")}
	step, err := r.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: journey})
	if err != nil {
		t.Fatal(err)
	}
	address := step.(bank.Address)
	u, err := url.Parse(address.URL)
	if err != nil || !address.Fragment {
		t.Fatalf("address is %+v, %v", address, err)
	}
	token := signToken(t, idToken(issuer, client, u.Query().Get("nonce"), code, "a-state", recordedDay))
	step, err = r.Continue(t.Context(), bank.Input{
		Event: bank.Returned, Journey: journey, State: address.State,
		Return: bank.Return{Fragment: url.Values{"code": {code}, "state": {"a-state"}, "id_token": {token}}},
	})
	if err != nil {
		return bank.Access{}, err
	}
	return step.(bank.Access), nil
}

// spoken returns the value of a form's field in a recorded request.
func spoken(t *testing.T, stub, field string) string {
	t.Helper()
	text, err := os.ReadFile(banktest.Shared(t, 1, "bank-stubs", "openbanking", stub))
	if err != nil {
		t.Fatal(err)
	}
	var mapping struct {
		Request struct {
			Body []struct {
				Contains string `json:"contains"`
				Matches  string `json:"matches"`
			} `json:"bodyPatterns"`
		} `json:"request"`
	}
	err = json.Unmarshal(text, &mapping)
	if err != nil {
		t.Fatal(err)
	}
	for _, condition := range mapping.Request.Body {
		for _, pair := range strings.Split(condition.Contains, "&") {
			value, ok := strings.CutPrefix(pair, field+"=")
			plain, err := url.QueryUnescape(value)
			if ok && err == nil {
				return plain
			}
		}
	}
	t.Fatalf("%s has no %s", stub, field)
	return ""
}

func TestTheWayIntoABankAsRecorded(t *testing.T) {
	const refreshed = "refresh-token-received-from-authorization-code-grant-type"
	for _, test := range []struct {
		name     string
		bank     file
		folders  []string
		issuer   string
		client   string
		exchange string // the recording of the exchange
		redirect string // empty: the one of the recording
		refresh  string // the refresh token that the bank gives
		unplayed string
	}{
		{"barclays", barclays, []string{"barclays/happy-flow"}, "https://oauth.tiaa.barclays.com", "barclays",
			"barclays/happy-flow/grant-type-authorization-code.json", "", "JQpIgvII77r5SgRPSIcots7WHJ0yd9pBrjj2ohIoS4",
			"accounts|balances|transactions|parties|delete|refresh"},
		{"danske", danske, []string{"danske/happyflow/authorization", "danske/happyflow/fetch-data"}, "https://obp-api.danskebank.com/open-banking/private", "danske",
			"danske/happyflow/authorization/create-new-access-token.json", "", "RefreshToken", "accounts|balances|transactions|refresh"},
		{"hsbc", hsbc, []string{"hsbc/happy-flow/common"}, "https://api.ob.hsbc.co.uk", "hsbc",
			"hsbc/happy-flow/common/grant-type-authorization-code.json", "https://www.yolt.com/callback/68eef1a1-0b13-4d4b-9cc2-09a8b2604ca0", "NfEtxxaLt1SavZW1s7thJ7iw0XZ",
			"accounts|balances|transactions|parties|delete|refresh"},
		{"lloyds", lloyds, []string{"lloyds/happy-flow"}, "https://lloyds.example", "lloyds",
			"lloyds/happy-flow/access-token-with-refresh-token-mtls.json", "", refreshed, "accounts|^account-[0-9]|access-token-mtls|refresh-token-mtls"},
		{"lloyds without a refresh token", lloyds, []string{"lloyds/happy-flow"}, "https://lloyds.example", "lloyds",
			"lloyds/happy-flow/access-token-mtls.json", "", "", "accounts|^account-[0-9]|refresh-token"},
		{"monzo", monzo, []string{"monzo/happy-flow"}, "https://api.monzo.com/open-banking/", "monzo",
			"monzo/happy-flow/access-token.json", "https://www.yolt.com/callback/payments", "SOME_REFRESH_TOKEN", "accounts|balances|transactions|delete|refresh"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := replay(t, test.bank, test.folders...)
			redirect := test.redirect
			if redirect == "" {
				redirect = spoken(t, test.exchange, "redirect_uri")
			}
			access, err := r.login(t, test.issuer, variables[test.client+"_client_id"], redirect, spoken(t, test.exchange, "code"))
			if err != nil {
				t.Fatal(err)
			}
			if access.RefreshToken.Reveal() != test.refresh || !access.ConsentUntil.Equal(recordedDay.AddDate(0, 0, 90)) || access.TokenUntil.IsZero() {
				t.Errorf("access is %+v", access)
			}
			r.wantAllPlayed(t, test.unplayed)
		})
	}
}

func TestTokensAreRenewedAsRecorded(t *testing.T) {
	const redirect = `{"consent":"1","redirect":"https://www.yolt.com/callback/68eef1a1-0b13-4d4b-9cc2-09a8b2604ca0"}`
	for _, test := range []struct {
		bank                  file
		folder, refresh       string
		state, token, renewed string
		kind                  bank.FailureKind
	}{
		{barclays, "barclays/happy-flow", "refreshToken", "", "", "mvHiKUZ1wIng1sxQPh587uX3Sl96E5NfXYus7drViL", ""},
		{danske, "danske/happyflow/authorization", "RefreshToken", "", "AccessToken", "RefreshToken", ""},
		{hsbc, "hsbc/happy-flow/common", "NfEtxxaLt1SavZW1s7thJ7iw0XZ", redirect, "2gdG4lTja4FDbPrPRY-UcUpeN5s", "NfEtxxaLt1SavZW1s7thJ7iw0XZ", ""},
		{lloyds, "lloyds/happy-flow", "refresh-token-which-should-be-stay-after-call", "", "", "refresh-token-which-should-be-stay-after-call", ""},
		{monzo, "monzo/happy-flow", "refreshToken", "", "SOME_ACCESS_TOKEN", "SOME_REFRESH_TOKEN", ""},
		{monzo, "monzo/refresh-access-means-400", "invalidatedRefreshToken", "", "", "", bank.AccessLost},
		{lloyds, "lloyds/happy-flow", "", "", "", "", bank.AccessLost}, // a bank without one
	} {
		r := replay(t, test.bank, test.folder)
		until := recordedDay.AddDate(0, 0, 7)
		access, err := r.Refresh(t.Context(), bank.Access{
			RefreshToken: oxlin.NewSecret(test.refresh), State: oxlin.NewSecret(test.state), ConsentUntil: until,
		})
		if test.kind != "" {
			if failure := bank.AsFailure(err); err == nil || failure.Kind != test.kind {
				t.Errorf("%s: %v, want %s", test.folder, err, test.kind)
			}
			continue
		}
		if err != nil || test.token != "" && access.Token.Reveal() != test.token || access.RefreshToken.Reveal() != test.renewed ||
			!access.ConsentUntil.Equal(until) || access.State.Reveal() != test.state {
			t.Errorf("%s: %+v, %v", test.folder, access, err)
		}
	}
}

func TestConsentsAreDeletedAsRecorded(t *testing.T) {
	of := func(status string) string { return status + "00000-8cea-412d-b6ed-04aeb924eace" }
	const consent = "363ca7c1-9d03-4876-8766-ddefc9fd2d76"
	for _, test := range []struct {
		bank    file
		folders []string
		consent string
		kind    bank.FailureKind // empty: deleted
		status  int
	}{
		{barclays, []string{"barclays/happy-flow"}, consent, "", 0},
		{barclays, []string{"barclays/account-access-consents-delete-403"}, consent, bank.Refused, 403},
		{barclays, []string{"barclays/account-access-consents-delete-500"}, consent, bank.Unavailable, 500},
		{hsbc, []string{"hsbc/happy-flow/common"}, consent, "", 0},
		{hsbc, []string{"hsbc/account-access-consents-delete-rejected", "hsbc/happy-flow/common"}, "fe24a1ae-61a4-11e9-8647-d663bd873d93", bank.Refused, 403},
		{hsbc, []string{"hsbc/account-access-consents-delete-rejected", "hsbc/happy-flow/common"}, "ae24a1ae-61a4-11e9-8647-d663bd873d93", bank.Unavailable, 500},
		{lloyds.but(of("400")), []string{"lloyds/user-site-delete-errors"}, consent, bank.Refused, 400},
		{lloyds.but("40400000-8cea-412d-b6ed-04aeb924eace"), []string{"lloyds/user-site-delete-errors"}, consent, "", 0},
		{lloyds.but("50000000-8cea-412d-b6ed-04aeb924eace"), []string{"lloyds/user-site-delete-errors"}, consent, bank.Unavailable, 500},
		{monzo, []string{"monzo/happy-flow"}, consent, "", 0},
		{monzo, []string{"monzo/account-access-consents-delete-500"}, "8aeb8a48-6559-4b0e-9b8a-caab09b346c9", bank.Unavailable, 500},
	} {
		r := replay(t, test.bank, test.folders...)
		err := r.Revoke(t.Context(), bank.Access{State: oxlin.NewSecret(`{"consent":"` + test.consent + `"}`)})
		if test.kind == "" {
			if err != nil {
				t.Errorf("%s: %v", test.folders[0], err)
			}
			continue
		}
		wantFailure(t, test.folders[0], err, test.kind, test.status, "")
	}
}

func TestTheFileOfTheGuideIsRight(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "open-banking-uk.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```json\n")
	example, _, _ := strings.Cut(rest, "```")
	tree, err := datafile.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	var provider struct {
		Channels []struct {
			Config any `json:"config"`
		} `json:"channel_definitions"`
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	err = json.Unmarshal(text, &provider)
	if err != nil {
		t.Fatal(err)
	}
	report := datafile.Report{HTTPS: true}
	filled := datafile.Fill(provider.Channels[0].Config, report.Root(), func(string) (string, bool) { return "given", true })
	openbanking.Driver().Read(filled, oxlin.ChannelDefinition{}, report.Root())
	err = report.Err()
	if err != nil {
		t.Error(err)
	}
}

// members matches the names of members in the data of a bank.
var members = regexp.MustCompile(`json:"([a-z_]+)`)

func TestTheGuideNamesEveryMember(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "open-banking-uk.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"config.go", "consent.go", "login.go"} {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range members.FindAllStringSubmatch(string(text), -1) {
			// The members of what is stored are in two types of login.go.
			stored := slices.Contains([]string{"begun", "consent", "until", "state", "reconfirms", "earlier", "redirect", "login"}, found[1])
			if !stored && !strings.Contains(string(guide), found[1]) {
				t.Errorf("the guide lacks the member %s of %s", found[1], source)
			}
		}
	}
}
