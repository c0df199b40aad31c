package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store/query"
)

// TransactionRecord is a transaction with what recognising it in the bank's next
// answer needs.
type TransactionRecord struct {
	oxlin.Transaction
	// BankIDs are all ids that the bank ever gave it.
	BankIDs []string
	// Words are the bank's words, normalised as reconciliation compares them.
	Words        string
	EndToEndID   string
	MandateID    string
	BalanceAfter *oxlin.Amount
	// Channel fed it last.
	Channel oxlin.ChannelDefinitionID
	// MissingSince is the first day on which a complete answer lacked it.
	MissingSince oxlin.Date
	// Raw is the bank's own record, sealed.
	Raw []byte
}

func transaction(row query.Transaction) oxlin.Transaction {
	return oxlin.Transaction{
		ID: row.ID, AccountID: row.AccountID, Amount: row.Amount, Currency: row.Currency, Type: row.Type,
		Status: row.Status, Origin: row.Origin, Category: row.Category, Date: row.Date, BookingDate: row.BookingDate,
		ValueDate: row.ValueDate, TransactionDate: row.TransactionDate, Label: row.Label, Notes: row.Notes,
		SourceLabel: row.SourceLabel, Remittance: row.Remittance.V, CheckNumber: row.CheckNumber,
		Counterparty: row.Counterparty, ImportedAt: row.ImportedAt.Time, UpdatedAt: row.UpdatedAt.Time,
	}
}

// Transaction finds a transaction of a user.
func (r Reader) Transaction(ctx context.Context, user oxlin.UserID, id oxlin.TransactionID) (oxlin.Transaction, error) {
	row, err := r.q.FindTransaction(ctx, id)
	if err == nil && row.UserID != user {
		return oxlin.Transaction{}, oxlin.NotFound("transaction")
	}
	return found(row, err, "transaction", transaction)
}

// KnownTransactions lists what is known of an account from a day on, and all that
// is still pending, in the order of import. Only what recognition needs is filled.
func (r Reader) KnownTransactions(ctx context.Context, id oxlin.AccountID, since oxlin.Date) ([]TransactionRecord, error) {
	rows, err := r.q.ListKnownTransactions(ctx, query.ListKnownTransactionsParams{AccountID: id, Since: since})
	return each(rows, err, "transaction", func(row query.ListKnownTransactionsRow) TransactionRecord {
		return TransactionRecord{
			Transaction: oxlin.Transaction{
				ID: row.ID, AccountID: id, Amount: row.Amount, Currency: row.Currency, Status: row.Status, Date: row.Date,
				BookingDate: row.BookingDate, ValueDate: row.ValueDate, TransactionDate: row.TransactionDate,
				Counterparty: row.Counterparty, CheckNumber: row.CheckNumber,
			},
			BankIDs: row.BankIds.V, Words: row.Words, EndToEndID: row.EndToEndID, MandateID: row.MandateID,
			BalanceAfter: fromNull(row.BalanceAfter), Channel: row.ChannelDefinitionID, MissingSince: row.MissingSince,
		}
	})
}

func fromNull(n sql.NullInt64) *oxlin.Amount {
	if !n.Valid {
		return nil
	}
	a := oxlin.Amount(n.Int64)
	return &a
}

func toNull(a *oxlin.Amount) sql.NullInt64 {
	if a == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: int64(*a), Valid: true}
}

// transactionColumns are the columns that InsertTransactions fills, in its order.
var transactionColumns = []string{
	"user_id", "account_id", "amount", "currency", "type", "status", "origin", "category", "date", "booking_date",
	"value_date", "transaction_date", "label", "notes", "source_label", "remittance", "check_number", "counterparty",
	"imported_at", "updated_at", "bank_ids", "words", "end_to_end_id", "mandate_id", "balance_after",
	"channel_definition_id", "missing_since", "raw",
}

// insertBatch is how many rows one statement inserts. PostgreSQL saves round
// trips; the driver of SQLite has none to save, and looks for each parameter in
// a time that grows with their number.
var insertBatch = map[Dialect]int{SQLite: 8, Postgres: 200}

// InsertTransactions stores new transactions of one account in their order, and
// gives each an instant of import later than all that the user had. Written by
// hand and in bulk: it is the one hot write.
func (tx *Tx) InsertTransactions(ctx context.Context, user oxlin.UserID, records []TransactionRecord, now time.Time) error {
	first, err := tx.reserveImports(ctx, user, len(records), now)
	if err != nil {
		return err
	}
	size := insertBatch[tx.dialect]
	for start := 0; start < len(records); start += size {
		batch := records[start:min(start+size, len(records))]
		args := make([]any, 0, len(batch)*len(transactionColumns))
		for i, t := range batch {
			importedAt := first.Add(time.Duration(start+i) * time.Microsecond)
			args = append(args, user, t.AccountID, t.Amount, t.Currency, t.Type, t.Status, t.Origin, t.Category,
				t.Date, t.BookingDate, t.ValueDate, t.TransactionDate, t.Label, t.Notes, t.SourceLabel,
				query.AsJSON(t.Remittance), t.CheckNumber, t.Counterparty, query.At(importedAt), query.Instant{},
				query.AsJSON(t.BankIDs), t.Words, t.EndToEndID, t.MandateID, toNull(t.BalanceAfter), t.Channel,
				t.MissingSince, t.Raw)
		}
		_, err := tx.raw.ExecContext(ctx, insertStatement(tx.dialect, len(batch)), args...)
		if err != nil {
			return fmt.Errorf("insert transactions: %w", err)
		}
	}
	return nil
}

// insertStatement has only as many texts as there are sizes of a batch. SQLite's
// driver finds a parameter without a number fastest.
func insertStatement(dialect Dialect, rows int) string {
	var text strings.Builder
	text.WriteString("INSERT INTO transactions (" + strings.Join(transactionColumns, ", ") + ") VALUES ")
	for n := range rows * len(transactionColumns) {
		switch {
		case n == 0:
			text.WriteByte('(')
		case n%len(transactionColumns) == 0:
			text.WriteString("), (")
		default:
			text.WriteByte(',')
		}
		if dialect == Postgres {
			text.WriteString(dialect.parameter(n + 1))
		} else {
			text.WriteByte('?')
		}
	}
	text.WriteByte(')')
	return text.String()
}

// UpdateTransaction writes what the bank has changed of a transaction; its id and
// the instant of its import stay.
func (tx *Tx) UpdateTransaction(ctx context.Context, t TransactionRecord) error {
	err := tx.q.UpdateTransaction(ctx, query.UpdateTransactionParams{
		ID: t.ID, Amount: t.Amount, Currency: t.Currency, Type: t.Type, Status: t.Status, Date: t.Date,
		BookingDate: t.BookingDate, ValueDate: t.ValueDate, TransactionDate: t.TransactionDate, Label: t.Label,
		Notes: t.Notes, SourceLabel: t.SourceLabel, Remittance: query.AsJSON(t.Remittance), CheckNumber: t.CheckNumber,
		Counterparty: t.Counterparty, UpdatedAt: query.At(t.UpdatedAt), BankIds: query.AsJSON(t.BankIDs), Words: t.Words,
		EndToEndID: t.EndToEndID, MandateID: t.MandateID, BalanceAfter: toNull(t.BalanceAfter),
		ChannelDefinitionID: t.Channel, MissingSince: t.MissingSince, Raw: t.Raw,
	})
	if err != nil {
		return fmt.Errorf("update transaction: %w", err)
	}
	return nil
}

// SetTransactionStatus changes nothing but the status, at a moment.
func (tx *Tx) SetTransactionStatus(ctx context.Context, id oxlin.TransactionID, status oxlin.TransactionStatus, now time.Time) error {
	err := tx.q.SetTransactionStatus(ctx, query.SetTransactionStatusParams{ID: id, Status: status, UpdatedAt: query.At(now)})
	if err != nil {
		return fmt.Errorf("set transaction status: %w", err)
	}
	return nil
}

// SetTransactionMissing notes since when the bank does not show a booked
// transaction; the zero Date says that it shows it again.
func (tx *Tx) SetTransactionMissing(ctx context.Context, id oxlin.TransactionID, since oxlin.Date) error {
	err := tx.q.SetTransactionMissing(ctx, query.SetTransactionMissingParams{ID: id, MissingSince: since})
	if err != nil {
		return fmt.Errorf("set transaction missing: %w", err)
	}
	return nil
}

// TransactionFilter chooses a user's transactions (contract §3.9). A zero member
// does not filter.
type TransactionFilter struct {
	Accounts         []oxlin.AccountID
	AccountTypes     []oxlin.AccountType
	Origins          []oxlin.Origin
	IncludedStatuses []oxlin.TransactionStatus
	ExcludedStatuses []oxlin.TransactionStatus
	Categories       []string
	// MinAmount, MaxAmount and Amount compare signed amounts, inclusively.
	MinAmount, MaxAmount, Amount *oxlin.Amount
	// StartDate and EndDate compare Transaction.Date, both inclusively.
	StartDate, EndDate oxlin.Date
	// StartImport is the first instant of import that counts.
	StartImport time.Time
	// NewestFirst turns the order round; it leaves out nothing.
	NewestFirst bool
}

// condition writes the filter as SQL. Every value is a parameter; the text is one
// of few, so that statements can be kept.
func (f TransactionFilter) condition(dialect Dialect, user oxlin.UserID) (string, []any) {
	var args []any
	parameter := func(v any) string {
		args = append(args, v)
		return dialect.parameter(len(args))
	}
	terms := []string{"t.user_id = " + parameter(user)}
	terms = append(terms, in("t.account_id", f.Accounts, parameter)...)
	terms = append(terms, in("t.origin", f.Origins, parameter)...)
	terms = append(terms, in("t.status", f.IncludedStatuses, parameter)...)
	for _, status := range f.ExcludedStatuses {
		terms = append(terms, "t.status <> "+parameter(status))
	}
	terms = append(terms, in("t.category", f.Categories, parameter)...)
	if types := in("a.type", f.AccountTypes, parameter); types != nil {
		terms = append(terms, "t.account_id IN (SELECT a.id FROM accounts a WHERE a.user_id = "+dialect.parameter(1)+" AND "+types[0]+")")
	}
	if f.MinAmount != nil {
		terms = append(terms, "t.amount >= "+parameter(*f.MinAmount))
	}
	if f.MaxAmount != nil {
		terms = append(terms, "t.amount <= "+parameter(*f.MaxAmount))
	}
	if f.Amount != nil {
		terms = append(terms, "t.amount = "+parameter(*f.Amount))
	}
	if !f.StartDate.IsZero() {
		terms = append(terms, "t.date >= "+parameter(f.StartDate))
	}
	if !f.EndDate.IsZero() {
		terms = append(terms, "t.date <= "+parameter(f.EndDate))
	}
	if !f.StartImport.IsZero() {
		terms = append(terms, "t.imported_at >= "+parameter(query.At(f.StartImport)))
	}
	return strings.Join(terms, " AND "), args
}

// in is one term, or none for an empty list.
func in[T any](column string, values []T, parameter func(any) string) []string {
	if len(values) == 0 {
		return nil
	}
	var names []string
	for _, v := range values {
		names = append(names, parameter(v))
	}
	return []string{column + " IN (" + strings.Join(names, ", ") + ")"}
}

// Transactions gives one page of a user's transactions in the order of import, or
// against it, after leaving out the first skip. Transactions that are waiting for a consent
// do not exist, so none has to be hidden here. The skip touches the index alone:
// page 1,000 costs little more than page 1.
func (r Reader) Transactions(ctx context.Context, user oxlin.UserID, f TransactionFilter, skip, most int) ([]oxlin.Transaction, error) {
	condition, args := f.condition(r.dialect, user)
	args = append(args, most, skip)
	order := " ORDER BY t.imported_at"
	if f.NewestFirst {
		order += " DESC"
	}
	text := "SELECT " + selectColumns + " FROM transactions t JOIN (SELECT t.id FROM transactions t WHERE " + condition +
		order + " LIMIT " + r.dialect.parameter(len(args)-1) + " OFFSET " + r.dialect.parameter(len(args)) + ") page ON page.id = t.id" + order
	rows, err := r.raw.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	defer rows.Close()
	list := []oxlin.Transaction{}
	for rows.Next() {
		var row query.Transaction
		err := rows.Scan(&row.ID, &row.AccountID, &row.Amount, &row.Currency, &row.Type, &row.Status, &row.Origin,
			&row.Category, &row.Date, &row.BookingDate, &row.ValueDate, &row.TransactionDate, &row.Label, &row.Notes,
			&row.SourceLabel, &row.Remittance, &row.CheckNumber, &row.Counterparty, &row.ImportedAt, &row.UpdatedAt)
		if err != nil {
			return nil, fmt.Errorf("list transactions: %w", err)
		}
		list = append(list, transaction(row))
	}
	err = rows.Err()
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	return list, nil
}

// selectColumns leave out what only recognition needs, the raw record above all.
const selectColumns = "t.id, t.account_id, t.amount, t.currency, t.type, t.status, t.origin, t.category, t.date, t.booking_date, " +
	"t.value_date, t.transaction_date, t.label, t.notes, t.source_label, t.remittance, t.check_number, t.counterparty, " +
	"t.imported_at, t.updated_at"
