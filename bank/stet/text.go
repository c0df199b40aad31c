package stet

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
)

// text is a member that should be a string. Banks also write numbers, null, or
// something else altogether, which counts as nothing: the raw record keeps it.
type text string

// UnmarshalJSON reads a string or a number, and never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	var s string
	err := json.Unmarshal(raw, &s)
	if err == nil {
		*t = text(clean(s))
		return nil
	}
	var number json.Number
	err = json.Unmarshal(raw, &number)
	if err == nil {
		*t = text(number)
	}
	return nil
}

// clean turns control characters into spaces: databases and headers refuse them.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

// money is an amount as a string or a number, read from its digits.
type money struct {
	Value oxlin.Amount
	// Known is false where there was none, or none that can be read.
	Known bool
}

// UnmarshalJSON fails on what is neither text nor number: then nothing on the
// page can be believed. An amount that is missing, or no number, does not cost us
// the page.
func (m *money) UnmarshalJSON(raw []byte) error {
	*m = money{}
	var s exact
	err := s.UnmarshalJSON(raw)
	if err != nil || s == "" {
		return err
	}
	m.Value, err = oxlin.ParseAmount(string(s))
	m.Known = err == nil
	return nil
}

// exact is a text without which a record means nothing.
type exact string

// UnmarshalJSON reads a string, a number or null, and fails on anything else.
func (e *exact) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case '{', '[', 't', 'f':
		return &json.UnmarshalTypeError{Value: "another type", Type: reflect.TypeFor[string]()}
	}
	var t text
	err := t.UnmarshalJSON(raw)
	*e = exact(t)
	return err
}

// amount is an amount with its currency.
type amount struct {
	Amount   money `json:"amount"`
	Currency text  `json:"currency"`
}

// remittance are the bank's lines: a list (1.4.0), an object with lists (1.4.2
// and later), a string, or null.
type remittance []string

// UnmarshalJSON never fails.
func (r *remittance) UnmarshalJSON(raw []byte) error {
	*r = nil
	var object struct {
		Unstructured json.RawMessage `json:"unstructured"`
		Structured   optional[[]struct {
			Creditor struct {
				Reference text `json:"reference"`
			} `json:"creditorReferenceInformation"`
		}] `json:"structured"`
	}
	err := json.Unmarshal(raw, &object)
	if err != nil {
		*r = readLines(raw)
		return nil
	}
	*r = readLines(object.Unstructured)
	for _, line := range object.Structured.Value {
		if line.Creditor.Reference != "" {
			*r = append(*r, string(line.Creditor.Reference))
		}
	}
	return nil
}

// readLines reads a list of lines or a single one, and leaves out empty ones.
func readLines(raw json.RawMessage) (lines []string) {
	var list []text
	err := json.Unmarshal(raw, &list)
	if err != nil {
		var line text
		_ = json.Unmarshal(raw, &line) // neither: there are no lines
		list = []text{line}
	}
	for _, line := range list {
		if line != "" {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// optional is a member that may be missing, or be something else than the
// standard says: then it counts as missing.
type optional[T any] struct{ Value T }

// UnmarshalJSON never fails.
func (o *optional[T]) UnmarshalJSON(raw []byte) error {
	var value T
	err := json.Unmarshal(raw, &value)
	if err == nil {
		o.Value = value
	}
	return nil
}
