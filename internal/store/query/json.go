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

// ScanJSON returns a scanner that decodes JSON text into *v.
func ScanJSON[T any](v *T) sql.Scanner { return jsonTarget[T]{v} }

type jsonTarget[T any] struct{ v *T }

func (t jsonTarget[T]) Scan(value any) error {
	var decoded JSON[T]
	err := decoded.Scan(value)
	*t.v = decoded.V
	return err
}
