package stet

import (
	"cmp"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// windowQuery requests the first page of a window.
func (c *Connector) windowQuery(w psd2.Window) string {
	query := url.Values{}
	for name, value := range c.config.History.Parameters {
		query.Set(name, value)
	}
	if c.dates.IsNone() {
		return psd2.EncodeQuery(query, c.config.History.Unescaped)
	}
	from, end := w.Requested()
	query.Set(cmp.Or(c.config.History.From, "dateFrom"), c.formatDate(from))
	if end.IsZero() && c.config.History.DateTo {
		end = oxlin.DateIn(c.api.Now(), zone).AddDays(1)
	}
	if !end.IsZero() && !c.config.History.NoDateTo {
		query.Set(cmp.Or(c.config.History.To, "dateTo"), c.formatDate(end))
	}
	return psd2.EncodeQuery(query, c.config.History.Unescaped)
}

// formatDate formats a day for the bank; an instant is the midnight at which the bank's
// day begins.
func (c *Connector) formatDate(day oxlin.Date) string {
	return c.dates.Write(day.Midnight(c.dateZone), c.dateZone)
}
