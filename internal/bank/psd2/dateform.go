package psd2

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// noDates is the form of a bank that takes no dates.
const noDates = "none"

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

// dateFields are the letters of a pattern, and the layout of each; longer runs come first.
var dateFields = []struct{ letters, layout string }{
	{"yyyy", "2006"}, {"uuuu", "2006"}, {"yy", "06"}, {"MMM", "Jan"}, {"MM", "01"}, {"dd", "02"}, {"EEE", "Mon"},
	{"HH", "15"}, {"mm", "04"}, {"ss", "05"},
	{".SSSSSSSSS", ".000000000"}, {".SSSSSS", ".000000"}, {".SSS", ".000"}, {".SS", ".00"}, {".S", ".0"},
	{"XXX", "Z07:00"}, {"XX", "Z0700"}, {"xxx", "-07:00"}, {"xx", "-0700"}, {"zzz", "MST"},
}

// DateForm is how a bank wants its dates.
type DateForm struct {
	// parts are empty for a bank that takes no dates.
	parts []datePart
	// utc is set for a form with a time and a Z of its own: the time is then in UTC.
	utc bool
}

// datePart is a layout of package time, or a literal.
type datePart struct{ layout, literal string }

// NewDateForm reads the name of a form, or a pattern.
func NewDateForm(name string) (DateForm, error) {
	if name == noDates {
		return DateForm{}, nil
	}
	pattern, named := dateFormats[name]
	if !named {
		pattern = name
	}
	var form DateForm
	for rest := pattern; rest != ""; {
		letters, part := firstOf(rest)
		if letters == "" {
			return DateForm{}, fmt.Errorf("%q is neither the name of a form nor a pattern", name)
		}
		form.parts = append(form.parts, part)
		rest = rest[len(letters):]
	}
	if !form.has("02") {
		return DateForm{}, fmt.Errorf("%q has no day", name)
	}
	form.utc = form.has("15") && slices.ContainsFunc(form.parts, func(p datePart) bool { return strings.HasSuffix(p.literal, "Z") })
	return form, nil
}

// has reports whether a layout is one of the parts.
func (f DateForm) has(layout string) bool {
	return slices.ContainsFunc(f.parts, func(p datePart) bool { return p.layout == layout })
}

// firstOf returns the first letters of a pattern that belong together, and their part; no
// letters if it begins with an unknown one.
func firstOf(pattern string) (letters string, part datePart) {
	if pattern[0] == '\'' {
		literal, _, closed := strings.Cut(pattern[1:], "'")
		if !closed || literal == "" {
			return "", datePart{}
		}
		return pattern[:len(literal)+2], datePart{literal: literal}
	}
	for _, field := range dateFields {
		if strings.HasPrefix(pattern, field.letters) {
			return field.letters, datePart{layout: field.layout}
		}
	}
	if strings.Contains("TZ-/:. ,", pattern[:1]) {
		return pattern[:1], datePart{literal: pattern[:1]}
	}
	return "", datePart{}
}

// IsNone reports whether the bank takes no dates.
func (f DateForm) IsNone() bool { return len(f.parts) == 0 }

// Write writes an instant.
func (f DateForm) Write(instant time.Time, zone *time.Location) string {
	if f.utc {
		zone = time.UTC
	}
	instant = instant.In(zone)
	var text strings.Builder
	for _, part := range f.parts {
		text.WriteString(part.literal)
		if part.layout != "" {
			text.WriteString(withPoint(instant, part.layout))
		}
	}
	return text.String()
}

// withPoint writes an instant in a layout. Package time writes a fraction only behind seconds.
func withPoint(instant time.Time, layout string) string {
	if layout[0] == '.' {
		return instant.Format("05" + layout)[len("05"):]
	}
	return instant.Format(layout)
}

// EncodeQuery escapes a query. unescaped is set for a bank that does not undo the escaping of colons and
// plus signs.
func EncodeQuery(query url.Values, unescaped bool) string {
	if unescaped {
		return strings.NewReplacer("%3A", ":", "%2B", "+").Replace(query.Encode())
	}
	return query.Encode()
}
