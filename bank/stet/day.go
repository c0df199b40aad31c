package stet

import (
	"errors"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// day is a date in whatever form a bank writes it.
type day struct{ oxlin.Date }

// zonedLayouts hold an instant, which falls on a day in Paris; plainLayouts hold
// the day itself.
var (
	zonedLayouts = []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "2006-01-02Z07:00",
	}
	plainLayouts = []string{
		time.DateOnly, "02-01-2006", "02/01/2006", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime,
	}
)

var errDay = errors.New("no date in any of the forms that banks use")

// parseDay reads a day; empty is the zero Date, and an instant is converted to
// Paris before its hour is dropped: 22:30Z on the 27th of March is the 28th.
func parseDay(s string) (oxlin.Date, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return oxlin.Date{}, nil
	}
	for _, layout := range plainLayouts {
		t, err := time.Parse(layout, s)
		if err == nil && plausible(t) {
			return oxlin.DateIn(t, time.UTC), nil
		}
	}
	t, err := parseInstant(s)
	if err != nil {
		return oxlin.Date{}, err
	}
	return oxlin.DateIn(t, oxlin.Paris), nil
}

// parseInstant reads a time that says its zone.
func parseInstant(s string) (time.Time, error) {
	for _, layout := range zonedLayouts {
		t, err := time.Parse(layout, s)
		if err == nil && plausible(t) {
			return t, nil
		}
	}
	return time.Time{}, errDay
}

// plausible is false for 0001-01-01 and 9999-12-31, with which programs say that
// they know no date.
func plausible(t time.Time) bool { return t.Year() >= 1900 && t.Year() < 3000 }

// UnmarshalJSON never fails: a date that cannot be read is one that the bank did
// not give. The raw record keeps it.
func (d *day) UnmarshalJSON(raw []byte) error {
	var s text
	err := s.UnmarshalJSON(raw)
	if err != nil {
		return err
	}
	d.Date, err = parseDay(string(s))
	if err != nil {
		d.Date = oxlin.Date{}
	}
	return nil
}

// moment is an instant, or the midnight in Paris of a day.
type moment struct{ time.Time }

// UnmarshalJSON never fails, as that of day.
func (m *moment) UnmarshalJSON(raw []byte) error {
	var s text
	err := s.UnmarshalJSON(raw)
	if err != nil {
		return err
	}
	m.Time, err = parseInstant(strings.TrimSpace(string(s)))
	if err == nil {
		m.Time = m.UTC()
		return nil
	}
	date, err := parseDay(string(s))
	if err == nil && !date.IsZero() {
		m.Time = date.Midnight(oxlin.Paris).UTC()
	}
	return nil
}
