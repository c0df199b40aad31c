package console_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

func TestTheCoverageOfAccounts(t *testing.T) {
	from, wanted := oxlin.NewDate(2026, 10, 1), oxlin.NewDate(2025, 11, 1)
	lastComplete := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name     string
		coverage oxlin.Coverage
		reasons  []string
		want     string
	}{
		{"unread", oxlin.Coverage{}, nil, "Transactions: not read yet."},
		{"whole", oxlin.Coverage{From: from, Complete: true, LastCompleteAt: lastComplete}, nil, "Transactions: complete from 2026-10-01; last complete 2026-11-20 09:00:00."},
		{"refused", oxlin.Coverage{Gap: oxlin.GapRefused, Newest: oxlin.GapRefused}, nil, "Transactions: incomplete; the bank refused to go on; never complete."},
		{"older", oxlin.Coverage{From: from, Gap: oxlin.GapRefused, Older: oxlin.GapRefused, Wanted: wanted}, nil,
			"Transactions: incomplete from 2026-10-01; the days from 2025-11-01 on are still asked for; never complete."},
		{"broken", oxlin.Coverage{Gap: oxlin.GapBroken, Newest: oxlin.GapBroken}, nil, "the bank's pages did not end or could not be followed"},
		{"suspect", oxlin.Coverage{From: from, Gap: oxlin.GapSuspect, Newest: oxlin.GapSuspect}, nil, "the answer lacks too much to be believed"},
		{"two facts", oxlin.Coverage{From: from, Gap: oxlin.GapRefused, Newest: oxlin.GapUnreadable, Older: oxlin.GapRefused, UnreadableRows: 3}, []string{"amount", "day", "amount"},
			"some rows cannot be read; the bank refused to go on; 3 unreadable rows (amount: 2, day: 1); never complete."},
		{"an older version", oxlin.Coverage{From: from, Gap: oxlin.GapBroken}, nil, "the bank's pages did not end"},
	}
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		now := w.Clock.Now()
		w.Write(func(tx *store.Tx) error {
			for _, test := range tests {
				id, err := tx.InsertAccount(t.Context(), oxlin.Account{
					UserID: s.user.ID, ConnectionID: s.connection.ID, Status: oxlin.AccountActive, Name: test.name, Type: oxlin.AccountCheckings,
					Currency: "EUR", CreatedAt: now, Coverage: test.coverage,
				})
				if err != nil {
					return err
				}
				for i, reason := range test.reasons {
					err := tx.SaveUnreadable(t.Context(), id, store.UnreadableRecord{Content: []byte{byte(i)}, Reason: reason, SeenAt: now, Raw: []byte{1}})
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		shown := map[string]string{}
		for _, heading := range w.get(t, s.connectionPath).section("Balances").Find("h3").EachIter() {
			name, _, _ := strings.Cut(words(heading), " CHECKINGS")
			shown[name] = words(heading.NextUntil("h3"))
		}
		for _, test := range tests {
			if !strings.Contains(shown[test.name], test.want) {
				t.Errorf("%s: %q, want %q", test.name, shown[test.name], test.want)
			}
		}
	})
}
