package testbank

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

//go:embed test-bank.txt
var defaultFile string

// maxFileSize and maxAccounts bound a customer's file.
const (
	maxFileSize = 1 << 20
	maxAccounts = 200
)

// File is a parsed test-bank file: one customer, with accounts and rows whose
// dates may still be symbolic.
type File struct {
	Login, Password string
	OwnerName       string
	Owner           Owner
	Challenge       bool     // the login pages ask for the SMS code
	Code            string   // the SMS code; empty means the bank's default
	SMSPhone        string   // the number that receives the SMS; empty means the bank's default
	URL             string   // the file's new location; empty means unchanged
	Scenarios       []string // scenarios that the file switches on, "name" or "name-parameter"
	Accounts        []*Account
}

// Owner is the person whose accounts a file describes.
type Owner struct {
	Title      string // MADM, MIST, MISS or DOCT
	FirstName  string
	LastName   string
	BirthDate  Date
	Address    string
	BirthPlace string
	Phone      string
}

// Kind is the type of an account, in the file's words.
type Kind string

// The kinds of the grammar. An account of another kind is kept and never shown.
const (
	Checkings  Kind = "Checkings"
	Savings    Kind = "Savings"
	Loans      Kind = "Loans"
	CreditCard Kind = "CreditCard"
)

// Account is one ACCOUNT record with the records below it.
type Account struct {
	UID           string
	Number        string
	BalanceDate   Date // the balance holds at the end of this day; empty means the anchor
	Balance       Amount
	Kind          Kind
	UIDRegexp     string
	MatchExisting bool
	Owner         string
	Name          string
	PaysFrom      string // payment_source, kept as written
	PaysTo        string // payment_destination, kept as written
	IBAN          string
	Currency      string

	Usage     string // PRIV or ORGA
	Product   string
	PSUStatus string
	Details   string
	Workspace string
	BIC       string
	Overdraft Amount // the allowed overdraft; 0 means none

	Card    *Card
	Loan    *Loan
	Savings *SavingsTerms
	Entries []Entry
}

// Card holds a CARD record's data about a CreditCard account.
type Card struct {
	Masked   string
	Linked   string // uid of the current account it settles on
	Deferred bool
	DebitDay int // day of the month; 0 means its last day
}

// Loan holds a LOAN record's data about a Loans account. The remaining capital is the
// account's balance.
type Loan struct {
	Amount     Amount
	Rate       string
	Start, End Date
	Instalment Amount
	Next       Date
	Left       int
}

// SavingsTerms holds a SAVINGS record's data about a Savings account.
type SavingsTerms struct {
	Product string
	Rate    string
	Ceiling Amount
}

// Entry is a TRANSACTION or RECURRING record.
type Entry struct {
	Line         int
	Amounts      []Amount // taken in turn by a recurrence
	Date         Date
	Label        string
	Memo         string
	Reference    string
	Code         string // ISO 20022 domain/family/sub-family
	Pending      bool
	Void         bool // pending until BookedOn, then gone
	BookedOn     Date // when a pending row becomes booked; empty means never
	ValueDate    Date
	Merchant     string // merchant category code
	Counterparty string
	Every        *Recurrence
}

// Recurrence tells how often an entry repeats.
type Recurrence struct {
	Days, Months int // one of them is positive
	Until        Date
	Times        int
}

// A LineError names the line of a file that cannot be read, and the reason.
type LineError struct {
	Line   int
	Record string
	Err    error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %s: %v", e.Line, e.Record, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// ParseFile reads a test-bank file. It ignores unknown records and accepts missing and
// additional columns. A wrong value in a column that may be empty counts as empty. It
// returns a *LineError for the first line that it cannot read.
func ParseFile(text string) (*File, error) {
	if len(text) > maxFileSize {
		return nil, fmt.Errorf("the file is larger than %d bytes", maxFileSize)
	}
	if !utf8.ValidString(text) {
		text = latin1(text) // old editors on Windows write Latin-1
	}
	f := &File{}
	var account *Account
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		rec := fields{cols: strings.Split(strings.TrimRight(line, "\r\n"), "|")}
		name := rec.text(0)
		switch name {
		case "CREDENTIALS":
			f.Login, f.Password = rec.text(1), rec.raw(2)
			if f.Login == "" {
				rec.fail(fmt.Errorf("the login is missing"))
			}
		case "CREDENTIALS_OWNER":
			f.OwnerName = rec.text(1)
		case "OWNER":
			f.Owner = Owner{
				Title: rec.oneOf(1, "MADM", "MIST", "MISS", "DOCT"), FirstName: rec.text(2), LastName: rec.text(3), BirthDate: parseBirth(rec.text(4)),
				Address: rec.text(5), BirthPlace: rec.text(6), Phone: rec.text(7),
			}
		case "CHALLENGE":
			f.Challenge, f.Code, f.SMSPhone = true, rec.text(2), rec.text(3)
		case "URL":
			f.URL = rec.text(1)
		case "SCENARIO":
			for _, s := range strings.Split(rec.text(1), ",") {
				if s = strings.TrimSpace(s); s != "" {
					f.Scenarios = append(f.Scenarios, s)
				}
			}
		case "ACCOUNT":
			account = rec.account()
			if slices.ContainsFunc(f.Accounts, func(a *Account) bool { return a.UID == account.UID }) {
				rec.fail(fmt.Errorf("account_uid %.40q is used twice", account.UID))
			}
			if len(f.Accounts) == maxAccounts {
				rec.fail(fmt.Errorf("more than %d accounts", maxAccounts))
			}
			f.Accounts = append(f.Accounts, account)
		case "DETAILS", "CARD", "LOAN", "SAVINGS", "TRANSACTION", "RECURRING":
			if account == nil {
				rec.fail(fmt.Errorf("no ACCOUNT above it"))
				break
			}
			rec.below(account, name, n)
		}
		if rec.err != nil {
			return nil, &LineError{Line: n, Record: name, Err: rec.err}
		}
	}
	if f.Login == "" {
		return nil, fmt.Errorf("the file has no CREDENTIALS record")
	}
	return f, nil
}

// latin1 reads bytes as ISO 8859-1.
func latin1(s string) string {
	r := make([]rune, 0, len(s))
	for i := range len(s) {
		r = append(r, rune(s[i]))
	}
	return string(r)
}

// fields reads one line column by column and keeps the first error. A wrong value in an
// optional column is no error.
type fields struct {
	cols []string
	err  error
}

func (r *fields) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *fields) raw(i int) string {
	if i >= len(r.cols) {
		return ""
	}
	return r.cols[i]
}

func (r *fields) text(i int) string { return strings.TrimSpace(r.raw(i)) }

// required returns the date of a column that may not be wrong.
func (r *fields) required(i int) Date {
	d, err := parseDate(r.text(i))
	if err != nil {
		r.fail(err)
	}
	return d
}

func (r *fields) date(i int) Date {
	d, err := parseDate(r.text(i))
	if err != nil {
		return Date{}
	}
	return d
}

func (r *fields) amount(i int, currency string) Amount {
	a, err := parseRounded(r.text(i), currency)
	if err != nil {
		return 0
	}
	return a
}

func (r *fields) number(i int) int {
	n, err := strconv.Atoi(r.text(i))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (r *fields) oneOf(i int, words ...string) string {
	s := r.text(i)
	if !slices.Contains(words, s) {
		return ""
	}
	return s
}

func (r *fields) matching(i int, shape *regexp.Regexp) string {
	s := r.text(i)
	if !shape.MatchString(s) {
		return ""
	}
	return s
}

var (
	ibanShape     = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}$`)
	bicShape      = regexp.MustCompile(`^[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?$`)
	currencyShape = regexp.MustCompile(`^[A-Z]{3}$`)
	codeShape     = regexp.MustCompile(`^[A-Z0-9]{1,4}/[A-Z0-9]{1,4}/[A-Z0-9]{1,4}$`)
	merchantShape = regexp.MustCompile(`^[0-9]{4}$`)
)

func (r *fields) account() *Account {
	a := &Account{
		UID: r.text(1), Number: r.text(2), BalanceDate: r.date(3), Kind: Kind(r.text(5)),
		UIDRegexp: r.text(6), MatchExisting: strings.EqualFold(r.text(7), "true"), Owner: r.text(8), Name: r.text(9),
		PaysFrom: r.text(10), PaysTo: r.text(11),
		Currency: r.matching(13, currencyShape),
	}
	// An IBAN may be written in groups of four.
	a.IBAN = strings.ReplaceAll(r.text(12), " ", "")
	if !ibanShape.MatchString(a.IBAN) {
		a.IBAN = ""
	}
	if a.UID == "" {
		r.fail(fmt.Errorf("account_uid is missing"))
	}
	if a.Currency == "" {
		a.Currency = "EUR"
	}
	if r.text(4) != "" {
		// An account without a balance holds nothing. A wrong balance is not that.
		var err error
		a.Balance, err = parseRounded(r.text(4), a.Currency)
		if err != nil {
			r.fail(err)
		}
	}
	return a
}

// below reads a record of the account above it.
func (r *fields) below(a *Account, name string, line int) {
	switch name {
	case "DETAILS":
		a.Usage, a.Product, a.PSUStatus = r.oneOf(1, "PRIV", "ORGA"), r.text(2), r.text(3)
		a.Details, a.Workspace = r.text(4), r.text(5)
		a.BIC, a.Overdraft = r.matching(6, bicShape), r.amount(7, a.Currency)
	case "CARD":
		c := &Card{Masked: r.text(1), Linked: r.text(2), Deferred: r.oneOf(3, "IMMEDIATE", "DEFERRED") == "DEFERRED"}
		if day := r.number(4); day <= 31 {
			c.DebitDay = day
		}
		a.Card = c
	case "LOAN":
		a.Loan = &Loan{Amount: r.amount(1, a.Currency), Rate: r.text(2), Start: r.date(3), End: r.date(4), Instalment: r.amount(5, a.Currency), Next: r.date(6), Left: r.number(7)}
	case "SAVINGS":
		a.Savings = &SavingsTerms{Product: r.text(1), Rate: r.text(2), Ceiling: r.amount(3, a.Currency)}
	case "TRANSACTION":
		a.Entries = append(a.Entries, r.entry(line, 4, a.Currency))
	case "RECURRING":
		e := r.entry(line, 5, a.Currency)
		e.Every = r.recurrence(4)
		if e.Every != nil {
			e.Every.readEnd(r, 13)
		}
		a.Entries = append(a.Entries, e)
	}
}

// entry reads the columns that TRANSACTION and RECURRING share; rest is the index of
// the memo.
func (r *fields) entry(line, rest int, currency string) Entry {
	e := Entry{
		Line: line, Date: r.required(2), Label: r.text(3), Memo: r.text(rest), Reference: r.text(rest + 1),
		Code:     r.matching(rest+2, codeShape),
		BookedOn: r.date(rest + 4), ValueDate: r.date(rest + 5),
		Merchant:     r.matching(rest+6, merchantShape),
		Counterparty: r.text(rest + 7),
	}
	switch r.oneOf(rest+3, "BOOK", "PDNG", "VOID") {
	case "PDNG":
		e.Pending = true
	case "VOID":
		e.Pending, e.Void = true, true
	}
	if e.Date.IsZero() {
		r.fail(errNoDate)
	}
	if e.Date.kind == laterDay {
		r.fail(fmt.Errorf("date %.40q counts from nothing", r.text(2)))
	}
	for _, s := range strings.Split(r.text(1), "/") {
		a, err := parseRounded(s, currency)
		if err != nil {
			r.fail(err)
		}
		e.Amounts = append(e.Amounts, a)
	}
	return e
}

var frequency = regexp.MustCompile(`^every (?:([0-9]{1,4}) )?(day|week|month|year)s?$`)

func (r *fields) recurrence(i int) *Recurrence {
	m := frequency.FindStringSubmatch(strings.ToLower(strings.Join(strings.Fields(r.text(i)), " ")))
	if m == nil {
		r.fail(fmt.Errorf("%.40q is no frequency such as every 15 days", r.text(i)))
		return nil
	}
	n := 1
	if m[1] != "" {
		n, _ = strconv.Atoi(m[1])
	}
	if n == 0 {
		r.fail(fmt.Errorf("every 0 %ss is no frequency", m[2]))
		return nil
	}
	switch m[2] {
	case "day":
		return &Recurrence{Days: n}
	case "week":
		return &Recurrence{Days: 7 * n}
	case "month":
		return &Recurrence{Months: n}
	}
	return &Recurrence{Months: 12 * n}
}

// readEnd reads the last column of a recurrence: a date, "12 times", or empty.
func (e *Recurrence) readEnd(r *fields, i int) {
	if n, ok := strings.CutSuffix(strings.ToLower(r.text(i)), " times"); ok {
		v, err := strconv.Atoi(strings.TrimSpace(n))
		if err == nil && v > 0 {
			e.Times = v
		}
		return
	}
	e.Until = r.date(i)
}
