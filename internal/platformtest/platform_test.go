package platformtest_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func newWorld(t testing.TB) (*platformtest.World, oxlin.Caller) {
	t.Helper()
	db, _ := storetest.SQLite(t)
	w := platformtest.New(t, db, platformtest.Options{})
	return w, w.LicensedCaller()
}

func TestTimePassesOnlyIfATestMovesTheClock(t *testing.T) {
	w, caller := newWorld(t)
	created := func() time.Time {
		user, err := w.Users.Get(t.Context(), oxlin.Caller{UserID: w.NewUser(caller.Client)})
		if err != nil {
			t.Fatal(err)
		}
		return user.CreatedAt
	}
	if got := created(); !got.Equal(platformtest.Start) {
		t.Errorf("a world begins at %v", got)
	}
	w.Clock.Advance(36 * time.Hour)
	if got, want := created(), platformtest.Start.Add(36*time.Hour); !got.Equal(want) {
		t.Errorf("36 hours later it is %v, want %v", got, want)
	}
	w.Clock.Set(platformtest.Start)
	if got := created(); !got.Equal(platformtest.Start) {
		t.Errorf("set back, the clock shows %v", got)
	}
}

func TestJobsRunOnlyIfATestRunsThem(t *testing.T) {
	w, caller := newWorld(t)
	back := w.Authorize(caller, connect.AuthorizeRequest{ReturnURI: "https://integrator.example/return", AutoSync: true}, "dev")
	id := w.Arrive(caller, back).ConnectionID
	calls := w.Calls.Len()
	if status := w.Connection(caller, id).Status(); status != oxlin.ConnectionRunning || len(w.Accounts(caller.UserID)) != 0 {
		t.Errorf("before a job has run, the connection is %s with %d accounts", status, len(w.Accounts(caller.UserID)))
	}
	w.Work(func(jobstest.Run) bool { return false })
	if w.Calls.Len() != calls {
		t.Error("a job ran that the test did not want")
	}
	w.Work(w.Due)
	if status := w.Connection(caller, id).Status(); status != oxlin.ConnectionSuccess || len(w.Transactions(caller.UserID)) == 0 {
		t.Errorf("after the jobs, the connection is %s with %d transactions", status, len(w.Transactions(caller.UserID)))
	}
	if now := w.Clock.Now(); !now.Equal(platformtest.Start) {
		t.Errorf("jobs that were due moved the clock to %v", now)
	}
	if w.Revoke() != 0 {
		t.Error("an access is returned that nobody ended")
	}
	err := w.Service.Connections.Delete(t.Context(), caller, id)
	if err != nil {
		t.Fatal(err)
	}
	calls = w.Calls.Len()
	if w.Revoke() != 1 || w.Calls.Len() == calls {
		t.Error("the access of a deleted connection is not returned to the bank")
	}
}

// A bank that fails is called again later: the clock moves to that moment, and no further.
func TestTheClockMovesToAJobThatIsDueLater(t *testing.T) {
	w, caller := newWorld(t)
	id := w.Connect(caller, connect.AuthorizeRequest{AutoSync: true}, "dev")
	var at []time.Time
	w.Calls.Hook(func(*http.Request) *http.Response {
		at = append(at, w.Clock.Now())
		if len(at) > 1 {
			return nil
		}
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody}
	})
	w.Synchronize(caller, id)
	if w.Connection(caller, id).Status() != oxlin.ConnectionSuccess || len(at) < 2 || !at[1].After(at[0]) {
		t.Fatalf("the connection is %s after calls at %v", w.Connection(caller, id).Status(), at)
	}
	if !w.Clock.Now().Equal(at[1]) {
		t.Errorf("the clock shows %v after a job at %v", w.Clock.Now(), at[1])
	}
	w.Calls.Hook(nil)
	recorded := len(at)
	w.Synchronize(caller, id)
	if len(at) != recorded {
		t.Error("a hook that was ended is still called")
	}
}

func TestScenariosOfTheBankEnd(t *testing.T) {
	w, caller := newWorld(t)
	w.Scenario("dev", "down")
	if !slices.Contains([]oxlin.ConnectionStatus{oxlin.ConnectionFailed, oxlin.ConnectionRunning}, w.Connection(caller, w.Connect(caller, connect.AuthorizeRequest{}, "dev")).Status()) {
		t.Error("a bank that is down is read")
	}
	w.EndScenario("login=dev")
	if status := w.Connection(caller, w.Connect(caller, connect.AuthorizeRequest{}, "dev")).Status(); status != oxlin.ConnectionSuccess {
		t.Errorf("a bank that is up again is %s", status)
	}
}

// spectator is a test for a World to fail.
type spectator struct {
	testing.TB
	failed  bool
	text    strings.Builder
	cleanup []func()
}

func (s *spectator) Failed() bool                    { return s.failed }
func (s *spectator) Cleanup(f func())                { s.cleanup = append(s.cleanup, f) }
func (s *spectator) Logf(format string, args ...any) { fmt.Fprintf(&s.text, format+"\n", args...) }
func (s *spectator) Fatal(args ...any)               { s.Fatalf("%s", fmt.Sprint(args...)) }
func (s *spectator) Fatalf(format string, arg ...any) {
	s.failed = true
	s.Logf(format, arg...)
	runtime.Goexit()
}

// watch returns what a test that uses a World shows, and whether it failed.
func watch(t *testing.T, test func(w *platformtest.World, caller oxlin.Caller)) (text string, failed bool) {
	t.Helper()
	s := &spectator{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w, caller := newWorld(s)
		test(w, caller)
	}()
	<-done
	for _, f := range slices.Backward(s.cleanup) {
		f()
	}
	return s.text.String(), s.failed
}

func TestFaultsFailTheTest(t *testing.T) {
	for name, row := range map[string]struct {
		test func(w *platformtest.World, caller oxlin.Caller)
		want string // "" for a test that passes
	}{
		"no fault": {func(w *platformtest.World, caller oxlin.Caller) {
			w.Log.Logger().Info("nobody reads this")
			w.Connect(caller, connect.AuthorizeRequest{}, "dev")
		}, ""},
		"a job without a connector": {func(w *platformtest.World, caller oxlin.Caller) {
			w.Arrive(caller, w.Authorize(caller, connect.AuthorizeRequest{ReturnURI: "https://integrator.example/"}, "dev"))
			w.Catalogue.Catalogue = platformtest.NoProviders{}
			w.Settle()
		}, "no connector for 8701 of 87"},
		"a request that the platform refuses": {func(w *platformtest.World, caller oxlin.Caller) {
			caller.Client.Licensed = false
			w.Authorize(caller, connect.AuthorizeRequest{}, "dev")
		}, string(oxlin.CodeAgreementRequired)},
		"an address that is not the bank's": {func(w *platformtest.World, _ oxlin.Caller) {
			w.LogIn(w.BankURL+"/nowhere", "dev")
		}, "it has no form"},
		"a scenario that the bank does not have": {func(w *platformtest.World, _ oxlin.Caller) {
			w.Scenario("dev", "no such scenario")
		}, "/control/scenario: HTTP 4"},
		"the log of a test that fails": {func(w *platformtest.World, _ oxlin.Caller) {
			w.Log.Logger().Info("a line of the platform")
			w.T.Fatal("a fault of the test")
		}, "a line of the platform"},
	} {
		t.Run(name, func(t *testing.T) {
			text, failed := watch(t, row.test)
			if failed != (row.want != "") || !strings.Contains(text, row.want) || row.want == "" && text != "" {
				t.Errorf("failed: %t; it shows %q, want %q", failed, text, row.want)
			}
		})
	}
}
