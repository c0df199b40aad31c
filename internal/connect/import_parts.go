package connect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/statement"
	"github.com/oxlin/oxlin/internal/synchro"
)

// part holds the statements of a file about one account.
type part struct {
	iban, number, currency, owner, name, bic, code string
	// kind is the type of the account, if the file tells it.
	kind oxlin.AccountType
	// groups are imported one after the other: each may repeat rows of the former ones.
	groups     []synchro.ImportedFile
	days       []days
	unreadable int
}

// days are the first and the last day of a group; zero without any.
type days struct{ from, until oxlin.Date }

func (p *part) nameless() bool { return p.iban == "" && p.number == "" }

// contradicts reports whether an account has another number than the file names.
func (p *part) contradicts(a oxlin.Account) bool {
	return p.iban != "" && a.IBAN != "" && p.iban != strings.ToUpper(strings.ReplaceAll(a.IBAN, " ", "")) ||
		p.currency != "" && a.Currency != "" && p.currency != a.Currency
}

// partsOf reads a file, and tells how.
func partsOf(file NewImport) ([]*part, *Mapping, error) {
	if len(file.Content) > MostFileBytes {
		return nil, nil, &oxlin.Error{Code: oxlin.CodePayloadTooLarge, Field: fieldFile, Message: "A file may have 16 MiB."}
	}
	statements, err := statement.Read(file.Content, statement.Options{MaxBytes: MostFileBytes, Mapping: file.Mapping})
	var open *statement.Question
	switch {
	case errors.As(err, &open):
		return nil, nil, &MappingQuestion{open}
	case errors.Is(err, statement.ErrFormat):
		return nil, nil, &oxlin.Error{Code: oxlin.CodeInvalidRequest, Field: fieldFile, Message: "The file has none of the formats that can be read.", Err: ErrFileFormat}
	case err != nil:
		return nil, nil, &oxlin.Error{Code: oxlin.CodeInvalidRequest, Field: fieldFile, Message: fmt.Sprintf("The file cannot be read: %s.", err), Err: err}
	}
	var mapping *Mapping
	var parts []*part
	rows := 0
	for _, s := range statements {
		rows += len(s.Rows)
		if rows > mostFileRows {
			return nil, nil, &oxlin.Error{Code: oxlin.CodeInvalidRequest, Field: fieldFile, Message: fmt.Sprintf("A file may hold %d rows.", mostFileRows), Err: ErrFileLimit}
		}
		mapping = cmp.Or(mapping, s.Mapping)
		s.Currency = cmp.Or(s.Currency, currencyOf(s))
		if s.IBAN == "" {
			s.IBAN = ibanOfRIB(s.BankCode, s.Branch, s.Number)
		}
		into := partOf(parts, s)
		if into == nil {
			into = &part{iban: s.IBAN, number: s.Number, owner: s.Owner, name: s.Name, kind: s.Type, bic: s.BIC, code: s.BankCode}
			parts = append(parts, into)
		}
		into.currency = cmp.Or(into.currency, s.Currency)
		into.add(s)
	}
	return parts, mapping, nil
}

// partOf returns the part with the account of a statement; nil for none yet. A statement without a
// currency belongs to the only one of its number, as do others while that one lacks it too.
func partOf(parts []*part, s statement.Statement) *part {
	var alike []*part
	for _, p := range parts {
		if p.iban != s.IBAN || p.number != s.Number {
			continue
		}
		if p.currency == s.Currency {
			return p
		}
		alike = append(alike, p)
	}
	if len(alike) == 1 && (s.Currency == "" || alike[0].currency == "") {
		return alike[0]
	}
	return nil
}

// ibanOfRIB returns the IBAN of the parts of a French account number: bank, branch and account; empty for
// others.
func ibanOfRIB(bank, branch, account string) string {
	account = strings.ToUpper(account)
	isRIB := len(bank) == 5 && len(branch) == 5 && len(account) == 11 && strings.Trim(bank+branch, "0123456789") == ""
	if !isRIB || strings.Trim(account, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	// In the key, a letter counts as a digit: A and J as 1, S as 2.
	digits := strings.Map(func(r rune) rune {
		at := strings.IndexRune("ABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
		if at < 0 {
			return r
		}
		return rune("12345678912345678923456789"[at])
	}, bank+branch+account)
	key := 97 - remainder(digits+"00")
	bban := fmt.Sprintf("%s%s%s%02d", bank, branch, account, key)
	var figures strings.Builder
	for _, r := range bban + "FR00" {
		if r >= 'A' {
			fmt.Fprint(&figures, r-'A'+10)
		} else {
			figures.WriteRune(r)
		}
	}
	return fmt.Sprintf("FR%02d%s", 98-remainder(figures.String()), bban)
}

// remainder divides a number by 97.
func remainder(digits string) int {
	rest := 0
	for _, r := range digits {
		rest = (rest*10 + int(r-'0')) % 97
	}
	return rest
}

// currencyOf returns the currency of the rows or balances of a statement that names none itself; empty
// if they name none either. Then that of the account counts.
func currencyOf(s statement.Statement) string {
	for _, row := range s.Rows {
		if row.Currency != "" {
			return row.Currency
		}
	}
	for _, balance := range s.Balances {
		if balance.Currency != "" {
			return balance.Currency
		}
	}
	return ""
}

// add adds a statement. Statements of one format that follow one another are compared with the
// known rows together, so that equal rows of two of them are two. One that repeats more than a day
// comes after them.
func (p *part) add(s statement.Statement) {
	source := oxlin.FileSource(s.Format)
	var rows []bank.Transaction
	var span days
	for _, row := range s.Rows {
		switch {
		case row.Unread != "":
			p.unreadable++
			continue
		case row.Ignored:
			continue
		}
		rows = append(rows, row.Transaction)
		span = span.with(row.Date())
	}
	last := len(p.groups) - 1
	if last < 0 || p.groups[last].Source != source || p.days[last].overlaps(span) {
		p.groups, p.days = append(p.groups, synchro.ImportedFile{Source: source}), append(p.days, days{})
		last++
	}
	p.groups[last].Rows = append(p.groups[last].Rows, rows...)
	p.days[last] = p.days[last].with(span.from).with(span.until)
	shown, all := closing(s)
	if shown != nil && (p.groups[last].Shown == nil || !shown.Date.Before(p.groups[last].Shown.Date)) {
		p.groups[last].Shown, p.groups[last].Balances = shown, all
	}
}

func (d days) with(day oxlin.Date) days {
	if day.IsZero() {
		return d
	}
	if d.from.IsZero() || day.Before(d.from) {
		d.from = day
	}
	if d.until.Before(day) {
		d.until = day
	}
	return d
}

// overlaps reports whether two spans have more than one day in common.
func (d days) overlaps(other days) bool {
	if d.from.IsZero() || other.from.IsZero() {
		return false
	}
	from, until := d.from, d.until
	if from.Before(other.from) {
		from = other.from
	}
	if other.until.Before(until) {
		until = other.until
	}
	return from.Before(until)
}

// closing returns the balances of the last day of a statement, and the one that accounts show.
func closing(s statement.Statement) (shown *oxlin.Balance, all []oxlin.Balance) {
	for _, priority := range []oxlin.BalanceType{oxlin.BalanceBooked, oxlin.BalanceExpected, oxlin.BalanceAvailable} {
		for _, balance := range s.Balances {
			if balance.Type == priority && (shown == nil || shown.Type == priority && shown.Date.Before(balance.Date)) {
				shown = &balance.Balance
			}
		}
	}
	if shown == nil {
		return nil, nil
	}
	for _, balance := range s.Balances {
		if balance.Date == shown.Date && (balance.Type != oxlin.BalanceOther) && !slices.Contains(all, balance.Balance) {
			all = append(all, balance.Balance)
		}
	}
	return shown, all
}
