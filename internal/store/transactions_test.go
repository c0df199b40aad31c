package store_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// full has a value in every field.
func (w world) full() store.TransactionRecord {
	after := oxlin.Amount(-123_45000)
	record := w.record(-79_99000)
	record.Category, record.Label, record.Notes, record.SourceLabel = "GROCERIES", "Café “Au coin”", "ligne 1\nligne 2", "CB CAFE AU COIN"
	record.BookingDate, record.ValueDate, record.TransactionDate = oxlin.NewDate(2026, 10, 1), oxlin.NewDate(2026, 10, 2), oxlin.NewDate(2026, 9, 30)
	record.Remittance, record.CheckNumber, record.Counterparty = []string{"a", "b'?1"}, "0000123", "Au coin"
	record.BankIDs, record.Words, record.EndToEndID, record.MandateID = []string{"x1", "x2"}, "cafe au coin", "E2E", "M"
	record.ChannelsOfIDs = [][]oxlin.ChannelDefinitionID{{"8700"}, {"8700", "8701"}}
	record.BalanceAfter, record.Channel, record.MissingSince, record.Raw = &after, "8701", oxlin.NewDate(2026, 11, 1), []byte{0, 255, 1}
	return record
}

func TestTransactionsComeBackAsTheyWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		record := w.full()
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, []store.TransactionRecord{record, w.record(5)}, now)
		})
		list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 1))
		record.ID, record.ImportedAt = list[0].ID, now
		if diff := difference([]oxlin.Transaction{record.Transaction}, list); diff != "" {
			t.Error(diff)
		}
		one := must[oxlin.Transaction](t)(db.Read().Transaction(t.Context(), w.user, record.ID))
		if diff := difference(record.Transaction, one); diff != "" {
			t.Error(diff)
		}
		_, err := db.Read().Transaction(t.Context(), newWorld(t, db).user, record.ID)
		if !oxlin.IsNotFound(err) {
			t.Errorf("another user's: %v; want not found", err)
		}
		// Only the fields for reconciliation are read.
		known := must[[]store.TransactionRecord](t)(db.Read().KnownTransactions(t.Context(), w.account, oxlin.Date{}))
		want := record
		want.Type, want.Origin, want.Category, want.Label, want.Notes, want.SourceLabel = "", "", "", "", "", ""
		want.Remittance, want.Raw = nil, nil
		if diff := difference(want, known[0]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnUpdateKeepsIdentityAndPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, w.records(2), now)
		})
		before := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10))
		change := w.full()
		change.ID, change.UpdatedAt, change.Status = before[0].ID, now.Add(time.Hour), oxlin.StatusPending
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateTransaction(ctx, change) })
		want := change.Transaction
		// The bank cannot change the user's category and the origin.
		want.Category, want.Origin, want.ImportedAt = before[0].Category, before[0].Origin, before[0].ImportedAt
		after := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 10))
		if diff := difference([]oxlin.Transaction{want, before[1]}, after); diff != "" {
			t.Error(diff)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.SetTransactionStatus(ctx, change.ID, oxlin.StatusExpired, now.Add(2*time.Hour)),
				tx.SetTransactionAbsent(ctx, change.ID, oxlin.NewDate(2026, 11, 2), []oxlin.Date{oxlin.NewDate(2026, 11, 2)}))
		})
		known := must[[]store.TransactionRecord](t)(db.Read().KnownTransactions(t.Context(), w.account, oxlin.Date{}))
		if known[0].Status != oxlin.StatusExpired || known[0].MissingSince != oxlin.NewDate(2026, 11, 2) {
			t.Errorf("status %s, missing since %v", known[0].Status, known[0].MissingSince)
		}
	})
}

// TestACancelledTransactionIsListedOnlyByName: sums of a list must be right.
func TestACancelledTransactionIsListedOnlyByName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, w.records(3), now)
		})
		list := func(f store.TransactionFilter) []oxlin.Transaction {
			return must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, f, 0, 10))
		}
		gone := list(store.TransactionFilter{})[1].ID
		days := []oxlin.Date{oxlin.NewDate(2026, 11, 2), oxlin.NewDate(2026, 11, 3), oxlin.NewDate(2026, 11, 5)}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.SetTransactionAbsent(ctx, gone, days[0], days[:2]), tx.CancelTransaction(ctx, gone, days, now.Add(time.Hour)))
		})
		if n := len(list(store.TransactionFilter{})); n != 2 {
			t.Errorf("a list shows %d of 2", n)
		}
		named := list(store.TransactionFilter{IncludedStatuses: []oxlin.TransactionStatus{oxlin.StatusCancelled}})
		if len(named) != 1 || named[0].ID != gone || named[0].MissingSince != days[0] || !named[0].UpdatedAt.Equal(now.Add(time.Hour)) {
			t.Errorf("by its status: %+v", named)
		}
		one := must[oxlin.Transaction](t)(db.Read().Transaction(t.Context(), w.user, gone))
		if one.Status != oxlin.StatusCancelled {
			t.Errorf("by its id: %s", one.Status)
		}
		known := must[[]store.TransactionRecord](t)(db.Read().KnownTransactions(t.Context(), w.account, oxlin.Date{}))
		if !slices.Equal(known[1].AbsentOn, days) {
			t.Errorf("absent on %v", known[1].AbsentOn)
		}
	})
}

func TestOlderTransactionsAreFoundByTheBanksIDs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		day := oxlin.NewDate(2026, 6, 1)
		records := w.records(5)
		for i := range records {
			records[i].Date, records[i].BankIDs = day.AddDays(i), []string{"x", "it's \"" + string(rune('a'+i))}
		}
		records[1].BankIDs = []string{}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.InsertTransactions(ctx, w.user, records, now) })
		for _, c := range []struct {
			before int
			ids    []string
			want   int
		}{
			{5, nil, 0}, {5, []string{"y"}, 0}, {5, []string{"x"}, 4}, {2, []string{"x"}, 1},
			{5, []string{"c", "it's ", "\"c", "it's \"c\"", "it's \"c,"}, 0},
			{5, append(slices.Repeat([]string{"y"}, 30), "it's \"c", "it's \"d"), 2},
			{3, append(slices.Repeat([]string{"y"}, 30), "it's \"c", "it's \"d"), 1},
			{5, []string{"it's \"c", "it's \"d", "\u00e9"}, 2}, {3, []string{"it's \"c", "it's \"d"}, 1},
		} {
			got := must[[]store.TransactionRecord](t)(db.Read().IdentifiedTransactions(t.Context(), w.account, day.AddDays(c.before), c.ids))
			if len(got) != c.want {
				t.Errorf("%d rows before day %d with %q, want %d", len(got), c.before, c.ids, c.want)
			}
		}
	})
}

func TestBulkInsertsOfAnySize(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		total := 0
		for _, n := range []int{0, 1, 2, 24, 25, 26, 199, 200, 201, 400, 1000} {
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertTransactions(ctx, w.user, w.records(n), now)
			})
			list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, total, 2000))
			if len(list) != n {
				t.Fatalf("%d of %d rows are there", len(list), n)
			}
			for i, row := range list {
				if row.Amount != oxlin.Amount(i+1) {
					t.Fatalf("row %d of %d is %v", i, n, row.Amount)
				}
			}
			total += n
		}
	})
}

// A concurrent import must not change a page that was read: later imports come later in
// the order, whatever the clock says.
func TestImportsGrowStrictly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		clocks := []time.Time{now, now.Add(-time.Hour), now, now.Add(time.Nanosecond), now.Add(time.Millisecond), now}
		done := make(chan bool)
		go func() {
			defer close(done)
			var group sync.WaitGroup
			for _, clock := range clocks {
				group.Go(func() {
					for range 5 {
						err := db.Write(t.Context(), func(tx *store.Tx) error {
							return tx.InsertTransactions(t.Context(), w.user, w.records(7), clock)
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
		}()
		var seen []oxlin.Transaction
		for finished := false; !finished; {
			select {
			case <-done:
				finished = true
			default:
			}
			list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, 0, 1000))
			if diff := difference(seen, list[:len(seen)]); len(seen) > 0 && diff != "" {
				t.Fatalf("what was read has changed:\n%s", diff)
			}
			seen = list
		}
		if len(seen) != 210 {
			t.Errorf("%d transactions; want 210", len(seen))
		}
		for i := 1; i < len(seen); i++ {
			if !seen[i].ImportedAt.After(seen[i-1].ImportedAt) {
				t.Fatalf("import %v after %v", seen[i].ImportedAt, seen[i-1].ImportedAt)
			}
		}
	})
}

func TestKnownTransactions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		records := w.records(4)
		records[0].Date = oxlin.NewDate(2026, 9, 30)
		records[1].Date, records[1].Status = oxlin.NewDate(2026, 9, 1), oxlin.StatusPending
		records[2].Date = oxlin.NewDate(2026, 10, 1)
		records[3].Date = oxlin.NewDate(2026, 10, 2)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, records, now)
		})
		known := must[[]store.TransactionRecord](t)(db.Read().KnownTransactions(t.Context(), w.account, oxlin.NewDate(2026, 10, 1)))
		var amounts []oxlin.Amount
		for _, record := range known {
			amounts = append(amounts, record.Amount)
		}
		if !slices.Equal(amounts, []oxlin.Amount{2, 3, 4}) {
			t.Errorf("known %v; want the pending one and those from the day on", amounts)
		}
	})
}

func TestTransactionFilters(t *testing.T) {
	amount := func(a oxlin.Amount) *oxlin.Amount { return &a }
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(t, db), newWorld(t, db)
		var savings oxlin.AccountID
		var base []store.TransactionRecord
		write(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
			savings, err = tx.InsertAccount(ctx, w.newAccount(oxlin.AccountSavings))
			if err != nil {
				return err
			}
			base = w.records(6)
			base[0].Amount = -500
			base[1].AccountID = savings
			base[2].Status, base[2].Date = oxlin.StatusPending, oxlin.NewDate(2026, 10, 2)
			base[3].Origin, base[3].Date = oxlin.OriginUpcoming, oxlin.NewDate(2026, 10, 3)
			base[4].Category, base[4].Status = "GROCERIES", oxlin.StatusExpired
			return errors.Join(tx.InsertTransactions(ctx, w.user, base, now), tx.InsertTransactions(ctx, other.user, other.records(9), now))
		})
		for name, test := range map[string]struct {
			filter store.TransactionFilter
			want   []int // of the six, from 1
		}{
			"none":                {store.TransactionFilter{}, []int{1, 2, 3, 4, 5, 6}},
			"account":             {store.TransactionFilter{Accounts: []oxlin.AccountID{savings}}, []int{2}},
			"accounts":            {store.TransactionFilter{Accounts: []oxlin.AccountID{savings, w.account}}, []int{1, 2, 3, 4, 5, 6}},
			"another's account":   {store.TransactionFilter{Accounts: []oxlin.AccountID{other.account}}, nil},
			"account type":        {store.TransactionFilter{AccountTypes: []oxlin.AccountType{oxlin.AccountSavings, oxlin.AccountLoan}}, []int{2}},
			"origin":              {store.TransactionFilter{Origins: []oxlin.Origin{oxlin.OriginUpcoming}}, []int{4}},
			"status":              {store.TransactionFilter{IncludedStatuses: []oxlin.TransactionStatus{oxlin.StatusPending, oxlin.StatusExpired}}, []int{3, 5}},
			"not status":          {store.TransactionFilter{ExcludedStatuses: []oxlin.TransactionStatus{oxlin.StatusPending, oxlin.StatusExpired}}, []int{1, 2, 4, 6}},
			"category":            {store.TransactionFilter{Categories: []string{"GROCERIES", "RENT"}}, []int{5}},
			"at least":            {store.TransactionFilter{MinAmount: amount(4)}, []int{4, 5, 6}},
			"at most":             {store.TransactionFilter{MaxAmount: amount(2)}, []int{1, 2}},
			"between":             {store.TransactionFilter{MinAmount: amount(-500), MaxAmount: amount(0)}, []int{1}},
			"amount":              {store.TransactionFilter{Amount: amount(-500)}, []int{1}},
			"from a day":          {store.TransactionFilter{StartDate: oxlin.NewDate(2026, 10, 2)}, []int{3, 4}},
			"to a day":            {store.TransactionFilter{EndDate: oxlin.NewDate(2026, 10, 2)}, []int{1, 2, 3, 5, 6}},
			"imported from":       {store.TransactionFilter{StartImport: now.Add(4 * time.Microsecond)}, []int{5, 6}},
			"a category's letter": {store.TransactionFilter{Categories: []string{"groceries"}}, nil},
			"quotes":              {store.TransactionFilter{Categories: []string{"' OR 1=1 --"}}, nil},
			"all at once": {store.TransactionFilter{
				Accounts: []oxlin.AccountID{w.account}, AccountTypes: []oxlin.AccountType{oxlin.AccountCheckings},
				Origins: []oxlin.Origin{oxlin.OriginTransaction}, IncludedStatuses: []oxlin.TransactionStatus{oxlin.StatusBooked},
				ExcludedStatuses: []oxlin.TransactionStatus{oxlin.StatusOther}, Categories: []string{oxlin.Uncategorized},
				MinAmount: amount(-1000), MaxAmount: amount(1000), Amount: amount(6),
				StartDate: oxlin.NewDate(2026, 10, 1), EndDate: oxlin.NewDate(2026, 10, 1), StartImport: now,
			}, []int{6}},
		} {
			t.Run(name, func(t *testing.T) {
				list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, test.filter, 0, 100))
				var got []int
				for _, transaction := range list {
					got = append(got, 1+slices.IndexFunc(base, func(r store.TransactionRecord) bool { return r.Label == transaction.Label }))
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestPagesPartTheList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertTransactions(ctx, w.user, w.records(25), now)
		})
		var labels []string
		for page := range 4 {
			list := must[[]oxlin.Transaction](t)(db.Read().Transactions(t.Context(), w.user, store.TransactionFilter{}, page*10, 10))
			if want := []int{10, 10, 5, 0}[page]; len(list) != want {
				t.Errorf("page %d has %d; want %d", page, len(list), want)
			}
			for _, transaction := range list {
				labels = append(labels, transaction.Label)
			}
		}
		for i, label := range labels {
			if label != "Transaction "+strconv.Itoa(i+1) {
				t.Fatalf("%s stands at %d", label, i)
			}
		}
	})
}
