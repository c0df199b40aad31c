package console_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

func TestAConnection(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		for _, was := range []past{
			{oxlin.SyncListAccounts, oxlin.ChannelSuccess, "", 5 * time.Hour, 1500 * time.Millisecond, 0, &oxlin.PSU{IP: "203.0.113.7"}},
			{oxlin.SyncAll, oxlin.ChannelSuccess, "", 4 * time.Hour, 2 * time.Second, 12, nil},
			{oxlin.SyncAll, oxlin.ChannelFailed, "nonsense (HTTP 500) " + hostile, 3 * time.Hour, time.Minute, 0, nil},
			{oxlin.SyncAll, "", "", 2 * time.Hour, time.Second, 0, nil},
			{oxlin.SyncAll, "", "", 30 * time.Minute, 0, 0, nil},
		} {
			w.sync(t, s.channel, was)
		}
		var account oxlin.AccountID
		w.Write(func(tx *store.Tx) (err error) {
			for ago, event := range map[time.Duration]oxlin.EventType{
				6 * time.Hour: oxlin.EventConnectionCreated, 150 * time.Minute: oxlin.SyncAll.FailedEvent(), time.Minute: oxlin.SyncAll.UserInputEvent(),
			} {
				_, err = tx.AppendEvent(t.Context(), oxlin.Event{
					UserID: s.user.ID, Type: event, ChannelDefinition: "8701", At: w.Clock.Now().Add(-ago), Connection: s.connection,
					Payload: oxlin.EventPayload{Widget: &oxlin.WidgetStep{Entry: "widget-question"}},
				})
				if err != nil {
					return err
				}
			}
			// Events of another connection, and of one that does not exist.
			for _, id := range []oxlin.ConnectionID{0, s.connection.ID + 1000} {
				_, err = tx.AppendEvent(t.Context(), oxlin.Event{UserID: s.user.ID, Type: oxlin.EventConnectionDeleted, At: w.Clock.Now(), Connection: oxlin.Connection{ID: id}})
				if err != nil {
					return err
				}
			}
			account, err = tx.InsertAccount(t.Context(), oxlin.Account{
				UserID: s.user.ID, ConnectionID: s.connection.ID, Name: "Compte " + hostile, Type: oxlin.AccountCheckings, Status: oxlin.AccountActive,
				Currency: "EUR", IBAN: "FR7630006000011234567890189", OwnerName: "Marie Curie", CreatedAt: w.Clock.Now(),
			})
			if err != nil {
				return err
			}
			given := time.Date(2026, 11, 17, 8, 0, 0, 0, time.UTC)
			for _, consent := range []oxlin.Consent{{AllAccounts: true}, {Accounts: []oxlin.AccountID{account}}} {
				consent.UserID, consent.ConnectionID, consent.ChannelID = s.user.ID, s.connection.ID, s.channel
				consent.Text.Version, consent.GivenAt, consent.ValidUntil = "2026-11", given, given.AddDate(0, 6, 0)
				err = tx.InsertConsent(t.Context(), consent)
				if err != nil {
					return err
				}
			}
			return nil
		})
		p := w.get(t, s.connectionPath)
		if p.StatusCode != http.StatusOK || p.words("h1") != s.connection.Name+", connection "+s.connection.ID.String() {
			t.Fatalf("got %d %s", p.StatusCode, p.text)
		}
		if href := p.html.Find("main > p a").AttrOr("href", ""); href != s.userPath {
			t.Errorf("the user is at %s", href)
		}
		// The channel in use, and the bank's other channel.
		channels := rows(p.section("Channels"))
		slices.SortFunc(channels, func(a, b []string) int { return strings.Compare(b[0], a[0]) })
		if diff := fmt.Sprint(channels); diff != "[[8701 REDIRECT SUCCESS 2026-11-17 09:30:00 2026-11-19 09:30:00 2027-05-16 09:30:00] [8700 EMBEDDED EMPTY – – –]]" {
			t.Errorf("channels %s", diff)
		}
		// The newest comes first, synchronisations and events together.
		want := []string{
			"2026-11-18 09:29:00 8701 SYNC_ALL_USER_INPUT_REQUESTED",
			"2026-11-18 09:00:00 8701 SYNC_ALL user absent RUNNING",
			"2026-11-18 07:30:00 8701 SYNC_ALL user absent replaced 1s",
			"2026-11-18 07:00:00 8701 SYNC_ALL_FAILED",
			"2026-11-18 06:30:00 8701 SYNC_ALL user absent FAILED nonsense (HTTP 500) " + hostile + " 1m0s",
			"2026-11-18 05:30:00 8701 SYNC_ALL user absent SUCCESS 2s, 12 new transactions",
			"2026-11-18 04:30:00 8701 LIST_ACCOUNTS user present SUCCESS 1.5s",
			"2026-11-18 03:30:00 8701 CONNECTION_CREATED",
		}
		var got []string
		for _, line := range p.html.Find(".timeline li").EachIter() {
			got = append(got, words(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the history is:\n%s", strings.Join(got, "\n"))
		}
		if good, bad := p.html.Find(".timeline .good").Length(), p.html.Find(".timeline .bad").Length(); good != 2 || bad != 1 {
			t.Errorf("%d good, %d bad", good, bad)
		}
		consents := rows(p.section("Consents"))
		wantConsents := [][]string{
			{"2026-11-17 08:00:00", "2027-05-17 08:00:00", "all, present and future", "2026-11"},
			{"2026-11-17 08:00:00", "2027-05-17 08:00:00", account.String(), "2026-11"},
		}
		slices.SortFunc(consents, func(a, b []string) int { return strings.Compare(b[2], a[2]) })
		if fmt.Sprint(consents) != fmt.Sprint(wantConsents) {
			t.Errorf("consents %v", consents)
		}
		if heading := words(p.section("Balances").Find("h3")); heading != "Compte "+hostile+" CHECKINGS, ACTIVE" {
			t.Errorf("the account is %q", heading)
		}
	})
}

func TestAConnectionToWhichNothingHappened(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	s := w.seed(t)
	p := w.get(t, s.connectionPath)
	for heading, want := range map[string]string{"History": "No events yet.", "Balances": "No accounts.", "Consents": "No consents."} {
		if got := words(p.section(heading).Find("p")); got != want {
			t.Errorf("%s: %q", heading, got)
		}
	}
}

func TestATimelineHasAnEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		w.Write(func(tx *store.Tx) error {
			for n := range 101 {
				_, err := tx.AppendEvent(t.Context(), oxlin.Event{
					UserID: s.user.ID, Type: oxlin.EventConnectionUpdated, At: w.Clock.Now().Add(time.Duration(n-200) * time.Second), Connection: s.connection,
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		for n := range 51 {
			w.sync(t, s.channel, past{oxlin.SyncAll, oxlin.ChannelSuccess, "", time.Duration(100-n) * time.Hour, time.Second, 0, nil})
		}
		p := w.get(t, s.connectionPath)
		if events, syncs := p.html.Find(".timeline .event").Length(), p.html.Find(".timeline .sync").Length(); events != 100 || syncs != 50 {
			t.Errorf("%d events, %d synchronisations", events, syncs)
		}
		if oldest := words(p.html.Find(".timeline time").Last()); oldest != "2026-11-14 06:30:00" {
			t.Errorf("the oldest is of %s", oldest)
		}
	})
}

// booked is a transaction some days before the balance was read.
type booked struct {
	ago    int
	amount string
	status oxlin.TransactionStatus
}

func TestBalancesAreDrawn(t *testing.T) {
	rows := []struct {
		fact     string
		kind     oxlin.AccountType
		balance  string
		never    bool
		expected bool
		bookings []booked
		words    string
		line     string
		zero     string
	}{
		{
			fact: "no balance was read", never: true, bookings: []booked{{3, "5", ""}},
			words: "No balance has been read yet.",
		},
		{fact: "a card is settled elsewhere", kind: oxlin.AccountCreditCard, balance: "-60", bookings: []booked{{9, "-40", ""}, {3, "-60", ""}}, words: "-60.00 EUR on 2026-11-18."},
		{fact: "nothing was booked", balance: "760.1", words: "760.10 EUR on 2026-11-18."},
		{fact: "all was booked on the day", balance: "-4", bookings: []booked{{0, "-10", ""}, {0, "2", ""}}, words: "-4.00 EUR on 2026-11-18."},
		{
			fact: "a balance stands until the next booking", balance: "100",
			bookings: []booked{{10, "50", ""}, {5, "-20", ""}},
			words:    "100.00 EUR on 2026-11-18. Since 2026-11-08: lowest 100.00 EUR, highest 120.00 EUR.",
			line:     "0,10 500,10 500,190 1000,190 1000,190",
		},
		{
			fact: "bookings of one day are one step, whatever their order", balance: "0",
			bookings: []booked{{4, "1", ""}, {2, "-30", ""}, {2, "10", ""}, {0, "-80", ""}},
			words:    "0.00 EUR on 2026-11-18. Since 2026-11-14: lowest 0.00 EUR, highest 100.00 EUR.",
			line:     "0,10 500,10 500,46 1000,46 1000,190",
		},
		{
			fact: "equal balances are a line in the middle", balance: "12.345", bookings: []booked{{8, "9", ""}, {4, "0", ""}},
			words: "12.345 EUR on 2026-11-18. Since 2026-11-10: lowest 12.345 EUR, highest 12.345 EUR.",
			line:  "0,100 500,100 500,100 1000,100 1000,100",
		},
		{
			fact: "below nothing and above there is a line at nothing", balance: "-100",
			bookings: []booked{{2, "1", ""}, {1, "-200", ""}},
			words:    "-100.00 EUR on 2026-11-18. Since 2026-11-16: lowest -100.00 EUR, highest 100.00 EUR.",
			line:     "0,10 500,10 500,190 1000,190 1000,190", zero: "100",
		},
		{
			fact: "all below nothing", balance: "-5", bookings: []booked{{2, "1", ""}, {1, "5", ""}},
			words: "-5.00 EUR on 2026-11-18. Since 2026-11-16: lowest -10.00 EUR, highest -5.00 EUR.",
			line:  "0,190 500,190 500,10 1000,10 1000,10",
		},
		{
			fact: "only what is booked counts, of the last year, and what the balance knows of", balance: "100",
			bookings: []booked{
				{2, "7", ""}, {1, "-20", ""}, {1, "1000", oxlin.StatusPending}, {-1, "-3000", ""}, {366, "500", ""},
			},
			words: "100.00 EUR on 2026-11-18. Since 2026-11-16: lowest 100.00 EUR, highest 120.00 EUR.",
			line:  "0,10 500,10 500,190 1000,190 1000,190",
		},
		{
			fact: "a balance that counts what is pending does so on its day alone", balance: "80", expected: true,
			bookings: []booked{{10, "50", ""}, {5, "-20", ""}, {1, "-30", oxlin.StatusPending}, {-3, "10", oxlin.StatusPending}},
			words:    "80.00 EUR on 2026-11-18. Since 2026-11-08: lowest 80.00 EUR, highest 120.00 EUR.",
			line:     "0,10 500,10 500,100 1000,100 1000,190",
		},
		{
			fact: "the longest chart", balance: "1", bookings: []booked{{365, "1", ""}},
			words: "1.00 EUR on 2026-11-18. Since 2025-11-18: lowest 1.00 EUR, highest 1.00 EUR.",
			line:  "0,100 1000,100 1000,100",
		},
	}
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		w.Write(func(tx *store.Tx) error {
			for _, row := range rows {
				err := insertAccount(t.Context(), tx, s, w.Clock.Now(), oxlin.Account{
					Name: row.fact, Type: cmp.Or(row.kind, oxlin.AccountCheckings), BalanceExpected: row.expected,
				}, row.balance, row.never, row.bookings)
				if err != nil {
					return err
				}
			}
			return nil
		})
		charts := map[string]*goquery.Selection{}
		for _, heading := range w.get(t, s.connectionPath).section("Balances").Find("h3").EachIter() {
			name, _, _ := strings.Cut(words(heading), " C")
			charts[name] = heading.Next()
		}
		for _, row := range rows {
			drawn, ok := charts[row.fact]
			if !ok {
				t.Fatalf("%s: nothing is drawn", row.fact)
			}
			if got := words(drawn); got != row.words {
				t.Errorf("%s: %q", row.fact, got)
			}
			svg := drawn.Find("svg")
			if got := svg.Find("polyline").AttrOr("points", ""); got != row.line || (svg.AttrOr("viewbox", svg.AttrOr("viewBox", "")) == "0 0 1000 200") != (row.line != "") {
				t.Errorf("%s: the line is %q", row.fact, got)
			}
			if got := svg.Find("line").AttrOr("y1", ""); got != row.zero || got != svg.Find("line").AttrOr("y2", "") {
				t.Errorf("%s: the zero line is at %q", row.fact, got)
			}
		}
	})
}

// An account without a name at its bank has the one that clients see.
func TestAnAccountWithoutAName(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		w.Write(func(tx *store.Tx) error {
			return insertAccount(t.Context(), tx, s, w.Clock.Now(), oxlin.Account{Type: oxlin.AccountSavings, IBAN: "DE89370400440532013000"}, "", true, nil)
		})
		if got := words(w.get(t, s.connectionPath).section("Balances").Find("h3").Last()); got != "Compte épargne 3000 SAVINGS, ACTIVE" {
			t.Errorf("it is headed %q", got)
		}
	})
}

func insertAccount(ctx context.Context, tx *store.Tx, s *seeded, now time.Time, account oxlin.Account, balance string, never bool, bookings []booked) error {
	account.UserID, account.ConnectionID, account.Status = s.user.ID, s.connection.ID, oxlin.AccountActive
	account.Currency, account.BalanceAt, account.CreatedAt = "EUR", now, now
	amount, err := oxlin.ParseAmount(balance)
	if err != nil && !never {
		return err
	}
	account.Balance = &amount
	if never {
		account.Balance, account.BalanceAt = nil, time.Time{}
	}
	account.ID, err = tx.InsertAccount(ctx, account)
	if err != nil {
		return err
	}
	var records []store.TransactionRecord
	for n, b := range bookings {
		amount, err := oxlin.ParseAmount(b.amount)
		if err != nil {
			return err
		}
		if b.status == "" {
			b.status = oxlin.StatusBooked
		}
		records = append(records, store.TransactionRecord{
			Transaction: oxlin.Transaction{
				AccountID: account.ID, Amount: amount, Currency: "EUR", Type: oxlin.TypeDebit, Status: b.status, Origin: oxlin.OriginTransaction,
				Category: oxlin.Uncategorized, Date: oxlin.DateIn(now, oxlin.Paris).AddDays(-b.ago), Label: fmt.Sprintf("SALAIRE %d", n),
			},
			Raw: []byte("SALAIRE"),
		})
	}
	return tx.InsertTransactions(ctx, s.user.ID, records, now)
}
