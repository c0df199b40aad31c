package website

import "time"

// Notation describes how a country writes amounts and dates.
type Notation struct {
	// decimal separates the units from the cents; groups are the possible separators of
	// thousands.
	decimal rune
	groups  string
	// debit and credit are words after an amount that give its sign.
	debit, credit string
	months        map[string]time.Month
}

// spaces are the characters that people and sites use as a space: the usual, the
// non-breaking, the thin and the narrow one.
const spaces = " \t\n\r\u00a0\u2009\u202f"

// The notations of the sites that we read.
var (
	// French writes −1 234,56 €, 21 nov. 2026 and 21/11/2026.
	French = Notation{
		decimal: ',', groups: " \u00a0\u2009\u202f.'’",
		debit: "D", credit: "C",
		months: months("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
	}
	// English writes £1,234.56 DR, 21 Nov 2026 and 21/11/2026.
	English = Notation{
		decimal: '.', groups: ",",
		debit: "DR", credit: "CR",
		months: months("january february march april may june july august september october november december"),
	}
)
