package synchro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// overlap is how many days before the newest booked row a synchronisation reads
// again: banks book late and back-date (banks §7.2).
const overlap = 30

// pendingMargin is how many days before the oldest pending row a synchronisation
// reads: reconciliation ignores absences at the edge of a window.
const pendingMargin = 5

// syncAll is a SYNC_ALL: it reads the consented accounts one after another, page by
// page, and stores each account in one transaction.
func (r *run) syncAll(ctx context.Context) error {
	if !r.sync.Progress.Listed {
		err := r.relist(ctx)
		if err != nil {
			return err
		}
	}
	for len(r.sync.Progress.Pending) > 0 {
		account, ours, err := r.stillOurs(ctx, r.db.Read(), r.sync.Progress.Pending[0])
		if err != nil {
			return err
		}
		if ours {
			err = r.readAccount(ctx, account)
		} else {
			err = r.skipAccount(ctx)
		}
		if err != nil {
			return err
		}
	}
	return r.write(ctx, func(tx *store.Tx) error { return r.finish(ctx, tx) })
}

// stillOurs finds an account of the listing, and reports whether this run still reads
// it: since then a user may have deleted or closed it, and a REDIRECT channel may have
// taken it over.
func (r *run) stillOurs(ctx context.Context, reader store.Reader, id oxlin.AccountID) (oxlin.Account, bool, error) {
	account, err := reader.Account(ctx, id)
	if oxlin.IsNotFound(err) {
		return account, false, nil
	}
	if err != nil {
		return account, false, err
	}
	r.connection, err = reader.Connection(ctx, r.connection.ID)
	return account, account.Synchronised() && !r.readElsewhere(account), err
}

// relist finds the accounts before their data are read. It tells a bank of the mixed
// consent model which of them the user allowed, and lists again.
func (r *run) relist(ctx context.Context) error {
	found, err := r.readAndMerge(ctx)
	if err != nil {
		return err
	}
	forwarder, ok := r.connector.(bank.ConsentForwarder)
	if !ok || !found.closed() {
		return nil
	}
	allowed, err := r.allowed(ctx, found.accounts)
	if err != nil || len(allowed) == 0 {
		return err
	}
	_, err = withRenewal(ctx, r, func(call bank.Call) (struct{}, error) {
		return struct{}{}, forwarder.ForwardConsent(ctx, call, allowed)
	})
	if err != nil {
		return err
	}
	_, err = r.readAndMerge(ctx)
	return err
}

// readAndMerge lists the accounts and stores which of them are to be read.
func (r *run) readAndMerge(ctx context.Context) (listing, error) {
	found, err := r.readAccounts(ctx, false)
	if err != nil {
		return found, err
	}
	return found, r.write(ctx, func(tx *store.Tx) error {
		readable, err := r.mergeAccounts(ctx, tx, found)
		if err != nil {
			return err
		}
		r.sync.Progress.Listed, r.sync.Progress.Pending = true, readable
		return tx.UpdateSynchronisation(ctx, r.sync)
	})
}

// allowed returns the bank's accounts that the user's consent covers.
func (r *run) allowed(ctx context.Context, shown []bank.Account) ([]bank.AccountRef, error) {
	accounts, err := r.db.Read().AccountsOfConnection(ctx, r.connection.ID)
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

// readAccount reads the missing pages of an account and its balance, and stores them.
// Pages are staged, because reconciliation needs the whole window at once and a job
// may end between two pages.
func (r *run) readAccount(ctx context.Context, account oxlin.Account) error {
	ref := bank.AccountRef{BankID: account.BankID, Type: account.Type, IBAN: account.IBAN, Currency: account.Currency}
	from, err := r.readFrom(ctx, account)
	if err != nil {
		return err
	}
	for {
		err := r.handOverIfLate(ctx)
		if err != nil {
			return err
		}
		resource := ""
		if r.sync.Progress.Page == 0 {
			resource = accountResource("transactions", account)
		}
		err = r.beforeCall(ctx, resource)
		if err != nil {
			return err
		}
		page, err := withRenewal(ctx, r, func(call bank.Call) (bank.TransactionsPage, error) {
			return r.connector.Transactions(ctx, call, ref, from, r.sync.Progress.Cursor)
		})
		if err != nil {
			return r.accountFailed(ctx, account, err)
		}
		if page.Next == "" {
			return r.storeAccount(ctx, account, ref, page)
		}
		err = r.stage(ctx, account, page)
		if err != nil {
			return err
		}
	}
}

// readFrom is the first day to request: at the first time everything that the bank
// gives, later what may still change.
func (r *run) readFrom(ctx context.Context, account oxlin.Account) (oxlin.Date, error) {
	if account.CoveredUntil.IsZero() {
		return today(r.now()).AddDays(-r.connector.Profile().HistoryDays), nil
	}
	from := account.CoveredUntil.AddDays(-overlap)
	pending, err := r.db.Read().KnownTransactions(ctx, account.ID, account.CoveredUntil)
	if err != nil {
		return oxlin.Date{}, err
	}
	for _, t := range pending {
		// With a margin: the edge of the window must not hide that the row is gone.
		if begin := t.Date.AddDays(-pendingMargin); t.Status == oxlin.StatusPending && begin.Before(from) {
			from = begin
		}
	}
	return from, nil
}

// stage stores a page that others follow, with the cursor of the next one.
func (r *run) stage(ctx context.Context, account oxlin.Account, page bank.TransactionsPage) error {
	text, err := json.Marshal(page)
	if err != nil {
		return fmt.Errorf("stage page: %w", err)
	}
	sealed, err := r.vault.Seal(text, stagePlace(r.sync.ID))
	if err != nil {
		return err
	}
	err = r.write(ctx, func(tx *store.Tx) error {
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

// storeAccount reads the balance and stores the account: it reconciles the staged
// pages and the last one, and writes transactions, balance and progress in one
// transaction.
func (r *run) storeAccount(ctx context.Context, account oxlin.Account, ref bank.AccountRef, last bank.TransactionsPage) error {
	err := r.beforeFollowUp(ctx, accountResource("balance", account))
	if err != nil {
		return err
	}
	balances, err := withRenewal(ctx, r, func(call bank.Call) (bank.Balances, error) {
		return r.connector.Balances(ctx, call, ref)
	})
	if err != nil {
		return r.accountFailed(ctx, account, err)
	}
	read, err := r.joinPages(ctx, account, last)
	if err != nil {
		return err
	}
	return r.write(ctx, func(tx *store.Tx) error {
		// Reload the account: a client may have renamed it meanwhile.
		account, ours, err := r.stillOurs(ctx, tx.Reader, account.ID)
		if err != nil {
			return err
		}
		if ours {
			added, suspect, err := r.storeTransactions(ctx, tx, account, read.Fetched)
			if err != nil {
				return err
			}
			read.suspect = suspect
			r.sync.NewTransactions += added
			err = r.storeUnreadable(ctx, tx, account.ID, read.unreadable)
			if err != nil {
				return err
			}
			account = withReading(withBalances(account, balances, r.now()), read, r.channel.DefinitionID, r.now())
			err = tx.UpdateAccount(ctx, account)
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

// reading holds the result of one walk over an account's pages.
type reading struct {
	reconcile.Fetched
	unreadable []bank.Unreadable
	broken     string
	// suspect: it lacks too many known rows to be believed.
	suspect bool
}

// add appends a page.
func (read *reading) add(page bank.TransactionsPage) {
	read.Transactions = append(read.Transactions, page.Transactions...)
	read.unreadable = append(read.unreadable, page.Unreadable...)
	if read.CoveredFrom.Before(page.CoveredFrom) {
		read.CoveredFrom = page.CoveredFrom
	}
	if page.Broken != "" {
		read.broken = page.Broken
	}
	read.Complete = read.broken == "" && len(read.unreadable) == 0
}

// coverage describes the reading.
func (read reading) coverage(lastComplete, now time.Time) oxlin.Coverage {
	covered := oxlin.Coverage{
		From: read.CoveredFrom, Complete: read.Complete && !read.suspect, UnreadableRows: len(read.unreadable), LastCompleteAt: lastComplete,
	}
	switch {
	case covered.Complete:
		covered.LastCompleteAt = now
	case read.suspect:
		covered.Gap = oxlin.GapSuspect
	case read.broken != "":
		covered.Gap = oxlin.GapBroken
	default:
		covered.Gap = oxlin.GapUnreadable
	}
	return covered
}

// joinPages joins the account's pages.
func (r *run) joinPages(ctx context.Context, account oxlin.Account, last bank.TransactionsPage) (reading, error) {
	all := reading{Fetched: reconcile.Fetched{
		IDs: r.connector.Profile().IDs, Channel: r.channel.DefinitionID, Today: today(r.now()),
	}}
	staged, err := r.db.Read().StagedPages(ctx, r.sync.ID, account.ID)
	if err != nil {
		return all, err
	}
	for _, sealed := range staged {
		text, err := r.vault.Open(sealed, stagePlace(r.sync.ID))
		if err != nil {
			return all, err
		}
		var page bank.TransactionsPage
		err = json.Unmarshal(text, &page)
		if err != nil {
			return all, fmt.Errorf("staged page: %w", err)
		}
		all.add(page)
	}
	all.add(last)
	for i, t := range all.Transactions {
		// Reconciliation distinguishes cheques of the same amount by their numbers.
		if t.CheckNumber == "" {
			all.Transactions[i].CheckNumber = wording.CheckNumber(t, account.Type)
		}
	}
	return all, nil
}

// accountFailed decides whether a failure concerns one account alone: a meaningless
// answer, a refusal of this account, or an account that stays unavailable. Then it
// sets the account to ERROR, keeps its stored data, and the run reads the others.
// Else it returns the failure.
func (r *run) accountFailed(ctx context.Context, account oxlin.Account, err error) error {
	if errors.As(err, new(renewalError)) {
		return err
	}
	failure := bank.AsFailure(err)
	// If the consent has ended, the bank refuses all accounts: see finish.
	lost := ofOneAccount(failure)
	down := failure.Kind == bank.Unavailable && !r.mayRetry(failure)
	if failure.Kind != bank.Nonsense && failure.Kind != bank.Refused && !lost && !down {
		return err
	}
	r.log.WarnContext(ctx, "an account could not be read", "sync", r.sync.ID, "account", account.ID, "error", err)
	return r.write(ctx, func(tx *store.Tx) error {
		r.sync.Progress = r.sync.Progress.Next()
		r.sync.Progress.Failed = append(slices.Clone(r.sync.Progress.Failed), account.ID)
		r.sync.Progress.Lost = r.sync.Progress.Lost || lost
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		account, ours, err := r.stillOurs(ctx, tx.Reader, account.ID)
		if err != nil || !ours {
			return err
		}
		account.Status = oxlin.AccountError
		return tx.UpdateAccount(ctx, account)
	})
}

// skipAccount moves on to the next account.
func (r *run) skipAccount(ctx context.Context) error {
	r.sync.Progress = r.sync.Progress.Next()
	return r.write(ctx, func(tx *store.Tx) error { return tx.UpdateSynchronisation(ctx, r.sync) })
}

// finish ends a SYNC_ALL. It fails if every account failed; if some of them failed,
// their own status shows it.
func (r *run) finish(ctx context.Context, tx *store.Tx) error {
	now := r.now()
	accounts, err := tx.AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	read := 0
	for _, account := range accounts {
		if account.LastChannelDefinition != r.channel.DefinitionID || account.Status != oxlin.AccountActive {
			continue
		}
		read++
		if account.BalanceAt.Before(r.sync.StartedAt) {
			continue // the bank gave no balance this time: the last one keeps its day
		}
		// All balances get the instant at which the synchronisation ended (contract §4.7).
		account.BalanceAt = now
		err := tx.UpdateAccount(ctx, account)
		if err != nil {
			return err
		}
	}
	if read > 0 || len(r.sync.Progress.Failed) == 0 {
		return r.succeed(ctx, tx)
	}
	if r.sync.Progress.Lost {
		return r.fail(ctx, tx, &bank.Failure{Kind: bank.AccessLost})
	}
	return r.fail(ctx, tx, &bank.Failure{Kind: bank.Nonsense})
}
