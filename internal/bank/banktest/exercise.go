package banktest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	difference "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Subject is a connector under test, and a customer with accounts behind it.
type Subject struct {
	// New returns a new connector, as another process would have after a crash.
	New func() bank.Connector
	// Call has valid access, and the user is present.
	Call bank.Call
	// Lost has access that the bank does not accept.
	Lost bank.Call
	// From is the first day of the transactions that are read.
	From oxlin.Date
	// Seen returns the requests that the bank received since its last call, if the
	// connector speaks HTTP with the bank's interface; else nil.
	Seen func() []*http.Request
	// PSUAddress is the standard's header with the user's address; PSU-IP-Address by default.
	PSUAddress string
	// Enter plays the user, and whatever else happens, between two steps of the way in: it
	// returns the input that follows a step, without State and Journey. If it is nil, no way
	// is taken to its end.
	Enter func(t *testing.T, step bank.Step) bank.Input
	// Credentials are the answers to the fixed questions of the channel definition.
	Credentials map[oxlin.CredentialID]oxlin.Secret
	// Logins are the credentials of an EMBEDDED channel whose customer has the access of Call
	// and a device that the bank knows. Without them no login is repeated.
	Logins map[oxlin.CredentialID]oxlin.Secret
}

// KnownUser is a user of whom everything is known that a bank may be told.
func KnownUser() *oxlin.PSU {
	return &oxlin.PSU{
		IP: "192.0.2.7", UserAgent: "Firefox", Port: "50001", Accept: "text/html", AcceptCharset: "utf-8", AcceptEncoding: "gzip",
		AcceptLanguage: "fr", Method: "GET", DeviceID: "99435c7e-ad88-49ec-a2ad-99ddcb1f5555", Location: "geo:48.85,2.35", Referer: "https://app.example/",
	}
}

// pageLimit is more than any test needs.
const pageLimit = 1000

// Exercise checks the guarantees of every connector (bank.Connector).
func Exercise(t *testing.T, s Subject) {
	t.Run("the profile is complete and constant", s.profile)
	t.Run("accounts come in pages that end", s.accounts)
	t.Run("the customer is described as the profile says", s.customer)
	t.Run("every account has a balance", s.balances)
	t.Run("transactions come in pages that end, and the same ones again", s.transactions)
	t.Run("a stored record is read as the answer was", s.decoding)
	t.Run("failures are typed", s.failures)
	t.Run("a cursor of somebody else is a failure", s.foreignCursors)
	t.Run("methods may be called at the same time", s.concurrency)
	if s.Seen != nil {
		t.Run("the bank is told the truth about the user's presence", s.presence)
	}
	if s.Enter != nil {
		t.Run("the way in leads to access, whatever process takes its steps", s.wayIn)
	}
	if s.Logins != nil {
		t.Run("a known customer logs in again, and after a restart", s.logins)
	}
	if _, ok := s.New().(bank.Continuer); ok {
		t.Run("a way that goes wrong is a failure", s.wrongWays)
	}
	if refresher, ok := s.New().(bank.Refresher); ok {
		t.Run("an access without a refresh token is not renewed", func(t *testing.T) {
			_, err := refresher.Refresh(t.Context(), bank.Access{Token: s.Call.Access.Token})
			wantKind(t, err, bank.AccessLost)
		})
	}
}

func (s Subject) profile(t *testing.T) {
	profile := s.New().Profile()
	if diff := difference.Diff(profile, s.New().Profile()); diff != "" {
		t.Errorf("the profile changes:\n%s", diff)
	}
	if profile.IDs == "" || profile.UnattendedPerDay <= 0 || profile.HistoryDays <= 0 {
		t.Errorf("the profile is incomplete: %+v", profile)
	}
}

// listAccounts reads all pages, each with a new connector.
func (s Subject) listAccounts(t *testing.T, call bank.Call) []bank.Account {
	t.Helper()
	var all []bank.Account
	cursor := ""
	for range pageLimit {
		page, err := s.New().Accounts(t.Context(), call, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Accounts...)
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
	t.Fatalf("no end after %d pages", pageLimit)
	return nil
}

func (s Subject) accounts(t *testing.T) {
	all := s.listAccounts(t, s.Call)
	if len(all) == 0 {
		t.Fatal("the customer has no accounts: nothing is tested")
	}
	seen := map[string]bool{}
	types := []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountSavings, oxlin.AccountLoan, oxlin.AccountCreditCard}
	for _, account := range all {
		if account.Address == "" || seen[account.Address] {
			t.Errorf("the address %q is empty or given twice", account.Address)
		}
		seen[account.Address] = true
		if !slices.Contains(types, account.Type) {
			t.Errorf("account %s has the type %q", account.Address, account.Type)
		}
		checkCurrency(t, account.Currency)
		checkRaw(t, account.Raw)
	}
	if diff := difference.Diff(all, s.listAccounts(t, s.Call)); diff != "" {
		t.Errorf("the accounts change from call to call:\n%s", diff)
	}
}

// customer checks that the bank's description of its customer has nothing that the page of
// the consent does not name.
func (s Subject) customer(t *testing.T) {
	reader, ok := s.New().(bank.OwnerReader)
	if !ok {
		return
	}
	page, err := s.New().Accounts(t.Context(), s.Call, "")
	if err != nil {
		t.Fatal(err)
	}
	owner, err := reader.Owner(t.Context(), s.Call, page)
	if err != nil {
		t.Fatal(err)
	}
	if named := owner.Only(s.New().Profile().Customer); named != owner {
		t.Errorf("the bank tells %+v, and the profile names %v", owner, s.New().Profile().Customer)
	}
}

// Balances reads an account's balances to the bank's last word.
func Balances(ctx context.Context, connector bank.Connector, call bank.Call, account bank.AccountRef) (told bank.Balances, err error) {
	for range pageLimit {
		told, err = connector.Balances(ctx, call, account, told.Next)
		if err != nil || told.Next == "" {
			return told, err
		}
	}
	return told, errors.New("the balances do not end")
}

func (s Subject) balances(t *testing.T) {
	for _, account := range s.listAccounts(t, s.Call) {
		balance, err := Balances(t.Context(), s.New(), s.Call, account.Ref())
		if err != nil {
			t.Fatal(err)
		}
		for _, told := range balance.All {
			checkCurrency(t, told.Currency)
		}
		if balance.Shown == nil && len(balance.All) > 0 {
			t.Errorf("no balance of %v is shown", balance.All)
		}
		if (balance.NextDebitAmount == nil) != balance.NextDebitDate.IsZero() {
			t.Errorf("a next debit has a day and an amount: %+v", balance)
		}
	}
}

// listTransactions reads all pages of an account, each with a new connector.
func (s Subject) listTransactions(t *testing.T, account bank.AccountRef) []bank.Transaction {
	t.Helper()
	var all []bank.Transaction
	var covered oxlin.Date
	cursor := ""
	for n := range pageLimit {
		page, err := s.New().Transactions(t.Context(), s.Call, account, s.From, cursor)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			covered = page.CoveredFrom
		}
		if page.CoveredFrom != covered || covered.Before(s.From) {
			t.Errorf("page %d covers from %s, the first one %s, and %s was asked for", n, page.CoveredFrom, covered, s.From)
		}
		all = append(all, page.Transactions...)
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
	t.Fatalf("no end after %d pages", pageLimit)
	return nil
}

func (s Subject) transactions(t *testing.T) {
	count := 0
	statuses := []oxlin.TransactionStatus{oxlin.StatusBooked, oxlin.StatusPending, oxlin.StatusOther}
	for _, account := range s.listAccounts(t, s.Call) {
		rows := s.listTransactions(t, account.Ref())
		count += len(rows)
		for _, row := range rows {
			if !slices.Contains(statuses, row.Status) {
				t.Errorf("a row has the status %q", row.Status)
			}
			if row.Status == oxlin.StatusBooked && row.Date().IsZero() {
				t.Errorf("a booked row has no day: %s", row.Raw)
			}
			checkCurrency(t, row.Currency)
			checkRaw(t, row.Raw)
		}
		again := s.listTransactions(t, account.Ref())
		if diff := difference.Diff(rows, again, cmpopts.EquateEmpty(), difference.Comparer(func(a, b oxlin.Date) bool { return a == b })); diff != "" {
			t.Errorf("the transactions change from call to call:\n%s", diff)
		}
	}
	if count == 0 {
		t.Error("the customer has no transactions: nothing is tested")
	}
}

func (s Subject) decoding(t *testing.T) {
	decoder, ok := s.New().(bank.Decoder)
	if !ok {
		return
	}
	for _, account := range s.listAccounts(t, s.Call) {
		stillKnown := account.Ref()
		stillKnown.Address = "" // the consent of the record may be over
		for _, row := range s.listTransactions(t, account.Ref()) {
			// The store keeps the record's JSON, not its spaces.
			stored, err := json.Marshal(row.Raw)
			if err != nil {
				t.Fatal(err)
			}
			read, whole := decoder.Decode(stored, stillKnown)
			read.Raw = row.Raw
			diff := difference.Diff(row, read.Transaction, cmpopts.EquateEmpty(), difference.Comparer(func(a, b oxlin.Date) bool { return a == b }))
			if !whole || read.Unread != "" || read.Ignored || diff != "" {
				t.Errorf("%s is read otherwise (%t, %q, %t):\n%s", row.Raw, whole, read.Unread, read.Ignored, diff)
			}
		}
		for _, nonsense := range []string{`null`, `{}`, `17`, `"x"`, `[]`, `{"html":""}`, `{"html":"<tr><td>"}`, `{`} {
			read, whole := decoder.Decode(json.RawMessage(nonsense), stillKnown)
			if whole && read.Unread == "" && !read.Ignored {
				t.Errorf("%s is read as %+v", nonsense, read)
			}
		}
	}
}

// reads returns the three methods that read, for checks that apply to each.
func (s Subject) reads(t *testing.T) map[string]func(ctx context.Context, call bank.Call, cursor string) error {
	ref := s.listAccounts(t, s.Call)[0].Ref()
	return map[string]func(context.Context, bank.Call, string) error{
		"Accounts": func(ctx context.Context, call bank.Call, cursor string) error {
			_, err := s.New().Accounts(ctx, call, cursor)
			return err
		},
		"Balances": func(ctx context.Context, call bank.Call, cursor string) error {
			_, err := s.New().Balances(ctx, call, ref, cursor)
			return err
		},
		"Transactions": func(ctx context.Context, call bank.Call, cursor string) error {
			_, err := s.New().Transactions(ctx, call, ref, s.From, cursor)
			return err
		},
	}
}

func (s Subject) failures(t *testing.T) {
	given, stop := context.WithCancel(t.Context())
	stop()
	for name, read := range s.reads(t) {
		err := read(t.Context(), s.Lost, "")
		var failure *bank.Failure
		if !errors.As(err, &failure) || failure.Kind != bank.AccessLost {
			t.Errorf("%s without access: %v, want %s", name, err, bank.AccessLost)
		}
		if err != nil && s.Lost.Access.Token.Reveal() != "" && strings.Contains(err.Error(), s.Lost.Access.Token.Reveal()) {
			t.Errorf("%s tells the token", name)
		}
		err = read(given, s.Call, "")
		if !errors.As(err, &failure) || !failure.Transient() {
			t.Errorf("%s given up: %v, want a failure that may pass", name, err)
		}
	}
}

func (s Subject) foreignCursors(t *testing.T) {
	reads := s.reads(t)
	for _, name := range []string{"Accounts", "Balances", "Transactions"} {
		for _, cursor := range []string{"nonsense", "{}", "[]", "null", "https://elsewhere.example/"} {
			err := reads[name](t.Context(), s.Call, cursor)
			var failure *bank.Failure
			if !errors.As(err, &failure) {
				t.Errorf("%s with the cursor %q: %v, want a failure", name, cursor, err)
			}
		}
	}
}

func (s Subject) concurrency(t *testing.T) {
	connector := s.New()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := connector.Accounts(t.Context(), s.Call, "")
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func (s Subject) presence(t *testing.T) {
	absent := s.Call
	absent.PSU = nil
	for name, read := range s.reads(t) {
		s.Seen()
		for _, call := range []bank.Call{s.Call, absent} {
			err := read(t.Context(), call, "")
			if err != nil {
				t.Fatal(err)
			}
			requests := s.Seen()
			if len(requests) == 0 {
				t.Errorf("%s asked nothing of the bank", name)
			}
			for _, request := range requests {
				s.checkPresence(t, request, call.PSU)
			}
		}
	}
}

// checkPresence checks that the user's address is sent if the user is present, and no
// data of a user otherwise.
func (s Subject) checkPresence(t *testing.T, request *http.Request, psu *oxlin.PSU) {
	t.Helper()
	address := cmp.Or(s.PSUAddress, "PSU-IP-Address")
	if psu != nil && request.Header.Get(address) != psu.IP {
		t.Errorf("%s: %s is %q with the user present", request.URL, address, request.Header.Get(address))
	}
	if psu != nil {
		return
	}
	for header := range request.Header {
		upper := strings.ToUpper(header)
		if strings.HasPrefix(upper, "PSU-") || strings.Contains(upper, "CUSTOMER") || strings.EqualFold(header, address) {
			t.Errorf("%s: %s is sent although the user is not there", request.URL, header)
		}
	}
}

func checkCurrency(t *testing.T, currency string) {
	t.Helper()
	if len(currency) != 3 || strings.ToUpper(currency) != currency {
		t.Errorf("%q is no currency of ISO 4217", currency)
	}
}

func checkRaw(t *testing.T, raw json.RawMessage) {
	t.Helper()
	if !json.Valid(raw) {
		t.Errorf("the bank's own record is not kept: %q", raw)
	}
}

// Shown returns the balance that a bank shows its customers; its type is empty if the
// bank gave none.
func Shown(balances bank.Balances) oxlin.Balance {
	if balances.Shown == nil {
		return oxlin.Balance{}
	}
	return *balances.Shown
}
