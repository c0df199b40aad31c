package synchro

import (
	"context"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// isUnnamed reports whether nothing that the bank said so far names an account's currency.
// It has that of the bank's data (bank.Profile).
func isUnnamed(sync oxlin.Synchronisation, account oxlin.Account) bool {
	return slices.Contains(sync.Progress.Unnamed, account.ID)
}

// correctCurrency gives an account of which the bank's list names no currency the one that a
// better word of the bank names. Its rows are read anew before the answer is stored.
func (r *run) correctCurrency(ctx context.Context, account oxlin.Account, read reading) error {
	named, word := currencyOf(read)
	if !isUnnamed(r.sync, account) || word <= account.CurrencyWord || named == account.Currency {
		return nil
	}
	return r.write(ctx, func(tx *store.Tx) error {
		account, ours, err := r.stillOurs(ctx, tx.Read(), account.ID)
		if err != nil || !ours {
			return err
		}
		r.log.InfoContext(ctx, "the bank names another currency of an account", "sync", r.sync.ID, "account", account.ID,
			"before", account.Currency, "now", named)
		account, err = inCurrency(ctx, tx, account, named, word)
		if err != nil {
			return err
		}
		return tx.UpdateAccount(ctx, account)
	})
}

// inCurrency returns an account in the currency that a word of the bank names. If it was in
// another one, its balances get the new one, and so do its rows of which the bank names none:
// all rows of the connection are read anew before the next answer is stored.
func inCurrency(ctx context.Context, tx *store.Tx, account oxlin.Account, named string, word oxlin.CurrencyWord) (oxlin.Account, error) {
	before, known := account.Currency, account.CurrencyWord
	account.Currency, account.CurrencyWord = named, max(word, known)
	if before == "" || before == named {
		return account, nil
	}
	if known >= oxlin.CurrencyOfBalance {
		// The balance is in the currency that it named.
		account.Balance, account.BalanceAt = nil, time.Time{}
	} else {
		account.Balances = slices.Clone(account.Balances)
		for i, balance := range account.Balances {
			if balance.Currency == before {
				account.Balances[i].Currency = named
			}
		}
		days, err := tx.Read().DayBalances(ctx, account.ID)
		if err != nil {
			return account, err
		}
		for _, day := range days {
			if day.Currency == before {
				day.Currency = named
				err = tx.SaveDayBalance(ctx, account.ID, day, days[0].Day)
				if err != nil {
					return account, err
				}
			}
		}
	}
	return account, tx.SetDerivation(ctx, account.ConnectionID, 0, oxlin.DerivationPlace{})
}

// withCurrency names the currency of an account of which the bank's list names none: that of
// the balance, else the one that all rows name. Rows without a currency get the account's in the
// returned reading.
func withCurrency(sync oxlin.Synchronisation, account oxlin.Account, read reading) (oxlin.Account, reading) {
	if !isUnnamed(sync, account) {
		return account, read
	}
	read.Transactions = slices.Clone(read.Transactions)
	named, word := currencyOf(read)
	if named == account.Currency {
		account.CurrencyWord = max(word, account.CurrencyWord)
	}
	for i := range read.Transactions {
		if read.Transactions[i].Currency == "" {
			read.Transactions[i].Currency = account.Currency
		}
	}
	return account, read
}

// currencyOf returns the currency that a reading names: of its balance, else of all its rows
// that name one; empty if they name several.
func currencyOf(read reading) (named string, word oxlin.CurrencyWord) {
	if shown := read.balances.Shown; shown != nil && shown.Currency != "" {
		return shown.Currency, oxlin.CurrencyOfBalance
	}
	for _, row := range read.Transactions {
		switch {
		case row.Currency == "" || row.Currency == named:
		case named != "":
			return "", oxlin.CurrencyAssumed
		default:
			named, word = row.Currency, oxlin.CurrencyOfRows
		}
	}
	return named, word
}
