package enablebanking_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/enabletest"
)

// visitor is a user after the login.
type visitor struct {
	*enabletest.Server
	connector *enablebanking.Connector
	call      bank.Call
	now       time.Time
}

func newVisitor(t testing.TB, adjust func(*enabletest.Server)) *visitor {
	t.Helper()
	v := &visitor{now: autumn}
	now := func() time.Time { return v.now }
	v.Server = newServer(t, now)
	if adjust != nil {
		adjust(v.Server)
	}
	v.connector = newConnector(t, configOf(v.Server), over(t, v.Server), now)
	access, err := logIn(t, v.Server, v.connector, bank.Journey{})
	if err != nil {
		t.Fatal(err)
	}
	v.call = bank.Call{Access: access, PSU: &present}
	v.Requests()
	return v
}

func (v *visitor) accounts(t testing.TB) []bank.Account {
	t.Helper()
	page, err := v.connector.Accounts(t.Context(), v.call, "")
	if err != nil {
		t.Fatal(err)
	}
	return page.Accounts
}

// rows reads all pages of the first account.
func (v *visitor) rows(t testing.TB) (rows []bank.Transaction, last bank.TransactionsPage) {
	t.Helper()
	account := v.accounts(t)[0].Ref()
	for cursor := ""; ; cursor = last.Next {
		page, err := v.connector.Transactions(t.Context(), v.call, account, oxlin.NewDate(2025, 1, 1), cursor)
		if err != nil {
			t.Fatal(err)
		}
		rows, last = append(rows, page.Transactions...), page
		if page.Next == "" {
			return rows, last
		}
	}
}

func TestAccountsAreDescribedAsTheSessionCame(t *testing.T) {
	v := newVisitor(t, nil)
	accounts := v.accounts(t)
	if len(accounts) != 3 {
		t.Fatalf("%d accounts", len(accounts))
	}
	current, card, blocked := accounts[0], accounts[1], accounts[2]
	if current.Name != "My account" || current.OwnerName != "ANN EXAMPLE" || current.Type != oxlin.AccountCheckings || !current.HeldByCustomer ||
		current.IBAN != "FR7630006000011234567890189" || current.Number == "" || current.Currency != "EUR" || current.Address != v.Sessions()[0].UIDs[0] {
		t.Errorf("the current account is %+v", current)
	}
	if card.Type != oxlin.AccountCreditCard || card.MaskedNumber != "************7890" || card.Name != "" || card.IBAN != "" {
		t.Errorf("the card is %+v", card)
	}
	if blocked.Type != oxlin.AccountSavings || blocked.Name != "Old account" {
		t.Errorf("the blocked account is %+v", blocked)
	}
	v.Requests()
	for _, read := range []func() error{
		func() error { _, err := v.connector.Balances(t.Context(), v.call, blocked.Ref(), ""); return err },
		func() error {
			_, err := v.connector.Transactions(t.Context(), v.call, blocked.Ref(), oxlin.NewDate(2026, 1, 1), "")
			return err
		},
	} {
		if kind := bank.AsFailure(read()).Kind; kind != bank.Refused {
			t.Errorf("reading the blocked account is %s", kind)
		}
	}
	if n := len(v.Requests()); n != 0 {
		t.Errorf("%d requests were about the blocked account", n)
	}
}

// An account that leaves the session is not listed any more, and one that nobody has
// described makes the list incomplete.
func TestTheSessionSaysWhichAccountsThereAre(t *testing.T) {
	v := newVisitor(t, nil)
	session := v.Sessions()[0]
	session.UIDs[1] = ""
	page, err := v.connector.Accounts(t.Context(), v.call, "")
	if err != nil || len(page.Accounts) != 3 || page.Accounts[1].Address != "" || len(page.Unreadable) != 0 {
		t.Errorf("without the card: %+v, %v", page, err)
	}
	session.UIDs[1] = "11111111-2222-3333-4444-555555555555"
	page, err = v.connector.Accounts(t.Context(), v.call, "")
	if err != nil || page.Accounts[1].Address != session.UIDs[1] {
		t.Errorf("with another id of the card: %+v, %v", page, err)
	}
	v.Server.Accounts[1].Members["identification_hash"] = "hash-9"
	page, err = v.connector.Accounts(t.Context(), v.call, "")
	if err != nil || len(page.Unreadable) != 1 {
		t.Errorf("with an account that nobody described: %+v, %v", page, err)
	}
}

func TestASessionMayEndEarlierThanAskedFor(t *testing.T) {
	v := newVisitor(t, func(s *enabletest.Server) { s.Shorter = 24 * time.Hour })
	if until := v.Sessions()[0].Until; !v.call.Access.ConsentUntil.Equal(until) {
		t.Errorf("the consent ends at %s, the session at %s", v.call.Access.ConsentUntil, until)
	}
}

// A session that is over costs the access at once, and is deleted already.
func TestASessionThatIsOverIsLost(t *testing.T) {
	for _, status := range []string{"CANCELLED", "CLOSED", "EXPIRED", "INVALID", "REVOKED"} {
		v := newVisitor(t, nil)
		v.Sessions()[0].Status = status
		_, err := v.connector.Accounts(t.Context(), v.call, "")
		if failure := bank.AsFailure(err); failure.Kind != bank.AccessLost || failure.BankCode != status {
			t.Errorf("%s: %v", status, err)
		}
	}
	v := newVisitor(t, nil)
	for range 2 {
		err := v.connector.Revoke(t.Context(), v.call.Access)
		if err != nil || v.Sessions()[0].Status != "CLOSED" {
			t.Errorf("the session is %s, %v", v.Sessions()[0].Status, err)
		}
	}
	v.Fail["DELETE "+v.Sessions()[0].ID] = "ASPSP_TIMEOUT"
	err := v.connector.Revoke(t.Context(), v.call.Access)
	if !bank.AsFailure(err).Transient() {
		t.Errorf("a bank that is slow: %v", err)
	}
}

// Accounts in several currencies share a number, and so a hash: one that is blocked does not
// take the id of the other.
func TestAHashOfTwoAccountsNamesNeither(t *testing.T) {
	v := newVisitor(t, func(s *enabletest.Server) {
		dollars := s.Accounts[0]
		dollars.Members = maps.Clone(dollars.Members)
		dollars.Members["currency"] = "USD"
		s.Accounts[0].Blocked = true
		s.Accounts = append(s.Accounts[:1], dollars)
	})
	accounts := v.accounts(t)
	if accounts[0].Address != "" || accounts[1].Address != v.Sessions()[0].UIDs[1] {
		t.Errorf("the addresses are %q and %q of %q", accounts[0].Address, accounts[1].Address, v.Sessions()[0].UIDs)
	}
	other := newVisitor(t, func(s *enabletest.Server) {
		s.Accounts[0].Blocked = true
		s.Accounts = []enabletest.Account{s.Accounts[0], s.Accounts[0]}
	})
	other.Sessions()[0].UIDs[1] = "11111111-2222-3333-4444-555555555555"
	for _, account := range other.accounts(t) {
		if account.Address != "" {
			t.Errorf("one of two accounts with a hash has the address %q", account.Address)
		}
	}
	want := []oxlin.AccountIdentity{{Kind: oxlin.IdentityHash, Value: "hash-1"}}
	if !slices.Equal(accounts[1].Identities, want) {
		t.Errorf("the identities are %v", accounts[1].Identities)
	}
}

func TestPagesMayBeEmptyAndGoOn(t *testing.T) {
	v := newVisitor(t, func(s *enabletest.Server) {
		pages := s.Accounts[0].Pages
		empty := slices.Repeat([][]map[string]any{{}}, 60) // a key for each period that the bank was asked for
		s.Accounts[0].Pages = slices.Concat(pages[:1], empty, pages[2:])
	})
	rows, last := v.rows(t)
	if len(rows) != 40 || last.Broken != "" || last.WholeFrom.IsZero() {
		t.Errorf("%d rows, the last page is %+v", len(rows), last)
	}
	pages := 0
	for _, request := range v.Requests() {
		if strings.HasSuffix(request.URL.Path, "/transactions") {
			pages++
			if request.URL.Query().Get("date_from") == "" {
				t.Errorf("%s asks for no period", request.URL)
			}
		}
	}
	if pages != 62 {
		t.Errorf("%d pages were asked for", pages)
	}
	// Pages that never end are given up.
	endless := newVisitor(t, func(s *enabletest.Server) { s.Accounts[0].Pages = make([][]map[string]any, 1000) })
	if _, last := endless.rows(t); last.Broken == "" {
		t.Error("a thousand empty pages are whole")
	}
}

func TestRowsKeepWhatTheBankSays(t *testing.T) {
	v := newVisitor(t, func(s *enabletest.Server) {
		s.Accounts[0].Pages = [][]map[string]any{{
			{
				"entry_reference": "e-1", "status": "BOOK", "credit_debit_indicator": "CRDT", "booking_date": "2026-11-20", "value_date": "2026-11-21",
				"transaction_date": "2026-11-19", "transaction_amount": euros("1234.56"), "debtor": map[string]any{"name": "EMPLOYER"},
				"creditor": map[string]any{"name": "ANN"}, "remittance_information": []string{"SALARY", "NOVEMBER"}, "merchant_category_code": "5411",
				"bank_transaction_code":     map[string]any{"description": "Virement", "code": "PMNT", "sub_code": "RCDT-ESCT"},
				"balance_after_transaction": euros("-3.10"), "reference_number": "MANDATE", "reference_number_schema": "SDDM",
			},
			{"status": "PDNG", "credit_debit_indicator": "DBIT", "transaction_amount": euros("-5.00"), "booking_date": "2026-12-01"},
			{"status": "HOLD", "credit_debit_indicator": "DBIT", "transaction_amount": euros("6.00"), "transaction_date": "2026-11-18"},
			{"status": "SCHD", "credit_debit_indicator": "DBIT", "transaction_amount": euros("7.00"), "value_date": "2026-12-05"},
			{"status": "OTHR", "credit_debit_indicator": "CRDT", "transaction_amount": euros("8.00"), "booking_date": "2026-11-17"},
			{"status": "CNCL", "credit_debit_indicator": "DBIT", "transaction_amount": euros("9.00"), "booking_date": "2026-11-17"},
			{"status": "RJCT", "credit_debit_indicator": "DBIT", "transaction_amount": euros("9.00"), "booking_date": "2026-11-17"},
		}}
	})
	rows, _ := v.rows(t)
	var short []string
	for _, row := range rows {
		short = append(short, strings.Join([]string{string(row.Status), row.Amount.String(), row.Currency, row.Date().String(), row.BankID}, " "))
		if strings.Contains(string(row.Raw), "transaction_id") {
			t.Errorf("the record keeps what changes from answer to answer: %s", row.Raw)
		}
	}
	want := []string{
		"BOOKED 1234.56 EUR 2026-11-20 e-1", "PENDING -5 EUR 2026-12-01 ", "PENDING -6 EUR 2026-11-18 ", "PENDING -7 EUR 2026-12-05 ",
		"OTHER 8 EUR 2026-11-17 ",
	}
	if !slices.Equal(short, want) {
		t.Fatalf("rows are\n%s", strings.Join(short, "\n"))
	}
	first := rows[0]
	if first.Counterparty != "EMPLOYER" || !slices.Equal(first.Remittance, []string{"SALARY", "NOVEMBER"}) || first.MerchantCategory != "5411" ||
		first.Code != (bank.Code{Domain: "PMNT", Family: "RCDT", SubFamily: "ESCT"}) || first.BalanceAfter == nil || first.BalanceAfter.String() != "-3.1" ||
		first.MandateID != "MANDATE" || first.ValueDate != oxlin.NewDate(2026, 11, 21) || first.TransactionDate != oxlin.NewDate(2026, 11, 19) {
		t.Errorf("the first row is %+v", first)
	}
}

// An hour after the login banks give 90 days; a bank that says so earlier is asked again.
func TestTheHistoryIsShorterAfterTheLogin(t *testing.T) {
	firsts := func(v *visitor) (days []string) {
		for _, request := range v.Requests() {
			if strings.HasSuffix(request.URL.Path, "/transactions") && !request.URL.Query().Has("continuation_key") {
				days = append(days, request.URL.Query().Get("date_from"))
			}
		}
		return days
	}
	v := newVisitor(t, func(s *enabletest.Server) { s.Late = time.Minute })
	v.rows(t)
	if got := firsts(v); !slices.Equal(got, []string{"2025-01-01"}) {
		t.Errorf("after the login the days from %v were asked for", got)
	}
	v.now = autumn.Add(30 * time.Minute)
	v.rows(t)
	if got := firsts(v); !slices.Equal(got, []string{"2025-01-01", "2026-09-01"}) {
		t.Errorf("later the days from %v were asked for", got)
	}
	v.now = autumn.Add(2 * time.Hour)
	v.rows(t)
	if got := firsts(v); !slices.Equal(got, []string{"2026-09-01"}) {
		t.Errorf("at last the days from %v were asked for", got)
	}
}

// In Paris it is the first of December when the interface still has November.
func TestDaysInTheFutureOfTheInterfaceAreNotAskedFor(t *testing.T) {
	v := newVisitor(t, nil)
	v.now = time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)
	account := v.accounts(t)[0].Ref()
	_, err := v.connector.Transactions(t.Context(), v.call, account, oxlin.NewDate(2026, 12, 1), "")
	if err != nil {
		t.Error(err)
	}
	page, err := v.connector.TransactionsUntil(t.Context(), v.call, account, oxlin.NewDate(2026, 9, 5), oxlin.NewDate(2026, 11, 10), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range page.Transactions {
		if !row.Date().Before(oxlin.NewDate(2026, 11, 10)) {
			t.Errorf("a row of %s", row.Date())
		}
	}
}

func TestErrorCodesMeanSomethingOfOurs(t *testing.T) {
	want := map[string]bank.FailureKind{
		"CLOSED_SESSION": bank.AccessLost, "EXPIRED_SESSION": bank.AccessLost, "REVOKED_SESSION": bank.AccessLost, "SESSION_DOES_NOT_EXIST": bank.AccessLost,
		"WRONG_SESSION_STATUS": bank.AccessLost, "ASPSP_ERROR": bank.Unavailable, "ASPSP_TIMEOUT": bank.Unavailable,
		"ASPSP_RATE_LIMIT_EXCEEDED": bank.RateLimited, "ASPSP_PSU_ACTION_REQUIRED": bank.ActionAtBank, "WRONG_CREDENTIALS_PROVIDED": bank.CredentialsRejected,
		"EXPIRED_AUTHORIZATION_CODE": bank.ChallengeTimedOut,
		// What is about the application, or about one account, leaves the user's access alone.
		"UNAUTHORIZED_ACCESS": bank.Refused, "ACCESS_DENIED": bank.Refused, "AUTHORIZATION_NOT_PROVIDED": bank.Refused, "NO_ACCOUNTS_ADDED": bank.Refused,
		"ASPSP_ACCOUNT_NOT_ACCESSIBLE": bank.Refused, "ACCOUNT_DOES_NOT_EXIST": bank.Refused, "WRONG_TRANSACTIONS_PERIOD": bank.Refused,
		"PSU_HEADER_NOT_PROVIDED": bank.Nonsense, "PSU_HEADER_INVALID": bank.Nonsense,
	}
	v := newVisitor(t, nil)
	account := v.accounts(t)[0].Ref()
	for _, code := range slices.Sorted(maps.Keys(want)) {
		v.Fail["GET balances"] = code
		_, err := v.connector.Balances(t.Context(), v.call, account, "")
		var failure *bank.Failure
		if !errors.As(err, &failure) || failure.Kind != want[code] || failure.BankCode != code {
			t.Errorf("%s is %v, want %s", code, err, want[code])
		}
	}
}

// The bank learns of the user by all headers that it requires, or not at all.
func TestAllHeadersOfTheUserOrNone(t *testing.T) {
	for name, test := range map[string]struct {
		psu      *oxlin.PSU
		required []string
		want     map[string]string
	}{
		"absent": {nil, []string{"Psu-Ip-Address"}, nil},
		"all": {
			&oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox", AcceptLanguage: "fr", Location: "geo:48.5,2"},
			[]string{"psuIpAddress", "Psu-Accept-language", "Psu-Geo-Location"},
			map[string]string{"Psu-Ip-Address": "192.0.2.7", "Psu-User-Agent": "Firefox", "Psu-Accept-Language": "fr", "Psu-Geo-Location": "48.5,2.0"},
		},
		"one unknown":              {&oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}, []string{"Psu-Ip-Address", "Psu-Referer"}, nil},
		"one of its own":           {&oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}, []string{"Psu-Colour\r\n"}, nil},
		"a place that is no place": {&oxlin.PSU{IP: "192.0.2.7", Location: "geo:north"}, []string{"Psu-Geo-Location"}, nil},
		"none required":            {&oxlin.PSU{IP: "192.0.2.7"}, nil, map[string]string{"Psu-Ip-Address": "192.0.2.7"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, func() time.Time { return autumn })
			server.Banks[0].Headers = nil
			config := configOf(server)
			config.RequiredPSUHeaders = test.required
			connector := newConnector(t, config, over(t, server), server.Now)
			access, err := logIn(t, server, connector, bank.Journey{})
			if err != nil {
				t.Fatal(err)
			}
			server.Requests()
			page, err := connector.Accounts(t.Context(), bank.Call{Access: access, PSU: test.psu}, "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = connector.Balances(t.Context(), bank.Call{Access: access, PSU: test.psu}, page.Accounts[0].Ref(), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, request := range server.Requests() {
				got := map[string]string{}
				for header := range request.Header {
					if strings.HasPrefix(header, "Psu-") {
						got[header] = request.Header.Get(header)
					}
				}
				if !maps.Equal(got, test.want) {
					t.Errorf("%s has %v, want %v", request.URL.Path, got, test.want)
				}
			}
		})
	}
}

// begun returns the body of POST /auth.
func begun(t *testing.T, adjust func(*enablebanking.Config), journey bank.Journey) map[string]any {
	t.Helper()
	now := func() time.Time { return autumn }
	server := newServer(t, now)
	config := configOf(server)
	if adjust != nil {
		adjust(&config)
	}
	server.Banks[0].Validity = config.MaximumValidity
	var body map[string]any
	transport := over(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			text, err := io.ReadAll(r.Body)
			if err == nil {
				err = json.Unmarshal(text, &body)
			}
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(text))
		}
		server.ServeHTTP(w, r)
	}))
	_, err := logIn(t, server, newConnector(t, config, transport, now), journey)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestTheLoginAsksForTheLongestSession(t *testing.T) {
	endOf := func(body map[string]any) time.Duration {
		text, _ := body["access"].(map[string]any)["valid_until"].(string)
		until, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return until.Sub(autumn)
	}
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		validity int
		once     bool
		want     time.Duration
	}{
		"as long as the bank allows": {90 * 86400, false, 90*day - 5*time.Minute},
		"as long as the law allows":  {400 * 86400, false, 180*day - 5*time.Minute},
		"for one reading":            {90 * 86400, true, day - 5*time.Minute},
		"an hour at most":            {240, false, 2 * time.Minute},
	} {
		body := begun(t, func(c *enablebanking.Config) { c.MaximumValidity = test.validity }, bank.Journey{Once: test.once, Language: "fr-FR"})
		if got := endOf(body); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if body["language"] != "fr" || body["psu_type"] != "personal" || body["state"] != "the-state" {
			t.Errorf("%s: asked for %v", name, body)
		}
	}
	known := bank.Journey{Accounts: []bank.Identity{
		{IBAN: "FR7630006000011234567890189", Currency: "EUR"}, {IBAN: "FR7630006000011234567890189", Currency: "USD"},
	}}
	for names, want := range map[bool]int{true: 1, false: 0} {
		body := begun(t, func(c *enablebanking.Config) { c.NamesAccounts = names }, known)
		if accounts, _ := body["access"].(map[string]any)["accounts"].([]any); len(accounts) != want {
			t.Errorf("the accounts asked for are %v, want %d", body["access"], want)
		}
	}
}
