package psd2

import (
	"fmt"
	"net/url"
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
	// layout is one of package time; empty for a bank that takes no dates.
	layout string
	// utc is set for a form with a Z of its own: the time is then in UTC.
	utc bool
}

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
		letters, layout := firstOf(rest)
		if letters == "" {
			return DateForm{}, fmt.Errorf("%q is neither the name of a form nor a pattern", name)
		}
		form.utc = form.utc || layout == "Z"
		form.layout += layout
		rest = rest[len(letters):]
	}
	if !strings.Contains(form.layout, "02") {
		return DateForm{}, fmt.Errorf("%q has no day", name)
	}
	return form, nil
}

// firstOf returns the first letters of a pattern that belong together, and their layout; no
// letters if it begins with an unknown one.
func firstOf(pattern string) (letters, layout string) {
	if pattern[0] == '\'' {
		literal, _, closed := strings.Cut(pattern[1:], "'")
		// A layout has no way to quote, so only letters that mean nothing in it may stand.
		if !closed || strings.Trim(literal, "TZ ") != "" {
			return "", ""
		}
		return pattern[:len(literal)+2], literal
	}
	for _, field := range dateFields {
		if strings.HasPrefix(pattern, field.letters) {
			return field.letters, field.layout
		}
	}
	if strings.Contains("TZ", pattern[:1]) || strings.Contains("-/:. ,", pattern[:1]) {
		return pattern[:1], pattern[:1]
	}
	return "", ""
}

// IsNone reports whether the bank takes no dates.
func (f DateForm) IsNone() bool { return f.layout == "" }

// Write writes an instant.
func (f DateForm) Write(instant time.Time, zone *time.Location) string {
	if f.utc {
		zone = time.UTC
	}
	return instant.In(zone).Format(f.layout)
}

// Unescaped encodes a query for a bank that does not undo the escaping of colons and plus signs.
func Unescaped(query url.Values) string {
	return strings.NewReplacer("%3A", ":", "%2B", "+").Replace(query.Encode())
}
