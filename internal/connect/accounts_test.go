package connect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestDeletion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		accounts := w.accounts()
		err := w.Service.Accounts.Delete(t.Context(), w.caller, accounts[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		w.synchronize(id)
		if len(w.accounts()) != len(accounts)-1 {
			t.Error("a synchronisation brought a deleted account back")
		}
		err = w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncListAccounts)
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if len(w.accounts()) != len(accounts) {
			t.Error("LIST_ACCOUNTS did not bring the deleted account back")
		}
		for _, account := range w.accounts() {
			err := w.Service.Accounts.Delete(t.Context(), w.caller, account.ID)
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.Service.Connections.Get(t.Context(), w.caller, id)
		if !oxlin.IsNotFound(err) {
			t.Errorf("with its last account the connection goes: %v", err)
		}
		if revoked := len(w.Queue.TakeRevocations()); revoked != 1 {
			t.Errorf("%d revocations were asked for", revoked)
		}
		if diff := cmp.Diff([]oxlin.EventType{"CONNECTION_DELETED"}, w.eventTypes()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAChannelIsEmptiedWithItsLastAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.bothChannels(w.typed("dev", "dev"))
		for _, account := range w.accounts() {
			if account.LastChannelDefinition != "8700" {
				continue
			}
			err := w.Service.Accounts.Delete(t.Context(), w.caller, account.ID)
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := w.embedded(id); got.Status != oxlin.ChannelEmpty || len(got.Credentials) > 0 {
			t.Errorf("the channel is %+v", got)
		}
		sealed, err := db.Read().Access(t.Context(), w.embedded(id).ID)
		if err != nil || len(sealed) > 0 {
			t.Errorf("its session is kept: %v", err)
		}
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess || len(w.accounts()) != 3 {
			t.Errorf("the connection is %s with %d accounts", got, len(w.accounts()))
		}
		err = w.Service.Credentials.Replace(t.Context(), w.caller, id, "8700", w.typed("dev", "dev"))
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		w.answer(id, platformtest.SendSMS)
		w.answer(id, platformtest.RightCode)
		if got := w.embedded(id).Status; got != oxlin.ChannelSuccess || len(w.accounts()) != 5 {
			t.Errorf("added again, the channel is %s and there are %d accounts", got, len(w.accounts()))
		}
	})
}
