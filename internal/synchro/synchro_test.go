package synchro_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/stet"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestFromTheBankToTheStore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")

		connection := w.connection(id)
		if got := connection.Status(); got != oxlin.ConnectionSuccess {
			t.Errorf("the connection is %s", got)
		}
		if connection.Owner.Name == "" {
			t.Error("the bank named no owner")
		}
		channel := w.channel(id)
		if channel.Status != oxlin.ChannelSuccess || channel.LastSuccessAt.IsZero() || channel.NextSyncAt.IsZero() || channel.ConsentUntil.IsZero() {
			t.Errorf("the channel is %+v", channel)
		}
		var types []oxlin.AccountType
		for _, account := range w.accounts() {
			types = append(types, account.Type)
			if account.Status != oxlin.AccountActive || !account.BalanceAt.Equal(channel.LastEndAt) {
				t.Errorf("account %+v", account)
			}
		}
		slices.Sort(types)
		want := []oxlin.AccountType{oxlin.AccountCheckings, oxlin.AccountCheckings, oxlin.AccountCreditCard}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Errorf("accounts (-want +got):\n%s", diff)
		}
		transactions := w.transactions()
		if len(transactions) < 200 {
			t.Errorf("only %d transactions", len(transactions))
		}
		kinds := map[oxlin.TransactionType]bool{}
		for _, x := range transactions {
			kinds[x.Type] = true
		}
		if len(kinds) < 10 {
			t.Errorf("the default file yields %d types of transaction, want 10 at least: %v", len(kinds), kinds)
		}
		wantEvents := []oxlin.EventType{
			"CONNECTION_CREATED", "LIST_ACCOUNTS_RUNNING", "LIST_ACCOUNTS_SUCCESS", "SYNC_ALL_RUNNING", "SYNC_ALL_SUCCESS",
		}
		if diff := cmp.Diff(wantEvents, w.eventTypes()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestSynchronisingAgainChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		before := w.transactions()
		w.synchronize(id)
		if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
			t.Errorf("the second synchronisation changed something (-before +after):\n%s", diff)
		}
	})
}

func sameDate(a, b oxlin.Date) bool { return a == b }

func TestTheConnectionRunsWithoutAGap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		result := w.arrive(w.authorize(connect.AuthorizeRequest{ReturnURI: "https://integrator.example/"}, "dev"))
		for len(w.Queue.Runs()) > 0 {
			if got := w.connection(result.ConnectionID).Status(); got != oxlin.ConnectionRunning {
				t.Fatalf("before the end of the first SYNC_ALL the connection is %s", got)
			}
			err := w.Engine.Run(t.Context(), w.takeRun())
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := w.connection(result.ConnectionID).Status(); got != oxlin.ConnectionSuccess {
			t.Errorf("at the end the connection is %s", got)
		}
	})
}

func TestAJobRunTwiceStoresNothingTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		result := w.arrive(w.authorize(connect.AuthorizeRequest{ReturnURI: "https://integrator.example/"}, "dev"))
		var ran []oxlin.SyncID
		for len(w.Queue.Runs()) > 0 {
			job := w.takeRun()
			ran = append(ran, job)
			for range 2 {
				err := w.Engine.Run(t.Context(), job)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		before := w.transactions()
		for _, id := range ran {
			err := w.Engine.Run(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" || len(before) == 0 {
			t.Errorf("a late job changed something (-before +after):\n%s", diff)
		}
		if got := w.connection(result.ConnectionID).Status(); got != oxlin.ConnectionSuccess {
			t.Errorf("the connection is %s", got)
		}
	})
}

func TestEndOfConsentIsToldAndHealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		accounts, transactions := w.accounts(), w.transactions()
		w.Clock.Advance(91 * 24 * time.Hour)
		calls := w.Calls.Len()
		err := w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.channel(id); got.Status != oxlin.ChannelTokenExpired || !got.NextSyncAt.IsZero() {
			t.Errorf("after the consent the channel is %+v", got)
		}
		if w.Calls.Len() != calls {
			t.Error("the platform called the bank after the end of the consent")
		}
		events := w.eventTypes()
		if got := events[len(events)-2:]; !slices.Equal(got, []oxlin.EventType{"TOKEN_EXPIRED", "SYNC_ALL_FAILED"}) {
			t.Errorf("events %v", got)
		}
		err = w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if oxlin.AsError(err).Code != oxlin.CodeUserActionRequired {
			t.Errorf("synchronising without consent: %v", err)
		}
		renewed := w.connect(connect.AuthorizeRequest{ConnectionID: id, AutoSync: true}, "dev")
		if renewed != id || w.channel(id).Status != oxlin.ChannelSuccess {
			t.Errorf("renewal gave connection %s with channel %+v", renewed, w.channel(id))
		}
		for i, account := range w.accounts() {
			if account.ID != accounts[i].ID {
				t.Errorf("account %s became %s", accounts[i].ID, account.ID)
			}
		}
		after := map[oxlin.TransactionID]oxlin.Transaction{}
		for _, x := range w.transactions() {
			after[x.ID] = x
		}
		for _, x := range transactions {
			now, there := after[x.ID]
			if !there || now.Amount != x.Amount || now.AccountID != x.AccountID {
				t.Errorf("transaction %s was %+v, is %+v", x.ID, x, now)
			}
		}
	})
}

func TestWhatHappensAtTheBankKeepsOurIDs(t *testing.T) {
	for _, scenario := range []string{"renumbered", "relabelled", "backdated", "pending_booked"} {
		t.Run(scenario, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
				before, accounts := w.transactions(), w.accounts()
				w.Scenario("dev", scenario)
				w.synchronize(id)
				after := w.transactions()
				extra := 0
				if scenario == "backdated" {
					extra = len(accounts) // at most one row an account
				}
				if len(after) < len(before) || len(after) > len(before)+extra {
					t.Errorf("%d transactions became %d", len(before), len(after))
				}
				for i, x := range before {
					if after[i].ID != x.ID || after[i].Amount != x.Amount {
						t.Errorf("transaction %+v became %+v", x, after[i])
					}
				}
				for i, account := range w.accounts() {
					if account.ID != accounts[i].ID {
						t.Errorf("account %s became %s", accounts[i].ID, account.ID)
					}
				}
			})
		})
	}
}

// A client with a webhook is notified when a channel stops running, and not before.
func TestWebhooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		if told := w.Queue.TakeNotifications(); told != nil {
			t.Errorf("a client without a webhook is notified of %v", told)
		}
		client := w.caller.Client
		client.Settings = oxlin.Settings{"webhook_url": {Value: "https://integrator.example/hook"}}
		w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), client) })
		for _, step := range []struct {
			fact string
			do   func()
			told []oxlin.EventType
		}{
			{"a synchronisation", func() { w.synchronize(id) }, []oxlin.EventType{"SYNC_ALL_SUCCESS"}},
			{"a bank that is down", func() { w.Scenario("dev", "down"); w.synchronize(id); w.EndScenario("?login=dev") }, []oxlin.EventType{"SYNC_ALL_FAILED"}},
			{"a new consent", func() { w.connect(connect.AuthorizeRequest{ConnectionID: id}, "dev") }, []oxlin.EventType{"SYNC_ALL_SUCCESS"}},
			{"a consent that is over", func() {
				w.Clock.Advance(91 * 24 * time.Hour)
				err := w.Engine.Sweep(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				w.work()
			}, []oxlin.EventType{"SYNC_ALL_FAILED"}},
		} {
			step.do()
			types := w.eventTypes()
			var told []oxlin.EventType
			for _, job := range w.Queue.TakeNotifications() {
				told = append(told, types[job.Event-1])
			}
			if diff := cmp.Diff(step.told, told); diff != "" {
				t.Errorf("%s (-want +told):\n%s", step.fact, diff)
			}
		}
	})
}

func TestABankThatFails(t *testing.T) {
	tests := []struct {
		scenario string
		status   oxlin.ChannelStatus
		events   []oxlin.EventType
		retried  bool // a later attempt is planned
	}{
		{"down", oxlin.ChannelFailed, []oxlin.EventType{"SYNC_ALL_RUNNING", "FAILED", "SYNC_ALL_FAILED"}, true},
		{"garbage", oxlin.ChannelFailed, []oxlin.EventType{"SYNC_ALL_RUNNING", "FAILED", "SYNC_ALL_FAILED"}, true},
		{"rate_limited", oxlin.ChannelSuccess, []oxlin.EventType{"SYNC_ALL_RUNNING", "SYNC_ALL_FAILED"}, true},
		{"consent_expired", oxlin.ChannelTokenExpired, []oxlin.EventType{"SYNC_ALL_RUNNING", "TOKEN_EXPIRED", "SYNC_ALL_FAILED"}, false},
	}
	for _, test := range tests {
		t.Run(test.scenario, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
				before, events := w.transactions(), len(w.eventTypes())
				w.Scenario("dev", test.scenario)
				w.synchronize(id)
				channel := w.channel(id)
				if channel.Status != test.status {
					t.Errorf("the channel is %s, want %s", channel.Status, test.status)
				}
				if channel.NextSyncAt.IsZero() == test.retried {
					t.Errorf("the next attempt is planned for %s", channel.NextSyncAt)
				}
				if diff := cmp.Diff(test.events, w.eventTypes()[events:]); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
					t.Errorf("stored data changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func TestUnattendedAccessesAreCountedBeforeTheBankDoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		w.caller.PSU = nil
		for range 4 {
			w.synchronize(id)
			if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
				t.Fatalf("the channel is %s", got)
			}
		}
		calls := w.Calls.Len()
		err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		refused := oxlin.AsError(err)
		if refused.Code != oxlin.CodeQuotaExhausted || refused.RetryAfter <= 0 {
			t.Errorf("the fifth access of the day: %v", err)
		}
		if w.Calls.Len() != calls {
			t.Error("something was sent to the bank")
		}
		w.Clock.Advance(24 * time.Hour)
		w.synchronize(id)
		if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
			t.Errorf("on the next day the channel is %s", got)
		}
	})
}

// What a run reserves when it starts and never asks for does not count, however it ends.
func TestOnlyAccessesThatAreMadeCount(t *testing.T) {
	for name, refused := range map[string]struct {
		path   string
		status int
	}{
		"the bank is down":               {"/accounts", http.StatusServiceUnavailable},
		"the list is nonsense":           {"/accounts", http.StatusOK},
		"the rows are nonsense":          {"/transactions", http.StatusOK},
		"the bank has enough of a third": {"/balances", http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				w.caller.PSU = nil
				calls := 0
				w.Calls.Hook(func(r *http.Request) *http.Response {
					if strings.Contains(r.URL.Path, "/accounts") && !r.URL.Query().Has("page") {
						calls++
					}
					if !strings.HasSuffix(r.URL.Path, refused.path) {
						return nil
					}
					return &http.Response{StatusCode: refused.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<html>"))}
				})
				w.synchronize(id)
				counts, err := db.Read().UnattendedAccesses(t.Context(), w.caller.UserID, w.Engine.Today())
				if err != nil {
					t.Fatal(err)
				}
				counted := 0
				for _, n := range counts {
					counted += n
				}
				if counted != calls || calls == 0 {
					t.Errorf("%d calls were made, and %d are counted: %v", calls, counted, slices.Collect(maps.Values(counts)))
				}
			})
		})
	}
}

func TestOneAccountThatFailsKeepsNoOtherFromBeingRead(t *testing.T) {
	tests := []struct {
		name    string
		path    string // of the calls that the bank refuses
		channel oxlin.ChannelStatus
		errors  int
	}{
		{"one account is refused", "/transactions", oxlin.ChannelSuccess, 1},
		{"all accounts are refused", "/accounts/", oxlin.ChannelTokenExpired, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{}, "dev")
				before := w.transactions()
				refused := ""
				w.Calls.Hook(func(r *http.Request) *http.Response {
					if !strings.Contains(r.URL.Path, test.path) || test.errors == 1 && refused != "" && r.URL.Path != refused {
						return nil
					}
					refused = r.URL.Path
					return &http.Response{
						StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}},
						Body: io.NopCloser(strings.NewReader(`{"status": 403, "message": "No consent for TPP"}`)),
					}
				})
				w.synchronize(id)
				if got := w.channel(id).Status; got != test.channel {
					t.Errorf("the channel is %s, want %s", got, test.channel)
				}
				failed := 0
				for _, account := range w.accounts() {
					if account.Status == oxlin.AccountError {
						failed++
					}
				}
				if failed != test.errors {
					t.Errorf("%d accounts are in error, want %d", failed, test.errors)
				}
				if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
					t.Errorf("stored data changed (-before +after):\n%s", diff)
				}
				w.Calls.Hook(nil)
			})
		})
	}
}

func TestNewAccountsWaitWhereConsentIsPerAccount(t *testing.T) {
	for _, perAccount := range []bool{true, false} {
		t.Run(map[bool]string{true: "consent per account", false: "consent to all"}[perAccount], func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := w.connect(connect.AuthorizeRequest{ConsentPerAccount: perAccount}, "dev")
				if perAccount {
					var all []oxlin.AccountConsent
					for _, account := range w.accounts() {
						all = append(all, oxlin.AccountConsent{AccountID: account.ID, Consent: true})
					}
					err := w.Service.Consents.Decide(t.Context(), w.caller, id, connect.Decision{Accounts: all, Text: oxlin.ConsentText{Version: oxlin.ConsentTextVersion}})
					if err != nil {
						t.Fatal(err)
					}
					w.work()
				}
				w.Scenario("dev", "new_account")
				w.synchronize(id)
				accounts := w.accounts()
				if len(accounts) != 4 {
					t.Fatalf("there are %d accounts", len(accounts))
				}
				want := oxlin.AccountActive
				if perAccount {
					want = oxlin.AccountPendingConsent
				}
				if got := accounts[3].Status; got != want {
					t.Errorf("the new account is %s, want %s", got, want)
				}
				if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Errorf("the channel is %s", got)
				}
				consents, err := db.Read().Consents(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if len(consents) != 1 || consents[0].AllAccounts == perAccount || consents[0].Text.Version == "" ||
					consents[0].GivenAt.IsZero() || consents[0].UserID != w.caller.UserID || !consents[0].ValidUntil.Equal(w.channel(id).ConsentUntil) {
					t.Errorf("the stored consents are %+v", consents)
				}
			})
		})
	}
}

func TestAVanishedAccountIsNotFoundUntilItComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		before, transactions := w.accounts(), w.transactions()
		w.Scenario("dev", "vanished_account")
		w.synchronize(id)
		for _, account := range w.accounts() {
			if account.Status != oxlin.AccountActive {
				t.Errorf("after one list without it, %s is %s", account.Name, account.Status)
			}
		}
		w.synchronize(id)
		statuses := map[oxlin.AccountStatus]int{}
		for _, account := range w.accounts() {
			statuses[account.Status]++
		}
		if statuses[oxlin.AccountNotFound] != 1 || statuses[oxlin.AccountActive] != 2 {
			t.Errorf("the accounts are %v", statuses)
		}
		if len(w.transactions()) != len(transactions) {
			t.Error("an account that is not shown lost its transactions")
		}
		w.EndScenario("login=dev")
		w.synchronize(id)
		for i, account := range w.accounts() {
			if account.Status != oxlin.AccountActive || account.ID != before[i].ID {
				t.Errorf("account %+v came back as %+v", before[i], account)
			}
		}
	})
}

func TestAClosedAccountIsNotReadUntilItIsActiveAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		account := w.accounts()[0]
		set := func(status oxlin.AccountStatus) {
			t.Helper()
			err := w.Service.Accounts.Change(t.Context(), w.caller, account.ID, connect.AccountChange{Status: &status})
			if err != nil {
				t.Fatal(err)
			}
		}
		set(oxlin.AccountClosed)
		w.Clock.Advance(24 * time.Hour)
		w.synchronize(id)
		if got := w.accounts()[0]; got.Status != oxlin.AccountClosed || !got.BalanceAt.Equal(account.BalanceAt) {
			t.Errorf("a closed account was read: %+v", got)
		}
		set(oxlin.AccountActive)
		err := w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.accounts()[0]; got.Status != oxlin.AccountActive || !got.BalanceAt.After(account.BalanceAt) {
			t.Errorf("an account that is active again was not read: %+v", got)
		}
	})
}

// After a downtime everything is due at once. What keeps its appointment, because it runs
// already, keeps nothing waiting that is due later.
func TestASweepGoesOnUntilNothingIsDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const running, waiting = 250, 230
		first := w.Clock.Now().Add(-time.Hour)
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for i := range running + waiting {
				id, err := tx.InsertConnection(t.Context(), oxlin.Connection{UserID: w.caller.UserID, ProviderID: "87", Name: "Bank"})
				if err != nil {
					return err
				}
				status := oxlin.ChannelRunning
				if i >= running {
					status = oxlin.ChannelSuccess
				}
				_, err = tx.InsertChannel(t.Context(), oxlin.Channel{
					ConnectionID: id, DefinitionID: "8701", Status: status, NextSyncAt: first.Add(time.Duration(i/3) * time.Second),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(w.Queue.Runs()); n != waiting {
			t.Errorf("%d synchronisations were started, want %d", n, waiting)
		}
	})
}

func TestASynchronisationThatIsGivenUpDoesNotRunForEver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		err := w.Service.Connections.Synchronize(t.Context(), w.caller, id, oxlin.SyncAll)
		if err != nil {
			t.Fatal(err)
		}
		job := w.takeRun() // the queue loses it
		w.Clock.Advance(11 * time.Minute)
		err = w.Engine.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if runs := w.Queue.Runs(); len(runs) != 1 || runs[0].ID != job {
			t.Errorf("the sweep gives the jobs %+v", runs)
		}
		// The bank has left the catalogue, so that only GiveUp ends the run.
		w.Catalogue.Catalogue = platformtest.NoProviders{}
		err = w.Engine.Run(t.Context(), job)
		if err == nil {
			t.Error("the synchronisation continued without a connector")
		}
		err = w.Engine.GiveUp(t.Context(), job, err)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.channel(id); got.Status != oxlin.ChannelFailed || got.NextSyncAt.IsZero() {
			t.Errorf("the channel is %+v", got)
		}
		err = w.Engine.GiveUp(t.Context(), job, nil)
		if err != nil {
			t.Errorf("given up twice: %v", err)
		}
	})
}

func TestABankIsCalledAtThePaceItBears(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.bankIs(func(c *stet.Connector) bank.Connector { return slowConnector{c} })
		begun := w.Clock.Now()
		id := w.connect(connect.AuthorizeRequest{}, "dev")
		if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
			t.Fatalf("the channel is %s", got)
		}
		calls, took := w.Calls.Len(), w.Clock.Now().Sub(begun)
		// The calls of one answer may be ahead of the pace, so that not every call waits.
		if least := time.Duration(calls-6) * 10 * time.Second; took < least {
			t.Errorf("%d calls took %s, at six a minute it should be %s at least", calls, took, least)
		}
	})
}

// slowConnector plays a bank that allows six calls a minute.
type slowConnector struct{ *stet.Connector }

func (c slowConnector) Profile() bank.Profile {
	profile := c.Connector.Profile()
	profile.RequestsPerMinute = 6
	return profile
}
