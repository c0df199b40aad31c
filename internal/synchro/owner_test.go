package synchro_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

const (
	customer = "CAMILLE TESTARD"
	couple   = "CAMILLE TESTARD, BASILE MARTIN"
)

// owners are the accounts' owners by the accounts' names.
func (w *world) owners() map[string]string {
	w.T.Helper()
	owners := map[string]string{}
	for _, account := range w.accounts() {
		owners[account.Name] = account.OwnerName
	}
	return owners
}

func (w *world) wantOwners(when string, want map[string]string) {
	w.T.Helper()
	if diff := cmp.Diff(want, w.owners()); diff != "" {
		w.T.Errorf("%s: owners (-want +got):\n%s", when, diff)
	}
}

func TestAccountsOfRedirectNameTheirOwner(t *testing.T) {
	for _, kind := range []oxlin.SyncKind{oxlin.SyncListAccounts, oxlin.SyncAll} {
		t.Run(string(kind), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				want := map[string]string{"COMPTE COURANT": customer, "COMPTE JOINT": customer, "CARTE DEBIT DIFFERE": customer}
				w.wantOwners("at first", want)
				// Accounts of earlier versions have no owner's name.
				for _, account := range w.accounts() {
					account.OwnerName = ""
					w.Write(func(tx *store.Tx) error { return tx.UpdateAccount(t.Context(), account) })
				}
				w.Scenario("dev", "new_account")
				err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, kind)
				if err != nil {
					t.Fatal(err)
				}
				w.work()
				want["COMPTE TOUT NEUF"] = customer
				w.wantOwners("after "+string(kind), want)
			})
		})
	}
}

func TestWhoActsForAnotherIsNotNamedAsTheOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.bankIs(func(c *stet.Connector) bank.Connector { return mandateConnector{c} })
		w.connect(connect.AuthorizeRequest{}, "dev")
		w.wantOwners("an attorney's", map[string]string{"COMPTE COURANT": customer, "COMPTE JOINT": "", "CARTE DEBIT DIFFERE": customer})
	})
}

// mandateConnector plays a bank whose customer manages the joint account for its holders.
type mandateConnector struct{ *stet.Connector }

func (c mandateConnector) Accounts(ctx context.Context, call bank.Call, cursor string) (bank.AccountsPage, error) {
	page, err := c.Connector.Accounts(ctx, call, cursor)
	for i := range page.Accounts {
		if page.Accounts[i].Name == "COMPTE JOINT" {
			page.Accounts[i].HeldByCustomer = false
		}
	}
	return page, err
}

// REDIRECT reports the customer alone, the web site every holder of an account. The holders
// that the bank names replace the customer, and the other channel does not change them back.
func TestTwoChannelsDoNotTakeTurnsWithAnOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		err := w.Service.Credentials.Replace(t.Context(), w.caller, id, "8700", w.typed("dev", "dev"))
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		w.answer(id, sendSMS)
		w.answer(id, rightCode)
		want := map[string]string{
			"COMPTE COURANT": customer, "COMPTE JOINT": customer, "CARTE DEBIT DIFFERE": customer, "LIVRET A": customer, "PRET VOITURE": customer,
		}
		for range 2 {
			w.synchronize(id)
			w.wantOwners("while REDIRECT feeds what both see", want)
		}
		w.Scenario("dev", "consent_expired")
		w.synchronize(id)
		w.synchronize(id)
		want["COMPTE JOINT"] = couple
		w.wantOwners("when the web site has taken over", want)
		w.EndScenario("login=dev&scenario=consent_expired")
		w.connect(connect.AuthorizeRequest{ConnectionID: id, AutoSync: true}, "dev")
		for range 2 {
			w.synchronize(id)
			w.wantOwners("when REDIRECT is back", want)
		}
		for _, account := range w.accounts() {
			if account.Name == "COMPTE JOINT" && account.LastChannelDefinition != "8701" {
				t.Errorf("%s is fed by %s", account.Name, account.LastChannelDefinition)
			}
		}
	})
}
