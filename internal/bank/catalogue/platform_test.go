package catalogue_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	usecases "github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// faces are the interfaces of the test bank beside STET that need no page of ours.
var faces = []struct {
	provider   oxlin.ProviderID
	definition oxlin.ChannelDefinitionID
	lost       oxlin.Secret // the state of an access that the bank does not know
	address    string       // the header with the user's address
}{
	{"183", "18301", oxlin.NewSecret(`{"consent_id":"none"}`), ""},
	{"185", "18501", oxlin.NewSecret(`{"consent":"none"}`), "x-fapi-customer-ip-address"},
}

// reconfirming is the one whose consents have no end: a renewal asks the bank alone.
const reconfirming = oxlin.ProviderID("185")

// enter takes the way in as the customer of a scenario.
func (b *bench) enter(t *testing.T, connector bank.Connector, login string) bank.Access {
	t.Helper()
	journey := bank.Journey{RedirectURI: "http://127.0.0.1:1/oauth2/aisp", Verifier: oxlin.NewSecret(strings.Repeat("verifier", 8))}
	return banktest.Enter(t, func() bank.Connector { return connector }, journey, attended.PSU, b.user(login))
}

// user plays the customer of a scenario between two steps of the way in.
func (b *bench) user(login string) func(*testing.T, bank.Step) bank.Input {
	return func(t *testing.T, step bank.Step) bank.Input {
		t.Helper()
		return bank.Input{Event: bank.Returned, Return: b.visit(t, step.(bank.Address).URL, login)}
	}
}

var attended = bank.Call{PSU: &oxlin.PSU{IP: "192.0.2.7", UserAgent: "Firefox"}}

func TestEachFaceOfTheTestBankPassesTheSuite(t *testing.T) {
	for _, face := range faces {
		t.Run(string(face.provider), func(t *testing.T) {
			b := startBench(t)
			connector := func() bank.Connector {
				connector, err := b.Connector(face.provider, face.definition)
				if err != nil {
					t.Fatal(err)
				}
				return connector
			}
			call := attended
			call.Access = b.enter(t, connector(), "dev")
			banktest.Exercise(t, banktest.Subject{
				New: connector, Call: call, Lost: bank.Call{Access: bank.Access{Token: oxlin.NewSecret("no-such-token"), State: face.lost}},
				From: oxlin.NewDate(2026, 1, 1), Seen: b.taken, Enter: b.user("dev"), PSUAddress: face.address,
			})
		})
	}
}

func TestWhatGoesWrongAtAFaceOfTheTestBankIsTyped(t *testing.T) {
	for _, face := range faces {
		b := startBench(t)
		connector, err := b.Connector(face.provider, face.definition)
		if err != nil {
			t.Fatal(err)
		}
		for scenario, want := range map[string]bank.FailureKind{
			"down": bank.Unavailable, "rate_limited": bank.RateLimited, "consent_expired": bank.AccessLost, "garbage-html": bank.Nonsense,
			"garbage-types": bank.Nonsense,
		} {
			t.Run(string(face.provider)+" "+scenario, func(t *testing.T) {
				call := attended
				call.Access = b.enter(t, connector, "dev+"+scenario)
				_, err := connector.Accounts(t.Context(), call, "")
				if bank.AsFailure(err).Kind != want {
					t.Errorf("accounts: %v, want %s", err, want)
				}
			})
		}
		t.Run(string(face.provider)+" the fifth access", func(t *testing.T) {
			call := bank.Call{Access: b.enter(t, connector, "dev")}
			page, err := connector.Accounts(t.Context(), call, "")
			if err != nil {
				t.Fatal(err)
			}
			for n := range 5 {
				_, err = connector.Balances(t.Context(), call, page.Accounts[0].Ref(), "")
				if n < 4 && err != nil {
					t.Fatalf("access %d: %v", n+1, err)
				}
			}
			limited := wantKind(t, err, bank.RateLimited, http.StatusTooManyRequests)
			if limited.RetryAfter <= 0 || limited.RetryAfter > 24*time.Hour {
				t.Errorf("the bank asks us to wait for %v", limited.RetryAfter)
			}
		})
		t.Run(string(face.provider)+" loops and missing references", func(t *testing.T) {
			counts := map[string]int{}
			for _, login := range []string{"dev", "dev+next_loop", "dev+no_references"} {
				call := attended
				call.Access = b.enter(t, connector, login)
				page, err := connector.Accounts(t.Context(), call, "")
				if err != nil {
					t.Fatal(err)
				}
				for cursor, more := "", true; more; more = cursor != "" {
					read, err := connector.Transactions(t.Context(), call, page.Accounts[0].Ref(), oxlin.Date{}, cursor)
					if err != nil {
						t.Fatal(err)
					}
					counts[login] += len(read.Transactions)
					cursor = read.Next
				}
			}
			if counts["dev"] < 100 || counts["dev+next_loop"] != counts["dev"] || counts["dev+no_references"] != counts["dev"] {
				t.Errorf("rows by customer: %v", counts)
			}
		})
	}
}

// The ways without the bank's pages: a method and a code, and the app after a password or in
// its place.
func TestTheTestBankApprovesWithoutItsPages(t *testing.T) {
	for _, test := range []struct {
		login, method string
		want          bank.FailureKind
	}{
		{"dev", "1", ""},
		{"dev", "2", ""},
		{"dev+decoupled", "", ""},
		{"dev+refuse", "1", bank.ChallengeRejected},
		{"dev+refuse+decoupled-1", "", bank.ChallengeCancelled},
		{"dev+sms_wrong", "1", bank.ChallengeRejected},
		{"nobody", "", bank.CredentialsRejected},
	} {
		t.Run(test.login+" "+test.method, func(t *testing.T) {
			b := startBench(t)
			connector, err := b.Connector("184", "18401")
			if err != nil {
				t.Fatal(err)
			}
			answers := map[oxlin.CredentialID]string{"psu_id": test.login, "password": "dev", "method": test.method, "code": "123456"}
			input := bank.Input{Event: bank.Begun, PSU: attended.PSU, Store: func(context.Context, oxlin.Secret) error { return nil }}
			var asked []string
			for range 10 {
				var step bank.Step
				step, err = connector.(bank.Continuer).Continue(t.Context(), input)
				if err != nil {
					break
				}
				input.State = banktest.StateOf(step)
				switch step := step.(type) {
				case bank.Question:
					input.Event, input.Answers = bank.Answered, map[oxlin.CredentialID]oxlin.Secret{}
					for _, challenge := range step.Challenges {
						if challenge.Type.IsMessage() {
							continue
						}
						asked = append(asked, string(challenge.ID))
						input.Answers[challenge.ID] = oxlin.NewSecret(answers[challenge.ID])
					}
					continue
				case bank.Wait:
					if len(step.Show) == 0 {
						t.Error("the user is not told of the app")
					}
					asked = append(asked, "app")
					b.Advance(3 * time.Second)
					input.Event = bank.Ticked
					continue
				case bank.Access:
					call := attended
					call.Access = step
					page, err := connector.Accounts(t.Context(), call, "")
					if err != nil || len(page.Accounts) != 2 {
						t.Errorf("%d accounts, %v", len(page.Accounts), err)
					}
				}
				break
			}
			if (err != nil || test.want != "") && bank.AsFailure(err).Kind != test.want {
				t.Errorf("after %v: %v, want %q", asked, err, test.want)
			}
			if test.method == "2" && !slices.Equal(asked, []string{"psu_id", "password", "method", "app", "app"}) {
				t.Errorf("the user was asked %v", asked)
			}
		})
	}
}

// eachFace runs a test with the whole platform, at each of them.
func eachFace(t *testing.T, test func(t *testing.T, w *platformtest.World, request usecases.AuthorizeRequest)) {
	t.Helper()
	for _, face := range faces {
		t.Run(string(face.provider), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := platformtest.New(t, db, platformtest.Options{PublicURL: "https://oxlin.example"})
				test(t, w, usecases.AuthorizeRequest{ProviderID: face.provider, DefinitionID: face.definition})
			})
		})
	}
}

// idsOf are the ids and rows that a user sees, in order.
func idsOf(w *platformtest.World, user oxlin.UserID) (accounts []oxlin.AccountID, rows []oxlin.TransactionID) {
	for _, account := range w.Accounts(user) {
		accounts = append(accounts, account.ID)
	}
	for _, row := range w.Transactions(user) {
		rows = append(rows, row.ID)
	}
	slices.Sort(accounts)
	slices.Sort(rows)
	return accounts, rows
}

// The same customer is the same whatever the interface: as many accounts and rows as by STET,
// with the same balances.
func TestEachFaceOfTheTestBankShowsTheSameCustomer(t *testing.T) {
	eachFace(t, func(t *testing.T, w *platformtest.World, request usecases.AuthorizeRequest) {
		caller := w.LicensedCaller()
		w.Connect(caller, request, "dev")
		other := caller
		other.UserID = w.NewUser(caller.Client)
		w.Connect(other, usecases.AuthorizeRequest{}, "dev")
		seen := func(user oxlin.UserID) (list []string) {
			rows := map[oxlin.AccountID]int{}
			for _, row := range w.Transactions(user) {
				rows[row.AccountID]++
			}
			for _, account := range w.Accounts(user) {
				if account.Balance == nil || rows[account.ID] == 0 {
					t.Errorf("account %s has no balance or no rows", account.Name)
					continue
				}
				list = append(list, account.Name+" "+string(account.Type)+" "+account.Balance.String())
			}
			slices.Sort(list)
			return list
		}
		ours, theirs := seen(caller.UserID), seen(other.UserID)
		if len(ours) != 3 || !slices.Equal(ours, theirs) {
			t.Errorf("the user sees\n%v, and by STET\n%v", ours, theirs)
		}
		if n, m := len(w.Transactions(caller.UserID)), len(w.Transactions(other.UserID)); n != m || n < 300 {
			t.Errorf("the user sees %d rows, and %d by STET", n, m)
		}
	})
}

// A year with a bank: what was read stays, also without news, without the user, and when the
// user renews.
func TestAFaceOfTheTestBankKeepsWhatWasRead(t *testing.T) {
	eachFace(t, func(t *testing.T, w *platformtest.World, request usecases.AuthorizeRequest) {
		caller := w.LicensedCaller()
		id := w.Connect(caller, request, "dev")
		accounts, rows := idsOf(w, caller.UserID)
		if w.Connection(caller, id).Status() != oxlin.ConnectionSuccess || len(accounts) != 3 {
			t.Fatalf("the connection is %+v", w.Connection(caller, id))
		}
		same := func(when string, more bool) {
			t.Helper()
			nowAccounts, nowRows := idsOf(w, caller.UserID)
			lost := slices.DeleteFunc(slices.Clone(rows), func(id oxlin.TransactionID) bool { return slices.Contains(nowRows, id) })
			if !slices.Equal(nowAccounts, accounts) || len(lost) > 0 || !more && len(nowRows) != len(rows) {
				t.Errorf("%s: %d accounts and %d rows, of which %d are lost; %d and %d before", when, len(nowAccounts), len(nowRows), len(lost), len(accounts), len(rows))
			}
		}
		w.Synchronize(caller, id)
		same("without news", false)

		w.Clock.Advance(10 * 24 * time.Hour)
		w.Settle()
		w.Synchronize(caller, id)
		same("ten days later", true)
		accounts, rows = idsOf(w, caller.UserID)

		request.ConnectionID, request.ReturnURI = id, "https://integrator.example/return"
		if request.ProviderID == reconfirming {
			_, err := w.Service.Authorizations.Begin(t.Context(), caller, request)
			if err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Minute)
			w.Service.Ways.TickDue(t.Context())
		} else if result := w.Arrive(caller, w.Authorize(caller, request, "dev")); result.Status != "success" || result.ConnectionID != id {
			t.Fatalf("the renewal ended with %+v", result)
		}
		w.Settle()
		same("after a renewal", false)
		left := 1
		if request.ProviderID == reconfirming {
			left = 0 // the same consent goes on
		}
		if n := w.Revoke(); n != left {
			t.Errorf("the renewal has left %d consents, want %d", n, left)
		}

		w.Clock.Advance(85 * 24 * time.Hour)
		w.Synchronize(caller, id)
		if channel := w.Connection(caller, id).Channels[0]; channel.Status != oxlin.ChannelSuccess {
			t.Errorf("the renewal has extended nothing: %+v", channel)
		}
		w.Clock.Advance(6 * 24 * time.Hour)
		w.Synchronize(caller, id)
		if channel := w.Connection(caller, id).Channels[0]; channel.Status != oxlin.ChannelTokenExpired {
			t.Errorf("after the consent's end the channel is %+v", channel)
		}
		same("after the consent's end", true)
		err := w.Service.Connections.Delete(t.Context(), caller, id)
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		if n := w.Revoke(); n != 1 {
			t.Errorf("%d consents are deleted at the bank", n)
		}
	})
}
