package oxlin_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
)

func TestADayBeginsAtMidnightInParis(t *testing.T) {
	tests := []struct {
		day  oxlin.Date
		unix int64
	}{
		{oxlin.NewDate(2021, 12, 20), 1639954800}, // recorded by clients of the hosted service
		{oxlin.NewDate(2021, 12, 17), 1639695600},
		{oxlin.NewDate(2026, 3, 29), 1774738800}, // summer time begins on this day
		{oxlin.NewDate(2026, 7, 14), 1783980000},
	}
	for _, test := range tests {
		if got := test.day.Midnight(oxlin.Paris).Unix(); got != test.unix {
			t.Errorf("%s begins at %d, want %d", test.day, got, test.unix)
		}
		if got := oxlin.DateIn(time.Unix(test.unix, 0), oxlin.Paris); got != test.day {
			t.Errorf("%d is on %s, want %s", test.unix, got, test.day)
		}
	}
}

func TestDatesCountDaysOfTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := oxlin.NewDate(rapid.IntRange(1970, 2100).Draw(t, "year"), 1, rapid.IntRange(1, 366).Draw(t, "day"))
		n := rapid.IntRange(-1000, 1000).Draw(t, "n")
		moved := day.AddDays(n)
		if moved.DaysSince(day) != n || moved.AddDays(-n) != day || moved.Before(day) != (n < 0) {
			t.Fatalf("%s and %d days are %s", day, n, moved)
		}
		back, err := oxlin.ParseDate(day.String())
		if err != nil || back != day {
			t.Fatalf("%s reads as %s: %v", day, back, err)
		}
	})
}

func TestNoDate(t *testing.T) {
	none, err := oxlin.ParseDate("")
	if err != nil || !none.IsZero() || none.String() != "" || !none.Before(oxlin.NewDate(1, 1, 1)) {
		t.Errorf("the empty text is %q: %v", none, err)
	}
	for _, text := range []string{"2026-02-30", "2026-1-1", "20/11/2026", "today"} {
		_, err := oxlin.ParseDate(text)
		if err == nil {
			t.Errorf("%q is a date", text)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2026-11-29", "2024-02-29", "2023-02-29", "0000-01-01", "9999-12-31", "-001-01-01", "2026-1-1", "2026-11-29T00:00:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		date, err := oxlin.ParseDate(text)
		if err == nil && !date.IsZero() && date.String() != text {
			t.Errorf("%q is %s", text, date)
		}
	})
}
