package testbank

import (
	"fmt"
	"strings"
)

// Amount is a sum of money in hundred-thousandths of the currency's unit: the
// five decimals that STET allows, exactly.
type Amount int64

const unit Amount = 100_000

// ParseAmount reads a signed decimal with a dot, at most nine digits before it
// and five after: small enough that no file's sum overflows.
func ParseAmount(s string) (Amount, error) {
	s = strings.TrimSpace(s)
	bad := fmt.Errorf("amount %.40q is not a decimal such as -12.50", s)
	digits, neg := strings.CutPrefix(s, "-")
	if !neg {
		digits = strings.TrimPrefix(digits, "+")
	}
	whole, frac, _ := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 9 || len(frac) > 5 {
		return 0, bad
	}
	var n Amount
	for _, c := range whole + frac + "00000"[len(frac):] {
		if c < '0' || c > '9' {
			return 0, bad
		}
		n = n*10 + Amount(c-'0')
	}
	if neg {
		n = -n
	}
	return n, nil
}

// String writes two decimals, or as many as the amount has.
func (a Amount) String() string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	frac := fmt.Sprintf("%05d", a%unit)
	for len(frac) > 2 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	return fmt.Sprintf("%s%d.%s", sign, a/unit, frac)
}

func (a Amount) abs() Amount {
	if a < 0 {
		return -a
	}
	return a
}
