package psd2

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
)

// Text is a member that should be a string. Banks also write numbers or null. A value
// of another type counts as absent; the raw record keeps it.
type Text string

// UnmarshalJSON reads a string or a number, and never fails.
func (t *Text) UnmarshalJSON(raw []byte) error {
	*t = ""
	var s string
	err := json.Unmarshal(raw, &s)
	if err == nil {
		*t = Text(Clean(s))
		return nil
	}
	var number json.Number
	err = json.Unmarshal(raw, &number)
	if err == nil {
		*t = Text(number)
	}
	return nil
}

// Clean turns control characters into spaces, because databases and headers refuse
// them, and trims the text.
func Clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

// First returns the first candidate that is not empty.
func First[T ~string](candidates ...T) T {
	for _, candidate := range candidates {
		if candidate != "" {
			return candidate
		}
	}
	return ""
}

// Optional is a member that may be missing. A value of the wrong type counts as
// missing.
type Optional[T any] struct{ Value T }

// UnmarshalJSON never fails.
func (o *Optional[T]) UnmarshalJSON(raw []byte) error {
	var value T
	err := json.Unmarshal(raw, &value)
	if err == nil {
		o.Value = value
	}
	return nil
}

// Exact is a text that a record requires.
type Exact string

// UnmarshalJSON reads a string, a number or null, and fails on anything else.
func (e *Exact) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case '{', '[', 't', 'f':
		return &json.UnmarshalTypeError{Value: "another type", Type: reflect.TypeFor[string]()}
	}
	var t Text
	err := t.UnmarshalJSON(raw)
	*e = Exact(t)
	return err
}

// Money is an amount written as a string or a number, parsed without floating point.
type Money struct {
	Value oxlin.Amount
	// Known is false if the amount is missing or is not a number.
	Known bool
}

// UnmarshalJSON fails on a value that is neither a string nor a number: then nothing on
// the page can be trusted. An amount that is missing or not a number does not
// invalidate the page.
func (m *Money) UnmarshalJSON(raw []byte) error {
	*m = Money{}
	var s Exact
	err := s.UnmarshalJSON(raw)
	if err != nil || s == "" {
		return err
	}
	m.Value, err = oxlin.ParseAmount(string(s))
	m.Known = err == nil
	return nil
}

// Amount is an amount with its currency.
type Amount struct {
	Amount   Money `json:"amount"`
	Currency Text  `json:"currency"`
}

// Currency returns the first candidate that has the form of an ISO 4217 code, or the
// fallback.
func Currency(fallback string, candidates ...Text) string {
	for _, candidate := range candidates {
		code := strings.ToUpper(string(candidate))
		if len(code) == 3 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return code
		}
	}
	return fallback
}

// ReadLines reads a list of lines, or a single one, and leaves out empty lines.
func ReadLines(raw json.RawMessage) (lines []string) {
	var list []Text
	err := json.Unmarshal(raw, &list)
	if err != nil {
		var line Text
		_ = json.Unmarshal(raw, &line) // neither a list nor a line: there are no lines
		list = []Text{line}
	}
	for _, line := range list {
		if line != "" {
			lines = append(lines, string(line))
		}
	}
	return lines
}
