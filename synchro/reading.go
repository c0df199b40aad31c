package synchro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/synchro/reconcile"
	"github.com/oxlin/oxlin/synchro/wording"
)

// overlap is how many days before the newest booked row a synchronisation looks
// again: banks book late and back-date (banks §7.2).
const overlap = 30

// pendingMargin is how many days before the oldest pending row the bank is asked
// from: reconciliation believes no absence at the very edge of a window.
const pendingMargin = 5

// syncAll is a SYNC_ALL: it reads the consented accounts one after the other,
// each page by page, and stores each account in one transaction.
func (e *Engine) syncAll(ctx context.Context, r *run) error {
	if !r.sync.Progress.Listed {
		err := e.relist(ctx, r)
		if err != nil {
			return err
		}
	}
	for len(r.sync.Progress.Pending) > 0 {
		account, ours, err := e.stillOurs(ctx, e.db.Read(), r, r.sync.Progress.Pending[0])
		if err != nil {
			return err
		}
		if ours {
			err = e.readAccount(ctx, r, account)
		} else {
			err = e.skipAccount(ctx, r)
		}
		if err != nil {
			return err
		}
	}
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error { return e.finish(ctx, tx, r) })
}

// stillOurs finds an account that a listing gave us to read, and says whether it
// is still this run's: a user may have deleted or closed it since, and a REDIRECT
// channel may have taken it over.
func (e *Engine) stillOurs(ctx context.Context, reader store.Reader, r *run, id oxlin.AccountID) (oxlin.Account, bool, error) {
	account, err := reader.Account(ctx, id)
	if oxlin.IsNotFound(err) {
		return account, false, nil
	}
	if err != nil {
		return account, false, err
	}
	r.connection, err = reader.Connection(ctx, r.connection.ID)
	return account, account.Synchronised() && !e.fedElsewhere(r, account), err
}

// relist looks which accounts there are before their data are read, and tells a
// bank of the mixed model which of them the user allowed.
func (e *Engine) relist(ctx context.Context, r *run) error {
	found, err := e.readAccounts(ctx, r, false)
	if err != nil {
		return err
	}
	merge := func() error {
		return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
			fed, err := e.mergeAccounts(ctx, tx, r, found)
			if err != nil {
				return err
			}
			r.sync.Progress.Listed, r.sync.Progress.Pending = true, fed
			return tx.UpdateSynchronisation(ctx, r.sync)
		})
	}
	err = merge()
	if err != nil {
		return err
	}
	forwarder, ok := r.connector.(bank.ConsentForwarder)
	closed := slices.ContainsFunc(found.accounts, func(a bank.Account) bool { return a.NeedsConsent })
	if !ok || !closed {
		return nil
	}
	allowed, err := e.allowed(ctx, r, found.accounts)
	if err != nil || len(allowed) == 0 {
		return err
	}
	_, err = inquire(ctx, e, r, func(call bank.Call) (struct{}, error) {
		return struct{}{}, forwarder.ForwardConsent(ctx, call, allowed)
	})
	if err != nil {
		return err
	}
	found, err = e.readAccounts(ctx, r, false)
	if err != nil {
		return err
	}
	return merge()
}

// allowed are the bank's accounts that the user's consent covers.
func (e *Engine) allowed(ctx context.Context, r *run, shown []bank.Account) ([]bank.AccountRef, error) {
	accounts, err := e.db.Read().AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return nil, err
	}
	var refs []bank.AccountRef
	for _, a := range shown {
		if slices.ContainsFunc(accounts, func(ours oxlin.Account) bool { return ours.BankID == a.BankID && ours.Synchronised() }) {
			refs = append(refs, a.Ref())
		}
	}
	return refs, nil
}

// readAccount reads the pages of the present account that are still missing, then
// its balance, and stores all of it. Pages are staged, because reconciliation
// wants the whole window at once and a job may end between two pages.
func (e *Engine) readAccount(ctx context.Context, r *run, account oxlin.Account) error {
	ref := bank.AccountRef{BankID: account.BankID, Type: account.Type, IBAN: account.IBAN, Currency: account.Currency}
	from, err := e.readFrom(ctx, r, account)
	if err != nil {
		return err
	}
	for {
		err := e.timeUp(ctx, r)
		if err != nil {
			return err
		}
		resource := ""
		if r.sync.Progress.Page == 0 {
			resource = "transactions " + account.ID.String()
		}
		err = e.ask(ctx, r, resource)
		if err != nil {
			return err
		}
		page, err := inquire(ctx, e, r, func(call bank.Call) (bank.TransactionsPage, error) {
			return r.connector.Transactions(ctx, call, ref, from, r.sync.Progress.Cursor)
		})
		if err != nil {
			return e.accountFailed(ctx, r, account, err)
		}
		if page.Next == "" {
			return e.settle(ctx, r, account, ref, page)
		}
		err = e.stage(ctx, r, account, page)
		if err != nil {
			return err
		}
	}
}

// readFrom is the first day to ask for: everything that the bank gives at the
// first time, later what can still have changed.
func (e *Engine) readFrom(ctx context.Context, r *run, account oxlin.Account) (oxlin.Date, error) {
	if account.CoveredUntil.IsZero() {
		return today(e.now()).AddDays(-r.connector.Profile().HistoryDays), nil
	}
	from := account.CoveredUntil.AddDays(-overlap)
	pending, err := e.db.Read().KnownTransactions(ctx, account.ID, account.CoveredUntil)
	if err != nil {
		return oxlin.Date{}, err
	}
	for _, t := range pending {
		// A little before it, so that the edge of the window cannot hide its end.
		if begin := t.Date.AddDays(-pendingMargin); t.Status == oxlin.StatusPending && begin.Before(from) {
			from = begin
		}
	}
	return from, nil
}

// stage keeps a page that others follow, and the place where to go on.
func (e *Engine) stage(ctx context.Context, r *run, account oxlin.Account, page bank.TransactionsPage) error {
	text, err := json.Marshal(page)
	if err != nil {
		return fmt.Errorf("stage page: %w", err)
	}
	sealed, err := e.vault.Seal(text, stagePlace(r.sync.ID))
	if err != nil {
		return err
	}
	err = e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		number := r.sync.Progress.Page
		r.sync.Progress.Page, r.sync.Progress.Cursor, r.sync.Attempts = number+1, page.Next, 0
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		return tx.StagePage(ctx, r.sync.ID, account.ID, number, sealed)
	})
	return err
}

// settle adds the last page to the staged ones and stores what the account's
// fetch means: transactions, balance and progress in one transaction.
func (e *Engine) settle(ctx context.Context, r *run, account oxlin.Account, ref bank.AccountRef, last bank.TransactionsPage) error {
	err := e.askMore(ctx, r, "balance "+account.ID.String())
	if err != nil {
		return err
	}
	balance, err := inquire(ctx, e, r, func(call bank.Call) (bank.Balance, error) {
		return r.connector.Balance(ctx, call, ref)
	})
	if err != nil {
		return e.accountFailed(ctx, r, account, err)
	}
	fetched, err := e.fetched(ctx, r, account, last)
	if err != nil {
		return err
	}
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		// The account as it is now: a client may have renamed it meanwhile.
		account, ours, err := e.stillOurs(ctx, tx.Reader, r, account.ID)
		if err != nil {
			return err
		}
		if ours {
			added, err := e.storeTransactions(ctx, tx, r, account, fetched)
			if err != nil {
				return err
			}
			r.sync.NewTransactions += added
			err = tx.UpdateAccount(ctx, balanced(account, balance, fetched, r.channel.DefinitionID, e.now()))
			if err != nil {
				return err
			}
		}
		r.sync.Attempts = 0
		r.sync.Progress = r.sync.Progress.Next()
		err = tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		return tx.DropStagedPages(ctx, r.sync.ID)
	})
}

// fetched puts the account's pages together.
func (e *Engine) fetched(ctx context.Context, r *run, account oxlin.Account, last bank.TransactionsPage) (reconcile.Fetched, error) {
	all := reconcile.Fetched{
		CoveredFrom: last.CoveredFrom, Complete: true, IDs: r.connector.Profile().IDs,
		Channel: r.channel.DefinitionID, Today: today(e.now()),
	}
	staged, err := e.db.Read().StagedPages(ctx, r.sync.ID, account.ID)
	if err != nil {
		return all, err
	}
	for _, sealed := range staged {
		text, err := e.vault.Open(sealed, stagePlace(r.sync.ID))
		if err != nil {
			return all, err
		}
		var page bank.TransactionsPage
		err = json.Unmarshal(text, &page)
		if err != nil {
			return all, fmt.Errorf("staged page: %w", err)
		}
		all.Transactions = append(all.Transactions, page.Transactions...)
		if all.CoveredFrom.Before(page.CoveredFrom) {
			all.CoveredFrom = page.CoveredFrom
		}
	}
	all.Transactions = append(all.Transactions, last.Transactions...)
	for i, t := range all.Transactions {
		// Before reconciliation, which tells two cheques of one amount apart by it.
		if t.CheckNumber == "" {
			all.Transactions[i].CheckNumber = wording.CheckNumber(t, account.Type)
		}
	}
	return all, nil
}

// accountFailed decides whether a failure is the account's alone: an answer that
// makes no sense, a refusal of this one account, or that it cannot be had however
// often it is asked for, does not keep the others from being read. What is stored of
// the account stays.
func (e *Engine) accountFailed(ctx context.Context, r *run, account oxlin.Account, err error) error {
	if errors.As(err, new(renewalError)) {
		return err
	}
	failure := bank.AsFailure(err)
	// If it is the consent that is over, the bank refuses all accounts.
	lost := ofOneAccount(failure)
	down := failure.Kind == bank.Unavailable && !r.mayAskAgain(failure)
	if failure.Kind != bank.Nonsense && failure.Kind != bank.Refused && !lost && !down {
		return err
	}
	e.log.WarnContext(ctx, "an account could not be read", "sync", r.sync.ID, "account", account.ID, "error", err)
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		r.sync.Progress = r.sync.Progress.Next()
		r.sync.Progress.Failed = append(slices.Clone(r.sync.Progress.Failed), account.ID)
		r.sync.Progress.Lost = r.sync.Progress.Lost || lost
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		account, ours, err := e.stillOurs(ctx, tx.Reader, r, account.ID)
		if err != nil || !ours {
			return err
		}
		account.Status = oxlin.AccountError
		return tx.UpdateAccount(ctx, account)
	})
}

// skipAccount goes on to the next account.
func (e *Engine) skipAccount(ctx context.Context, r *run) error {
	r.sync.Progress = r.sync.Progress.Next()
	return e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error { return tx.UpdateSynchronisation(ctx, r.sync) })
}

// finish ends a SYNC_ALL. If every account failed, the synchronisation did; if
// some did, their status says so and the channel is in order.
func (e *Engine) finish(ctx context.Context, tx *store.Tx, r *run) error {
	now := e.now()
	accounts, err := tx.AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	read := 0
	for _, account := range accounts {
		if account.LastChannelDefinition != r.channel.DefinitionID || account.Status != oxlin.AccountActive {
			continue
		}
		// All accounts carry the instant at which the synchronisation ended (contract §4.7).
		read++
		account.BalanceAt = now
		err := tx.UpdateAccount(ctx, account)
		if err != nil {
			return err
		}
	}
	if read > 0 || len(r.sync.Progress.Failed) == 0 {
		return e.succeed(ctx, tx, r, nil)
	}
	if r.sync.Progress.Lost {
		return e.endFailed(ctx, tx, r, &bank.Failure{Kind: bank.AccessLost})
	}
	return e.endFailed(ctx, tx, r, &bank.Failure{Kind: bank.Nonsense})
}
