package reconcile

import (
	"cmp"

	"github.com/oxlin/oxlin"
)

// day is a calendar day as a number, or no day: the zero day is absent, and is neither
// near to nor far from any other.
type day struct {
	number int
	told   bool
}

var epoch = oxlin.NewDate(2000, 1, 1)

func dayOf(d oxlin.Date) day {
	if d.IsZero() {
		return day{}
	}
	return day{d.DaysSince(epoch), true}
}

// before is the calendar day that lies some days before a told day.
func (d day) before(days int) oxlin.Date { return epoch.AddDays(d.number - days) }

// same reports whether both days are told and equal.
func (d day) same(other day) bool { return d.told && d == other }

// within reports whether both days are told, and d is from low to high days after the
// other.
func (d day) within(other day, low, high int) bool {
	return d.told && other.told && between(d.number-other.number, low, high)
}

func (d day) compare(other day) int {
	switch {
	case d.told == other.told:
		return cmp.Compare(d.number, other.number)
	case d.told:
		return 1
	}
	return -1
}
