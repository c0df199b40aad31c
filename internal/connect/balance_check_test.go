package connect_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
)

// nth is a day of November 2026, noon its middle in Paris.
func nth(day int) oxlin.Date { return oxlin.NewDate(2026, 11, 1).AddDays(day - 1) }

func noon(day int) time.Time { return nth(day).Midnight(oxlin.Paris).Add(12 * time.Hour) }

// closing is the balance at the end of a day, read on the next one.
func closing(day int, amount oxlin.Amount) store.DayBalance {
	return store.DayBalance{Day: nth(day), Amount: amount, Currency: "EUR", ReadAt: noon(day + 1)}
}

// during is a balance read at noon.
func during(day int, amount oxlin.Amount) store.DayBalance {
	b := closing(day, amount)
	b.ReadAt = noon(day)
	return b
}

// booked is a row that the bank lists in the morning of its day.
func booked(day int, amount oxlin.Amount) store.CheckedRow {
	return store.CheckedRow{Day: nth(day), Amount: amount, Currency: "EUR", Status: oxlin.StatusBooked, ImportedAt: noon(day).Add(-3 * time.Hour)}
}

func TestCheckOfBalances(t *testing.T) {
	read := func(day int) oxlin.Account {
		return oxlin.Account{Type: oxlin.AccountCheckings, Coverage: oxlin.Coverage{LastCompleteAt: noon(day).Add(time.Minute)}}
	}
	current := read(20)
	with := func(change func(*oxlin.Account)) oxlin.Account { a := current; change(&a); return a }
	row := func(r store.CheckedRow, change func(*store.CheckedRow)) store.CheckedRow { change(&r); return r }
	// listed is a row that the bank lists with the balance of a day, and perhaps after it.
	listed := func(on int, r store.CheckedRow) store.CheckedRow { r.ImportedAt = noon(on).Add(time.Minute); return r }
	type balances = []store.DayBalance
	type rows = []store.CheckedRow
	some := oxlin.Amount(1)
	for _, c := range []struct {
		fact       string
		account    oxlin.Account
		balances   balances
		rows       rows
		unreadable []store.UnreadableRecord
		// days has the status of each interval.
		days   []connect.CheckStatus
		reason connect.CheckReason
		gap    oxlin.Amount
	}{
		{fact: "no balance", account: current, reason: connect.NoBalance},
		{fact: "one balance", account: current, balances: balances{closing(1, 5)}, reason: connect.NoBalance},
		{
			fact: "only with pending", account: with(func(a *oxlin.Account) { a.Balance, a.BalanceExpected = &some, true }),
			reason: connect.PendingIncluded,
		},
		{
			fact: "a card", account: with(func(a *oxlin.Account) { a.Type = oxlin.AccountCreditCard }),
			balances: balances{closing(1, 5), closing(2, 5)}, reason: connect.IsCard,
		},
		{fact: "nothing happened", account: current, balances: balances{closing(1, 5), closing(4, 5)}, days: each("ok")},
		{
			fact: "rows of the opening day are part of its balance", account: current,
			balances: balances{closing(1, 5), closing(3, 9)}, rows: rows{booked(1, 5), booked(2, 3), booked(3, 1), booked(4, 7)}, days: each("ok"),
		},
		{
			fact: "the first reading imports older rows", account: current,
			balances: balances{during(1, 5), during(2, 6)}, rows: rows{listed(1, booked(-20, 7)), listed(1, booked(1, 7)), booked(2, 1)}, days: each("ok"),
		},
		{
			fact: "a row is missing", account: current,
			balances: balances{closing(1, 5), closing(2, 8), closing(3, 9)}, rows: rows{booked(3, 1)}, days: each("gap", "ok"), gap: 3,
		},
		{
			fact: "a row stands twice", account: current,
			balances: balances{closing(1, 5), closing(2, 2)}, rows: rows{booked(2, -3), booked(2, -3)}, days: each("gap"), gap: 3,
		},
		{
			fact: "two rows are missing", account: current,
			balances: balances{closing(1, 5), closing(2, 8), closing(3, 8), closing(4, 1)}, days: each("gap", "ok", "gap"), gap: -4,
		},
		{
			fact: "the last reading waits for the next one", account: read(2),
			balances: balances{during(1, 5), during(2, 8)}, days: each("unknown"), reason: connect.Unsettled,
		},
		{
			fact: "another reading of the day proves nothing", account: with(func(a *oxlin.Account) { a.Coverage.LastCompleteAt = noon(2).Add(6 * time.Hour) }),
			balances: balances{during(1, 5), during(2, 8)}, days: each("unknown"), reason: connect.Unsettled,
		},
		{
			fact: "the bank lists late what its balance knew", account: current,
			balances: balances{during(1, 5), during(2, 1), during(3, 1)}, rows: rows{listed(3, booked(2, -4))}, days: each("ok", "ok"),
		},
		{
			fact: "booked in the afternoon", account: current,
			balances: balances{during(1, 5), during(2, 1)}, rows: rows{row(booked(1, -4), func(r *store.CheckedRow) { r.ImportedAt = noon(2).Add(time.Minute) })}, days: each("ok"),
		},
		{
			fact: "booked in the morning of the first day, or after its balance", account: current,
			balances: balances{during(1, 5), during(2, 1), during(3, 1)}, rows: rows{listed(1, booked(1, -4))}, days: each("unknown", "ok"), reason: connect.Unsettled,
		},
		{
			fact: "booked between the balance and the rows", account: current,
			balances: balances{during(1, 5), during(2, 5), during(3, 1)}, rows: rows{listed(2, booked(2, -4))}, days: each("ok", "ok"),
		},
		{
			fact: "booked between the last balance and the rows", account: read(2),
			balances: balances{during(1, 5), during(2, 5)}, rows: rows{listed(2, booked(2, -4))}, days: each("unknown"), reason: connect.Unsettled,
		},
		{
			fact: "every day, between the balance and the rows", account: current,
			balances: balances{during(1, 5), during(2, 5), during(3, 1), during(4, -3), during(5, -7)},
			rows:     rows{listed(2, booked(2, -4)), listed(3, booked(3, -4)), listed(4, booked(4, -4))}, days: each("ok", "ok", "ok", "ok"),
		},
		{
			fact: "the balance rests over a weekend", account: current,
			balances: balances{during(1, 5), during(2, 5), during(3, 5), during(4, -2)},
			rows:     rows{booked(2, -4), booked(3, -3)}, days: each("ok", "ok", "ok"),
		},
		{
			fact: "a row that no balance includes is none that comes later", account: current,
			balances: balances{during(1, 5), during(2, 5), during(3, 5), during(4, 5), during(5, 5), during(6, 5), during(7, 5)},
			rows:     rows{listed(2, booked(2, -4))}, days: each("gap", "ok", "ok", "ok", "ok", "ok"), gap: 4,
		},
		{
			fact: "the bank books into the past", account: current,
			balances: balances{closing(1, 5), closing(2, 5), closing(3, 5), closing(4, 1)},
			rows:     rows{listed(4, booked(2, -4))}, days: each("ok", "ok", "ok"),
		},
		{
			fact: "the bank books before the first balance", account: current,
			balances: balances{during(1, 5), during(2, 5), during(3, 1)},
			rows:     rows{listed(3, booked(-5, -4))}, days: each("ok", "ok"),
		},
		{
			fact: "pending on the day of its booking", account: current,
			balances: balances{during(1, 5), during(2, 5), during(4, 1)}, days: each("ok", "ok"),
			rows: rows{row(booked(2, -4), func(r *store.CheckedRow) { r.UpdatedAt = noon(4).Add(-time.Hour) })},
		},
		{
			fact: "the bank corrects an amount", account: current,
			balances: balances{during(1, 5), during(2, 1), during(3, 1), during(13, 0)}, days: each("unknown", "ok", "unknown"), reason: connect.ChangedRows,
			rows: rows{row(booked(2, -5), func(r *store.CheckedRow) { r.UpdatedAt = noon(13).Add(time.Minute) })},
		},
		{
			fact: "the bank removes a row", account: current,
			balances: balances{during(1, 5), during(2, 1), during(3, 5), during(4, 5)}, days: each("ok", "ok", "ok"),
			rows: rows{row(booked(2, -4), func(r *store.CheckedRow) { r.Status, r.MissingSince = oxlin.StatusCancelled, nth(3) })},
		},
		{
			fact: "a row that is missing waits", account: read(3),
			balances: balances{during(1, 5), during(2, 1), during(3, 5)}, days: each("ok", "unknown"), reason: connect.Unsettled,
			rows: rows{row(booked(2, -4), func(r *store.CheckedRow) { r.MissingSince = nth(3) })},
		},
		{
			fact: "a row in another currency", account: current, balances: balances{closing(1, 5), closing(2, 1)},
			rows: rows{row(booked(2, -4), func(r *store.CheckedRow) { r.Currency = "USD" })}, days: each("unknown"), reason: connect.ForeignCurrency,
		},
		{
			fact: "a balance in another currency", account: current, days: each("unknown", "ok"), reason: connect.ForeignCurrency,
			balances: balances{{Day: nth(1), Amount: 5, Currency: "USD", ReadAt: noon(1)}, during(2, 5), during(3, 5)},
		},
		{
			fact: "a row without a day", account: current, balances: balances{closing(1, 5), closing(2, 1), closing(3, 1), closing(4, 1)},
			rows: rows{row(booked(2, -4), func(r *store.CheckedRow) { r.Undated = true })}, days: each("unknown", "unknown", "ok"), reason: connect.UndatedRows,
		},
		{
			fact: "a row that cannot be read", account: current, balances: balances{closing(1, 5), closing(2, 5), closing(3, 1), closing(4, 1), closing(5, 1)},
			unreadable: []store.UnreadableRecord{{CoveredFrom: nth(2), SeenAt: noon(4)}},
			days:       each("unknown", "unknown", "unknown", "ok"), reason: connect.UnreadableRows,
		},
		{
			fact: "never read completely", account: read(-100),
			balances: balances{closing(1, 5), closing(2, 5)}, days: each("unknown"), reason: connect.IncompleteCoverage,
		},
		{
			fact: "a hole before the covered days", account: with(func(a *oxlin.Account) { a.Coverage.Since = nth(3) }),
			balances: balances{closing(1, 5), closing(2, 9), closing(3, 9)}, days: each("unknown", "ok"), reason: connect.IncompleteCoverage,
		},
		{
			fact: "days of the last complete reading are still checked", account: read(4),
			balances: balances{closing(1, 5), closing(2, 9), closing(3, 9), closing(4, 7)},
			days:     each("gap", "ok", "unknown"), gap: 4,
		},
	} {
		t.Run(c.fact, func(t *testing.T) {
			got := connect.Checked{Account: c.account, Balances: c.balances, Rows: c.rows, Unreadable: c.unreadable}.Check()
			days := []connect.CheckStatus{}
			for _, d := range got.Days {
				days = append(days, d.Status)
				if d.Gap == nil {
					d.Gap = new(oxlin.Amount)
				}
				if d.Status != connect.CheckUnknown && d.Opening+d.Rows+*d.Gap != d.Closing {
					t.Errorf("the sum is wrong: %+v", d)
				}
				if (d.Status == connect.CheckUnknown) != (d.Reason != "") {
					t.Errorf("%+v", d)
				}
			}
			var gap oxlin.Amount
			if got.Gap != nil {
				gap = *got.Gap
			}
			if !slices.Equal(days, c.days) || gap != c.gap || got.Reason != c.reason {
				t.Errorf("%v, reason %q, gap %s; want %v, reason %q, gap %s", days, got.Reason, gap, c.days, c.reason, c.gap)
			}
		})
	}
}

func each(all ...connect.CheckStatus) []connect.CheckStatus { return all }

// history is a random history of an account, with a balance read at noon of some days, the
// first and the last among them. On some days the bank books between the balance and the
// rows, or leaves its balance as it was for days.
func history(t *rapid.T) connect.Checked {
	c := connect.Checked{Account: oxlin.Account{Type: oxlin.AccountCheckings, Coverage: oxlin.Coverage{LastCompleteAt: noon(30)}}}
	balance := oxlin.Amount(rapid.Int64Range(-100000, 100000).Draw(t, "opening"))
	var resting oxlin.Amount
	for day := 1; day <= 20; day++ {
		seen := noon(day).Add(time.Minute)
		var after oxlin.Amount
		for range rapid.IntRange(0, 3).Draw(t, "rows") {
			r := booked(day, oxlin.Amount(rapid.Int64Range(1, 100000).Draw(t, "amount")))
			if rapid.Bool().Draw(t, "debit") {
				r.Amount = -r.Amount
			}
			r.ImportedAt = seen
			c.Rows = append(c.Rows, r)
			if rapid.IntRange(0, 4).Draw(t, "race") == 0 {
				after += r.Amount
			} else {
				resting += r.Amount
			}
		}
		quiet := day == 1 || day >= 18 // the truth shows on some days
		if quiet {
			resting, after = resting+after, 0
		}
		if quiet || day%lagging != 0 || rapid.Bool().Draw(t, "moves") {
			balance, resting = balance+resting, 0
		}
		if quiet || rapid.IntRange(0, 3).Draw(t, "read") > 0 {
			c.Balances = append(c.Balances, during(day, balance))
		}
		resting += after
	}
	return c
}

// lagging is every how many days a bank's balance may rest.
const lagging = 5

// TestAMissingRowIsAGapOfItsDays: whole histories have no gap, and a row that is taken
// away leaves exactly its amount.
func TestAMissingRowIsAGapOfItsDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := history(t)
		whole := c.Check()
		if whole.Status != connect.CheckOK || len(whole.Days) != len(c.Balances)-1 {
			t.Fatalf("%+v", whole)
		}
		if len(c.Rows) == 0 {
			return
		}
		at := rapid.IntRange(0, len(c.Rows)-1).Draw(t, "missing")
		missing := c.Rows[at]
		if missing.Day == nth(1) || nth(17).Before(missing.Day) {
			return // before the first balance, or the next readings may explain it
		}
		c.Rows = slices.Delete(slices.Clone(c.Rows), at, at+1)
		got := c.Check()
		if got.Status == connect.CheckUnknown && got.Reason == connect.Unsettled {
			return // other rows happen to explain it until the next readings
		}
		if slices.ContainsFunc(got.Days, func(d connect.CheckedDays) bool { return d.Reason == connect.Unsettled }) {
			return // a part of it, or rows that the first balance may or may not include
		}
		if got.Status != connect.CheckGap || *got.Gap != missing.Amount {
			t.Fatalf("%s of %s is missing: %+v", missing.Amount, missing.Day, got)
		}
	})
}
