package statement

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// sheet is a CSV file, cut.
type sheet struct {
	mapping Mapping
	before  [][]string // above the table
	rows    [][]string // of the table, and what stands below it
	unsure  []Facet
}

// readCSV reads a table. What tells how, in this order: the mapping, if its header is that of the
// file; the names of the columns; else what the columns hold, and then the user is asked.
func readCSV(content []byte, options Options) ([]Statement, error) {
	given := Mapping{}
	if options.Mapping != nil && options.Mapping.Format == "CSV" {
		given = *options.Mapping
	}
	text, charset := textOf(content, given.Charset)
	if strings.Contains(text[:min(len(text), 4096)], "\x00") {
		return nil, ErrFormat
	}
	given.Charset = charset
	first, rest, _ := strings.Cut(text, "\n")
	hint, hinted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(first)), "sep=")
	if hinted {
		text = rest
	}
	separators := []string{";", "\t", "|", ","}
	if len(hint) == 1 {
		separators = append([]string{hint}, separators...)
	}
	s, err := sheetOf(text, given, separators)
	if err != nil {
		return nil, err
	}
	s.decide(options)
	if len(s.unsure) > 0 {
		return nil, &Question{Mapping: s.mapping, Unsure: s.unsure, Sample: s.sample()}
	}
	return s.read(options), nil
}

// headRows is how far a header may be from the beginning, and how many rows choose a separator.
const headRows = 100

// sheetOf cuts a text into its table.
func sheetOf(text string, given Mapping, separators []string) (s sheet, err error) {
	if len(given.Separator) == 1 && len(given.Columns) > 0 {
		all, err := tableOf(text, given.Separator[0], 0)
		if err != nil {
			return s, err
		}
		at, ok := given.fits(all)
		if ok {
			return sheet{mapping: given, before: all[:at], rows: all[at:]}, nil
		}
	}
	if len(given.Separator) == 1 {
		separators = append([]string{given.Separator}, separators...)
	}
	best, most := "", 0
	for _, separator := range separators {
		head, err := tableOf(text, separator[0], headRows)
		if err != nil {
			return s, err
		}
		score := 0
		for _, row := range head {
			score += len(rolesOf(row)) // of no use without days and amounts below
			if hasDayAndAmount(row) {
				score += 3
			}
		}
		if !slices.ContainsFunc(head, hasDayAndAmount) && !slices.ContainsFunc(head, isHeader) {
			score = 0
		}
		if score > most {
			best, most = separator, score
		}
	}
	if best == "" {
		return s, ErrFormat
	}
	all, err := tableOf(text, best[0], 0)
	if err != nil {
		return s, err
	}
	s.mapping = Mapping{Format: "CSV", Charset: given.Charset, Separator: best, Order: given.Order, Decimal: given.Decimal, Currency: given.Currency}
	at := slices.IndexFunc(all[:min(len(all), headRows)], isHeader)
	if at >= 0 {
		s.mapping.Header, s.before, s.rows = all[at], all[:at], all[at+1:]
		s.byName()
		return s, nil
	}
	at = slices.IndexFunc(all[:min(len(all), headRows)], hasDayAndAmount)
	if at < 0 {
		return s, ErrFormat
	}
	s.before, s.rows = all[:at], all[at:]
	s.byContent()
	return s, nil
}

// fits returns where the rows begin if the mapping is that of the table.
func (m Mapping) fits(all [][]string) (at int, ok bool) {
	unknown := func(r Role) bool { return !slices.Contains(Roles, r) }
	has := func(role Role) bool { return slices.Contains(m.Columns, role) }
	if slices.ContainsFunc(m.Columns, unknown) || !(has(RoleDay) || has(RoleOperationDay) || has(RoleValueDay)) ||
		!has(RoleAmount) && !has(RoleDebit) && !has(RoleCredit) {
		return 0, false
	}
	all = all[:min(len(all), headRows)]
	if len(m.Header) > 0 {
		at = slices.IndexFunc(all, func(row []string) bool { return slices.EqualFunc(row, m.Header, sameName) })
		return at + 1, at >= 0
	}
	at = slices.IndexFunc(all, func(row []string) bool {
		return len(row) >= len(m.Columns)-1 && len(row) <= len(m.Columns) && hasDayAndAmount(row) && !isHeader(row)
	})
	return at, at >= 0
}

func sameName(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

var (
	anyDigit  = regexp.MustCompile(`[0-9]`)
	moneyForm = regexp.MustCompile(`^[^0-9]{0,6}[0-9][0-9 .,'’\x{a0}\x{202f}]*[^0-9]{0,8}$`)
)

// longestValue limits a day, an amount or a word. Longer texts are labels.
const longestValue = 60

// isDay reports whether a text is a day in some order.
func isDay(text string) bool {
	text = cell(text)
	if len(text) > longestValue {
		return false
	}
	digits, letters := 0, false
	for _, r := range text {
		switch {
		case '0' <= r && r <= '9':
			digits++
		case r == ',' && !letters, r == '€', r == '£':
			return false
		}
		letters = letters || unicode.IsLetter(r)
	}
	if digits < 3 || !letters && digits < 5 {
		return false
	}
	for _, order := range []notation.Order{notation.DayFirst, notation.MonthFirst} {
		_, ok := notation.Decided(',', order).Day(text).Told()
		if ok {
			return true
		}
	}
	return false
}

// isMoney reports whether a text is an amount with some separators.
func isMoney(text string) bool {
	text = cell(text)
	if len(text) > longestValue || !moneyForm.MatchString(text) {
		return false
	}
	for _, decimal := range []string{",", "."} {
		_, ok := Mapping{Decimal: decimal}.money(text, "").Told()
		if ok {
			return true
		}
	}
	return grouped.MatchString(text)
}

func hasDayAndAmount(row []string) bool {
	return len(row) >= 2 && slices.ContainsFunc(row, isDay) && slices.ContainsFunc(row, func(text string) bool { return isMoney(text) && !isDay(text) })
}

// rolesOf returns the roles of a row's texts as names of columns.
func rolesOf(row []string) map[Role]bool {
	found := map[Role]bool{}
	for _, text := range row {
		plain, _ := name(text)
		known, ok := headings[plain]
		if ok {
			found[known.role] = true
		}
	}
	return found
}

func isHeader(row []string) bool {
	found := rolesOf(row)
	return (found[RoleDay] || found[RoleOperationDay] || found[RoleValueDay]) && (found[RoleAmount] || found[RoleDebit] || found[RoleCredit]) &&
		!slices.ContainsFunc(row, func(text string) bool { return isMoney(text) || isDay(text) })
}
