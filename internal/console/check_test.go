package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// TestTheCheckOfBalancesIsDrawn shows the result as a text and as a strip whose heights
// differ, so that it needs no colour.
func TestTheCheckOfBalancesIsDrawn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		now := w.Clock.Now()
		today := oxlin.DateIn(now, oxlin.Paris)
		type told struct {
			ago    int
			amount oxlin.Amount
		}
		const euro = 100_000
		accounts := []struct {
			fact     string
			kind     oxlin.AccountType
			balances []told
			rows     []booked
			// incomplete: no complete reading was made.
			incomplete bool
			sentence   string
			days       []string
			heights    string
		}{
			{fact: "no balances", sentence: "Check of balances: unknown, fewer than two days have a booked balance."},
			{fact: "a card", kind: oxlin.AccountCreditCard, sentence: "Check of balances: unknown, a card is settled on another account."},
			{
				fact: "all rows are there", balances: []told{{5, 10 * euro}, {4, 8 * euro}, {2, 8 * euro}}, rows: []booked{{4, "-2", ""}},
				sentence: "Check of balances: ok.", days: []string{"2026-11-13 to 2026-11-16: ok, balances and transactions agree"}, heights: "3",
			},
			{
				fact: "rows are missing", balances: []told{{9, 10 * euro}, {8, 10 * euro}, {7, 8 * euro}, {6, 8 * euro}, {5, 13 * euro / 2}},
				rows: []booked{{5, "0.5", ""}}, sentence: "Check of balances: gap, the transactions lack -4.00 EUR.",
				days: []string{
					"2026-11-12 to 2026-11-13: gap, the transactions lack -2.00 EUR",
					"2026-11-11 to 2026-11-12: ok, balances and transactions agree",
					"2026-11-10 to 2026-11-11: gap, the transactions lack -2.00 EUR",
					"2026-11-09 to 2026-11-10: ok, balances and transactions agree",
				}, heights: "12 3 12 3",
			},
			{
				fact: "not read completely", balances: []told{{5, 10 * euro}, {4, 8 * euro}, {3, 8 * euro}}, incomplete: true,
				sentence: "Check of balances: unknown, no complete reading covers the days.",
				days:     []string{"2026-11-13 to 2026-11-15: unknown, no complete reading covers the days"}, heights: "6",
			},
		}
		w.Write(func(tx *store.Tx) error {
			for _, a := range accounts {
				kind := a.kind
				if kind == "" {
					kind = oxlin.AccountCheckings
				}
				account := oxlin.Account{
					UserID: s.user.ID, ConnectionID: s.connection.ID, Status: oxlin.AccountActive, Name: a.fact, Type: kind, Currency: "EUR", CreatedAt: now,
				}
				if !a.incomplete {
					account.Coverage = oxlin.Coverage{Complete: true, LastCompleteAt: now}
				}
				var err error
				account.ID, err = tx.InsertAccount(t.Context(), account)
				if err != nil {
					return err
				}
				for _, b := range a.balances {
					day := today.AddDays(-b.ago)
					balance := store.DayBalance{Day: day, Amount: b.amount, Currency: "EUR", ReadAt: day.Midnight(oxlin.Paris).Add(12 * time.Hour)}
					err = tx.SaveDayBalance(t.Context(), account.ID, balance, today.AddDays(-400))
					if err != nil {
						return err
					}
				}
				for _, row := range a.rows {
					amount, err := oxlin.ParseAmount(row.amount)
					if err != nil {
						return err
					}
					day := today.AddDays(-row.ago)
					err = tx.InsertTransactions(t.Context(), s.user.ID, []store.TransactionRecord{{
						Transaction: oxlin.Transaction{
							AccountID: account.ID, Amount: amount, Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked, Date: day,
						},
						Raw: []byte{},
					}}, day.Midnight(oxlin.Paris))
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		checks := map[string]*goquery.Selection{}
		for _, heading := range w.get(t, s.connectionPath).section("Balances").Find("h3").EachIter() {
			name, _, _ := strings.Cut(words(heading), " C")
			checks[name] = heading.NextFiltered("p, figure").NextFiltered(".check")
		}
		for _, a := range accounts {
			drawn := checks[a.fact]
			if drawn == nil || words(drawn.Find("p")) != a.sentence {
				t.Errorf("%s: %q", a.fact, words(drawn))
				continue
			}
			var days, heights []string
			for _, item := range drawn.Find("li").EachIter() {
				days = append(days, words(item))
			}
			for _, bar := range drawn.Find("rect").EachIter() {
				heights = append(heights, bar.AttrOr("height", ""))
			}
			if strings.Join(days, "\n") != strings.Join(a.days, "\n") || strings.Join(heights, " ") != a.heights {
				t.Errorf("%s: %q, heights %v", a.fact, days, heights)
			}
			if open := drawn.Find("details[open]").Length() == 1; open != strings.Contains(a.sentence, "gap") {
				t.Errorf("%s: the days are open: %t", a.fact, open)
			}
		}
	})
}
