package synchro_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// checkNumbers are the numbers of cheques by the rows' labels.
func (w *world) checkNumbers() map[string]string {
	w.T.Helper()
	numbers := map[string]string{}
	for _, x := range w.transactions() {
		if x.CheckNumber != "" {
			numbers[x.Label] = x.CheckNumber
		}
	}
	return numbers
}

var cheques = map[string]string{"CHEQUE 0000123": "0000123", "CHEQUE 0000122": "0000122", "CHEQUE 7700014": "7700014"}

func TestChequesHaveTheirNumbers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.connect(connect.AuthorizeRequest{}, "dev")
		if diff := cmp.Diff(cheques, w.checkNumbers()); diff != "" {
			t.Errorf("cheques (-want +got):\n%s", diff)
		}
	})
}

// A row that was stored before its number was read is updated once. No other row is.
func TestAKnownChequeGetsItsNumberOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		for _, account := range w.accounts() {
			known, err := db.Read().KnownTransactions(t.Context(), account.ID, oxlin.Date{})
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range known {
				record.CheckNumber, record.Raw = "", []byte{}
				w.Write(func(tx *store.Tx) error { return tx.UpdateTransaction(t.Context(), record) })
			}
		}
		if got := w.checkNumbers(); len(got) > 0 {
			t.Fatalf("the numbers are still stored: %v", got)
		}
		w.Clock.Advance(time.Minute)
		at := w.Clock.Now()
		for range 2 {
			w.synchronize(id)
			recent := map[string]string{"CHEQUE 0000123": "0000123"} // the others are older than the days that are read again
			if diff := cmp.Diff(recent, w.checkNumbers()); diff != "" {
				t.Errorf("cheques (-want +got):\n%s", diff)
			}
			for _, x := range w.transactions() {
				if updated := !x.UpdatedAt.IsZero(); updated != (x.CheckNumber != "") || updated && !x.UpdatedAt.Equal(at) {
					t.Errorf("%s %q was updated at %s", x.Label, x.CheckNumber, x.UpdatedAt)
				}
			}
			w.Clock.Advance(time.Minute)
		}
	})
}
