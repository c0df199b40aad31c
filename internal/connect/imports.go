package connect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/statement"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// Imports are the use cases about files in which a bank's customer has downloaded statements.
type Imports struct{ *core }

// The limits of an import.
const (
	// MostFileBytes limits a file, packed and unpacked.
	MostFileBytes = 16 << 20
	mostFileRows  = 200_000
	// mostImports are how many files a process imports at once, one for each user.
	mostImports = 2
	// importPause is after how long somebody whose turn it is not may try again.
	importPause = 5 * time.Second
)

// NewImport is a file, and the answers to what it leaves open.
type NewImport struct {
	Content []byte
	// Account is the one that the file belongs to; zero if the file tells it. NewAccount makes one.
	Account    oxlin.AccountID
	NewAccount bool
	// Mapping is how a CSV or QIF file is read; nil if the file tells it.
	Mapping *Mapping
	// AddDifferences adds what differs from a channel's rows of the same days, too.
	AddDifferences bool
}

// Imported counts the news of a file.
type Imported struct {
	Connection oxlin.ConnectionID
	// Made reports whether the connection was made for it.
	Made     bool
	Accounts []ImportedAccount
	// Mapping is how a CSV or QIF file was read; nil for other formats.
	Mapping *Mapping
}

// ImportedAccount counts the news of a file about one account.
type ImportedAccount struct {
	Account oxlin.Account
	// Made reports whether the account was made for it.
	Made bool
	// Added, Changed and Known count transactions. A changed one is known, too.
	Added, Changed, Known int
	// Different counts those that differ within the days of a channel; Differences has the first ones.
	Different   int
	Differences []Difference
	// Unreadable counts the rows that cannot be read.
	Unreadable int
	// BalanceMoved reports whether the account shows the balance of the file.
	BalanceMoved bool
}

// Difference is a transaction of a file that no channel has brought.
type Difference struct {
	Date     oxlin.Date
	Amount   oxlin.Amount
	Currency string
	Label    string
}

// mostDifferences is how many differing transactions of an account are listed.
const mostDifferences = 100

// Mapping, Role and Facet tell how a file without a standard is read.
type (
	Mapping = statement.Mapping
	Role    = statement.Role
	Facet   = statement.Facet
)

// MappingQuestion is the error for a file that can be read in more than one way. The same file with
// NewImport.Mapping answers it.
type MappingQuestion struct{ *statement.Question }

// Unwrap returns the public form of the error.
func (q *MappingQuestion) Unwrap() error {
	return &oxlin.Error{
		Code: oxlin.CodeUserActionRequired, Field: "mapping",
		Message: "The file does not tell how it is to be read: send it again with a mapping that is complete.",
	}
}

// AccountQuestion is the error for a file that does not tell to which account it belongs. The
// same file with NewImport.Account, or NewAccount, answers it.
type AccountQuestion struct {
	// Accounts are those that it may be about.
	Accounts []oxlin.Account
	// Number identifies the account in the file; empty if the file does not name it.
	Number string
}

func (q *AccountQuestion) Error() string { return "the file does not tell its account" }

// Unwrap returns the public form of the error.
func (q *AccountQuestion) Unwrap() error {
	return &oxlin.Error{
		Code: oxlin.CodeUserActionRequired, Field: fieldAccount,
		Message: "The file does not tell to which account it belongs: send it again with the id of one, or with new.",
	}
}

// The names of the members that errors are about.
const (
	fieldFile    = "file"
	fieldAccount = "account_id"
)

// turns limits the imports of a process.
type turns struct {
	mutex sync.Mutex
	users map[oxlin.UserID]bool
}

// take takes a turn, or tells when to ask again.
func (t *turns) take(user oxlin.UserID) (release func(), err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.users[user] || len(t.users) >= mostImports {
		return nil, &oxlin.Error{Code: oxlin.CodeTooManyRequests, RetryAfter: importPause, Message: "Another file is being imported; send this one again later."}
	}
	if t.users == nil {
		t.users = make(map[oxlin.UserID]bool)
	}
	t.users[user] = true
	return func() {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		delete(t.users, user)
	}, nil
}

// IntoConnection imports a file into a connection of the caller's user.
func (i *Imports) IntoConnection(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, file NewImport) (Imported, error) {
	into, err := ownConnection(ctx, i.db.Read(), caller, id)
	if err != nil {
		return Imported{}, err
	}
	return i.run(ctx, caller, into.ProviderID, file, func(ctx context.Context, tx *store.Tx, _ []*part) (place, error) {
		connection, err := ownConnection(ctx, tx.Read(), caller, id)
		if err != nil {
			return place{}, err
		}
		accounts, err := tx.Read().AccountsOfConnection(ctx, id)
		return place{connection: connection, accounts: accounts}, err
	})
}

// AtProvider imports a file of a bank. It goes to the connections of the user at this bank that
// have its accounts; for others a connection is made that no channel reads.
func (i *Imports) AtProvider(ctx context.Context, caller oxlin.Caller, id oxlin.ProviderID, file NewImport) (Imported, error) {
	provider, known := i.catalogue.Provider(id)
	if !known {
		return Imported{}, oxlin.NotFound("provider")
	}
	return i.run(ctx, caller, id, file, func(ctx context.Context, tx *store.Tx, parts []*part) (place, error) {
		return atProvider(ctx, tx.Read(), caller, i.bankOf(provider, parts), provider.Files)
	})
}

// bankOf returns the bank that a file names by the bank's code in its account numbers, if the user has
// only said that it is a file: the one provider of the catalogue that has this code.
func (i *Imports) bankOf(said oxlin.Provider, parts []*part) oxlin.Provider {
	if !said.Files {
		return said
	}
	found := said
	for _, one := range i.catalogue.Providers() {
		if one.Files || !slices.ContainsFunc(parts, func(p *part) bool { return p.isOf(one) }) {
			continue
		}
		if !found.Files {
			return said // two banks of one code: nobody can tell which
		}
		found = one
	}
	return found
}

// isOf reports whether an account number or a BIC has the code of a bank.
func (p *part) isOf(provider oxlin.Provider) bool {
	return provider.Holds(p.iban) || slices.ContainsFunc(provider.BankCodes, func(code string) bool {
		return p.code == code || len(code) >= bicBank && strings.HasPrefix(p.bic, code)
	})
}

// bicBank is how many characters of a BIC name the bank and its country.
const bicBank = 6

// place is where a file goes.
type place struct {
	// connection is where new accounts go; its id is zero if it is still to be made.
	connection oxlin.Connection
	// accounts are those that the file may be about.
	accounts []oxlin.Account
}

// atProvider finds the accounts of a user at a bank, and the connection for new ones: the oldest that
// no channel reads. If the user has not said which bank it is, the file may be about accounts of all.
func atProvider(ctx context.Context, reader store.Reader, caller oxlin.Caller, provider oxlin.Provider, anyBank bool) (place, error) {
	at := place{connection: oxlin.Connection{UserID: caller.UserID, ProviderID: provider.ID, Name: provider.Name, AutoSync: true}}
	connections, err := reader.Connections(ctx, caller.UserID)
	if err != nil {
		return at, err
	}
	for _, connection := range connections {
		if connection.ProviderID != provider.ID && !anyBank {
			continue
		}
		if connection.ProviderID == provider.ID && at.connection.ID == 0 && len(connection.Channels) == 0 {
			at.connection = connection
		}
		accounts, err := reader.AccountsOfConnection(ctx, connection.ID)
		if err != nil {
			return at, err
		}
		at.accounts = append(at.accounts, accounts...)
	}
	return at, nil
}

// run reads a file, finds its accounts in one transaction, and adds the rows of one after the other. The
// user's answers about files of the bank are remembered for the next one.
func (i *Imports) run(ctx context.Context, caller oxlin.Caller, provider oxlin.ProviderID, file NewImport, find func(ctx context.Context, tx *store.Tx, parts []*part) (place, error)) (Imported, error) {
	release, err := i.turns.take(caller.UserID)
	if err != nil {
		return Imported{}, err
	}
	defer release()
	answers, err := store.ImportAnswersOf(ctx, i.db.Read(), caller.UserID, provider)
	if err != nil {
		return Imported{}, err
	}
	if file.Mapping == nil && answers.Mapping != "" {
		err = json.Unmarshal([]byte(answers.Mapping), &file.Mapping)
		if err != nil {
			return Imported{}, fmt.Errorf("stored mapping: %w", err)
		}
	}
	parts, mapping, err := partsOf(file)
	if err != nil {
		return Imported{}, err
	}
	var done Imported
	err = i.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		at, err := find(ctx, tx, parts)
		if err != nil {
			return err
		}
		file := file
		if len(at.accounts) == 1 && file.Account == 0 && !file.NewAccount && nameless(parts) && at.accounts[0].ID == answers.Account {
			file.Account = answers.Account // with a second account, nobody knows
		}
		done, err = i.place(ctx, tx, at, parts, file)
		if err != nil {
			return err
		}
		return remember(ctx, tx, caller.UserID, provider, answers, parts, mapping, done)
	})
	if err != nil {
		return Imported{}, err
	}
	done.Mapping = mapping
	for n, part := range parts {
		account := &done.Accounts[n]
		for _, group := range part.groups {
			group.AddDifferences = file.AddDifferences
			outcome, err := synchro.Import(ctx, i.engine, account.Account.ID, group)
			if err != nil {
				return Imported{}, err
			}
			account.add(outcome)
		}
		account.Unreadable = part.unreadable
	}
	return done, nil
}

func nameless(parts []*part) bool { return len(parts) == 1 && parts[0].nameless() }

// remember stores how the tables of a bank are read, and the account of files that name none.
func remember(ctx context.Context, tx *store.Tx, user oxlin.UserID, provider oxlin.ProviderID, before store.ImportAnswers, parts []*part, mapping *Mapping, done Imported) error {
	answers := before
	if mapping != nil {
		text, err := json.Marshal(mapping)
		if err != nil {
			return fmt.Errorf("mapping: %w", err)
		}
		answers.Mapping = string(text)
	}
	if nameless(parts) {
		answers.Account = done.Accounts[0].Account.ID
	}
	if answers == before {
		return nil
	}
	return store.SaveImportAnswers(ctx, tx, user, provider, answers)
}

func (a *ImportedAccount) add(more synchro.FileOutcome) {
	a.Added += more.Added
	a.Known += more.Known
	a.Changed += more.Changed
	a.Different += len(more.Different)
	a.BalanceMoved = a.BalanceMoved || more.BalanceMoved
	for _, t := range more.Different[:min(len(more.Different), mostDifferences-len(a.Differences))] {
		words := t.Remittance
		if t.Counterparty != "" {
			words = append([]string{t.Counterparty}, words...)
		}
		a.Differences = append(a.Differences, Difference{t.Date(), t.Amount, t.Currency, strings.Join(words, " ")})
	}
}

// place finds or makes the account of each part of a file.
func (i *Imports) place(ctx context.Context, tx *store.Tx, at place, parts []*part, file NewImport) (Imported, error) {
	accounts := slices.Clone(at.accounts)
	var done Imported
	for _, part := range parts {
		account, found, err := choose(accounts, part, file, len(parts) == 1)
		if err != nil {
			return done, err
		}
		if !found {
			if at.connection.ID == 0 {
				at.connection.CreatedAt = i.now()
				at.connection.ID, err = tx.InsertConnection(ctx, at.connection)
				if err != nil {
					return done, err
				}
				_, err = i.events.Record(ctx, tx, i.now(), at.connection.ID, oxlin.EventConnectionCreated, "", oxlin.EventPayload{})
				if err != nil {
					return done, err
				}
				done.Made = true
			}
			account, err = i.insert(ctx, tx, at.connection, part)
			if err != nil {
				return done, err
			}
			accounts = append(accounts, account)
		}
		switch {
		case account.Status == oxlin.AccountPendingConsent:
			return done, oxlin.Errorf(oxlin.CodeConflict, "An account of the file waits for the user's consent; import the file after it.")
		case account.Status == oxlin.AccountClosed:
			return done, oxlin.Errorf(oxlin.CodeConflict, "Account %s is CLOSED; set it ACTIVE first.", account.ID)
		}
		done.Accounts = append(done.Accounts, ImportedAccount{Account: account, Made: !found})
		done.Connection = cmp.Or(done.Connection, account.ConnectionID)
	}
	return done, nil
}

// choose returns the account of a part of a file; found is false for a new one.
func choose(accounts []oxlin.Account, part *part, file NewImport, alone bool) (account oxlin.Account, found bool, err error) {
	known := make([]reconcile.KnownAccount, len(accounts))
	for n, a := range accounts {
		known[n] = reconcile.KnownOf(a)
	}
	named := reconcile.Named(known, part.iban, part.number, part.currency, part.kind)
	asked := alone || part.nameless()
	switch {
	case len(named) == 1:
		// The file's own word comes before an answer that contradicts it.
		account = accounts[named[0]]
		if file.Account != 0 && file.Account != account.ID && asked {
			return account, false, oxlin.Invalid(fieldAccount, "The file is about account %s.", account.ID)
		}
		return account, true, nil
	case file.Account != 0 && asked:
		at := slices.IndexFunc(accounts, func(a oxlin.Account) bool { return a.ID == file.Account })
		switch {
		case at < 0:
			return account, false, oxlin.Invalid(fieldAccount, "There is no account %s that the file may be about.", file.Account)
		case part.contradicts(accounts[at]):
			return account, false, oxlin.Invalid(fieldAccount, "The file names another account than %s.", file.Account)
		}
		return accounts[at], true, nil
	case len(accounts) == 0, file.NewAccount && asked, len(named) == 0 && !part.nameless():
		return oxlin.Account{}, false, nil
	}
	question := &AccountQuestion{Number: cmp.Or(part.iban, part.number)}
	for n, a := range accounts {
		if a.Status != oxlin.AccountPendingConsent && (len(named) == 0 || slices.Contains(named, n)) {
			question.Accounts = append(question.Accounts, a)
		}
	}
	return oxlin.Account{}, false, question
}

// insert stores the account that a file shows for the first time.
func (i *Imports) insert(ctx context.Context, tx *store.Tx, connection oxlin.Connection, part *part) (oxlin.Account, error) {
	account := oxlin.Account{
		UserID: connection.UserID, ConnectionID: connection.ID, Name: part.name, Type: cmp.Or(part.kind, oxlin.AccountCheckings), Status: oxlin.AccountActive,
		Usage: oxlin.UsagePersonal, Currency: part.currency, CurrencyWord: oxlin.CurrencyOfRows, IBAN: part.iban, Number: part.number,
		OwnerName: part.owner, CreatedAt: i.now(),
	}
	if part.currency == "" {
		account.Currency, account.CurrencyWord = i.currencyAt(connection.ProviderID), oxlin.CurrencyAssumed
	}
	if account.Type == oxlin.AccountCreditCard {
		account.Number, account.MaskedNumber = "", part.number
		account.Details.CreditCard = &oxlin.CardDetails{MaskedNumber: part.number}
	}
	var err error
	account.ID, err = tx.InsertAccount(ctx, account)
	return account, err
}

// currencyAt returns the currency of accounts at a bank that names none (contract §12.4).
func (i *Imports) currencyAt(id oxlin.ProviderID) string {
	provider, _ := i.catalogue.Provider(id)
	for _, definition := range provider.ChannelDefinitions {
		connector, err := i.catalogue.Connector(id, definition.ID)
		if err == nil && connector.Profile().Currency != "" {
			return connector.Profile().Currency
		}
	}
	return "EUR"
}

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
		return nil, nil, oxlin.Invalid(fieldFile, "The file has none of the formats that can be read.")
	case err != nil:
		return nil, nil, oxlin.Invalid(fieldFile, "The file cannot be read: %s.", err)
	}
	var mapping *Mapping
	var parts []*part
	rows := 0
	for _, s := range statements {
		rows += len(s.Rows)
		if rows > mostFileRows {
			return nil, nil, oxlin.Invalid(fieldFile, "A file may hold %d rows.", mostFileRows)
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
// currency belongs to the only one of its number, as do others while that one has none.
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
