package synchro

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// overlap is how many days before the newest booked row a synchronisation reads
// again: banks book late and back-date (banks §7.2).
const overlap = 30

// pendingMargin is how many days before the oldest pending row a synchronisation
// reads: reconciliation ignores absences at the edge of a window.
const pendingMargin = 5

// syncAll is a SYNC_ALL: it reads the consented accounts one after another, step by
// step, and stores each account once it is read.
func (r *run) syncAll(ctx context.Context) error {
	err := storing{r}.dropRead(ctx)
	if err != nil {
		return err
	}
	if !r.sync.Progress.Listed {
		err := lister{r}.relist(ctx)
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
			account, err = adopting{r}.adopt(ctx, account)
			if err != nil {
				return err
			}
			err = r.readAccount(ctx, account)
		} else {
			err = r.skipAccount(ctx)
		}
		if err != nil {
			return err
		}
	}
	if r.ended {
		return nil
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

// readAccount reads an account: its balance, the newest days, and then the older days
// that an earlier reading did not reach.
func (r *run) readAccount(ctx context.Context, account oxlin.Account) error {
	ref := askedRef(r.sync, account)
	var err error
	ref.Address, err = store.AddressOf(ctx, r.db.Read(), account.ID, r.channel.ID)
	if err != nil {
		return err
	}
	if ref.Address == "" {
		return r.leaveUncovered(ctx, account)
	}
	if !r.sync.Progress.Balanced {
		err := r.readBalance(ctx, account, ref)
		if err != nil {
			return err
		}
	}
	return r.walk(ctx, account, ref)
}

// refOf is an account for its bank, without an address.
func refOf(account oxlin.Account) bank.AccountRef {
	return bank.AccountRef{Type: account.Type, IBAN: account.IBAN, Currency: account.Currency}
}

// askedRef is refOf without a currency that the bank has not named.
func askedRef(sync oxlin.Synchronisation, account oxlin.Account) bank.AccountRef {
	ref := refOf(account)
	if isUnnamed(sync, account) {
		ref.Currency = ""
	}
	return ref
}

// walk reads the missing pages of an account and stores them. Pages are staged, because
// reconciliation needs the whole window at once and a job may end between two pages.
func (r *run) walk(ctx context.Context, account oxlin.Account, ref bank.AccountRef) error {
	asked, err := periodOf(ctx, r, account)
	if err != nil {
		return err
	}
	for {
		err := r.handOverIfLate(ctx)
		if err != nil {
			return err
		}
		err = position{r}.regain(ctx, account.ID)
		if err != nil {
			return r.walkFailed(ctx, account, asked, err)
		}
		resource := ""
		if r.sync.Progress.Page == 0 && !r.sync.Progress.Unbounded {
			resource = readsTransactions
		}
		cursor, err := position{r}.cursor()
		if err != nil {
			return err
		}
		page, err := askAbout(ctx, r, readsTransactions, account.ID, resource, func(ctx context.Context, call bank.Call) (bank.TransactionsPage, error) {
			return asked.page(ctx, r.connector, call, ref, cursor)
		})
		switch {
		case err != nil && asked.mayDoWithoutEnd(r, err):
			r.log.InfoContext(ctx, "the bank refuses a period with an end", "sync", r.sync.ID, "account", account.ID, "error", err)
			r.sync.Progress.Unbounded, asked.until = true, oxlin.Date{}
			err = r.save(ctx)
			if err != nil {
				return err
			}
			continue
		case err != nil:
			return r.walkFailed(ctx, account, asked, err)
		}
		page = pages{r, account}.limited(page)
		if page.Next == "" {
			return answers{r}.joinAndStore(ctx, account, asked, "", page)
		}
		err = r.stage(ctx, account, page)
		if err != nil {
			return err
		}
	}
}

// joinAndStore stores what a walk has read. The last page is absent, and gap says why, if the
// walk broke off.
func (a answers) joinAndStore(ctx context.Context, account oxlin.Account, asked period, gap oxlin.Gap, last ...bank.TransactionsPage) error {
	r := a.run
	release, err := a.takeRoom(ctx, account.ID)
	if err != nil {
		return err
	}
	defer release()
	read, err := r.joinPages(ctx, account, asked, last...)
	if err != nil {
		return err
	}
	if gap != "" {
		read.gap = gap
	}
	return r.storeAccount(ctx, account, read, gap == "")
}

// period holds the days of a walk, from one to the day before another. Without until, it
// has no end.
type period struct{ from, until oxlin.Date }

// periodOf returns the days that the current walk asks for. Older days are wanted up to one
// day of overlap with those that are covered.
func periodOf(ctx context.Context, r *run, account oxlin.Account) (period, error) {
	from, err := r.readFrom(ctx, account)
	_, ends := r.connector.(bank.PeriodReader)
	covered := account.Coverage
	if !ends || !r.sync.Progress.Older || r.sync.Progress.Unbounded || covered.Wanted.IsZero() || covered.Since.IsZero() {
		return period{from: from}, err
	}
	return period{from, covered.Since.AddDays(1)}, err
}

// page asks for the next page of a walk.
func (asked period) page(ctx context.Context, connector bank.Connector, call bank.Call, ref bank.AccountRef, cursor string) (bank.TransactionsPage, error) {
	reader, ok := connector.(bank.PeriodReader)
	if ok && !asked.until.IsZero() {
		return reader.TransactionsUntil(ctx, call, ref, asked.from, asked.until, cursor)
	}
	return connector.Transactions(ctx, call, ref, asked.from, cursor)
}

// mayDoWithoutEnd reports whether a bank that refuses a period may bear it without its end.
func (asked period) mayDoWithoutEnd(r *run, err error) bool {
	failure, alone := r.ofOneAccount(err)
	return alone && !asked.until.IsZero() && r.sync.Progress.Page == 0 && failure.Kind != bank.RateLimited &&
		(failure.Kind != bank.AccessLost || mayBeOneAccount(failure))
}

// readFrom is the first day to request: at the first time everything that the bank
// gives, later what may still change. If the bank refused to go on, its next answer has
// to reach what is covered with as few pages as possible. Of an account that gave no page at all,
// fewer would not help, and rows that were booked late would be missed.
func (r *run) readFrom(ctx context.Context, account oxlin.Account) (oxlin.Date, error) {
	switch {
	case r.sync.Progress.Older && !account.Coverage.Wanted.IsZero():
		return account.Coverage.Wanted, nil
	case r.sync.Progress.Older, account.CoveredUntil.IsZero():
		return historyStart(r), nil
	case !account.Coverage.Wanted.IsZero():
		return account.CoveredUntil, nil
	case account.Status != oxlin.AccountError && (account.Coverage.Gap == oxlin.GapRefused || account.Coverage.Newest == oxlin.GapRefused):
		return account.CoveredUntil, nil
	}
	from := account.CoveredUntil.AddDays(-overlap)
	oldest, _, err := store.OldestPending(ctx, r.db.Read(), account.ID)
	if err != nil {
		return oxlin.Date{}, err
	}
	// With a margin: the edge of the window must not hide that the row is gone.
	if begin := oldest.AddDays(-pendingMargin); !oldest.IsZero() && begin.Before(from) {
		from = begin
	}
	return from, nil
}

// stage keeps a page that others follow, with the cursor of the next one.
func (r *run) stage(ctx context.Context, account oxlin.Account, page bank.TransactionsPage) error {
	number := r.sync.Progress.Page
	r.sync.Progress.Page, r.sync.Attempts = number+1, 0
	err := position{r}.moveTo(page.Next, page.Kept)
	if err != nil {
		return err
	}
	return answers{r}.keep(ctx, account.ID, number, stagedPage{page, derivation}, sizeOf(page))
}

// storeAccount stores a walk over an account: it reconciles its rows and writes them, and
// with the last of them the balance and the progress. If it is the last account of a run that
// may finish with it, the run ends in the same transaction.
func (r *run) storeAccount(ctx context.Context, account oxlin.Account, read reading, mayFinish bool) error {
	ends := false
	account, err := continuing{r}.recognise(ctx, account, read)
	if err != nil {
		return err
	}
	err = r.correctCurrency(ctx, account, read)
	if err != nil {
		return err
	}
	err = storing{r}.storeRows(ctx, account.ID, read, func(tx *store.Tx, account oxlin.Account, ours bool, result reconcile.Result) error {
		read, err := storing{r}.endReading(ctx, tx, &account, ours, read, result)
		if err != nil {
			return err
		}
		r.sync.Attempts = 0
		looksBack := ours && r.looksBack(account, read)
		err = storing{r}.dropPages(ctx, tx)
		if err != nil {
			return err
		}
		if looksBack {
			r.sync.Progress = r.sync.Progress.AtStart()
			r.sync.Progress.Older = true
		} else {
			r.sync.Progress = r.sync.Progress.Next()
			tell(ctx, r, account)
		}
		ends = mayFinish && len(r.sync.Progress.Pending) == 0 && !r.sync.Progress.Read
		if ends {
			return r.finish(ctx, tx)
		}
		return r.update(ctx, tx)
	})
	if err != nil {
		return err
	}
	r.ended = ends
	return storing{r}.dropRead(ctx)
}

// endReading writes what the last piece of a reading brings beside its rows.
func (s storing) endReading(ctx context.Context, tx *store.Tx, account *oxlin.Account, ours bool, read reading, result reconcile.Result) (reading, error) {
	r := s.run
	if !ours {
		return read, nil
	}
	*account, read = withCurrency(r.sync, *account, read)
	read.suspect, read.lacking, read.due = result.Suspect, result.Lacking, result.Due
	for _, row := range result.Waiting {
		if day := read.Transactions[row].Date(); read.waits.Before(day) {
			read.waits = day
		}
	}
	r.sync.Progress.Cancelled += len(result.Cancelled)
	r.sync.Progress.Restored += len(result.Restored)
	var err error
	read.unread, err = r.storeUnreadable(ctx, tx, *account, read)
	if err != nil {
		return read, err
	}
	err = storeDayBalance(ctx, tx, *account, read.balances, r.now())
	if err != nil {
		return read, err
	}
	account.Coverage = pages{r, *account}.remember(read)
	*account = withReading(withBalances(*account, read.balances.Balances, r.now()), read, r.channel.DefinitionID, r.now())
	switch {
	case result.DistinctIDs:
		account.Coverage.DistinctIDs = read.Channel
	case account.Coverage.DistinctIDs == read.Channel:
		account.Coverage.DistinctIDs = ""
	}
	return read, tx.UpdateAccount(ctx, *account)
}

// pagesAtOnce is how many staged pages are dropped in the transaction that stores what they show.
const pagesAtOnce = 20

// dropPages drops the staged pages of the walk, or lets dropRead drop them if they are many.
func (s storing) dropPages(ctx context.Context, tx *store.Tx) error {
	r := s.run
	if r.sync.Progress.Page > pagesAtOnce && r.staging.onDisk {
		r.staging.forget(func(stagedAnswer) bool { return true })
		r.sync.Progress.Read = true
		return nil
	}
	return answers{r}.drop(ctx, tx)
}

// dropRead drops the staged pages of a walk that is stored, a few at a time.
func (s storing) dropRead(ctx context.Context) error {
	r := s.run
	for r.sync.Progress.Read {
		err := r.write(store.Long(ctx), func(tx *store.Tx) error {
			for more := true; more && r.sync.Progress.Read; {
				var err error
				more, err = store.DropSomeStagedPages(ctx, tx, r.sync.ID, pagesAtOnce/4)
				if err != nil {
					return err
				}
				r.sync.Progress.Read = more
				if store.Spent(tx) {
					break
				}
			}
			return r.update(ctx, tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tell logs what the reading of an account lacks, once it has ended.
func tell(ctx context.Context, r *run, account oxlin.Account) {
	if covered := account.Coverage; !covered.Complete {
		r.log.WarnContext(ctx, "an account could not be read completely", "sync", r.sync.ID, "account", account.ID,
			"gap", covered.Gap, "newest", covered.Newest, "older", covered.Older, "from", covered.From.String(), "unreadable", covered.UnreadableRows)
	}
}

// joinPages joins the balances and the staged pages of an account, and the last page if
// the walk came to its end.
func (r *run) joinPages(ctx context.Context, account oxlin.Account, asked period, last ...bank.TransactionsPage) (reading, error) {
	all := reading{asked: asked.from, older: r.sync.Progress.Older, deep: asked.until.IsZero() && !historyStart(r).Before(asked.from), Fetched: reconcile.Fetched{
		IDs: r.connector.Profile().IDs, Channel: r.channel.DefinitionID, Today: today(r.now()), AskedFrom: asked.from, CoveredFrom: asked.from, CoveredUntil: asked.until,
	}}
	if !all.older {
		var err error
		all.balances, _, err = answerOf[stagedBalances](ctx, r, account.ID, balancePage)
		if err != nil {
			return all, err
		}
	}
	var rows [][]bank.Transaction
	add := func(page bank.TransactionsPage) {
		all.add(page)
		rows = append(rows, page.Transactions)
	}
	for number := range r.sync.Progress.Page {
		page, found, err := answerOf[stagedPage](ctx, r, account.ID, number)
		if err != nil {
			return all, err
		}
		if found {
			add(page.today(r.connector, askedRef(r.sync, account)))
		}
		answers{r}.release(account.ID, number)
	}
	for _, page := range last {
		add(page)
	}
	// Their list is large: it has no room that nobody needs.
	all.Transactions = slices.Concat(rows...)
	for i, t := range all.Transactions {
		all.Transactions[i] = withCheckNumber(t, account.Type)
	}
	return all, nil
}

// walkFailed keeps what a walk has read before the bank failed. If the failure concerns
// the account alone, the run reads the others; else walkFailed returns the failure.
func (r *run) walkFailed(ctx context.Context, account oxlin.Account, asked period, err error) error {
	failure, alone := r.ofOneAccount(err)
	if failure == nil || !alone && (failure.Kind == bank.Unavailable || r.sync.Progress.Page == 0) {
		return err
	}
	r.log.WarnContext(ctx, "an account could not be read", "sync", r.sync.ID, "account", account.ID, "page", r.sync.Progress.Page, "error", err)
	limited, again, older := failure.Kind == bank.RateLimited, r.sync.Progress.Limited, r.sync.Progress.Older
	if r.sync.Progress.Page > 0 {
		readErr := answers{r}.joinAndStore(ctx, account, asked, oxlin.GapRefused)
		if readErr != nil {
			return readErr
		}
		if !alone {
			return err
		}
	} else {
		err := r.accountFailed(ctx, account, failure)
		if err != nil {
			return err
		}
	}
	if !limited {
		return nil
	}
	if older {
		// What is new at the other accounts is worth more than their older days.
		r.sync.Progress.NoOlder = true
		return r.save(ctx)
	}
	r.sync.Progress.Limited, r.limit = true, failure
	if again {
		// The bank has enough of us, not of one account.
		r.sync.Progress.Failed = append(slices.Clone(r.sync.Progress.Failed), r.sync.Progress.Pending...)
		r.sync.Progress.Pending = nil
	}
	return r.save(ctx)
}

// leaveUncovered leaves an account that the bank lists and lets nobody read: the list gives no
// address of it. It fails no run, and its coverage tells what lacks.
func (r *run) leaveUncovered(ctx context.Context, account oxlin.Account) error {
	return r.write(ctx, func(tx *store.Tx) error {
		r.sync.Attempts = 0
		r.sync.Progress = r.sync.Progress.Next()
		err := answers{r}.drop(ctx, tx)
		if err != nil {
			return err
		}
		err = r.update(ctx, tx)
		if err != nil {
			return err
		}
		account, ours, err := r.stillOurs(ctx, tx.Read(), account.ID)
		if err != nil || !ours || account.Coverage.Doubt.Unlisted {
			return err // the doubt about the list covers it already
		}
		account = uncovered(account, r.now())
		tell(ctx, r, account)
		return tx.UpdateAccount(ctx, account)
	})
}

// uncovered is an account of which the bank has just given nothing. Its stored data stay.
func uncovered(account oxlin.Account, now time.Time) oxlin.Account {
	account.Status = oxlin.AccountError
	account.Coverage.From = oxlin.Date{}
	account.Coverage.Newest = oxlin.GapRefused
	account.Coverage = account.Coverage.Judged(now)
	return account
}

// accountFailed leaves an account of which the bank gives no page. Its stored data stay.
func (r *run) accountFailed(ctx context.Context, account oxlin.Account, failure *bank.Failure) error {
	return r.write(ctx, func(tx *store.Tx) error {
		older := r.sync.Progress.Older
		r.sync.Attempts = 0
		r.sync.Progress = r.sync.Progress.Next()
		if !older {
			r.sync.Progress.Failed = append(slices.Clone(r.sync.Progress.Failed), account.ID)
			// If the consent has ended, the bank refuses all accounts: see finish.
			r.sync.Progress.Lost = r.sync.Progress.Lost || failure.Kind == bank.AccessLost
		}
		err := answers{r}.drop(ctx, tx)
		if err != nil {
			return err
		}
		err = r.update(ctx, tx)
		if err != nil {
			return err
		}
		account, ours, err := r.stillOurs(ctx, tx.Read(), account.ID)
		if err != nil || !ours || failure.Status == 0 && failure.Kind == bank.RateLimited {
			return err // by our own count, the bank was not asked
		}
		switch {
		case account.Coverage.Doubt.Unlisted:
			// The doubt about the list covers it already.
			return nil
		case older:
			account.Coverage = withoutOlder(account.Coverage, failure, r.now())
			tell(ctx, r, account)
		default:
			account = uncovered(account, r.now())
		}
		return tx.UpdateAccount(ctx, account)
	})
}

// ofOneAccount returns the bank's failure in an error, or nil, and whether it concerns
// the requested account alone: a meaningless answer, a refusal of this account, or an
// account that stays unavailable.
func (r *run) ofOneAccount(err error) (failure *bank.Failure, alone bool) {
	if errors.As(err, new(renewalError)) || !errors.As(err, &failure) {
		return nil, false
	}
	switch failure.Kind {
	case bank.Nonsense, bank.Refused, bank.RateLimited:
		return failure, true
	case bank.Unavailable:
		return failure, !r.mayRetry(failure) && !isFirstWithoutList(r.sync.Progress)
	case bank.AccessLost:
		if r.sync.Progress.Older || isUnlisted(r.sync.Progress) {
			// Banks refuse old rows, and an account that is no longer theirs to show, with the
			// answer by which they end an access: the next call shows which of them it was.
			return failure, true
		}
	}
	return failure, mayBeOneAccount(failure)
}

// isUnlisted reports whether the list lacks the account that is read.
func isUnlisted(progress oxlin.SyncProgress) bool {
	return len(progress.Pending) > 0 && slices.Contains(progress.Unlisted, progress.Pending[0])
}

// isFirstWithoutList reports whether the account that is read is the first after a list that
// failed: if the bank fails again, it fails altogether.
func isFirstWithoutList(progress oxlin.SyncProgress) bool {
	return progress.ListFailed && isUnlisted(progress) && progress.Unlisted[0] == progress.Pending[0]
}

// skipAccount moves on to the next account.
func (r *run) skipAccount(ctx context.Context) error {
	err := r.write(ctx, func(tx *store.Tx) error {
		err := storing{r}.dropPages(ctx, tx)
		if err != nil {
			return err
		}
		r.sync.Progress = r.sync.Progress.Next()
		return r.update(ctx, tx)
	})
	if err != nil {
		return err
	}
	return storing{r}.dropRead(ctx)
}

// finish ends a SYNC_ALL. It fails if no account could be read; if some of them failed,
// their own status and coverage show it.
func (r *run) finish(ctx context.Context, tx *store.Tx) error {
	now := r.now()
	accounts, err := tx.Read().AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	read := 0
	for _, account := range accounts {
		if account.LastChannelDefinition != r.channel.DefinitionID || account.Status != oxlin.AccountActive ||
			slices.Contains(r.sync.Progress.Failed, account.ID) {
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
	switch {
	case r.sync.Progress.Lost:
		return r.fail(ctx, tx, &bank.Failure{Kind: bank.AccessLost})
	case r.limit != nil:
		return r.fail(ctx, tx, r.limit)
	case r.sync.Progress.Limited:
		return r.fail(ctx, tx, &bank.Failure{Kind: bank.RateLimited})
	}
	return r.fail(ctx, tx, &bank.Failure{Kind: bank.Nonsense})
}
