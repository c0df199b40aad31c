package psd2_test

import (
	"encoding/json"
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

// TestKeptOfTheSecondPage reads the first page, which links to the second: without a number or
// a parameter of its own, its address may be that of all later ones.
func TestKeptOfTheSecondPage(t *testing.T) {
	for next, want := range map[string]oxlin.PageKeeping{
		"/rows?page=2":           oxlin.PageAddressed,
		"/rows?from=1&after=abc": oxlin.PageAddressed,
		"/rows/2?from=1":         oxlin.PageAddressed,
		"/rows/next?from=1":      oxlin.PageCounted,
		"/rows?from=1&page=next": oxlin.PageCounted,
		"/rows/next":             oxlin.PageCounted,
		"/rows?from=1":           oxlin.PageCounted, // the page itself
	} {
		at, err := psd2.ReadPosition("")
		if err != nil {
			t.Fatal(err)
		}
		asked := psd2.Target{Query: "from=1"}
		at.Advance(psd2.Answered{Resource: "/rows", Asked: asked, Records: []json.RawMessage{[]byte("1")}, Next: psd2.Link{Href: next}})
		if at.Kept() != want {
			t.Errorf("%s is kept as %q, want %q", next, at.Kept(), want)
		}
		// The third page: the second has linked to another address.
		at.Advance(psd2.Answered{Resource: "/rows", Asked: at.Target, Records: []json.RawMessage{[]byte("2")}, Next: psd2.Link{Href: "/rows?page=3"}})
		if at.Kept() != oxlin.PageAddressed {
			t.Errorf("%s: the third page is kept as %q", next, at.Kept())
		}
	}
}

// walked is the result of a walk over pages.
type walked struct {
	rows   []string
	pages  int
	broken bool
}

// walk reads pages until there is no next one. fetch returns the page of a query. Each
// step goes through the cursor, as another process would do it.
func walk(t testing.TB, repeatEnds bool, fetch func(query string) page) (result walked) {
	t.Helper()
	at, err := psd2.ReadPosition("")
	if err != nil {
		t.Fatal(err)
	}
	for {
		asked := at.Target
		got := fetch(asked.Query)
		result.pages++
		var raw []json.RawMessage
		for _, row := range got.rows {
			raw = append(raw, json.RawMessage(row))
		}
		repeated := at.Advance(psd2.Answered{
			Resource: "/rows", Asked: asked, Records: raw, RepeatEnds: repeatEnds, Next: linkTo(got.next), Self: linkTo(got.self),
		})
		if !repeated {
			result.rows = append(result.rows, got.rows...)
		}
		cursor := at.Cursor()
		if cursor == "" {
			result.broken = at.Broken != ""
			if (at.Failure() != nil) != result.broken {
				t.Errorf("the failure is %v", at.Failure())
			}
			return result
		}
		at, err = psd2.ReadPosition(cursor)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func linkTo(query string) psd2.Link {
	switch query {
	case "", "/elsewhere":
		return psd2.Link{Href: query}
	case ".":
		return psd2.Link{Href: "/rows"}
	}
	return psd2.Link{Href: "?" + query}
}

func TestAWalkOverPagesEnds(t *testing.T) {
	again := map[string]page{"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "", ""}}
	tests := []struct {
		name       string
		repeatEnds bool
		pages      map[string]page
		rows       []string
		count      int
		broken     bool
	}{
		{"one page", false, map[string]page{"": {rows: []string{"1"}}}, []string{"1"}, 1, false},
		{"two pages", false, map[string]page{"": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "", ""}}, []string{"1", "2"}, 2, false},
		{"an empty page between", false, map[string]page{"": {nil, "p=2", ""}, "p=2": {[]string{"2"}, "", ""}}, []string{"2"}, 2, false},
		{"the next page is the page itself", false, map[string]page{"": {[]string{"1"}, "p=1", "p=1"}, "p=1": {[]string{"1"}, "p=1", "p=1"}}, []string{"1"}, 2, false},
		{"the next page is the page itself, at a bank that does so", true, map[string]page{"": {[]string{"1"}, "p=1", "p=1"}}, []string{"1"}, 1, false},
		{
			"the next page is the page that was asked for", false,
			map[string]page{"": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "p=2", ""}}, []string{"1", "2"}, 3, false,
		},
		{"two pages lead to each other", false, map[string]page{
			"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"2"}, "p=2", ""}, "p=2": {[]string{"3"}, "p=1", ""},
		}, []string{"1", "2", "3"}, 3, false},
		{"the next page is always page 0", false, map[string]page{"": {[]string{"1"}, "p=0", ""}, "p=0": {[]string{"1"}, "p=0", ""}}, []string{"1"}, 2, false},
		{"the next page is always the first one", false, map[string]page{"": {[]string{"1"}, "size=9&offset=0", ""}, "size=9&offset=0": {[]string{"1"}, "size=9&offset=0", ""}}, []string{"1"}, 2, false},
		{"a link to a later page that the bank does not understand", false, map[string]page{"": {[]string{"1"}, "p;2&n=1", ""}, "p;2&n=1": {[]string{"1"}, "p;2&n=1", ""}}, []string{"1"}, 2, true},
		{"the same, at a bank that does so", true, map[string]page{"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"1"}, "p=1", ""}}, []string{"1"}, 2, false},
		{
			"the last page answers its own address", false,
			map[string]page{"": {[]string{"1"}, "p=2", ""}, "p=2": {[]string{"2"}, "p=3", ""}, "p=3": {[]string{"2"}, "p=3", ""}}, []string{"1", "2"}, 3, true,
		},
		{"a repeated page without a next one", false, map[string]page{"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"1"}, "", ""}}, []string{"1"}, 2, false},
		{"a repeated page whose link goes on", false, again, []string{"1", "2"}, 3, true},
		{"a repeated page at a bank whose last page links to an earlier one", true, again, []string{"1"}, 2, false},
		{"a link that cannot be followed", false, map[string]page{"": {[]string{"1"}, "p=1", ""}, "p=1": {[]string{"2"}, "/elsewhere", ""}}, []string{"1", "2"}, 2, true},
	}
	for _, test := range tests {
		got := walk(t, test.repeatEnds, func(query string) page { return test.pages[query] })
		if fmt.Sprint(got.rows) != fmt.Sprint(test.rows) || got.pages != test.count || got.broken != test.broken {
			t.Errorf("%s: %+v, want %v of %d, broken %t", test.name, got, test.rows, test.count, test.broken)
		}
	}
}

func TestAWalkWithoutAnEndIsBroken(t *testing.T) {
	for _, test := range []struct {
		name        string
		rows        func(n int) []string
		pages, kept int
	}{
		{"new rows on every page", func(n int) []string { return []string{fmt.Sprint(n)} }, 200, 200},
		{"no rows on any page", func(int) []string { return nil }, 10, 0},
		{"the same rows on every page", func(int) []string { return []string{"1"} }, 11, 1},
		{"two pages in turn", func(n int) []string { return []string{fmt.Sprint(n % 2)} }, 12, 2},
	} {
		n := 0
		got := walk(t, false, func(string) page {
			n++
			return page{test.rows(n), fmt.Sprintf("p=%d", n), ""}
		})
		if got.pages != test.pages || !got.broken || len(got.rows) != test.kept {
			t.Errorf("%s: %d pages, %d rows, broken %t", test.name, got.pages, len(got.rows), got.broken)
		}
	}
}

// TestABankThatKeepsThePosition gives another page each time, although all its links are one.
func TestABankThatKeepsThePosition(t *testing.T) {
	numbers := func(n int) (pages [][]string) {
		for i := range n {
			pages = append(pages, []string{fmt.Sprint(i)})
		}
		return pages
	}
	tests := []struct {
		name  string
		link  string     // of every page
		pages [][]string // the last one goes on
		stays bool       // the last page links to itself, and is given again
		count int
		rows  int
		// broken: the pages do not end.
		broken bool
	}{
		{"six pages", "next", numbers(6), false, 6, 6, false},
		{"six pages, of which the last comes again", "next", numbers(6), true, 7, 6, false},
		{"a link with a query", "cursor=next", numbers(3), true, 4, 3, false},
		{"a link to the list itself", ".", numbers(3), false, 3, 3, false},
		{"one page for ever", "next", numbers(1), true, 2, 1, false},
		{"one page for ever, at the list itself", ".", numbers(1), true, 2, 1, false},
		{"no rows for ever", "next", [][]string{nil}, true, 2, 0, false},
		{"two pages in turn", "next", [][]string{{"1"}, {"2"}, {"1"}}, true, 3, 2, false},
		{"an empty page at the end", "next", [][]string{{"1"}, {"2"}, nil}, true, 3, 2, false},
		{"new rows for ever", "next", numbers(2000), false, 200, 200, true},
	}
	for _, test := range tests {
		n := 0
		got := walk(t, false, func(string) page {
			at := min(n, len(test.pages)-1)
			n++
			if at == len(test.pages)-1 && !test.stays {
				return page{rows: test.pages[at]}
			}
			return page{rows: test.pages[at], next: test.link}
		})
		if got.pages != test.count || len(got.rows) != test.rows || got.broken != test.broken {
			t.Errorf("%s: %d pages and %d rows, broken %t; want %d, %d, %t", test.name, got.pages, len(got.rows), got.broken, test.count, test.rows, test.broken)
		}
	}
}

// A list that shows the same accounts in ever other words does not go on.
func TestAListMakesProgressByItsIDs(t *testing.T) {
	for name, c := range map[string]struct {
		key    func(n int) string
		pages  int
		broken bool
	}{
		"each account once":       {func(n int) string { return fmt.Sprint(n) }, 150, false},
		"the same account again":  {func(int) string { return "a" }, 11, true},
		"ten accounts in turn":    {func(n int) string { return fmt.Sprint(n % 10) }, 20, true},
		"a new one now and again": {func(n int) string { return fmt.Sprint(n / 9) }, 150, false},
	} {
		var at psd2.Position
		pages := 0
		for {
			pages++
			next := psd2.Link{Href: fmt.Sprintf("?p=%d", pages)}
			if pages == 150 {
				next = psd2.Link{}
			}
			at.Advance(psd2.Answered{
				Resource: "/rows", Asked: at.Target, Records: []json.RawMessage{json.RawMessage(fmt.Sprint(pages))}, Next: next,
				Keys: []string{c.key(pages)},
			})
			if at.Target.IsZero() {
				break
			}
		}
		if pages != c.pages || at.Endless() != c.broken {
			t.Errorf("%s: %d pages, endless %t; want %d, %t", name, pages, at.Endless(), c.pages, c.broken)
		}
	}
}

func TestALimitOfPagesIsOneWithoutProgress(t *testing.T) {
	today := oxlin.DateIn(now, oxlin.Paris)
	for _, test := range []struct {
		name string
		// days is how many days are asked for, day the day of a page's row, and end the
		// last page; 0 for none.
		days   int
		day    func(n int) oxlin.Date
		end    int
		pages  [2]int
		broken bool
	}{
		{"a long history", 365, func(n int) oxlin.Date { return today.AddDays(-n / 5) }, 1800, [2]int{1800, 1800}, false},
		{"a long history in no order", 365, func(n int) oxlin.Date { return today.AddDays(-(n * 97) % 365) }, 3000, [2]int{3000, 3000}, false},
		{"one day for ever", 365, func(int) oxlin.Date { return today }, 0, [2]int{100, 120}, true},
		{"older days for ever", 365, func(n int) oxlin.Date { return today.AddDays(-n) }, 0, [2]int{365, 400}, true},
		{"older days for ever, of a few that were asked for", 15, func(n int) oxlin.Date { return today.AddDays(-n) }, 0, [2]int{15, 50}, true},
		{"any days for ever", 15, func(n int) oxlin.Date { return today.AddDays(-n % 15) }, 0, [2]int{50, 200}, true},
		{"no days for ever", 365, func(int) oxlin.Date { return oxlin.Date{} }, 0, [2]int{1000, 1020}, true},
	} {
		at := psd2.Position{Window: psd2.Window{First: today.AddDays(-test.days), From: today.AddDays(-test.days)}}
		pages := 0
		for {
			pages++
			next := psd2.Link{Href: fmt.Sprintf("?p=%d", pages)}
			if pages == test.end {
				next = psd2.Link{}
			}
			at.Advance(psd2.Answered{
				Resource: "/rows", Asked: at.Target, Records: []json.RawMessage{json.RawMessage(fmt.Sprint(pages))}, Next: next,
				Days: []oxlin.Date{test.day(pages)}, Today: today,
			})
			if at.Target.IsZero() {
				break
			}
		}
		if pages < test.pages[0] || pages > test.pages[1] || at.Endless() != test.broken {
			t.Errorf("%s: %d pages, broken %t", test.name, pages, at.Endless())
		}
	}
}

func TestALargeAnswerIsReadInShorterWindows(t *testing.T) {
	today := oxlin.DateIn(now, oxlin.Paris)
	rapid.Check(t, func(t *rapid.T) {
		history := psd2.History{Days: rapid.IntRange(1, 800).Draw(t, "days")}
		densest := rapid.IntRange(1, 900).Draw(t, "days that fit into an answer")
		first := today.AddDays(-history.Days)
		owners := map[oxlin.Date]int{}
		at := psd2.Position{Window: history.Newest(now, oxlin.Paris, false, oxlin.Date{})}
		broken := false
		for steps := 0; at.Window != (psd2.Window{}); steps++ {
			if steps > 200 {
				t.Fatal("the windows do not end")
			}
			from, end := at.Window.Requested()
			if end.IsZero() {
				end = today.AddDays(1)
			}
			if end.DaysSince(from) > densest && at.Narrow(history, today) {
				continue
			}
			broken = broken || at.Broken != ""
			for day := first; !today.Before(day); day = day.AddDays(1) {
				if at.Window.Owns(day) {
					owners[day]++
				}
			}
			at.Older(history)
			if at.Window != (psd2.Window{}) && at.Broken == "" && broken {
				t.Fatal("the walk forgets that it is broken")
			}
		}
		for day := first; !today.Before(day); day = day.AddDays(1) {
			if owners[day] != 1 {
				t.Fatalf("%s belongs to %d windows", day, owners[day])
			}
		}
		if broken != (densest < 30 && history.Days+1 > densest) {
			t.Fatalf("broken is %t", broken)
		}
	})
}

func TestARecordWithoutADayIsCountedOnce(t *testing.T) {
	history := psd2.History{Days: 365, WindowDays: 60}
	at := psd2.Position{Window: history.Newest(now, oxlin.Paris, false, oxlin.Date{})}
	counts := map[string]int{}
	for at.Window != (psd2.Window{}) {
		// The bank gives one record in every window, twins in the newest, and one in an
		// old one.
		records := []string{"everywhere"}
		switch {
		case at.Window.To.IsZero():
			records = append(records, "twin", "twin")
		case at.Window.From == at.Window.First:
			records = append(records, "old")
		}
		for _, record := range records {
			if at.IsNewUndated(json.RawMessage(record)) {
				counts[record]++
			}
		}
		at.Older(history)
	}
	if counts["everywhere"] != 1 || counts["twin"] != 2 || counts["old"] != 1 {
		t.Errorf("records are counted %v times", counts)
	}
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
				t.Fatalf("%+v owns rows without a day", w)
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
	})
}
