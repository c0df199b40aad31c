package synchro

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// Reconciliation sees every field of a stored transaction under the same name: each
// gets a value of its own, so that a forgotten or swapped field differs.
func TestReconciliationSeesEveryStoredField(t *testing.T) {
	var record store.TransactionRecord
	var want reconcile.Known
	stored, known := reflect.ValueOf(&record).Elem(), reflect.ValueOf(&want).Elem()
	for i := range known.NumField() {
		name := known.Type().Field(i).Name
		var value any
		switch known.Field(i).Interface().(type) {
		case oxlin.Date:
			value = oxlin.NewDate(2026, 1, i+1)
		case []oxlin.Date:
			value = []oxlin.Date{oxlin.NewDate(2026, 2, i+1)}
		case []string:
			value = []string{name}
		case *oxlin.Amount:
			amount := oxlin.Amount(i + 1)
			value = &amount
		case oxlin.Amount:
			value = oxlin.Amount(i + 1)
		case oxlin.TransactionID:
			value = oxlin.TransactionID(i + 1)
		default:
			value = reflect.ValueOf(fmt.Sprint(name, i)).Convert(known.Field(i).Type()).Interface()
		}
		known.Field(i).Set(reflect.ValueOf(value))
		stored.FieldByName(name).Set(reflect.ValueOf(value))
	}
	if diff := cmp.Diff(want, knownOf(record), cmpopts.EquateComparable(oxlin.Date{})); diff != "" {
		t.Error(diff)
	}
}
