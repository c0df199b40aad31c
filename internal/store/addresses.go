package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// AddressesOf returns the addresses that a channel's last list gave its accounts. An account that
// nobody may read is not among them.
func AddressesOf(ctx context.Context, r Reader, channel oxlin.ChannelID) (map[oxlin.AccountID]string, error) {
	rows, err := r.q.ListAddressesOfChannel(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("list addresses of accounts: %w", err)
	}
	addresses := make(map[oxlin.AccountID]string, len(rows))
	for _, row := range rows {
		addresses[row.AccountID] = row.Address
	}
	return addresses, nil
}

// AddressOf returns the address of one account in a channel; empty without one.
func AddressOf(ctx context.Context, r Reader, account oxlin.AccountID, channel oxlin.ChannelID) (string, error) {
	address, err := r.q.FindAddress(ctx, query.FindAddressParams{AccountID: account, ChannelID: channel})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find address of account: %w", err)
	}
	return address, nil
}

// SetAddress replaces the address of an account in a channel. An empty one removes it.
func SetAddress(ctx context.Context, tx *Tx, account oxlin.AccountID, channel oxlin.ChannelID, address string) error {
	var err error
	if address == "" {
		err = tx.q.DropAddress(ctx, query.DropAddressParams{AccountID: account, ChannelID: channel})
	} else {
		err = tx.q.SetAddress(ctx, query.SetAddressParams{AccountID: account, ChannelID: channel, Address: address})
	}
	if err != nil {
		return fmt.Errorf("set address of account: %w", err)
	}
	return nil
}
