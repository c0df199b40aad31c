package synchro_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
)

// told is a balance in the bank's form.
func told(kind, amount, currency, day string) map[string]any {
	b := map[string]any{"balanceType": kind, "balanceAmount": map[string]any{"currency": currency, "amount": amount}}
	if day != "" {
		b["referenceDate"] = day
	}
	return b
}

func TestAReadingKeepsTheBalanceOfItsDay(t *testing.T) {
	yesterday := func(b *scripted) string { return b.day(-1).String() }
	for fact, row := range map[string]struct {
		balances func(b *scripted) []any
		// day is the day of the kept balance, counted from today.
		day      int
		amount   string
		currency string
	}{
		"of today":            {func(b *scripted) []any { return []any{told("CLBD", "10.00", "EUR", b.day(0).String())} }, 0, "10", "EUR"},
		"of yesterday":        {func(b *scripted) []any { return []any{told("CLBD", "10.00", "EUR", yesterday(b))} }, -1, "10", "EUR"},
		"without a day":       {func(*scripted) []any { return []any{told("CLBD", "-3.50", "EUR", "")} }, 0, "-3.5", "EUR"},
		"in another currency": {func(b *scripted) []any { return []any{told("CLBD", "10.00", "USD", yesterday(b))} }, -1, "10", "USD"},
		"beside an expected one": {func(b *scripted) []any {
			return []any{told("XPCD", "9.00", "EUR", yesterday(b)), told("CLBD", "10.00", "EUR", yesterday(b))}
		}, -1, "10", "EUR"},
		"twice the same": {func(b *scripted) []any {
			return []any{told("CLBD", "10.00", "EUR", yesterday(b)), told("CLBD", "10.00", "EUR", yesterday(b))}
		}, -1, "10", "EUR"},
		"two different ones": {func(b *scripted) []any {
			return []any{told("CLBD", "10.00", "EUR", yesterday(b)), told("CLBD", "11.00", "EUR", yesterday(b))}
		}, 0, "", ""},
		"one of yesterday and one of today": {func(b *scripted) []any {
			return []any{told("ITBD", "9.00", "EUR", b.day(0).String()), told("CLBD", "10.00", "EUR", yesterday(b))}
		}, 0, "9", "EUR"},
		"one of yesterday and one without a day": {func(b *scripted) []any {
			return []any{told("CLBD", "10.00", "EUR", yesterday(b)), told("ITBD", "9.00", "EUR", "")}
		}, 0, "9", "EUR"},
		"one of yesterday and one of a day to come": {func(b *scripted) []any {
			return []any{told("CLBD", "10.00", "EUR", yesterday(b)), told("ITBD", "9.00", "EUR", b.day(1).String())}
		}, -1, "10", "EUR"},
		"two different ones of today, and one of yesterday": {func(b *scripted) []any {
			return []any{told("CLBD", "10.00", "EUR", b.day(0).String()), told("CLBD", "11.00", "EUR", yesterday(b)), told("ITBD", "9.00", "EUR", "")}
		}, 0, "", ""},
		"expected alone":   {func(b *scripted) []any { return []any{told("XPCD", "9.00", "EUR", yesterday(b))} }, 0, "", ""},
		"of a day to come": {func(b *scripted) []any { return []any{told("CLBD", "10.00", "EUR", b.day(2).String())} }, 0, "", ""},
		"of long ago":      {func(b *scripted) []any { return []any{told("CLBD", "10.00", "EUR", b.day(-401).String())} }, 0, "", ""},
		"unreadable":       {func(b *scripted) []any { return []any{told("CLBD", "1,234", "EUR", yesterday(b))} }, 0, "", ""},
		"none":             {func(*scripted) []any { return []any{} }, 0, "", ""},
	} {
		t.Run(fact, func(t *testing.T) {
			b := newScripted(t, "a")
			b.history("a", 3)
			b.refuse = func(ask asked) *http.Response {
				if ask.what != "balances" {
					return nil
				}
				return spoken(http.StatusOK, map[string]any{"balances": row.balances(b)})
			}
			b.begin()
			got, err := b.DB.Read().DayBalances(t.Context(), b.account("a").ID)
			if err != nil {
				t.Fatal(err)
			}
			var want []store.DayBalance
			if row.amount != "" {
				amount, err := oxlin.ParseAmount(row.amount)
				if err != nil {
					t.Fatal(err)
				}
				want = []store.DayBalance{{Day: b.day(row.day), Amount: amount, Currency: row.currency, ReadAt: b.Clock.Now()}}
			}
			for i := range got {
				if age := b.Clock.Now().Sub(got[i].ReadAt); age < 0 || age > time.Hour {
					t.Errorf("read %s ago", age)
				}
				got[i].ReadAt = b.Clock.Now()
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestARowBetweenBalanceAndRowsIsNoGap books a row each day between the two requests of a
// reading. No day has a gap, neither then nor after the next readings.
func TestARowBetweenBalanceAndRowsIsNoGap(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 3)
	balance, races, missing := 100, true, false
	euros := func(n int) string { return oxlin.Amount(n * 100_000).String() }
	b.refuse = func(ask asked) *http.Response {
		if ask.what != "balances" {
			return nil
		}
		answer := spoken(http.StatusOK, map[string]any{"balances": []any{told("CLBD", euros(balance), "EUR", b.day(0).String())}})
		if races {
			day := b.day(0).String()
			b.rows["a"] = append([]map[string]any{scriptedRow(day, "LATE "+day)}, b.rows["a"]...)
			balance--
		}
		if missing {
			balance -= 7
			missing = false
		}
		return answer
	}
	check := func() connect.BalanceCheck {
		got, err := b.Service.Accounts.BalanceCheck(t.Context(), b.caller, b.account("a").ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	id := b.begin()
	for day := range 6 {
		b.Clock.Advance(24 * time.Hour)
		races = day%2 == 0
		missing = day == 3
		b.synchronize(id)
		got := check()
		if day <= 4 && (got.Gap != nil || got.Status == connect.CheckGap) {
			t.Errorf("on day %d %+v", day, got)
		}
	}
	b.Clock.Advance(24 * time.Hour)
	b.synchronize(id)
	got := check()
	if got.Status != connect.CheckGap || *got.Gap != -700_000 {
		t.Fatalf("%+v", got)
	}
	for i, days := range got.Days {
		// The first balance may have included the row of its own day.
		if gap := i == 4; gap != (days.Status == connect.CheckGap) || i > 0 && days.Status == connect.CheckUnknown {
			t.Errorf("interval %d: %+v", i, days)
		}
	}
}
