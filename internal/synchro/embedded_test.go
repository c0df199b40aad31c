package synchro_test

import (
	"context"
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

var (
	sendSMS   = platformtest.SendSMS
	cancelSMS = map[oxlin.CredentialID]string{"304": "false"}
	rightCode = platformtest.RightCode
	wrongCode = map[oxlin.CredentialID]string{"306": "654321", "307": "true"}
)

func (w *world) embedded(id oxlin.ConnectionID) oxlin.Channel {
	w.T.Helper()
	channel, _ := w.connection(id).Channel("8700")
	return channel
}

func TestALoginWithAnSMS(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.login("dev", "dev")
		if got := w.connection(id).Status(); got != oxlin.ConnectionRunning {
			t.Fatalf("while the bank asks, the connection is %s", got)
		}
		events, err := db.Read().Events(t.Context(), w.caller.UserID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		asked := events[len(events)-1]
		if asked.Type != "LIST_ACCOUNTS_USER_INPUT_REQUESTED" || len(asked.Payload.Challenge) != 2 ||
			asked.Payload.Challenge[0].ID != "303" || asked.Payload.Challenge[0].Params["phone"] == "" || asked.Payload.Challenge[1].ID != "304" {
			t.Errorf("the bank asks %+v", asked)
		}
		w.answer(id, sendSMS)
		w.answer(id, wrongCode)
		w.answer(id, rightCode)
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess {
			t.Fatalf("after the answers the connection is %s: %+v", got, w.embedded(id))
		}
		var types []oxlin.AccountType
		for _, account := range w.accounts() {
			types = append(types, account.Type)
		}
		slices.Sort(types)
		want := []oxlin.AccountType{
			oxlin.AccountCheckings, oxlin.AccountCheckings, oxlin.AccountCreditCard, oxlin.AccountLoan, oxlin.AccountSavings,
		}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Errorf("accounts (-want +got):\n%s", diff)
		}
		masked := []oxlin.Credential{{ID: "300", Masked: "********"}, {ID: "301", Masked: "********"}}
		if diff := cmp.Diff(masked, w.embedded(id).Credentials); diff != "" {
			t.Errorf("credentials (-want +got):\n%s", diff)
		}

		// The device is known now: the daily synchronisation needs nobody.
		before := w.transactions()
		w.caller.PSU = nil
		w.synchronize(id)
		if got := w.embedded(id).Status; got != oxlin.ChannelSuccess {
			t.Errorf("without the user the channel is %s", got)
		}
		if diff := cmp.Diff(before, w.transactions(), cmp.Comparer(sameDate)); diff != "" {
			t.Errorf("the second synchronisation changed something (-before +after):\n%s", diff)
		}
	})
}

// TestAllTypesOfChallenges is a login whose questions have the types that the SMS
// conversation lacks, one of them answered with an OpenPGP message.
func TestAllTypesOfChallenges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.login("dev+questions", "dev")
		asked := func() (types []oxlin.CredentialType, attempts string) {
			t.Helper()
			events, err := db.Read().Events(t.Context(), w.caller.UserID, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			last := events[len(events)-1]
			if last.Type != "LIST_ACCOUNTS_USER_INPUT_REQUESTED" {
				t.Fatalf("the last event is %s", last.Type)
			}
			for _, challenge := range last.Payload.Challenge {
				types = append(types, challenge.Type)
				attempts += challenge.Params["remaining_attempts"]
				if challenge.Encrypt != (challenge.Type == oxlin.CredentialPassword) {
					t.Errorf("%s: encrypt is %t", challenge.Type, challenge.Encrypt)
				}
			}
			return types, attempts
		}
		encrypted := func(text string) string { return w.typed("dev", text).Values["301"] }
		answer := func(changed ...string) error {
			input := connect.UserInput{KeyID: w.typed("dev", "dev").KeyID, Answers: map[oxlin.CredentialID]string{
				"313": "soleil", "314": encrypted("sesame"), "315": "2468", "316": "1988-02-29", "312": "true",
			}}
			for i := 0; i < len(changed); i += 2 {
				input.Answers[oxlin.CredentialID(changed[i])] = changed[i+1]
			}
			return w.Service.Credentials.Answer(t.Context(), w.caller, id, "8700", input)
		}

		types, attempts := asked()
		want := []oxlin.CredentialType{
			oxlin.CredentialInfo, oxlin.CredentialText, oxlin.CredentialPassword, oxlin.CredentialNumericPassword, oxlin.CredentialDate,
			oxlin.CredentialOKCancel,
		}
		if diff := cmp.Diff(want, types); diff != "" || attempts != "" {
			t.Fatalf("asked, with %q attempts left (-want +got):\n%s", attempts, diff)
		}
		calls := w.Calls.Len()
		for _, bad := range [][]string{{"314", "sesame"}, {"315", "24680"}, {"316", "29/02/1988"}, {"313", ""}} {
			err := answer(bad...)
			if got := oxlin.AsError(err); got.Code != oxlin.CodeInvalidRequest || got.Field != "credentials."+bad[0] {
				t.Errorf("%v: %v", bad, err)
			}
		}
		if w.Calls.Len() != calls {
			t.Error("the bank was asked")
		}

		err := answer("314", encrypted("simsim"))
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		types, attempts = asked()
		if diff := cmp.Diff(slices.Insert(want, 1, oxlin.CredentialError), types); diff != "" || attempts != "2" {
			t.Fatalf("asked again, with %q attempts left (-want +got):\n%s", attempts, diff)
		}
		err = answer()
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess || len(w.accounts()) != 5 {
			t.Errorf("the connection is %s with %d accounts: %+v", got, len(w.accounts()), w.embedded(id))
		}
	})
}

// TestEveryStatusHasACauseAndACure is the table of contract §5.2: how a channel
// gets a status, and how the user ends it.
func TestEveryStatusHasACauseAndACure(t *testing.T) {
	again := func(w *world, id oxlin.ConnectionID) {
		w.synchronize(id)
		w.answer(id, sendSMS)
		w.answer(id, rightCode)
	}
	retype := func(w *world, id oxlin.ConnectionID) {
		err := w.Service.Credentials.Replace(w.T.Context(), w.caller, id, "8700", w.typed("dev", "dev"))
		if err != nil {
			w.T.Fatal(err)
		}
		w.work()
		w.answer(id, sendSMS)
		w.answer(id, rightCode)
	}
	tests := []struct {
		status oxlin.ChannelStatus
		login  string
		cause  func(w *world, id oxlin.ConnectionID) // after the login
		cure   func(w *world, id oxlin.ConnectionID)
	}{
		{oxlin.ChannelAuthFailed, "dev/wrong", nil, retype},
		{oxlin.ChannelTooManyAttempts, "dev+locked/dev", nil, retype},
		{oxlin.ChannelPasswordChangeRequired, "dev+password_change/dev", nil, retype},
		{oxlin.ChannelUserActionRequired, "dev+action_required/dev", func(w *world, id oxlin.ConnectionID) {
			w.answer(id, sendSMS)
			w.answer(id, rightCode)
		}, retype},
		{oxlin.ChannelChallengeCancelled, "dev/dev", func(w *world, id oxlin.ConnectionID) { w.answer(id, cancelSMS) }, again},
		{oxlin.ChannelChallengeFailed, "dev+sms/dev", func(w *world, id oxlin.ConnectionID) {
			w.answer(id, sendSMS)
			for range 3 {
				w.answer(id, wrongCode)
			}
		}, again},
		{oxlin.ChannelChallengeTimedOut, "dev/dev", func(w *world, id oxlin.ConnectionID) {
			w.Clock.Advance(10 * time.Minute)
			w.work()
		}, again},
		{oxlin.ChannelChallengeRequired, "dev+sms/dev", func(w *world, id oxlin.ConnectionID) {
			w.answer(id, sendSMS)
			w.answer(id, rightCode)
			w.Clock.Advance(time.Hour)
			present := w.caller.PSU
			w.caller.PSU = nil
			w.synchronize(id)
			w.caller.PSU = present
		}, again},
	}
	for _, test := range tests {
		t.Run(string(test.status), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				login, password, _ := strings.Cut(test.login, "/")
				id := w.login(login, password)
				if test.cause != nil {
					test.cause(w, id)
				}
				if got := w.embedded(id); got.Status != test.status || !got.NextSyncAt.IsZero() {
					t.Fatalf("the channel is %+v, want %s", got, test.status)
				}
				events := w.eventTypes()
				if got := events[len(events)-2]; got != oxlin.EventType(test.status) {
					t.Errorf("the status's own event is %s", got)
				}
				if got := w.connection(id).Status(); got != oxlin.ConnectionFailed {
					t.Errorf("the connection is %s", got)
				}
				test.cure(w, id)
				if got := w.embedded(id).Status; got != oxlin.ChannelSuccess {
					t.Errorf("after the cure the channel is %s", got)
				}
			})
		})
	}
}

// TestEveryStatusOfARedirectChannel is the same table for the bank's interface.
func TestEveryStatusOfARedirectChannel(t *testing.T) {
	request := connect.AuthorizeRequest{AutoSync: true}
	tests := []struct {
		status oxlin.ChannelStatus
		cause  func(w *world) oxlin.ConnectionID
		cure   func(w *world, id oxlin.ConnectionID)
	}{
		{oxlin.ChannelEmpty, func(w *world) oxlin.ConnectionID {
			id := w.login("dev", "dev") // by the web site alone
			w.answer(id, sendSMS)
			w.answer(id, rightCode)
			return id
		}, func(w *world, id oxlin.ConnectionID) {
			w.connect(connect.AuthorizeRequest{ConnectionID: id, AutoSync: true}, "dev")
		}},
		{oxlin.ChannelNever, func(w *world) oxlin.ConnectionID {
			return w.connect(connect.AuthorizeRequest{ConsentPerAccount: true}, "dev")
		}, func(w *world, id oxlin.ConnectionID) {
			err := w.Service.Consents.Decide(w.T.Context(), w.caller, id, connect.Decision{Accounts: []oxlin.AccountConsent{{AccountID: w.accounts()[0].ID, Consent: true}}})
			if err != nil {
				w.T.Fatal(err)
			}
			w.work()
		}},
		{oxlin.ChannelRunning, func(w *world) oxlin.ConnectionID {
			request.ReturnURI = "https://integrator.example/"
			return w.arrive(w.authorize(request, "dev")).ConnectionID
		}, func(w *world, _ oxlin.ConnectionID) { w.work() }},
		{oxlin.ChannelTokenExpired, func(w *world) oxlin.ConnectionID {
			id := w.connect(request, "dev")
			w.Scenario("dev", "consent_expired")
			w.synchronize(id)
			return id
		}, func(w *world, id oxlin.ConnectionID) { w.heal(id) }},
		{oxlin.ChannelUserActionRequired, func(w *world) oxlin.ConnectionID {
			// The catalogue maps the refusal of such a bank to this status.
			id := w.connect(request, "dev")
			w.bankIs(func(c *stet.Connector) bank.Connector { return waitingConnector{c} })
			w.synchronize(id)
			return id
		}, func(w *world, id oxlin.ConnectionID) {
			w.Catalogue.Catalogue = w.Catalogue.Catalogue.(otherBank).Catalogue
			w.synchronize(id)
		}},
		{oxlin.ChannelFailed, func(w *world) oxlin.ConnectionID {
			id := w.connect(request, "dev")
			w.Scenario("dev", "down")
			w.synchronize(id)
			return id
		}, func(w *world, id oxlin.ConnectionID) { // the user does nothing
			w.EndScenario("login=dev")
			w.Clock.Advance(w.channel(id).NextSyncAt.Sub(w.Clock.Now()))
			err := w.Engine.Sweep(w.T.Context())
			if err != nil {
				w.T.Fatal(err)
			}
			w.work()
		}},
	}
	for _, test := range tests {
		t.Run(string(test.status), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				id := test.cause(w)
				if got := w.channel(id).Status; got != test.status {
					t.Fatalf("the channel is %s, want %s", got, test.status)
				}
				test.cure(w, id)
				if got := w.channel(id).Status; got != oxlin.ChannelSuccess {
					t.Errorf("after the cure the channel is %s", got)
				}
			})
		})
	}
}

func TestAMessageThatDoesNotOpenIsRefusedWithoutTheBank(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		credentials := w.typed("dev", "dev")
		message := credentials.Values["301"]
		damage := len(message) - 120 // inside the encrypted text, behind the packet with the key's id
		letter := "A"
		if message[damage] == 'A' {
			letter = "B"
		}
		credentials.Values["301"] = message[:damage] + letter + message[damage+1:]
		calls := w.Calls.Len()
		id, err := w.Service.Credentials.Connect(t.Context(), w.caller, connect.NewConnection{ProviderID: "87", Credentials: credentials})
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.embedded(id).Status; got != oxlin.ChannelAuthFailed {
			t.Errorf("the channel is %s", got)
		}
		if w.Calls.Len() != calls {
			t.Error("the bank was asked")
		}
	})
}

func TestTwoChannelsSeeOneAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.connect(connect.AuthorizeRequest{AutoSync: true}, "dev")
		before := w.transactions()
		known := map[oxlin.AccountID]bool{}
		for _, account := range w.accounts() {
			known[account.ID] = true
		}
		err := w.Service.Credentials.Replace(t.Context(), w.caller, id, "8700", w.typed("dev", "dev"))
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		w.answer(id, sendSMS)
		w.answer(id, rightCode)
		if got := w.connection(id).Status(); got != oxlin.ConnectionSuccess {
			t.Fatalf("the connection is %s: %+v", got, w.connection(id).Channels)
		}
		fedBy := func() map[oxlin.AccountType]oxlin.ChannelDefinitionID {
			fed := map[oxlin.AccountType]oxlin.ChannelDefinitionID{}
			for _, account := range w.accounts() {
				fed[account.Type] = account.LastChannelDefinition
			}
			return fed
		}
		if len(w.accounts()) != 5 {
			t.Fatalf("two channels show %d accounts", len(w.accounts()))
		}
		want := map[oxlin.AccountType]oxlin.ChannelDefinitionID{
			oxlin.AccountCheckings: "8701", oxlin.AccountCreditCard: "8701", oxlin.AccountSavings: "8700", oxlin.AccountLoan: "8700",
		}
		if diff := cmp.Diff(want, fedBy()); diff != "" {
			t.Errorf("the channel of each type of account (-want +got):\n%s", diff)
		}
		same := func(when string) {
			t.Helper()
			now := map[oxlin.TransactionID]oxlin.Transaction{}
			perAccount := map[oxlin.AccountID]int{}
			for _, x := range w.transactions() {
				now[x.ID] = x
				perAccount[x.AccountID]++
			}
			first := map[oxlin.AccountID]int{}
			for _, x := range before {
				first[x.AccountID]++
				if now[x.ID].Amount != x.Amount || now[x.ID].AccountID != x.AccountID {
					t.Errorf("%s: transaction %+v is %+v", when, x, now[x.ID])
				}
			}
			for account, n := range first {
				if perAccount[account] != n {
					t.Errorf("%s: account %s had %d transactions and has %d", when, account, n, perAccount[account])
				}
			}
		}
		same("with both channels")

		// After the end of the consent the web site feeds the accounts, after a renewal REDIRECT does.
		w.Scenario("dev", "consent_expired")
		w.synchronize(id)
		w.synchronize(id)
		if got := fedBy()[oxlin.AccountCheckings]; got != "8700" {
			t.Errorf("after the end of the consent, channel %s feeds the current accounts", got)
		}
		same("without the consent")
	})
}

// waitingConnector plays a bank whose customers have to act first.
type waitingConnector struct{ *stet.Connector }

func (waitingConnector) Accounts(context.Context, bank.Call, string) (bank.AccountsPage, error) {
	return bank.AccountsPage{}, &bank.Failure{Kind: bank.ActionAtBank}
}
