package website

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin"
)

// ErrDate reports a text that is not a day in its notation.
var ErrDate = errors.New("not a day")

// Date parses a date as people write it: 21/11/2026, 21.11.26, 21 nov. 2026, 1er
// décembre 2026, or 2026-11-21. The day is before the month, and a day that its month
// does not have is ErrDate.
func (n Notation) Date(text string) (oxlin.Date, error) {
	if len(text) > longest || !utf8.ValidString(text) {
		return oxlin.Date{}, ErrDate
	}
	text = strings.Trim(folded(text), spaces)
	if text == "" || text[0] < '0' || text[0] > '9' {
		return oxlin.Date{}, ErrDate
	}
	parts := strings.FieldsFunc(text, func(r rune) bool {
		return strings.ContainsRune(spaces+"/.-,", r)
	})
	if len(parts) != 3 {
		return oxlin.Date{}, ErrDate
	}
	if len(parts[0]) == 4 {
		parts[0], parts[2] = parts[2], parts[0]
	}
	day := number(strings.TrimSuffix(parts[0], "er"))
	month, named := n.months[parts[1]]
	if !named {
		month = time.Month(number(parts[1]))
	}
	year := number(parts[2])
	switch len(parts[2]) {
	case 2:
		year += 2000
	case 4:
	default:
		return oxlin.Date{}, ErrDate
	}
	if day < 1 || day > 31 || month < 1 || month > 12 || year < 1900 {
		return oxlin.Date{}, ErrDate
	}
	date := oxlin.NewDate(year, month, day)
	if date.Midnight(time.UTC).Day() != day {
		return oxlin.Date{}, ErrDate // such as the 31st of April
	}
	return date, nil
}

// number reads one to four digits; anything else is -1.
func number(s string) int {
	if !allDigits(s) || len(s) > 4 {
		return -1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// months maps names of months to months, and every prefix of at least three letters
// that is unique: nov, sept, juil.
func months(names string) map[string]time.Month {
	all := map[string]time.Month{}
	twice := map[string]bool{}
	for i, name := range strings.Fields(folded(names)) {
		for end := 3; end <= len(name); end++ {
			_, taken := all[name[:end]]
			twice[name[:end]] = taken
			all[name[:end]] = time.Month(i + 1)
		}
	}
	for name, ambiguous := range twice {
		if ambiguous {
			delete(all, name)
		}
	}
	return all
}

// folded returns a text in lower case without accents.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
}
