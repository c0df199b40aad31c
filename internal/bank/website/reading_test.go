package website_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/testbank/robot"
)

// walk reads all transactions of an account, each page with a new connector.
func walk(t *testing.T, connector func() bank.Connector, call bank.Call, account bank.AccountRef, from oxlin.Date) []bank.Transaction {
	t.Helper()
	var all []bank.Transaction
	cursor := ""
	for range 200 {
		page, err := connector().Transactions(t.Context(), call, account, from, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Transactions...)
		if page.Next == "" {
			return all
		}
		cursor = page.Next
	}
	t.Fatal("the walk does not end")
	return nil
}

func (w *world) walk(s site, call bank.Call, account bank.AccountRef, from oxlin.Date) []bank.Transaction {
	w.t.Helper()
	return walk(w.t, func() bank.Connector { return w.connector(s) }, call, account, from)
}

func (w *world) accounts(s site, call bank.Call) []bank.Account {
	w.t.Helper()
	page, err := w.connector(s).Accounts(w.t.Context(), call, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Accounts
}

// truth is the data of the default customer in the bank's control API.
type truth struct {
	Customers []struct {
		Accounts []struct {
			Name            string
			Balance         oxlin.Amount
			Booked, Pending int
		}
	}
}

func TestEverythingThatTheBankHolds(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			call := bank.Call{Access: w.inside(s, "dev")}
			var truth truth
			err := json.Unmarshal([]byte(w.control("GET", "/control/customers", "")), &truth)
			if err != nil {
				t.Fatal(err)
			}
			accounts := w.accounts(s, call)
			want := truth.Customers[0].Accounts
			if len(accounts) != len(want) {
				t.Fatalf("%d accounts, want %d", len(accounts), len(want))
			}
			for i, account := range accounts {
				balance, err := w.connector(s).Balances(t.Context(), call, account.Ref(), "")
				if err != nil || account.Name != want[i].Name || banktest.Shown(balance).Amount != want[i].Balance || banktest.Shown(balance).Currency != "EUR" {
					t.Errorf("account %q with %v %s (%v), want %+v", account.Name, banktest.Shown(balance).Amount, banktest.Shown(balance).Currency, err, want[i])
				}
				count := map[oxlin.TransactionStatus]int{}
				for _, row := range w.walk(s, call, account.Ref(), oxlin.NewDate(2025, time.January, 1)) {
					count[row.Status]++
					if row.Date().IsZero() || len(row.Remittance) == 0 || row.Remittance[0] == "" || strings.Contains(row.Remittance[0], "…") {
						t.Errorf("%s: a row without day or words: %s", account.Name, row.Raw)
					}
				}
				if count[oxlin.StatusBooked] != want[i].Booked || count[oxlin.StatusPending] != want[i].Pending {
					t.Errorf("%s has the rows %v, want %+v", account.Name, count, want[i])
				}
			}
		})
	}
}

// essence holds the values that a transaction has in both of a bank's interfaces.
type essence struct {
	Status oxlin.TransactionStatus
	Day    string
	Value  string
	Amount oxlin.Amount
	Words  string
}

func essences(rows []bank.Transaction) []essence {
	var all []essence
	for _, r := range rows {
		lines := slices.DeleteFunc(slices.Clone(r.Remittance), func(line string) bool { return strings.HasPrefix(line, "REF ") })
		e := essence{r.Status, r.TransactionDate.String(), "", r.Amount, strings.ToUpper(strings.Join(lines, " "))}
		if r.Status == oxlin.StatusBooked {
			e.Day, e.Value = r.BookingDate.String(), r.ValueDate.String()
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b essence) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Words, b.Words), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Status, b.Status))
	})
	return all
}

// redirect logs in to the bank's interface, the other channel of provider 87.
func (w *world) redirect() (connector func() bank.Connector, access bank.Access) {
	w.t.Helper()
	house, err := catalogue.Load(catalogue.Options{Sandbox: true, TestBankURL: w.server.URL, Now: w.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	connector = func() bank.Connector {
		connector, err := house.Connector("87", "8701")
		if err != nil {
			w.t.Fatal(err)
		}
		return connector
	}
	authorizer := connector()
	request := bank.Journey{
		RedirectURI: "https://oxlin.test/oauth2/aisp", RedirectState: "s", Verifier: oxlin.NewSecret(strings.Repeat("verifier", 8)),
	}
	address, err := banktest.Leave(w.t.Context(), authorizer, request)
	if err != nil {
		w.t.Fatal(err)
	}
	back, err := robot.LogIn(w.t.Context(), address, robot.Dev())
	if err != nil {
		w.t.Fatal(err)
	}
	access, err = banktest.Redeem(w.t.Context(), authorizer, back.Query().Get("code"), request)
	if err != nil {
		w.t.Fatal(err)
	}
	return connector, access
}

func TestTheSiteAgreesWithTheBanksInterface(t *testing.T) {
	w := start(t)
	redirect, access := w.redirect()
	theirs := bank.Call{Access: access, PSU: psu}
	ours := bank.Call{Access: w.inside(sites[0], "dev")}
	page, err := redirect().Accounts(t.Context(), theirs, "")
	if err != nil {
		t.Fatal(err)
	}
	shown := w.accounts(sites[0], ours)
	digits := func(a bank.Account) string { return strings.ReplaceAll(a.IBAN+a.MaskedNumber, " ", "") }
	for _, want := range page.Accounts {
		i := slices.IndexFunc(shown, func(a bank.Account) bool { return digits(a) == digits(want) && a.Type == want.Type })
		if i < 0 {
			t.Errorf("%s is not on the site", want.Name)
			continue
		}
		got := shown[i]
		if got.Name != want.Name || got.Number != want.Number || got.Currency != want.Currency || got.Usage != want.Usage {
			t.Errorf("the site shows %+v, the interface %+v", got, want)
		}
		b1, err1 := redirect().Balances(t.Context(), theirs, want.Ref(), "")
		b2, err2 := w.connector(sites[0]).Balances(t.Context(), ours, got.Ref(), "")
		sameDay := gocmp.Comparer(func(a, b oxlin.Date) bool { return a == b })
		if diff := gocmp.Diff(shownAlone(b1), shownAlone(b2), sameDay); diff != "" || err1 != nil || err2 != nil {
			t.Errorf("%s: the balances differ: %v %v\n%s", got.Name, err1, err2, diff)
		}
		from := oxlin.NewDate(2025, time.December, 1)
		if diff := gocmp.Diff(essences(walk(t, redirect, theirs, want.Ref(), from)), essences(w.walk(sites[0], ours, got.Ref(), from))); diff != "" {
			t.Errorf("%s: the rows differ:\n%s", got.Name, diff)
		}
	}
}

// shownAlone returns the balances of an interface that the site can show as well: the shown
// one, without its day.
func shownAlone(balances bank.Balances) bank.Balances {
	shown := *balances.Shown
	shown.Date = oxlin.Date{}
	balances.Shown, balances.All = &shown, []oxlin.Balance{shown}
	return balances
}

// TestChannelsTakeTurns reads one account alternately by the interface and on the site,
// like a connection whose consent expires and is renewed: no row is doubled.
func TestChannelsTakeTurns(t *testing.T) {
	w := start(t)
	redirect, access := w.redirect()
	session := w.inside(sites[0], "dev")
	var known []reconcile.Known
	for turn := range 8 {
		today := oxlin.DateIn(w.Now(), oxlin.Paris)
		channel, ids, from := oxlin.ChannelDefinitionID("8701"), bank.IDStable, today.AddDays(-89)
		var rows []bank.Transaction
		if turn%2 == 0 {
			var err error
			access, err = redirect().(bank.Refresher).Refresh(t.Context(), access)
			if err != nil {
				t.Fatal(err)
			}
			call := bank.Call{Access: access, PSU: psu}
			page, err := redirect().Accounts(t.Context(), call, "")
			if err != nil {
				t.Fatal(err)
			}
			rows = walk(t, redirect, call, page.Accounts[0].Ref(), from)
		} else {
			result, err := w.begin(sites[0], "dev", session, nil)
			if err != nil {
				t.Fatal(err)
			}
			session = result.Access
			channel, ids = "8700", w.connector(sites[0]).Profile().IDs
			call := bank.Call{Access: session}
			rows = w.walk(sites[0], call, w.accounts(sites[0], call)[0].Ref(), from)
		}
		result := reconcile.Transactions(known, reconcile.Fetched{
			Transactions: rows, CoveredFrom: from, Complete: true, IDs: ids, Channel: channel, Today: today,
		})
		for _, match := range result.Found {
			known[match.ID-1] = match.Held
		}
		for _, i := range result.New {
			k := reconcile.Hold(rows[i], result.BankIDs[i], channel)
			k.ID = oxlin.TransactionID(len(known) + 1)
			known = append(known, k)
		}
		for _, id := range result.Expired { // a card authorisation that is never booked
			known[id-1].Status = oxlin.StatusExpired
		}
		inWindow := 0
		for _, k := range known {
			if !k.Date.Before(from) && k.Status != oxlin.StatusExpired {
				inWindow++
			}
		}
		if inWindow != len(rows) || len(result.Missing) > 0 {
			t.Fatalf("turn %d by %s: %d rows are known in the window, %d are shown; missing %v", turn, channel, inWindow, len(rows), result.Missing)
		}
		w.Advance(2 * 24 * time.Hour)
	}
}

func amount(s string) *oxlin.Amount {
	a, err := oxlin.ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return &a
}

func TestDetailsOfAccounts(t *testing.T) {
	left := 32
	loan := &oxlin.LoanDetails{
		Amount: amount("10000"), RemainingCapital: amount("6798.40"), Rate: amount("2.9"), InstalmentAmount: amount("212.48"),
		StartDate: oxlin.NewDate(2025, time.July, 10), EndDate: oxlin.NewDate(2029, time.July, 10),
		NextInstalmentDate: oxlin.NewDate(2026, time.December, 10), InstalmentsLeft: &left,
	}
	want := map[oxlin.AccountType]oxlin.AccountDetails{
		oxlin.AccountLoan:       {Loan: loan},
		oxlin.AccountSavings:    {Savings: &oxlin.SavingsDetails{Rate: amount("1.70"), Ceiling: amount("22950"), Product: "Livret A"}},
		oxlin.AccountCreditCard: {CreditCard: &oxlin.CardDetails{DebitType: "DEFERRED", MaskedNumber: "4970 XXXX XXXX 1234"}},
	}
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			call := bank.Call{Access: w.inside(s, "dev")}
			for _, account := range w.accounts(s, call) {
				sameDay := gocmp.Comparer(func(a, b oxlin.Date) bool { return a == b })
				if diff := gocmp.Diff(want[account.Type], account.Details, sameDay); diff != "" {
					t.Errorf("%s:\n%s", account.Name, diff)
				}
				if account.OwnerName == "" {
					t.Errorf("%s has no owner", account.Name)
				}
			}
		})
	}
}

func TestOwner(t *testing.T) {
	birth := oxlin.NewDate(1988, time.February, 29)
	full := oxlin.Owner{Name: "CAMILLE TESTARD", Address: "3 RUE DU FAUX-SEMBLANT, 75015 PARIS", BirthDate: birth, BirthPlace: "LILLE", PhoneNumber: "06******1"}
	for i, want := range []oxlin.Owner{full, {Name: "CAMILLE TESTARD", BirthDate: birth, PhoneNumber: "06******1"}, full} {
		w := start(t)
		call := bank.Call{Access: w.inside(sites[i], "dev")}
		owner, err := bank.OwnerReader(w.connector(sites[i])).Owner(t.Context(), call, bank.AccountsPage{})
		if err != nil || owner != want {
			t.Errorf("%s: %+v (%v), want %+v", sites[i].name, owner, err, want)
		}
	}
}

func TestOnlyTheAccountTypesOfTheChannel(t *testing.T) {
	w := start(t)
	s := sites[1]
	call := bank.Call{Access: w.inside(s, "dev")}
	all := w.accounts(s, call)
	s.config.AccountTypes = []oxlin.AccountType{oxlin.AccountSavings, oxlin.AccountLoan}
	var kinds []oxlin.AccountType
	for _, account := range w.accounts(s, call) {
		kinds = append(kinds, account.Type)
	}
	if !slices.Equal(kinds, s.config.AccountTypes) {
		t.Errorf("the channel gives %v", kinds)
	}
	_, err := w.connector(s).Balances(t.Context(), call, all[0].Ref(), "")
	if kind := kindOf(t, err); kind != bank.Refused {
		t.Errorf("an account of another channel: %q", kind)
	}
}

func TestNoMorePagesThanAskedFor(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			call := bank.Call{Access: w.inside(s, "dev")}
			account := w.accounts(s, call)[0].Ref()
			from := oxlin.NewDate(2026, time.November, 1)
			everything := w.walk(s, call, account, oxlin.Date{})
			w.taken()
			rows := w.walk(s, call, account, from)
			if n := len(w.taken()); n > 3 {
				t.Errorf("%d requests for three weeks", n)
			}
			want := 0
			for _, row := range everything {
				if row.Status == oxlin.StatusPending || !row.Date().Before(from) {
					want++
				}
			}
			if len(rows) != want || want == 0 {
				t.Errorf("%d rows since %s, want %d", len(rows), from, want)
			}
		})
	}
}

func TestTroublesOfTheBank(t *testing.T) {
	for _, s := range sites {
		for scenario, want := range map[string]bank.FailureKind{
			"down": bank.Unavailable, "rate_limited": bank.RateLimited, "garbage": bank.Nonsense, "garbage-truncated": bank.Unavailable, "slow-1": "",
		} {
			t.Run(s.name+"/"+scenario, func(t *testing.T) {
				w := start(t)
				call := bank.Call{Access: w.inside(s, "dev")}
				account := w.accounts(s, call)[0].Ref()
				first, err := w.connector(s).Transactions(t.Context(), call, account, oxlin.Date{}, "")
				if err != nil {
					t.Fatal(err)
				}
				w.control("POST", "/control/scenario", `{"login":"dev","scenario":"`+scenario+`"}`)
				for name, read := range map[string]func() error{
					"accounts": func() error { _, err := w.connector(s).Accounts(t.Context(), call, ""); return err },
					"balance":  func() error { _, err := w.connector(s).Balances(t.Context(), call, account, ""); return err },
					"rows": func() error {
						_, err := w.connector(s).Transactions(t.Context(), call, account, oxlin.Date{}, first.Next)
						return err
					},
				} {
					err := read()
					if kind := kindOf(t, err); kind != want {
						t.Errorf("%s: %q, want %q", name, kind, want)
					}
					retry := want == bank.RateLimited || scenario == "down"
					if retry != (err != nil && bank.AsFailure(err).RetryAfter > 0) {
						t.Errorf("%s: come back after: %v", name, bank.AsFailure(err))
					}
				}
				w.control("DELETE", "/control/scenario", "")
				w.accounts(s, call)
			})
		}
	}
}

func TestStatementThatLinksToItselfEnds(t *testing.T) {
	for _, s := range sites {
		w := start(t)
		call := bank.Call{Access: w.inside(s, "dev")}
		account := w.accounts(s, call)[0].Ref()
		want := len(w.walk(s, call, account, oxlin.Date{}))
		w.control("POST", "/control/scenario", `{"login":"dev","scenario":"next_loop"}`)
		if got := len(w.walk(s, call, account, oxlin.Date{})); got != want {
			t.Errorf("%s: %d rows in the loop, want %d", s.name, got, want)
		}
	}
}

func TestSessionThatEndsIsBegunAgainWithoutTheUser(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) {
			w := start(t)
			access := w.inside(s, "dev")
			for _, end := range []func(){
				func() { w.Advance(11 * time.Minute) },
				func() {
					w.control("POST", "/control/scenario", `{"login":"dev","scenario":"session_timeout-0"}`)
				},
			} {
				end()
				_, err := w.connector(s).Accounts(t.Context(), bank.Call{Access: access}, "")
				if kind := kindOf(t, err); kind != bank.AccessLost {
					t.Errorf("a session that has ended: %q", kind)
				}
				result, err := w.begin(s, "dev", access, nil)
				if err != nil {
					t.Fatal(err)
				}
				access = result.Access
				w.accounts(s, bank.Call{Access: access})
			}
		})
	}
}

// TestAddressThatChangesItsAccount: sites number accounts by their position, and when
// one disappears an old address leads to another account's rows.
func TestAddressThatChangesItsAccount(t *testing.T) {
	for _, s := range sites {
		w := start(t)
		call := bank.Call{Access: w.inside(s, "dev")}
		account := w.accounts(s, call)[0].Ref()
		first, err := w.connector(s).Transactions(t.Context(), call, account, oxlin.Date{}, "")
		if err != nil {
			t.Fatal(err)
		}
		w.control("POST", "/control/scenario", `{"login":"dev","scenario":"vanished_account","param":"CHK000000001"}`)
		_, err = w.connector(s).Transactions(t.Context(), call, account, oxlin.Date{}, first.Next)
		if kind := kindOf(t, err); kind != bank.Nonsense {
			t.Errorf("%s: rows of another account: %q", s.name, kind)
		}
	}
}
