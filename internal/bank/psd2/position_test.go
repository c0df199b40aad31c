package psd2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// page is a page of a bank as Position sees it.
type page struct {
	rows       []string
	next, self string
}

// walk reads pages until there is no next one. fetch returns the page of a query. Each
// step goes through the cursor, as another process would do it.
func walk(t testing.TB, fetch func(query string) page) (rows []string, pages int, err error) {
	t.Helper()
	at, err := psd2.ReadPosition("")
	if err != nil {
		t.Fatal(err)
	}
	for {
		query := at.Query
		got := fetch(query)
		pages++
		var raw []json.RawMessage
		for _, row := range got.rows {
			raw = append(raw, json.RawMessage(row))
		}
		repeated, err := at.Advance(query, raw, func() (next, self string, err error) { return got.next, got.self, nil })
		if err != nil {
			return rows, pages, err
		}
		if !repeated {
			rows = append(rows, got.rows...)
		}
		cursor := at.Cursor()
		if cursor == "" {
			return rows, pages, nil
		}
		at, err = psd2.ReadPosition(cursor)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWalkOverPagesEnds(t *testing.T) {
	tests := []struct {
		name  string
		pages map[string]page
		rows  []string
		count int
	}{
		{"one page", map[string]page{"": {rows: []string{"1"}}}, []string{"1"}, 1},
		{"two pages", map[string]page{"": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "", ""}}, []string{"1", "2"}, 2},
		{"an empty page between", map[string]page{"": {nil, "p=2", ""}, "p=2": {[]string{"2"}, "", ""}}, []string{"2"}, 2},
		{"the next page is the page itself", map[string]page{"": {[]string{"1"}, "p=1", "p=1"}}, []string{"1"}, 1},
		{"the next page is the page that was asked for", map[string]page{"": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "p=2", ""}}, []string{"1", "2"}, 2},
		{"two pages lead to each other", map[string]page{
			"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"2"}, "p=2", ""}, "p=2": {[]string{"3"}, "p=1", ""},
		}, []string{"1", "2", "3"}, 3},
		{"the same rows at another address", map[string]page{
			"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "", ""},
		}, []string{"1"}, 2},
	}
	for _, test := range tests {
		rows, pages, err := walk(t, func(query string) page { return test.pages[query] })
		if err != nil || fmt.Sprint(rows) != fmt.Sprint(test.rows) || pages != test.count {
			t.Errorf("%s: rows %v of %d pages, %v, want %v of %d", test.name, rows, pages, err, test.rows, test.count)
		}
	}
}

func TestAWalkWithoutAnEndFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		rows  func(n int) []string
		pages int
	}{
		{"new rows on every page", func(n int) []string { return []string{fmt.Sprint(n)} }, 1000},
		{"no rows on any page", func(int) []string { return nil }, 10},
	} {
		n := 0
		_, pages, err := walk(t, func(string) page {
			n++
			return page{test.rows(n), fmt.Sprintf("p=%d", n), ""}
		})
		wantKind(t, err, bank.Nonsense)
		if pages != test.pages {
			t.Errorf("%s: %d pages are read, want %d", test.name, pages, test.pages)
		}
	}
}

func TestALinkThatCannotBeReadIsAFailure(t *testing.T) {
	var at psd2.Position
	_, err := at.Advance("", nil, func() (next, self string, err error) { return "", "", errors.New("another host") })
	wantKind(t, err, bank.Nonsense)
}

func TestACursorOfAnotherConnector(t *testing.T) {
	for _, cursor := range []string{"nonsense", "{}", "[]", "null", `"query"`, `{"pages":3}`, `{"query":7}`, `{"window":{"from":"soon"}}`} {
		_, err := psd2.ReadPosition(cursor)
		wantKind(t, err, bank.Nonsense)
	}
}

func TestTheNewestWindow(t *testing.T) {
	day := oxlin.NewDate
	tests := []struct {
		name      string
		history   psd2.History
		refreshed bool
		wanted    oxlin.Date
		want      psd2.Window
	}{
		{"the whole history", psd2.History{Days: 365}, false, oxlin.Date{}, psd2.Window{First: day(2025, 11, 21), From: day(2025, 11, 21)}},
		{"from the day wanted", psd2.History{Days: 365}, false, day(2026, 10, 1), psd2.Window{First: day(2026, 10, 1), From: day(2026, 10, 1)}},
		{"a day in the future", psd2.History{Days: 365}, false, day(2027, 1, 1), psd2.Window{First: day(2026, 11, 21), From: day(2026, 11, 21)}},
		{"after a refresh", psd2.History{Days: 365, RefreshedDays: 89}, true, oxlin.Date{}, psd2.Window{First: day(2026, 8, 24), From: day(2026, 8, 24)}},
		{"after a refresh, where that changes nothing", psd2.History{Days: 365}, true, oxlin.Date{}, psd2.Window{First: day(2025, 11, 21), From: day(2025, 11, 21)}},
		{"a refreshed history that is longer", psd2.History{Days: 30, RefreshedDays: 89}, true, oxlin.Date{}, psd2.Window{First: day(2026, 10, 22), From: day(2026, 10, 22)}},
		{"the newest of several", psd2.History{Days: 365, WindowDays: 60}, false, oxlin.Date{}, psd2.Window{First: day(2025, 11, 21), From: day(2026, 9, 30)}},
	}
	for _, test := range tests {
		if got := test.history.Newest(now, oxlin.Paris, test.refreshed, test.wanted); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestEveryDayBelongsToOneWindow holds for every history and every limit of a bank.
func TestEveryDayBelongsToOneWindow(t *testing.T) {
	today := oxlin.DateIn(now, oxlin.Paris)
	rapid.Check(t, func(t *rapid.T) {
		history := psd2.History{
			Days:       rapid.IntRange(1, 800).Draw(t, "days"),
			WindowDays: rapid.OneOf(rapid.Just(0), rapid.IntRange(30, 200)).Draw(t, "longest window"),
		}
		first := today.AddDays(-history.Days)
		owners := map[oxlin.Date]int{}
		pending := 0
		for w := history.Newest(now, oxlin.Paris, false, oxlin.Date{}); w != (psd2.Window{}); w = history.Older(w) {
			from, end := w.Requested()
			if w.First != first || from.Before(first) {
				t.Fatalf("%+v requests from %s, before the history", w, from)
			}
			last := end
			if last.IsZero() {
				last = today.AddDays(1)
			}
			if history.WindowDays > 0 && last.DaysSince(from) > history.WindowDays {
				t.Fatalf("%+v requests %s to %s, longer than %d days", w, from, last, history.WindowDays)
			}
			if w.Owns(oxlin.Date{}) {
				pending++
			}
			for day := first; !today.Before(day); day = day.AddDays(1) {
				if !w.Owns(day) {
					continue
				}
				owners[day]++
				if day.Before(from) || !day.Before(last) {
					t.Fatalf("%+v owns %s, but requests %s to %s", w, day, from, last)
				}
			}
		}
		for day := first; !today.Before(day); day = day.AddDays(1) {
			if owners[day] != 1 {
				t.Fatalf("%s belongs to %d windows", day, owners[day])
			}
		}
		if pending != 1 {
			t.Fatalf("rows without a day belong to %d windows", pending)
		}
	})
}
