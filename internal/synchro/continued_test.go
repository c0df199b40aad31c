package synchro_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

// TestABankThatInventsTheIDsOfAccounts shows accounts of one name, without numbers, under new ids
// each day. Letters are the accounts, and their number of rows is in the map.
func TestABankThatInventsTheIDsOfAccounts(t *testing.T) {
	for name, c := range map[string]struct {
		rows     map[string]int
		accounts int // of ours after four days
		inDoubt  int
	}{
		"with rows":          {map[string]int{"a": 6, "b": 9, "c": 4}, 3, 0},
		"with too few rows":  {map[string]int{"a": 6, "b": 1}, 2, 0},
		"two with a row":     {map[string]int{"a": 1, "b": 2, "c": 7}, 3, 0},
		"one without rows":   {map[string]int{"a": 6, "b": 0}, 2, 0},
		"two without rows":   {map[string]int{"a": 0, "b": 0}, 2, 0},
		"the only one of it": {map[string]int{"a": 1}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newScripted(t)
			b.nameless = true
			show := func(day int) {
				b.accounts = nil
				for account := range c.rows {
					id := fmt.Sprint(account, day)
					b.accounts = append(b.accounts, id)
					b.rows[id] = nil
					for n := range c.rows[account] {
						label := fmt.Sprint(strings.ToUpper(account), n)
						row := scriptedRow(oxlin.NewDate(2026, 11, 10-n).String(), label)
						row["entryReference"] = fmt.Sprint(label, "/", day)
						b.rows[id] = append(b.rows[id], row)
					}
					if c.rows[account] > 3 && day > 0 {
						b.rows[id] = append(b.rows[id], scriptedRow(b.day(0).String(), fmt.Sprint("NEW ", account)))
					}
				}
				slices.Sort(b.accounts)
			}
			show(0)
			id := b.begin()
			first := map[oxlin.TransactionID]bool{}
			for _, x := range b.transactions() {
				first[x.ID] = true
			}
			for day := 1; day < 5; day++ {
				b.Clock.Advance(24 * time.Hour)
				b.balance = fmt.Sprint(10 * c.rows["b"] * day) // the balance of one with rows moves
				show(day)
				b.synchronize(id)
			}
			inDoubt := 0
			for _, account := range b.world.accounts() {
				if account.Coverage.Doubt.Replaced {
					inDoubt++
				}
			}
			if got := len(b.world.accounts()); got != c.accounts || inDoubt != c.inDoubt {
				t.Errorf("%d accounts, %d in doubt; want %d, %d", got, inDoubt, c.accounts, c.inDoubt)
			}
			kept := 0
			for _, x := range b.transactions() {
				if first[x.ID] && x.Status == oxlin.StatusBooked && x.MissingSince.IsZero() {
					kept++
				}
			}
			if kept != len(first) {
				t.Errorf("%d of %d rows have kept their ids", kept, len(first))
			}
			told := strings.Count(b.Log.String(), "they are added anew, unless their rows tell which they are")
			if (told > 0) != (c.accounts > 1 || c.inDoubt > 0) {
				t.Errorf("the log warns %d times", told)
			}
			if recognised := strings.Contains(b.Log.String(), "recognised by its rows"); recognised != (name != "the only one of it") {
				t.Errorf("the log tells of recognised accounts: %t", recognised)
			}
		})
	}
}

// A bank whose ids of accounts hold has closed one and opened another of its name: they are two.
func TestAnAccountOpenedBesideAClosedOneOfItsName(t *testing.T) {
	b := newScripted(t, "a", "b")
	b.nameless = true
	b.history("a", 5)
	b.history("b", 1)
	id := b.begin()
	b.accounts = []string{"a", "c"}
	b.balance = "20.00"
	for range 2 {
		b.Clock.Advance(24 * time.Hour)
		b.synchronize(id)
	}
	accounts := b.world.accounts()
	if len(accounts) != 3 || strings.Contains(b.Log.String(), "recognised by its rows") {
		t.Errorf("%+v", accounts)
	}
	for _, account := range accounts {
		if account.Coverage.Doubt.Replaced {
			t.Errorf("%s is replaced, by its coverage", account.BankID)
		}
	}
}
