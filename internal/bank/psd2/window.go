package psd2

import (
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/datafile"
)

// History describes how far back a bank's transactions go.
type History struct {
	// Days is how far back from today the first access reaches. RefreshedDays, if set,
	// is how far access with a refreshed token reaches.
	Days          int `json:"days"`
	RefreshedDays int `json:"refreshed_days,omitempty"`
	// WindowDays is the longest period that one call may request; longer ones are read
	// window by window. 0 means no limit.
	WindowDays int `json:"window_days,omitempty"`
}

// Window is a period that is read together. Windows are read from the newest to the
// oldest. Each requests a few more days than its own on both sides, and keeps only the
// rows of its own days. So it does not matter whether the bank filters by booking day
// or by another, nor whether its end is exclusive.
type Window struct {
	// First is the first day of all windows together.
	First oxlin.Date `json:"first,omitzero"`
	// From is the first day of this window, To the first day after it; the newest
	// window has no To.
	From oxlin.Date `json:"from,omitzero"`
	To   oxlin.Date `json:"to,omitzero"`
}

const (
	// smallestWindow leaves room for the days by which windows overlap.
	smallestWindow = 30
	// overlapBefore covers a transaction that is booked days after it was made.
	overlapBefore = 7
	// overlapAfter covers a bank whose days begin in another time zone.
	overlapAfter = 1
)

// Check reports every fault of the data.
func (h History) Check(at datafile.Node) {
	at.Member("days").Check(h.Days > 0, "want at least 1, not %d", h.Days)
	at.Member("refreshed_days").Check(h.RefreshedDays >= 0, "%d is negative", h.RefreshedDays)
	at.Member("window_days").Check(h.WindowDays == 0 || h.WindowDays >= smallestWindow,
		"want 0 or at least %d, not %d", smallestWindow, h.WindowDays)
}

// Newest returns the first window of a walk. It starts on the wanted day, but not
// before the bank's history, which may be shorter once the token has been refreshed.
func (h History) Newest(now time.Time, zone *time.Location, refreshed bool, wanted oxlin.Date) Window {
	days := h.Days
	if refreshed && h.RefreshedDays > 0 {
		days = min(days, h.RefreshedDays)
	}
	today := oxlin.DateIn(now, zone)
	first := today.AddDays(-days)
	if first.Before(wanted) {
		first = wanted
	}
	if today.Before(first) {
		first = today
	}
	return h.until(first, today.AddDays(1), oxlin.Date{})
}

// NewestBefore is Newest for the days before until. The window is zero if the
// bank's history begins later.
func (h History) NewestBefore(until oxlin.Date, now time.Time, zone *time.Location, refreshed bool, wanted oxlin.Date) Window {
	newest := h.Newest(now, zone, refreshed, wanted)
	switch {
	case until.IsZero(), oxlin.DateIn(now, zone).Before(until):
		return newest
	case !newest.First.Before(until):
		return Window{}
	}
	return h.until(newest.First, until.AddDays(overlapAfter), until)
}

// Older returns the window before w; zero if w is the oldest.
func (h History) Older(w Window) Window {
	if w.From == w.First {
		return Window{}
	}
	return h.until(w.First, w.From.AddDays(overlapAfter), w.From)
}

// limited returns the history with shorter windows; 0 changes nothing.
func (h History) limited(days int) History {
	if days > 0 {
		h.WindowDays = days
	}
	return h
}

// again returns the newest part of a window, as long as the history's windows are now.
func (h History) again(w Window, today oxlin.Date) Window {
	_, end := w.Requested()
	if end.IsZero() {
		end = today.AddDays(1)
	}
	return h.until(w.First, end, w.To)
}

// until returns the window before to; the bank is asked until end.
func (h History) until(first, end, to oxlin.Date) Window {
	w := Window{First: first, From: first, To: to}
	if h.WindowDays > 0 {
		earliest := end.AddDays(-h.WindowDays)
		if first.Before(earliest) {
			w.From = earliest.AddDays(overlapBefore)
		}
	}
	return w
}

// days returns the number of days that the window requests.
func (w Window) days(today oxlin.Date) int {
	from, end := w.Requested()
	if end.IsZero() {
		end = today.AddDays(1)
	}
	return end.DaysSince(from)
}

// pages returns the number of pages after which the bank's pages are taken for endless.
func (w Window) pages(today oxlin.Date) int {
	const least, perDay = 40, 10
	return least + perDay*w.days(today)
}

// Owns reports whether a row with this day belongs to the window. Rows before the first
// day are kept. A row without a day belongs to no window, see Position.IsNewUndated.
func (w Window) Owns(day oxlin.Date) bool {
	if day.IsZero() || !w.To.IsZero() && !day.Before(w.To) {
		return false
	}
	return w.From == w.First || !day.Before(w.From)
}

// Requested returns the requested days: from the first day, to the day before end. The
// newest window has no end.
func (w Window) Requested() (from, end oxlin.Date) {
	from = w.From
	if from != w.First {
		from = from.AddDays(-overlapBefore)
	}
	if !w.To.IsZero() {
		end = w.To.AddDays(overlapAfter)
	}
	return from, end
}
