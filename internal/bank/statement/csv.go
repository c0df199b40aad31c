package statement

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
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
	unknown := func(r Role) bool { return !roles[r] }
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

// tally counts the values of a column by their kinds.
type tally struct {
	filled, days, amounts, directions, states int
	negative                                  bool
	only                                      string // the one value of the column; "" for several
	several                                   bool
}

func (s sheet) tallies(columns int) []tally {
	const enough = 2000
	all := make([]tally, columns)
	for _, row := range s.rows[:min(len(s.rows), enough)] {
		if !slices.ContainsFunc(row, isDay) {
			continue // not a row of the table
		}
		for i := range all {
			text := column(row, i)
			t := &all[i]
			if text == "" {
				continue
			}
			t.filled++
			if isDay(text) {
				t.days++
			} else if isMoney(text) {
				t.amounts++
				t.negative = t.negative || strings.ContainsAny(text, "-−–(") || strings.HasSuffix(text, "S") || strings.HasSuffix(text, "D")
			}
			if direction(text).Or("") != "" {
				t.directions++
			}
			if status(text).Or("") != "" {
				t.states++
			}
			t.several = t.several || t.only != "" && t.only != text
			t.only = text
		}
	}
	return all
}

// byName gives each column the role of its name, if the column holds what the role needs.
func (s *sheet) byName() {
	header := s.mapping.Header
	all := s.tallies(len(header))
	s.mapping.Columns = make([]Role, len(header))
	ranks := make([]int, len(header))
	for i, text := range header {
		plain, currency := name(text)
		known, ok := headings[plain]
		t := all[i]
		switch {
		case plain == "" && t.filled > 0 && t.directions == t.filled: // the mark of Soll and Haben has no name at some banks
			known, ok = heading{role: RoleDirection}, true
		case !ok:
			continue
		case known.role == RoleKind && t.filled > 0 && t.directions == t.filled, known.role == RoleLabel && t.filled > 1 && t.directions == t.filled:
			known.role = RoleDirection
		}
		role := known.role
		switch role {
		case RoleDay, RoleOperationDay, RoleValueDay:
			ok = t.filled > 0 && t.days*2 > t.filled
		case RoleAmount, RoleBalance, RoleFee:
			ok = t.filled > 0 && t.amounts*2 > t.filled
		case RoleDebit, RoleCredit:
			ok = t.filled == 0 || t.amounts*2 > t.filled
		case RoleDirection:
			ok = t.filled > 0 && t.directions*2 > t.filled
		case RoleStatus:
			ok = t.filled > 0 && t.states*2 > t.filled
		case RoleAccount, RoleBankCode:
			ok = t.filled > 0 && (!strangers[plain] || !t.several && t.filled > 2)
		}
		if !ok {
			continue
		}
		s.mapping.Columns[i], ranks[i] = role, known.rank
		if currency != "" && s.mapping.Currency == "" && (role == RoleAmount || role == RoleDebit || role == RoleCredit) {
			s.mapping.Currency = currency
		}
	}
	s.oneEach(all, ranks)
}

// oneEach leaves one column for each role but the labels.
func (s *sheet) oneEach(all []tally, ranks []int) {
	columns := s.mapping.Columns
	where := func(role Role) int { return slices.Index(columns, role) }
	rename := func(from, to Role) {
		if where(to) < 0 && where(from) >= 0 {
			columns[where(from)] = to
		}
	}
	// The names of days overlap: the second-best day is that of the operation.
	for _, role := range []Role{RoleDay, RoleAmount, RoleDebit, RoleCredit, RoleBalance, RoleValueDay, RoleOperationDay, RoleDirection,
		RoleFee, RoleAccount, RoleBankCode, RoleID, RoleEndToEnd, RoleMandate, RoleCheck, RoleStatus, RoleCounterparty, RoleCreditor, RoleDebtor, RoleKind} {
		best, tied := -1, false
		for i := range columns {
			switch {
			case columns[i] != role:
			case best < 0 || ranks[i] < ranks[best]:
				best, tied = i, false
			case ranks[i] == ranks[best]:
				tied = true
			}
		}
		for i := range columns {
			if columns[i] != role || i == best {
				continue
			}
			switch {
			case role == RoleDay && where(RoleOperationDay) < 0:
				columns[i] = RoleOperationDay
			case role == RoleCounterparty, role == RoleKind:
				columns[i] = RoleLabel
			default:
				columns[i] = ""
			}
		}
		if tied && (role == RoleAmount || role == RoleDebit || role == RoleCredit || role == RoleDay) {
			s.ask(FacetColumns)
		}
	}
	s.oneCurrency()
	rename(RoleOperationDay, RoleDay)
	if where(RoleLabel) < 0 {
		rename(RoleKind, RoleLabel)
	}
	amount, debit, credit := where(RoleAmount), where(RoleDebit), where(RoleCredit)
	if amount >= 0 && debit >= 0 && credit >= 0 {
		// The amount is often that of a foreign currency: it counts only if it is everywhere, and
		// the pair is not.
		if all[amount].filled > all[debit].filled+all[credit].filled {
			columns[debit], columns[credit] = "", ""
		} else {
			columns[amount] = ""
		}
	} else if amount >= 0 && debit+credit > -2 {
		columns[max(debit, credit)] = ""
	}
	strong := func(i int) bool {
		plain, _ := name(s.mapping.Header[i])
		return columns[i] == RoleLabel && !weak[plain]
	}
	for i := range columns {
		plain, _ := name(s.mapping.Header[i])
		if columns[i] == RoleLabel && weak[plain] && slices.ContainsFunc(indices(columns), strong) {
			columns[i] = ""
		}
	}
	direction, fee := where(RoleDirection), where(RoleFee)
	amount = where(RoleAmount)
	if fee >= 0 && (amount < 0 || strings.Contains(notation.Folded(s.mapping.Header[amount]), "net")) {
		columns[fee] = "" // taken already
	}
	if direction >= 0 && (amount < 0 || all[amount].negative) {
		columns[direction] = ""
		plain, _ := name(s.mapping.Header[direction])
		if headings[plain].role == RoleKind && where(RoleKind) < 0 {
			columns[direction] = RoleKind
		}
	}
	if where(RoleDay) < 0 && where(RoleValueDay) < 0 || where(RoleAmount) < 0 && (where(RoleDebit) < 0 || where(RoleCredit) < 0) {
		s.ask(FacetColumns)
	}
}

func indices(columns []Role) []int {
	all := make([]int, len(columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// oneCurrency leaves the currency that stands beside the amount.
func (s *sheet) oneCurrency() {
	columns := s.mapping.Columns
	amount := slices.Index(columns, RoleAmount)
	best := -1
	for i, role := range columns {
		if role == RoleCurrency && (best < 0 || amount >= 0 && i == amount+1) {
			best = i
		}
	}
	for i, role := range columns {
		if role == RoleCurrency && i != best {
			columns[i] = ""
		}
	}
}

func (s *sheet) ask(facet Facet) {
	if !slices.Contains(s.unsure, facet) {
		s.unsure = append(s.unsure, facet)
	}
}

// byContent guesses the roles of columns without names, and always asks: a column of amounts may
// be a balance.
func (s *sheet) byContent() {
	width := 0
	for _, row := range s.rows[:min(len(s.rows), headRows)] {
		width = max(width, len(row))
	}
	s.mapping.Columns = make([]Role, width)
	days := []Role{RoleDay, RoleValueDay}
	amounts := []Role{RoleAmount, RoleBalance}
	for i, t := range s.tallies(width) {
		switch {
		case t.filled == 0:
		case t.days*2 > t.filled:
			if len(days) > 0 {
				s.mapping.Columns[i], days = days[0], days[1:]
			}
		case t.amounts*2 > t.filled:
			if len(amounts) > 0 {
				s.mapping.Columns[i], amounts = amounts[0], amounts[1:]
			}
		case t.directions == t.filled:
			s.mapping.Columns[i] = RoleDirection
		default:
			s.mapping.Columns[i] = RoleLabel
		}
	}
	s.ask(FacetColumns)
}

// decide settles the notation by the whole table.
func (s *sheet) decide(options Options) {
	var weight evidence
	for _, row := range s.rows {
		s.weigh(&weight, row)
	}
	for _, facet := range weight.decide(&s.mapping) {
		s.ask(facet)
	}
	columns := s.mapping.Columns
	amount := slices.Index(columns, RoleAmount)
	if amount < 0 || slices.Contains(columns, RoleDirection) || s.mapping.Sign != "" || len(s.unsure) > 0 {
		return
	}
	with, without := 0, 0
	for _, row := range s.rows {
		told, _ := s.mapping.money(column(row, amount), "").Told()
		switch {
		case told.Amount < 0, told.Amount > 0 && told.Signed:
			with++
		case told.Amount > 0:
			without++
		}
	}
	const most = 3 // credits for each debit, in the file of an account
	written, reversed := s.agreement(options, false), s.agreement(options, true)
	switch {
	case written && !reversed:
		s.mapping.Sign = "written"
	case reversed && !written:
		s.mapping.Sign = "reversed"
	case without > most*with:
		// A card's file may have its payments without a sign.
		s.ask(FacetSign)
	}
}

// weigh adds what a row tells, and reports whether it has a text with two readings.
func (s *sheet) weigh(weight *evidence, row []string) (two bool) {
	for i, role := range s.mapping.Columns {
		text := column(row, i)
		switch role {
		case RoleDay, RoleOperationDay, RoleValueDay:
			two = weight.addDay(text) || two
		case RoleAmount, RoleDebit, RoleCredit, RoleBalance, RoleFee:
			if text != "" {
				two = weight.addAmount(text) || two
			}
		}
	}
	return two
}

// agreement reports whether the balances of all rows follow from their amounts, in one direction
// of time or the other.
func (s *sheet) agreement(options Options, reversed bool) bool {
	m := s.mapping
	if reversed {
		m.Sign = "reversed"
	}
	_, down := balancesOf(s.decoded(m, options))
	return down != 0
}

// balancesOf returns which of the rows is the newest if balances and amounts agree throughout:
// direction is 1 if time goes down the file, -1 if it goes up, 0 if they do not agree.
func balancesOf(rows []bank.Decoded) (newest, direction int) {
	if len(rows) < 2 {
		return 0, 0
	}
	down, up := true, true
	for i := range rows {
		if rows[i].BalanceAfter == nil || rows[i].Unread != "" {
			return 0, 0
		}
		if i == 0 {
			continue
		}
		before, after := rows[i-1], rows[i]
		down = down && *before.BalanceAfter+after.Amount == *after.BalanceAfter
		up = up && *after.BalanceAfter+before.Amount == *before.BalanceAfter
	}
	switch {
	case down && !up:
		return len(rows) - 1, 1
	case up && !down:
		return 0, -1
	}
	return 0, 0
}

// sample returns rows to show: those with two readings first.
func (s *sheet) sample() (rows [][]string) {
	var rest [][]string
	for _, row := range s.rows {
		var weight evidence
		switch {
		case isBlank(row):
		case s.unsure[0] != FacetColumns && s.weigh(&weight, row) && len(rows) < samples:
			rows = append(rows, row)
		case len(rest) < samples && slices.ContainsFunc(row, isDay):
			rest = append(rest, row)
		}
		if len(rows) == samples {
			break
		}
	}
	rows = append(rows, rest...)
	return rows[:min(len(rows), samples)]
}

func (s *sheet) decoded(m Mapping, options Options) (rows []bank.Decoded) {
	for _, row := range s.rows {
		if m.isRow(row) {
			r := record{CSV: row, Mapping: &m, Currency: cmp.Or(m.Currency, options.Currency)}
			rows = append(rows, decodeCSV(r, nil, options))
		}
	}
	return rows
}

// first returns the first filled column of some role.
func (m Mapping) first(row []string, wanted ...Role) string {
	for _, role := range wanted {
		for i, has := range m.Columns {
			if has == role && cell(column(row, i)) != "" {
				return cell(column(row, i))
			}
		}
	}
	return ""
}

// isRow reports whether a line is one of the table: it has a day or an amount where the table has
// them. Lines of balances and sums have no day, or no amount.
func (m Mapping) isRow(row []string) bool {
	day, amount := m.first(row, RoleDay, RoleOperationDay, RoleValueDay), m.first(row, RoleAmount, RoleDebit, RoleCredit)
	label := m.first(row, RoleLabel, RoleCounterparty, RoleKind)
	switch {
	case day == "" && amount == "":
		return false
	case isBalanceLine(label):
		return false
	case isDay(day) && isMoney(amount):
		return true
	case balanceCode(column(row, 0)) != "", balanceCode(label) != "", isTotal(column(row, 0)), isTotal(label):
		return false
	}
	return isDay(day) || isMoney(amount) && day != "" || isMoney(amount) && label != ""
}

func isTotal(text string) bool {
	return len(text) <= longestValue && total.MatchString(notation.Folded(text))
}

var total = regexp.MustCompile(`^(?:total|totaux|sous-total|summe|gesamt|sum|totals)\b`)

// read reads the rows, each into the statement of its account.
func (s *sheet) read(options Options) (all []Statement) {
	m := s.mapping
	at := map[string]int{}
	around := s.around(options)
	m.Currency = cmp.Or(m.Currency, around.Currency)
	for _, row := range s.rows {
		if isBlank(row) || !m.isRow(row) {
			continue
		}
		number := m.first(row, RoleAccount)
		i, known := at[number]
		if !known {
			i = len(all)
			at[number] = i
			all = append(all, around)
			if number != "" {
				all[i].setNumber(number)
				all[i].BankCode = m.first(row, RoleBankCode)
			}
		}
		r := record{CSV: row, Mapping: m.ofRow(), Currency: cmp.Or(m.Currency, options.Currency)}
		decoded := decodeCSV(r, r.raw(), options)
		if !decoded.Ignored {
			all[i].Rows = append(all[i].Rows, decoded)
		}
	}
	if len(all) == 0 {
		all = append(all, around)
	}
	for i := range all {
		one := &all[i]
		shown := m
		one.Mapping = &shown
		if len(all) > 1 {
			one.Balances = nil // of which account?
		}
		one.setCurrency(cmp.Or(m.Currency, options.Currency))
		for j := range one.Balances {
			one.Balances[j].Currency = cmp.Or(one.Balances[j].Currency, one.Currency)
		}
		newest, direction := balancesOf(one.Rows)
		if direction != 0 && !slices.ContainsFunc(one.Balances, func(b Balance) bool { return b.Code == "CLBD" }) {
			row := one.Rows[newest]
			one.Balances = append(one.Balances, Balance{"CLBD", oxlin.Balance{
				Type: TypeOf("CLBD"), Amount: *row.BalanceAfter, Currency: row.Currency, Date: row.Date(),
			}})
		}
	}
	return all
}

// setCurrency sets the currency that all rows have, else the one given.
func (s *Statement) setCurrency(otherwise string) {
	s.Currency = otherwise
	seen := ""
	for _, row := range s.Rows {
		switch {
		case row.Currency == "":
		case seen != "" && seen != row.Currency:
			return
		default:
			seen = row.Currency
		}
	}
	s.Currency = cmp.Or(seen, otherwise)
}

func (s *Statement) setNumber(text string) {
	iban, ok := notation.IBAN(text).Told()
	if ok && notation.IsCheckedIBAN(iban) {
		s.IBAN, s.Number = iban, ""
		return
	}
	s.IBAN, s.Number = "", notation.Identifier(text)
}

// around reads what stands above and below the table: account, currency, balances.
func (s *sheet) around(options Options) Statement {
	found := Statement{Format: "CSV"}
	lines := slices.Clone(s.before)
	for _, row := range s.rows {
		if !s.mapping.isRow(row) && !isBlank(row) && len(lines) < 2*headRows {
			lines = append(lines, row)
		}
	}
	for _, row := range lines {
		for i, text := range row {
			text = cell(text)
			if len(text) > 2*longestValue {
				continue
			}
			iban, _ := notation.IBAN(ibanWithin.FindString(notation.Compact(text))).Told()
			if found.IBAN == "" && iban != "" && notation.IsCheckedIBAN(iban) {
				found.IBAN = iban
			}
			number := numberWithin.FindStringSubmatch(notation.Folded(text))
			next := cell(column(row, i+1))
			if quotedNumber.MatchString(row[i]) && len(s.before) > 0 && found.IBAN == "" && found.Number == "" {
				found.setNumber(text)
			}
			switch {
			case found.IBAN != "" || found.Number != "":
			case accountWords.MatchString(notation.Folded(text)) && anyDigit.MatchString(next) && !isDay(next):
				found.setNumber(next)
			case number != nil:
				found.setNumber(strings.ToUpper(number[1]))
			}
			if found.Currency == "" && currencyWords.MatchString(notation.Folded(text)) {
				found.Currency = notation.Currency(next).Or("")
			}
		}
		s.addBalance(&found, row, options)
	}
	return found
}

var (
	ibanWithin    = regexp.MustCompile(`[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}`)
	numberWithin  = regexp.MustCompile(`(?:compte|konto|account)[a-z ]*(?:n[o°º]|numero|nummer|nr|number)[ .:]*([0-9][0-9a-z ]{4,20}[0-9a-z])$`)
	quotedNumber  = regexp.MustCompile(`^="[0-9A-Z]{10,30}"$`)
	currencyWords = regexp.MustCompile(`^(?:devise|monnaie|compte tenu en|wahrung|waehrung|currency)\W*$`)
	dayWithin     = regexp.MustCompile(`\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}`)
)

// addBalance reads a line that tells a balance.
func (s *sheet) addBalance(found *Statement, row []string, options Options) {
	code, amount, day := "", notation.Money{}, oxlin.Date{}
	told := false
	currency := cmp.Or(s.mapping.Currency, found.Currency, options.Currency)
	for _, text := range row {
		text = cell(text)
		if len(text) > 2*longestValue {
			continue
		}
		if code == "" {
			code = balanceCode(text)
		}
		plain, named := name(text)
		if code != "" && plain != "" && named != "" {
			currency = named
		}
		written := dayWithin.FindString(text)
		_, after, _ := strings.Cut(text, written)
		if written != "" && day.IsZero() {
			day = s.mapping.day(written, options).Or(oxlin.Date{})
			text = strings.Trim(after, " :") // Solde au 28/11/2026 : 12,00 €
		}
		switch {
		case isMoney(text) && !told && code != "":
			amount, told = s.mapping.money(text, currency).Told()
		}
	}
	marked, isMarked := direction(s.mapping.first(row, RoleDirection)).Told()
	if isMarked && !amount.Signed && marked == notation.Debit {
		amount.Amount = -amount.Amount
	}
	if code == "" || !told || slices.ContainsFunc(found.Balances, func(b Balance) bool { return b.Code == code }) {
		return
	}
	found.Balances = append(found.Balances, Balance{code, oxlin.Balance{
		Type: TypeOf(code), Amount: amount.Amount, Currency: cmp.Or(amount.Currency, currency), Date: day,
	}})
}

// signed returns an amount with the sign that it has for the account.
func (m Mapping) signed(amount oxlin.Amount) oxlin.Amount {
	if m.Sign == "reversed" {
		return -amount
	}
	return amount
}

// decodeCSV reads a row.
func decodeCSV(r record, raw []byte, options Options) (row bank.Decoded) {
	row.Raw, row.Status = raw, oxlin.StatusBooked
	if r.Mapping == nil {
		row.Unread = bank.UnreadRecord
		return row
	}
	m := *r.Mapping
	get := func(role Role) string { return m.first(r.CSV, role) }
	state := status(get(RoleStatus))
	switch state.Or(notation.Booked) {
	case notation.Pending:
		row.Status = oxlin.StatusPending
	case notation.Rejected, notation.Informative:
		row.Ignored = true
	}
	if state.IsUnreadable() {
		row.Status = oxlin.StatusOther
		row.Transaction.Unread = append(row.Transaction.Unread, bank.UnreadStatus)
	}
	currency := notation.Currency(get(RoleCurrency)).Or(r.Currency)
	money, unread := m.amountOf(r.CSV, currency)
	if unread != "" {
		row.Unread = unread
		return row
	}
	row.Amount, row.Currency = m.signed(money.Amount), cmp.Or(money.Currency, currency)
	read := false
	for _, day := range []struct {
		role   Role
		into   *oxlin.Date
		unread bank.Unread
	}{
		{RoleDay, &row.BookingDate, bank.UnreadBookingDay}, {RoleOperationDay, &row.TransactionDate, bank.UnreadOperationDay},
		{RoleValueDay, &row.ValueDate, bank.UnreadValueDay},
	} {
		reading := m.day(get(day.role), options)
		told, ok := reading.Told()
		if ok {
			*day.into, read = told, true
		}
		if reading.IsUnreadable() {
			row.Transaction.Unread = append(row.Transaction.Unread, day.unread)
		}
	}
	if !read {
		row.Unread = bank.UnreadDay
		return row
	}
	balance, ok := m.money(get(RoleBalance), row.Currency).Told()
	if ok {
		row.BalanceAfter = &balance.Amount
	}
	for i, role := range m.Columns {
		if role == RoleLabel {
			for line := range strings.Lines(clip(cell(column(r.CSV, i)))) {
				row.Remittance = append(row.Remittance, linesOf(line)...)
			}
		}
	}
	row.Counterparty = notation.Text(clip(get(RoleCounterparty)))
	switch {
	case row.Counterparty != "":
	case row.Amount < 0:
		row.Counterparty = notation.Text(clip(get(RoleCreditor)))
	default:
		row.Counterparty = notation.Text(clip(get(RoleDebtor)))
	}
	row.Code.Proprietary = notation.Text(clip(get(RoleKind)))
	row.EndToEndID, row.MandateID = reference(get(RoleEndToEnd)), reference(get(RoleMandate))
	row.CheckNumber = reference(get(RoleCheck))
	row.BankID = pick(options.IDs, map[string]string{"column": get(RoleID)})
	return row
}

// amountOf returns the amount of a row: of its one column, with the mark beside it or less the
// fee, or of its two columns.
func (m Mapping) amountOf(row []string, currency string) (amount notation.Money, unread bank.Unread) {
	if slices.Contains(m.Columns, RoleAmount) {
		amount, ok := m.money(m.first(row, RoleAmount), currency).Told()
		if !ok {
			return amount, bank.UnreadAmount
		}
		if slices.Contains(m.Columns, RoleDirection) {
			told, ok := direction(m.first(row, RoleDirection)).Told()
			switch {
			case !ok:
				return amount, bank.UnreadSign
			case told == notation.Debit:
				amount.Amount = -amount.Amount.Abs()
			default:
				amount.Amount = amount.Amount.Abs()
			}
		}
		fee := m.money(m.first(row, RoleFee), currency)
		if fee.IsUnreadable() {
			return amount, bank.UnreadAmount
		}
		amount.Amount -= fee.Or(notation.Money{}).Amount.Abs()
		return amount, ""
	}
	debit, credit := m.money(m.first(row, RoleDebit), currency), m.money(m.first(row, RoleCredit), currency)
	if debit.IsUnreadable() || credit.IsUnreadable() {
		return amount, bank.UnreadAmount
	}
	out, isOut := debit.Told()
	in, isIn := credit.Told()
	switch {
	case isOut && isIn && out.Amount != 0 && in.Amount != 0, !isOut && !isIn:
		return amount, bank.UnreadAmount
	case isOut && out.Amount > 0 && out.Signed, isIn && in.Amount < 0:
		return amount, bank.UnreadSign
	case isOut && (!isIn || out.Amount != 0):
		out.Amount = -out.Amount.Abs()
		return out, ""
	}
	return in, ""
}
