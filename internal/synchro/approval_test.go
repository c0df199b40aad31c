package synchro_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// approvalWorld is a platform at whose bank a login with credentials is approved in an app.
type approvalWorld struct {
	*platformtest.World
	pier   *banktest.Pier
	caller oxlin.Caller
	id     oxlin.ConnectionID
}

func eachApproval(t *testing.T, before func(*banktest.Pier), test func(t *testing.T, w *approvalWorld)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		pier := banktest.NewPier(t, banktest.PierApp)
		before(pier)
		w := &approvalWorld{World: platformtest.New(t, db, platformtest.Options{Catalogue: platformtest.Pier{Bank: pier}}), pier: pier}
		w.caller = w.LicensedCaller()
		var err error
		w.id, err = w.Service.Credentials.Connect(t.Context(), w.caller, connect.NewConnection{
			ProviderID: "1", DefinitionID: "12", Credentials: connect.CredentialValues{Values: map[oxlin.CredentialID]string{"120": "0042"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.run()
		test(t, w)
	})
}

// run runs the jobs that are due now.
func (w *approvalWorld) run() {
	w.T.Helper()
	w.Work(func(run jobstest.Run) bool { return !run.NotBefore.After(w.Clock.Now()) })
}

func (w *approvalWorld) status() oxlin.ChannelStatus {
	channel, _ := w.Connection(w.caller, w.id).Channel("12")
	return channel.Status
}

func (w *approvalWorld) discard() map[string]int {
	w.T.Helper()
	for _, job := range w.Queue.TakeRevocations() {
		err := w.Engine.Revoke(w.T.Context(), job.Provider, job.Definition, job.Sealed)
		if err != nil {
			w.T.Error(err)
		}
	}
	return w.pier.Statuses()
}

// asked returns the challenges of the events that ask the user.
func (w *approvalWorld) asked() (all [][]oxlin.Challenge) {
	for _, e := range w.EventLog(w.caller.UserID) {
		if e.Type == "LIST_ACCOUNTS_USER_INPUT_REQUESTED" {
			all = append(all, e.Payload.Challenge)
		}
	}
	return all
}

// An approval in an app is told as messages; nothing needs to be answered (contract §12.17).
func TestALoginThatIsApprovedInAnApp(t *testing.T) {
	eachApproval(t, func(*banktest.Pier) {}, func(t *testing.T, w *approvalWorld) {
		for range 5 {
			w.Clock.Advance(time.Second)
			w.run()
		}
		asked := w.asked()
		if len(asked) != 1 || len(asked[0]) != 3 || asked[0][0].Params["code"] != "42" ||
			asked[0][1].Type != oxlin.CredentialTimeout || asked[0][2].Type != oxlin.CredentialOKCancel {
			t.Fatalf("the user is asked %+v", asked)
		}
		if w.status() != oxlin.ChannelRunning {
			t.Errorf("while the bank waits, the channel is %s", w.status())
		}
		w.pier.Decide("valid")
		w.Clock.Advance(time.Second)
		w.run()
		if got := w.Connection(w.caller, w.id).Status(); got != oxlin.ConnectionSuccess && got != oxlin.ConnectionRunning {
			t.Errorf("after the approval the connection is %s", got)
		}
		if len(w.Accounts(w.caller.UserID)) != 1 {
			t.Errorf("%d accounts", len(w.Accounts(w.caller.UserID)))
		}
		if counted := w.discard(); counted["valid"] != 1 {
			t.Errorf("the bank has %v", counted)
		}
	})
}

// However an approval ends without access, the bank deletes what was begun.
func TestAnApprovalThatDoesNotCome(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(t *testing.T, w *approvalWorld)
		want oxlin.ChannelStatus
	}{
		"the user refuses in the app": {func(_ *testing.T, w *approvalWorld) { w.pier.Decide("rejected") }, oxlin.ChannelChallengeCancelled},
		"the user cancels here": {func(t *testing.T, w *approvalWorld) {
			err := w.Service.Credentials.Answer(t.Context(), w.caller, w.id, "12", connect.UserInput{Answers: map[oxlin.CredentialID]string{"approval": "false"}})
			if err != nil {
				t.Error(err)
			}
		}, oxlin.ChannelChallengeCancelled},
		"the time is over": {func(_ *testing.T, w *approvalWorld) { w.Clock.Advance(6 * time.Minute) }, oxlin.ChannelChallengeTimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			eachApproval(t, func(*banktest.Pier) {}, func(t *testing.T, w *approvalWorld) {
				row.end(t, w)
				w.Clock.Advance(time.Second)
				w.run()
				if w.status() != row.want {
					t.Errorf("the channel is %s, want %s", w.status(), row.want)
				}
				if counted := w.discard(); counted["deleted"] != 1 || len(counted) != 1 {
					t.Errorf("the bank has %v", counted)
				}
			})
		})
	}
}

// A consent whose answer was lost is deleted at the bank, and the next attempt makes another one.
func TestALoginBeginsAnewAfterAnAnswerThatWasLost(t *testing.T) {
	eachApproval(t, func(pier *banktest.Pier) { pier.Lose(true) }, func(t *testing.T, w *approvalWorld) {
		w.pier.Lose(false)
		w.Clock.Advance(2 * time.Second)
		w.run()
		if counted := w.discard(); counted["deleted"] != 1 || counted["received"] != 1 || len(w.asked()) != 1 {
			t.Errorf("the bank has %v, and the user was asked %d times", counted, len(w.asked()))
		}
	})
}
