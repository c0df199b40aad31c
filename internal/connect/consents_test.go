package connect_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// What is listed in the widget waits: nothing is read, and nobody reads it meanwhile.
func TestAccountsWaitForTheConsentOfTheWidget(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.listed("dev+professional")
		channel, flow := w.channel(id), w.channel(id).AskedIn
		if !channel.AwaitsConsent || channel.Status != oxlin.ChannelNever || w.connection(id).Status() != oxlin.ConnectionSuccess {
			t.Fatalf("%+v", channel)
		}
		w.wantAccounts(statuses{oxlin.AccountPendingConsent: 4})
		err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if oxlin.AsError(err).Code != oxlin.CodeConflict {
			t.Errorf("a synchronisation before the consent: %v", err)
		}
		if len(w.transactions()) != 0 || len(w.Consents(id)) != 0 {
			t.Error("something was read, or consented to")
		}

		consent := func() {
			t.Helper()
			err := w.Service.Consents.GiveToAll(t.Context(), w.hosted(), id, "8701", flow, oxlin.ConsentText{Version: "a text", Language: "en", Words: "what it says"})
			if err != nil {
				t.Fatal(err)
			}
		}
		consent()
		if got := w.channel(id); got.AwaitsConsent || got.Status != oxlin.ChannelRunning {
			t.Errorf("%+v", got)
		}
		consent() // while it runs
		w.work()
		consent() // when it has
		w.work()
		evidence := []oxlin.Consent{{
			UserID: w.caller.UserID, ConnectionID: id, ChannelID: channel.ID, AllAccounts: true, Text: oxlin.ConsentText{Version: "a text", Language: "en", Words: "what it says"},
			GivenAt: w.Clock.Now(), ValidUntil: channel.ConsentUntil,
		}}
		if diff := cmp.Diff(evidence, w.Consents(id)); diff != "" {
			t.Errorf("evidence (-want +got):\n%s", diff)
		}
		// The professional one waits for its validation.
		w.wantAccounts(statuses{oxlin.AccountActive: 3, oxlin.AccountSuspended: 1})
		if len(w.transactions()) == 0 || w.channel(id).Status != oxlin.ChannelSuccess {
			t.Errorf("%d transactions, %+v", len(w.transactions()), w.channel(id))
		}
		events := w.eventTypes()
		want := []oxlin.EventType{"CONNECTION_CREATED", "LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_SUCCESS", "SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS"}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// A consent that lapsed is asked for again, and covers what is new at the bank.
func TestARenewedConsentCoversNewAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.listed("dev")
		consent := func() {
			t.Helper()
			err := w.Service.Consents.GiveToAll(t.Context(), w.hosted(), id, "8701", w.channel(id).AskedIn, oxlin.ConsentText{Version: oxlin.ConsentTextVersion})
			if err != nil {
				t.Fatal(err)
			}
			w.work()
		}
		consent()
		w.Scenario("dev", "new_account")
		err := w.Service.Connections.Restart(t.Context(), w.hosted(), id, "8701", w.flow())
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		w.wantAccounts(statuses{oxlin.AccountActive: 3, oxlin.AccountPendingConsent: 1})
		if got := w.channel(id); !got.AwaitsConsent || got.Status != oxlin.ChannelSuccess {
			t.Errorf("%+v", got)
		}
		consent()
		w.wantAccounts(statuses{oxlin.AccountActive: 4})
		if n := len(w.Consents(id)); n != 2 {
			t.Errorf("%d consents", n)
		}
	})
}

// Again with the consent reads; without it lists. What runs is left alone.
func TestAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		again := func(definition oxlin.ChannelDefinitionID, asks oxlin.FlowID) error {
			return w.Service.Connections.Restart(t.Context(), w.hosted(), id, definition, asks)
		}
		before := len(w.eventTypes())
		for range 2 {
			err := again("8701", 0)
			if err != nil {
				t.Fatal(err)
			}
		}
		w.work()
		want := []oxlin.EventType{"SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS"}
		if diff := cmp.Diff(want, w.eventTypes()[before:]); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for _, unused := range []oxlin.ChannelDefinitionID{"8700", "nothing"} {
			err := again(unused, 0)
			if !oxlin.IsNotFound(err) {
				t.Errorf("channel %s: %v", unused, err)
			}
		}
	})
}

// A user who refuses the consent leaves no data, here or at the bank.
func TestAbandon(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		abandon := func(id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) {
			t.Helper()
			err := w.Service.Consents.Abandon(t.Context(), w.hosted(), id, definition, asks(w, id, definition))
			if err != nil {
				t.Fatal(err)
			}
			w.work()
		}

		// A connection that was never read is as if it had not been.
		id := w.listed("dev")
		abandon(id, "8700") // was never used
		if !w.channel(id).AwaitsConsent {
			t.Errorf("%+v", w.channel(id))
		}
		abandon(id, "8701")
		_, err := w.Service.Connections.Get(t.Context(), w.caller, id)
		revoked := len(w.Queue.TakeRevocations())
		if !oxlin.IsNotFound(err) || len(w.accounts()) != 0 || revoked != 1 {
			t.Errorf("%v, %d accounts, %d revocations", err, len(w.accounts()), revoked)
		}

		// Beside a channel that was read, the other is emptied, and may be used again.
		id = w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		give := func(attempt int64) {
			t.Helper()
			typed := w.typed("dev", "dev")
			typed.Attempt = connect.WidgetAttempt{FlowID: w.flow(), Attempt: attempt}
			err := w.Service.Credentials.Replace(t.Context(), w.hosted(), id, "8700", typed)
			if err != nil {
				t.Fatal(err)
			}
			w.work()
			w.answer(id, platformtest.SendSMS)
			w.answer(id, platformtest.RightCode)
		}
		give(0)
		w.wantAccounts(statuses{oxlin.AccountActive: 3, oxlin.AccountPendingConsent: 2})
		abandon(id, "8700")
		w.wantAccounts(statuses{oxlin.AccountActive: 3})
		if got := w.embedded(id); got.Status != oxlin.ChannelEmpty || got.AwaitsConsent || len(got.Credentials) != 0 {
			t.Errorf("%+v", got)
		}
		give(0) // they come back, for they were not refused one by one
		w.wantAccounts(statuses{oxlin.AccountActive: 3, oxlin.AccountPendingConsent: 2})
		err = w.Service.Consents.GiveToAll(t.Context(), w.hosted(), id, "8700", w.embedded(id).AskedIn, oxlin.ConsentText{Version: oxlin.ConsentTextVersion})
		if err != nil {
			t.Fatal(err)
		}
		w.work()

		// A channel that was read keeps its accounts, and waits for the user.
		w.Queue.TakeRevocations() // of what was abandoned above
		abandon(id, "8701")
		revoked = len(w.Queue.TakeRevocations())
		if got := w.channel(id); got.Status != oxlin.ChannelTokenExpired || !got.ConsentUntil.IsZero() || !got.NextSyncAt.IsZero() || revoked != 1 {
			t.Errorf("%+v, %d revocations", got, revoked)
		}
		abandon(id, "8700")
		if got := w.embedded(id); got.Status != oxlin.ChannelAuthFailed || len(got.Credentials) != 0 {
			t.Errorf("%+v", got)
		}
		w.wantAccounts(statuses{oxlin.AccountActive: 5})
	})
}

// What runs when the user gives up writes nothing any more.
func TestAbandonInTheMiddle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Service.Consents.Abandon(t.Context(), w.hosted(), id, "8701", w.channel(id).AskedIn)
		if err != nil {
			t.Fatal(err)
		}
		before := w.eventTypes()
		w.work()
		if got := w.channel(id).Status; got != oxlin.ChannelTokenExpired {
			t.Errorf("the channel is %s", got)
		}
		if diff := cmp.Diff(before, w.eventTypes()); diff != "" {
			t.Errorf("events (-before +after):\n%s", diff)
		}
	})
}

// One attempt in the widget counts once, however often its form comes.
func TestAttemptsCountOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		flow := w.flow()
		typed := w.typed("dev", "dev")
		connectOnce := func(attempt int64) oxlin.ConnectionID {
			t.Helper()
			typed.Attempt = connect.WidgetAttempt{FlowID: flow, Attempt: attempt}
			id, err := w.Service.Credentials.Connect(t.Context(), w.hosted(), connect.NewConnection{ProviderID: "87", DefinitionID: "8700", Credentials: typed})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		id := connectOnce(0)
		if again := connectOnce(0); id == 0 || again != 0 {
			t.Errorf("the first attempt is %s, the same again %s", id, again)
		}
		state, err := db.Read().WidgetFlow(t.Context(), flow)
		if err != nil || state.Attempt != 1 || state.ConnectionID != id || state.Entered != "8700" {
			t.Errorf("%+v, %v", state, err)
		}
		before := len(w.eventTypes())
		for range 2 {
			typed.Attempt = connect.WidgetAttempt{FlowID: flow, Attempt: 1}
			err := w.Service.Credentials.Replace(t.Context(), w.hosted(), id, "8700", typed)
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]oxlin.EventType{"LIST_ACCOUNTS_RUNNING"}, w.eventTypes()[before:]); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		connections, err := w.Service.Connections.List(t.Context(), w.caller)
		if err != nil || len(connections) != 1 {
			t.Errorf("%d connections, %v", len(connections), err)
		}
	})
}

func TestProfessionalAccountsAreValidated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev+professional")
		second := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev+professional")
		w.wantAccounts(statuses{oxlin.AccountActive: 6, oxlin.AccountSuspended: 2})
		validate := func(id oxlin.ConnectionID, wanted bool) {
			t.Helper()
			err := w.Service.Consents.Validate(t.Context(), w.hosted(), id, wanted)
			if err != nil {
				t.Fatal(err)
			}
			w.work()
		}
		before := len(w.transactions())
		validate(first, true)
		w.wantAccounts(statuses{oxlin.AccountActive: 7, oxlin.AccountSuspended: 1})
		if len(w.transactions()) <= before {
			t.Error("what was validated is not read")
		}
		validate(first, false) // nothing waits there any more
		w.wantAccounts(statuses{oxlin.AccountActive: 7, oxlin.AccountSuspended: 1})
		validate(0, false)
		w.wantAccounts(statuses{oxlin.AccountActive: 7})
		w.synchronize(second)
		w.wantAccounts(statuses{oxlin.AccountActive: 7}) // what was refused does not come back
		validate(0, true)
	})
}

// Consent is the user's: a client without its own agreement takes none, nor does
// another user.
func TestWhoMayTakeAConsent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.listed("dev")
		unlicensed, stranger := w.hosted(), w.hosted()
		unlicensed.Hosted = false
		w.Write(func(tx *store.Tx) error {
			var err error
			stranger.UserID, err = tx.InsertUser(t.Context(), oxlin.User{ClientID: w.caller.Client.ID, Email: "other@example.test"})
			return err
		})
		uses := map[string]func(context.Context, oxlin.Caller) error{
			"ConsentToAll": func(ctx context.Context, c oxlin.Caller) error {
				return w.Service.Consents.GiveToAll(ctx, c, id, "8701", 0, oxlin.ConsentText{})
			},
			"Consent": func(ctx context.Context, c oxlin.Caller) error {
				return w.Service.Consents.Decide(ctx, c, id, connect.Decision{})
			},
			"Abandon": func(ctx context.Context, c oxlin.Caller) error {
				return w.Service.Consents.Abandon(ctx, c, id, "8701", 0)
			},
			"Again": func(ctx context.Context, c oxlin.Caller) error {
				return w.Service.Connections.Restart(ctx, c, id, "8701", 0)
			},
			"Validate": func(ctx context.Context, c oxlin.Caller) error { return w.Service.Consents.Validate(ctx, c, id, true) },
			"Work": func(ctx context.Context, c oxlin.Caller) error {
				_, err := w.Service.Connections.Progress(ctx, c, id, "8701")
				return err
			},
		}
		for name, use := range uses {
			for _, row := range []struct {
				caller oxlin.Caller
				want   oxlin.Code
			}{{unlicensed, oxlin.CodeAgreementRequired}, {stranger, oxlin.CodeNotFound}} {
				err := use(t.Context(), row.caller)
				switch {
				case name == "Work" && row.want != oxlin.CodeNotFound: // whoever may read may look
				case name == "Validate" && row.want == oxlin.CodeNotFound: // there is nothing of theirs
				case err == nil || oxlin.AsError(err).Code != row.want:
					t.Errorf("%s: %v, want %s", name, err, row.want)
				}
			}
		}
		w.wantAccounts(statuses{oxlin.AccountPendingConsent: 3})
	})
}

func TestConsentPerAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{ConsentPerAccount: true}, "dev")
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess {
			t.Errorf("while the consent is awaited the connection is %s", got)
		}
		if got := w.channel(id).Status; got != oxlin.ChannelNever {
			t.Errorf("while the consent is awaited the channel is %s", got)
		}
		accounts := w.accounts()
		for _, account := range accounts {
			if account.Status != oxlin.AccountPendingConsent || account.Balance != nil {
				t.Errorf("before the consent: %+v", account)
			}
		}
		if len(w.transactions()) > 0 {
			t.Error("transactions were stored without consent")
		}
		err := w.Service.Consents.Decide(t.Context(), w.caller, id, connect.Decision{Text: oxlin.ConsentText{Version: oxlin.ConsentTextVersion}, Accounts: []oxlin.AccountConsent{
			{AccountID: accounts[0].ID, Consent: true}, {AccountID: accounts[1].ID, Consent: false},
		}})
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		remaining := w.accounts()
		if len(remaining) != len(accounts)-1 || remaining[0].Status != oxlin.AccountActive || remaining[1].Status != oxlin.AccountPendingConsent {
			t.Errorf("after the consent: %+v", remaining)
		}
		for _, x := range w.transactions() {
			if x.AccountID != accounts[0].ID {
				t.Fatalf("a transaction of account %s was stored, which has no consent", x.AccountID)
			}
		}
		w.synchronize(id)
		if len(w.accounts()) != len(remaining) {
			t.Error("a refused account came back")
		}
	})
}

// asks returns the flow whose page asks for the consent to a channel.
func asks(w *world, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID) oxlin.FlowID {
	channel, _ := w.connection(id).Channel(definition)
	return channel.AskedIn
}
