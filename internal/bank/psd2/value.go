package psd2

import (
	"bytes"
	"cmp"
	"encoding/json"
	"unicode/utf8"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Written is a member of a bank's record as the bank wrote it: a text or a number, that
// the package notation reads. A member of another type is unreadable, not absent.
type Written struct {
	text string
	// other is set for an object, a list, true and false.
	other bool
}

// UnmarshalJSON never fails.
func (w *Written) UnmarshalJSON(raw []byte) error {
	*w = Written{}
	s, plain := plainString(raw)
	if plain {
		w.text = s
		return nil
	}
	err := json.Unmarshal(raw, &s)
	if err == nil {
		w.text = s // null too
		return nil
	}
	var number json.Number
	err = json.Unmarshal(raw, &number)
	if err == nil {
		w.text = number.String()
		return nil
	}
	w.other = true
	return nil
}

// plainString returns a JSON string that holds no escape, as nearly all do.
func plainString(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	s := raw[1 : len(raw)-1]
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(s), utf8.Valid(s)
}

// Read reads a member with a function of notation.
func Read[T any](w Written, read func(string) notation.Reading[T]) notation.Reading[T] {
	if w.other {
		return notation.Unreadable[T]()
	}
	return read(w.text)
}

// Text is a text for people. Banks also write numbers or null. A value of another type
// counts as absent; the raw record keeps it.
type Text string

// UnmarshalJSON reads a string or a number, and never fails.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var w Written
	err := w.UnmarshalJSON(raw)
	*t = Text(notation.Text(w.text))
	return err
}

// ID is an id as the bank wrote it: text or number. A value of another type counts as
// absent.
type ID string

// UnmarshalJSON reads a string or a number, and never fails.
func (id *ID) UnmarshalJSON(raw []byte) error {
	var w Written
	err := w.UnmarshalJSON(raw)
	*id = ID(notation.Identifier(w.text))
	return err
}

// First returns the first candidate that is not empty.
func First[T ~string](candidates ...T) T { return cmp.Or(candidates...) }

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

// Amount is an amount with its currency.
type Amount struct {
	Amount   Written `json:"amount"`
	Currency Written `json:"currency"`
}

// UnmarshalJSON reads the members. A record that holds one of them twice has two readings,
// of which encoding/json would take the last.
func (a *Amount) UnmarshalJSON(raw []byte) error {
	type members Amount
	err := json.Unmarshal(raw, (*members)(a))
	for name, member := range map[string]*Written{`"amount"`: &a.Amount, `"currency"`: &a.Currency} {
		if bytes.Count(raw, []byte(name)) > 1 {
			*member = Written{other: true}
		}
	}
	return err
}

// Read reads the amount. Its currency is the one that the record names, beside the
// amount or in its text, else the account's. A record that names two, or one that cannot
// be read, has no amount.
func (a Amount) Read(convention notation.Convention, account string) notation.Reading[notation.Money] {
	named := Read(a.Currency, notation.Currency)
	if named.IsUnreadable() {
		return notation.Unreadable[notation.Money]()
	}
	beside := named.Or("")
	reading := Read(a.Amount, func(text string) notation.Reading[notation.Money] {
		return convention.Money(text, cmp.Or(beside, account))
	})
	money, ok := reading.Told()
	switch {
	case !ok:
		return reading
	case money.Currency == "":
		money.Currency = cmp.Or(beside, account)
	case beside != "" && beside != money.Currency:
		return notation.Unreadable[notation.Money]()
	}
	return notation.Told(money)
}

// Currency returns the first candidate that is a currency, or the fallback.
func Currency(fallback string, candidates ...Written) string {
	for _, candidate := range candidates {
		code, ok := Read(candidate, notation.Currency).Told()
		if ok {
			return code
		}
	}
	return fallback
}

// ReadLines reads a list of lines, or a single one, and leaves out empty lines. A list may
// hold lists.
func ReadLines(raw json.RawMessage) (lines []string) { return readLines(raw, maxNested) }

// maxNested is how deep lists of lines may be nested.
const maxNested = 4

func readLines(raw json.RawMessage, depth int) (lines []string) {
	var list []json.RawMessage
	_, plain := plainString(raw)
	if !plain && json.Unmarshal(raw, &list) == nil {
		for _, part := range list {
			if depth > 0 {
				lines = append(lines, readLines(part, depth-1)...)
			}
		}
		return lines
	}
	var line Text
	_ = json.Unmarshal(raw, &line) // neither a list nor a line: there are no lines
	if line != "" {
		lines = append(lines, string(line))
	}
	return lines
}
