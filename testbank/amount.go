package testbank

import (
	"cmp"
	"errors"
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

// currencyPlaces lists the currencies whose amounts do not have two decimals.
var currencyPlaces = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0,
	"XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// placesOf returns the number of decimals of a currency.
func placesOf(currency string) int {
	n, known := currencyPlaces[currency]
	if !known {
		return 2
	}
	return n
}

// parseRounded reads an amount of a file, with any number of decimals, and rounds it to
// the places of its currency, halves away from zero.
func parseRounded(s, currency string) (Amount, error) {
	s = strings.TrimSpace(s)
	whole, frac, _ := strings.Cut(s, ".")
	if strings.Trim(frac, "0123456789") != "" {
		return ParseAmount(s) // it names what is wrong
	}
	kept := placesOf(currency)
	up := len(frac) > kept && frac[kept] >= '5'
	exact, err := ParseAmount(whole + "." + frac[:min(kept, len(frac))])
	if err != nil {
		_, err = ParseAmount(s[:min(len(s), 40)])
		return 0, cmp.Or(err, errNotDecimal)
	}
	if up {
		step := unit
		for range kept {
			step /= 10
		}
		if strings.HasPrefix(whole, "-") {
			step = -step
		}
		exact += step
	}
	return exact, nil
}

var errNotDecimal = errors.New("amount is not a decimal such as -12.50")

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
