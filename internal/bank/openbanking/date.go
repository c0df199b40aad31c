package openbanking

import (
	"cmp"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// windowQuery requests the first page of a window.
func (c *Connector) windowQuery(w psd2.Window) string {
	query := url.Values{}
	for name, value := range c.config.History.Parameters {
		query[name] = []string{value}
	}
	h := c.config.History
	if c.dates.IsNone() {
		return c.encode(query)
	}
	from, end := w.Requested()
	query[cmp.Or(h.From, "fromBookingDateTime")] = []string{c.dates.Write(from.Midnight(c.dateZone), c.dateZone)}
	to := time.Time{}
	if !end.IsZero() {
		to = end.Midnight(c.dateZone)
	}
	now := c.api.Now()
	switch h.DateTo {
	case "never":
		to = time.Time{}
	case "tomorrow":
		if to.IsZero() {
			to = oxlin.DateIn(now, c.dateZone).AddDays(1).Midnight(c.dateZone)
		}
	case "now":
		if to.IsZero() || now.Before(to) {
			to = now
		}
	case "today":
		last := oxlin.DateIn(now, c.dateZone)
		if !end.IsZero() {
			last = end.AddDays(-1)
		}
		to = last.Midnight(c.dateZone)
	}
	if !to.IsZero() {
		query[cmp.Or(h.To, "toBookingDateTime")] = []string{c.ends.Write(to, c.dateZone)}
	}
	return c.encode(query)
}

// encode escapes a query for a request.
func (c *Connector) encode(query url.Values) string {
	if c.config.History.Unescaped {
		return psd2.Unescaped(query)
	}
	return query.Encode()
}
