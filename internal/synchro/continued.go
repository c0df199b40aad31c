package synchro

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// continuing is the part of a run that recognises accounts by their rows: at a bank that
// invents the ids of accounts anew, nothing else tells two of one name apart, if it gives no
// numbers.
type continuing struct{ run *run }

// recognise returns the account that a reading belongs to: the one that was read, or a known
// one that it continues. Then the account that the list has added is deleted, and the known
// one has its id of the bank.
func (c continuing) recognise(ctx context.Context, account oxlin.Account, read reading) (oxlin.Account, error) {
	if !account.Coverage.LookedBackAt.IsZero() || read.older || !read.Complete {
		return account, nil
	}
	former, found, err := c.former(ctx, account, read)
	if err != nil || !found {
		return account, err
	}
	c.run.log.InfoContext(ctx, "an account is recognised by its rows under another id of the bank", "sync", c.run.sync.ID, "account", former.ID, "added", account.ID)
	return former, c.join(ctx, account.ID, former.ID)
}

// former finds the account that a new one continues among those that the list lacks and that
// look like it.
func (c continuing) former(ctx context.Context, account oxlin.Account, read reading) (oxlin.Account, bool, error) {
	reader := c.run.db.Read()
	accounts, err := reader.AccountsOfConnection(ctx, c.run.connection.ID)
	if err != nil {
		return oxlin.Account{}, false, err
	}
	alike := slices.DeleteFunc(slices.Clone(accounts), func(a oxlin.Account) bool { return !c.mayContinue(a, account) })
	if len(alike) == 0 {
		return oxlin.Account{}, false, nil
	}
	candidates := make([]reconcile.Former, len(alike))
	for i, a := range alike {
		records, err := reader.KnownTransactions(ctx, a.ID, read.CoveredFrom)
		if err != nil {
			return oxlin.Account{}, false, err
		}
		candidates[i] = reconcile.Former{From: a.Coverage.Since, Until: a.CoveredUntil, Balance: a.Balance}
		for _, record := range records {
			candidates[i].Rows = append(candidates[i].Rows, knownOf(record))
		}
	}
	var balance *oxlin.Amount
	if shown := read.balances.Shown; shown != nil {
		balance = &shown.Amount
	}
	i := reconcile.Continued(candidates, read.Fetched, balance)
	if i < 0 && !slices.ContainsFunc(alike, func(a oxlin.Account) bool { return !a.Coverage.Doubt.Replaced }) {
		i = reconcile.OnlyFormer(candidates, read.Fetched, !slices.ContainsFunc(accounts, func(a oxlin.Account) bool { return c.mayContinueToo(a, account) }))
	}
	if i < 0 {
		return oxlin.Account{}, false, nil
	}
	return alike[i], true, nil
}

// mayContinueToo reports whether another account that the list shows for the first time, and that
// is not read yet, looks like one.
func (c continuing) mayContinueToo(other, shown oxlin.Account) bool {
	return other.ID != shown.ID && !other.Coverage.Doubt.Unlisted && c.run.reads(other) && other.Coverage.LookedBackAt.IsZero() &&
		reconcile.LookAlike(reconcile.KnownOf(other), reconcile.KnownOf(shown))
}

// mayContinue reports whether a list lacks a known account that looks like one that it shows
// for the first time.
func (c continuing) mayContinue(known, shown oxlin.Account) bool {
	return known.ID != shown.ID && known.Coverage.Doubt.Unlisted && c.run.reads(known) && !known.Coverage.LookedBackAt.IsZero() &&
		reconcile.LookAlike(reconcile.KnownOf(known), reconcile.KnownOf(shown))
}

// join gives a known account the address and the bank's id of the one that a list has added, and deletes the
// latter, which has no rows yet. Until the rows are stored, a further job reads them anew.
func (c continuing) join(ctx context.Context, added, former oxlin.AccountID) error {
	r := c.run
	err := r.write(ctx, func(tx *store.Tx) error {
		shown, err := tx.Read().Account(ctx, added)
		if err != nil {
			return err
		}
		known, err := tx.Read().Account(ctx, former)
		if err != nil {
			return err
		}
		known.BankID, known.Coverage.Doubt = shown.BankID, oxlin.Doubt{}
		address, err := store.AddressOf(ctx, tx.Read(), added, r.channel.ID)
		if err != nil {
			return err
		}
		err = store.SetAddress(ctx, tx, former, r.channel.ID, address)
		if err != nil {
			return err
		}
		err = tx.DeleteAccount(ctx, added)
		if err != nil {
			return err
		}
		err = tx.UpdateAccount(ctx, known)
		if err != nil {
			return err
		}
		isFormer := func(id oxlin.AccountID) bool { return id == former }
		r.sync.Progress = r.sync.Progress.AtStart()
		r.sync.Progress.Pending = append([]oxlin.AccountID{former}, slices.DeleteFunc(slices.Clone(r.sync.Progress.Pending[1:]), isFormer)...)
		r.sync.Progress.Unlisted = slices.DeleteFunc(slices.Clone(r.sync.Progress.Unlisted), isFormer)
		r.sync.Progress.Balanced = false
		err = answers{r}.drop(ctx, tx)
		if err != nil {
			return err
		}
		return r.update(ctx, tx)
	})
	r.sync.Progress.Balanced = true // in this job, the answer is at hand
	return err
}
