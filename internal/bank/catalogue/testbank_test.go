package catalogue_test

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/testbank"
)

// bench is a running test bank, the sandbox's catalogue for it, and a clock that they
// share.
type bench struct {
	*catalogue.Catalogue
	*platformtest.Clock
	server *httptest.Server
	mu     sync.Mutex
	seen   []*http.Request
}

// taken returns the requests to the bank's interface since the last call.
func (b *bench) taken() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}

func startBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Clock: platformtest.NewClock(now)}
	house, err := testbank.New(testbank.Options{Now: b.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	checked := house.Handler()
	for version, path := range map[string]string{"1.4": "/stet/v1.4", "1.5": "/stet/v1.5", "1.3": "/berlingroup", "4.0": "/open-banking/v4.0/aisp"} {
		standard := banktest.NewStandard(t, version)
		// STET's links to further pages contain plain dates.
		standard.PlainDates = strings.HasPrefix(path, "/stet/")
		checked = standard.Check(path, checked)
	}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.ContainsFunc([]string{"/stet/", "/berlingroup/", "/open-banking/"}, func(s string) bool { return strings.HasPrefix(r.URL.Path, s) }) {
			b.mu.Lock()
			b.seen = append(b.seen, r.Clone(r.Context()))
			b.mu.Unlock()
		}
		checked.ServeHTTP(w, r)
	}))
	t.Cleanup(b.server.Close)
	b.Catalogue, err = catalogue.Load(catalogue.Options{Sandbox: true, TestBankURL: b.server.URL, Now: b.Now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) connector(t *testing.T, provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) *stet.Connector {
	t.Helper()
	connector, err := b.Connector(provider, definition)
	if err != nil {
		t.Fatal(err)
	}
	return connector.(*stet.Connector)
}

var hiddenSession = regexp.MustCompile(`name="session" value="([^"]+)"`)

// login logs the user in on the bank's pages, by forms like a browser without scripts,
// and exchanges the code.
func (b *bench) login(t *testing.T, connector *stet.Connector) bank.Access {
	t.Helper()
	return b.loginAs(t, connector, "dev")
}

// loginAs logs in as the customer of a scenario.
func (b *bench) loginAs(t *testing.T, connector *stet.Connector, login string) bank.Access {
	t.Helper()
	request := bank.Journey{
		RedirectURI: "http://127.0.0.1:1/oauth2/aisp", RedirectState: "the-state",
		Verifier: oxlin.NewSecret(strings.Repeat("verifier", 8)),
	}
	address, err := banktest.Leave(t.Context(), connector, request)
	if err != nil {
		t.Fatal(err)
	}
	back := b.visit(t, address, login)
	if back.Get("state") != "the-state" {
		t.Errorf("the bank returns the state %q", back.Get("state"))
	}
	access, err := banktest.Redeem(t.Context(), connector, back.Get("code"), request)
	if err != nil {
		t.Fatal(err)
	}
	return access
}

// visit logs in on the bank's pages as the customer of a scenario, and returns the bank's
// answer.
func (b *bench) visit(t *testing.T, address, login string) bank.Return {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	session := hiddenSession.FindStringSubmatch(read(t, response))
	if session == nil {
		t.Fatalf("no login form at %s", address)
	}
	post := func(path string, form url.Values) *http.Response {
		form.Set("session", session[1])
		response, err := browser.PostForm(b.server.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	back := post("/authorize", url.Values{"login": {login}, "password": {"dev"}})
	read(t, back)
	target, err := back.Location()
	if err != nil {
		t.Fatalf("the bank does not send the user back: %v", err)
	}
	answer := bank.Return{Query: target.Query()}
	if target.Fragment != "" {
		answer.Fragment, err = url.ParseQuery(target.EscapedFragment())
		if err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

// sandbox are the REDIRECT definitions of the sandbox, one for each version.
var sandbox = []struct {
	provider   oxlin.ProviderID
	definition oxlin.ChannelDefinitionID
}{{"87", "8701"}, {"119", "redirect1"}}

func TestTheTestBankPassesTheSuite(t *testing.T) {
	for _, entry := range sandbox {
		t.Run(string(entry.provider), func(t *testing.T) {
			b := startBench(t)
			connector := b.connector(t, entry.provider, entry.definition)
			access := b.login(t, connector)
			banktest.Exercise(t, banktest.Subject{
				New:  func() bank.Connector { return b.connector(t, entry.provider, entry.definition) },
				Call: bank.Call{Access: access, PSU: banktest.KnownUser()},
				Lost: bank.Call{Access: bank.Access{Token: oxlin.NewSecret("no-such-token")}},
				From: oxlin.NewDate(2026, 1, 1),
				Seen: b.taken,
				Enter: func(t *testing.T, step bank.Step) bank.Input {
					return bank.Input{Event: bank.Returned, Return: b.visit(t, step.(bank.Address).URL, "dev")}
				},
			})
		})
	}
}

func TestTheTestBankTellsWhatACustomerSees(t *testing.T) {
	for _, entry := range sandbox {
		t.Run(string(entry.provider), func(t *testing.T) {
			b := startBench(t)
			connector := b.connector(t, entry.provider, entry.definition)
			access := b.login(t, connector)
			if want := now.AddDate(0, 0, 90); !access.ConsentUntil.Equal(want) || access.Refreshed {
				t.Errorf("access is %+v, want a consent until %v", access, want)
			}
			attended := bank.Call{Access: access, PSU: &oxlin.PSU{IP: "192.0.2.7"}}
			page, err := connector.Accounts(t.Context(), attended, "")
			if err != nil {
				t.Fatal(err)
			}
			owner, err := connector.Owner(t.Context(), attended, page)
			if err != nil || owner.Name == "" {
				t.Errorf("owner is %+v, %v", owner, err)
			}
			var checkings, cards []bank.Account
			for _, account := range page.Accounts {
				switch account.Type {
				case oxlin.AccountCheckings:
					checkings = append(checkings, account)
				case oxlin.AccountCreditCard:
					cards = append(cards, account)
				}
			}
			if len(checkings) < 2 || len(cards) < 1 || len(checkings)+len(cards) != len(page.Accounts) {
				t.Fatalf("accounts are %+v", page.Accounts)
			}
			for _, account := range checkings {
				if account.IBAN == "" || account.Number == "" || account.Name == "" {
					t.Errorf("account is %+v", account)
				}
			}
			if card := cards[0]; card.MaskedNumber == "" || card.IBAN != "" || !slices.ContainsFunc(checkings, func(a bank.Account) bool {
				return a.BankID == card.LinkedAddress
			}) {
				t.Errorf("card is %+v", card)
			}
			// The first token gives a whole year, over several pages.
			var rows []bank.Transaction
			pages := 0
			for cursor := ""; ; pages++ {
				read, err := connector.Transactions(t.Context(), attended, checkings[0].Ref(), oxlin.Date{}, cursor)
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, read.Transactions...)
				if read.Next == "" {
					break
				}
				cursor = read.Next
			}
			oldest := slices.MinFunc(rows, func(a, b bank.Transaction) int { return a.Date().Compare(b.Date()) }).Date()
			if len(rows) < 100 || pages < 2 || oldest.DaysSince(oxlin.NewDate(2026, 11, 21)) > -200 {
				t.Errorf("%d rows on %d pages back to %s", len(rows), pages+1, oldest)
			}
			ids := map[string]bool{}
			for _, row := range rows {
				if row.Status == oxlin.StatusBooked && (row.BankID == "" || ids[row.BankID]) {
					t.Errorf("id %q is empty or given twice", row.BankID)
				}
				ids[row.BankID] = true
			}
		})
	}
}

func TestAfterARefreshTheHistoryIsShorter(t *testing.T) {
	b := startBench(t)
	connector := b.connector(t, "87", "8701")
	access := b.login(t, connector)
	renewed, err := connector.Refresh(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Token == access.Token || !renewed.Refreshed || !renewed.ConsentUntil.Equal(access.ConsentUntil) {
		t.Errorf("refreshed access is %+v", renewed)
	}
	_, err = connector.Refresh(t.Context(), access)
	wantKind(t, err, bank.AccessLost, http.StatusBadRequest)

	account := b.firstAccount(t, connector, renewed)
	page, err := connector.Transactions(t.Context(), bank.Call{Access: renewed}, account, oxlin.NewDate(2026, 1, 1), "")
	if err != nil {
		t.Fatal(err)
	}
	if page.CoveredFrom.String() != "2026-08-24" {
		t.Errorf("covered from %s", page.CoveredFrom)
	}
}

func TestAUserWhoTakesLongToConsentGetsTheShorterHistory(t *testing.T) {
	b := startBench(t)
	connector := b.connector(t, "87", "8701")
	access := b.login(t, connector)
	account := b.firstAccount(t, connector, access)
	b.Advance(20 * time.Minute)
	page, err := connector.Transactions(t.Context(), bank.Call{Access: access}, account, oxlin.NewDate(2026, 1, 1), "")
	if err != nil {
		t.Fatal(err)
	}
	if page.CoveredFrom.String() != "2026-08-24" || len(page.Transactions) == 0 {
		t.Errorf("covered from %s with %d rows", page.CoveredFrom, len(page.Transactions))
	}
}

func (b *bench) firstAccount(t *testing.T, connector *stet.Connector, access bank.Access) bank.AccountRef {
	t.Helper()
	page, err := connector.Accounts(t.Context(), bank.Call{Access: access, PSU: &oxlin.PSU{IP: "192.0.2.7"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return page.Accounts[0].Ref()
}

func TestTheFifthUnattendedAccessOfADayIsTooMany(t *testing.T) {
	b := startBench(t)
	connector := b.connector(t, "87", "8701")
	access := b.login(t, connector)
	account := b.firstAccount(t, connector, access)
	for n := range 5 {
		_, err := connector.Balances(t.Context(), bank.Call{Access: access}, account, "")
		if n < 4 {
			if err != nil {
				t.Fatalf("access %d: %v", n+1, err)
			}
			continue
		}
		limited := wantKind(t, err, bank.RateLimited, http.StatusTooManyRequests)
		if limited.RetryAfter <= 0 || limited.RetryAfter > 24*time.Hour {
			t.Errorf("the bank asks us to wait for %v", limited.RetryAfter)
		}
	}
	// With the user present the bank answers.
	_, err := connector.Balances(t.Context(), bank.Call{Access: access, PSU: &oxlin.PSU{IP: "192.0.2.7"}}, account, "")
	if err != nil {
		t.Error(err)
	}
}

func TestAConsentEnds(t *testing.T) {
	endings := map[string]func(t *testing.T, b *bench, connector *stet.Connector, access bank.Access){
		"after its ninety days": func(_ *testing.T, b *bench, _ *stet.Connector, _ bank.Access) {
			b.Advance(91 * 24 * time.Hour)
		},
		"when we revoke it, which may be said twice": func(t *testing.T, _ *bench, connector *stet.Connector, access bank.Access) {
			for range 2 {
				err := connector.Revoke(t.Context(), access)
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			b := startBench(t)
			connector := b.connector(t, "87", "8701")
			access := b.login(t, connector)
			end(t, b, connector, access)
			_, err := connector.Accounts(t.Context(), bank.Call{Access: access}, "")
			if bank.AsFailure(err).Kind != bank.AccessLost {
				t.Errorf("accounts: %v, want %s", err, bank.AccessLost)
			}
			_, err = connector.Refresh(t.Context(), access)
			wantKind(t, err, bank.AccessLost, http.StatusBadRequest)
		})
	}
}

func TestWhatGoesWrongAtTheTestBankIsTyped(t *testing.T) {
	tests := []struct {
		scenario string
		want     bank.FailureKind
	}{
		{"down", bank.Unavailable},
		{"rate_limited", bank.RateLimited},
		{"consent_expired", bank.AccessLost},
		{"garbage-html", bank.Nonsense},
		{"garbage-types", bank.Nonsense},
		{"garbage-truncated", ""},
	}
	for _, entry := range sandbox {
		b := startBench(t)
		connector := b.connector(t, entry.provider, entry.definition)
		for _, test := range tests {
			t.Run(string(entry.provider)+" "+test.scenario, func(t *testing.T) {
				access := b.loginAs(t, connector, "dev+"+test.scenario)
				attended := bank.Call{Access: access, PSU: &oxlin.PSU{IP: "192.0.2.7"}}
				page, err := connector.Accounts(t.Context(), attended, "")
				if test.want == "" {
					// A list that is cut keeps the accounts before the cut, and tells the rest.
					if err != nil || len(page.Accounts) == 0 || len(page.Unreadable) != 1 {
						t.Errorf("%d accounts, %d unreadable, %v", len(page.Accounts), len(page.Unreadable), err)
					}
					return
				}
				if bank.AsFailure(err).Kind != test.want {
					t.Errorf("accounts: %v, want %s", err, test.want)
				}
			})
		}
	}
}

func TestALoopAndMissingReferencesLoseNothing(t *testing.T) {
	for _, entry := range sandbox {
		counts := map[string]int{}
		for _, login := range []string{"dev", "dev+next_loop", "dev+no_references"} {
			b := startBench(t)
			connector := b.connector(t, entry.provider, entry.definition)
			access := b.loginAs(t, connector, login)
			account := b.firstAccount(t, connector, access)
			attended := bank.Call{Access: access, PSU: &oxlin.PSU{IP: "192.0.2.7"}}
			for cursor := ""; ; {
				page, err := connector.Transactions(t.Context(), attended, account, oxlin.Date{}, cursor)
				if err != nil {
					t.Fatal(err)
				}
				counts[login] += len(page.Transactions)
				if page.Next == "" {
					break
				}
				cursor = page.Next
			}
		}
		if counts["dev"] == 0 || counts["dev+next_loop"] != counts["dev"] || counts["dev+no_references"] != counts["dev"] {
			t.Errorf("provider %s: rows by customer: %v", entry.provider, counts)
		}
	}
}

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
