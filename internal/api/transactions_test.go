package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
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
