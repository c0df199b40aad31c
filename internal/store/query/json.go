package query

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON stores a value as JSON text, for lists and structs that are never searched.
type JSON[T any] struct{ V T }

// AsJSON wraps a value for storing.
func AsJSON[T any](v T) JSON[T] { return JSON[T]{v} }

// Value implements driver.Valuer.
func (j JSON[T]) Value() (driver.Value, error) {
	text, err := json.Marshal(j.V)
	return string(text), err
}

// Scan implements sql.Scanner.
func (j *JSON[T]) Scan(value any) error {
	var text []byte
	switch v := value.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("JSON is stored as text, not %T", value)
	}
	return json.Unmarshal(text, &j.V)
}

// JSONIn wraps a variable whose column holds JSON text.
func JSONIn[T any](v *T) Variable { return jsonVariable[T]{v} }

// Variable is a Go variable and the form of the column that holds it: Scan reads the column
// into it, Argument returns its value for a statement.
type Variable interface {
	sql.Scanner
	Argument() any
}

type jsonVariable[T any] struct{ v *T }

func (j jsonVariable[T]) Argument() any { return AsJSON(*j.v) }

// Scan implements sql.Scanner.
func (j jsonVariable[T]) Scan(value any) error {
	var decoded JSON[T]
	err := decoded.Scan(value)
	*j.v = decoded.V
	return err
}
