package store

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// shownFields binds each field of oxlin.Transaction to its column. All columns are read to
// derive a row anew, and all but the id are inserted; a tag names the other statements:
//
//   - update writes the column again when the bank changes the transaction,
//   - compare reads it for reconciliation.
//
// Clients see the columns of shownFields alone.
type shownFields struct {
	ID              oxlin.TransactionID     `column:"id" in:"compare"`
	AccountID       oxlin.AccountID         `column:"account_id" in:"compare"`
	Amount          oxlin.Amount            `column:"amount" in:"update compare"`
	Currency        string                  `column:"currency" in:"update compare"`
	Type            oxlin.TransactionType   `column:"type" in:"update"`
	Status          oxlin.TransactionStatus `column:"status" in:"update compare"`
	Origin          oxlin.Origin            `column:"origin"`
	Category        string                  `column:"category"`
	Date            oxlin.Date              `column:"date" in:"update compare"`
	Undated         bool                    `column:"undated" in:"update compare"`
	BookingDate     oxlin.Date              `column:"booking_date" in:"update compare"`
	ValueDate       oxlin.Date              `column:"value_date" in:"update compare"`
	TransactionDate oxlin.Date              `column:"transaction_date" in:"update compare"`
	Label           string                  `column:"label" in:"update"`
	Notes           string                  `column:"notes" in:"update"`
	SourceLabel     string                  `column:"source_label" in:"update"`
	Remittance      []string                `column:"remittance" in:"update"`
	CheckNumber     string                  `column:"check_number" in:"update compare"`
	Counterparty    string                  `column:"counterparty" in:"update compare"`
	ImportedAt      time.Time               `column:"imported_at" in:"compare"`
	UpdatedAt       time.Time               `column:"updated_at" in:"update"`
	MissingSince    oxlin.Date              `column:"missing_since" in:"update compare"`
}

// recordFields does the same for the rest of TransactionRecord.
type recordFields struct {
	oxlin.Transaction
	BankIDs       []string                      `column:"bank_ids" in:"update compare"`
	ChannelsOfIDs [][]oxlin.ChannelDefinitionID `column:"channels_of_ids" in:"update compare"`
	Words         string                        `column:"words" in:"update compare"`
	EndToEndID    string                        `column:"end_to_end_id" in:"update compare"`
	MandateID     string                        `column:"mandate_id" in:"update compare"`
	BalanceAfter  *oxlin.Amount                 `column:"balance_after" in:"update compare"`
	Channel       oxlin.ChannelDefinitionID     `column:"channel_definition_id" in:"update compare"`
	AbsentOn      []oxlin.Date                  `column:"absent_on" in:"update compare"`
	Merged        bool                          `column:"merged" in:"update"`
	ImportSource  oxlin.ImportSource            `column:"import_source"`
	Derivation    oxlin.Derivation              `column:"derivation" in:"update"`
	Raw           []byte                        `column:"raw" in:"update"`
}

// A field without a column does not compile: Go converts a struct only to one with the same
// fields, whatever their tags.
var (
	_ = shownFields(oxlin.Transaction{})
	_ = recordFields(TransactionRecord{})
)

// transactionRow is a row of the table transactions.
type transactionRow struct {
	UserID oxlin.UserID `column:"user_id"`
	TransactionRecord
}

// transactionColumn is a column and the field of transactionRow that holds it. Writing and
// reading go through the same field, so a value cannot end up in another one.
type transactionColumn struct {
	name string
	// path leads from the row to the field, as reflect.Value.FieldByIndex takes it.
	path []int
	uses []string
}

// columns is the list of the columns that one statement uses, in its order.
type columns []transactionColumn

var (
	showColumns    = columnsOf[shownFields]("TransactionRecord", "Transaction")
	keptColumns    = slices.Concat(showColumns, columnsOf[recordFields]("TransactionRecord"))
	insertColumns  = slices.Concat(columnsOf[transactionRow](), keptColumns.without("id"))
	updateColumns  = keptColumns.usedBy("update")
	compareColumns = keptColumns.usedBy("compare")
)

// columnsOf returns the columns that the fields of T name. The structs that embed T in a
// transactionRow are within.
func columnsOf[T any](within ...string) columns {
	var path []int
	holder := reflect.TypeFor[transactionRow]()
	for _, name := range within {
		embedded, _ := holder.FieldByName(name)
		path, holder = append(path, embedded.Index...), embedded.Type
	}
	var list columns
	for i, field := range slices.Collect(reflect.TypeFor[T]().Fields()) {
		if !field.Anonymous {
			list = append(list, transactionColumn{field.Tag.Get("column"), append(slices.Clone(path), i), strings.Fields(field.Tag.Get("in"))})
		}
	}
	return list
}

// usedBy returns the columns of the statement that a tag calls use.
func (list columns) usedBy(use string) columns {
	return slices.DeleteFunc(slices.Clone(list), func(c transactionColumn) bool { return !slices.Contains(c.uses, use) })
}

// without returns the columns but one.
func (list columns) without(name string) columns {
	return slices.DeleteFunc(slices.Clone(list), func(c transactionColumn) bool { return c.name == name })
}

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
	fields := reflect.ValueOf(row).Elem()
	for _, c := range list {
		field := fields.FieldByIndex(c.path)
		if v := variable(field.Addr().Interface()); v != nil {
			args = append(args, v.Argument())
		} else {
			args = append(args, field.Interface())
		}
	}
	return args
}

// scanner reads rows of the columns, one after the other.
type scanner struct {
	row     transactionRow
	targets []any
}

// scanner finds the fields of the columns once for all rows of a list.
func (list columns) scanner() *scanner {
	s := &scanner{targets: make([]any, len(list))}
	fields := reflect.ValueOf(&s.row).Elem()
	for i, c := range list {
		s.targets[i] = fields.FieldByIndex(c.path).Addr().Interface()
		if v := variable(s.targets[i]); v != nil {
			s.targets[i] = v
		}
	}
	return s
}

// scan reads a row with rows.Scan or row.Scan. The next call overwrites the record; its lists
// are its own.
func (s *scanner) scan(scan func(...any) error) (*TransactionRecord, error) {
	s.row = transactionRow{}
	return &s.row.TransactionRecord, scan(s.targets...)
}

// variable wraps the pointer to a field whose column holds microseconds or JSON text. It
// returns nil if database/sql needs no wrapper.
func variable(field any) query.Variable {
	switch field := field.(type) {
	case *time.Time:
		return query.InstantIn(field)
	case *[]string:
		return query.JSONIn(field)
	case *[][]oxlin.ChannelDefinitionID:
		return query.JSONIn(field)
	case *[]oxlin.Date:
		return query.JSONIn(field)
	case *oxlin.ImportSource:
		return query.JSONIn(field)
	case *oxlin.Derivation:
		return query.JSONIn(field)
	}
	return nil
}
