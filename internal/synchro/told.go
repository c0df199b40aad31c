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
	"github.com/oxlin/oxlin/internal/vault"
)

// A bank may have balances in its list of accounts. Those that a list has told are not asked for again
// while the run that has read the list goes on: they wait, sealed, in its progress.

const (
	// toldFor is how long the balances of a list are believed. A run may wait for hours between two accounts.
	toldFor = 15 * time.Minute
	// mostTold limits the bytes that wait. A customer with more balances is asked about one by one.
	mostTold = 64 << 10
)

// sealTold seals the balances that a list has told about the accounts that may be read, by their addresses;
// nil without any.
func sealTold(ctx context.Context, r *run, tx *store.Tx, found listing, readable []oxlin.AccountID) ([]byte, error) {
	addresses, err := store.AddressesOf(ctx, tx.Read(), r.channel.ID)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for id, address := range addresses {
		wanted[address] = slices.Contains(readable, id)
	}
	told := map[string]stagedBalances{}
	for _, account := range found.accounts {
		if account.Balances != nil && wanted[account.Address] {
			told[account.Address] = stagedBalances{*account.Balances, account.ToldAt}
		}
	}
	if len(told) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(told)
	if err != nil {
		return nil, fmt.Errorf("balances of a list: %w", err)
	}
	if len(text) > mostTold {
		return nil, nil
	}
	return r.vault.Seal(text, toldPlace(r.channel.ID))
}

// toldInList returns the balances that the list of this run has told about an account. found is false for
// those that no key opens any more: the bank is asked.
func toldInList(ctx context.Context, r *run, ref bank.AccountRef) (told stagedBalances, found bool, err error) {
	if len(r.sync.Progress.Told) == 0 {
		return told, false, nil
	}
	all := map[string]stagedBalances{}
	text, err := r.vault.Open(r.sync.Progress.Told, toldPlace(r.channel.ID))
	if errors.Is(err, vault.ErrUnopened) {
		r.log.WarnContext(ctx, "the balances of a list cannot be opened", "sync", r.sync.ID, "error", err)
		return told, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return told, false, fmt.Errorf("balances of a list: %w", err)
	}
	told, found = all[ref.Address]
	if !found || r.now().After(told.AskedAt.Add(toldFor)) {
		return stagedBalances{}, false, nil
	}
	for i := range told.All {
		named(&told.All[i], ref)
	}
	if told.Shown != nil {
		named(told.Shown, ref)
	}
	return told, true, nil
}

// named gives a balance without a currency that of its account.
func named(balance *oxlin.Balance, ref bank.AccountRef) {
	if balance.Currency == "" {
		balance.Currency = ref.Currency
	}
}
