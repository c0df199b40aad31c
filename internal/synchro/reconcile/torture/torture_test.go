package torture

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// published reads the score in docs/identity.md: the numbers of each line, by name.
func published(t *testing.T) (names []string, numbers map[string][]int) {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	numbers = make(map[string][]int)
	for _, line := range regexp.MustCompile(`(?m)^\| ([^|]*?) +((?:\| +\d+ +){9})\|$`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, line[1])
		for field := range strings.FieldsFuncSeq(line[2], func(r rune) bool { return r == '|' || r == ' ' }) {
			n, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			numbers[line[1]] = append(numbers[line[1]], n)
		}
	}
	return names, numbers
}

// TestThePublishedScoreHasEveryDisturbance compares the table with the list.
func TestThePublishedScoreHasEveryDisturbance(t *testing.T) {
	var want []string
	for _, line := range Run(Options{}).Lines {
		want = append(want, line.Name)
	}
	want = append(want, "all")
	got, _ := published(t)
	if !slices.Equal(got, want) {
		t.Errorf("docs/identity.md has the lines\n%s\nand the corpus\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTheScoreHolds plays a few histories of each disturbance: a line without faults in the
// published score is without faults here.
func TestTheScoreHolds(t *testing.T) {
	_, numbers := published(t)
	for _, line := range Run(Options{Histories: 5, Seed: 7}).Lines {
		n := numbers[line.Name]
		if len(n) != 9 || n[2]+n[3]+n[4]+n[6] > 0 || !line.wrong() {
			continue
		}
		t.Errorf("%s: %+v", line.Name, line.Score)
		for _, f := range Run(Options{Histories: 5, Seed: 7, Only: line.Name, Failures: 1}).Failures {
			t.Log("\n" + f.Source())
		}
	}
}

// TestTheSameSeedGivesTheSameScore compares two runs, which share no order of work.
func TestTheSameSeedGivesTheSameScore(t *testing.T) {
	o := Options{Histories: 5, Seed: 3, Only: "twins"}
	if a, b := Run(o), Run(o); !slices.Equal(a.Lines, b.Lines) {
		t.Errorf("%+v and %+v", a.Lines, b.Lines)
	}
}

// coffee is one of several equal rows.
func coffee(token int) Row {
	return Row{Token: token, Name: "CAFE", Amount: -240_000, Style: plainName, Operation: 9, Booking: 9, Value: 9, Seen: 9, Settled: 9}
}

type story struct {
	bank     Bank
	rows     []Row
	readings []Reading
}

// TestTheJudge plays histories with recognisers that do one thing wrong.
func TestTheJudge(t *testing.T) {
	readings := []Reading{{Day: 10}, {Day: 11}, {Day: 12}}
	none, stable := Bank{Class: "NONE", Form: absent, Days: 90}, Bank{Class: "STABLE", Form: serial, Days: 90}
	places := Bank{Class: "POSITIONAL", Form: positional, Days: 90}
	shop := func(token int) Row {
		r := coffee(token)
		r.Name, r.Amount = shops[token], r.Amount-1000
		return r
	}
	pending := func(r Row, settled int) Row {
		r.Settled, r.Booking = settled, settled
		return r
	}
	gone := func(r Row, day int) Row {
		r.Gone = day
		return r
	}
	change := func(r Row, c Change) Row {
		r.Changes = []Change{c}
		return r
	}
	ranked := func(r Row, rank int) Row {
		r.Rank = rank
		return r
	}
	for name, c := range map[string]struct {
		history   story
		recognise recogniser
		want      Score
	}{
		"everything is right": {
			story{none, []Row{coffee(1), shop(2)}, readings}, reconcile.Transactions, Score{},
		},
		"a row is dropped": {
			story{none, []Row{coffee(1), shop(2)}, readings[:1]},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				r := reconcile.Transactions(known, f)
				r.New = r.New[1:]
				return r
			},
			Score{Missed: 1},
		},
		"nothing is recognised": {
			story{none, []Row{coffee(1), shop(2)}, readings[:2]},
			func(_ []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				return reconcile.Transactions(nil, f)
			},
			Score{Changed: 2, Doubled: 2},
		},
		"two movements change places": {
			story{none, []Row{coffee(1), shop(2)}, readings[:2]}, crossed, Score{Merged: 2},
		},
		"twins change places": {
			story{none, []Row{coffee(1), coffee(2)}, readings[:2]}, crossed, Score{},
		},
		"twins with ids change places": {
			story{stable, []Row{coffee(1), coffee(2)}, readings[:2]}, crossed, Score{Merged: 2},
		},
		"one of two twins is booked, and nothing tells which": {
			story{none, []Row{pending(coffee(1), 40), pending(coffee(2), 11)}, readings[:2]}, crossed, Score{Undecidable: 1},
		},
		"one of two twins is booked, and only a later answer tells which": {
			story{
				stable, []Row{pending(coffee(1), 40), pending(coffee(2), 11)},
				[]Reading{{Day: 10}, {Day: 11, Faults: []Fault{{What: silent}}}, {Day: 12}},
			},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				if f.Today == date(11) {
					return crossed(known, f)
				}
				return reconcile.Transactions(known, f)
			},
			Score{Later: 1},
		},
		"a row takes the place of one that disappeared": {
			story{none, []Row{gone(pending(coffee(1), 40), 11), func() Row { r := coffee(2); r.Seen, r.Settled = 11, 11; return r }()}, readings[:2]},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"a row with another label takes the place of one that disappeared": {
			story{none, []Row{
				gone(pending(coffee(1), 40), 11),
				func() Row { r := coffee(2); r.Seen, r.Settled, r.Style = 11, 11, withDetails; return r }(),
			}, readings[:2]},
			reconcile.Transactions, Score{Merged: 1, Explicable: 1},
		},
		"a row with another label takes the place of one that stays": {
			story{none, []Row{
				coffee(1),
				change(func() Row { r := coffee(2); r.Seen, r.Settled = 11, 11; return r }(), Change{Day: 11, What: rename, N: 3}),
			}, readings[:2]},
			crossed, Score{Merged: 1},
		},
		"an announcement of the next day takes the place of one that disappeared": {
			story{none, []Row{gone(pending(coffee(1), 40), 11), pending(func() Row { r := coffee(2); r.Operation, r.Seen = 10, 11; return r }(), 30)}, readings[:2]},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"an announcement of another day takes the place of one that disappeared": {
			story{none, []Row{gone(pending(coffee(1), 40), 11), pending(func() Row { r := coffee(2); r.Operation, r.Seen = 11, 11; return r }(), 30)}, readings[:2]},
			crossedNew, Score{Merged: 1},
		},
		"an expired row is booked in an answer that is not whole": {
			story{
				none, []Row{coffee(3), change(pending(coffee(1), 12), Change{Day: 11, Until: 12, What: hide})},
				[]Reading{{Day: 10}, {Day: 11}, {Day: 12, Faults: []Fault{{cut, 100, 0}}}},
			},
			reconcile.Transactions, Score{},
		},
		"no whole answer lacks the pending form of a booked row": {
			story{
				places, []Row{change(pending(shop(2), 10), Change{Day: 10, Until: 11, What: alsoPending})},
				[]Reading{{Day: 10}, {Day: 11, Faults: []Fault{{cut, 100, 0}}}},
			},
			reconcile.Transactions, Score{},
		},
		"a whole answer lacks the pending form of a booked row": {
			story{places, []Row{change(pending(shop(2), 10), Change{Day: 10, Until: 11, What: alsoPending})}, readings[:2]},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				r := reconcile.Transactions(known, f)
				r.Expired = nil
				return r
			},
			Score{Doubled: 1},
		},
		"a row is shown twice, with ids": {
			story{stable, []Row{coffee(1)}, []Reading{{Day: 10, Faults: []Fault{{What: twice, A: 1}}}}},
			func(_ []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				return reconcile.Result{New: []int{0, 1}, BankIDs: make([]string, 2)}
			},
			Score{Doubled: 1},
		},
		"a row is shown twice, without ids": {
			story{none, []Row{coffee(1)}, []Reading{{Day: 10, Faults: []Fault{{What: twice, A: 1}}}}},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"a row is shown twice while its twin cannot be read, without ids": {
			story{
				none, []Row{coffee(1), change(coffee(2), Change{Day: 11, Until: 12, What: garbled})},
				[]Reading{{Day: 10}, {Day: 11, Faults: []Fault{{What: twice, A: 1}}}},
			},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"a pending row without a day outlives the window of its booked form": {
			story{
				Bank{Class: "NONE", Form: perAnswer, Days: 30},
				[]Row{func() Row {
					r := pending(shop(2), 10)
					r.Changes = []Change{{Day: 0, Until: 10, What: undated}, {Day: 10, What: alsoPending}}
					return r
				}()},
				[]Reading{{Day: 10}, {Day: 60}},
			},
			reconcile.Transactions, Score{},
		},
		"a row with another id takes the place of one that disappeared, after an answer that is not whole": {
			story{stable, []Row{
				coffee(3),
				gone(pending(coffee(1), 40), 11),
				func() Row { r := coffee(2); r.Seen, r.Settled = 11, 11; return r }(),
			}, []Reading{{Day: 10}, {Day: 11, Faults: []Fault{{cut, 100, 0}}}, {Day: 12}}},
			reconcile.Transactions, Score{Merged: 1, Explicable: 1},
		},
		"a row is cancelled although it is shown": {
			story{none, []Row{coffee(1), shop(2)}, readings},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				r := reconcile.Transactions(known, f)
				if len(known) > 0 {
					r.Cancelled = []oxlin.TransactionID{1}
				}
				return r
			},
			Score{Missed: 3}, // at two readings and at the end
		},
		"a row is cancelled because it is gone": {
			story{none, []Row{coffee(1), gone(shop(2), 11)}, []Reading{{Day: 10}, {Day: 11}, {Day: 12}, {Day: 13}}},
			reconcile.Transactions, Score{},
		},
		"a row that was cancelled is shown again": {
			story{none, []Row{coffee(1), change(shop(2), Change{Day: 11, Until: 14, What: hide})}, []Reading{{Day: 10}, {Day: 11}, {Day: 12}, {Day: 13}, {Day: 14}}},
			reconcile.Transactions, Score{},
		},
		"a row that was cancelled is shown again as another one": {
			story{none, []Row{coffee(1), change(shop(2), Change{Day: 11, Until: 14, What: hide})}, []Reading{{Day: 10}, {Day: 11}, {Day: 12}, {Day: 13}, {Day: 14}}},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				return reconcile.Transactions(slices.DeleteFunc(slices.Clone(known), func(k reconcile.Known) bool { return k.Status == oxlin.StatusCancelled }), f)
			},
			Score{Changed: 1, Doubled: 1},
		},
		"rows that one channel shows alike change places before the other channel tells them apart": {
			story{none, []Row{coffee(1), func() Row { r := coffee(2); r.Style = withDetails; return r }()}, []Reading{{Day: 10, Channel: 1}, {Day: 11}}},
			crossed, Score{Undecidable: 1},
		},
		"an answer lacks three rows, or two of which one was booked twice": {
			story{none, []Row{ranked(shop(2), 1), ranked(shop(3), 2), ranked(coffee(1), 3), func() Row {
				r := ranked(coffee(4), 4)
				r.Seen, r.Settled = 11, 11
				return r
			}()}, []Reading{{Day: 10}, {Day: 11, Faults: []Fault{{gap, 0, 75}}}}},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"a row whose id would have come late takes the place of one that disappeared": {
			story{stable, []Row{
				coffee(3),
				gone(pending(coffee(1), 40), 11),
				change(func() Row { r := coffee(2); r.Seen, r.Settled = 11, 11; return r }(), Change{Day: 0, Until: 11, What: withoutID}),
			}, readings[:2]},
			crossedNew, Score{Merged: 1, Explicable: 1},
		},
		"a row that was shown twice leaves its second row to a twin": {
			story{
				none, []Row{pending(coffee(1), 11), func() Row { r := pending(coffee(2), 13); r.Seen, r.Settled = 11, 11; return r }()},
				[]Reading{{Day: 10, Faults: []Fault{{What: twice, A: 1}}}, {Day: 11}, {Day: 12}},
			},
			reconcile.Transactions, Score{Undecidable: 2},
		},
		"a row moves as all others do, or another one of its kind comes": {
			story{none, []Row{
				change(shop(2), Change{Day: 11, What: moveDays, N: 1}),
				change(shop(3), Change{Day: 11, What: moveDays, N: 1}),
				coffee(1),
				func() Row { r := coffee(4).shifted(1); r.Seen, r.Settled = 11, 11; return r }(),
			}, readings[:2]},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"a new twin takes the place of a known one in an answer that is not whole and shows both": {
			story{
				places, []Row{ranked(coffee(1), 2), func() Row { r := ranked(coffee(2), 1); r.Seen, r.Settled = 11, 11; return r }()},
				[]Reading{{Day: 10}, {Day: 11, Faults: []Fault{{cut, 100, 0}}}},
			},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"a row is shown twice while its twin is booked, or a third twin was shown": {
			story{
				none, []Row{pending(coffee(1), 11), pending(coffee(2), 40)},
				[]Reading{{Day: 10}, {Day: 11, Faults: []Fault{{What: twice, A: 2}}}, {Day: 12}},
			},
			reconcile.Transactions, Score{Undecidable: 3},
		},
		"a row is shown twice while its twin is booked, with ids": {
			story{
				stable, []Row{pending(coffee(1), 11), pending(coffee(2), 40)},
				[]Reading{{Day: 10}, {Day: 11, Faults: []Fault{{What: twice, A: 2}}}, {Day: 12}},
			},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				f.IDs, f.Transactions = "NONE", slices.Clone(f.Transactions)
				for i := range f.Transactions {
					f.Transactions[i].BankID = ""
				}
				return reconcile.Transactions(known, f)
			},
			Score{Merged: 1, Changed: 1},
		},
		"a row comes back booked, or another one comes, after the bank has begun to name the other party": {
			story{none, []Row{
				change(gone(pending(coffee(1), 40), 11), Change{Day: 12, What: counterparty}),
				change(func() Row { r := coffee(2); r.Seen, r.Settled = 13, 13; return r }(), Change{Day: 12, What: counterparty}),
			}, []Reading{{Day: 10}, {Day: 11}, {Day: 13}}},
			reconcile.Transactions, Score{Undecidable: 1},
		},
		"rows are called missing on half an answer": {
			story{none, []Row{coffee(1), shop(2), shop(3), shop(4)}, []Reading{{Day: 10}, {Day: 11, Faults: []Fault{{gap, 0, 100}}}}},
			func(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
				r := reconcile.Result{BankIDs: make([]string, len(f.Transactions))}
				for i := range f.Transactions {
					r.New = append(r.New, i)
				}
				for _, k := range known {
					r.Missing = append(r.Missing, k.ID)
				}
				return r
			},
			Score{Missed: 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := History{Bank: c.history.bank, Rows: c.history.rows, Readings: c.history.readings}
			got := playWith(c.recognise, &h, func(line string) { t.Log(line) })
			c.want.Histories, c.want.Rows = 1, len(h.Rows)
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// crossed gives the first two rows of an answer, if both are known, each other's ids, and
// a new one that of a known one.
func crossed(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
	r := reconcile.Transactions(known, f)
	switch {
	case len(r.Found) == 2:
		r.Found[0].ID, r.Found[1].ID = r.Found[1].ID, r.Found[0].ID
	case len(r.Found) == 1 && len(r.New) == 1:
		r.Found[0].Row, r.New[0] = r.New[0], r.Found[0].Row
	}
	for i := range r.Found {
		r.Found[i].Change = 1
		r.Found[i].Held = reconcile.Hold(f.Transactions[r.Found[i].Row], r.BankIDs[r.Found[i].Row], f.Channel)
		r.Found[i].Held.ID = r.Found[i].ID
	}
	return r
}

// crossedNew gives a new row the id of the first known one.
func crossedNew(known []reconcile.Known, f reconcile.Fetched) reconcile.Result {
	r := reconcile.Transactions(known, f)
	if len(known) > 0 && len(r.New) == 1 {
		row := r.New[0]
		held := reconcile.Hold(f.Transactions[row], r.BankIDs[row], f.Channel)
		held.ID = known[0].ID
		r.New, r.Expired = nil, nil
		r.Found = append(r.Found, reconcile.Match{ID: held.ID, Row: row, Change: 1, Held: held})
	}
	return r
}

// TestRowsHaveRanksOfTheirOwn generates histories in which rows come before others of their day: an
// exchange of two tokens changes no order.
func TestRowsHaveRanksOfTheirOwn(t *testing.T) {
	places := slices.DeleteFunc(slices.Clone(Disturbances), func(d Disturbance) bool {
		return d.Name != "positional ids shift" && d.Name != "ids are unique only within a day"
	})
	for seed := range uint64(100) {
		ranks := make(map[int]bool)
		for _, r := range generate(seed, int(seed)%len(classes), places...).Rows {
			if ranks[r.Rank] {
				t.Fatalf("seed %d: two rows have the rank %d", seed, r.Rank)
			}
			ranks[r.Rank] = true
		}
	}
}

// TestShrinkingKeepsTheFault shrinks a failing history.
func TestShrinkingKeepsTheFault(t *testing.T) {
	for seed := range uint64(100) {
		h := generate(seed, 4, Disturbances[0])
		kind := "changed"
		// Every row without a booking fails, for the sake of this test.
		fails := func(c *History) bool {
			return slices.ContainsFunc(c.Rows, func(r Row) bool { return r.Seen < r.Settled }) && len(c.Readings) > 0
		}
		if !fails(h) {
			continue
		}
		small := shrinkWhile(h, fails)
		if len(small.Rows) != 1 || len(small.Readings) != 1 || !fails(small) {
			t.Fatalf("seed %d, %s: %d rows in %d readings are left", seed, kind, len(small.Rows), len(small.Readings))
		}
	}
}
