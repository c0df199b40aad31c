package statement

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// Mapping is how the text of a file without a standard is read. It is guessed from the
// content, can be shown, corrected, stored as JSON, and handed back in Options. What is empty
// is decided by each file, or asked.
type Mapping struct {
	// Format is CSV or QIF.
	Format string `json:"format"`
	// Charset is UTF-8, UTF-16LE, UTF-16BE, or the name of an eight-bit set.
	Charset string `json:"charset,omitempty"`
	// Separator is the character between two columns.
	Separator string `json:"separator,omitempty"`
	// Header are the names of the columns; empty for a file without them.
	Header []string `json:"header,omitempty"`
	// Columns are the roles of the columns, in their order; empty for those that are not read.
	Columns []Role `json:"columns,omitempty"`
	// Order is that of days in figures: DMY, MDY, or YMD with years of two digits.
	Order string `json:"order,omitempty"`
	// Decimal is the decimal separator: a comma or a dot.
	Decimal string `json:"decimal,omitempty"`
	// Sign is "written" if a minus takes from the account, and "reversed" if it adds to it, as
	// some cards' files have it.
	Sign string `json:"sign,omitempty"`
	// Currency is that of rows without one.
	Currency string `json:"currency,omitempty"`
}

// Role names the content of a column of a CSV file.
type Role string

// The roles of columns. Several columns may be labels, each other role has one.
const (
	RoleDay          Role = "day"             // of the booking
	RoleOperationDay Role = "transaction_day" // of the operation itself
	RoleValueDay     Role = "value_day"
	RoleLabel        Role = "label"
	RoleCounterparty Role = "counterparty"
	RoleCreditor     Role = "creditor" // who receives, the counterparty of a debit
	RoleDebtor       Role = "debtor"   // who pays, the counterparty of a credit
	RoleKind         Role = "kind"     // the bank's word for the kind of operation
	RoleAmount       Role = "amount"
	RoleDebit        Role = "debit"
	RoleCredit       Role = "credit"
	RoleDirection    Role = "direction" // a mark for debit or credit beside the amount
	RoleFee          Role = "fee"       // taken beside the amount
	RoleCurrency     Role = "currency"
	RoleBalance      Role = "balance" // of the account, after the row
	RoleAccount      Role = "account" // the account's own number or IBAN
	RoleBankCode     Role = "bank_code"
	RoleID           Role = "id" // of the row, at the bank
	RoleEndToEnd     Role = "end_to_end_id"
	RoleMandate      Role = "mandate_id"
	RoleCheck        Role = "check_number"
	RoleStatus       Role = "status"
)

// Roles are all roles of columns, the usual ones first. The empty one is that of a column that is not read.
var Roles = []Role{
	"", RoleDay, RoleOperationDay, RoleValueDay, RoleLabel, RoleCounterparty, RoleCreditor, RoleDebtor, RoleKind, RoleAmount, RoleDebit, RoleCredit,
	RoleDirection, RoleFee, RoleCurrency, RoleBalance, RoleAccount, RoleBankCode, RoleID, RoleEndToEnd, RoleMandate, RoleCheck, RoleStatus,
}

// Facet is a part of a Mapping.
type Facet string

// The parts that a Question may be about.
const (
	FacetColumns Facet = "columns"
	FacetOrder   Facet = "order"
	FacetDecimal Facet = "decimal"
	FacetSign    Facet = "sign"
)

// Question is the error for a file that can be read in more than one way. The user looks at the
// sample, completes the mapping, and the file is read with it.
type Question struct {
	// Mapping holds the parts that are certain, and for the columns the best guess.
	Mapping Mapping `json:"mapping"`
	// Unsure are the parts that the file does not decide.
	Unsure []Facet `json:"unsure"`
	// Sample are rows of the file, cut into columns. Those that have two readings come first.
	Sample [][]string `json:"sample"`
}

func (q *Question) Error() string {
	return fmt.Sprintf("the %s file does not tell: %v", q.Mapping.Format, q.Unsure)
}

const samples = 6

// ofRow returns the mapping without what only a whole file has.
func (m Mapping) ofRow() *Mapping {
	m.Header, m.Charset, m.Separator = nil, "", ""
	return &m
}

// orderOf are the orders of the figures of a day.
var orderOf = map[string]notation.Order{"DMY": notation.DayFirst, "MDY": notation.MonthFirst}

func (m Mapping) days() notation.Convention { return notation.Decided(',', orderOf[m.Order]) }

// amounts returns the convention of amounts: without a decided separator a text with two
// readings is unreadable.
func (m Mapping) amounts() notation.Convention {
	switch m.Decimal {
	case ",":
		return notation.Decided(',', notation.UnknownOrder)
	case ".":
		return notation.Decided('.', notation.UnknownOrder)
	}
	return notation.Interface(notation.UnknownOrder)
}

// day reads a day.
func (m Mapping) day(text string, options Options) notation.Reading[oxlin.Date] {
	text = cell(text)
	if m.Order == "YMD" && shortYear.MatchString(text) {
		text = "20" + text
	}
	return m.days().Date(quotedYear(text), options.Zone)
}

// shortYear is a day that may begin with a year of two digits.
var shortYear = regexp.MustCompile(`^\d{2}-\d{2}-\d{2}$`)

// yearMark is the year of QIF: an apostrophe means this century.
var yearMark = regexp.MustCompile(`^(\d{1,2})([-/.])(\d{1,2})'(\d{1,4})$`)

// quotedYear returns a day of QIF as others write it: 3/ 4' 6 is 3/4/2006.
func quotedYear(text string) string {
	if !strings.Contains(text, "'") {
		return text
	}
	found := yearMark.FindStringSubmatch(strings.ReplaceAll(text, " ", ""))
	if found == nil {
		return text
	}
	year := found[4]
	if len(year) < len("2026") {
		year = "2000"[:4-len(year)] + year
	}
	return found[1] + found[2] + found[3] + found[2] + year
}

// cell returns the text of a column without what programs for tables add: ="0123" and '0123.
func cell(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, `="`) && strings.HasSuffix(text, `"`) && len(text) > 2 {
		return strings.TrimSpace(text[2 : len(text)-1])
	}
	if len(text) > 1 && text[0] == '\'' && '0' <= text[1] && text[1] <= '9' {
		return text[1:]
	}
	return text
}

// status reads the state of a row.
func status(text string) notation.Reading[notation.Status] {
	if len(text) > longestValue {
		return notation.Unreadable[notation.Status]()
	}
	plain := strings.TrimPrefix(notation.Folded(cell(text)), "umsatz ")
	if plain == "reverted" {
		return notation.Told(notation.Rejected)
	}
	return notation.ReadStatus(plain)
}

// germanMark is an amount with the German word for its side, shortened.
var germanMark = regexp.MustCompile(`^([^A-Za-z]*[0-9][^A-Za-z]*(?:[A-Z]{3}|€)?)\s*([SH])$`)

// money reads an amount.
func (m Mapping) money(text, currency string) notation.Reading[notation.Money] {
	text = cell(text)
	var found []string
	if strings.HasSuffix(text, "S") || strings.HasSuffix(text, "H") {
		found = germanMark.FindStringSubmatch(text)
	}
	if found == nil {
		return m.amounts().Money(text, currency)
	}
	reading := m.amounts().Money(strings.TrimSpace(found[1]), currency)
	money, ok := reading.Told()
	switch {
	case !ok:
		return reading
	case money.Signed:
		return notation.Unreadable[notation.Money]()
	}
	money.Signed = true
	if found[2] == "S" {
		money.Amount = -money.Amount
	}
	return notation.Told(money)
}

// direction reads the mark beside an amount.
func direction(text string) notation.Reading[notation.Direction] {
	if len(text) > longestValue {
		return notation.Unreadable[notation.Direction]()
	}
	switch notation.Folded(cell(text)) {
	case "s", "af", "money out", "paid out", "sortie", "ausgang":
		return notation.Told(notation.Debit)
	case "h", "bij", "money in", "paid in", "entree", "eingang":
		return notation.Told(notation.Credit)
	}
	return notation.ReadDirection(cell(text))
}

// evidence counts the texts of a whole file by the notations that they can have.
type evidence struct {
	dayFirst, monthFirst, eitherOrder, eitherYear int
	comma, dot, eitherDecimal                     int
}

// addDay weighs a day.
func (e *evidence) addDay(text string) (two bool) {
	text = cell(text)
	if len(text) > longestValue {
		return false
	}
	text = quotedYear(text)
	day, isDay := notation.Decided(',', notation.DayFirst).Day(text).Told()
	month, isMonth := notation.Decided(',', notation.MonthFirst).Day(text).Told()
	switch {
	case !isDay && !isMonth:
		return false
	case shortYear.MatchString(text) && !notation.Decided(',', notation.DayFirst).Day("20"+text).IsUnreadable():
		e.eitherYear++
		return true
	case isDay && !isMonth:
		e.dayFirst++
	case isMonth && !isDay:
		e.monthFirst++
	case day != month && strings.Count(text, ".") == 2:
		e.dayFirst++ // no country puts dots behind a month in figures
	case day != month:
		e.eitherOrder++
		return true
	}
	return false
}

// grouped is a number with one separator before three digits.
var grouped = regexp.MustCompile(`^[^0-9]*[1-9][0-9]{0,2}[.,][0-9]{3}[^0-9]*$`)

// addAmount weighs an amount.
func (e *evidence) addAmount(text string) (two bool) {
	text = cell(text)
	if len(text) > longestValue {
		return false
	}
	if grouped.MatchString(text) {
		e.eitherDecimal++
		return true
	}
	comma, isComma := Mapping{Decimal: ","}.money(text, "").Told()
	dot, isDot := Mapping{Decimal: "."}.money(text, "").Told()
	switch {
	case isComma && (!isDot || comma != dot):
		e.comma++
	case isDot && !isComma:
		e.dot++
	}
	return false
}

// decide completes the mapping's notation, and returns the parts that remain unknown. What the
// mapping says already holds, unless everything in the file speaks against it.
func (e *evidence) decide(m *Mapping) (unsure []Facet) {
	switch {
	case m.Order == "DMY" && e.monthFirst > 0 && e.dayFirst == 0, m.Order == "MDY" && e.dayFirst > 0 && e.monthFirst == 0:
		m.Order = ""
	}
	if orderOf[m.Order] == notation.UnknownOrder && m.Order != "YMD" {
		m.Order = ""
		switch {
		case e.eitherYear > 0, e.dayFirst > 0 && e.monthFirst > 0, e.dayFirst == 0 && e.monthFirst == 0 && e.eitherOrder > 0:
			unsure = append(unsure, FacetOrder)
		case e.dayFirst > 0:
			m.Order = "DMY"
		case e.monthFirst > 0:
			m.Order = "MDY"
		}
	}
	switch {
	case m.Decimal == "," && e.dot > 0 && e.comma == 0, m.Decimal == "." && e.comma > 0 && e.dot == 0, m.Decimal != "," && m.Decimal != ".":
		m.Decimal = ""
	}
	if m.Decimal == "" {
		switch {
		case e.comma > 0 && e.dot > 0, e.comma == 0 && e.dot == 0 && e.eitherDecimal > 0:
			unsure = append(unsure, FacetDecimal)
		case e.comma > 0:
			m.Decimal = ","
		case e.dot > 0:
			m.Decimal = "."
		}
	}
	return unsure
}
