package connect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// embeddedIn adds the EMBEDDED channel in a flow of the widget, and lists its accounts.
func (w *world) embeddedIn(id oxlin.ConnectionID) oxlin.ConnectionID {
	w.T.Helper()
	typed := w.typed("dev", "dev")
	typed.Attempt = connect.WidgetAttempt{FlowID: w.flow()}
	var err error
	if id == 0 {
		id, err = w.Service.Credentials.Connect(w.T.Context(), w.hosted(), connect.NewConnection{
			ProviderID: "87", DefinitionID: "8700", Credentials: typed, AutoSync: true,
		})
	} else {
		err = w.Service.Credentials.Replace(w.T.Context(), w.hosted(), id, "8700", typed)
	}
	if err != nil {
		w.T.Fatal(err)
	}
	w.work()
	w.answer(id, platformtest.SendSMS)
	w.answer(id, platformtest.RightCode)
	return id
}

// seen returns the accounts that the client sees.
func (w *world) seen() []oxlin.Account {
	w.T.Helper()
	list, err := w.Service.Accounts.List(w.T.Context(), w.caller)
	if err != nil {
		w.T.Fatal(err)
	}
	return list
}

// shown returns the owners in the connection and in all events, without repetitions.
func (w *world) shown(id oxlin.ConnectionID) []oxlin.Owner {
	w.T.Helper()
	owners := map[oxlin.Owner]bool{w.connection(id).Owner: true}
	for _, e := range w.EventLog(w.caller.UserID) {
		owners[e.Connection.Owner] = true
	}
	delete(owners, oxlin.Owner{})
	var list []oxlin.Owner
	for owner := range owners {
		list = append(list, owner)
	}
	return list
}

// TestNothingIsSharedWhileAPageAsks covers contract §12.5 for both channels: the client sees
// neither the owner nor the accounts, and cannot answer for the user.
func TestNothingIsSharedWhileAPageAsks(t *testing.T) {
	for _, channel := range []struct {
		id   oxlin.ChannelDefinitionID
		list func(w *world) oxlin.ConnectionID
	}{
		{"8701", func(w *world) oxlin.ConnectionID { return w.listed("dev") }},
		{"8700", func(w *world) oxlin.ConnectionID { return w.embeddedIn(0) }},
	} {
		t.Run(string(channel.id), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := channel.list(w)
				hidden := w.accounts()
				if len(hidden) == 0 || w.connection(id).UnsharedOwner.Name == "" {
					t.Fatalf("%d accounts, %+v: there is nothing to hide", len(hidden), w.connection(id))
				}
				nothing := func(when string) {
					t.Helper()
					if owners := w.shown(id); len(owners) > 0 {
						t.Errorf("%s the client sees %+v", when, owners)
					}
					if accounts := w.seen(); len(accounts) > 0 {
						t.Errorf("%s the client sees %+v", when, accounts)
					}
					for _, e := range w.EventLog(w.caller.UserID) {
						if len(e.Payload.Accounts) > 0 {
							t.Errorf("%s %s tells of %+v", when, e.Type, e.Payload.Accounts)
						}
						for _, challenge := range e.Payload.Challenge {
							if len(challenge.Params) > 0 {
								t.Errorf("%s %s tells of %v", when, e.Type, challenge.Params)
							}
						}
					}
					if n := len(w.Consents(id)); n > 0 {
						t.Errorf("%s there are %d consents", when, n)
					}
				}
				nothing("while a page asks")

				name := "MINE"
				of := hidden[0].ID
				for what, use := range map[string]func() error{
					"an account": func() error { _, err := w.Service.Accounts.Get(t.Context(), w.caller, of); return err },
					"a change": func() error {
						return w.Service.Accounts.Change(t.Context(), w.caller, of, connect.AccountChange{Name: &name})
					},
					"a deletion":           func() error { return w.Service.Accounts.Delete(t.Context(), w.caller, of) },
					"a check of a balance": func() error { _, err := w.Service.Accounts.BalanceCheck(t.Context(), w.caller, of); return err },
				} {
					err := use()
					if !oxlin.IsNotFound(err) {
						t.Errorf("%s: %v", what, err)
					}
				}
				for _, consent := range []bool{true, false} {
					err := w.Service.Consents.Decide(t.Context(), w.caller, id, connect.Decision{
						Accounts: []oxlin.AccountConsent{{AccountID: of, Consent: consent}}, Text: oxlin.ConsentText{Version: oxlin.ConsentTextOfClient},
					})
					if oxlin.AsError(err).Code != oxlin.CodeInvalidRequest {
						t.Errorf("the client answers for the user: %v", err)
					}
				}
				err := w.Service.Consents.GiveToAll(t.Context(), w.hosted(), id, channel.id, w.flow(), oxlin.ConsentText{Version: "a text"})
				if err != nil {
					t.Fatal(err)
				}
				nothing("after the consent of another flow")
				err = w.Service.Consents.Abandon(t.Context(), w.hosted(), id, channel.id, w.flow())
				if err != nil {
					t.Fatal(err)
				}
				nothing("after the refusal of another flow")
				err = w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncListAccounts)
				if err != nil {
					t.Fatal(err)
				}
				w.work()
				if channel.id == "8701" { // the other bank would ask the absent user for a code
					nothing("after the client has listed them")
				}

				err = w.Service.Consents.GiveToAll(t.Context(), w.hosted(), id, channel.id, asks(w, id, channel.id), oxlin.ConsentText{Version: "a text"})
				if err != nil {
					t.Fatal(err)
				}
				w.work()
				if len(w.seen()) != len(hidden) || w.connection(id).Owner.Name == "" || w.connection(id).UnsharedOwner != (oxlin.Owner{}) {
					t.Errorf("after the consent: %+v, %+v", w.seen(), w.connection(id))
				}
			})
		})
	}
}

// A list that fails in the widget is repeated without the user, and still waits for the consent.
func TestAFailedListStillWaitsForTheConsent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Scenario("dev", "down")
		id := w.listed("dev")
		if got := w.channel(id); got.Status != oxlin.ChannelFailed || got.AskedIn == 0 {
			t.Fatalf("%+v", got)
		}
		w.EndScenario("login=dev")
		w.Clock.Advance(w.channel(id).NextSyncAt.Sub(w.Clock.Now()))
		err := w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.channel(id); !got.AwaitsConsent || len(w.accounts()) == 0 {
			t.Errorf("%+v, %d accounts", got, len(w.accounts()))
		}
		if len(w.seen()) > 0 || len(w.transactions()) > 0 || len(w.Consents(id)) > 0 || len(w.shown(id)) > 0 {
			t.Errorf("the client sees %+v and %+v, %d transactions, %d consents", w.seen(), w.shown(id), len(w.transactions()), len(w.Consents(id)))
		}
	})
}

// What a second channel reads about its customer is as unshared as what the first did, until
// the user consents to it: the web site tells address, birth and telephone.
func TestARefusedSecondChannelLeavesNothingOfItsOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		owner, accounts := w.connection(id).Owner, w.seen()
		if owner.Name == "" || owner.Address != "" || len(accounts) == 0 {
			t.Fatalf("%+v, %d accounts", owner, len(accounts))
		}
		w.embeddedIn(id)
		if got := w.connection(id); got.UnsharedOwner.Address == "" || got.Owner != owner {
			t.Errorf("while the page asks: %+v", got)
		}
		if diff := cmp.Diff(accounts, w.seen(), cmpopts.EquateComparable(oxlin.Date{})); diff != "" {
			t.Errorf("while the page asks the accounts change (-before +now):\n%s", diff)
		}
		err := w.Service.Consents.Abandon(t.Context(), w.hosted(), id, "8700", asks(w, id, "8700"))
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.connection(id); got.Owner != owner || got.UnsharedOwner != (oxlin.Owner{}) || len(w.accounts()) != len(accounts) {
			t.Errorf("after the refusal: %+v, %d accounts", got, len(w.accounts()))
		}
		for _, shown := range w.shown(id) {
			if shown != owner {
				t.Errorf("an event shows %+v", shown)
			}
		}
	})
}

// A refused renewal leaves nothing of an account that it has found.
func TestARefusedRenewalForgetsNewAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		before := w.seen()
		w.Scenario("dev", "new_account")
		err := w.Service.Connections.Restart(t.Context(), w.hosted(), id, "8701", w.flow())
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if len(w.accounts()) != len(before)+1 || len(w.seen()) != len(before) {
			t.Errorf("%d accounts, and the client sees %d; want %d and %d", len(w.accounts()), len(w.seen()), len(before)+1, len(before))
		}
		err = w.Service.Consents.Abandon(t.Context(), w.hosted(), id, "8701", asks(w, id, "8701"))
		if err != nil {
			t.Fatal(err)
		}
		if len(w.accounts()) != len(before) || asks(w, id, "8701") != 0 {
			t.Errorf("after the refusal there are %d accounts, want %d", len(w.accounts()), len(before))
		}
	})
}

// A client that asks for the consent itself sees what contract §11 says, and no owner before
// the user has chosen an account.
func TestTheOwnerWaitsForTheChoiceOfAnAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{ConsentPerAccount: true}, "dev")
		accounts := w.seen()
		if owners := w.shown(id); len(owners) > 0 || len(accounts) == 0 {
			t.Errorf("before the choice: %+v, %d accounts", owners, len(accounts))
		}
		for _, account := range accounts {
			if account.OwnerName != "" || account.Usage != "" {
				t.Errorf("before the choice: %+v", account)
			}
		}
		err := w.Service.Consents.Decide(t.Context(), w.caller, id, connect.Decision{
			Accounts: []oxlin.AccountConsent{{AccountID: accounts[0].ID, Consent: true}}, Text: oxlin.ConsentText{Version: oxlin.ConsentTextOfClient},
		})
		if err != nil {
			t.Fatal(err)
		}
		if w.connection(id).Owner.Name == "" {
			t.Errorf("after it: %+v", w.connection(id))
		}
	})
}
