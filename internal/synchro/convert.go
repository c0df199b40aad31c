package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// lookBack is how many days before a fetch a known row may lie and still match.
const lookBack = 15

// storeTransactions reconciles an account's fetch with the stored rows and writes the
// differences. It returns the number of new transactions.
func (r *run) storeTransactions(ctx context.Context, tx *store.Tx, account oxlin.Account, fetched reconcile.Fetched) (int, error) {
	now := r.now()
	since := fetched.CoveredFrom
	for _, t := range fetched.Transactions {
		if day := t.Date(); !day.IsZero() && day.Before(since) {
			since = day
		}
	}
	if !since.IsZero() {
		since = since.AddDays(-lookBack)
	}
	records, err := tx.KnownTransactions(ctx, account.ID, since)
	if err != nil {
		return 0, err
	}
	known := make([]reconcile.Known, len(records))
	for i, record := range records {
		known[i] = knownOf(record)
	}
	result := reconcile.Transactions(known, fetched)

	added := make([]store.TransactionRecord, 0, len(result.New))
	for _, row := range result.New {
		t := fetched.Transactions[row]
		record, err := r.engine.toRecord(account, t, reconcile.Hold(t, result.BankIDs[row], fetched.Channel))
		if err != nil {
			return 0, err
		}
		added = append(added, record)
	}
	err = tx.InsertTransactions(ctx, account.UserID, added, now)
	if err != nil {
		return 0, err
	}
	for _, match := range result.Found {
		if match.Change == 0 {
			continue
		}
		record, err := r.engine.toRecord(account, fetched.Transactions[match.Row], match.Held)
		if err != nil {
			return 0, err
		}
		if match.Change.Visible() {
			record.UpdatedAt = now
		}
		err = tx.UpdateTransaction(ctx, record)
		if err != nil {
			return 0, err
		}
	}
	for _, id := range result.Expired {
		err := tx.SetTransactionStatus(ctx, id, oxlin.StatusExpired, now)
		if err != nil {
			return 0, err
		}
	}
	for _, id := range result.Missing {
		err := tx.SetTransactionMissing(ctx, id, fetched.Today)
		if err != nil {
			return 0, err
		}
	}
	return len(added), nil
}

// knownOf converts a stored transaction for reconciliation.
func knownOf(t store.TransactionRecord) reconcile.Known {
	return reconcile.Known{
		ID: t.ID, BankIDs: t.BankIDs, Status: t.Status, Amount: t.Amount, Currency: t.Currency,
		BookingDate: t.BookingDate, TransactionDate: t.TransactionDate, ValueDate: t.ValueDate, Date: t.Date,
		Words: t.Words, Counterparty: t.Counterparty, EndToEndID: t.EndToEndID, MandateID: t.MandateID,
		CheckNumber: t.CheckNumber, BalanceAfter: t.BalanceAfter, Channel: t.Channel, MissingSince: t.MissingSince,
	}
}

// toRecord is the only conversion from a bank's transaction to a stored one. It joins
// the bank's row, what reconciliation knows of it, and what wording reads in it.
func (e *Engine) toRecord(account oxlin.Account, t bank.Transaction, held reconcile.Known) (store.TransactionRecord, error) {
	reading := wording.Read(t, account.Type)
	raw, err := e.vault.Seal(t.Raw, rawPlace(account.ID))
	if err != nil {
		return store.TransactionRecord{}, err
	}
	bankIDs := held.BankIDs
	if bankIDs == nil {
		bankIDs = []string{}
	}
	currency := held.Currency
	if currency == "" {
		currency = account.Currency
	}
	return store.TransactionRecord{
		Transaction: oxlin.Transaction{
			ID: held.ID, AccountID: account.ID, Amount: held.Amount, Currency: currency, Type: reading.Type,
			Status: held.Status, Origin: oxlin.OriginTransaction, Category: reading.Category,
			Date: held.Date, BookingDate: held.BookingDate, ValueDate: held.ValueDate, TransactionDate: held.TransactionDate,
			Label: reading.Label, Notes: reading.Notes, SourceLabel: reading.SourceLabel, Remittance: t.Remittance,
			CheckNumber: held.CheckNumber, Counterparty: held.Counterparty,
		},
		BankIDs: bankIDs, Words: held.Words, EndToEndID: held.EndToEndID, MandateID: held.MandateID,
		BalanceAfter: held.BalanceAfter, Channel: held.Channel, MissingSince: held.MissingSince, Raw: raw,
	}, nil
}

// balanced updates an account after its data were read.
func balanced(account oxlin.Account, balance bank.Balance, fetched reconcile.Fetched, definition oxlin.ChannelDefinitionID, now time.Time) oxlin.Account {
	account.Balance, account.BalanceExpected, account.BalanceAt = balance.Amount, balance.Expected, now
	if balance.Currency != "" {
		account.Currency = balance.Currency
	}
	account.LastChannelDefinition = definition
	if account.Status == oxlin.AccountError || account.Status == oxlin.AccountNotFound {
		account.Status = oxlin.AccountActive
	}
	if card := account.Details.CreditCard; card != nil && !balance.NextDebitDate.IsZero() {
		due := *card
		due.DebitType, due.NextDebitDate, due.NextDebitAmount = "DEFERRED", balance.NextDebitDate, balance.NextDebitAmount
		account.Details.CreditCard = &due
	}
	// The next reading starts from a day of the bank, never from our clock.
	for _, t := range fetched.Transactions {
		if t.Status == oxlin.StatusBooked && account.CoveredUntil.Before(t.BookingDate) && !fetched.Today.Before(t.BookingDate) {
			account.CoveredUntil = t.BookingDate
		}
	}
	return account
}
