package client

import (
	"context"
	"iter"
)

// pageSize is the largest page that the contract allows.
const pageSize = 500

// AllProviders reads the banks that match a filter, page by page as the loop proceeds.
// The filter's own page and limit are ignored. An error ends the loop.
func (c *Client) AllProviders(ctx context.Context, filter ListProvidersParams) iter.Seq2[Provider, error] {
	return pages(func(page, limit OptInt) ([]Provider, error) {
		filter.Page, filter.Limit = page, limit
		return c.ListProviders(ctx, filter)
	})
}

// AllConnections reads connections, as AllProviders does banks.
func (c *Client) AllConnections(ctx context.Context, filter GetConnectionsParams) iter.Seq2[Connection, error] {
	return pages(func(page, limit OptInt) ([]Connection, error) {
		filter.Page, filter.Limit = page, limit
		return c.GetConnections(ctx, filter)
	})
}

// AllAccounts reads accounts, as AllProviders does banks.
func (c *Client) AllAccounts(ctx context.Context, filter GetAccountsParams) iter.Seq2[Account, error] {
	return pages(func(page, limit OptInt) ([]Account, error) {
		filter.Page, filter.Limit = page, limit
		return c.GetAccounts(ctx, filter)
	})
}

// AllTransactions reads transactions, as AllProviders does banks. Unless the filter names
// an order, the oldest import comes first, so that none is missed or seen twice while a
// synchronisation adds more, whichever node answers (contract §12.1).
func (c *Client) AllTransactions(ctx context.Context, filter GetTransactionsParams) iter.Seq2[Transaction, error] {
	if !filter.Sort.Set {
		filter.Sort = NewOptGetTransactionsSort("import_date")
	}
	return pages(func(page, limit OptInt) ([]Transaction, error) {
		filter.Page, filter.Limit = page, limit
		return c.GetTransactions(ctx, filter)
	})
}

// pages reads a list until a page is not full.
func pages[T any](read func(page, limit OptInt) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page := 1; ; page++ {
			some, err := read(NewOptInt(page), NewOptInt(pageSize))
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range some {
				if !yield(one, nil) {
					return
				}
			}
			if len(some) < pageSize {
				return
			}
		}
	}
}
