package openbanking

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// dateFormats are the named forms of dates in a request, as patterns.
var dateFormats = map[string]string{
	"":              "yyyy-MM-dd'T'HH:mm:ss'Z'",
	"instant":       "yyyy-MM-dd'T'HH:mm:ss'Z'",
	"millis":        "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
	"local":         "yyyy-MM-dd'T'HH:mm:ss",
	"local_millis":  "yyyy-MM-dd'T'HH:mm:ss.SSS",
	"offset":        "yyyy-MM-dd'T'HH:mm:ssxxx",
	"offset_millis": "yyyy-MM-dd'T'HH:mm:ss.SSSxxx",
	"date":          "yyyy-MM-dd",
}

// fields are the letters of a pattern, and the layout of each; longer runs come first.
var fields = []struct{ letters, layout string }{
	{"yyyy", "2006"}, {"uuuu", "2006"}, {"yy", "06"}, {"MMM", "Jan"}, {"MM", "01"}, {"dd", "02"}, {"EEE", "Mon"},
	{"HH", "15"}, {"mm", "04"}, {"ss", "05"},
	{".SSSSSSSSS", ".000000000"}, {".SSSSSS", ".000000"}, {".SSS", ".000"}, {".SS", ".00"}, {".S", ".0"},
	{"XXX", "Z07:00"}, {"XX", "Z0700"}, {"xxx", "-07:00"}, {"xx", "-0700"}, {"zzz", "MST"},
}

// dateForm is how a bank wants its dates.
type dateForm struct {
	// layout is one of package time; empty for a bank that takes no dates.
	layout string
	// utc is set for a form with a Z of its own: the time is then in UTC.
	utc bool
}

// newDateForm reads the name of a form, or a pattern.
func newDateForm(name string) (dateForm, error) {
	if name == none {
		return dateForm{}, nil
	}
	pattern, named := dateFormats[name]
	if !named {
		pattern = name
	}
	var form dateForm
	for rest := pattern; rest != ""; {
		letters, layout := next(rest)
		if letters == "" {
			return dateForm{}, fmt.Errorf("%q is neither the name of a form nor a pattern", name)
		}
		form.utc = form.utc || layout == "Z"
		form.layout += layout
		rest = rest[len(letters):]
	}
	if !strings.Contains(form.layout, "02") {
		return dateForm{}, fmt.Errorf("%q has no day", name)
	}
	return form, nil
}

// next returns the first letters of a pattern that belong together, and their layout; no
// letters if it begins with an unknown one.
func next(pattern string) (letters, layout string) {
	if pattern[0] == '\'' {
		literal, _, closed := strings.Cut(pattern[1:], "'")
		// A layout has no way to quote, so only letters that mean nothing in it may stand.
		if !closed || strings.Trim(literal, "TZ ") != "" {
			return "", ""
		}
		return pattern[:len(literal)+2], literal
	}
	for _, field := range fields {
		if strings.HasPrefix(pattern, field.letters) {
			return field.letters, field.layout
		}
	}
	if strings.Contains("TZ", pattern[:1]) || strings.Contains("-/:. ,", pattern[:1]) {
		return pattern[:1], pattern[:1]
	}
	return "", ""
}

// write writes an instant.
func (f dateForm) write(instant time.Time, zone *time.Location) string {
	if f.utc {
		zone = time.UTC
	}
	return instant.In(zone).Format(f.layout)
}

// windowQuery requests the first page of a window.
func (c *Connector) windowQuery(w psd2.Window) string {
	query := url.Values{}
	for name, value := range c.config.History.Parameters {
		query[name] = []string{value}
	}
	h := c.config.History
	if c.dates.layout == "" {
		return c.encode(query)
	}
	from, end := w.Requested()
	query[cmp.Or(h.From, "fromBookingDateTime")] = []string{c.dates.write(from.Midnight(c.dateZone), c.dateZone)}
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
	}
	if !to.IsZero() {
		query[cmp.Or(h.To, "toBookingDateTime")] = []string{c.dates.write(to, c.dateZone)}
	}
	return c.encode(query)
}

// encode escapes a query for a request.
func (c *Connector) encode(query url.Values) string {
	escaped := query.Encode()
	if c.config.History.Unescaped {
		return strings.NewReplacer("%3A", ":", "%2B", "+").Replace(escaped)
	}
	return escaped
}
