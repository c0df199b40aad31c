package synchro

import (
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// isUnnamed reports whether nothing that the bank said so far names an account's currency.
// It has that of the bank's data (bank.Profile).
func isUnnamed(sync oxlin.Synchronisation, account oxlin.Account) bool {
	return slices.Contains(sync.Progress.Unnamed, account.ID)
}

// withCurrency names the currency of an account of which the bank's list names none: that of
// the balance, else the one that all rows name. An account that has rows keeps its currency,
// which is theirs. Rows without a currency get the account's.
func withCurrency(ctx context.Context, tx *store.Tx, sync oxlin.Synchronisation, account oxlin.Account, read reading) (oxlin.Account, error) {
	if !isUnnamed(sync, account) {
		return account, nil
	}
	stored, err := tx.Read().KnownTransactions(ctx, account.ID, oxlin.Date{})
	if err != nil {
		return account, err
	}
	named := currencyOf(read)
	if len(stored) == 0 && named != "" {
		account.Currency = named
	}
	for i := range read.Transactions {
		if read.Transactions[i].Currency == "" {
			read.Transactions[i].Currency = account.Currency
		}
	}
	return account, nil
}

// currencyOf returns the currency that a reading names: of its balance, else of all its rows
// that name one; empty if they name several.
func currencyOf(read reading) string {
	if shown := read.balances.Shown; shown != nil && shown.Currency != "" {
		return shown.Currency
	}
	named := ""
	for _, row := range read.Transactions {
		switch {
		case row.Currency == "" || row.Currency == named:
		case named != "":
			return ""
		default:
			named = row.Currency
		}
	}
	return named
}
