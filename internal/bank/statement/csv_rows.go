package statement

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

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
