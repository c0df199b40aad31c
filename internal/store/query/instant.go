package query

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Instant is a time.Time stored as microseconds since 1970 in UTC; the zero time
// is stored as 0. Both databases store the same number, which sorts chronologically.
type Instant struct{ time.Time }

// At wraps a time for storing.
func At(t time.Time) Instant { return Instant{t} }

// Value implements driver.Valuer.
func (i Instant) Value() (driver.Value, error) {
	if i.IsZero() {
		return int64(0), nil
	}
	return i.UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (i *Instant) Scan(value any) error {
	micros, ok := value.(int64)
	if !ok {
		return fmt.Errorf("an instant is stored as a number, not %T", value)
	}
	i.Time = time.Time{}
	if micros != 0 {
		i.Time = time.UnixMicro(micros).UTC()
	}
	return nil
}

// InstantIn wraps a variable whose column holds microseconds.
func InstantIn(t *time.Time) Variable { return instantVariable{t} }

type instantVariable struct{ t *time.Time }

func (i instantVariable) Argument() any { return At(*i.t) }

// Scan implements sql.Scanner.
func (i instantVariable) Scan(value any) error {
	var instant Instant
	err := instant.Scan(value)
	*i.t = instant.Time
	return err
}
