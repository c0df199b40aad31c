package psd2

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Written is a member of a bank's record as the bank wrote it: a text or a number, that
// the package notation reads, alone or in the only element or member that a converter has put
// around it. A member of another type is unreadable, not absent.
type Written struct {
	text string
	// other is set for an object, a list, true and false.
	other bool
}

// UnmarshalJSON never fails.
func (w *Written) UnmarshalJSON(raw []byte) error {
	text, ok := scalar(raw)
	if !ok {
		text, ok = unwrapped(raw)
	}
	if !ok {
		text, ok = dayOfParts(raw)
	}
	w.text, w.other = text, !ok
	return nil
}

// scalar returns a text, a number as it is written, or "" for null; ok is false for another
// value.
func scalar(raw []byte) (text string, ok bool) {
	text, plain := plainString(raw)
	if plain {
		return text, true
	}
	err := json.Unmarshal(raw, &text)
	if err == nil {
		return text, true // null too
	}
	var number json.Number
	err = json.Unmarshal(raw, &number)
	return number.String(), err == nil
}

// textNames are the members under which converters from XML hold a text that has attributes.
var textNames = map[string]bool{"#text": true, "_text": true, "$": true, "$t": true, "_": true}

// unwrapped returns the only text or number in a list, or in an object that holds a text of
// XML. Other objects may mean more: {"value": 1250} may be cents.
func unwrapped(raw []byte) (text string, ok bool) {
	inner, list := elementsOf(bytes.TrimSpace(raw))
	if !list {
		members, _ := membersOf(bytes.TrimSpace(raw))
		for _, m := range members {
			switch {
			case strings.HasPrefix(m.name, "@"):
			case textNames[m.name]:
				inner = append(inner, m.value)
			default:
				return "", false
			}
		}
	}
	if len(inner) != 1 {
		return "", false
	}
	return scalar(inner[0])
}

// dayOfParts returns the day that a serialiser of Java or of Protocol Buffers has written as
// its parts, in the form of the standard.
func dayOfParts(raw []byte) (text string, ok bool) {
	const fewest, most = 3, 7 // with the time, up to its nanoseconds
	var parts []int
	var named struct {
		Year       int             `json:"year"`
		Month      json.RawMessage `json:"month"`
		MonthValue int             `json:"monthValue"`
		Day        int             `json:"day"`
		DayOfMonth int             `json:"dayOfMonth"`
	}
	switch {
	case json.Unmarshal(raw, &parts) == nil && len(parts) >= fewest && len(parts) <= most:
	case json.Unmarshal(raw, &named) == nil && named.MonthValue > 0:
		parts = []int{named.Year, named.MonthValue, named.DayOfMonth}
	case json.Unmarshal(raw, &named) == nil:
		month, err := strconv.Atoi(string(named.Month))
		if err != nil {
			return "", false
		}
		parts = []int{named.Year, month, cmp.Or(named.Day, named.DayOfMonth)}
	default:
		return "", false
	}
	const firstYear = 1900 // java.util.Date counts from it, and its months from zero
	if parts[0] < firstYear {
		return "", false
	}
	return fmt.Sprintf("%04d-%02d-%02d", parts[0], parts[1], parts[2]), true
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
	text, _ := scalar(raw)
	*t = Text(notation.Text(text))
	return nil
}

// Name is the name of a person or an account. What programs write in its place counts as absent.
type Name string

// UnmarshalJSON reads a string or a number, and never fails.
func (n *Name) UnmarshalJSON(raw []byte) error {
	text, _ := scalar(raw)
	*n = Name(notation.Name(text))
	return nil
}

// ID is an id as the bank wrote it: text or number. A value of another type counts as
// absent.
type ID string

// UnmarshalJSON reads a string or a number, and never fails.
func (id *ID) UnmarshalJSON(raw []byte) error {
	text, _ := scalar(raw)
	*id = ID(notation.Identifier(text))
	return nil
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
	twice := func(name, capital string) bool {
		return bytes.Count(raw, []byte(name))+bytes.Count(raw, []byte(capital)) > 1
	}
	if twice(`"amount"`, `"Amount"`) {
		a.Amount = Written{other: true}
	}
	if twice(`"currency"`, `"Currency"`) {
		a.Currency = Written{other: true}
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
