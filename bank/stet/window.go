package stet

import (
	"net/url"

	"github.com/oxlin/oxlin"
)

// window is a stretch of days that is read together. Windows are read from the
// newest to the oldest. Each asks the bank for some days more than its own on
// both sides and keeps the rows whose day is its own: so it does not matter
// whether the bank filters by booking day or by another, nor whether its dateTo
// is exclusive as the standard wants.
type window struct {
	// First is the first day of all windows together.
	First oxlin.Date `json:"first,omitzero"`
	// From is the first day of this one, To the first day after it; the newest
	// window has no To.
	From oxlin.Date `json:"from,omitzero"`
	To   oxlin.Date `json:"to,omitzero"`
}

const (
	// overlapBefore covers a transaction that is booked days after it was made.
	overlapBefore = 7
	// overlapAfter covers a bank that counts its days in another zone.
	overlapAfter = 1
)

// newestWindow begins a walk: not earlier than the bank's history goes, which
// may be shorter once the first token was refreshed.
func (c *Connector) newestWindow(refreshed bool, from oxlin.Date) window {
	days := c.config.History.Days
	if refreshed && c.config.History.RefreshedDays > 0 {
		days = min(days, c.config.History.RefreshedDays)
	}
	today := oxlin.DateIn(c.now(), oxlin.Paris)
	first := today.AddDays(-days)
	if first.Before(from) {
		first = from
	}
	if today.Before(first) {
		first = today
	}
	return c.windowUntil(first, today.AddDays(1), oxlin.Date{})
}

// olderWindow is the one before, or zero where there is none.
func (c *Connector) olderWindow(w window) window {
	if w.From == w.First {
		return window{}
	}
	return c.windowUntil(w.First, w.From.AddDays(overlapAfter), w.From)
}

// windowUntil makes the window before to, for which the bank is asked until end.
func (c *Connector) windowUntil(first, end, to oxlin.Date) window {
	w := window{First: first, From: first, To: to}
	if c.config.History.WindowDays > 0 {
		earliest := end.AddDays(-c.config.History.WindowDays)
		if first.Before(earliest) {
			w.From = earliest.AddDays(overlapBefore)
		}
	}
	return w
}

// owns says whether a row of a day belongs to the window. Rows without a day are
// pending and belong to the newest; rows before the first day are kept.
func (w window) owns(day oxlin.Date) bool {
	if !w.To.IsZero() && (day.IsZero() || !day.Before(w.To)) {
		return false
	}
	return w.From == w.First || day.IsZero() || !day.Before(w.From)
}

// windowQuery asks for the first page of a window.
func (c *Connector) windowQuery(w window) string {
	from := w.From
	if from != w.First {
		from = from.AddDays(-overlapBefore)
	}
	query := url.Values{"dateFrom": {c.formatDate(from)}}
	switch {
	case !w.To.IsZero():
		query.Set("dateTo", c.formatDate(w.To.AddDays(overlapAfter)))
	case c.config.History.DateTo:
		tomorrow := oxlin.DateIn(c.now(), oxlin.Paris).AddDays(1)
		query.Set("dateTo", c.formatDate(tomorrow))
	}
	return query.Encode()
}

// formatDate writes a day as the bank wants it; as an instant it is midnight in
// Paris, where the bank's days begin.
func (c *Connector) formatDate(day oxlin.Date) string {
	midnight := day.Midnight(oxlin.Paris)
	switch c.config.History.DateFormat {
	case "instant", "millis":
		midnight = midnight.UTC()
	}
	return midnight.Format(dateLayouts[c.config.History.DateFormat])
}
