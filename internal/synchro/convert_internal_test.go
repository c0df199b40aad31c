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
		case [][]oxlin.ChannelDefinitionID:
			value = [][]oxlin.ChannelDefinitionID{{oxlin.ChannelDefinitionID(name)}}
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

// TestAbsenceOfACard finds the first day of a card's statement, as far as the bank lets know.
func TestAbsenceOfACard(t *testing.T) {
	november := func(day int) oxlin.Date { return oxlin.NewDate(2026, 11, day) }
	for name, c := range map[string]struct {
		kind  oxlin.AccountType
		next  oxlin.Date // the bank's next debit
		plain bool       // the bank tells nothing of the card
		today oxlin.Date
		want  oxlin.Date
	}{
		"an account":                           {kind: oxlin.AccountCheckings, next: november(30), today: november(18)},
		"savings":                              {kind: oxlin.AccountSavings, today: november(18)},
		"a card of which nothing is known":     {kind: oxlin.AccountCreditCard, plain: true, today: november(18), want: november(1)},
		"a card without a debit":               {kind: oxlin.AccountCreditCard, today: november(18), want: november(1)},
		"on the first of a month":              {kind: oxlin.AccountCreditCard, today: november(1), want: november(1)},
		"the next debit at the month's end":    {kind: oxlin.AccountCreditCard, next: november(30), today: november(18), want: november(3)},
		"the next debit in the next month":     {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2026, 12, 4), today: november(18), want: november(7)},
		"the debit is today":                   {kind: oxlin.AccountCreditCard, next: november(18), today: november(18), want: november(19)},
		"the debit was this month":             {kind: oxlin.AccountCreditCard, next: november(4), today: november(18), want: november(5)},
		"the debit was the day before":         {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2026, 10, 31), today: november(18), want: november(1)},
		"the bank never tells another debit":   {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2026, 5, 31), today: november(18), want: november(1)},
		"the debit is further than a month":    {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2026, 12, 31), today: november(18), want: oxlin.NewDate(2026, 12, 4)},
		"across a year":                        {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2027, 1, 5), today: oxlin.NewDate(2026, 12, 31), want: oxlin.NewDate(2026, 12, 9)},
		"in a month of 28 days":                {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2027, 3, 1), today: oxlin.NewDate(2027, 2, 10), want: oxlin.NewDate(2027, 2, 2)},
		"a debit far in the past, another day": {kind: oxlin.AccountCreditCard, next: oxlin.NewDate(2020, 1, 1), today: oxlin.NewDate(2026, 3, 1), want: oxlin.NewDate(2026, 3, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			account := oxlin.Account{Type: c.kind}
			if !c.plain {
				account.Details.CreditCard = &oxlin.CardDetails{NextDebitDate: c.next}
			}
			if got := absenceFrom(account, c.today); got != c.want {
				t.Errorf("rows from %s on may be missing, want %s", got, c.want)
			}
		})
	}
}
