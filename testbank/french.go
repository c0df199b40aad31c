package testbank

import (
	"fmt"
	"strings"
)

// narrow separates thousands in French, wide precedes a unit.
const (
	narrow = "\u202f"
	wide   = "\u00a0"
	minus  = "\u2212"
)

// frenchMoney writes an amount in the site's form: 1 234,56 €, - 12,00 €.
func frenchMoney(a Amount, currency string) string {
	sign := ""
	if a < 0 {
		sign = "-" + wide
	}
	return sign + frenchNumber(a.abs()) + wide + currencySign(currency)
}

// signedFrenchMoney writes an amount in the form of the site's tables: +1 234,56 €,
// −12,00 €.
func signedFrenchMoney(a Amount, currency string) string {
	sign := "+"
	if a < 0 {
		sign = minus
	}
	return sign + frenchNumber(a.abs()) + wide + currencySign(currency)
}

func frenchNumber(a Amount) string {
	whole, frac, _ := strings.Cut(a.String(), ".")
	return thousands(whole, narrow) + "," + frac
}

// thousands separates the digits of a whole number in groups of three.
func thousands(digits, by string) string {
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), by)
}

func currencySign(currency string) string {
	if currency == "EUR" {
		return "€"
	}
	return currency
}

var shortFrenchMonths = [...]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."}

// frenchDay writes 21 nov. 2026.
func frenchDay(d Day) string {
	y, m, n := d.date()
	day := fmt.Sprint(n)
	if n == 1 {
		day = "1er"
	}
	return fmt.Sprintf("%s %s %d", day, shortFrenchMonths[m-1], y)
}

func frenchRate(rate string) string {
	if rate == "" {
		return ""
	}
	return strings.ReplaceAll(rate, ".", ",") + wide + "%"
}

// inFours writes an IBAN in groups of four.
func inFours(iban string) string {
	var parts []string
	for len(iban) > 4 {
		parts, iban = append(parts, iban[:4]), iban[4:]
	}
	return strings.Join(append(parts, iban), " ")
}
