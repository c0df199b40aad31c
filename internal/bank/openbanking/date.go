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
		return psd2.EncodeQuery(query, c.config.History.Unescaped)
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
	case "today", "yesterday":
		last := oxlin.DateIn(now, c.dateZone)
		if h.DateTo == "yesterday" {
			last = last.AddDays(-1)
		}
		if !end.IsZero() && end.AddDays(-1).Before(last) {
			last = end.AddDays(-1)
		}
		to = last.Midnight(c.dateZone)
	}
	if !to.IsZero() {
		query[cmp.Or(h.To, "toBookingDateTime")] = []string{c.ends.Write(to, c.dateZone)}
	}
	return psd2.EncodeQuery(query, c.config.History.Unescaped)
}
