package connect

import (
	"cmp"
	"context"
	"errors"
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
	// AddDifferences adds what differs from a channel's rows of the same days, too.
	AddDifferences bool
}

// Imported counts the news of a file.
type Imported struct {
	Connection oxlin.ConnectionID
	// Made reports whether the connection was made for it.
	Made     bool
	Accounts []ImportedAccount
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
	_, err := ownConnection(ctx, i.db.Read(), caller, id)
	if err != nil {
		return Imported{}, err
	}
	return i.run(ctx, caller, file, func(ctx context.Context, tx *store.Tx) (place, error) {
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
	return i.run(ctx, caller, file, func(ctx context.Context, tx *store.Tx) (place, error) {
		return atProvider(ctx, tx.Read(), caller, provider)
	})
}

// place is where a file goes.
type place struct {
	// connection is where new accounts go; its id is zero if it is still to be made.
	connection oxlin.Connection
	// accounts are those that the file may be about.
	accounts []oxlin.Account
}

// atProvider finds the accounts of a user at a bank, and the connection for new ones: the oldest that
// no channel reads.
func atProvider(ctx context.Context, reader store.Reader, caller oxlin.Caller, provider oxlin.Provider) (place, error) {
	at := place{connection: oxlin.Connection{UserID: caller.UserID, ProviderID: provider.ID, Name: provider.Name, AutoSync: true}}
	connections, err := reader.Connections(ctx, caller.UserID)
	if err != nil {
		return at, err
	}
	for _, connection := range connections {
		if connection.ProviderID != provider.ID {
			continue
		}
		if at.connection.ID == 0 && len(connection.Channels) == 0 {
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

// run reads a file, finds its accounts in one transaction, and adds the rows of one after the other.
func (i *Imports) run(ctx context.Context, caller oxlin.Caller, file NewImport, find func(ctx context.Context, tx *store.Tx) (place, error)) (Imported, error) {
	release, err := i.turns.take(caller.UserID)
	if err != nil {
		return Imported{}, err
	}
	defer release()
	parts, err := partsOf(file.Content)
	if err != nil {
		return Imported{}, err
	}
	var done Imported
	err = i.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		at, err := find(ctx, tx)
		if err != nil {
			return err
		}
		done, err = i.place(ctx, tx, at, parts, file)
		return err
	})
	if err != nil {
		return Imported{}, err
	}
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
	named := reconcile.Named(known, part.iban, part.number, part.currency)
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
		UserID: connection.UserID, ConnectionID: connection.ID, Type: oxlin.AccountCheckings, Status: oxlin.AccountActive,
		Usage: oxlin.UsagePersonal, Currency: part.currency, CurrencyWord: oxlin.CurrencyOfRows, IBAN: part.iban, Number: part.number,
		OwnerName: part.owner, CreatedAt: i.now(),
	}
	var err error
	account.ID, err = tx.InsertAccount(ctx, account)
	return account, err
}

// part holds the statements of a file about one account.
type part struct {
	iban, number, currency, owner string
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

// partsOf reads a file.
func partsOf(content []byte) ([]*part, error) {
	if len(content) > MostFileBytes {
		return nil, &oxlin.Error{Code: oxlin.CodePayloadTooLarge, Field: fieldFile, Message: "A file may have 16 MiB."}
	}
	statements, err := statement.Read(content, statement.Options{MaxBytes: MostFileBytes})
	switch {
	case errors.Is(err, statement.ErrFormat):
		return nil, oxlin.Invalid(fieldFile, "The file has none of the formats that can be read.")
	case err != nil:
		return nil, oxlin.Invalid(fieldFile, "The file cannot be read: %s.", err)
	}
	var parts []*part
	rows := 0
	for _, s := range statements {
		rows += len(s.Rows)
		if rows > mostFileRows {
			return nil, oxlin.Invalid(fieldFile, "A file may hold %d rows.", mostFileRows)
		}
		s.Currency = cmp.Or(s.Currency, currencyOf(s))
		at := slices.IndexFunc(parts, func(p *part) bool { return p.iban == s.IBAN && p.number == s.Number && p.currency == s.Currency })
		if at < 0 {
			at = len(parts)
			parts = append(parts, &part{iban: s.IBAN, number: s.Number, currency: s.Currency, owner: s.Owner})
		}
		parts[at].add(s)
	}
	return parts, nil
}

// currencyOf returns the currency of the rows or balances of a statement that names none.
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
	return "EUR"
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
