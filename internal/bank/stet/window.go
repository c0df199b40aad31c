package stet

import (
	"cmp"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// windowQuery requests the first page of a window.
func (c *Connector) windowQuery(w psd2.Window) string {
	from, end := w.Requested()
	query := url.Values{cmp.Or(c.config.History.From, "dateFrom"): {c.formatDate(from)}}
	if end.IsZero() && c.config.History.DateTo {
		end = oxlin.DateIn(c.api.Now(), zone).AddDays(1)
	}
	if !end.IsZero() && !c.config.History.NoDateTo {
		query.Set(cmp.Or(c.config.History.To, "dateTo"), c.formatDate(end))
	}
	return query.Encode()
}

// formatDate formats a day for the bank; an instant is the midnight at which the bank's
// day begins.
func (c *Connector) formatDate(day oxlin.Date) string {
	midnight := day.Midnight(zone)
	switch c.config.History.DateFormat {
	case "instant", "millis":
		midnight = midnight.UTC()
	}
	return midnight.Format(dateLayouts[c.config.History.DateFormat])
}
