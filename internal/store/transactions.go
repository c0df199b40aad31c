package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// TransactionRecord is a transaction with the data that reconciliation needs to
// recognise it in the bank's next answer.
type TransactionRecord struct {
	oxlin.Transaction
	// BankIDs are all ids that the bank has ever used for it.
	BankIDs []string
	// ChannelsOfIDs are the channels that gave each of them; ids without an entry are those of
	// Channel.
	ChannelsOfIDs [][]oxlin.ChannelDefinitionID
	// Words is the bank's text, normalised for reconciliation.
	Words        string
	EndToEndID   string
	MandateID    string
	BalanceAfter *oxlin.Amount
	// Channel is the channel that read it last.
	Channel oxlin.ChannelDefinitionID
	// AbsentOn are the days of the complete readings that lacked it since MissingSince.
	AbsentOn []oxlin.Date
	// Merged reports that it has values that its record lacks: an earlier one gave them.
	Merged bool
	// ImportSource is where it came from, Derivation how its values come from the record.
	ImportSource oxlin.ImportSource
	Derivation   oxlin.Derivation
	// Raw is the bank's record, sealed.
	Raw []byte
}

var (
	findTransaction = "SELECT " + showColumns.names("") + " FROM transactions WHERE id = ?1 AND user_id = ?2" +
		" AND account_id NOT IN (SELECT a.id FROM accounts a WHERE a.user_id = ?2 AND a.deleting)"
	// Each part reads an index of its own, and none the history before the day.
	knownTransactions = "SELECT " + compareColumns.names("") + " FROM transactions WHERE account_id = ?1 AND date >= ?2" +
		" UNION ALL SELECT " + compareColumns.names("") + " FROM transactions WHERE account_id = ?1 AND date < ?2 AND status = 'PENDING'" +
		" UNION ALL SELECT " + compareColumns.names("") + " FROM transactions WHERE account_id = ?1 AND date < ?2 AND undated AND status <> 'PENDING'"
	oldestPending = "SELECT COALESCE(MIN(date), ''), COALESCE(MIN(CASE WHEN undated THEN NULL ELSE date END), '')" +
		" FROM transactions WHERE account_id = ?1 AND status = 'PENDING'"
	oldestOfChannels = "SELECT date FROM transactions WHERE account_id = ?1 AND NOT undated AND channel_definition_id NOT LIKE 'file.%' ORDER BY date LIMIT 1"
	keptTransactions = "SELECT " + keptColumns.names("") + " FROM transactions" +
		" WHERE account_id = ?1 AND imported_at > ?2 ORDER BY imported_at LIMIT CAST(?3 AS BIGINT)"
	updateTransaction = "UPDATE transactions SET " + updateColumns.assignments() +
		" WHERE id = ?" + strconv.Itoa(len(updateColumns)+1)
	absentTransaction = "UPDATE transactions SET missing_since = ?1, absent_on = ?2 WHERE id = ?3"
	cancelTransaction = "UPDATE transactions SET status = 'CANCELLED', absent_on = ?1, updated_at = ?2 WHERE id = ?3"
	// anyOfManyIDs compares the stored with the given list, anyID looks for one id in the
	// text of the stored list. No index holds the members of a list.
	anyOfManyIDs = map[Dialect]string{
		SQLite:   "EXISTS (SELECT 1 FROM json_each(bank_ids) AS held WHERE held.value IN (SELECT given.value FROM json_each(?3) AS given))",
		Postgres: "jsonb_exists_any(bank_ids::jsonb, ARRAY(SELECT json_array_elements_text(CAST(?3 AS TEXT)::json)))",
	}
	anyID = map[Dialect]string{SQLite: "instr(bank_ids, ?%d) > 0", Postgres: "strpos(bank_ids, ?%d) > 0"}
)

// fewIDs is up to how many ids it is faster to look for each of them.
const fewIDs = 10

// Transaction returns a transaction of a user.
func (r Reader) Transaction(ctx context.Context, user oxlin.UserID, id oxlin.TransactionID) (oxlin.Transaction, error) {
	record, err := showColumns.scanner().scan(r.raw.QueryRowContext(ctx, findTransaction, id, user).Scan)
	return found(record, err, "transaction", func(r *TransactionRecord) oxlin.Transaction { return r.Transaction })
}

// KnownTransactions lists an account's transactions from a day on, and all
// pending and undated ones, in the order of import. Only the fields that reconciliation compares are
// filled.
func (r Reader) KnownTransactions(ctx context.Context, id oxlin.AccountID, since oxlin.Date) ([]TransactionRecord, error) {
	return inOrderOfImport(r.transactions(ctx, compareColumns, knownTransactions, id, since))
}

// inOrderOfImport sorts a list that the database has no index to sort.
func inOrderOfImport(list []TransactionRecord, err error) ([]TransactionRecord, error) {
	slices.SortFunc(list, func(a, b TransactionRecord) int { return a.ImportedAt.Compare(b.ImportedAt) })
	return list, err
}

// OldestPending returns the day of the oldest pending transaction of an account, and of the
// oldest one to which the bank gives a day; zero without any.
func OldestPending(ctx context.Context, r Reader, id oxlin.AccountID) (oldest, dated oxlin.Date, err error) {
	err = r.raw.QueryRowContext(ctx, oldestPending, id).Scan(&oldest, &dated)
	if err != nil {
		err = fmt.Errorf("find the oldest pending transaction: %w", err)
	}
	return oldest, dated, err
}

// OldestOfChannels returns the day of the oldest transaction of an account that did not come in a
// file alone; zero without any.
func OldestOfChannels(ctx context.Context, r Reader, id oxlin.AccountID) (oldest oxlin.Date, err error) {
	err = r.raw.QueryRowContext(ctx, oldestOfChannels, id).Scan(&oldest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return oldest, fmt.Errorf("find the oldest transaction of a channel: %w", err)
	}
	return oldest, nil
}

// RowsVersion returns the version of an account's stored transactions. A caller that reads it before
// the transactions can compute outside of a database transaction what to change.
func RowsVersion(ctx context.Context, r Reader, id oxlin.AccountID) (int64, error) {
	version, err := r.q.FindRowsVersion(ctx, id)
	return found(version, err, "account", func(version int64) int64 { return version })
}

// MoveRowsVersion moves the version of an account's transactions on, and reports whether it was
// the given one: if not, they have changed since it was read.
func MoveRowsVersion(ctx context.Context, tx *Tx, id oxlin.AccountID, version int64) (bool, error) {
	n, err := tx.q.MoveRowsVersion(ctx, query.MoveRowsVersionParams{ID: id, Version: version})
	if err != nil {
		return false, fmt.Errorf("move the version of transactions: %w", err)
	}
	return n > 0, nil
}

// ChangeRowsVersion moves the version of an account's transactions on, whatever it was.
func ChangeRowsVersion(ctx context.Context, tx *Tx, id oxlin.AccountID) error {
	err := tx.q.ChangeRowsVersion(ctx, id)
	if err != nil {
		return fmt.Errorf("change the version of transactions: %w", err)
	}
	return nil
}

// IdentifiedTransactions lists the transactions that KnownTransactions leaves out because
// they are older than the day, and that have one of the bank's ids.
func (r Reader) IdentifiedTransactions(ctx context.Context, id oxlin.AccountID, before oxlin.Date, bankIDs []string) ([]TransactionRecord, error) {
	if len(bankIDs) == 0 {
		return nil, nil
	}
	texts := make([]string, 0, len(bankIDs))
	for _, bankID := range bankIDs {
		text, err := json.Marshal(bankID)
		if err != nil {
			return nil, fmt.Errorf("list transactions by id: %w", err)
		}
		texts = append(texts, string(text))
	}
	condition, args := anyOfManyIDs[r.dialect], []any{id, before}
	if len(texts) > fewIDs {
		args = append(args, "["+strings.Join(texts, ",")+"]")
	} else {
		var terms []string
		for _, text := range texts {
			args = append(args, text)
			terms = append(terms, fmt.Sprintf(anyID[r.dialect], len(args)))
		}
		condition = "(" + strings.Join(terms, " OR ") + ")"
	}
	found, err := r.transactions(ctx, compareColumns, "SELECT "+compareColumns.names("")+" FROM transactions"+
		" WHERE account_id = ?1 AND date < ?2 AND status <> 'PENDING' AND NOT undated AND bank_ids <> '[]' AND "+condition+
		" ORDER BY imported_at", args...)
	// An id with a quotation mark may have looked like another one.
	return slices.DeleteFunc(found, func(record TransactionRecord) bool {
		return !slices.ContainsFunc(record.BankIDs, func(held string) bool { return slices.Contains(bankIDs, held) })
	}), err
}

// KeptTransactions lists at most so many transactions of an account, with all of their
// fields, in the order of import. It begins after an instant of import.
func (r Reader) KeptTransactions(ctx context.Context, id oxlin.AccountID, after time.Time, most int) ([]TransactionRecord, error) {
	return r.transactions(ctx, keptColumns, keptTransactions, id, query.At(after), most)
}

// transactions runs a query that selects the given columns.
func (r Reader) transactions(ctx context.Context, columns columns, text string, args ...any) ([]TransactionRecord, error) {
	list := []TransactionRecord{}
	err := eachTransaction(ctx, r, columns, func(record *TransactionRecord) { list = append(list, *record) }, text, args...)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// eachTransaction calls use with each row of a query. The next row overwrites the record.
func eachTransaction(ctx context.Context, r Reader, columns columns, use func(*TransactionRecord), text string, args ...any) error {
	rows, err := r.raw.QueryContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("list transactions: %w", err)
	}
	defer rows.Close()
	scanner := columns.scanner()
	for rows.Next() {
		record, err := scanner.scan(rows.Scan)
		if err != nil {
			return fmt.Errorf("list transactions: %w", err)
		}
		use(record)
	}
	err = rows.Err()
	if err != nil {
		return fmt.Errorf("list transactions: %w", err)
	}
	return nil
}

// insertBatch is the number of rows that one statement inserts. Large batches save
// round trips to PostgreSQL. SQLite has no round trips, and the time of its driver for
// each parameter grows with the number of parameters.
var insertBatch = map[Dialect]int{SQLite: 8, Postgres: 200}

// InsertBatch is the number of transactions that InsertTransactions stores with one statement.
func InsertBatch(tx *Tx) int { return insertBatch[tx.dialect] }

// InsertTransactions stores new transactions of one account in order. Each gets an
// instant of import later than all earlier ones of the user. It inserts in bulk because
// no other write is as frequent.
func (tx *Tx) InsertTransactions(ctx context.Context, user oxlin.UserID, records []TransactionRecord, now time.Time) error {
	if len(records) == 0 {
		return nil
	}
	first, err := tx.reserveImports(ctx, user, len(records), now)
	if err != nil {
		return err
	}
	size := insertBatch[tx.dialect]
	var row transactionRow // reused: the arguments are copies
	for start := 0; start < len(records); start += size {
		batch := records[start:min(start+size, len(records))]
		args := make([]any, 0, len(batch)*len(insertColumns))
		for i, record := range batch {
			row = transactionRow{user, record}
			row.ImportedAt = first.Add(time.Duration(start+i) * time.Microsecond)
			row.UpdatedAt = time.Time{}
			args = insertColumns.appendValues(args, &row)
		}
		_, err := tx.raw.ExecContext(ctx, insertStatement(tx.dialect, len(batch)), args...)
		if err != nil {
			return fmt.Errorf("insert transactions: %w", err)
		}
	}
	return nil
}

// insertStatement returns one text for each batch size. Unnumbered parameters are the
// fastest for SQLite's driver.
func insertStatement(dialect Dialect, rows int) string {
	var text strings.Builder
	text.WriteString("INSERT INTO transactions (" + insertColumns.names("") + ") VALUES ")
	for n := range rows * len(insertColumns) {
		switch {
		case n == 0:
			text.WriteByte('(')
		case n%len(insertColumns) == 0:
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

// UpdateTransaction writes the bank's changes to a transaction. Its id and its instant
// of import do not change.
func (tx *Tx) UpdateTransaction(ctx context.Context, t TransactionRecord) error {
	args := append(updateColumns.appendValues(nil, &transactionRow{TransactionRecord: t}), t.ID)
	_, err := tx.raw.ExecContext(ctx, updateTransaction, args...)
	if err != nil {
		return fmt.Errorf("update transaction: %w", err)
	}
	return nil
}

// SetTransactionStatus changes only the status and the time of the update.
func (tx *Tx) SetTransactionStatus(ctx context.Context, id oxlin.TransactionID, status oxlin.TransactionStatus, now time.Time) error {
	err := tx.q.SetTransactionStatus(ctx, query.SetTransactionStatusParams{ID: id, Status: status, UpdatedAt: query.At(now)})
	if err != nil {
		return fmt.Errorf("set transaction status: %w", err)
	}
	return nil
}

// SetTransactionAbsent records since when and on which days complete readings have lacked
// a transaction.
func (tx *Tx) SetTransactionAbsent(ctx context.Context, id oxlin.TransactionID, since oxlin.Date, days []oxlin.Date) error {
	_, err := tx.raw.ExecContext(ctx, absentTransaction, since, query.AsJSON(days), id)
	if err != nil {
		return fmt.Errorf("set transaction absent: %w", err)
	}
	return nil
}

// CancelTransaction records that enough complete readings have lacked a transaction.
func (tx *Tx) CancelTransaction(ctx context.Context, id oxlin.TransactionID, days []oxlin.Date, now time.Time) error {
	_, err := tx.raw.ExecContext(ctx, cancelTransaction, query.AsJSON(days), query.At(now), id)
	if err != nil {
		return fmt.Errorf("cancel transaction: %w", err)
	}
	return nil
}

// TransactionFilter selects a user's transactions (contract §3.9). Zero fields do not
// filter, except that cancelled transactions need IncludedStatuses (contract §12.4).
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
	// StartImport is the earliest instant of import, inclusively.
	StartImport time.Time
	// NewestFirst reverses the order.
	NewestFirst bool
	// After is the instant of import of the row before the list; the list continues after
	// that row in its order.
	After time.Time
}

// condition returns the filter as SQL. Every value is a parameter, so that there are
// few texts and prepared statements can be reused.
// Hidden are the user's accounts that are being deleted.
func (f TransactionFilter) condition(dialect Dialect, user oxlin.UserID, hidden []oxlin.AccountID) (string, []any) {
	var args []any
	parameter := func(v any) string {
		args = append(args, v)
		return dialect.parameter(len(args))
	}
	terms := []string{"t.user_id = " + parameter(user)}
	terms = append(terms, in("t.account_id", f.Accounts, parameter)...)
	for _, account := range hidden {
		terms = append(terms, "t.account_id <> "+parameter(account))
	}
	terms = append(terms, in("t.origin", f.Origins, parameter)...)
	switch {
	case len(f.IncludedStatuses) == 0:
		terms = append(terms, "t.status <> 'CANCELLED'")
	case len(f.IncludedStatuses) == 1 && f.IncludedStatuses[0] == oxlin.StatusPending:
		terms = append(terms, "t.status = 'PENDING'") // a parameter would hide its index
	default:
		terms = append(terms, in("t.status", f.IncludedStatuses, parameter)...)
	}
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
	switch {
	case f.After.IsZero():
	case f.NewestFirst:
		terms = append(terms, "t.imported_at < "+parameter(query.At(f.After)))
	default:
		terms = append(terms, "t.imported_at > "+parameter(query.At(f.After)))
	}
	return strings.Join(terms, " AND "), args
}

// in returns one IN term, or nil for an empty list.
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

// page returns the statement for one page of a user's transactions. What is skipped is read
// from an index alone. On SQLite, which takes a filter's values from the index too, a page that
// skips nothing needs no second look-up and no sorting.
func (f TransactionFilter) page(dialect Dialect, user oxlin.UserID, hidden []oxlin.AccountID, skip, most int) (string, []any) {
	condition, args := f.condition(dialect, user, hidden)
	order := " ORDER BY t.imported_at"
	if f.NewestFirst {
		order += " DESC"
	}
	args = append(args, most)
	if skip == 0 && dialect == SQLite {
		return "SELECT " + showColumns.names("t.") + " FROM transactions t WHERE " + condition +
			order + " LIMIT CAST(" + dialect.parameter(len(args)) + " AS BIGINT)", args
	}
	args = append(args, skip)
	return "SELECT " + showColumns.names("t.") + " FROM transactions t JOIN (SELECT t.id FROM transactions t WHERE " + condition +
		order + " LIMIT CAST(" + dialect.parameter(len(args)-1) + " AS BIGINT) OFFSET " + dialect.parameter(len(args)) + ") page ON page.id = t.id" + order, args
}

// Transactions returns one page of a user's transactions in the order of import or its
// reverse, without the first skip. Transactions are stored only after consent, so none
// has to be hidden. Skipping reads only the index: page 1,000 costs little more than
// page 1.
func (r Reader) Transactions(ctx context.Context, user oxlin.UserID, f TransactionFilter, skip, most int) ([]oxlin.Transaction, error) {
	hidden, err := r.q.ListDeletingAccountsOfUser(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	text, args := f.page(r.dialect, user, hidden, skip, most)
	list := make([]oxlin.Transaction, 0, min(most, 100)) // most lists are as long
	err = eachTransaction(ctx, r, showColumns, func(record *TransactionRecord) { list = append(list, record.Transaction) }, text, args...)
	if err != nil {
		return nil, err
	}
	return list, nil
}
