package psd2

import (
	"errors"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// Day is a date in any form that banks use: a calendar day, or an instant, which is
// converted to a day in the bank's zone.
type Day struct {
	plain   oxlin.Date
	instant time.Time
}

// zonedLayouts hold an instant; plainLayouts hold the day itself.
var (
	zonedLayouts = []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "2006-01-02Z07:00",
	}
	plainLayouts = []string{
		time.DateOnly, "02-01-2006", "02/01/2006", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime,
	}
)

var errDay = errors.New("the text has none of the forms in which banks write dates")

// parseDay reads a day; the empty text is the zero Day.
func parseDay(s string) (Day, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Day{}, nil
	}
	for _, layout := range plainLayouts {
		t, err := time.Parse(layout, s)
		if err == nil && plausible(t) {
			return Day{plain: oxlin.DateIn(t, time.UTC)}, nil
		}
	}
	instant, err := parseInstant(s)
	return Day{instant: instant}, err
}

// parseInstant reads a time with its zone.
func parseInstant(s string) (time.Time, error) {
	for _, layout := range zonedLayouts {
		t, err := time.Parse(layout, s)
		if err == nil && plausible(t) {
			return t, nil
		}
	}
	return time.Time{}, errDay
}

// plausible reports whether a date is real: programs write 0001-01-01 and 9999-12-31
// for an unknown date.
func plausible(t time.Time) bool { return t.Year() >= 1900 && t.Year() < 3000 }

// In returns the day in the bank's zone, or the zero Date. An instant is converted
// before its time is dropped: 22:30Z on the 27th of March is the 28th in Paris.
func (d Day) In(zone *time.Location) oxlin.Date {
	if d.instant.IsZero() {
		return d.plain
	}
	return oxlin.DateIn(d.instant, zone)
}

// Instant returns the instant, or midnight of the day in the bank's zone; zero if the
// Day is empty.
func (d Day) Instant(zone *time.Location) time.Time {
	switch {
	case !d.instant.IsZero():
		return d.instant.UTC()
	case !d.plain.IsZero():
		return d.plain.Midnight(zone).UTC()
	}
	return time.Time{}
}

// UnmarshalJSON never fails: a date that cannot be read counts as absent. The raw
// record keeps it.
func (d *Day) UnmarshalJSON(raw []byte) error {
	var s Text
	err := s.UnmarshalJSON(raw)
	if err != nil {
		return err
	}
	*d, err = parseDay(string(s))
	if err != nil {
		*d = Day{}
	}
	return nil
}
