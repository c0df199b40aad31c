package synchro

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// RehashedColumn names what Rehash walks: the keyed hashes of records that cannot be read.
const RehashedColumn = "unreadable_records.content"

// Rehash makes the keyed hashes of unreadable records anew that an older key has made: the
// record itself is at hand, sealed. With looks it only counts.
func Rehash(ctx context.Context, db *store.DB, v *vault.Vault, looks bool) (store.Resealed, error) {
	var all store.Resealed
	var after oxlin.AccountID
	for {
		accounts, err := store.AccountsWithUnreadable(ctx, db.Read(), after)
		if err != nil || len(accounts) == 0 {
			return all, err
		}
		for _, account := range accounts {
			after = account
			err := rehashAccount(ctx, db, v, account, looks, &all)
			if err != nil {
				return all, fmt.Errorf("reseal %s: %w", RehashedColumn, err)
			}
		}
	}
}

func rehashAccount(ctx context.Context, db *store.DB, v *vault.Vault, account oxlin.AccountID, looks bool, all *store.Resealed) error {
	return db.Write(ctx, func(tx *store.Tx) error {
		records, err := tx.Read().UnreadableRecords(ctx, account)
		if err != nil {
			return err
		}
		found := store.Resealed{} // the transaction may be repeated
		for _, record := range records {
			raw, err := v.Open(record.Raw, unreadablePlace(account))
			if errors.Is(err, vault.ErrUnopened) {
				found.Lost++
				continue
			}
			if err != nil {
				return err
			}
			hashes, err := contents(v, raw)
			if err != nil {
				return err
			}
			if bytes.Equal(record.Content, hashes[0]) {
				continue
			}
			found.Renewed++
			if looks {
				continue
			}
			before := record.Content
			record.Content = hashes[0]
			err = tx.SaveUnreadable(ctx, account, record)
			if err == nil {
				err = tx.DropUnreadable(ctx, account, before)
			}
			if err != nil {
				return err
			}
		}
		all.Renewed += found.Renewed
		all.Lost += found.Lost
		return nil
	})
}
