package synchro_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
)

// failing are answers by which a bank refuses, or gives nothing.
var failing = map[string]func() *http.Response{
	"not found":       func() *http.Response { return spoken(http.StatusNotFound, map[string]any{}) },
	"forbidden":       func() *http.Response { return spoken(http.StatusForbidden, map[string]any{}) },
	"too many":        func() *http.Response { return spoken(http.StatusTooManyRequests, map[string]any{}) },
	"a fault":         func() *http.Response { return spoken(http.StatusInternalServerError, map[string]any{}) },
	"another form":    func() *http.Response { return spoken(http.StatusOK, []string{"x"}) },
	"a bad request":   func() *http.Response { return spoken(http.StatusBadRequest, map[string]any{}) },
	"no authenticity": func() *http.Response { return spoken(http.StatusMethodNotAllowed, "x") },
}

// A balance that the bank does not give costs the balance alone.
func TestABalanceThatIsAbsentCostsNoRow(t *testing.T) {
	answers := map[string]func() *http.Response{
		"no content": func() *http.Response { return spoken(http.StatusNoContent, nil) },
		"no balance": func() *http.Response { return spoken(http.StatusOK, map[string]any{"balances": []any{}}) },
		"no amount": func() *http.Response {
			return spoken(http.StatusOK, map[string]any{"balances": []any{map[string]any{"balanceType": "CLBD"}}})
		},
		"two readings": func() *http.Response {
			return spoken(http.StatusOK, map[string]any{"balances": []any{map[string]any{
				"balanceType": "CLBD", "balanceAmount": map[string]any{"currency": "EUR", "amount": "1,234"},
			}}})
		},
	}
	for name, answer := range failing {
		answers[name] = answer
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a")
			b.history("a", 3)
			refuse := func(r asked) *http.Response {
				if r.what == "balances" {
					return answer()
				}
				return nil
			}
			b.refuse = refuse
			id := b.begin()
			if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
				t.Errorf("the channel is %s", got)
			}
			if balance, ok := b.account("a").ShownBalance(); ok {
				t.Errorf("a balance of %s is shown", balance)
			}
			if got := b.account("a").Status; got != oxlin.AccountActive || len(b.labels("a")) != 3 {
				t.Errorf("the account is %s with the rows %v", got, b.labels("a"))
			}
			b.refuse = nil
			b.synchronize(id)
			before := b.account("a")
			if balance, ok := before.ShownBalance(); !ok || balance.String() != "10" {
				t.Fatalf("the balance that the bank gives is %s, %t", balance, ok)
			}
			b.refuse = refuse
			b.Clock.Advance(time.Hour)
			b.synchronize(id)
			after := b.account("a")
			if got, ok := after.ShownBalance(); !ok || got != *before.Balance || !after.BalanceAt.Equal(before.BalanceAt) {
				t.Errorf("the last balance %s of %s became %s of %s", before.Balance, before.BalanceAt, got, after.BalanceAt)
			}
		})
	}
}

// A refusal in the middle of the pages keeps the pages before it.
func TestTheRowsBeforeARefusalAreKept(t *testing.T) {
	for name, answer := range failing {
		for _, order := range []string{"the newest first", "the oldest first"} {
			t.Run(name+", "+order, func(t *testing.T) {
				b := newScripted(t, "a", "b")
				b.pageSize = 10
				b.history("a", 50)
				b.history("b", 2)
				if order == "the oldest first" {
					slices.Reverse(b.rows["a"])
				}
				all := slices.Clone(b.rows["a"])
				b.refuse = func(r asked) *http.Response {
					if r.account == "a" && r.what == "transactions" && r.page == 3 {
						return answer()
					}
					return nil
				}
				id := b.begin()
				if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Errorf("the channel is %s", got)
				}
				account := b.account("a")
				if covered := account.Coverage; account.Status != oxlin.AccountActive || covered.Complete ||
					covered.Gap != oxlin.GapRefused || covered.From.IsZero() {
					t.Errorf("the account is %s with %+v", account.Status, covered)
				}
				if got := len(b.labels("a")); got != 30 {
					t.Errorf("%d rows are stored, want the 30 before the refusal", got)
				}
				if got := b.account("b"); got.Status != oxlin.AccountActive || !got.Coverage.Complete {
					t.Errorf("the other account is %s with %+v", got.Status, got.Coverage)
				}
				// When the bank answers again, every row is stored once.
				b.refuse = nil
				for range 2 {
					b.Clock.Advance(24 * time.Hour)
					b.synchronize(id)
				}
				b.rows["a"] = all
				if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				if covered := b.account("a").Coverage; !covered.Complete || covered.Gap != "" {
					t.Errorf("at the end: %+v", covered)
				}
			})
		}
	}
}

// A bank that allows few calls a day is asked for the newest days first.
func TestABankThatBearsThreePagesADay(t *testing.T) {
	b := newScripted(t, "a")
	b.pageSize = 3
	b.history("a", 9)
	left := 3
	b.refuse = func(r asked) *http.Response {
		if r.what != "transactions" {
			return nil
		}
		left--
		if left < 0 {
			return failing["too many"]()
		}
		return nil
	}
	id := b.begin()
	for range 12 {
		b.Clock.Advance(24 * time.Hour)
		today := b.day(0).String()
		b.rows["a"] = append([]map[string]any{scriptedRow(today, "SHOP "+today)}, b.rows["a"]...)
		left = 3
		b.synchronize(id)
		if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
			t.Fatalf("the channel is %s", got)
		}
		if diff := cmp.Diff(b.written("a"), b.labels("a")); diff != "" {
			t.Fatalf("rows on %s (-want +got):\n%s", today, diff)
		}
	}
}

// One account that the bank refuses costs that account alone.
func TestOneAccountThatIsRefused(t *testing.T) {
	for name, answer := range failing {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t, "a", "b", "c")
			for _, account := range b.accounts {
				b.history(account, 2)
			}
			b.refuse = func(r asked) *http.Response {
				if r.account == "b" && r.what == "transactions" {
					return answer()
				}
				return nil
			}
			id := b.begin()
			for range 2 {
				if got := b.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Errorf("the channel is %s", got)
				}
				for account, want := range map[string]oxlin.AccountStatus{"a": oxlin.AccountActive, "b": oxlin.AccountError, "c": oxlin.AccountActive} {
					got := b.account(account)
					if got.Status != want || got.Coverage.Complete != (want == oxlin.AccountActive) {
						t.Errorf("account %s is %s with %+v", account, got.Status, got.Coverage)
					}
				}
				if _, ok := b.account("b").ShownBalance(); ok {
					t.Error("an account that was never read shows a balance")
				}
				b.synchronize(id)
			}
		})
	}
}

// After one account's limit the next account is tried. A second limit in a row is the
// bank's, and ends the run.
func TestALimitOfTheBankEndsTheRun(t *testing.T) {
	tests := []struct {
		name    string
		limited []string
		tried   []string
		channel oxlin.ChannelStatus
	}{
		{"not in a row", []string{"a", "c"}, []string{"a", "b", "c", "d"}, oxlin.ChannelSuccess},
		{"in a row", []string{"b", "c"}, []string{"a", "b", "c"}, oxlin.ChannelSuccess},
		{"from the first", []string{"a", "b"}, []string{"a", "b"}, oxlin.ChannelFailed},
		{"the last two", []string{"c", "d"}, []string{"a", "b", "c", "d"}, oxlin.ChannelSuccess},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newScripted(t, "a", "b", "c", "d")
			for _, account := range b.accounts {
				b.history(account, 2)
			}
			b.refuse = func(r asked) *http.Response {
				if r.what == "transactions" && slices.Contains(test.limited, r.account) {
					return failing["too many"]()
				}
				return nil
			}
			id := b.begin()
			if got := b.channel(id).Status; got != test.channel {
				t.Errorf("the channel is %s, want %s", got, test.channel)
			}
			var tried []string
			for _, r := range b.asked {
				if r.what == "transactions" {
					tried = append(tried, r.account)
				}
			}
			if diff := cmp.Diff(test.tried, tried); diff != "" {
				t.Errorf("accounts that were tried (-want +got):\n%s", diff)
			}
		})
	}
}

// An account of which the bank gives a balance in another currency keeps its own, and stays
// one account.
func TestABalanceInAnotherCurrencyIsNotTheAccounts(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 3)
	b.refuse = func(r asked) *http.Response {
		if r.what != "balances" {
			return nil
		}
		return spoken(http.StatusOK, map[string]any{"balances": []any{map[string]any{
			"balanceType": "CLBD", "balanceAmount": map[string]any{"currency": "USD", "amount": "7.00"},
		}}})
	}
	id := b.begin()
	b.synchronize(id)
	accounts := b.world.accounts()
	if len(accounts) != 1 || accounts[0].Currency != "EUR" || accounts[0].Balance != nil {
		t.Fatalf("%d accounts, the first is in %s with %v", len(accounts), accounts[0].Currency, accounts[0].Balance)
	}
	if told := accounts[0].Balances; len(told) != 1 || told[0].Currency != "USD" || told[0].Amount.String() != "7" {
		t.Errorf("the bank's balances are %+v", told)
	}
}

// TestTheCurrencyThatTheBankNames reads an account of which the bank's list names no
// currency: it has that of its balance, else of its rows, else of the bank's data.
func TestTheCurrencyThatTheBankNames(t *testing.T) {
	for _, test := range []struct{ name, balance, row, want, wantRow string }{
		{"with the balance", "GBP", "", "GBP", "GBP"},
		{"with the balance, not the row", "GBP", "USD", "GBP", "USD"},
		{"with the rows", "", "USD", "USD", "USD"},
		{"nowhere", "", "", "EUR", "EUR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newScripted(t, "a")
			amount := func(value, currency string) map[string]any {
				return map[string]any{"amount": value, "currency": currency}
			}
			b.refuse = func(r asked) *http.Response {
				switch r.what {
				case "accounts":
					return spoken(http.StatusOK, map[string]any{"accounts": map[string]any{"resourceId": "a", "name": "A", "cashAccountType": "CACC"}})
				case "balances":
					return spoken(http.StatusOK, map[string]any{"balances": map[string]any{"balanceType": "CLBD", "balanceAmount": amount("7.00", test.balance)}})
				}
				return nil
			}
			for n := range 3 {
				row := scriptedRow(b.day(-n).String(), "SHOP "+strconv.Itoa(n))
				row["transactionAmount"] = amount("1.00", test.row)
				b.rows["a"] = append(b.rows["a"], row)
			}
			id := b.begin()
			for range 2 {
				b.synchronize(id)
				accounts := b.world.accounts()
				if len(accounts) != 1 || accounts[0].Currency != test.want || accounts[0].Balance == nil || accounts[0].Balances[0].Currency != test.want {
					t.Fatalf("%+v", accounts)
				}
				rows := b.transactions()
				if len(rows) != 3 || slices.ContainsFunc(rows, func(row oxlin.Transaction) bool { return row.Currency != test.wantRow }) {
					t.Errorf("%d rows, the first in %s", len(rows), rows[0].Currency)
				}
				b.Clock.Advance(25 * time.Hour)
			}
		})
	}
}

// TestABetterWordCorrectsTheCurrency reads an account whose currency the bank names nowhere at
// first, so that it has that of the bank's data.
func TestABetterWordCorrectsTheCurrency(t *testing.T) {
	type words struct{ list, balance, rows string }
	for _, test := range []struct {
		name    string
		first   words
		later   []words
		want    string
		wantRow string
		word    oxlin.CurrencyWord
		changed bool
	}{
		{"of the balance", words{}, []words{{balance: "USD"}}, "USD", "USD", oxlin.CurrencyOfBalance, true},
		{"of the rows", words{}, []words{{rows: "USD"}}, "USD", "USD", oxlin.CurrencyOfRows, true},
		{"of the list", words{}, []words{{list: "USD"}}, "USD", "USD", oxlin.CurrencyOfList, true},
		{"of the balance, and the rows name another", words{}, []words{{balance: "USD", rows: "GBP"}}, "USD", "GBP", oxlin.CurrencyOfBalance, true},
		{"that is the same", words{}, []words{{list: "EUR"}}, "EUR", "EUR", oxlin.CurrencyOfList, false},
		{"of the rows, then of the balance", words{}, []words{{rows: "USD"}, {balance: "GBP", rows: "USD"}}, "GBP", "USD", oxlin.CurrencyOfBalance, true},
		{"of the balance, then of the list", words{balance: "USD"}, []words{{list: "GBP", rows: "GBP"}}, "GBP", "GBP", oxlin.CurrencyOfList, true},
		{"that is no better", words{balance: "USD"}, []words{{balance: "GBP"}}, "USD", "USD", oxlin.CurrencyOfBalance, false},
		{"that is worse", words{list: "USD"}, []words{{balance: "GBP"}}, "USD", "USD", oxlin.CurrencyOfList, false},
		{"that comes and goes", words{}, []words{{balance: "USD"}, {}, {rows: "USD"}, {}}, "USD", "USD", oxlin.CurrencyOfBalance, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newScripted(t, "a")
			told := test.first
			named := func(value, currency string) map[string]any {
				amount := map[string]any{"amount": value}
				if currency != "" {
					amount["currency"] = currency
				}
				return amount
			}
			b.refuse = func(r asked) *http.Response {
				switch r.what {
				case "accounts":
					account := map[string]any{"resourceId": "a", "name": "A", "cashAccountType": "CACC"}
					if told.list != "" {
						account["accountId"] = map[string]any{"currency": told.list}
					}
					return spoken(http.StatusOK, map[string]any{"accounts": []any{account}})
				case "balances":
					return spoken(http.StatusOK, map[string]any{"balances": []any{map[string]any{
						"balanceType": "CLBD", "balanceAmount": named("7.00", told.balance), "referenceDate": b.day(0).String(),
					}}})
				}
				return nil
			}
			write := func() {
				b.rows["a"] = nil
				for n := range 3 {
					label := "SHOP " + strconv.Itoa(n)
					row := scriptedRow(oxlin.NewDate(2026, 1, 1).String(), label)
					row["bookingDate"], row["transactionAmount"] = b.day(-n).String(), named("1.00", told.rows)
					delete(row, "entryReference")
					b.rows["a"] = append(b.rows["a"], row)
				}
			}
			write()
			id := b.begin()
			ids := map[oxlin.TransactionID]bool{}
			for _, row := range b.transactions() {
				ids[row.ID] = true
			}
			for _, told = range test.later {
				for _, row := range b.rows["a"] {
					row["transactionAmount"] = named("1.00", told.rows)
				}
				b.synchronize(id)
				b.synchronize(id)
			}
			accounts := b.world.accounts()
			if len(accounts) != 1 || accounts[0].Currency != test.want || accounts[0].CurrencyWord != test.word || accounts[0].Status != oxlin.AccountActive {
				t.Fatalf("the accounts are %+v", accounts)
			}
			rows := b.transactions()
			for _, row := range rows {
				if !ids[row.ID] || row.Currency != test.wantRow || row.Status != oxlin.StatusBooked {
					t.Errorf("%s: row %v in %s is %s", row.Label, row.ID, row.Currency, row.Status)
				}
			}
			if len(rows) != 3 {
				t.Errorf("%d rows of 3", len(rows))
			}
			for _, balance := range accounts[0].Balances {
				if balance.Currency != test.want {
					t.Errorf("a balance is in %s", balance.Currency)
				}
			}
			if got := slices.Contains(b.eventTypes(), oxlin.EventConnectionUpdated); got != test.changed {
				t.Errorf("the connection was updated: %t", got)
			}
		})
	}
}

// After a refusal of the first page, the next reading finds a row that the bank has booked late
// meanwhile.
func TestALateRowIsFoundAfterAnAccountWasRefused(t *testing.T) {
	for refusal, answer := range failing {
		t.Run(refusal, func(t *testing.T) {
			b := newScripted(t, "a", "b")
			b.history("a", 10)
			b.history("b", 10)
			id := b.begin()
			b.refuse = func(r asked) *http.Response {
				if r.account == "a" && r.what == "transactions" {
					return answer()
				}
				return nil
			}
			b.Clock.Advance(24 * time.Hour)
			b.synchronize(id)
			b.work()
			if a := b.account("a"); a.Status != oxlin.AccountError {
				t.Fatalf("the account is %s", a.Status)
			}
			b.refuse = nil
			late := b.day(-3).String()
			b.rows["a"] = append(b.rows["a"], scriptedRow(late, "LATE "+late))
			b.Clock.Advance(24 * time.Hour)
			b.synchronize(id)
			b.work()
			if a := b.account("a"); !slices.Contains(b.labels("a"), "LATE "+late) || !a.Coverage.Complete {
				t.Errorf("%+v has %v", a.Coverage, b.labels("a"))
			}
		})
	}
}
