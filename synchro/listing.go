package synchro

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/synchro/reconcile"
)

// listing is what the bank showed of its accounts.
type listing struct {
	accounts []bank.Account
	owner    oxlin.Owner
}

// listAccounts is a LIST_ACCOUNTS: it finds out which accounts there are, and
// stores no data of them. Where the user's consent covers them, SYNC_ALL follows.
func (e *Engine) listAccounts(ctx context.Context, r *run) error {
	found, err := e.readAccounts(ctx, r, true)
	if err != nil {
		return err
	}
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		fed, err := e.mergeAccounts(ctx, tx, r, found)
		if err != nil {
			return err
		}
		channel, err := tx.Channel(ctx, r.channel.ID)
		if err != nil {
			return err
		}
		switch {
		case r.sync.Progress.AskConsent:
			channel.AwaitsConsent = true
		case r.connection.ConsentPerAccount:
			channel.AwaitsConsent, err = e.allPending(ctx, tx, r)
			if err != nil {
				return err
			}
		default:
			err := e.consentToAll(ctx, tx, r)
			if err != nil {
				return err
			}
		}
		err = tx.UpdateChannel(ctx, channel)
		if err != nil {
			return err
		}
		if channel.AwaitsConsent {
			return e.succeed(ctx, tx, r, nil)
		}
		// A bank of the mixed model opens its accounts only once it was told of
		// the consent; the next run has to tell it and to look again.
		closed := slices.ContainsFunc(found.accounts, func(a bank.Account) bool { return a.NeedsConsent })
		follow := oxlin.SyncProgress{Entered: r.sync.Progress.Entered, Listed: !closed, Pending: fed}
		if closed {
			follow.Pending = nil
		}
		return e.succeed(ctx, tx, r, &follow)
	})
}

// allPending says that the connection has accounts and that all of them wait for
// the user's decision.
func (e *Engine) allPending(ctx context.Context, tx *store.Tx, r *run) (bool, error) {
	accounts, err := tx.AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return false, err
	}
	decided := slices.ContainsFunc(accounts, func(a oxlin.Account) bool { return a.Status != oxlin.AccountPendingConsent })
	return len(accounts) > 0 && !decided, nil
}

// consentToAll keeps the evidence that the user, by going to the bank on our
// request, allowed all present and future accounts (contract §11).
func (e *Engine) consentToAll(ctx context.Context, tx *store.Tx, r *run) error {
	given, err := tx.Consents(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	for _, consent := range given {
		if consent.ChannelID == r.channel.ID && consent.AllAccounts && consent.ValidUntil.Equal(r.channel.ConsentUntil) {
			return nil // this one is on record; a listing on demand asks for no new one
		}
	}
	return tx.InsertConsent(ctx, oxlin.Consent{
		UserID: r.connection.UserID, ConnectionID: r.connection.ID, ChannelID: r.channel.ID, AllAccounts: true,
		TextVersion: oxlin.ConsentTextVersion, GivenAt: e.now(), ValidUntil: r.channel.ConsentUntil,
	})
}

// readAccounts asks for all pages of accounts, and for the owner where wanted.
func (e *Engine) readAccounts(ctx context.Context, r *run, withOwner bool) (listing, error) {
	err := e.ask(ctx, r, "accounts")
	if err != nil {
		return listing{}, err
	}
	var found listing
	var first bank.AccountsPage
	cursor := ""
	for {
		page, err := inquire(ctx, e, r, func(call bank.Call) (bank.AccountsPage, error) {
			return r.connector.Accounts(ctx, call, cursor)
		})
		if err != nil {
			return listing{}, err
		}
		if cursor == "" {
			first = page
		}
		found.accounts = append(found.accounts, page.Accounts...)
		if page.Next == "" {
			break
		}
		cursor = page.Next
		err = e.askMore(ctx, r, "")
		if err != nil {
			return listing{}, err
		}
	}
	reader, ok := r.connector.(bank.OwnerReader)
	if !ok || !withOwner {
		return found, nil
	}
	err = e.askMore(ctx, r, "owner")
	if err != nil {
		return listing{}, err
	}
	owner, err := inquire(ctx, e, r, func(call bank.Call) (oxlin.Owner, error) {
		return reader.Owner(ctx, call, first)
	})
	if err != nil {
		// The name is an extra; a bank that refuses it has given the accounts.
		e.log.InfoContext(ctx, "the bank does not name the owner", "sync", r.sync.ID, "error", err)
		return found, nil
	}
	found.owner = owner
	return found, nil
}

// mergeAccounts brings the connection's accounts up to date with a listing, and
// gives those that this channel feeds and that may be read.
func (e *Engine) mergeAccounts(ctx context.Context, tx *store.Tx, r *run, found listing) ([]oxlin.AccountID, error) {
	// The fence comes first: a run that was given up changes nothing.
	err := tx.UpdateSynchronisation(ctx, r.sync)
	if err != nil {
		return nil, err
	}
	// The client may have changed the connection while the bank was asked.
	r.connection, err = tx.Connection(ctx, r.connection.ID)
	if err != nil {
		return nil, err
	}
	if found.owner != (oxlin.Owner{}) && found.owner != r.connection.Owner {
		r.connection.Owner = found.owner
		err := tx.UpdateConnection(ctx, r.connection)
		if err != nil {
			return nil, err
		}
	}
	noted, err := tx.ForgottenAccounts(ctx, r.connection.ID)
	if err != nil {
		return nil, err
	}
	fetched := slices.DeleteFunc(slices.Clone(found.accounts), func(a bank.Account) bool {
		return forgotten(noted, e.identities(a.IBAN, a.MaskedNumber, a.BankID, a.Currency, a.Type))
	})
	accounts, err := tx.AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return nil, err
	}
	byID := make(map[oxlin.AccountID]oxlin.Account)
	known := make([]reconcile.KnownAccount, len(accounts))
	for i, a := range accounts {
		byID[a.ID] = a
		known[i] = reconcile.KnownAccount{
			ID: a.ID, IBAN: a.IBAN, Currency: a.Currency, Number: a.Number, MaskedNumber: a.MaskedNumber, Type: a.Type,
			BankID: a.BankID, Channel: a.LastChannelDefinition,
		}
	}
	result := reconcile.Accounts(known, fetched, r.channel.DefinitionID)
	ours := make(map[string]oxlin.AccountID) // by the bank's id, for the cards' links
	seen := make(map[oxlin.AccountID]bank.Account)
	for _, match := range result.Matches {
		if e.fedElsewhere(r, byID[match.ID]) {
			continue
		}
		ours[fetched[match.Row].BankID] = match.ID
		seen[match.ID] = fetched[match.Row]
	}
	for _, row := range result.New {
		account, err := e.insertAccount(ctx, tx, r, fetched[row])
		if err != nil {
			return nil, err
		}
		byID[account.ID] = account
		ours[fetched[row].BankID] = account.ID
		seen[account.ID] = fetched[row]
	}
	var fed []oxlin.AccountID
	for id, shown := range seen {
		account := refreshed(byID[id], shown, r.channel.DefinitionID)
		// Only where no holder is known: a name of the bank's own, from whatever channel,
		// is better, and two channels with a name each must not take turns.
		if account.OwnerName == "" && shown.HeldByCustomer {
			account.OwnerName = r.connection.Owner.Name
		}
		if linked, ok := ours[shown.LinkedBankID]; ok && account.Details.CreditCard != nil {
			card := *account.Details.CreditCard
			card.LinkedAccountID = linked
			account.Details.CreditCard = &card
		}
		err := tx.UpdateAccount(ctx, account)
		if err != nil {
			return nil, err
		}
		if account.Synchronised() {
			fed = append(fed, id)
		}
	}
	for _, id := range result.Gone {
		account := byID[id]
		if !account.Synchronised() {
			continue
		}
		account.Status = oxlin.AccountNotFound
		err := tx.UpdateAccount(ctx, account)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(fed)
	return fed, nil
}

// fedElsewhere says that another channel feeds an account: an account that both
// channels see is fed by REDIRECT while its consent lives (contract §11).
func (e *Engine) fedElsewhere(r *run, account oxlin.Account) bool {
	if r.channel.Mode == oxlin.ModeRedirect || account.LastChannelDefinition == r.channel.DefinitionID {
		return false
	}
	other, used := r.connection.Channel(account.LastChannelDefinition)
	return used && other.Mode == oxlin.ModeRedirect && !other.Status.NeedsUser() && other.Status != oxlin.ChannelEmpty &&
		e.now().Before(other.ConsentUntil)
}

// insertAccount stores an account that the bank shows for the first time.
func (e *Engine) insertAccount(ctx context.Context, tx *store.Tx, r *run, shown bank.Account) (oxlin.Account, error) {
	account := oxlin.Account{
		UserID: r.connection.UserID, ConnectionID: r.connection.ID, Name: shown.Name, Type: shown.Type,
		Status: oxlin.AccountActive, Usage: shown.Usage, CreatedAt: e.now(),
	}
	if account.Usage == "" {
		account.Usage = oxlin.UsagePersonal
	}
	switch {
	case r.connection.ConsentPerAccount || r.sync.Progress.AskConsent:
		account.Status = oxlin.AccountPendingConsent
	case account.Usage == oxlin.UsageProfessional:
		account.Status = oxlin.AccountSuspended
	}
	account = refreshed(account, shown, r.channel.DefinitionID)
	var err error
	account.ID, err = tx.InsertAccount(ctx, account)
	return account, err
}

// refreshed is an account after the bank has shown it again. Name and usage are
// the client's to change, so they stay as they are.
func refreshed(account oxlin.Account, shown bank.Account, definition oxlin.ChannelDefinitionID) oxlin.Account {
	keep := func(now, before string) string {
		if now == "" {
			return before
		}
		return now
	}
	account.BankID = shown.BankID
	account.LastChannelDefinition = definition
	account.Currency = keep(shown.Currency, account.Currency)
	account.IBAN = keep(shown.IBAN, account.IBAN)
	account.Number = keep(shown.Number, account.Number)
	account.MaskedNumber = keep(shown.MaskedNumber, account.MaskedNumber)
	account.OwnerName = keep(shown.OwnerName, account.OwnerName)
	if shown.Details != (oxlin.AccountDetails{}) {
		account.Details = shown.Details
	}
	if account.Type == oxlin.AccountCreditCard && account.Details.CreditCard == nil {
		account.Details.CreditCard = &oxlin.CardDetails{MaskedNumber: account.MaskedNumber}
	}
	if account.Status == oxlin.AccountNotFound {
		account.Status = oxlin.AccountActive
	}
	return account
}
