package synchro

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// listing is a bank's answer about the accounts of a channel.
type listing struct {
	accounts []bank.Account
	owner    oxlin.Owner
	// unreadable counts the accounts without a usable id.
	unreadable int
}

// closed reports whether the bank opens some accounts only after it has received the
// user's consent (mixed consent model).
func (l listing) closed() bool {
	return slices.ContainsFunc(l.accounts, func(a bank.Account) bool { return a.NeedsConsent })
}

// listAccounts is a LIST_ACCOUNTS: it finds the channel's accounts and stores none of
// their data. If the user's consent covers them, SYNC_ALL follows.
func (r *run) listAccounts(ctx context.Context) error {
	found, err := r.readAccounts(ctx, true)
	if err != nil {
		return err
	}
	return r.write(ctx, func(tx *store.Tx) error {
		readable, err := r.mergeAccounts(ctx, tx, found)
		if err != nil {
			return err
		}
		channel, err := tx.Channel(ctx, r.channel.ID)
		if err != nil {
			return err
		}
		channel.AwaitsConsent, err = r.settleConsent(ctx, tx, channel.AwaitsConsent)
		if err != nil {
			return err
		}
		err = tx.UpdateChannel(ctx, channel)
		if err != nil {
			return err
		}
		if channel.AwaitsConsent {
			return r.succeed(ctx, tx)
		}
		next := oxlin.SyncProgress{Entered: r.sync.Progress.Entered, Deep: true, Listed: true, Pending: readable}
		if found.closed() {
			// SYNC_ALL has to tell the bank of the consent and to list again.
			next.Listed, next.Pending = false, nil
		}
		return r.continueWith(ctx, tx, next)
	})
}

// settleConsent reports whether the channel has to wait for the user's consent after
// this listing; before is whether it waited until now. If the user has consented to
// all accounts by going to the bank, it keeps the evidence.
func (r *run) settleConsent(ctx context.Context, tx *store.Tx, before bool) (waits bool, err error) {
	switch {
	case r.sync.Progress.AskConsent:
		return true, nil
	case r.connection.ConsentPerAccount:
		return r.allPending(ctx, tx)
	}
	return before, r.consentToAll(ctx, tx)
}

// allPending reports whether the connection has accounts and all of them wait for the
// user's decision.
func (r *run) allPending(ctx context.Context, tx *store.Tx) (bool, error) {
	accounts, err := tx.AccountsOfConnection(ctx, r.connection.ID)
	if err != nil {
		return false, err
	}
	decided := slices.ContainsFunc(accounts, func(a oxlin.Account) bool { return a.Status != oxlin.AccountPendingConsent })
	return len(accounts) > 0 && !decided, nil
}

// consentToAll stores the evidence that the user, by going to the bank at our
// request, allowed all present and future accounts (contract §11).
func (r *run) consentToAll(ctx context.Context, tx *store.Tx) error {
	given, err := tx.Consents(ctx, r.connection.ID)
	if err != nil {
		return err
	}
	for _, consent := range given {
		if consent.ChannelID == r.channel.ID && consent.AllAccounts && consent.ValidUntil.Equal(r.channel.ConsentUntil) {
			return nil // a listing on demand asks for no new consent
		}
	}
	return tx.InsertConsent(ctx, oxlin.Consent{
		UserID: r.connection.UserID, ConnectionID: r.connection.ID, ChannelID: r.channel.ID, AllAccounts: true,
		TextVersion: oxlin.ConsentTextVersion, GivenAt: r.now(), ValidUntil: r.channel.ConsentUntil,
	})
}

// readAccounts reads all pages of accounts, and the owner if requested.
func (r *run) readAccounts(ctx context.Context, withOwner bool) (listing, error) {
	err := r.beforeCall(ctx, "accounts")
	if err != nil {
		return listing{}, err
	}
	var found listing
	var first bank.AccountsPage
	cursor := ""
	for {
		page, err := withRenewal(ctx, r, func(call bank.Call) (bank.AccountsPage, error) {
			return r.connector.Accounts(ctx, call, cursor)
		})
		if err != nil {
			return listing{}, err
		}
		if cursor == "" {
			first = page
		}
		found.accounts = append(found.accounts, page.Accounts...)
		found.unreadable += len(page.Unreadable)
		if page.Next == "" {
			break
		}
		cursor = page.Next
		err = r.beforeFollowUp(ctx, "")
		if err != nil {
			return listing{}, err
		}
	}
	if withOwner {
		found.owner, err = r.readOwner(ctx, first)
	}
	return found, err
}

// readOwner reads the owner's name; it is empty if the bank does not give it.
func (r *run) readOwner(ctx context.Context, first bank.AccountsPage) (oxlin.Owner, error) {
	reader, ok := r.connector.(bank.OwnerReader)
	if !ok {
		return oxlin.Owner{}, nil
	}
	err := r.beforeFollowUp(ctx, "owner")
	if err != nil {
		return oxlin.Owner{}, err
	}
	owner, err := withRenewal(ctx, r, func(call bank.Call) (oxlin.Owner, error) {
		return reader.Owner(ctx, call, first)
	})
	if err != nil {
		// The name is optional: without it the accounts are still good.
		r.log.InfoContext(ctx, "the bank does not name the owner", "sync", r.sync.ID, "error", err)
		return oxlin.Owner{}, nil
	}
	return owner, nil
}
