package catalogue_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/stet"
)

// The stubs were recorded with these settings of an operator.
var recordedVariables = map[string]string{
	"bpce_client_id":    "THE_CLIENT_ID",
	"lcl_client_id":     "client-id",
	"cm_client_id":      "clientId",
	"cm_key_id":         "d3de0198-6738-4784-92d0-a3e5e0894415",
	"bnp_client_id":     "client-id",
	"bnp_client_secret": "client-secret",
	"qseal_url":         "https://test.qseal.certificate.com/a4:62:72:3b:cc:7f:37:07:17:5d:2d:21:18:f1:e2:2a:d0:fb:79:1a.pem",
}

// recorded is a bank of the production catalogue, replaced by its stubs.
type recorded struct {
	*stet.Connector
	player *banktest.Player
}

// replay returns the connector that the catalogue makes for a provider, with a player
// of recorded stubs behind it. The player checks the signature headers, the standard
// checks the rest. Replacements change addresses that differ from the recorded ones.
func replay(t *testing.T, provider oxlin.ProviderID, file, version, basePath string, folders []string, replacements ...string) recorded {
	t.Helper()
	return replayBehind(t, func(player http.Handler) http.Handler { return player }, provider, file, version, basePath, folders, replacements...)
}

// replayBehind is replay with something between the bank's door and the player. Without a version
// nothing is checked against the standard: some banks' links are against it.
func replayBehind(
	t *testing.T, between func(http.Handler) http.Handler, provider oxlin.ProviderID, file, version, basePath string, folders []string, replacements ...string,
) recorded {
	t.Helper()
	var paths []string
	for _, folder := range folders {
		paths = append(paths, banktest.Shared(t, 1, "bank-stubs", "stet", folder))
	}
	player := banktest.NewPlayer(t, paths...)
	door := between(player)
	if version != "" {
		standard := banktest.NewStandard(t, version)
		standard.PlainDates = true
		door = standard.Check(basePath, door)
	}
	text, err := os.ReadFile(filepath.Join("data", "production", file))
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.NewReplacer(replacements...).Replace(string(text)))
	banks, err := catalogue.Load(catalogue.Options{
		Extra:        fstest.MapFS{file: {Data: text}},
		Variables:    recordedVariables,
		Certificates: certificates(t),
		Transport:    banktest.Serve(t, door),
		Now:          func() time.Time { return time.Date(2021, 11, 20, 10, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	connector, err := banks.Connector(provider, oxlin.ChannelDefinitionID(provider+"01"))
	if err != nil {
		t.Fatal(err)
	}
	return recorded{connector.(*stet.Connector), player}
}

func call(token string) bank.Call {
	return bank.Call{Access: bank.Access{Token: oxlin.NewSecret(token), RefreshToken: oxlin.NewSecret("refresh-token")}}
}

// present returns a call while the user is present.
func present(token string) bank.Call {
	c := call(token)
	c.PSU = &oxlin.PSU{IP: "1.1.1.1", UserAgent: "Firefox"}
	return c
}

// everything reads all transactions of an account from a day on.
func (r recorded) everything(t *testing.T, call bank.Call, account bank.AccountRef) []bank.Transaction {
	t.Helper()
	var all []bank.Transaction
	for cursor := ""; ; {
		page, err := r.Transactions(t.Context(), call, account, oxlin.Date{}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Transactions...)
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
}

// lines formats transactions for comparison by people.
func lines(transactions []bank.Transaction) []string {
	var all []string
	for _, t := range transactions {
		all = append(all, strings.Join([]string{
			t.Date().String(), string(t.Status), t.Amount.String(), t.Currency, strings.Join(t.Remittance, " | "),
		}, " "))
	}
	return all
}

func wantKind(t *testing.T, err error, kind bank.FailureKind, status int) *bank.Failure {
	t.Helper()
	if err == nil {
		t.Fatalf("no failure, want %s", kind)
	}
	failure := bank.AsFailure(err)
	if failure.Kind != kind || failure.Status != status {
		t.Errorf("failure is %v, want %s with status %d", failure, kind, status)
	}
	return failure
}

func (r recorded) wantAllPlayed(t *testing.T, but ...string) {
	t.Helper()
	if t.Failed() {
		return
	}
	left := slices.DeleteFunc(r.player.Unplayed(), func(file string) bool { return slices.Contains(but, file) })
	if len(left) > 0 {
		t.Errorf("recorded, but never asked for: %v", left)
	}
}

func TestBPCEAsRecorded(t *testing.T) {
	r := replay(t, "1101", "caisse-epargne.json", "1.5", "/stet/psd2/v1.4.2", []string{"bpce/ais"})
	ctx := context.Background()

	access, err := banktest.Redeem(ctx, r, "THE_CODE", bank.Journey{RedirectURI: "https://localhost/redirect"})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := r.Refresh(ctx, access)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.RefreshToken.Reveal() != "refresh-token" || !renewed.ConsentUntil.Equal(access.ConsentUntil) {
		t.Errorf("refreshed access is %+v", renewed)
	}
	_, err = r.Refresh(ctx, bank.Access{RefreshToken: oxlin.NewSecret("refresh-token2")})
	wantKind(t, err, bank.AccessLost, 400)

	page, err := r.Accounts(ctx, call("access-token"), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Accounts) != 2 || page.Next != "" {
		t.Fatalf("accounts are %+v", page)
	}
	current, card := page.Accounts[0], page.Accounts[1]
	if current.IBAN != "FR7610907000301234567890125" || current.Number != "12345678901" ||
		current.Type != oxlin.AccountCheckings || current.Usage != oxlin.UsagePersonal || current.Name != "LEA SANDBOXA" {
		t.Errorf("current account is %+v", current)
	}
	if card.Type != oxlin.AccountCreditCard || card.LinkedAddress != current.BankID || card.MaskedNumber != "123" || card.IBAN != "" {
		t.Errorf("card is %+v", card)
	}
	balance, err := banktest.Balances(ctx, r, call("access-token"), current.Ref())
	if err != nil {
		t.Fatal(err)
	}
	// This bank shows its customers the VALU balance.
	if banktest.Shown(balance).Amount.String() != "-150" {
		t.Errorf("balance is %v", banktest.Shown(balance).Amount)
	}
	err = r.ForwardConsent(ctx, call("access-token"), []bank.Account{current, card})
	if err != nil {
		t.Fatal(err)
	}
	all := r.everything(t, call("access-token"), current.Ref())
	if len(all) < 12 || all[0].BankID != "202200400005BD27-4IWGLUT" {
		t.Errorf("transactions are %v", lines(all))
	}
	want := "2022-03-29 BOOKED -10.99 EUR PRLV SEPA LA POSTE TELEC | 2002623539"
	if !slices.Contains(lines(all), want) {
		t.Errorf("no %q in %v", want, lines(all))
	}
	if !slices.ContainsFunc(all, func(t bank.Transaction) bool {
		return t.Status == oxlin.StatusPending && t.BookingDate.IsZero() && t.Amount.String() == "-17.41"
	}) {
		t.Errorf("the direct debit to come is not pending in %v", lines(all))
	}

	// Another customer: the next link cannot be followed, which must not look like the
	// last page.
	page, err = r.Accounts(ctx, call("access-token2"), "")
	if err != nil {
		t.Fatal(err)
	}
	other := page.Accounts[0].Ref()
	err = r.ForwardConsent(ctx, call("access-token2"), page.Accounts[:1])
	if err != nil {
		t.Fatal(err)
	}
	_, err = banktest.Balances(ctx, r, call("access-token2"), other)
	if err != nil {
		t.Fatal(err)
	}
	broken, err := r.Transactions(ctx, call("access-token2"), other, oxlin.Date{}, "")
	if err != nil || broken.Broken == "" || broken.Next != "" || len(broken.Transactions) == 0 {
		t.Errorf("the walk is %+v, %v", broken, err)
	}

	// A third one has no transactions: the answer has no body.
	page, err = r.Accounts(ctx, call("empty-transactions-token"), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = banktest.Balances(ctx, r, call("empty-transactions-token"), page.Accounts[0].Ref())
	if err != nil {
		t.Fatal(err)
	}
	if none := r.everything(t, call("empty-transactions-token"), page.Accounts[0].Ref()); len(none) != 0 {
		t.Errorf("transactions are %v", lines(none))
	}

	page, err = r.Accounts(ctx, call("access-token-NAAC"), "")
	if err != nil || len(page.Accounts) != 0 {
		t.Errorf("no eligible account is %+v, %v", page, err)
	}
	_, err = r.Accounts(ctx, call("access-token-429"), "")
	limited := wantKind(t, err, bank.RateLimited, 429)
	if limited.BankCode != "Limite des appels par jour dépassée (Erreur H6B-QA03AAH5)" {
		t.Errorf("bank code is %q", limited.BankCode)
	}
	_, err = r.Accounts(ctx, call("invalid-access-token"), "")
	lost := wantKind(t, err, bank.AccessLost, 401)
	if lost.BankCode != "Invalid token in authorization header" {
		t.Errorf("bank code is %q", lost.BankCode)
	}
	// That stub was recorded with a dateFrom header, which we do not send.
	r.wantAllPlayed(t, "transactions-no-body.json")
}

func TestLCLAsRecorded(t *testing.T) {
	r := replay(t, "1300", "lcl.json", "1.5", "/aisp/1.1", []string{"lcl"})
	ctx := context.Background()
	access, err := banktest.Redeem(ctx, r, "auth-code", bank.Journey{RedirectURI: "http://yolt.com/redirect/lcl"})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2021, 11, 20, 11, 0, 0, 0, time.UTC); !access.TokenUntil.Equal(want) {
		t.Errorf("token lives until %v", access.TokenUntil)
	}
	_, err = r.Refresh(ctx, access)
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.Accounts(ctx, call("access-token"), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Accounts) != 3 || page.OwnerLink == "" {
		t.Fatalf("accounts are %+v", page)
	}
	balances := []string{"-100", "300", "-99.99"}
	for i, account := range page.Accounts {
		balance, err := banktest.Balances(ctx, r, call("access-token"), account.Ref())
		if err != nil {
			t.Fatal(err)
		}
		if banktest.Shown(balance).Amount.String() != balances[i] {
			t.Errorf("balance of account %s is %v", account.BankID, banktest.Shown(balance).Amount)
		}
	}
	if card := page.Accounts[2]; card.MaskedNumber != "XXXX XXXX XXXX X123" || card.LinkedAddress != "12345078604P" {
		t.Errorf("card is %+v", card)
	}
	got := [][]string{}
	for _, account := range page.Accounts {
		got = append(got, lines(r.everything(t, call("access-token"), account.Ref())))
	}
	want := [][]string{
		{
			"2018-02-12 BOOKED 10.2 EUR SEPA CREDIT TRANSFER from TestCompany",
			"2018-02-18 PENDING -11.2 EUR SEPA CREDIT TRANSFER from TestCompany",
			"2018-02-20 BOOKED 12.25 EUR SEPA CREDIT TRANSFER from TestCompany",
		},
		{"2018-02-12 BOOKED 10.2 EUR SEPA CREDIT TRANSFER from TestCompany"},
		{"2018-02-12 OTHER -99.99 EUR SEPA CREDIT TRANSFER from TestCompany"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	_, err = r.Accounts(ctx, call("access-token-unauthorized"), "")
	wantKind(t, err, bank.AccessLost, 401)
	_, err = r.Accounts(ctx, call("access-token-forbidden"), "")
	wantKind(t, err, bank.AccessLost, 403)
	r.wantAllPlayed(t, "register-get.json", "register-post.json", "register-put.json")
}

func TestLCLRefusesARefreshAsRecorded(t *testing.T) {
	r := replay(t, "1300", "lcl.json", "1.5", "/aisp/1.1", []string{"lcl/refresh-token-400"})
	_, err := r.Refresh(t.Context(), call("access-token").Access)
	refused := wantKind(t, err, bank.AccessLost, 400)
	if refused.BankCode != "invalid_grant" {
		t.Errorf("bank code is %q", refused.BankCode)
	}
	r.wantAllPlayed(t)
}

func replayCIC(t *testing.T, folders ...string) recorded {
	// The stubs insist on the host of the machine on which they were recorded.
	return replay(t, "1401", "cic-credit-mutuel.json", "1.5", "/cic/stet-psd2-api/v2.0", folders,
		"oauth2-apisi.e-i.com", "localhost", "v2.1", "v2.0")
}

func TestCICAsRecorded(t *testing.T) {
	r := replayCIC(t, "cic/ais/happy-flow")
	ctx := context.Background()
	verifier := oxlin.NewSecret("6965646a-e758-4478-8b22-312a96472b856965646a-e758-4478-8b22-312a96472b85")
	access, err := banktest.Redeem(ctx, r, "authorization_code", bank.Journey{
		RedirectURI: "https://www.yolt.com/callback", Verifier: verifier,
	})
	if err != nil {
		t.Fatal(err)
	}
	access, err = r.Refresh(ctx, access)
	if err != nil {
		t.Fatal(err)
	}
	now := present(access.Token.Reveal())
	page, err := r.Accounts(ctx, now, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Accounts) != 3 {
		t.Fatalf("accounts are %+v", page.Accounts)
	}
	current, second, deferred := page.Accounts[0], page.Accounts[1], page.Accounts[2]
	if deferred.LinkedAddress != current.BankID || deferred.MaskedNumber != "MASK********3333" {
		t.Errorf("card is %+v", deferred)
	}
	balance, err := banktest.Balances(ctx, r, now, current.Ref())
	if err != nil || banktest.Shown(balance).Amount.String() != "7778.79" {
		t.Errorf("balance is %+v, %v", balance, err)
	}
	balance, err = banktest.Balances(ctx, r, now, second.Ref())
	if err != nil || banktest.Shown(balance).Amount.String() != "123.45" {
		t.Errorf("balance is %+v, %v", balance, err)
	}
	balance, err = banktest.Balances(ctx, r, now, deferred.Ref())
	if err != nil {
		t.Fatal(err)
	}
	// On the 20th of November October is paid: only the debit of the 30th is to come.
	if banktest.Shown(balance).Amount.String() != "-736.14" || balance.NextDebitDate.String() != "2021-11-30" ||
		balance.NextDebitAmount == nil || balance.NextDebitAmount.String() != "-736.14" {
		t.Errorf("balance of the card is %+v", balance)
	}
	want := []string{
		"2021-11-12 BOOKED 1000 EUR VIR MR XAVIER LIEFFROY | VIREMENT VERS VICTOR GEORGES PAUL S | VIREMENT DE MR XAVIER LIEFFROY",
		"2021-11-06 BOOKED -314.91 EUR ECH PRET CAP+IN 33043 722370 07",
		"2021-11-05 BOOKED -78.7 EUR PRLV SEPA MMA IARD SA | 2155782036320211027520959818 | LES MUTUELLES DE MANS",
		"2021-11-10 BOOKED -10.25 EUR F COTIS START J. ACTIFS",
	}
	if diff := cmp.Diff(want, lines(r.everything(t, now, current.Ref()))); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	if rows := r.everything(t, now, second.Ref()); len(rows) != 3 {
		t.Errorf("transactions are %v", lines(rows))
	}
	want = []string{
		"2021-11-14 PENDING -5 EUR BOULANGERIE DE PSC | CORMEILLES E",
		"2021-11-13 PENDING -13 EUR CHIV'S KOY PSC | PARIS 11",
	}
	rows := r.everything(t, now, deferred.Ref())
	if diff := cmp.Diff(want, lines(rows)); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	if len(rows) > 0 && rows[0].ExpectedBookingDate.String() != "2021-11-30" {
		t.Errorf("expected booking is %v", rows[0].ExpectedBookingDate)
	}
	r.wantAllPlayed(t)
}

func TestCICWithMissingData(t *testing.T) {
	r := replayCIC(t, "cic/ais/missing-data")
	ctx := context.Background()
	_, err := banktest.Redeem(ctx, r, "authorization_code", bank.Journey{
		RedirectURI: "https://www.yolt.com/callback",
		Verifier:    oxlin.NewSecret("6965646a-e758-4478-8b22-312a96472b856965646a-e758-4478-8b22-312a96472b85"),
	})
	if err != nil {
		t.Fatal(err)
	}
	now := present("ACCESS_TOKEN")
	page, err := r.Accounts(ctx, now, "")
	if err != nil {
		t.Fatal(err)
	}
	account := page.Accounts[0]
	if account.Type != oxlin.AccountCheckings || account.Currency != "EUR" || page.OwnerLink == "" {
		t.Errorf("account is %+v", account)
	}
	// The balances are empty; the list of accounts holds one.
	balance, err := banktest.Balances(ctx, r, now, account.Ref())
	if err != nil || banktest.Shown(balance).Amount.String() != "123.45" {
		t.Errorf("balance is %+v, %v", balance, err)
	}
	// This bank writes debits without a minus, and one row lacks the indicator: 12.25 may
	// be either.
	want := []string{"2018-01-11 BOOKED -112.25 EUR SEPA CREDIT TRANSFER from PSD2Company3"}
	if diff := cmp.Diff(want, lines(r.everything(t, now, account.Ref()))); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	r.wantAllPlayed(t)
}

func replayBNP(t *testing.T, folders ...string) recorded {
	return replay(t, "1500", "bnp-paribas.json", "1.4", "", folders,
		"/as/psd2/{{path}}", "", "/psd2/{{path}}/v1.4", "")
}

func TestBNPParibasAsRecorded(t *testing.T) {
	r := replayBNP(t, "bnpparibasgroup/ais/happy-flow")
	ctx := context.Background()
	access, err := banktest.Redeem(ctx, r, "auth_code", bank.Journey{RedirectURI: "http://yolt.com/redirect/bnp-paribas"})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := r.Refresh(ctx, access)
	if err != nil {
		t.Fatal(err)
	}
	// The bank returns no new refresh token: the old one stays valid.
	if renewed.RefreshToken != access.RefreshToken || !renewed.Refreshed {
		t.Errorf("refreshed access is %+v", renewed)
	}
	page, err := r.Accounts(ctx, call("access-token"), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Accounts) != 3 || page.Accounts[1].Usage != oxlin.UsageProfessional {
		t.Fatalf("accounts are %+v", page.Accounts)
	}
	first, third := page.Accounts[0], page.Accounts[2]
	balance, err := banktest.Balances(ctx, r, call("access-token"), first.Ref())
	if err != nil || banktest.Shown(balance).Amount.String() != "123.45" || banktest.Shown(balance).Date.String() != "2019-11-15" {
		t.Errorf("balance is %+v, %v", balance, err)
	}
	balance, err = banktest.Balances(ctx, r, call("access-token"), third.Ref())
	if err != nil || banktest.Shown(balance).Amount.String() != "423.21" {
		t.Errorf("balance is %+v, %v", balance, err)
	}
	all := r.everything(t, call("access-token"), first.Ref())
	// The stub gives the same rows for every window; only the oldest window may
	// keep those of 2018, and the newest that of 2022.
	want := []string{
		"2022-01-19 BOOKED 42.99 EUR Transactions with empty value date",
		"2018-02-12 BOOKED 12.25 EUR SEPA CREDIT TRANSFER from PSD2Company",
		"2018-02-13 PENDING -2.5 EUR SEPA CREDIT TRANSFER from PSD2Company",
	}
	if diff := cmp.Diff(want, lines(all)); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
	for _, transaction := range all {
		if transaction.SignDisagreed {
			t.Errorf("a negative debit is no disagreement: %s", transaction.Raw)
		}
	}
	if rows := r.everything(t, call("access-token"), third.Ref()); len(rows) != 0 {
		t.Errorf("transactions without a body are %v", lines(rows))
	}
	r.wantAllPlayed(t, "register.json", "register-update.json", "account-1-transactions-with-pending.json")
}

func TestBNPParibasErrorsAsRecorded(t *testing.T) {
	t.Run("empty body", func(t *testing.T) {
		r := replayBNP(t, "bnpparibasgroup/ais/empty-body")
		page, err := r.Accounts(t.Context(), call("access-token-empty"), "")
		if err != nil || len(page.Accounts) != 0 {
			t.Errorf("accounts are %+v, %v", page, err)
		}
		r.wantAllPlayed(t)
	})
	t.Run("invalid token", func(t *testing.T) {
		r := replayBNP(t, "bnpparibasgroup/ais/invalid-token")
		_, err := r.Accounts(t.Context(), call("access-token-invalid"), "")
		wantKind(t, err, bank.AccessLost, 401)
		r.wantAllPlayed(t)
	})
	t.Run("missing currency, usage and type", func(t *testing.T) {
		r := replayBNP(t, "bnpparibasgroup/ais/missing-currency-usage-type-account-type")
		page, err := r.Accounts(t.Context(), call("access-token"), "")
		if err != nil {
			t.Fatal(err)
		}
		account := page.Accounts[0]
		if account.Type != oxlin.AccountCheckings || account.Usage != oxlin.UsagePersonal || account.Currency != "" {
			t.Errorf("account is %+v", account)
		}
		balance, err := banktest.Balances(t.Context(), r, call("access-token"), account.Ref())
		if err != nil || banktest.Shown(balance).Amount.String() != "423.21" {
			t.Errorf("balance is %+v, %v", balance, err)
		}
		if rows := r.everything(t, call("access-token"), account.Ref()); len(rows) != 0 {
			t.Errorf("transactions are %v", lines(rows))
		}
		r.wantAllPlayed(t)
	})
	t.Run("refresh token is over", func(t *testing.T) {
		r := replayBNP(t, "bnpparibasgroup/ais/refresh-token-400-invalid-grant")
		_, err := r.Refresh(t.Context(), call("access-token").Access)
		wantKind(t, err, bank.AccessLost, http.StatusBadRequest)
		r.wantAllPlayed(t)
	})
}
