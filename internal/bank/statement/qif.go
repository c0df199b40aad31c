package statement

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
)

// isQIF reports whether a file begins with a heading of QIF.
func isQIF(start []byte) bool {
	heading := bytes.ToLower(firstLine(start))
	for _, name := range []string{"!type:", "!account", "!option:", "!clear:"} {
		if bytes.HasPrefix(heading, []byte(name)) {
			return true
		}
	}
	return false
}

// qifTypes are the lists that hold rows of an account, with the account's type. The other lists
// are categories, securities and the like.
var qifTypes = map[string]oxlin.AccountType{
	"bank": "", "cash": "", "ccard": oxlin.AccountCreditCard, "oth a": "", "oth l": "", "invst": "",
}

// qifList are the rows of one account, before their notation is known.
type qifList struct {
	statement Statement
	records   []string
	account   []string // the lines that describe it
	invested  bool
}

// readQIF reads the lists of a file. Days and amounts have no fixed form: all of the file's
// decide together.
func readQIF(content []byte, options Options) (all []Statement, err error) {
	m := Mapping{Format: "QIF"}
	if options.Mapping != nil && options.Mapping.Format == "QIF" {
		m = *options.Mapping
	}
	text, charset := textOf(content, m.Charset)
	m.Charset = charset
	lists, err := qifLists(text)
	if err != nil {
		return nil, err
	}
	m.Header, m.Columns = []string{"D", "T", "P", "M", "N"}, []Role{RoleDay, RoleAmount, RoleLabel, RoleLabel, RoleCheck}
	var weight evidence
	var unclear, rest [][]string
	for _, list := range lists {
		for _, one := range list.records {
			parts := qifParts(one)
			two := weight.addDay(parts['D'])
			two = weight.addAmount(qifAmount(parts)) || two
			sample := []string{parts['D'], qifAmount(parts), parts['P'], parts['M'], parts['N']}
			switch {
			case two && len(unclear) < samples:
				unclear = append(unclear, sample)
			case len(rest) < samples:
				rest = append(rest, sample)
			}
		}
		for _, line := range list.account {
			if line[0] == '/' {
				weight.addDay(line[1:])
			}
		}
	}
	unsure := weight.decide(&m)
	if len(unsure) > 0 {
		rows := append(unclear, rest...)
		return nil, &Question{Mapping: m, Unsure: unsure, Sample: rows[:min(len(rows), samples)]}
	}
	for _, list := range lists {
		all = append(all, list.read(m, options))
	}
	return all, nil
}

// qifLists cuts a file into its lists, and those into records, which end with ^.
func qifLists(text string) (lists []qifList, err error) {
	var account, lines []string
	current := -1
	inAccount := false
	rows := 0
	end := func() error {
		one := strings.Join(lines, "\n")
		switch {
		case len(lines) == 0:
		case inAccount:
			account = lines
		case current >= 0:
			rows++
			if rows > maxRows {
				return fmt.Errorf("%w: it holds more than %d rows", ErrLimit, maxRows)
			}
			lists[current].records = append(lists[current].records, one)
		}
		lines = nil
		return nil
	}
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		lower := strings.ToLower(line)
		switch {
		case line == "":
		case line[0] == '^':
			err = end()
		case line[0] == '!':
			err = end()
			kind, isType := strings.CutPrefix(lower, "!type:")
			kind = strings.TrimSpace(kind)
			accountType, known := qifTypes[kind]
			switch {
			case strings.HasPrefix(lower, "!account"):
				inAccount, current = true, -1
			case strings.HasPrefix(lower, "!clear:autoswitch"):
				account = nil // what came before is a list of all accounts
			case isType && known:
				inAccount = false
				lists = append(lists, qifList{statement: Statement{Format: "QIF", Type: accountType}, account: account, invested: kind == "invst"})
				current, account = len(lists)-1, nil
			case isType:
				inAccount, current = false, -1
			}
		default:
			lines = append(lines, line)
		}
		if err != nil {
			return nil, err
		}
	}
	return lists, end()
}

// qifParts returns the lines of a record by their letters. Of two lines of one letter the first
// counts: later ones belong to the parts of a split row.
func qifParts(one string) map[byte]string {
	parts := map[byte]string{}
	for line := range strings.Lines(one) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			continue
		}
		_, known := parts[line[0]]
		if !known {
			parts[line[0]] = strings.TrimSpace(line[1:])
		}
	}
	return parts
}

func qifAmount(parts map[byte]string) string { return cmp.Or(parts['T'], parts['U']) }

// read reads the rows of a list.
func (l qifList) read(m Mapping, options Options) Statement {
	s := l.statement
	s.Mapping, s.Currency = &m, cmp.Or(m.Currency, options.Currency)
	parts := qifParts(strings.Join(l.account, "\n"))
	s.Name = notation.Text(parts['N'])
	for _, word := range append(strings.Fields(parts['N']), strings.Fields(parts['D'])...) {
		iban, ok := notation.IBAN(word).Told()
		if ok && notation.IsCheckedIBAN(iban) {
			s.IBAN = iban
		}
	}
	money, ok := m.money(parts['$'], s.Currency).Told()
	if ok {
		s.Balances = append(s.Balances, Balance{"CLBD", oxlin.Balance{
			Type: TypeOf("CLBD"), Amount: money.Amount, Currency: cmp.Or(money.Currency, s.Currency), Date: m.day(parts['/'], options).Or(oxlin.Date{}),
		}})
	}
	for _, one := range l.records {
		r := record{QIF: one, Currency: s.Currency, Mapping: m.ofRow(), Part: l.invested}
		r.Mapping.Columns = nil
		row := decodeQIF(r, r.raw(), options)
		if row.Ignored {
			s.Balances = append(s.Balances, Balance{"OPBD", oxlin.Balance{
				Type: TypeOf("OPBD"), Amount: row.Amount, Currency: row.Currency, Date: row.BookingDate,
			}})
			continue
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// qifNumber is the number of a cheque; other texts in its place are words and references.
var qifNumber = regexp.MustCompile(`^\d{1,8}$`)

// decodeQIF reads a row. The first one of a list may be the balance at its beginning: it is
// ignored as a row.
func decodeQIF(r record, raw []byte, options Options) (row bank.Decoded) {
	row.Raw, row.Status = raw, oxlin.StatusBooked
	if r.Mapping == nil || r.Part { // a trade of securities
		row.Unread = bank.UnreadRecord
		return row
	}
	parts := qifParts(r.QIF)
	money, ok := r.Mapping.money(qifAmount(parts), r.Currency).Told()
	if !ok {
		row.Unread = bank.UnreadAmount
		return row
	}
	row.Amount, row.Currency = r.Mapping.signed(money.Amount), cmp.Or(money.Currency, r.Currency)
	row.BookingDate, ok = r.Mapping.day(parts['D'], options).Told()
	if !ok {
		row.Unread = bank.UnreadDay
		return row
	}
	row.Ignored = strings.EqualFold(parts['P'], "Opening Balance") && strings.HasPrefix(parts['L'], "[")
	row.Remittance = labelOf(parts['P'], parts['M'])
	if qifNumber.MatchString(parts['N']) && row.Amount < 0 {
		row.CheckNumber = parts['N']
	}
	return row
}
