package synchro

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// lister is the part of a run that finds the accounts: page by page, then the owner.
type lister struct{ run *run }

// listing is a bank's answer about the accounts of a channel.
type listing struct {
	accounts []bank.Account
	// first is the first page.
	first bank.AccountsPage
	owner oxlin.Owner
	// unreadable counts the accounts without a usable id.
	unreadable int
	// endless is set if the list was given up because its pages have no end.
	endless bool
}

// closed reports whether the bank opens some accounts only after it has received the
// user's consent (mixed consent model).
func (l listing) closed() bool {
	return slices.ContainsFunc(l.accounts, func(a bank.Account) bool { return a.NeedsConsent })
}

// listAccounts is a LIST_ACCOUNTS: it finds the channel's accounts and stores none of
// their data. If the user's consent covers them, SYNC_ALL follows.
func (l lister) listAccounts(ctx context.Context) error {
	found, err := l.readList(ctx)
	if err != nil {
		return err
	}
	found.owner, err = l.readOwner(ctx, found)
	if err != nil {
		return err
	}
	return l.run.write(ctx, func(tx *store.Tx) error {
		l.run.sync.Progress.Unreadable = found.unreadable
		readable, err := l.run.mergeAccounts(ctx, tx, found)
		if err != nil {
			return err
		}
		channel, err := tx.Read().Channel(ctx, l.run.channel.ID)
		if err != nil {
			return err
		}
		channel.AwaitsConsent, err = l.settleConsent(ctx, tx, channel)
		if err != nil {
			return err
		}
		err = tx.UpdateChannel(ctx, channel)
		if err != nil {
			return err
		}
		if channel.AwaitsConsent {
			return l.run.succeed(ctx, tx)
		}
		next := oxlin.SyncProgress{
			Entered: l.run.sync.Progress.Entered, Deep: true, Listed: true, Pending: readable, Unnamed: l.run.sync.Progress.Unnamed,
			Unlisted: l.run.sync.Progress.Unlisted, Unreadable: found.unreadable,
		}
		next.Told, err = sealTold(ctx, l.run, tx, found, readable)
		if err != nil {
			return err
		}
		if found.closed() {
			// SYNC_ALL has to tell the bank of the consent and to list again.
			next.Listed, next.Pending = false, nil
		}
		return l.run.continueWith(ctx, tx, next)
	})
}

// settleConsent reports whether the channel has to wait for the user's consent after
// this listing. If the client has sent the user to the bank without a page of ours, that
// was the consent to all accounts, and it keeps the evidence.
func (l lister) settleConsent(ctx context.Context, tx *store.Tx, channel oxlin.Channel) (waits bool, err error) {
	switch {
	case channel.AskedIn != 0:
		return true, l.asked(ctx, tx, "page")
	case l.run.connection.ConsentPerAccount:
		err := l.shareOwner(ctx, tx)
		if err != nil {
			return false, err
		}
		waits, err := l.allPending(ctx, tx)
		if err != nil || !waits {
			return waits, err
		}
		return true, l.asked(ctx, tx, "client")
	}
	return false, l.consentToAll(ctx, tx)
}

// asked records that a page of ours or the client asks the user for the consent.
func (l lister) asked(ctx context.Context, tx *store.Tx, door string) error {
	entry := about(l.run.connection.UserID, l.run.channel, l.run.sync, 0)
	entry.Action, entry.Details[audit.Door] = audit.ConsentAsked, door
	return l.run.audit.Record(ctx, tx, entry)
}

// shareOwner shares what the list says about the customer, if the user has consented to any
// account of the connection.
func (l lister) shareOwner(ctx context.Context, tx *store.Tx) error {
	return tx.SetUnsharedOwner(ctx, l.run.connection.ID, l.run.connection.UnsharedOwner, true)
}

// allPending reports whether the connection has accounts and all of them wait for the
// user's decision.
func (l lister) allPending(ctx context.Context, tx *store.Tx) (bool, error) {
	accounts, err := tx.Read().AccountsOfConnection(ctx, l.run.connection.ID)
	if err != nil {
		return false, err
	}
	decided := slices.ContainsFunc(accounts, func(a oxlin.Account) bool { return a.Status != oxlin.AccountPendingConsent })
	return len(accounts) > 0 && !decided, nil
}

// consentToAll stores the evidence that the user, by going to the bank at the client's
// request, allowed all present and future accounts (contract §12.5).
func (l lister) consentToAll(ctx context.Context, tx *store.Tx) error {
	given, err := tx.Read().Consents(ctx, l.run.connection.ID)
	if err != nil {
		return err
	}
	for _, consent := range given {
		if consent.ChannelID == l.run.channel.ID && consent.AllAccounts && consent.ValidUntil.Equal(l.run.channel.ConsentUntil) {
			return l.shareOwner(ctx, tx) // a listing on demand asks for no new consent
		}
	}
	return l.run.engine.KeepConsent(ctx, tx, l.run.channel.DefinitionID, oxlin.Consent{
		UserID: l.run.connection.UserID, ConnectionID: l.run.connection.ID, ChannelID: l.run.channel.ID, AllAccounts: true,
		Text: oxlin.ConsentText{Version: oxlin.ConsentTextOfClient}, GivenAt: l.run.now(), ValidUntil: l.run.channel.ConsentUntil,
	})
}

// listOf is the account under which the pages of the list are staged.
const listOf oxlin.AccountID = 0

// ownerPage is the number of the page of the list that holds the owner.
const ownerPage = -1

// readList reads the missing pages of the list of accounts, each as one step, and returns
// the whole list. It reads nothing more once the list has ended.
func (l lister) readList(ctx context.Context) (listing, error) {
	for !l.run.sync.Progress.ListEnded {
		err := l.run.handOverIfLate(ctx)
		if err != nil {
			return listing{}, err
		}
		page, err := l.readPage(ctx)
		number := l.run.sync.Progress.Page
		page, err = l.keptSoFar(ctx, number, page, err)
		if err != nil {
			return listing{}, err
		}
		if page.Next != "" && number+1 >= l.mostPages() {
			page.Next, page.Endless = "", true
			page.Unreadable = append(page.Unreadable, bank.Unreadable{Reason: bank.UnreadRecord})
		}
		l.run.sync.Progress.Page, l.run.sync.Progress.ListEnded = number+1, page.Next == ""
		err = position(l).moveTo(page.Next, page.Kept)
		if err != nil {
			return listing{}, err
		}
		err = l.stageList(ctx, number, page, sizeOfList(page))
		if err != nil {
			return listing{}, err
		}
	}
	return l.joinList(ctx)
}

// fewPages is how far a list is followed whose pages had no end within endlessTime. The
// accounts of later pages are still read, because such a list proves no absence.
const fewPages = 10

// mostPages returns how many pages of the list are asked for. What has no end in itself is
// followed as far as the connector goes at a login, and once a week.
func (l lister) mostPages() int {
	if l.run.sync.Kind == oxlin.SyncAll && l.isEndless() {
		return fewPages
	}
	return math.MaxInt
}

// isEndless reports whether the list was found to have no end within endlessTime.
func (l lister) isEndless() bool {
	at := l.run.channel.EndlessListAt
	return !at.IsZero() && l.run.now().Before(at.Add(endlessTime))
}

// rememberEnd stores whether the list came to its end, for the next run.
func (l lister) rememberEnd(ctx context.Context, tx *store.Tx, found listing) error {
	at := l.run.channel.EndlessListAt
	switch {
	case !found.endless:
		at = time.Time{}
	case l.run.sync.Kind != oxlin.SyncAll || !l.isEndless():
		at = l.run.now()
	}
	if at.Equal(l.run.channel.EndlessListAt) {
		return nil
	}
	channel, err := tx.Read().Channel(ctx, l.run.channel.ID)
	if err != nil {
		return err
	}
	channel.EndlessListAt, l.run.channel.EndlessListAt = at, at
	return tx.UpdateChannel(ctx, channel)
}

// readPage asks for the next page of the list.
func (l lister) readPage(ctx context.Context) (bank.AccountsPage, error) {
	err := position(l).regain(ctx, listOf)
	if err != nil {
		return bank.AccountsPage{}, err
	}
	cursor, err := position(l).cursor()
	if err != nil {
		return bank.AccountsPage{}, err
	}
	resource := ""
	if l.run.sync.Progress.Page == 0 {
		resource = "accounts"
	}
	page, err := askAbout(ctx, l.run, readsAccounts, 0, resource, func(ctx context.Context, call bank.Call) (bank.AccountsPage, error) {
		return l.run.connector.Accounts(ctx, call, cursor)
	})
	for i := range page.Accounts {
		page.Accounts[i].ToldAt = l.run.now()
	}
	return page, err
}

// keptSoFar returns the end of a list that the bank refuses to begin or to continue: the
// accounts that it has named are kept, and so are the known ones of a list without any page.
// What is missing counts as one unreadable account.
func (l lister) keptSoFar(ctx context.Context, number int, page bank.AccountsPage, err error) (bank.AccountsPage, error) {
	if err == nil {
		return page, nil
	}
	failure, alone := l.run.ofOneAccount(err)
	if !alone {
		return page, err
	}
	if number == 0 {
		known, readErr := l.mayDoWithoutList(ctx, failure)
		if readErr != nil {
			return page, readErr
		}
		if !known {
			return page, err
		}
		l.run.sync.Progress.ListFailed = true
	}
	l.run.log.WarnContext(ctx, "a list of accounts ends before its end", "sync", l.run.sync.ID, "page", number, "error", err)
	return bank.AccountsPage{Unreadable: []bank.Unreadable{{Reason: bank.UnreadRecord}}}, nil
}

// mayDoWithoutList reports whether accounts can be read although the bank gives no list of
// them: some are known, and the failure is not one of the whole bank.
func (l lister) mayDoWithoutList(ctx context.Context, failure *bank.Failure) (bool, error) {
	reached := failure.Kind == bank.Nonsense || failure.Kind == bank.Refused || failure.Kind == bank.Unavailable && failure.Status >= http.StatusInternalServerError
	if l.run.sync.Kind != oxlin.SyncAll || !reached {
		return false, nil
	}
	accounts, err := l.run.db.Read().AccountsOfConnection(ctx, l.run.connection.ID)
	return slices.ContainsFunc(accounts, l.run.reads), err
}

// stageList keeps a page of the list, or the owner.
func (l lister) stageList(ctx context.Context, number int, answer any, size int64) error {
	l.run.sync.Attempts = 0
	return answers(l).keep(ctx, listOf, number, answer, size)
}

// joinList joins the staged pages of the list, and the owner.
func (l lister) joinList(ctx context.Context) (found listing, err error) {
	if l.run.sync.Progress.OwnerAsked {
		found.owner, _, err = answerOf[oxlin.Owner](ctx, l.run, listOf, ownerPage)
		if err != nil {
			return found, err
		}
	}
	for number := range l.run.sync.Progress.Page {
		page, _, err := answerOf[bank.AccountsPage](ctx, l.run, listOf, number)
		if err != nil {
			return found, err
		}
		if number == 0 {
			found.first = page
		}
		found.accounts = append(found.accounts, page.Accounts...)
		found.unreadable += len(page.Unreadable)
		found.endless = page.Endless
	}
	return found, nil
}

// readOwner reads the owner's name, as one step. The owner is empty if the bank does not
// give it.
func (l lister) readOwner(ctx context.Context, found listing) (oxlin.Owner, error) {
	reader, ok := l.run.connector.(bank.OwnerReader)
	if !ok || l.run.sync.Progress.OwnerAsked {
		return found.owner, nil
	}
	err := l.run.handOverIfLate(ctx)
	if err != nil {
		return oxlin.Owner{}, err
	}
	owner, err := askAbout(ctx, l.run, readsOwner, 0, "owner", func(ctx context.Context, call bank.Call) (oxlin.Owner, error) {
		return reader.Owner(ctx, call, found.first)
	})
	var failure *bank.Failure
	switch {
	case errors.As(err, &failure):
		// The name is optional: without it the accounts are still good.
		l.run.log.InfoContext(ctx, "the bank does not name the owner", "sync", l.run.sync.ID, "error", err)
		owner = oxlin.Owner{}
	case err != nil:
		return oxlin.Owner{}, err
	}
	owner = owner.Only(l.run.connector.Profile().Customer) // the consent names no more
	l.run.sync.Progress.OwnerAsked = true
	return owner, l.stageList(ctx, ownerPage, owner, recordSize)
}

// relist finds the accounts before their data are read. It tells a bank of the mixed
// consent model which of them the user allowed, and lists again.
func (l lister) relist(ctx context.Context) error {
	for {
		found, err := l.readList(ctx)
		if err != nil {
			return err
		}
		forwarder, ok := l.run.connector.(bank.ConsentForwarder)
		if !ok || !found.closed() || l.run.sync.Progress.Forwarded {
			return l.storeList(ctx, found)
		}
		err = l.run.write(ctx, func(tx *store.Tx) error {
			_, err := l.run.mergeAccounts(ctx, tx, found)
			if err != nil {
				return err
			}
			return l.run.update(ctx, tx)
		})
		if err != nil {
			return err
		}
		allowed, err := l.allowed(ctx, found.accounts)
		if err != nil {
			return err
		}
		if len(allowed) == 0 {
			return l.storeList(ctx, found)
		}
		err = l.forward(ctx, forwarder, allowed)
		if err != nil {
			return err
		}
	}
}

// forward tells the bank which accounts the user allowed, and begins the list again.
func (l lister) forward(ctx context.Context, forwarder bank.ConsentForwarder, allowed []bank.Account) error {
	err := l.run.handOverIfLate(ctx)
	if err != nil {
		return err
	}
	_, err = askAbout(ctx, l.run, forwardsConsent, 0, "", func(ctx context.Context, call bank.Call) (struct{}, error) {
		return struct{}{}, forwarder.ForwardConsent(ctx, call, allowed)
	})
	if err != nil {
		return err
	}
	l.run.sync.Progress.Forwarded, l.run.sync.Attempts = true, 0
	return l.run.write(ctx, func(tx *store.Tx) error { return l.leaveList(ctx, tx) })
}

// leaveList stores the progress after a list, and drops its pages.
func (l lister) leaveList(ctx context.Context, tx *store.Tx) error {
	l.run.sync.Progress = l.run.sync.Progress.AtStart()
	l.run.sync.Progress.ListEnded = false
	err := answers(l).drop(ctx, tx)
	if err != nil {
		return err
	}
	return l.run.update(ctx, tx)
}

// storeList stores the accounts of a list, and which of them are to be read.
func (l lister) storeList(ctx context.Context, found listing) error {
	return l.run.write(ctx, func(tx *store.Tx) error {
		readable, err := l.run.mergeAccounts(ctx, tx, found)
		if err != nil {
			return err
		}
		l.run.sync.Progress.Listed, l.run.sync.Progress.Pending, l.run.sync.Progress.Unreadable = true, readable, found.unreadable
		l.run.sync.Progress.Told, err = sealTold(ctx, l.run, tx, found, readable)
		if err != nil {
			return err
		}
		return l.leaveList(ctx, tx)
	})
}

// allowed returns the bank's accounts that the user's consent covers.
func (l lister) allowed(ctx context.Context, shown []bank.Account) ([]bank.Account, error) {
	accounts, err := l.run.db.Read().AccountsOfConnection(ctx, l.run.connection.ID)
	if err != nil {
		return nil, err
	}
	addresses, err := store.AddressesOf(ctx, l.run.db.Read(), l.run.channel.ID)
	if err != nil {
		return nil, err
	}
	var allowed []bank.Account
	for _, a := range shown {
		// The addresses are those of this list: mergeAccounts has just stored them.
		if slices.ContainsFunc(accounts, func(ours oxlin.Account) bool {
			return a.Address != "" && addresses[ours.ID] == a.Address && ours.Synchronised()
		}) {
			allowed = append(allowed, a)
		}
	}
	return allowed, nil
}
