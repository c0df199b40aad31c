package synchro_test

import (
	"errors"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/keeper/keepertest"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/testbank"
)

// interrupted is a world whose keeper goes away in the middle of everything.
type interrupted struct {
	*world
	keeper *keepertest.Keeper
	// steady keeps the keeper where it is, and often counts how often it went away.
	steady bool
	often  int
}

// each repeats an operation. At the nth try the keeper is away from its nth request on, until a try
// needs no more requests than that.
func (w *interrupted) each(what string, do func() error) {
	w.T.Helper()
	if w.steady {
		err := do()
		if err != nil {
			w.T.Fatalf("%s: %v", what, err)
		}
		return
	}
	for at := 0; ; at++ {
		met := false
		w.keeper.AwayIf(func(n int) bool { met = met || n >= at; return n >= at })
		err := do()
		w.keeper.AwayIf(func(int) bool { return false })
		if err == nil {
			return
		}
		if !met || !errors.Is(err, vault.ErrAway) || oxlin.AsError(err).Code != oxlin.CodeUnavailable {
			w.T.Fatalf("%s, away from request %d on: %v", what, at, err)
		}
		w.often++
	}
}

// settle runs the jobs until all that are left wait for a user.
func (w *interrupted) settle() {
	w.T.Helper()
	for {
		job, found := w.Queue.TakeRun(func(run jobstest.Run) bool { return run.NotBefore.Sub(w.Clock.Now()) <= 100*time.Second })
		if !found {
			return
		}
		if wait := job.NotBefore.Sub(w.Clock.Now()); wait > 0 {
			w.Clock.Advance(wait)
		}
		w.each("a job", func() error { return w.Engine.Run(w.T.Context(), job.ID) })
	}
}

// journey connects both channels, and reads rows of an older decoder and a record that it could not
// read anew. It returns the rows without what differs from user to user.
func (w *interrupted) journey(t *testing.T) []oxlin.Transaction {
	t.Helper()
	ctx := t.Context()
	var left *url.URL
	var browser oxlin.Secret
	w.each("the way to the bank", func() error {
		departure, err := w.Service.Authorizations.Leave(ctx, w.caller, connect.AuthorizeRequest{
			ProviderID: "87", DefinitionID: "8701", ReturnURI: "https://integrator.example/return", AutoSync: true,
		})
		if err == nil {
			left = w.LogIn(departure.Address, "dev")
			browser = departure.Browser
		}
		return err
	})
	var id oxlin.ConnectionID
	w.each("the way back", func() error {
		answer := left.Query()
		result, err := w.Service.Authorizations.Finish(ctx, connect.Callback{State: answer.Get("state"), Query: answer, Browser: browser, PSU: w.caller.PSU})
		if err == nil && result.Status != "success" {
			t.Fatalf("the callback ended with %+v", result)
		}
		id = result.ConnectionID
		return err
	})
	w.settle()

	typed := w.typed("dev", "dev")
	w.each("credentials", func() error { return w.Service.Credentials.Replace(ctx, w.caller, id, "8700", typed) })
	w.settle()
	answer := func() {
		for _, answers := range []map[oxlin.CredentialID]string{platformtest.SendSMS, platformtest.RightCode} {
			if w.asksAgain() {
				// The bank's answer to the password was lost, as in a crash. The keeper stays
				// until the user's agreement has led to the next question.
				steady := w.steady
				w.steady = true
				w.answer(id, sendAgain)
				w.steady = steady
			}
			w.each("an answer", func() error {
				return w.Service.Credentials.Answer(ctx, w.caller, id, "8700", connect.UserInput{Answers: answers})
			})
			w.settle()
		}
	}
	answer()

	w.misread(id, "sign", "amount", "")
	account := w.accounts()[0]
	raw, err := w.Vault.Open(w.kept(account.ID)[0].Raw, vault.Place{Table: "transactions", Column: "raw", Row: account.ID.String()})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := w.Vault.Seal(raw, vault.Place{Table: "unreadable_records", Column: "raw", Row: account.ID.String()})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(func(tx *store.Tx) error {
		return tx.SaveUnreadable(ctx, account.ID, store.UnreadableRecord{Content: hashOf(t, w.Vault, raw), Reason: "day", SeenAt: w.Clock.Now(), Raw: sealed})
	})
	w.Clock.Advance(time.Hour)
	w.each("a synchronisation", func() error { return w.Service.Connections.Synchronize(ctx, w.caller, id, oxlin.SyncAll) })
	w.settle()
	if _, asks := w.Queue.TakeRun(jobstest.Any); asks && !w.steady {
		answer() // the bank's answer that made the device known was lost, as in a crash
	}
	for _, channel := range w.connection(id).Channels {
		if channel.Status != oxlin.ChannelSuccess {
			t.Errorf("the channel %s is %s", channel.DefinitionID, channel.Status)
		}
	}
	for _, account := range w.accounts() {
		if account.Coverage.UnreadableRows != 0 {
			t.Errorf("%s has %d rows that cannot be read", account.Name, account.Coverage.UnreadableRows)
		}
	}
	rows := w.transactions()
	for i := range rows {
		rows[i].ID, rows[i].AccountID, rows[i].ImportedAt, rows[i].UpdatedAt = 0, 0, time.Time{}, time.Time{}
	}
	return rows
}

// The keeper of the master key goes away at each of its requests in turn, in every job and call of a
// user. Each returns ErrAway, and in the end the user has what another one has whose keeper never went
// away: nothing was taken for damaged, doubled or lost.
func TestAKeeperThatGoesAwayChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		key := vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")}
		keeper := keepertest.Start(t, key, nil)
		v, err := vault.Open(vault.Options{Socket: keeper.Socket})
		if err != nil {
			t.Fatal(err)
		}
		inner := platformtest.New(t, db, platformtest.Options{Bank: testbank.Options{PageSize: 40}, PublicURL: "https://oxlin.example", Vault: v})
		var rows [2][]oxlin.Transaction
		for i, steady := range []bool{true, false} {
			w := &interrupted{keeper: keeper, world: &world{World: inner, caller: inner.LicensedCaller()}, steady: steady}
			rows[i] = w.journey(t)
			if !steady && w.often < 40 {
				t.Errorf("the keeper went away %d times", w.often)
			}
		}
		if diff := cmp.Diff(rows[0], rows[1], sameRows); diff != "" || len(rows[0]) == 0 {
			t.Errorf("rows (-without +with interruptions):\n%s", diff)
		}
	})
}
