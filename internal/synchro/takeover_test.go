package synchro_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// during calls a function once, while the platform asks the bank for a page.
func (w *world) during(page string, do func()) {
	done := false
	w.Calls.Hook(func(r *http.Request) *http.Response {
		if !done && strings.Contains(r.URL.Path, page) {
			done = true
			do()
		}
		return nil
	})
}

// While the platform reads a web site, the user returns from the bank's REDIRECT. From then
// on REDIRECT feeds the accounts that both show, including the one that is being read.
func TestRedirectTakesOverInTheMiddleOfAReading(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.login("dev", "dev")
		w.answer(id, sendSMS)
		w.during("/operations", func() {
			w.arrive(w.authorize(connect.AuthorizeRequest{ConnectionID: id}, "dev"))
			w.work()
		})
		w.answer(id, rightCode)
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess {
			t.Fatalf("the connection is %s: %+v", got, w.connection(id).Channels)
		}
		want := map[oxlin.AccountType]oxlin.ChannelDefinitionID{
			oxlin.AccountCheckings: "8701", oxlin.AccountCreditCard: "8701", oxlin.AccountSavings: "8700", oxlin.AccountLoan: "8700",
		}
		for _, account := range w.accounts() {
			if account.LastChannelDefinition != want[account.Type] {
				t.Errorf("%s is fed by %s", account.Name, account.LastChannelDefinition)
			}
			rows, err := db.Read().KnownTransactions(t.Context(), account.ID, oxlin.Date{})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if row.Channel != want[account.Type] {
					t.Errorf("%s: transaction %s was read by channel %s", account.Name, row.ID, row.Channel)
				}
			}
		}
	})
}

// If an account is deleted while it is read, the others are still read.
func TestAnAccountIsDeletedWhileItIsRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		first := w.accounts()[0].ID
		w.during("/transactions", func() {
			err := w.Service.Accounts.Delete(t.Context(), w.caller, first)
			if err != nil {
				t.Fatal(err)
			}
		})
		w.synchronize(id)
		if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
			t.Errorf("the channel is %s", got)
		}
		if len(w.accounts()) != 2 {
			t.Errorf("%d accounts are left, want 2", len(w.accounts()))
		}
	})
}
