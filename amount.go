package oxlin

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Amount is an exact decimal number of currency units, stored in steps of 10^-5.
// Bank interfaces allow at most five decimals (banks §1.2), which leaves thirteen
// digits before the point. The currency is a separate field. Amounts are compared
// and added with ==, < and +.
type Amount int64

// amountScale is how many steps make one currency unit.
const amountScale = 100_000

// ErrAmount is returned for a text that is not a number, has more than five
// significant decimals, or is out of range.
var ErrAmount = errors.New("not an exact amount of at most 13 digits and 5 decimals")

// amountContext has enough digits for the largest amount and reports rounding.
var amountContext = apd.BaseContext.WithPrecision(30)

// ParseAmount reads a decimal number as banks write it: "-79.99", "12.", "+3",
// "1e2". It never rounds: a number that does not fit is ErrAmount.
func ParseAmount(s string) (Amount, error) {
	s = strings.TrimSpace(s)
	// Expanding a very long number would cost too much memory and time.
	if len(s) > 40 {
		return 0, ErrAmount
	}
	number, _, err := apd.NewFromString(s)
	if err != nil || number.Form != apd.Finite || number.Exponent > 20 {
		return 0, fmt.Errorf("%q: %w", s, ErrAmount)
	}
	steps := new(apd.Decimal)
	_, err = amountContext.Mul(steps, number, apd.New(amountScale, 0))
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, ErrAmount)
	}
	// Int64 rejects fractions and numbers that are out of range.
	n, err := steps.Int64()
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, ErrAmount)
	}
	return Amount(n), nil
}

// String writes the amount without superfluous zeros: "-79.99", "760.1", "-4".
func (a Amount) String() string {
	number := apd.New(int64(a), -5)
	number.Reduce(number)
	return number.Text('f')
}

// Abs returns the amount without its sign.
func (a Amount) Abs() Amount {
	if a < 0 {
		return -a
	}
	return a
}

// MarshalJSON writes a JSON number (contract §3), digit for digit.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a JSON number, or a string that contains one, without
// conversion to a float.
func (a *Amount) UnmarshalJSON(text []byte) error {
	parsed, err := ParseAmount(strings.Trim(string(text), `"`))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// MarshalText and UnmarshalText serve query parameters.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form that MarshalText writes; errors are ErrAmount.
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := ParseAmount(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Value stores the steps, so that the database can compare and add amounts.
func (a Amount) Value() (driver.Value, error) { return int64(a), nil }
