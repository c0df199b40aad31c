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
// differences. It returns the number of new transactions, and whether the fetch lacks too
// much to be believed.
func (r *run) storeTransactions(ctx context.Context, tx *store.Tx, account oxlin.Account, fetched reconcile.Fetched) (count int, suspect bool, err error) {
	now := r.now()
	imported := make(map[oxlin.TransactionID]oxlin.Date)
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
		return 0, false, err
	}
	known := make([]reconcile.Known, len(records))
	for i, record := range records {
		known[i] = knownOf(record)
		imported[record.ID] = record.Date
	}
	result := reconcile.Transactions(known, fetched)

	added := make([]store.TransactionRecord, 0, len(result.New))
	for _, row := range result.New {
		t := fetched.Transactions[row]
		record, err := r.engine.toRecord(account, t, reconcile.Hold(t, result.BankIDs[row], fetched.Channel), fetched.Today)
		if err != nil {
			return 0, false, err
		}
		added = append(added, record)
	}
	err = tx.InsertTransactions(ctx, account.UserID, added, now)
	if err != nil {
		return 0, false, err
	}
	for _, match := range result.Found {
		if match.Change == 0 {
			continue
		}
		record, err := r.engine.toRecord(account, fetched.Transactions[match.Row], match.Held, imported[match.ID])
		if err != nil {
			return 0, false, err
		}
		if match.Change.Visible() {
			record.UpdatedAt = now
		}
		err = tx.UpdateTransaction(ctx, record)
		if err != nil {
			return 0, false, err
		}
	}
	for _, id := range result.Expired {
		err := tx.SetTransactionStatus(ctx, id, oxlin.StatusExpired, now)
		if err != nil {
			return 0, false, err
		}
	}
	for _, id := range result.Missing {
		err := tx.SetTransactionMissing(ctx, id, fetched.Today)
		if err != nil {
			return 0, false, err
		}
	}
	return len(added), result.Suspect, nil
}

// knownOf converts a stored transaction for reconciliation, which sees no day of a row
// to which the bank gave none.
func knownOf(t store.TransactionRecord) reconcile.Known {
	if t.Undated {
		t.Date = oxlin.Date{}
	}
	return reconcile.Known{
		ID: t.ID, BankIDs: t.BankIDs, Status: t.Status, Amount: t.Amount, Currency: t.Currency,
		BookingDate: t.BookingDate, TransactionDate: t.TransactionDate, ValueDate: t.ValueDate, Date: t.Date,
		Words: t.Words, Counterparty: t.Counterparty, EndToEndID: t.EndToEndID, MandateID: t.MandateID,
		CheckNumber: t.CheckNumber, BalanceAfter: t.BalanceAfter, Channel: t.Channel, MissingSince: t.MissingSince,
	}
}

// toRecord is the only conversion from a bank's transaction to a stored one. It joins
// the bank's row, what reconciliation knows of it, and what wording reads in it. A row to
// which the bank gives no day has the day of its import.
func (e *Engine) toRecord(account oxlin.Account, t bank.Transaction, held reconcile.Known, imported oxlin.Date) (store.TransactionRecord, error) {
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
	day, undated := held.Date, held.Date.IsZero()
	if undated {
		day = imported
	}
	return store.TransactionRecord{
		Transaction: oxlin.Transaction{
			ID: held.ID, AccountID: account.ID, Amount: held.Amount, Currency: currency, Type: reading.Type,
			Status: held.Status, Origin: oxlin.OriginTransaction, Category: reading.Category,
			Date: day, Undated: undated, BookingDate: held.BookingDate, ValueDate: held.ValueDate, TransactionDate: held.TransactionDate,
			Label: reading.Label, Notes: reading.Notes, SourceLabel: reading.SourceLabel, Remittance: t.Remittance,
			CheckNumber: held.CheckNumber, Counterparty: held.Counterparty, MissingSince: held.MissingSince,
		},
		BankIDs: bankIDs, Words: held.Words, EndToEndID: held.EndToEndID, MandateID: held.MandateID,
		BalanceAfter: held.BalanceAfter, Channel: held.Channel, Raw: raw,
	}, nil
}

// storeUnreadable keeps the rows that cannot be read, each content once, and forgets those
// that a reading of their days no longer shows, or one of all days that the bank gives. It
// returns the number of those that stay.
func (r *run) storeUnreadable(ctx context.Context, tx *store.Tx, id oxlin.AccountID, read reading) (int, error) {
	shown := make(map[string]bool)
	for _, row := range read.unreadable {
		content := r.vault.MAC(row.Raw)
		if shown[string(content)] {
			continue
		}
		shown[string(content)] = true
		sealed, err := r.vault.Seal(row.Raw, unreadablePlace(id))
		if err != nil {
			return 0, err
		}
		err = tx.SaveUnreadable(ctx, id, store.UnreadableRecord{
			Content: content, Reason: string(row.Reason), SeenAt: r.now(), CoveredFrom: read.CoveredFrom, Raw: sealed,
		})
		if err != nil {
			return 0, err
		}
	}
	records, err := tx.UnreadableRecords(ctx, id)
	if err != nil {
		return 0, err
	}
	left := 0
	for _, record := range records {
		since := record.CoveredFrom
		if since.IsZero() {
			since = today(record.SeenAt).AddDays(-r.connector.Profile().HistoryDays)
		}
		covered := !since.Before(read.CoveredFrom) || !historyStart(r).Before(read.asked)
		if shown[string(record.Content)] || !read.ended() || !covered {
			left++
			continue
		}
		err := tx.DropUnreadable(ctx, id, record.Content)
		if err != nil {
			return 0, err
		}
	}
	return left, nil
}

// withBalances updates an account's balances. If no balance of the bank can be read, the
// last one stays, with its own day. A balance in another currency than the account's is
// only listed.
func withBalances(account oxlin.Account, told bank.Balances, now time.Time) oxlin.Account {
	if told.Shown != nil && told.Shown.Currency != "" && account.Currency == "" {
		account.Currency = told.Shown.Currency
	}
	if told.Shown != nil && told.Shown.Currency != "" && told.Shown.Currency != account.Currency {
		if account.Balance == nil {
			account.Balances = told.All
		}
		told.Shown = nil
	}
	if told.Shown != nil {
		amount := told.Shown.Amount
		account.Balance, account.BalanceAt, account.Balances = &amount, now, told.All
		account.BalanceExpected = told.Shown.Type == oxlin.BalanceExpected || told.Shown.Type == oxlin.BalanceAvailable
	}
	if card := account.Details.CreditCard; card != nil && !told.NextDebitDate.IsZero() {
		due := *card
		due.DebitType, due.NextDebitDate, due.NextDebitAmount = "DEFERRED", told.NextDebitDate, told.NextDebitAmount
		account.Details.CreditCard = &due
	}
	return account
}
