package connect_test

import (
	"crypto/rand"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/testbank"
)

// world is a platform with a user of a licensed client.
type world struct {
	*platformtest.World
	caller oxlin.Caller
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: platformtest.New(t, db, platformtest.Options{Bank: testbank.Options{PageSize: 40}, PublicURL: "https://oxlin.example"})}
	w.caller = w.LicensedCaller()
	return w
}

// What the world's user does.

func (w *world) authorize(request connect.AuthorizeRequest, login string) *url.URL {
	return w.Authorize(w.caller, request, login)
}

func (w *world) arrive(back *url.URL) connect.CallbackResult { return w.Arrive(w.caller, back) }

func (w *world) connect(request connect.AuthorizeRequest, login string) oxlin.ConnectionID {
	return w.Connect(w.caller, request, login)
}

func (w *world) work() { w.Settle() }

func (w *world) synchronize(id oxlin.ConnectionID) { w.Synchronize(w.caller, id) }

func (w *world) connection(id oxlin.ConnectionID) oxlin.Connection { return w.Connection(w.caller, id) }

func (w *world) typed(login, password string) connect.CredentialValues {
	return w.Credentials(w.caller, login, password)
}

func (w *world) login(login, password string) oxlin.ConnectionID {
	return w.ConnectEmbedded(w.caller, login, password)
}

func (w *world) answer(id oxlin.ConnectionID, answers map[oxlin.CredentialID]string) {
	w.Answer(w.caller, id, answers)
}

func (w *world) bothChannels(credentials connect.CredentialValues) oxlin.ConnectionID {
	return w.ConnectBoth(w.caller, credentials)
}

// What the world's user sees.

func (w *world) accounts() []oxlin.Account { return w.Accounts(w.caller.UserID) }

func (w *world) transactions() []oxlin.Transaction { return w.Transactions(w.caller.UserID) }

func (w *world) channel(id oxlin.ConnectionID) oxlin.Channel {
	channel, _ := w.connection(id).Channel("8701")
	return channel
}

func (w *world) embedded(id oxlin.ConnectionID) oxlin.Channel {
	channel, _ := w.connection(id).Channel("8700")
	return channel
}

func (w *world) eventTypes() []oxlin.EventType {
	var types []oxlin.EventType
	for _, e := range w.EventLog(w.caller.UserID) {
		types = append(types, e.Type)
	}
	return types
}

type statuses = map[oxlin.AccountStatus]int

func (w *world) wantAccounts(want map[oxlin.AccountStatus]int) {
	w.T.Helper()
	got := map[oxlin.AccountStatus]int{}
	for _, account := range w.accounts() {
		got[account.Status]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.T.Errorf("accounts (-want +got):\n%s", diff)
	}
}

// hosted is the user in our own pages, of a client that could not act for them.
func (w *world) hosted() oxlin.Caller {
	caller := w.caller
	caller.Client.Licensed, caller.Hosted = false, true
	return caller
}

// flow begins a way through the widget.
func (w *world) flow() oxlin.FlowID {
	w.T.Helper()
	hash := []byte(rand.Text())
	var id oxlin.FlowID
	w.Write(func(tx *store.Tx) error {
		err := tx.Widget().InsertSession(w.T.Context(), store.WidgetSession{
			IDHash: hash, ClientID: w.caller.Client.ID, UserID: w.caller.UserID, TokenHash: hash, CreatedAt: w.Clock.Now(), ExpiresAt: w.Clock.Now().Add(time.Hour),
		})
		if err != nil {
			return err
		}
		id, err = tx.Widget().InsertFlow(w.T.Context(), store.WidgetFlow{SessionHash: hash, State: "{}", CreatedAt: w.Clock.Now()},
			func(oxlin.FlowID) ([]byte, error) { return []byte("sealed"), nil })
		return err
	})
	return id
}

// listed is a connection made in the widget, whose accounts wait for the consent.
func (w *world) listed(login string) oxlin.ConnectionID {
	w.T.Helper()
	caller := w.caller
	w.caller = w.hosted()
	defer func() { w.caller = caller }()
	return w.connect(connect.AuthorizeRequest{AutoSync: true, FlowID: w.flow()}, login)
}
