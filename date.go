package oxlin

import (
	"database/sql/driver"
	"fmt"
	"time"
	_ "time/tzdata" // Paris must exist on a machine without zone files
)

// Paris is the time zone of French banking days. The API v2.1 writes a date as an
// instant in this zone (contract §4.8).
var Paris = mustLoad("Europe/Paris")

func mustLoad(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zone is embedded, so this is a broken build
	}
	return zone
}

// Date is a calendar day without hour or zone. The zero Date is an absent date.
// Dates are compared with == and Before.
type Date struct {
	year  int16
	month int8
	day   int8
}

// NewDate normalises as time.Date does: the 31st of April is the 1st of May.
func NewDate(year int, month time.Month, day int) Date {
	return DateIn(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), time.UTC)
}

// DateIn returns the day of an instant in a zone.
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

// IsZero reports whether the date is absent.
func (d Date) IsZero() bool { return d == Date{} }

// Midnight returns the first instant of the day in a zone.
func (d Date) Midnight(zone *time.Location) time.Time {
	return time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, zone)
}

// AddDays adds calendar days, independently of daylight saving time.
func (d Date) AddDays(n int) Date {
	return NewDate(int(d.year), time.Month(d.month), int(d.day)+n)
}

// DaysSince returns the number of days from other to d; negative if d is earlier.
func (d Date) DaysSince(other Date) int {
	return int(d.Midnight(time.UTC).Sub(other.Midnight(time.UTC)) / (24 * time.Hour))
}

// Before reports whether d is earlier; the zero Date is the earliest.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// Compare returns -1, 0 or 1, for slices.SortFunc.
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

// String returns YYYY-MM-DD, or "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Midnight(time.UTC).Format(time.DateOnly)
}

// MarshalText writes the form that ParseDate reads, for JSON and flags.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD or the empty text.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Value stores the text form, which sorts chronologically; an absent date is empty.
func (d Date) Value() (driver.Value, error) { return d.String(), nil }

// Scan reads the form that Value stores.
func (d *Date) Scan(value any) error {
	switch v := value.(type) {
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	}
	return fmt.Errorf("a date is stored as text, not %T", value)
}
