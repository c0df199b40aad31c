package oxlin

import (
	"database/sql/driver"
	"fmt"
	"time"
	_ "time/tzdata" // Paris must exist on a machine without zone files
)

// Paris is the zone in which French banks count their days, and in which the
// API v2.1 writes a date as an instant (contract §4.8).
var Paris = mustLoad("Europe/Paris")

func mustLoad(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zone is embedded: only a broken build gets here
	}
	return zone
}

// Date is a day in a bank's calendar, without hour or zone. The zero Date means
// that the bank gave none. Dates are compared with == and Before.
type Date struct {
	year  int16
	month int8
	day   int8
}

// NewDate normalises as time.Date does: the 31st of April is the 1st of May.
func NewDate(year int, month time.Month, day int) Date {
	return DateIn(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), time.UTC)
}

// DateIn is the day that an instant falls on in a zone.
func DateIn(t time.Time, zone *time.Location) Date {
	year, month, day := t.In(zone).Date()
	return Date{int16(year), int8(month), int8(day)}
}

// ParseDate reads YYYY-MM-DD; the empty text is the zero Date.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return Date{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	return DateIn(t, time.UTC), nil
}

// IsZero says that there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Midnight is the instant at which the day begins in a zone.
func (d Date) Midnight(zone *time.Location) time.Time {
	return time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, zone)
}

// AddDays moves by days of the calendar, so summer time does not matter.
func (d Date) AddDays(n int) Date {
	return NewDate(int(d.year), time.Month(d.month), int(d.day)+n)
}

// DaysSince counts the days from other to d; it is negative when d is earlier.
func (d Date) DaysSince(other Date) int {
	return int(d.Midnight(time.UTC).Sub(other.Midnight(time.UTC)) / (24 * time.Hour))
}

// Before orders days; the zero Date comes before every other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// Compare is -1, 0 or 1, as slices.SortFunc wants it.
func (d Date) Compare(other Date) int {
	switch {
	case d == other:
		return 0
	case d.ordinal() < other.ordinal():
		return -1
	}
	return 1
}

func (d Date) ordinal() int { return int(d.year)*512 + int(d.month)*32 + int(d.day) }

// String writes YYYY-MM-DD, and nothing for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Midnight(time.UTC).Format(time.DateOnly)
}

// MarshalText writes what ParseDate reads, so that JSON and flags can hold dates.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD or nothing.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Value stores the text of the day, which sorts as the days do; no date is ”.
func (d Date) Value() (driver.Value, error) { return d.String(), nil }

// Scan reads what Value stored.
func (d *Date) Scan(value any) error {
	switch v := value.(type) {
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	}
	return fmt.Errorf("a date is stored as text, not %T", value)
}
