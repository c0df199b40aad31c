package openbanking_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
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

// replay returns a connector with a player of recorded stubs behind it. The player checks
// the headers, and the standard checks the rest.
func replay(t *testing.T, config openbanking.Config, id string, basePath string, folders ...string) recorded {
	t.Helper()
	var paths []string
	for _, folder := range folders {
		paths = append(paths, banktest.Shared(t, 1, "bank-stubs", "openbanking", folder))
	}
	player := banktest.NewPlayer(t, paths...)
	standard := banktest.NewStandard(t, "4.0")
	standard.PlainDates = true
	connector, err := openbanking.New(config, psd2.Deps{
		Transport: banktest.Serve(t, standard.Check(basePath, player)),
		Now:       func() time.Time { return time.Date(2021, 2, 20, 10, 0, 0, 0, time.UTC) },
		Rand:      requestID(t, id),
	})
	if err != nil {
		t.Fatal(err)
	}
	return recorded{connector, player}
}

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
	if diff := cmp.Diff(strings.Split(string(truth), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
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

// plain is a bank without special rules.
func plain() openbanking.Config {
	return openbanking.Config{
		Version: "3.1",
		Interface: psd2.Interface{
			BaseURL: "https://bank.example/open-banking/v3.1/aisp",
			OAuth: psd2.OAuth{
				AuthorizeURL: "https://bank.example/authorize", TokenURL: "https://bank.example/token",
				ClientID: "a-client", ClientAuthentication: "none", Scopes: "openid accounts",
			},
			ConsentDays: 90, UnattendedPerDay: 4, IDs: bank.IDStable,
		},
		History: openbanking.History{History: psd2.History{Days: 730}},
	}
}

func barclays() openbanking.Config {
	c := plain()
	c.BaseURL = "https://telesto.api.barclays/v3.1/aisp"
	c.Headers = map[string]string{"x-fapi-financial-id": "0017440000hdQV5CCT"}
	c.Owner = "account_parties"
	c.Accounts.Ignore = []openbanking.Match{{Path: "Description", Contains: "travel wallet"}}
	return c
}

func danske() openbanking.Config {
	c := plain()
	c.BaseURL = "https://obp-api.danskebank.com/open-banking/v3.1/aisp"
	c.Headers = map[string]string{"x-fapi-financial-id": "0015800000jf7AeAAI"}
	c.History.DateFormat = "local_millis"
	return c
}

func hsbc() openbanking.Config {
	c := plain()
	c.BaseURL = "https://api.ob.hsbc.co.uk/v3.1/aisp"
	c.Headers = map[string]string{"x-fapi-financial-id": "00162010018e22KCTR"}
	c.History.DateFormat = "local_millis"
	c.Owner = "account_parties"
	return c
}

func lloyds() openbanking.Config {
	c := plain()
	c.BaseURL = "https://api.lloydsbank.example/v3.1/aisp"
	c.Headers = map[string]string{"x-fapi-financial-id": "1238972887jdsIWNND"}
	c.Accounts.Names = []string{"Nickname", "Account.Name"}
	c.Accounts.Holders = "none"
	return c
}

func monzo() openbanking.Config {
	c := plain()
	c.BaseURL = "https://openbanking.monzo.com/v3.1/aisp"
	c.History.DateFormat = "millis"
	c.Transactions.Ignore = []openbanking.Match{{Path: "SupplementaryData.Declined", Equals: "true"}}
	return c
}

// The ids of the requests in the recordings.
const (
	barclaysID = "d0a9b85f-9715-4d16-a33d-4323ceab5254"
	danskeID   = "551c6cce-fc16-49b9-8b16-ab66fea5eb35"
	hsbcID     = "d10f24f4-032a-4843-bfc9-22b599c7ae2d"
	lloydsID   = "c554a9ef-47c1-4b4e-a77f-2ad770d69748"
	halifaxID  = "00000000-8cea-412d-b6ed-04aeb924eace"
	monzoID    = "93bac548-d2de-4546-b106-880a5018460d"
)

// without returns a bank's data without the place of its customer's name: there is no
// recording of it.
func without(c openbanking.Config) openbanking.Config {
	c.Owner = ""
	return c
}

func TestBanksAsRecorded(t *testing.T) {
	const path, danskePath = "/v3.1/aisp", "/open-banking/v3.1/aisp"
	for _, test := range []struct {
		name     string
		config   openbanking.Config
		id, path string
		token    string
		folder   string
		unplayed string
	}{
		{"barclays", barclays(), barclaysID, path, "accessToken", "barclays/happy-flow", "grant|consent|parties[234]"},
		{"barclays-blocked", barclays(), barclaysID, path, "accessToken", "barclays/filtering-blocked-account", ""},
		{"barclays-optional", barclays(), barclaysID, path, "accessToken", "barclays/error-on-optional-endpoints", ""},
		{"barclays-missing", without(barclays()), barclaysID, path, "accessToken", "barclays/missing-data", ""},
		{"danske", danske(), danskeID, danskePath, "AccessToken", "danske/happyflow/fetch-data", "account-requests"},
		{"hsbc", hsbc(), hsbcID, path, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/happy-flow/common", "grant|consent|(savings|card)-account-parties"},
		{"hsbc-corpo", hsbc(), hsbcID, path, "rNs2kF3cpk1gD2WjWBmWbrO1vN1", "hsbc/happy-flow/hsbc-corpo", "(savings|card)-account-parties"},
		{"hsbc-ineligible", without(hsbc()), hsbcID, path, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/hsbc", ""},
		{"hsbc-missing", hsbc(), hsbcID, path, "1mH7BsLRbRcGprPlzOUbdaMYiWP", "hsbc/missing-data", ""},
		{"lloyds", lloyds(), lloydsID, path, "accessToken", "lloyds/happy-flow", "token|grant|consent"},
		{"lloyds-names", lloyds(), lloydsID, path, "accessToken", "lloyds/account-with-name", ""},
		{"lloyds-optional", lloyds(), lloydsID, path, "accessToken", "lloyds/optional-endpoints-500", ""},
		{"lloyds-missing", lloyds(), lloydsID, path, "accessToken", "lloyds/missing-data", "consent|halifax"},
		{"halifax", lloyds(), halifaxID, path, "accessToken", "lloyds/missing-data", "^account"},
		{"monzo", monzo(), monzoID, path, "Az90SAOJklae", "monzo/happy-flow", "token|consent"},
		{"monzo-missing", monzo(), monzoID, path, "Az90SAOJklae", "monzo/missing-data", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := replay(t, test.config, test.id, test.path, test.folder)
			wantTruth(t, test.name+".txt", r.everything(t, test.token))
			r.wantAllPlayed(t, test.unplayed)
		})
	}
}

func TestThePartiesOfAnAccountAsRecorded(t *testing.T) {
	for _, test := range []struct {
		config            openbanking.Config
		id, token, folder string
		account           string
		want              string
	}{
		{barclays(), barclaysID, "accessToken", "barclays/happy-flow", "20000000000001449160", "MR User Name2"},
		{barclays(), barclaysID, "accessToken", "barclays/happy-flow", "10000000000000947108", ""}, // 400
		{barclays(), barclaysID, "accessToken", "barclays/happy-flow", "10000000000001801829", ""}, // 400
		{barclays(), barclaysID, "accessToken", "barclays/error-on-optional-endpoints", "10000000000001449160", ""},
		{hsbc(), hsbcID, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/happy-flow/common", "73rl9txy4z65hh3e0gg3rr5laqdbmtuohtvn", ""}, // no party
		{hsbc(), hsbcID, "3zHagXZSPyA6sifIDmqwZ0hLlqq", "hsbc/happy-flow/common", "l8zlqg6kt9moi1f5pu5jfh43p68s3c1l3ca6", ""}, // 403
		{hsbc(), hsbcID, "rNs2kF3cpk1gD2WjWBmWbrO1vN1", "hsbc/happy-flow/hsbc-corpo", "l8zlqg6kt9moi1f5pu5jfh43p68s3c1l3ca6", ""},
	} {
		r := replay(t, test.config, test.id, "/v3.1/aisp", test.folder)
		call := bank.Call{Access: bank.Access{Token: oxlin.NewSecret(test.token)}}
		owner, err := r.Owner(t.Context(), call, bank.AccountsPage{OwnerLink: "/accounts/" + test.account + "/parties"})
		if err != nil || owner.Name != test.want {
			t.Errorf("%s of %s: %q, %v, want %q", test.account, test.folder, owner.Name, err, test.want)
		}
	}
}

func TestRefusalsAsRecorded(t *testing.T) {
	const other = "d0a9b85f-9715-4d16-a33d-4323ceab5255"
	lloydsStatus := func(status string) string { return status + "00000-8cea-412d-b6ed-04aeb924eace" }
	for _, test := range []struct {
		config            openbanking.Config
		id, token, folder string
		kind              bank.FailureKind
		status            int
		code              string
	}{
		{barclays(), other, "accessToken", "barclays/accounts-400", bank.Refused, 400, "UK.OBIE.BadRequest"},
		{barclays(), barclaysID, "accessToken", "barclays/accounts-400", bank.AccessLost, 400, "UK.OBIE.Resource.InvalidConsentStatus"},
		{barclays(), barclaysID, "accessToken", "barclays/accounts-401", bank.AccessLost, 401, "UK.OBIE.Field.Invalid"},
		{barclays(), barclaysID, "accessToken", "barclays/accounts-403", bank.AccessLost, 403, "UK.OBIE.Field.Invalid"},
		{barclays(), barclaysID, "accessToken", "barclays/accounts-504", bank.Unavailable, 504, ""},
		{danske(), danskeID, "AccessToken", "danske/accounts-400", bank.Refused, 400, "Bad request"},
		{danske(), danskeID, "AccessToken", "danske/accounts-401", bank.AccessLost, 401, "Unauthorized"},
		{danske(), danskeID, "AccessToken", "danske/accounts-403", bank.AccessLost, 403, "Forbidden"},
		{danske(), danskeID, "AccessToken", "danske/accounts-500", bank.Unavailable, 500, "Failed to retrieve account information"},
		{hsbc(), hsbcID, "t4Hz2WZdmSjA7AMSdBwXlUFPpKL", "hsbc/accounts-400", bank.Refused, 400, "UK.OBIE.Field.Invalid"},
		{hsbc(), hsbcID, "oHHhI7OXkVNSqRuCuwoi63DBbdl", "hsbc/accounts-401", bank.AccessLost, 401, "UK.OBIE.Field.Invalid"},
		{hsbc(), hsbcID, "Zm7n1jlnv3XaDzElTXO3D3Dimeg", "hsbc/accounts-403", bank.AccessLost, 403, "UK.OBIE.Field.Invalid"},
		{hsbc(), hsbcID, "VRnKXR6gUjzWazlPdhUVHZGv2C3", "hsbc/accounts-500", bank.Unavailable, 500, "UK.OBIE.UnexpectedError"},
		{lloyds(), lloydsStatus("400"), "accessToken", "lloyds/accounts-400", bank.Refused, 400, ""},
		{lloyds(), lloydsStatus("401"), "accessToken", "lloyds/accounts-401", bank.AccessLost, 401, ""},
		{lloyds(), lloydsStatus("403"), "accessToken", "lloyds/accounts-403", bank.AccessLost, 403, ""},
		{lloyds(), lloydsStatus("504"), "accessToken", "lloyds/accounts-504", bank.Unavailable, 504, ""},
		{monzo(), monzoID, "Az90SAOJklae", "monzo/accounts-400-client-mismatch", bank.Refused, 400, "bad_request.client_mismatch"},
	} {
		path := "/v3.1/aisp"
		if strings.HasPrefix(test.folder, "danske") {
			path = "/open-banking" + path
		}
		r := replay(t, test.config, test.id, path, test.folder)
		_, err := r.Accounts(t.Context(), bank.Call{Access: bank.Access{Token: oxlin.NewSecret(test.token)}}, "")
		if err == nil {
			t.Errorf("%s: no failure", test.folder)
			continue
		}
		failure := bank.AsFailure(err)
		if failure.Kind != test.kind || failure.Status != test.status || failure.BankCode != test.code {
			t.Errorf("%s: %s with status %d and code %q, want %s and %q", test.folder, failure.Kind, failure.Status, failure.BankCode, test.kind, test.code)
		}
	}
}
