package store

import (
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// transactionRow is a row of the table transactions.
type transactionRow struct {
	UserID oxlin.UserID
	TransactionRecord
}

// transactionUse is a set of statements that a column appears in.
type transactionUse uint8

const (
	// inserted columns are written with a new transaction: all but the id.
	inserted transactionUse = 1 << iota
	// updated columns are written again when the bank changes the transaction.
	updated
	// shown columns are read for clients: the fields of oxlin.Transaction.
	shown
	// compared columns are read for reconciliation.
	compared
	// kept columns are read to derive the row anew: all of TransactionRecord.
	kept
)

// transactionColumn binds a column to the field that holds it. Writing and reading
// go through the same binding, so a value cannot end up in another field.
type transactionColumn struct {
	name string
	uses transactionUse
	// value returns what a statement writes; target returns what a row is scanned into.
	value, target func(*transactionRow) any
}

// transactionColumns is the only list of the table's columns. A new field of
// TransactionRecord needs one line here and a migration.
//
// A field without a line compiles. Go's two checks of completeness do not help: an unkeyed
// literal would be a second list, in which two fields of one type can be swapped, and a
// conversion between struct types needs the same types on both sides, but several columns
// hold JSON, sealed bytes or microseconds. TestEveryFieldOfATransactionHasItsColumn fails
// instead: it gives every field a value of its own and reads the row by the columns' names.
var transactionColumns = []transactionColumn{
	plain("id", shown|compared|kept, func(r *transactionRow) *oxlin.TransactionID { return &r.ID }),
	plain("user_id", inserted, func(r *transactionRow) *oxlin.UserID { return &r.UserID }),
	plain("account_id", inserted|shown|compared|kept, func(r *transactionRow) *oxlin.AccountID { return &r.AccountID }),
	plain("amount", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.Amount { return &r.Amount }),
	plain("currency", inserted|updated|shown|compared|kept, func(r *transactionRow) *string { return &r.Currency }),
	plain("type", inserted|updated|shown|kept, func(r *transactionRow) *oxlin.TransactionType { return &r.Type }),
	plain("status", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.TransactionStatus { return &r.Status }),
	plain("origin", inserted|shown|kept, func(r *transactionRow) *oxlin.Origin { return &r.Origin }),
	plain("category", inserted|shown|kept, func(r *transactionRow) *string { return &r.Category }),
	plain("date", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.Date { return &r.Date }),
	plain("undated", inserted|updated|shown|compared|kept, func(r *transactionRow) *bool { return &r.Undated }),
	plain("booking_date", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.Date { return &r.BookingDate }),
	plain("value_date", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.Date { return &r.ValueDate }),
	plain("transaction_date", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.Date { return &r.TransactionDate }),
	plain("label", inserted|updated|shown|kept, func(r *transactionRow) *string { return &r.Label }),
	plain("notes", inserted|updated|shown|kept, func(r *transactionRow) *string { return &r.Notes }),
	plain("source_label", inserted|updated|shown|kept, func(r *transactionRow) *string { return &r.SourceLabel }),
	asJSON("remittance", inserted|updated|shown|kept, func(r *transactionRow) *[]string { return &r.Remittance }),
	plain("check_number", inserted|updated|shown|compared|kept, func(r *transactionRow) *string { return &r.CheckNumber }),
	plain("counterparty", inserted|updated|shown|compared|kept, func(r *transactionRow) *string { return &r.Counterparty }),
	asInstant("imported_at", inserted|shown|kept, func(r *transactionRow) *time.Time { return &r.ImportedAt }),
	asInstant("updated_at", inserted|updated|shown|kept, func(r *transactionRow) *time.Time { return &r.UpdatedAt }),
	asJSON("bank_ids", inserted|updated|compared|kept, func(r *transactionRow) *[]string { return &r.BankIDs }),
	plain("words", inserted|updated|compared|kept, func(r *transactionRow) *string { return &r.Words }),
	plain("end_to_end_id", inserted|updated|compared|kept, func(r *transactionRow) *string { return &r.EndToEndID }),
	plain("mandate_id", inserted|updated|compared|kept, func(r *transactionRow) *string { return &r.MandateID }),
	plain("balance_after", inserted|updated|compared|kept, func(r *transactionRow) **oxlin.Amount { return &r.BalanceAfter }),
	plain("channel_definition_id", inserted|updated|compared|kept, func(r *transactionRow) *oxlin.ChannelDefinitionID { return &r.Channel }),
	plain("missing_since", inserted|updated|shown|compared|kept, func(r *transactionRow) *oxlin.Date { return &r.MissingSince }),
	asJSON("absent_on", inserted|updated|compared|kept, func(r *transactionRow) *[]oxlin.Date { return &r.AbsentOn }),
	plain("merged", inserted|updated|kept, func(r *transactionRow) *bool { return &r.Merged }),
	asJSON("import_source", inserted|kept, func(r *transactionRow) *oxlin.ImportSource { return &r.ImportSource }),
	asJSON("derivation", inserted|updated|kept, func(r *transactionRow) *oxlin.Derivation { return &r.Derivation }),
	plain("raw", inserted|updated|kept, func(r *transactionRow) *[]byte { return &r.Raw }),
}

// plain is a column that database/sql reads and writes without a wrapper.
func plain[T any](name string, uses transactionUse, field func(*transactionRow) *T) transactionColumn {
	return transactionColumn{
		name: name, uses: uses,
		value:  func(r *transactionRow) any { return *field(r) },
		target: func(r *transactionRow) any { return field(r) },
	}
}

// asJSON is a column of JSON text.
func asJSON[T any](name string, uses transactionUse, field func(*transactionRow) *T) transactionColumn {
	return transactionColumn{
		name: name, uses: uses,
		value:  func(r *transactionRow) any { return query.AsJSON(*field(r)) },
		target: func(r *transactionRow) any { return query.ScanJSON(field(r)) },
	}
}

// asInstant is a column of microseconds.
func asInstant(name string, uses transactionUse, field func(*transactionRow) *time.Time) transactionColumn {
	return transactionColumn{
		name: name, uses: uses,
		value:  func(r *transactionRow) any { return query.At(*field(r)) },
		target: func(r *transactionRow) any { return query.ScanInstant(field(r)) },
	}
}

// columns is the list of the columns that one statement uses, in its order.
type columns []transactionColumn

func columnsFor(use transactionUse) columns {
	var list columns
	for _, c := range transactionColumns {
		if c.uses&use != 0 {
			list = append(list, c)
		}
	}
	return list
}

var (
	insertColumns  = columnsFor(inserted)
	updateColumns  = columnsFor(updated)
	showColumns    = columnsFor(shown)
	compareColumns = columnsFor(compared)
	keptColumns    = columnsFor(kept)
)

// names lists the columns' names with a prefix, for example "t.".
func (list columns) names(prefix string) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = prefix + c.name
	}
	return strings.Join(names, ", ")
}

// assignments lists "name = ?n" for SET, numbered from 1.
func (list columns) assignments() string {
	terms := make([]string, len(list))
	for i, c := range list {
		terms[i] = c.name + " = ?" + strconv.Itoa(i+1)
	}
	return strings.Join(terms, ", ")
}

// appendValues appends what a statement writes for one row.
func (list columns) appendValues(args []any, row *transactionRow) []any {
	for _, c := range list {
		args = append(args, c.value(row))
	}
	return args
}

// scan reads one row with rows.Scan or row.Scan.
func (list columns) scan(scan func(...any) error) (TransactionRecord, error) {
	var row transactionRow
	targets := make([]any, len(list))
	for i, c := range list {
		targets[i] = c.target(&row)
	}
	err := scan(targets...)
	return row.TransactionRecord, err
}
