package testbank

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the bank is in Paris, also in a container without zone files
)

// paris is the zone of the bank's days.
var paris = func() *time.Location {
	l, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err) // impossible: tzdata is linked in
	}
	return l
}()

// Day is a calendar date, counted in days since 1 January 1970.
type Day int

// NewDay returns the day of a calendar date; an overflowing day or month carries over.
func NewDay(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// DayOf returns the day of an instant in Paris.
func DayOf(t time.Time) Day {
	y, m, d := t.In(paris).Date()
	return NewDay(y, m, d)
}

func (d Day) date() (int, time.Month, int) {
	return time.Unix(int64(d)*86400, 0).UTC().Date()
}

// String writes the day as 2006-01-02.
func (d Day) String() string {
	y, m, n := d.date()
	return fmt.Sprintf("%04d-%02d-%02d", y, m, n)
}

// French writes the day as 02/01/2006.
func (d Day) French() string {
	y, m, n := d.date()
	return fmt.Sprintf("%02d/%02d/%04d", n, m, y)
}

// Midnight returns the instant at which the day begins in Paris.
func (d Day) Midnight() time.Time {
	y, m, n := d.date()
	return time.Date(y, m, n, 0, 0, 0, 0, paris)
}

// addMonths returns a day of the month n months later; a month that is too short gives
// its last day.
func (d Day) addMonths(n, dayOfMonth int) Day {
	y, m, _ := d.date()
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return NewDay(first.Year(), first.Month(), min(dayOfMonth, last))
}

func (d Day) dayOfMonth() int {
	_, _, n := d.date()
	return n
}

func (d Day) endOfMonth() Day { return d.addMonths(0, 31) }

// Date is a date as a file writes it: fixed, or counted from the anchor, which
// is the day the bank first saw the customer's file.
type Date struct {
	kind dateKind
	n    int // days, months, or the fixed day
	day  int // day of the month, for months
}

type dateKind byte

const (
	noDate    dateKind = iota
	fixedDate          // DD/MM/YY
	anchorDay          // D, D-3, D+3
	anchorMon          // M-12/28: the 28th, twelve months before the anchor's month
	laterDay           // +2: days after the row's own date
)

// IsZero reports whether the file leaves the date empty.
func (d Date) IsZero() bool { return d.kind == noDate }

// On returns the day of a date for a customer with the given anchor.
func (d Date) On(anchor Day) Day { return d.after(anchor, anchor) }

// after is On for a column that may be relative to the row's own date.
func (d Date) after(anchor, row Day) Day {
	switch d.kind {
	case fixedDate:
		return Day(d.n)
	case anchorDay:
		return anchor + Day(d.n)
	case anchorMon:
		return anchor.addMonths(d.n, d.day)
	case laterDay:
		return row + Day(d.n)
	}
	return row
}

// maxOffset keeps symbolic dates within a few centuries.
const maxOffset = 40_000

// parseDate reads DD/MM/YY, DD/MM/YYYY, D±n, M±n/day and +n.
func parseDate(s string) (Date, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Date{}, nil
	}
	bad := fmt.Errorf("date %.40q is neither DD/MM/YY nor D-n nor M-n/day", s)
	switch s[0] {
	case 'D', 'd':
		if len(s) == 1 {
			return Date{kind: anchorDay}, nil
		}
		if s[1] != '-' && s[1] != '+' {
			return Date{}, bad
		}
		n, err := strconv.Atoi(s[1:])
		if err != nil || n > maxOffset || n < -maxOffset {
			return Date{}, bad
		}
		return Date{kind: anchorDay, n: n}, nil
	case 'M', 'm':
		months, day, ok := strings.Cut(s[1:], "/")
		if !ok {
			return Date{}, bad
		}
		n := 0
		if months != "" {
			var err error
			if n, err = strconv.Atoi(months); err != nil || n > 1200 || n < -1200 {
				return Date{}, bad
			}
		}
		dom, err := strconv.Atoi(day)
		if err != nil || dom < 1 || dom > 31 {
			return Date{}, bad
		}
		return Date{kind: anchorMon, n: n, day: dom}, nil
	case '+':
		n, err := strconv.Atoi(s[1:])
		if err != nil || n < 0 || n > maxOffset {
			return Date{}, bad
		}
		return Date{kind: laterDay, n: n}, nil
	}
	for _, layout := range []string{"02/01/06", "02/01/2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			y := t.Year()
			if layout == "02/01/06" && y < 2000 {
				y += 100 // the file's century is ours
			}
			if y < 1970 || y > 2199 {
				return Date{}, bad
			}
			return Date{kind: fixedDate, n: int(NewDay(y, t.Month(), t.Day()))}, nil
		}
	}
	return Date{}, bad
}

// parseBirth reads the date of a birth, DD/MM/YY or DD/MM/YYYY, in any year. Two digits from
// 30 on are of the last century. Anything else is no date.
func parseBirth(s string) Date {
	for _, layout := range []string{"02/01/06", "02/01/2006"} {
		t, err := time.Parse(layout, strings.TrimSpace(s))
		if err != nil {
			continue
		}
		y := t.Year()
		if layout == "02/01/06" {
			y = 2000 + y%100
			if y >= 2030 {
				y -= 100
			}
		}
		return Date{kind: fixedDate, n: int(NewDay(y, t.Month(), t.Day()))}
	}
	return Date{}
}

var errNoDate = errors.New("date is missing")

// parseInstant reads the dates that aggregators send: a day, or an instant with or
// without a zone. An instant becomes its day in Paris.
func parseInstant(s string) (Day, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return DayOf(t), nil
		}
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, paris); err == nil {
			return DayOf(t), nil
		}
	}
	return 0, fmt.Errorf("%.40q is not a date", s)
}
