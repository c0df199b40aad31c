package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

func TestTransactionsAreFiltered(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		c := w.connection(t, user)
		current := w.account(t, c)
		savings := w.account(t, c, func(a *oxlin.Account) { a.Type = oxlin.AccountSavings })
		make := func(account oxlin.AccountID, sum string, day oxlin.Date, status oxlin.TransactionStatus, category string) oxlin.Transaction {
			return oxlin.Transaction{
				AccountID: account, Amount: amount(t, sum), Currency: "EUR", Type: oxlin.TypeDebit, Status: status,
				Origin: oxlin.OriginTransaction, Category: category, Date: day, Label: "x",
			}
		}
		// 2021-12-20 begins in Paris at 1639954800; it is winter there, an hour before UTC.
		w.transactions(t, user, time.Unix(1639998109, 0),
			make(current, "-79.99", oxlin.NewDate(2021, 12, 19), oxlin.StatusBooked, "SERVICES"),
			make(current, "-80", oxlin.NewDate(2021, 12, 20), oxlin.StatusBooked, "TELECOM"),
			make(current, "1500.5", oxlin.NewDate(2021, 12, 21), oxlin.StatusPending, oxlin.Uncategorized))
		w.transactions(t, user, time.Unix(1639998209, 0),
			make(savings, "0.00001", oxlin.NewDate(2021, 12, 20), oxlin.StatusBooked, "SERVICES"),
			make(savings, "-5", oxlin.NewDate(2020, 1, 1), oxlin.StatusExpired, "SERVICES"))
		// The bank has dropped it: no list has it that does not name its status.
		w.transactions(t, user, time.Unix(1639998009, 0), make(savings, "-6", oxlin.NewDate(2021, 12, 20), oxlin.StatusCancelled, "SERVICES"))
		for _, row := range []struct {
			query string
			want  []string
			field string
		}{
			{query: "", want: []string{"5", "4", "3", "2", "1"}},
			{query: "?account_id=" + current.String(), want: []string{"3", "2", "1"}},
			{query: "?account_id=" + current.String() + "," + savings.String(), want: []string{"5", "4", "3", "2", "1"}},
			{query: "?account_id=nothing", want: []string{}},
			{query: "?account_id=nothing," + savings.String(), want: []string{"5", "4"}},
			{query: "?account_type=SAVINGS", want: []string{"5", "4"}},
			{query: "?account_type=CHECKINGS,CREDIT_CARD", want: []string{"3", "2", "1"}},
			{query: "?origin=TRANSACTION", want: []string{"5", "4", "3", "2", "1"}},
			{query: "?origin=UPCOMING,RECURRING", want: []string{}},
			{query: "?included_statuses=BOOKED", want: []string{"4", "2", "1"}},
			{query: "?included_statuses=PENDING,EXPIRED", want: []string{"5", "3"}},
			{query: "?excluded_statuses=PENDING,EXPIRED", want: []string{"4", "2", "1"}},
			{query: "?included_statuses=CANCELLED", want: []string{"6"}},
			{query: "?included_statuses=CANCELLED,EXPIRED&account_id=" + savings.String(), want: []string{"6", "5"}},
			{query: "?included_statuses=CANCELLED&excluded_statuses=CANCELLED", want: []string{}},
			{query: "?excluded_statuses=CANCELLED", want: []string{"5", "4", "3", "2", "1"}},
			{query: "?category_id=SERVICES,TELECOM", want: []string{"5", "4", "2", "1"}},
			{query: "?amount=-79.99", want: []string{"1"}},
			{query: "?amount=0.00001", want: []string{"4"}},
			{query: "?min_amount=-5", want: []string{"5", "4", "3"}},
			{query: "?max_amount=-79.99", want: []string{"2", "1"}},
			{query: "?min_amount=-80&max_amount=-5.00", want: []string{"5", "2", "1"}},
			{query: "?start_date=1639954800", want: []string{"4", "3", "2"}},
			{query: "?end_date=1639954800", want: []string{"5", "4", "2", "1"}},
			{query: "?start_date=1639954800&end_date=1639954800", want: []string{"4", "2"}},
			// A second before midnight is the day before, whatever the day is in UTC.
			{query: "?start_date=1639954799&end_date=1639954799", want: []string{"1"}},
			// The largest instant, in any zone.
			{query: "?end_date=253402300799", want: []string{"5", "4", "3", "2", "1"}},
			{query: "?start_date=253402300799", want: []string{}},
			{query: "?start_import_date=1639998209", want: []string{"4", "5"}},
			{query: "?start_import_date=1639998209&sort=-import_date", want: []string{"5", "4"}},
			{query: "?start_import_date=1639998209&sort=import_date", want: []string{"4", "5"}},
			{query: "?start_import_date=1639998210", want: []string{}},
			{query: "?limit=2", want: []string{"5", "4"}},
			{query: "?limit=2&page=2", want: []string{"3", "2"}},
			{query: "?limit=2&page=3", want: []string{"1"}},
			{query: "?limit=2&page=4", want: []string{}},
			{query: "?sort=import_date&limit=2", want: []string{"1", "2"}},
			{query: "?sort=-import_date&limit=2", want: []string{"5", "4"}},
			{query: "?sort=-import_date&limit=2&page=3", want: []string{"1"}},
			{query: "?sort=amount", field: "sort"},
			{query: "?limit=500&page=9223372036854775807", want: []string{}},
			{query: "?limit=501", field: "limit"},
			{query: "?limit=0", field: "limit"},
			{query: "?page=0", field: "page"},
			{query: "?page=x", field: "page"},
			{query: "?min_amount=much", field: "min_amount"},
			{query: "?max_amount=0.000001", field: "max_amount"},
			{query: "?start_date=2021-12-20", field: "start_date"},
			// Milliseconds, as browsers count, are not accepted as seconds.
			{query: "?end_date=1639954800000", field: "end_date"},
			{query: "?included_statuses=DONE", field: "included_statuses"},
			{query: "?account_type=STOCKS", field: "account_type"},
			{query: "?account_id=" + strings.Repeat("1,", 1000) + "1", field: "account_id"},
			{query: "?category_id=" + strings.Repeat("A,", 1000) + "A", field: "category_id"},
		} {
			t.Run(row.query, func(t *testing.T) {
				got := w.send(t, request{method: "GET", path: "/v2.1/transactions" + row.query, token: token})
				if row.field != "" {
					got.wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
					return
				}
				if ids := got.want(t, 200).ids(t); !slices.Equal(ids, row.want) {
					t.Errorf("got %v, want %v", ids, row.want)
				}
			})
		}
	})
}

func TestTransactionsComeAHundredAtATime(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		account := w.account(t, w.connection(t, user))
		var list []oxlin.Transaction
		for i := range 101 {
			list = append(list, oxlin.Transaction{AccountID: account, Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction, Category: "SERVICES", Date: oxlin.NewDate(2026, 1, 1).AddDays(-i)})
		}
		w.transactions(t, user, now, list...)
		for page, want := range map[int]int{1: 100, 2: 1, 3: 0} {
			got := w.send(t, request{method: "GET", path: fmt.Sprintf("/v2.1/transactions?page=%d", page), token: token}).want(t, 200)
			if n := len(got.list(t)); n != want {
				t.Errorf("page %d has %d, want %d", page, n, want)
			}
		}
	})
}

func TestATransactionIsExplained(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		_, stranger := w.user(t, licensed)
		id := w.account(t, w.connection(t, user))
		at := time.Unix(1639500110, 0)
		record := store.TransactionRecord{
			Transaction: oxlin.Transaction{
				AccountID: id, Amount: -1, Currency: "EUR", Type: oxlin.TypeDebit, Status: oxlin.StatusBooked, Origin: oxlin.OriginTransaction,
				Category: oxlin.Uncategorized, Date: oxlin.NewDate(2021, 12, 14), Label: "x",
			},
			Raw: []byte{},
		}
		explained := record
		explained.BankIDs = []string{"a-1", "b-7"}
		explained.ImportSource = oxlin.ImportSource{Sync: 12, Channel: "8701", CategoryRule: "brand"}
		explained.Derivation = oxlin.Derivation{LabelRule: "words", TypeRule: "code", Unread: []string{"value_day"}}
		w.Write(func(tx *store.Tx) error {
			return tx.InsertTransactions(t.Context(), user, []store.TransactionRecord{record, explained}, at)
		})
		list := w.send(t, request{method: "GET", path: "/v2.1/transactions?sort=import_date", token: token}).want(t, 200).list(t)
		earlier, later := "/v2.1/transactions/"+list[0]["id"].(string), "/v2.1/transactions/"+list[1]["id"].(string)
		transaction, _ := oxlin.ParseID[oxlin.TransactionID](list[1]["id"].(string))
		w.Write(func(tx *store.Tx) error {
			return tx.SaveChanges(t.Context(), []oxlin.TransactionChange{
				{Transaction: transaction, At: at.Add(48 * time.Hour), Rule: "rederived"},
				{Transaction: transaction, Sync: 13, At: at.Add(24 * time.Hour), Rule: "settled", FormerBankID: "a-1"},
			})
		})
		for _, row := range []struct{ path, want string }{
			{earlier, `{"import":{"date":1639500110,"provider_id":"87"},"bank_ids":[],"unread":[],"changes":[]}`},
			{later, `{"import":{"date":1639500110,"provider_id":"87","channel_definition_id":"8701","synchronization_id":"12"},` +
				`"bank_ids":["a-1","b-7"],"label_rule":"words","type_rule":"code","category_rule":"brand","unread":["value_day"],` +
				`"changes":[{"date":1639586510,"synchronization_id":"13","rule":"settled","former_bank_id":"a-1"},{"date":1639672910,"rule":"rederived"}]}`},
		} {
			if got := string(w.send(t, request{method: "GET", path: row.path + "/explanation", token: token}).want(t, 200).body); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			w.send(t, request{method: "GET", path: row.path + "/explanation", token: stranger}).wantError(t, 404, oxlin.CodeNotFound, "")
		}
		w.send(t, request{method: "GET", path: "/v2.1/transactions/x/explanation", token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
	})
}
