package notation

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Convention holds what a country, or a standard of interfaces, prescribes for amounts
// and dates. It decides the texts that have two readings without it.
type Convention struct {
	// decimal separates the units from the cents, and groups are the possible
	// separators of thousands. An interface has no groups of its own: it reads a form
	// of another convention if that has only one reading.
	decimal rune
	groups  string
	order   Order
}

// Order is the order of day and month in a date of figures.
type Order int

const (
	// UnknownOrder makes 03/04/2026 unreadable.
	UnknownOrder Order = iota
	// DayFirst reads 03/04/2026 as the third of April.
	DayFirst
	// MonthFirst reads 03/04/2026 as the fourth of March.
	MonthFirst
)

// The conventions of the pages that people read.
var (
	// French writes −1 234,56 €, 21 nov. 2026 and 21/11/2026.
	French = Convention{decimal: ',', groups: " .'’", order: DayFirst}
	// English writes £1,234.56 DR, 21 Nov 2026 and 21/11/2026.
	English = Convention{decimal: '.', groups: ",", order: DayFirst}
	// American writes $1,234.56, Nov 21, 2026 and 11/21/2026.
	American = Convention{decimal: '.', groups: ",", order: MonthFirst}
	// German writes 1.234,56 €, 21. November 2026 and 21.11.2026.
	German = Convention{decimal: ',', groups: " .", order: DayFirst}
	// Swiss writes CHF 1'234.56 and 21.11.2026.
	Swiss = Convention{decimal: '.', groups: " '’", order: DayFirst}
)

// Interface returns the convention of an interface between programs: the decimal
// separator is a dot, as in JSON, and order is that of the bank's country. A text in
// another form is read if it has only one reading.
func Interface(order Order) Convention { return Convention{order: order} }

// Decided returns the convention of a file whose forms are known: its decimal separator, a comma
// or a dot, and its order. Only amounts of this form are read.
func Decided(decimal rune, order Order) Convention {
	if decimal == ',' {
		return Convention{decimal: ',', groups: " .'’", order: order}
	}
	return Convention{decimal: '.', groups: " ,'’", order: order}
}

// strict reports whether only the forms of the convention are read.
func (c Convention) strict() bool { return c.decimal != 0 }

// longest limits the length of a value that is not a text. A binary fraction has up to
// 60 digits in full.
const longest = 128

// line prepares a value for reading: markup entities are decoded, every kind of space becomes
// the usual one, characters of full width become those of ASCII, marks without width and the
// quotes of a text within a text are removed, and the ends are trimmed. ok is false for a text
// that is no value at all.
func line(text string) (trimmed string, ok bool) {
	const fullWidth = '！' - '!'
	if len(text) > longest || !utf8.ValidString(text) {
		return "", false
	}
	trimmed = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case isMark(r) || isJoiner(r):
			return -1
		case '！' <= r && r <= '～':
			return r - fullWidth
		}
		return r
	}, decodeEntities(text)))
	if len(trimmed) >= 2 && trimmed[0] == '"' && trimmed[len(trimmed)-1] == '"' {
		trimmed = strings.TrimSpace(trimmed[1 : len(trimmed)-1])
	}
	return trimmed, true
}

// Folded returns a text in lower case without accents. A mistaken character set is undone.
func Folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(unmix(s)))
}

// months maps the names of months in the languages of France and its neighbours, folded, and each of their
// prefixes of at least three letters that means one month only: nov, sept, juil.
var months = monthNames(
	"janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
	"january february march april may june july august september october november december",
	"januar februar marz april mai juni juli august september oktober november dezember",
	"januari februari maart april mei juni juli augustus september oktober november december",
	"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
	"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
	"janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
	"janner feber maerz april mai juni juli august september oktober november dezember",
	"jan feb mrz apr mai jun jul aug sep okt nov dez",
)

func monthNames(languages ...string) map[string]time.Month {
	all := map[string]time.Month{}
	ambiguous := map[string]bool{}
	for _, names := range languages {
		for i, name := range strings.Fields(names) {
			month := time.Month(i + 1)
			for end := 3; end <= len(name); end++ {
				prefix := name[:end]
				other, taken := all[prefix]
				if taken && other != month {
					ambiguous[prefix] = true
				}
				all[prefix] = month
			}
		}
	}
	for prefix := range ambiguous {
		delete(all, prefix)
	}
	return all
}
