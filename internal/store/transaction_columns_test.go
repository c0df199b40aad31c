package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// distinct returns a record in which every field has a value of its own, except the
// account, which must exist.
func (w world) distinct(t *testing.T, seed int) store.TransactionRecord {
	t.Helper()
	var record store.TransactionRecord
	for _, field := range reflect.VisibleFields(reflect.TypeFor[store.TransactionRecord]()) {
		if field.Anonymous {
			continue
		}
		seed++
		value := reflect.ValueOf(&record).Elem().FieldByIndex(field.Index)
		switch target := value.Addr().Interface().(type) {
		case *oxlin.Date:
			*target = oxlin.NewDate(2026, 1, seed)
		case *time.Time:
			*target = now.Add(time.Duration(seed) * time.Hour)
		case *[]string:
			*target = []string{field.Name, fmt.Sprint(seed)}
		case *[][]oxlin.ChannelDefinitionID:
			*target = [][]oxlin.ChannelDefinitionID{{"8700"}, {oxlin.ChannelDefinitionID(fmt.Sprint(seed))}}
		case *[]oxlin.Date:
			*target = []oxlin.Date{oxlin.NewDate(2026, 2, seed)}
		case *oxlin.ImportSource:
			*target = oxlin.ImportSource{Sync: oxlin.SyncID(seed), Channel: "8701", CategoryRule: "brand"}
		case *oxlin.Derivation:
			*target = oxlin.Derivation{LabelRule: "line", TypeRule: fmt.Sprint(seed), Unread: []string{"status"}}
		case *[]byte:
			*target = fmt.Append(nil, field.Name, seed)
		case **oxlin.Amount:
			amount := oxlin.Amount(seed)
			*target = &amount
		default:
			switch value.Kind() {
			case reflect.String:
				value.SetString(fmt.Sprint(field.Name, seed))
			case reflect.Int64:
				value.SetInt(int64(seed))
			case reflect.Bool:
				value.SetBool(true)
			default:
				t.Fatalf("no distinct value for %s, a %s", field.Name, field.Type)
			}
		}
	}
	record.AccountID = w.account
	return record
}

// storedRow reads a row of transactions by the names of its columns, without the
// store's own list of them.
func storedRow(t *testing.T, db *store.DB, id oxlin.TransactionID) map[string]any {
	t.Helper()
	pool := db.SQLite()
	if pool == nil {
		pool = stdlib.OpenDBFromPool(db.Postgres())
		defer pool.Close()
	}
	rows := must[*sql.Rows](t)(pool.QueryContext(t.Context(), fmt.Sprintf("SELECT * FROM transactions WHERE id = %d", int64(id))))
	defer rows.Close()
	names := must[[]string](t)(rows.Columns())
	if !rows.Next() {
		t.Fatal("no row", rows.Err())
	}
	values, targets := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		targets[i] = &values[i]
	}
	err := rows.Scan(targets...)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]any{}
	for i, name := range names {
		stored[name] = values[i]
	}
	return stored
}

var wordBegins = regexp.MustCompile(`([a-z])([A-Z])`)

// columnOf is the column that a field is expected in.
func columnOf(field string) string {
	if field == "Channel" {
		return "channel_definition_id"
	}
	return strings.ToLower(wordBegins.ReplaceAllString(strings.Replace(field, "IDs", "Ids", 1), "${1}_$2"))
}

// databaseText is the text of a value as a column holds it.
func databaseText(t *testing.T, value any) string {
	t.Helper()
	switch v := value.(type) {
	case time.Time:
		if v.IsZero() {
			return "0"
		}
		return fmt.Sprint(v.UnixMicro())
	case []byte:
		return string(v)
	case []string, [][]oxlin.ChannelDefinitionID, []oxlin.Date, oxlin.ImportSource, oxlin.Derivation:
		return string(must[[]byte](t)(json.Marshal(v)))
	case oxlin.Amount:
		return fmt.Sprint(int64(v))
	case *oxlin.Amount:
		return fmt.Sprint(int64(*v))
	case bool:
		// SQLite has no booleans.
		if v {
			return "1"
		}
		return "0"
	case oxlin.TransactionID:
		return fmt.Sprint(int64(v))
	case oxlin.AccountID:
		return fmt.Sprint(int64(v))
	}
	return fmt.Sprint(value)
}

// wantStored compares every field of a record, and every column, with the row.
func wantStored(t *testing.T, db *store.DB, user oxlin.UserID, want store.TransactionRecord) {
	t.Helper()
	stored := storedRow(t, db, want.ID)
	if got := fmt.Sprint(stored["user_id"]); got != fmt.Sprint(int64(user)) {
		t.Errorf("user_id is %s", got)
	}
	delete(stored, "user_id")
	for _, field := range reflect.VisibleFields(reflect.TypeFor[store.TransactionRecord]()) {
		if field.Anonymous {
			continue
		}
		column := columnOf(field.Name)
		value, ok := stored[column]
		if !ok {
			t.Errorf("%s has no column %s", field.Name, column)
			continue
		}
		delete(stored, column)
		wanted := databaseText(t, reflect.ValueOf(want).FieldByIndex(field.Index).Interface())
		if got := databaseText(t, value); got != wanted {
			t.Errorf("column %s is %q; want %q of %s", column, got, wanted, field.Name)
		}
	}
	for column := range stored {
		t.Errorf("column %s has no field", column)
	}
}

func TestEveryFieldOfATransactionHasItsColumn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		record := w.distinct(t, 1)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, []store.TransactionRecord{record}, now)
		})
		list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10))
		// The store decides these.
		record.ID, record.ImportedAt, record.UpdatedAt = list[0].ID, now, time.Time{}
		wantStored(t, db, w.user, record)

		changed := w.distinct(t, 1000)
		changed.ID = record.ID
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateTransaction(ctx, changed) })
		// An update keeps these.
		changed.ImportedAt, changed.Origin, changed.Category, changed.ImportSource = record.ImportedAt, record.Origin, record.Category, record.ImportSource
		wantStored(t, db, w.user, changed)

		one := must[oxlin.Transaction](t)(db.Read().Transaction(t.Context(), w.user, record.ID))
		if diff := difference(changed.Transaction, one); diff != "" {
			t.Error(diff)
		}
		list = must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10))
		if diff := difference([]oxlin.Transaction{changed.Transaction}, list); diff != "" {
			t.Error(diff)
		}
	})
}
