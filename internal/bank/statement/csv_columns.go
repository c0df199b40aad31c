package statement

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

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
