package wire

import (
	"encoding/json"
	"errors"
	"strconv"
)

// ID is an id in a request body: "87" or 87 (contract §11, "authorize_url").
type ID string

// UnmarshalJSON reads a string, or the digits of a whole number.
func (id *ID) UnmarshalJSON(text []byte) error {
	if isString(text) {
		return json.Unmarshal(text, (*string)(id))
	}
	_, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return errors.New("want an id: a string or a whole number")
	}
	*id = ID(text)
	return nil
}

// MarshalJSON writes a string.
func (id ID) MarshalJSON() ([]byte, error) { return json.Marshal(string(id)) }

// Flag is a boolean in a request body: true or "true" (contract §3.6), and what
// languages make of it in a form: 1 in PHP, True in Python.
type Flag bool

// UnmarshalJSON reads a boolean or a word for it.
func (f *Flag) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `true`, `"true"`, `"True"`, `"1"`:
		*f = true
	case `false`, `"false"`, `"False"`, `"0"`:
		*f = false
	default:
		return errors.New("want true or false")
	}
	return nil
}

// MarshalJSON writes a boolean.
func (f Flag) MarshalJSON() ([]byte, error) { return strconv.AppendBool(nil, bool(f)), nil }

// Seconds counts from 1970 in a request body: 599616000 or "599616000".
type Seconds int64

// UnmarshalJSON reads a whole number or its digits.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	if isString(text) {
		text = text[1 : len(text)-1]
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return errors.New("want a whole number of seconds")
	}
	*s = Seconds(n)
	return nil
}

// MarshalJSON writes a number.
func (s Seconds) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(s), 10), nil }

func isString(text []byte) bool { return len(text) >= 2 && text[0] == '"' }
