package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

func TestABookedRowThatIsAbsentIsMarkedAndReturns(t *testing.T) {
	a, b := row{amount: -100, booked: 9, label: "A A"}, row{amount: -200, booked: 9, label: "B B"}
	var l ledger
	l.apply(fetch(bank.IDNone, a, b))
	result, _ := l.apply(fetch(bank.IDNone, a))
	if !slices.Equal(result.Missing, []oxlin.TransactionID{1}) || len(result.Expired) > 0 {
		t.Fatalf("missing %v, expired %v", result.Missing, result.Expired)
	}
	result, _ = l.apply(fetch(bank.IDNone, a))
	if len(result.Missing) > 0 {
		t.Fatal("the row is reported missing a second time")
	}
	result, ids := l.apply(fetch(bank.IDNone, a, b))
	if !slices.Equal(ids, []oxlin.TransactionID{2, 1}) || !slices.Equal(result.Returned, []oxlin.TransactionID{1}) {
		t.Fatalf("ids %v, returned %v", ids, result.Returned)
	}
	if change := updated(result)[0].Change; change != reconcile.ChangedPresence || change.Visible() {
		t.Fatalf("the return is a change for clients: %b", change)
	}
}

func TestWhatLiesBeforeTheWindowIsNeitherMissingNorExpired(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDNone,
		row{amount: -100, booked: 9, label: "BEFORE"}, row{amount: -200, booked: 12, label: "EDGE"},
		row{amount: -300, booked: 16, on: 11, label: "OTHER DAY"}, row{amount: -400, on: 8, pending: true, label: "PENDING"},
		row{amount: -500, booked: 16, label: "INSIDE"},
	))
	f := fetch(bank.IDNone)
	f.CoveredFrom = march(10)
	result, _ := l.apply(f)
	if len(result.Missing) != 1 || len(result.Expired) != 0 {
		t.Fatalf("missing %v, expired %v", result.Missing, result.Expired)
	}
}

// A pending row is read on 8 March, and the bank gives no such day any more.
func TestAPendingRowWhoseDayNoAnswerReaches(t *testing.T) {
	pending := row{id: "p", amount: -400, on: 8, pending: true, label: "CB GROCER"}
	booked := row{id: "b", amount: -400, on: 8, booked: 10, label: "CB GROCER"}
	later := row{id: "c", amount: -400, on: 8, booked: 13, label: "CB GROCER"}
	second := row{id: "q", amount: -400, on: 8, pending: true, label: "GROCER"}
	other := row{id: "o", amount: -900, booked: 40, label: "OTHER"}
	tests := map[string]struct {
		first      []row
		today      int // a day of March
		asked      int // 0 for all days
		incomplete bool
		shown      []row
		want       []oxlin.TransactionID
	}{
		"its booked form is known":                        {first: []row{pending, booked}, today: 45, want: []oxlin.TransactionID{1}},
		"another shop's row is known":                     {first: []row{pending, {id: "b", amount: -400, on: 8, booked: 10, label: "CB BAKER"}}, today: 45},
		"another amount is known":                         {first: []row{pending, {id: "b", amount: -410, on: 8, booked: 10, label: "CB GROCER"}}, today: 45},
		"a row with another reference is known":           {first: []row{{amount: -400, on: 8, pending: true, label: "GROCER", endToEnd: "X1"}, {amount: -400, on: 8, booked: 10, label: "GROCER", endToEnd: "X2"}}, today: 45},
		"two booked rows may be its form":                 {first: []row{pending, booked, later}, today: 45},
		"two booked rows may be its form, for two months": {first: []row{pending, booked, later}, today: 71, want: []oxlin.TransactionID{1}},
		"one booked row may be the form of two":           {first: []row{pending, second, booked}, today: 45},
		"two pending and two booked rows":                 {first: []row{pending, second, booked, later}, today: 45},
		"nothing is known of it":                          {first: []row{pending}, today: 45},
		"nothing is known of it for two months":           {first: []row{pending}, today: 70},
		"nothing is known of it for longer":               {first: []row{pending}, today: 71, want: []oxlin.TransactionID{1}},
		"its booked form is known in another currency":    {first: []row{pending, {id: "b", amount: -440, on: 8, booked: 10, label: "CB GROCER", currency: "USD"}}, today: 45, want: []oxlin.TransactionID{1}},
		"a tip is in its booked form":                     {first: []row{{id: "p", amount: -400, on: 8, pending: true, label: "RESTAURANT DU LAC"}, {id: "b", amount: -440, on: 8, booked: 10, label: "RESTAURANT DU LAC"}}, today: 45, want: []oxlin.TransactionID{1}},
		"too much for a tip is in another row":            {first: []row{{id: "p", amount: -400, on: 8, pending: true, label: "RESTAURANT DU LAC"}, {id: "b", amount: -540, on: 8, booked: 10, label: "RESTAURANT DU LAC"}}, today: 45},
		"a rate explains its booked form":                 {first: []row{{id: "p", amount: -400, on: 8, pending: true, label: "SHOP USD"}, {id: "b", amount: -410, on: 8, booked: 10, label: "SHOP USD"}}, today: 45, want: []oxlin.TransactionID{1}},
		"one of two rows is its form at a possible rate":  {first: []row{pending, {id: "b", amount: -440, on: 8, booked: 10, label: "CB GROCER", currency: "USD"}, {id: "d", amount: -2000, on: 8, booked: 9, label: "CB GROCER", currency: "USD"}}, today: 45, want: []oxlin.TransactionID{1}},
		"its day was not asked for":                       {first: []row{pending, booked}, today: 71, asked: 9},
		"its day was asked for":                           {first: []row{pending, booked}, today: 71, asked: 8, want: []oxlin.TransactionID{1}},
		"the answer is not whole":                         {first: []row{pending, booked}, today: 71, incomplete: true},
		"the bank still shows it":                         {first: []row{pending, booked}, today: 71, shown: []row{pending, booked}},
	}
	for name, c := range tests {
		for _, ids := range []bank.IDClass{bank.IDStable, bank.IDPerConsent, bank.IDPositional, bank.IDConstant, bank.IDNone} {
			t.Run(name+", ids "+string(ids), func(t *testing.T) {
				var l ledger
				l.apply(fetch(ids, c.first...))
				f := fetch(ids, append(c.shown, other)...)
				f.Today, f.CoveredFrom, f.Complete = march(c.today), march(c.today-30), !c.incomplete
				if c.asked != 0 {
					f.AskedFrom = march(c.asked)
				}
				result, _ := l.apply(f)
				if !slices.Equal(result.Expired, c.want) || len(result.New) != 1 {
					t.Errorf("expired %v, new %v; want expired %v", result.Expired, result.New, c.want)
				}
			})
		}
	}
}

// What has expired is found again if the bank books it after all.
func TestAPendingRowThatWasGivenUpIsBookedAfterAll(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDNone, row{amount: -400, on: 8, pending: true, label: "CB GROCER"}))
	f := fetch(bank.IDNone)
	f.Today, f.CoveredFrom = march(71), march(41)
	result, _ := l.apply(f)
	if !slices.Equal(result.Expired, []oxlin.TransactionID{1}) {
		t.Fatalf("expired %v", result.Expired)
	}
	f = fetch(bank.IDNone, row{amount: -400, on: 8, booked: 72, label: "CB GROCER"})
	f.Today, f.CoveredFrom = march(72), march(42)
	_, ids := l.apply(f)
	if ids[0] != 1 {
		t.Errorf("the booked row has the id %v", ids[0])
	}
}

func TestARowThatComesLaterThanTodayIsNotMissing(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDNone, row{amount: -100, booked: 35, label: "NEXT MONTH"}))
	result, _ := l.apply(fetch(bank.IDNone))
	if len(result.Missing) > 0 {
		t.Fatal("the row is reported missing")
	}
}

func TestAnIncompleteAnswerSettlesOnlyWhatIsCertain(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDStable,
		row{id: "a", amount: -100, booked: 9, label: "COFFEE SHOP"},
		row{id: "b", amount: -300, pending: true, on: 9, label: "PUMP"},
		row{id: "c", amount: -400, booked: 9, label: "GROCER"},
	))
	f := fetch(bank.IDStable,
		row{id: "a", amount: -100, booked: 10, label: "COFFEE SHOP"},  // the id tells
		row{id: "x", amount: -300, booked: 10, on: 9, label: "PUMP"},  // the pending one, or another
		row{id: "y", amount: -400, booked: 9, label: "GROCER"},        // the known one, or its twin
		row{id: "z", amount: -900, booked: 9, label: "JEWELLER SHOP"}, // nothing known is like it
	)
	f.Complete = false
	result, ids := l.apply(f)
	if ids[0] == 0 || len(updated(result)) != 1 || len(result.New) != 1 || ids[3] == 0 {
		t.Errorf("updated %v, new %v", updated(result), result.New)
	}
	if !slices.Equal(result.Waiting, []int{2, 1}) {
		t.Errorf("waiting %v", result.Waiting)
	}
	if len(result.Missing)+len(result.Expired) > 0 {
		t.Errorf("missing %v, expired %v", result.Missing, result.Expired)
	}
}

// An answer with an end says nothing about its last days and the days after them.
func TestAnAnswerWithAnEnd(t *testing.T) {
	booked := func(day int, label string) row {
		return row{amount: oxlin.Amount(-100 * day), booked: day, label: label}
	}
	first, second, third := booked(5, "BAKER"), booked(12, "GROCER"), booked(20, "BOOKSHOP")
	pending := row{amount: -700, pending: true, on: 21, label: "PUMP"}
	tests := map[string]struct {
		until   int
		shown   []row
		missing []oxlin.TransactionID
		expired []oxlin.TransactionID
	}{
		"without an end":            {0, []row{first, second}, []oxlin.TransactionID{3}, []oxlin.TransactionID{4}},
		"all that it should show":   {16, []row{first, second}, nil, nil},
		"a row inside":              {16, []row{first}, []oxlin.TransactionID{2}, nil},
		"a row on the last day":     {13, []row{first}, nil, nil},
		"a row at the edge":         {15, []row{first}, nil, nil},
		"more than it should":       {13, []row{first, second, third}, nil, nil},
		"nothing, beyond the edges": {7, nil, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var l ledger
			l.apply(fetch(bank.IDNone, first, second, third, pending))
			f := fetch(bank.IDNone, test.shown...)
			if test.until != 0 {
				f.CoveredUntil = march(test.until)
			}
			result, _ := l.apply(f)
			if !slices.Equal(result.Missing, test.missing) || !slices.Equal(result.Expired, test.expired) || len(result.New) > 0 {
				t.Errorf("missing %v, expired %v, new %v; want missing %v, expired %v", result.Missing, result.Expired, result.New, test.missing, test.expired)
			}
		})
	}
}

func TestTheOtherChannelDoublesNothing(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDStable,
		row{id: "1", amount: -240, booked: 9, on: 8, value: 9, label: "CB CAFÉ DE LA GARE 08/03", counterpart: "Café de la Gare"},
		row{id: "2", amount: -240, booked: 9, on: 8, value: 9, label: "CB CAFÉ DE LA GARE 08/03", counterpart: "Café de la Gare"},
		row{id: "3", amount: -240, booked: 9, on: 9, value: 9, label: "CB MARCHE DU PORT 09/03"},
		row{id: "4", amount: -990, pending: true, on: 12, label: "CB LIBRAIRIE CORNEE"},
	))
	site := fetch(bank.IDNone,
		row{id: "3", amount: -240, booked: 9, label: "Cafe de la gare"},
		row{id: "1", amount: -240, booked: 9, label: "Marché du Port"},
		row{id: "2", amount: -240, booked: 9, label: "Cafe de la gare"},
		row{id: "9", amount: -990, booked: 13, label: "Librairie Cornee Paris"},
	)
	site.Channel = embedded
	result, ids := l.apply(site)
	slices.Sort(ids)
	if len(result.New) > 0 || !slices.Equal(ids, []oxlin.TransactionID{1, 2, 3, 4}) {
		t.Fatalf("new %v, ids %v", result.New, ids)
	}
	for _, match := range updated(result) {
		if match.Held.BookingDate.IsZero() || match.Held.ID < 4 && match.Held.ValueDate.IsZero() {
			t.Errorf("a day was forgotten: %+v", match.Held)
		}
	}
}

func TestABookedRowDoesNotBecomePendingAgain(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDStable, row{id: "a", amount: -240, booked: 10, on: 9, label: "CAFE"}))
	result, ids := l.apply(fetch(bank.IDStable, row{id: "a", amount: -240, pending: true, on: 9, label: "CAFE"}))
	if ids[0] != 1 || len(result.New)+len(updated(result)) > 0 || l.rows[0].Status != oxlin.StatusBooked {
		t.Fatalf("%+v", result)
	}
}

func TestWhatExpiredComesBack(t *testing.T) {
	pump := row{amount: -240, pending: true, on: 9, label: "POMPE DU LAC"}
	var l ledger
	l.apply(fetch(bank.IDNone, pump))
	l.apply(fetch(bank.IDNone))
	if l.rows[0].Status != oxlin.StatusExpired {
		t.Fatal("not expired")
	}
	_, ids := l.apply(fetch(bank.IDNone, row{amount: -240, booked: 12, on: 9, label: "CB POMPE DU LAC 09/03"}))
	if ids[0] != 1 || l.rows[0].Status != oxlin.StatusBooked {
		t.Fatalf("ids %v, %s", ids, l.rows[0].Status)
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		lines []string
		name  string
		want  string
	}{
		{[]string{"Café ", "\tde  la\u00a0gare"}, "", "CAFÉ DE LA GARE"},
		{[]string{"Cafe\u0301"}, "", "CAFÉ"},
		{[]string{"zero\u200bwidth\x00\xff."}, "", "ZEROWIDTH ."},
		{[]string{" ", ""}, "Jean", "JEAN"},
		{nil, "", ""},
	} {
		got := reconcile.Words(bank.Transaction{Remittance: c.lines, Counterparty: c.name})
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

// FuzzTransactions reconciles arbitrary text. Reconciliation must not panic, must return
// every row exactly once, and must find no change in the same answer again.
func FuzzTransactions(f *testing.F) {
	f.Add("id", "CB SHOP 12/03", "id2", "SHOP", int64(-100), int64(-100), byte(3))
	f.Add("2026-03-01.1", "", " ", "\xff\u0301", int64(0), int64(1), byte(255))
	f.Fuzz(func(t *testing.T, id, label, otherID, other string, amount, otherAmount int64, flags byte) {
		class := []bank.IDClass{bank.IDStable, bank.IDPerConsent, bank.IDPositional, bank.IDConstant, bank.IDNone}[flags%5]
		first := fetch(class,
			row{id: id, label: label, amount: oxlin.Amount(amount % 1e9), booked: 9, pending: flags&8 != 0},
			row{id: otherID, label: other, amount: oxlin.Amount(otherAmount % 1e9), on: 9},
			row{id: id, label: other, amount: oxlin.Amount(amount % 1e9), booked: 10},
		)
		second := fetch(class,
			row{id: otherID, label: label, amount: oxlin.Amount(amount % 1e9), booked: 9},
			row{id: id, label: other, amount: oxlin.Amount(otherAmount % 1e9), on: 9, pending: flags&16 != 0},
		)
		second.Complete = flags&32 == 0
		var l ledger
		l.apply(first)
		l.apply(second)
		again, _ := l.apply(second)
		if len(again.New)+len(updated(again))+len(again.Missing)+len(again.Expired) > 0 {
			t.Fatalf("the same answer again changes something: %+v", again)
		}
	})
}

// BenchmarkTransactions reconciles 10,000 known rows with as many fetched.
func BenchmarkTransactions(b *testing.B) {
	var rows []row
	for i := range 10_000 {
		rows = append(rows, row{
			id: fmt.Sprint("tx", i), amount: -oxlin.Amount(1 + i%400), booked: 1 - i%1000, on: -i % 1000, value: 1 - i%1000,
			label: fmt.Sprintf("CB SHOP%c NUMBER%c %d", 'A'+i%26, 'A'+i%17, i%97),
		})
	}
	bench := func(name string, ids bank.IDClass, change func(*row)) {
		b.Run(name, func(b *testing.B) {
			var l ledger
			first := fetch(ids, rows...)
			first.CoveredFrom = oxlin.Date{}
			result := reconcile.Transactions(nil, first)
			for _, i := range result.New {
				l.last++
				held := reconcile.Hold(first.Transactions[i], result.BankIDs[i], redirect)
				held.ID = l.last
				l.rows = append(l.rows, held)
			}
			later := slices.Clone(rows)
			for i := range later {
				change(&later[i])
			}
			second := fetch(ids, later...)
			second.CoveredFrom = oxlin.Date{}
			for b.Loop() {
				result := reconcile.Transactions(l.rows, second)
				if len(result.New) > 0 {
					b.Fatal("rows are doubled: ", len(result.New))
				}
			}
		})
	}
	bench("unchanged, stable ids", bank.IDStable, func(*row) {})
	bench("unchanged, no ids", bank.IDNone, func(*row) {})
	bench("renumbered", bank.IDPerConsent, func(r *row) { r.id += "x" })
	bench("relabelled, no ids", bank.IDNone, func(r *row) { r.label = "PAIEMENT " + r.label })
}

// TestARowIsCancelledByThreeCompleteReadingsOnThreeDays plays days of March on which an
// account's answer lacks or shows its last row.
func TestARowIsCancelledByThreeCompleteReadingsOnThreeDays(t *testing.T) {
	booked, cancelled := oxlin.StatusBooked, oxlin.StatusCancelled
	type reading struct {
		today   int
		lacks   int // rows, the last ones
		partial bool
		accept  int // so many rows
	}
	lacks := func(today, rows int) reading { return reading{today: today, lacks: rows} }
	for name, c := range map[string]struct {
		readings []reading
		absence  int // the first day of a card's statement
		status   oxlin.TransactionStatus
		missing  int // since this day; 0 if it is not missing
	}{
		"one day":                            {readings: []reading{lacks(21, 1)}, status: booked, missing: 21},
		"three readings of one day":          {readings: []reading{lacks(21, 1), lacks(21, 1), lacks(21, 1)}, status: booked, missing: 21},
		"three readings on two days":         {readings: []reading{lacks(21, 1), lacks(22, 1), lacks(22, 1)}, status: booked, missing: 21},
		"three days":                         {readings: []reading{lacks(21, 1), lacks(22, 1), lacks(25, 1)}, status: cancelled, missing: 21},
		"it comes back between":              {readings: []reading{lacks(21, 1), lacks(22, 0), lacks(23, 1), lacks(24, 1)}, status: booked, missing: 23},
		"it comes back after all":            {readings: []reading{lacks(21, 1), lacks(22, 1), lacks(23, 1), lacks(24, 0)}, status: booked},
		"an answer that is not whole":        {readings: []reading{lacks(21, 1), {today: 22, lacks: 1, partial: true}, lacks(23, 1)}, status: booked, missing: 21},
		"a gap for a week":                   {readings: []reading{lacks(21, 4), lacks(22, 4), lacks(23, 4), lacks(24, 4), lacks(27, 4)}, status: booked},
		"an empty answer for a week":         {readings: []reading{lacks(21, 9), lacks(22, 9), lacks(23, 9), lacks(24, 9)}, status: booked},
		"a gap that grows by a row each day": {readings: []reading{lacks(21, 1), lacks(22, 2), lacks(23, 3), lacks(24, 4)}, status: booked, missing: 21},
		"a gap that an operator accepts":     {readings: []reading{lacks(21, 4), {today: 22, lacks: 4, accept: 4}, lacks(23, 4), lacks(24, 4)}, status: cancelled, missing: 22},
		"more than an operator accepts":      {readings: []reading{lacks(21, 4), {today: 22, lacks: 7, accept: 4}, lacks(23, 7), lacks(24, 7)}, status: booked},
		"a little more than accepted":        {readings: []reading{lacks(21, 4), {today: 22, lacks: 5, accept: 4}, lacks(23, 5), lacks(24, 5)}, status: cancelled, missing: 22},
		"less than accepted":                 {readings: []reading{lacks(21, 9), {today: 22, lacks: 1, accept: 9}, lacks(23, 1)}, status: booked, missing: 22},
		"before a card's statement":          {readings: []reading{lacks(21, 1), lacks(22, 1), lacks(23, 1)}, absence: 18, status: booked},
		"within a card's statement":          {readings: []reading{lacks(21, 1), lacks(22, 1), lacks(23, 1)}, absence: 17, status: cancelled, missing: 21},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []row
			for n := range 9 {
				rows = append(rows, row{amount: oxlin.Amount(-100 * (n + 1)), booked: 9 + n, label: "SHOP " + string(rune('A'+n)) + "ART"})
			}
			var l ledger
			l.apply(fetch(bank.IDNone, rows...))
			last := l.last
			for _, r := range c.readings {
				f := fetch(bank.IDNone, rows[:len(rows)-r.lacks]...)
				f.Today, f.Complete, f.Accepted = march(r.today), !r.partial, r.accept
				if c.absence != 0 {
					f.AbsenceFrom = march(c.absence)
				}
				result, _ := l.apply(f)
				if result.Suspect && len(result.Missing)+len(result.Absent)+len(result.Cancelled) > 0 {
					t.Errorf("day %d: a suspect answer infers %+v", r.today, result)
				}
			}
			k := l.rows[last-1]
			since := oxlin.Date{}
			if c.missing != 0 {
				since = march(c.missing)
			}
			if l.last != last || k.Status != c.status || k.MissingSince != since {
				t.Errorf("%s, missing since %v; want %s, %v; %d rows", k.Status, k.MissingSince, c.status, since, l.last)
			}
		})
	}
}

// TestARowWithoutADayIsNeverMissing, because no window says where it belongs.
func TestARowWithoutADayIsNeverMissing(t *testing.T) {
	var l ledger
	l.apply(fetch(bank.IDNone, row{amount: -100, label: "BOOKED"}, row{amount: -200, pending: true, label: "PENDING"}))
	result, _ := l.apply(fetch(bank.IDNone))
	if len(result.Missing) > 0 || len(result.Expired) != 1 || l.rows[0].Status != oxlin.StatusExpired {
		t.Errorf("missing %v, expired %v", result.Missing, result.Expired)
	}
}

// TestAbsenceFollowsItsRules compares random days with the rules in docs/identity.md, told
// once more and as simply as possible: each row is shown or not, whatever its content.
func TestAbsenceFollowsItsRules(t *testing.T) {
	type fate struct {
		status  oxlin.TransactionStatus
		missing oxlin.Date
		days    map[oxlin.Date]bool
	}
	statuses := []oxlin.TransactionStatus{oxlin.StatusBooked, oxlin.StatusOther}
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SampledFrom([]bank.IDClass{bank.IDNone, bank.IDStable}).Draw(t, "ids")
		var rows []row
		for n := range rapid.IntRange(1, 14).Draw(t, "rows") {
			rows = append(rows, row{
				id: fmt.Sprint("id-", n), amount: oxlin.Amount(-100 * (n + 1)), booked: 1 + n, label: "SHOP " + strings.Repeat(string(rune('A'+n)), 4),
				other: rapid.Bool().Draw(t, "other"),
			})
		}
		var l ledger
		l.apply(fetch(ids, rows...))
		fates := make([]fate, len(rows))
		of := make(map[int]*reconcile.Known)
		for i, r := range rows {
			fates[i] = fate{status: statuses[map[bool]int{true: 1}[r.other]]}
			at := slices.IndexFunc(l.rows, func(k reconcile.Known) bool { return k.Amount == r.amount*1000 })
			of[i] = &l.rows[at]
		}
		today := 20
		for range rapid.IntRange(1, 12).Draw(t, "readings") {
			today += rapid.IntRange(0, 2).Draw(t, "days later")
			shown := make([]bool, len(rows))
			for i := range rows {
				shown[i] = rapid.IntRange(0, 9).Draw(t, "hidden") > rapid.SampledFrom([]int{0, 2, 6}).Draw(t, "how often")
			}
			f := fetch(ids)
			f.Today, f.Complete = march(today), rapid.IntRange(0, 4).Draw(t, "broken") > 0
			if rapid.IntRange(0, 4).Draw(t, "asked") == 0 {
				f.Accepted = rapid.IntRange(0, len(rows)).Draw(t, "accepted")
			}
			for i, r := range rows {
				if shown[i] {
					f.Transactions = append(f.Transactions, r.transaction())
				}
			}
			due, lacking, fresh := 0, 0, 0
			for i := range rows {
				if fates[i].status == oxlin.StatusCancelled {
					continue
				}
				due++
				if !shown[i] {
					lacking++
					if fates[i].missing.IsZero() {
						fresh++
					}
				}
			}
			lacking, due = lacking-f.Accepted, due-f.Accepted
			suspect := f.Complete && fresh > 0 && lacking >= 3 && lacking*4 > due
			for i, r := range rows {
				at := &fates[i]
				switch {
				case shown[i]:
					*at = fate{status: statuses[map[bool]int{true: 1}[r.other]]}
				case !f.Complete || suspect || at.status == oxlin.StatusCancelled:
				case at.missing.IsZero():
					at.missing, at.days = f.Today, map[oxlin.Date]bool{f.Today: true}
				default:
					at.days[f.Today] = true
					if len(at.days) == 3 {
						at.status = oxlin.StatusCancelled
					}
				}
			}
			result, _ := l.apply(f)
			if result.Suspect != suspect || len(l.rows) != len(rows) {
				t.Fatalf("day %d: suspect %t, want %t; %d rows of %d", today, result.Suspect, suspect, len(l.rows), len(rows))
			}
			for i, k := range of {
				if k.Status != fates[i].status || k.MissingSince != fates[i].missing {
					t.Fatalf("day %d: row %d is %s, missing since %v; want %s, %v", today, i, k.Status, k.MissingSince, fates[i].status, fates[i].missing)
				}
			}
		}
	})
}
