package connect

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

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
